//! The files of a workspace, and changes in them.

use std::fs;
use std::path::{Path, PathBuf};

use super::edit::Edit;
use crate::git;
use crate::workspace;

/// The files of a workspace.
pub(super) struct Tree {
    root: PathBuf,
}

/// What becomes of a file.
pub(super) struct Change {
    path: PathBuf,
    before: String,
    after: String,
}

impl Tree {
    /// Returns this workspace.
    #[cfg(test)]
    pub(super) fn of_workspace() -> Self {
        Self { root: workspace::root() }
    }

    /// Copies this workspace, with what is not committed yet, and without what git ignores.
    pub(super) fn copied(to: &Path) -> Result<Self, String> {
        let files = git::files();
        let files = files.ok_or("git cannot say which files belong to the workspace")?;
        if to.exists() {
            fs::remove_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
        }
        for file in files {
            let (from, to) = (workspace::root().join(&file), to.join(&file));
            // It may have been deleted.
            if from.is_file() {
                to.parent()
                    .map_or(Ok(()), fs::create_dir_all)
                    .and_then(|()| fs::copy(&from, &to))
                    .map_err(|error| format!("{}: {error}", to.display()))?;
            }
        }
        Ok(Self { root: to.to_owned() })
    }

    /// Returns what these edits make of the files.
    ///
    /// # Errors
    /// There is not exactly one place for each.
    pub(super) fn changes(&self, edits: &[Edit]) -> Result<Vec<Change>, String> {
        let mut changes: Vec<Change> = Vec::new();
        for edit in edits {
            let (path, before) = self.place(edit)?;
            let known = changes.iter().position(|change| change.path == path);
            let index = known.unwrap_or(changes.len());
            if known.is_none() {
                changes.push(Change { path, after: before.clone(), before });
            }
            let change = &mut changes[index];
            // Once more, for an earlier edit may have moved it.
            let places = edit.places(&change.after)?;
            let [place] = &places[..] else { return Err(format!("no longer there: {edit}")) };
            change.after.replace_range(place.clone(), edit.new);
        }
        Ok(changes)
    }

    /// Returns the only file in which this edit has a place, and its text.
    fn place(&self, edit: &Edit) -> Result<(PathBuf, String), String> {
        let mut found = Vec::new();
        for path in workspace::sources(&self.root.join(edit.sources))? {
            let text = fs::read_to_string(&path);
            let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
            let places =
                edit.places(&text).map_err(|error| format!("{}: {error}", path.display()))?;
            found.extend(places.iter().map(|_| (path.clone(), text.clone())));
        }
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(format!("not found: {edit}")),
            many => Err(format!("found {many} times: {edit}")),
        }
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
