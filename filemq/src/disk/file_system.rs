//! What this crate asks of a file system.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// An open directory.
#[derive(Debug)]
pub struct DirHandle(pub(super) cap_std::fs::Dir);

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// Something else, a FIFO or a device for instance.
    Other,
}

/// What a file system reports about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStatus {
    /// What it is.
    pub kind: FileKind,
    /// Bytes.
    pub size: u64,
    /// When the content was last changed.
    pub modified: SystemTime,
    /// When anything about the file was last changed, which no program can set; `None` where that is
    /// not told.
    pub changed: Option<SystemTime>,
    /// The lowest nine bits of the Unix permissions; 0o644 on systems without them.
    pub mode: u32,
    /// The number of the file on its device, or 0 where there is none.
    pub inode: u64,
    /// The number of the device, or 0 where there is none.
    pub device: u64,
}

/// One entry of a directory.
#[derive(Debug)]
pub struct ListedEntry {
    /// Its name in the directory.
    pub name: OsString,
    /// What it is; links are not followed.
    pub status: io::Result<FileStatus>,
}

/// The entries of a directory, in no particular order. After an error there may be more.
pub type Listing = Box<dyn Iterator<Item = io::Result<ListedEntry>>>;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// For reading. Does not wait for a writer, as opening a FIFO would.
    Read,
    /// For reading and writing; the file has to exist.
    Modify,
    /// For reading and writing; an empty file is created if there is none.
    ModifyOrCreate,
    /// For writing, empty. A new file gets these permissions, less those of the process's umask.
    Replace {
        /// Unix permissions.
        mode: u32,
    },
}

/// What happens to a file that has the new name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenameMode {
    /// It is replaced.
    Replace,
    /// It stays, and the error is [`AlreadyExists`](io::ErrorKind::AlreadyExists). It is
    /// [`Unsupported`](io::ErrorKind::Unsupported) where the system cannot look and move in one step.
    New,
}

/// The operations of a file system that this crate uses, and no others.
///
/// [`NativeFileSystem`](super::NativeFileSystem) is the implementation that programs use. A test
/// can wrap it and let operations fail.
///
/// A path "beneath" a directory is relative to it, and no link or `..` in it leads out of that
/// directory: such a path is an error. Where the directory is `None` the path is any path of the
/// machine, and links are followed wherever they lead.
pub trait FileSystem: fmt::Debug + Send + Sync + 'static {
    /// Creates a directory and all directories above it that are missing.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Returns the absolute path without any links.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf>;

    /// Opens a directory anywhere on the machine.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn open_dir(&self, path: &Path) -> io::Result<DirHandle>;

    /// Opens a directory directly in `within`. A link is an error.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn open_dir_in(&self, within: &DirHandle, name: &str) -> io::Result<DirHandle>;

    /// Creates a directory directly in `within`; only this user can read a `private` one.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn create_dir(&self, within: &DirHandle, name: &str, private: bool) -> io::Result<()>;

    /// Lists the directory at `path` beneath `within`; an empty path is `within` itself.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn list(&self, within: &DirHandle, path: &Path) -> io::Result<Listing>;

    /// Reports what is at `path`, or where it leads to if links are followed.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn status(
        &self,
        within: Option<&DirHandle>,
        path: &Path,
        follow: bool,
    ) -> io::Result<FileStatus>;

    /// Opens a file.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn open_file(
        &self,
        within: Option<&DirHandle>,
        path: &Path,
        mode: OpenMode,
    ) -> io::Result<File>;

    /// Removes a file directly in `within`.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn remove_file(&self, within: &DirHandle, name: &str) -> io::Result<()>;

    /// Removes an empty directory directly in `within`.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn remove_dir(&self, within: &DirHandle, name: &str) -> io::Result<()>;

    /// Moves `name` from one directory into another under a new name.
    ///
    /// # Errors
    /// Those of the [mode](RenameMode), and any error of the operating system.
    fn rename(
        &self,
        from: &DirHandle,
        name: &str,
        to: &DirHandle,
        new_name: &str,
        mode: RenameMode,
    ) -> io::Result<()>;

    /// Returns how many bytes are free on the disk of a directory for this user; `None` where that is
    /// not known.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn free_space(&self, dir: &DirHandle) -> io::Result<Option<u64>>;

    /// Makes the names in a directory survive a crash of the machine, where that is possible.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn sync_dir(&self, dir: &DirHandle) -> io::Result<()>;

    /// Locks a file for this process until it is closed.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if another process holds the lock, or any error of
    /// the operating system.
    fn lock(&self, file: &File) -> io::Result<()>;

    /// Appends up to `len` bytes of the file to `buffer`: fewer only at the end of the file.
    /// Returns how many.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn read(&self, file: &File, buffer: &mut Vec<u8>, len: u64) -> io::Result<usize>;

    /// Writes some of the bytes and returns how many.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize>;

    /// Sets where in the file the next read or write begins.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn seek(&self, file: &File, offset: u64) -> io::Result<()>;

    /// Cuts the file, or extends it with zeros.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn set_len(&self, file: &File, len: u64) -> io::Result<()>;

    /// Makes content and status of the file survive a crash of the machine.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn sync(&self, file: &File) -> io::Result<()>;

    /// Reports the status of an open file.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn file_status(&self, file: &File) -> io::Result<FileStatus>;

    /// Sets the time of the last change.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn set_modified(&self, file: &File, time: SystemTime) -> io::Result<()>;

    /// Sets the Unix permissions, where there are such.
    ///
    /// # Errors
    /// Any error of the operating system.
    fn set_mode(&self, file: &File, mode: u32) -> io::Result<()>;
}
