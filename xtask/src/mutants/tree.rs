//! The files of a workspace, and changes in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::commands::answer;
use crate::workspace;

/// The files of a workspace.
pub(super) struct Tree {
    root: PathBuf,
}

/// A piece of text that stands in for another one.
#[derive(Clone, Copy)]
pub(super) struct Edit {
    pub(super) file: &'static str,
    /// Must occur exactly once in the file.
    pub(super) old: &'static str,
    pub(super) new: &'static str,
}

/// What becomes of a file.
pub(super) struct Change {
    path: PathBuf,
    before: String,
    after: String,
}

impl Tree {
    /// This workspace.
    #[cfg(test)]
    pub(super) fn of_workspace() -> Self {
        Self { root: workspace::root() }
    }

    /// A copy of this workspace, with what is not committed yet, and without what git ignores.
    pub(super) fn copied(to: &Path) -> Result<Self, String> {
        let mut git = Command::new("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let files = answer(git.current_dir(workspace::root()));
        let files = files.ok_or("git cannot say which files belong to the workspace")?;
        if to.exists() {
            fs::remove_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
        }
        for file in files.split_terminator('\0') {
            let (from, to) = (workspace::root().join(file), to.join(file));
            // What was deleted and not committed is still listed.
            if from.is_file() {
                to.parent()
                    .map_or(Ok(()), fs::create_dir_all)
                    .and_then(|()| fs::copy(&from, &to))
                    .map_err(|error| format!("{}: {error}", to.display()))?;
            }
        }
        Ok(Self { root: to.to_owned() })
    }

    /// What these edits do. An error if there is not exactly one place for each.
    pub(super) fn changes(&self, edits: &[Edit]) -> Result<Vec<Change>, String> {
        let mut changes: Vec<Change> = Vec::new();
        for edit in edits {
            let path = self.root.join(edit.file);
            if !changes.iter().any(|change| change.path == path) {
                let before = fs::read_to_string(&path);
                let before = before.map_err(|error| format!("{}: {error}", edit.file))?;
                changes.push(Change { path: path.clone(), after: before.clone(), before });
            }
            for change in changes.iter_mut().filter(|change| change.path == path) {
                let count = change.after.matches(edit.old).count();
                if count != 1 {
                    return Err(format!("{} has {count} times: {}", edit.file, edit.old));
                }
                change.after = change.after.replacen(edit.old, edit.new, 1);
            }
        }
        Ok(changes)
    }
}

impl Change {
    pub(super) fn make(&self) -> Result<(), String> {
        self.write(&self.after)
    }

    pub(super) fn undo(&self) -> Result<(), String> {
        self.write(&self.before)
    }

    fn write(&self, text: &str) -> Result<(), String> {
        fs::write(&self.path, text).map_err(|error| format!("{}: {error}", self.path.display()))
    }
}
