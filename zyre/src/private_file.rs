//! Files that only their user can read.

#[cfg(unix)]
use std::fs::File;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

/// Options for such a file.
pub(crate) fn options() -> OpenOptions {
    #[allow(unused_mut, reason = "elsewhere the directory of the user protects it")]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Removes what another process may have left.
pub(crate) fn remove_leftover(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Writes a text where nothing is yet, and waits until the disk has it.
pub(crate) fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = options().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Waits until the disk has the names in a directory.
#[cfg(unix)]
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Here a directory cannot be opened.
#[cfg(not(unix))]
pub(crate) const fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
