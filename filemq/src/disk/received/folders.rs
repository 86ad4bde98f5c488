//! Which folder an origin has: the origin decides, and the name is for people.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::folder_name::{candidates, folded, safe};
use super::index::FolderIndex;
use super::record::{FileRecord, JournalRecord};
use crate::VirtualPath;
use crate::disk::Directory;

/// From this number on folders of origins that have nothing here are forgotten.
const MAX_UNUSED: usize = 1_000;

impl FolderIndex {
    /// Returns the name of the folder that an origin has.
    pub(super) fn folder(&mut self, origin: &Arc<str>) -> Option<String> {
        if let Some(name) = self.state.folders.get(origin) {
            return Some(name.clone());
        }
        // In a folder of before, the folder of an origin is named by it.
        let folder = VirtualPath::root().join(origin).ok()?;
        let delivered = self.within(&folder).any(|file| file.origin == *origin);
        let paused = self.state.paused.get(origin);
        let is_paused = paused.is_some_and(|paused| folder.covers(&paused.name));
        (delivered || is_paused).then(|| self.name_folder(origin, origin.to_string()))
    }

    /// Gives an origin a folder of its own, and returns its name: as close to `wish` as is possible
    /// and free. It is kept until nothing of the origin is there and there are many others.
    ///
    /// # Errors
    /// It cannot be found out which names are free. That can pass.
    pub(super) fn make_folder(
        &mut self,
        origin: &Arc<str>,
        wish: &str,
        root: &Directory,
    ) -> io::Result<String> {
        if let Some(name) = self.folder(origin) {
            return Ok(name);
        }
        self.forget_unused();
        let taken: BTreeSet<_> = self.state.folders.values().map(|name| folded(name)).collect();
        let safe_origin = safe(origin).unwrap_or_else(|| "unnamed".to_owned());
        let name = safe(wish).unwrap_or_else(|| safe_origin.clone());
        for name in candidates(&name, &safe_origin) {
            if !taken.contains(&folded(&name))
                && !self.is_used(&name, origin)
                && is_free(root, &name)?
            {
                let name = self.name_folder(origin, name);
                self.sync();
                return Ok(name);
            }
        }
        // There is no end of candidates.
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn name_folder(&mut self, origin: &Arc<str>, name: String) -> String {
        let origin = self.state.origin(origin);
        self.append([JournalRecord::Named(&origin, &name)]);
        self.state.folders.insert(origin, name.clone());
        name
    }

    /// Returns whether files were delivered below this name or can be resumed there, or it is that of
    /// another origin, which may have had its folder before folders had names.
    fn is_used(&self, name: &str, origin: &str) -> bool {
        let Ok(folder) = VirtualPath::root().join(name) else { return true };
        let mut origins = self.state.paused.keys().chain(&self.entered);
        self.within(&folder).next().is_some()
            || self.state.paused.values().any(|paused| folder.covers(&paused.name))
            || origins.any(|other| **other != *origin && folded(other) == folded(name))
    }

    /// Iterates over the files at or below a path.
    fn within<'a>(&'a self, folder: &'a VirtualPath) -> impl Iterator<Item = &'a FileRecord> {
        let within = self.state.files.iter().filter(|(name, _)| folder.covers(name));
        within.map(|(_, file)| file)
    }

    /// Forgets the folders of origins that have nothing here, if there are many folders.
    fn forget_unused(&mut self) {
        if self.state.folders.len() < MAX_UNUSED {
            return;
        }
        let files = self.state.files.values().map(|file| &file.origin);
        let used: BTreeSet<_> =
            files.chain(self.state.paused.keys()).chain(&self.entered).cloned().collect();
        let folders = self.state.folders.keys();
        let unused: Vec<_> = folders.filter(|origin| !used.contains(*origin)).cloned().collect();
        self.append(unused.iter().map(|origin| JournalRecord::Unnamed(origin)));
        for origin in unused {
            self.state.folders.remove(&origin);
        }
    }
}

/// Returns whether nothing of this name is in the folder, also where case makes no difference.
fn is_free(root: &Directory, name: &str) -> io::Result<bool> {
    match root.link_status(Path::new(name)) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}
