//! What git knows of this workspace.

use std::path::PathBuf;
use std::process::Command;

use crate::commands::answer;
use crate::workspace;

/// Returns git, at the root of the workspace.
pub(crate) fn git(arguments: &str) -> Command {
    let mut git = Command::new("git");
    git.args(arguments.split_whitespace()).current_dir(workspace::root());
    git
}

/// Returns the commit of this workspace, with `+` if something in it is not committed.
pub(crate) fn commit() -> Option<String> {
    let commit = answer(&mut git("rev-parse --short=10 HEAD"))?;
    // Nothing to say is no answer.
    Some(if answer(&mut git("status --porcelain")).is_some() { commit + "+" } else { commit })
}

/// Returns the files of this workspace, with those that are not committed yet, and without what git
/// ignores. What was deleted and not committed is there as well.
pub(crate) fn files() -> Option<Vec<PathBuf>> {
    let files = answer(&mut git("ls-files -z --cached --others --exclude-standard"))?;
    Some(files.split_terminator('\0').map(PathBuf::from).collect())
}
