//! Open directories and files, together with the file system that they belong to.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::file_system::{DirHandle, FileStatus, FileSystem, Listing, OpenMode, RenameMode};

/// An open directory. Clones are the same directory.
#[derive(Clone, Debug)]
pub struct Directory {
    system: Arc<dyn FileSystem>,
    handle: Arc<DirHandle>,
}

/// An open file.
#[derive(Debug)]
pub struct DiskFile {
    system: Arc<dyn FileSystem>,
    file: File,
}

impl Directory {
    /// Opens a directory anywhere on the machine.
    ///
    /// # Errors
    /// It does not exist, or cannot be opened.
    pub fn open(system: &Arc<dyn FileSystem>, path: &Path) -> io::Result<Self> {
        Ok(Self::new(system, system.open_dir(path)?))
    }

    fn new(system: &Arc<dyn FileSystem>, handle: DirHandle) -> Self {
        Self { system: system.clone(), handle: Arc::new(handle) }
    }

    /// Opens a directory directly in this one. A link is an error.
    pub(super) fn open_dir(&self, name: &str) -> io::Result<Self> {
        Ok(Self::new(&self.system, self.system.open_dir_in(&self.handle, name)?))
    }

    pub(super) fn create_dir(&self, name: &str) -> io::Result<()> {
        self.system.create_dir(&self.handle, name, false)
    }

    /// Opens a directory directly in this one that only this user can read, and creates it if it is
    /// not there.
    pub(super) fn private_dir(&self, name: &str) -> io::Result<Self> {
        match self.system.create_dir(&self.handle, name, true) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => self.open_dir(name),
        }
    }

    /// Reports what is at a path anywhere on the machine; links are followed.
    pub(super) fn status_of(&self, path: &Path) -> io::Result<FileStatus> {
        self.system.status(None, path, true)
    }

    /// Lists the directory at `path` beneath this one; an empty path is this one.
    pub(super) fn list(&self, path: &Path) -> io::Result<Listing> {
        self.system.list(&self.handle, path)
    }

    /// Reports what is at `path` beneath this directory; links are followed.
    pub(super) fn status(&self, path: &Path) -> io::Result<FileStatus> {
        self.system.status(Some(&self.handle), path, true)
    }

    /// Reports what is at `path` beneath this directory; a link at its end is not followed.
    pub(super) fn link_status(&self, path: &Path) -> io::Result<FileStatus> {
        self.system.status(Some(&self.handle), path, false)
    }

    pub(super) fn open_file(&self, path: impl AsRef<Path>, mode: OpenMode) -> io::Result<DiskFile> {
        let file = self.system.open_file(Some(&self.handle), path.as_ref(), mode)?;
        Ok(DiskFile { system: self.system.clone(), file })
    }

    pub(super) fn remove_file(&self, name: &str) -> io::Result<()> {
        self.system.remove_file(&self.handle, name)
    }

    pub(super) fn remove_dir(&self, name: &str) -> io::Result<()> {
        self.system.remove_dir(&self.handle, name)
    }

    pub(super) fn rename(
        &self,
        name: &str,
        to: &Self,
        new_name: &str,
        mode: RenameMode,
    ) -> io::Result<()> {
        self.system.rename(&self.handle, name, &to.handle, new_name, mode)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.system.sync_dir(&self.handle)
    }

    /// Returns how many bytes are free on its disk, if that is known.
    pub(super) fn free_space(&self) -> Option<u64> {
        self.system.free_space(&self.handle).ok().flatten()
    }

    /// Returns whether both are the same open directory.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.handle, &other.handle)
    }
}

impl DiskFile {
    /// Opens a file anywhere on the machine for reading.
    pub(super) fn open(system: &Arc<dyn FileSystem>, path: &Path) -> io::Result<Self> {
        let file = system.open_file(None, path, OpenMode::Read)?;
        Ok(Self { system: system.clone(), file })
    }

    pub(super) fn lock(&self) -> io::Result<()> {
        self.system.lock(&self.file)
    }

    /// Appends up to `len` bytes to `buffer`; fewer only at the end of the file.
    pub(super) fn read(&self, buffer: &mut Vec<u8>, len: u64) -> io::Result<usize> {
        self.system.read(&self.file, buffer, len)
    }

    pub(super) fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.system.write(&self.file, bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(super) fn seek(&self, offset: u64) -> io::Result<()> {
        self.system.seek(&self.file, offset)
    }

    pub(super) fn set_len(&self, len: u64) -> io::Result<()> {
        self.system.set_len(&self.file, len)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.system.sync(&self.file)
    }

    /// Reports the status of the file.
    ///
    /// # Errors
    /// Any error of the operating system.
    pub fn status(&self) -> io::Result<FileStatus> {
        self.system.file_status(&self.file)
    }

    pub(super) fn set_modified(&self, time: SystemTime) -> io::Result<()> {
        self.system.set_modified(&self.file, time)
    }

    pub(super) fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.system.set_mode(&self.file, mode)
    }
}
