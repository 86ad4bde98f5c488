//! Where the content of a published file is.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zmtp::sync::Mutex;

use super::file_system::{FileSystem, OpenMode};
use super::handles::{Directory, DiskFile};
use super::native::NativeFileSystem;
use crate::version::Version;

/// A file beneath a directory that no path leads out of, or anywhere on the machine if the server's
/// own configuration names it.
#[derive(Clone, Debug)]
pub struct FileSource {
    place: SourcePlace,
    /// Relative to the directory, or else absolute.
    path: PathBuf,
}

#[derive(Clone, Debug)]
enum SourcePlace {
    Beneath(Arc<SharedRoot>),
    Anywhere(Arc<dyn FileSystem>),
}

/// A directory that is published. It can go and come back as another one, when a disk is mounted
/// again for instance: sources beneath it then refer to the new one.
#[derive(Debug)]
pub struct SharedRoot(Mutex<Directory>);

impl SharedRoot {
    /// Creates the root of this directory.
    #[must_use]
    pub const fn new(directory: Directory) -> Self {
        Self(Mutex::new(directory))
    }

    pub(super) fn directory(&self) -> Directory {
        self.0.lock().clone()
    }

    pub(super) fn replace(&self, directory: Directory) {
        let old = std::mem::replace(&mut *self.0.lock(), directory);
        // Closed when the lock is free.
        drop(old);
    }
}

impl FileSource {
    /// A file beneath a directory.
    #[must_use]
    pub const fn beneath(root: Arc<SharedRoot>, path: PathBuf) -> Self {
        Self { place: SourcePlace::Beneath(root), path }
    }

    /// A file anywhere on the machine, which only the server's own configuration may name.
    #[must_use]
    pub fn anywhere(path: PathBuf) -> Self {
        Self::anywhere_on(NativeFileSystem::shared(), path)
    }

    pub(super) const fn anywhere_on(system: Arc<dyn FileSystem>, path: PathBuf) -> Self {
        Self { place: SourcePlace::Anywhere(system), path }
    }

    /// Relative to the directory, or else absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file for reading, and reports its version. Never waits for a writer, as opening a
    /// FIFO would.
    ///
    /// # Errors
    /// It does not exist, is not a regular file, lies outside the directory because of links, or
    /// cannot be read.
    pub fn open(&self) -> io::Result<(DiskFile, Version)> {
        let file = match &self.place {
            SourcePlace::Beneath(root) => root.directory().open_file(&self.path, OpenMode::Read)?,
            SourcePlace::Anywhere(system) => DiskFile::open(system, &self.path)?,
        };
        let version = Version::of(&file.status()?)?;
        Ok((file, version))
    }

    /// Reports the version of the file without opening it.
    ///
    /// # Errors
    /// As for [`open`](Self::open), except that the file need not be readable.
    pub fn version(&self) -> io::Result<Version> {
        Version::of(&match &self.place {
            SourcePlace::Beneath(root) => root.directory().status(&self.path)?,
            SourcePlace::Anywhere(system) => system.status(None, &self.path, true)?,
        })
    }

    /// Returns whether both refer to the same path in the same place.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.path == other.path
            && match (&self.place, &other.place) {
                (SourcePlace::Anywhere(_), SourcePlace::Anywhere(_)) => true,
                (SourcePlace::Beneath(a), SourcePlace::Beneath(b)) => Arc::ptr_eq(a, b),
                _ => false,
            }
    }
}
