//! A file system that asks before each operation, so that a test can let it fail.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::file_system::{DirHandle, FileStatus, FileSystem, Listing, OpenMode, RenameMode};
use super::native::NativeFileSystem;

/// An operation of a [`FileSystem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskOperation {
    /// [`FileSystem::create_dir_all`].
    CreateDirAll,
    /// [`FileSystem::canonicalize`].
    Canonicalize,
    /// [`FileSystem::open_dir`].
    OpenDir,
    /// [`FileSystem::open_dir_in`].
    OpenDirIn,
    /// [`FileSystem::create_dir`].
    CreateDir,
    /// [`FileSystem::list`].
    List,
    /// [`FileSystem::status`].
    Status,
    /// [`FileSystem::open_file`].
    OpenFile,
    /// [`FileSystem::remove_file`].
    RemoveFile,
    /// [`FileSystem::remove_dir`].
    RemoveDir,
    /// [`FileSystem::rename`].
    Rename,
    /// [`FileSystem::free_space`].
    FreeSpace,
    /// [`FileSystem::sync_dir`].
    SyncDir,
    /// [`FileSystem::lock`].
    Lock,
    /// [`FileSystem::read`].
    Read,
    /// [`FileSystem::write`].
    Write,
    /// [`FileSystem::seek`].
    Seek,
    /// [`FileSystem::set_len`].
    SetLen,
    /// [`FileSystem::sync`].
    Sync,
    /// [`FileSystem::file_status`].
    FileStatus,
    /// [`FileSystem::set_modified`].
    SetModified,
    /// [`FileSystem::set_mode`].
    SetMode,
}

impl DiskOperation {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::CreateDirAll,
        Self::Canonicalize,
        Self::OpenDir,
        Self::OpenDirIn,
        Self::CreateDir,
        Self::List,
        Self::Status,
        Self::OpenFile,
        Self::RemoveFile,
        Self::RemoveDir,
        Self::Rename,
        Self::FreeSpace,
        Self::SyncDir,
        Self::Lock,
        Self::Read,
        Self::Write,
        Self::Seek,
        Self::SetLen,
        Self::Sync,
        Self::FileStatus,
        Self::SetModified,
        Self::SetMode,
    ];
}

type Guard = dyn Fn(DiskOperation) -> io::Result<()> + Send + Sync;

/// The file system of the operating system, behind a guard that is asked before each operation:
/// for tests of what becomes of files when operations fail.
pub struct GuardedFileSystem {
    native: NativeFileSystem,
    guard: Box<Guard>,
}

impl GuardedFileSystem {
    /// Creates a file system whose operations fail when `guard` does, with its error.
    pub fn new(guard: impl Fn(DiskOperation) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self { native: NativeFileSystem, guard: Box::new(guard) }
    }
}

impl fmt::Debug for GuardedFileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedFileSystem").finish_non_exhaustive()
    }
}

impl FileSystem for GuardedFileSystem {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        (self.guard)(DiskOperation::CreateDirAll)?;
        self.native.create_dir_all(path)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        (self.guard)(DiskOperation::Canonicalize)?;
        self.native.canonicalize(path)
    }

    fn open_dir(&self, path: &Path) -> io::Result<DirHandle> {
        (self.guard)(DiskOperation::OpenDir)?;
        self.native.open_dir(path)
    }

    fn open_dir_in(&self, within: &DirHandle, name: &str) -> io::Result<DirHandle> {
        (self.guard)(DiskOperation::OpenDirIn)?;
        self.native.open_dir_in(within, name)
    }

    fn create_dir(&self, within: &DirHandle, name: &str, private: bool) -> io::Result<()> {
        (self.guard)(DiskOperation::CreateDir)?;
        self.native.create_dir(within, name, private)
    }

    fn list(&self, within: &DirHandle, path: &Path) -> io::Result<Listing> {
        (self.guard)(DiskOperation::List)?;
        self.native.list(within, path)
    }

    fn status(
        &self,
        within: Option<&DirHandle>,
        path: &Path,
        follow: bool,
    ) -> io::Result<FileStatus> {
        (self.guard)(DiskOperation::Status)?;
        self.native.status(within, path, follow)
    }

    fn open_file(
        &self,
        within: Option<&DirHandle>,
        path: &Path,
        mode: OpenMode,
    ) -> io::Result<File> {
        (self.guard)(DiskOperation::OpenFile)?;
        self.native.open_file(within, path, mode)
    }

    fn remove_file(&self, within: &DirHandle, name: &str) -> io::Result<()> {
        (self.guard)(DiskOperation::RemoveFile)?;
        self.native.remove_file(within, name)
    }

    fn remove_dir(&self, within: &DirHandle, name: &str) -> io::Result<()> {
        (self.guard)(DiskOperation::RemoveDir)?;
        self.native.remove_dir(within, name)
    }

    fn rename(
        &self,
        from: &DirHandle,
        name: &str,
        to: &DirHandle,
        new_name: &str,
        mode: RenameMode,
    ) -> io::Result<()> {
        (self.guard)(DiskOperation::Rename)?;
        self.native.rename(from, name, to, new_name, mode)
    }

    fn free_space(&self, dir: &DirHandle) -> io::Result<Option<u64>> {
        (self.guard)(DiskOperation::FreeSpace)?;
        self.native.free_space(dir)
    }

    fn sync_dir(&self, dir: &DirHandle) -> io::Result<()> {
        (self.guard)(DiskOperation::SyncDir)?;
        self.native.sync_dir(dir)
    }

    fn lock(&self, file: &File) -> io::Result<()> {
        (self.guard)(DiskOperation::Lock)?;
        self.native.lock(file)
    }

    fn read(&self, file: &File, buffer: &mut Vec<u8>, len: u64) -> io::Result<usize> {
        (self.guard)(DiskOperation::Read)?;
        self.native.read(file, buffer, len)
    }

    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize> {
        (self.guard)(DiskOperation::Write)?;
        self.native.write(file, bytes)
    }

    fn seek(&self, file: &File, offset: u64) -> io::Result<()> {
        (self.guard)(DiskOperation::Seek)?;
        self.native.seek(file, offset)
    }

    fn set_len(&self, file: &File, len: u64) -> io::Result<()> {
        (self.guard)(DiskOperation::SetLen)?;
        self.native.set_len(file, len)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        (self.guard)(DiskOperation::Sync)?;
        self.native.sync(file)
    }

    fn file_status(&self, file: &File) -> io::Result<FileStatus> {
        (self.guard)(DiskOperation::FileStatus)?;
        self.native.file_status(file)
    }

    fn set_modified(&self, file: &File, time: SystemTime) -> io::Result<()> {
        (self.guard)(DiskOperation::SetModified)?;
        self.native.set_modified(file, time)
    }

    fn set_mode(&self, file: &File, mode: u32) -> io::Result<()> {
        (self.guard)(DiskOperation::SetMode)?;
        self.native.set_mode(file, mode)
    }
}
