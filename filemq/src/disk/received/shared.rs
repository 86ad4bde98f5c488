//! What all writers of a received folder share.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use zmtp::sync::Mutex;

use super::index::FolderIndex;
use super::usage::Reservation;
use crate::VirtualPath;
use crate::disk::{Directory, DiskFile, FileKind, FileStatus};

/// No name that is taken leads there.
pub(super) const HIDDEN: &str = ".filemq";

/// Where partial files are.
const PARTIAL: &str = ".filemq/partial";

/// The most files whose directories are part of a sign.
const MAX_SIGNS: usize = 16;

/// What tells whether something has changed about a folder that may make an order succeed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FolderSign {
    /// Bytes that are free on the disk.
    free: Option<u64>,
    /// Bytes and files that are taken in the folder.
    taken: (u64, usize),
    /// The directories that matter: kind, permissions, numbers.
    directories: Vec<Option<(FileKind, u32, u64, u64)>>,
}

impl FolderSign {
    /// Returns whether there is reason to hope since an earlier state: there is more room, or a
    /// directory is another one or has other permissions.
    pub(super) fn gives_hope_since(&self, before: &Self) -> bool {
        self.free > before.free
            || self.taken.0 < before.taken.0
            || self.taken.1 < before.taken.1
            || self.directories != before.directories
    }
}

/// What all writers of a received folder share.
#[derive(Debug)]
pub(super) struct FolderShared {
    pub(super) path: PathBuf,
    pub(super) root: Directory,
    /// The directory of partial files.
    pub(super) partial: Directory,
    /// Which directories these are.
    identity: Identity,
    pub(super) durable: bool,
    pub(super) index: Mutex<FolderIndex>,
    /// Partial files that could not be removed.
    leftovers: Mutex<BTreeSet<String>>,
    /// Locked as long as it is open.
    _lock: DiskFile,
}

/// The numbers of the directory and of that of partial files.
type Identity = [(u64, u64); 2];

impl FolderShared {
    pub(super) fn new(
        path: PathBuf,
        root: Directory,
        partial: Directory,
        durable: bool,
        index: FolderIndex,
        lock: DiskFile,
    ) -> io::Result<Self> {
        let index = Mutex::new(index);
        let identity = identity(&root, &path)?;
        let leftovers = Mutex::default();
        Ok(Self { path, root, partial, identity, durable, index, leftovers, _lock: lock })
    }

    /// Returns whether the directory is still that to which its path leads, and has its partial
    /// files.
    ///
    /// # Errors
    /// That cannot be found out now.
    pub(super) fn is_in_place(&self) -> io::Result<bool> {
        use io::ErrorKind::{NotADirectory, NotFound};
        match identity(&self.root, &self.path) {
            Ok(identity) => Ok(identity == self.identity),
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns where a file is on this machine.
    pub(super) fn path_of(&self, name: &VirtualPath) -> PathBuf {
        let mut path = self.path.clone();
        path.extend(name.components());
        path
    }

    /// Returns the state of the folder, and of the directories of these files.
    pub(super) fn sign<'a>(&self, files: impl Iterator<Item = &'a VirtualPath>) -> FolderSign {
        let directories = files.take(MAX_SIGNS).flat_map(|name| {
            let path = &name.as_str()[1..];
            let above = path.match_indices('/').map(|(at, _)| Path::new(&path[..at]));
            above.chain([Path::new(path)]).map(|path| self.root.link_status(path).ok())
        });
        let own = [Path::new("."), Path::new(HIDDEN), Path::new(PARTIAL)];
        let own = own.into_iter().map(|path| self.root.link_status(path).ok());
        let status = |status: Option<FileStatus>| {
            status.map(|status| (status.kind, status.mode, status.inode, status.device))
        };
        FolderSign {
            free: self.partial.free_space(),
            taken: self.index.lock().taken(),
            directories: own.chain(directories).map(status).collect(),
        }
    }

    /// Drops a partial file, with the room that was reserved for it.
    pub(super) fn discard(&self, origin: &str, file_name: &str, room: Reservation, recorded: bool) {
        self.index.lock().release(origin, room);
        if recorded {
            self.remove_recorded(origin, file_name);
        } else {
            self.remove_partial(file_name);
        }
    }

    /// Removes a partial file that is in the journal.
    pub(super) fn remove_recorded(&self, origin: &str, file_name: &str) {
        self.remove_partial(file_name);
        self.index.lock().unpause(origin);
    }

    pub(super) fn remove_partial(&self, file_name: &str) {
        match self.partial.remove_file(file_name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "a partial file cannot be removed now");
                self.leftovers.lock().insert(file_name.to_owned());
            }
            _ => {}
        }
    }

    /// Notes that a partial file is written anew, so that it is none of those to be removed.
    pub(super) fn reuse_partial(&self, file_name: &str) {
        self.leftovers.lock().remove(file_name);
    }

    /// Removes partial files that could not be removed before.
    pub(super) fn remove_leftovers(&self) {
        let leftovers = std::mem::take(&mut *self.leftovers.lock());
        leftovers.iter().for_each(|file_name| self.remove_partial(file_name));
    }
}

fn identity(root: &Directory, path: &Path) -> io::Result<Identity> {
    let numbers = |status: FileStatus| (status.device, status.inode);
    let outside = root.status_of(path)?;
    Ok([numbers(outside), numbers(root.link_status(Path::new(PARTIAL))?)])
}
