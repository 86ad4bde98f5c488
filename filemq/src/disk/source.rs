//! Where the content of a published file is.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use cap_fs_ext::OpenOptionsSyncExt;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use crate::Version;

/// A file, beneath a directory that nothing leads out of, or anywhere if the server's own
/// configuration names it.
#[derive(Clone, Debug)]
pub struct Source {
    /// The directory beneath which it has to be.
    pub beneath: Option<Arc<Root>>,
    /// Relative to that directory, or else absolute.
    pub path: PathBuf,
}

/// A directory that is published. It can go and come back as another one, when a disk is mounted
/// again for instance: sources beneath it then mean the new one.
#[derive(Debug)]
pub struct Root(RwLock<Arc<Dir>>);

impl Root {
    /// This directory.
    #[must_use]
    pub fn new(dir: Dir) -> Self {
        Self(RwLock::new(Arc::new(dir)))
    }

    pub(super) fn dir(&self) -> Arc<Dir> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn replace(&self, dir: Dir) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(dir);
    }
}

impl Source {
    /// A file that the server's own configuration names.
    #[must_use]
    pub const fn anywhere(path: PathBuf) -> Self {
        Self { beneath: None, path }
    }

    /// Opens it for reading, and says in which state it is. Never waits for a writer as a FIFO does.
    ///
    /// # Errors
    /// It is not there, no regular file, links lead out of the directory, or the operating system
    /// does not let it be read.
    pub fn open(&self) -> io::Result<(File, Version)> {
        let mut options = OpenOptions::new();
        options.read(true).nonblock(true);
        let file = match &self.beneath {
            Some(root) => root.dir().open_with(&self.path, &options)?,
            None => {
                cap_std::fs::File::open_ambient_with(&self.path, &options, ambient_authority())?
            }
        }
        .into_std();
        let version = Version::of_file(&file)?;
        Ok((file, version))
    }

    /// In which state it is, without opening it.
    ///
    /// # Errors
    /// As for [`open`](Self::open), but for the permission to read.
    pub fn version(&self) -> io::Result<Version> {
        match &self.beneath {
            Some(root) => Version::of_cap(&root.dir().metadata(&self.path)?),
            None => Version::of_std(&std::fs::metadata(&self.path)?),
        }
    }
}
