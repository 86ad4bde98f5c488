//! `zyre-logger completions` and `zyre-logger man`: made from the options of the command.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;

#[derive(Args)]
pub(crate) struct CompletionOptions {
    /// The shell.
    shell: Shell,
}

#[derive(Args)]
pub(crate) struct PageOptions {
    /// The directory; it is made if it is not there.
    directory: PathBuf,
}

/// Writes the completions for a shell to the standard output.
pub(crate) fn complete(options: &CompletionOptions, mut command: Command) -> io::Result<()> {
    let name = command.get_name().to_owned();
    // Not written by the generator, which panics if nobody reads it.
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut command, name, &mut script);
    io::stdout().write_all(&script)
}

/// Writes a page for the command, and one for each of its subcommands that is no secret.
pub(crate) fn write_pages(options: &PageOptions, command: Command) -> Result<(), String> {
    let directory = &options.directory;
    let failed = |error| format!("{} cannot be written: {error}", directory.display());
    fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(command, directory).map_err(failed)
}
