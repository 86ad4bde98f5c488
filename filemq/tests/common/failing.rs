//! A file system that fails when a test says so.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::SystemTime;

use filemq::disk::{DirHandle, FileStatus, FileSystem, Listing, NativeFileSystem, OpenMode};
use testkit::wait::DEADLINE;

/// An operation of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    CreateDirAll,
    Canonicalize,
    OpenDir,
    OpenDirIn,
    CreateDir,
    List,
    Status,
    OpenFile,
    RemoveFile,
    RemoveDir,
    Rename,
    SyncDir,
    Lock,
    Read,
    Write,
    Seek,
    SetLen,
    Sync,
    FileStatus,
    SetModified,
    SetMode,
}

/// The file system of the operating system, on which operations fail.
#[derive(Debug, Default)]
pub struct FailingFileSystem {
    native: NativeFileSystem,
    state: Mutex<State>,
    used: Condvar,
}

#[derive(Debug, Default)]
struct State {
    seen: BTreeMap<Operation, usize>,
    failures: Vec<Failure>,
}

#[derive(Debug)]
struct Failure {
    operation: Operation,
    errno: i32,
    /// How many operations succeed before.
    after: usize,
    /// How many operations fail then.
    times: usize,
}

impl FailingFileSystem {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The next `times` operations of this kind fail.
    pub fn fail(&self, operation: Operation, errno: i32, times: usize) {
        self.fail_after(operation, errno, 0, times);
    }

    /// After some have succeeded, the next `times` operations of this kind fail.
    pub fn fail_after(&self, operation: Operation, errno: i32, after: usize, times: usize) {
        let failure = Failure { operation, errno, after, times };
        self.state.lock().unwrap().failures.push(failure);
    }

    /// How many operations of this kind there were.
    pub fn seen(&self, operation: Operation) -> usize {
        self.state.lock().unwrap().seen.get(&operation).copied().unwrap_or_default()
    }

    /// Waits until there were this many operations of a kind.
    pub fn wait_for(&self, operation: Operation, count: usize) {
        let waiting =
            |state: &mut State| state.seen.get(&operation).copied().unwrap_or_default() < count;
        let state = self.state.lock().unwrap();
        let waited = self.used.wait_timeout_while(state, DEADLINE, waiting).unwrap();
        assert!(!waited.1.timed_out(), "{operation:?} was used too seldom");
    }

    /// Whether all failures have happened.
    pub fn is_done(&self) -> bool {
        self.state.lock().unwrap().failures.iter().all(|failure| failure.times == 0)
    }

    fn check(&self, operation: Operation) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        *state.seen.entry(operation).or_default() += 1;
        self.used.notify_all();
        for failure in state.failures.iter_mut().filter(|failure| failure.operation == operation) {
            if failure.after > 0 {
                failure.after -= 1;
            } else if failure.times > 0 {
                failure.times -= 1;
                return Err(io::Error::from_raw_os_error(failure.errno));
            }
        }
        Ok(())
    }
}

impl FileSystem for FailingFileSystem {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.check(Operation::CreateDirAll)?;
        self.native.create_dir_all(path)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        self.check(Operation::Canonicalize)?;
        self.native.canonicalize(path)
    }

    fn open_dir(&self, path: &Path) -> io::Result<DirHandle> {
        self.check(Operation::OpenDir)?;
        self.native.open_dir(path)
    }

    fn open_dir_in(&self, within: &DirHandle, name: &str) -> io::Result<DirHandle> {
        self.check(Operation::OpenDirIn)?;
        self.native.open_dir_in(within, name)
    }

    fn create_dir(&self, within: &DirHandle, name: &str, private: bool) -> io::Result<()> {
        self.check(Operation::CreateDir)?;
        self.native.create_dir(within, name, private)
    }

    fn list(&self, within: &DirHandle, path: &Path) -> io::Result<Listing> {
        self.check(Operation::List)?;
        self.native.list(within, path)
    }

    fn status(
        &self,
        within: Option<&DirHandle>,
        path: &Path,
        follow: bool,
    ) -> io::Result<FileStatus> {
        self.check(Operation::Status)?;
        self.native.status(within, path, follow)
    }

    fn open_file(
        &self,
        within: Option<&DirHandle>,
        path: &Path,
        mode: OpenMode,
    ) -> io::Result<File> {
        self.check(Operation::OpenFile)?;
        self.native.open_file(within, path, mode)
    }

    fn remove_file(&self, within: &DirHandle, name: &str) -> io::Result<()> {
        self.check(Operation::RemoveFile)?;
        self.native.remove_file(within, name)
    }

    fn remove_dir(&self, within: &DirHandle, name: &str) -> io::Result<()> {
        self.check(Operation::RemoveDir)?;
        self.native.remove_dir(within, name)
    }

    fn rename(
        &self,
        from: &DirHandle,
        name: &str,
        to: &DirHandle,
        new_name: &str,
    ) -> io::Result<()> {
        self.check(Operation::Rename)?;
        self.native.rename(from, name, to, new_name)
    }

    fn sync_dir(&self, dir: &DirHandle) -> io::Result<()> {
        self.check(Operation::SyncDir)?;
        self.native.sync_dir(dir)
    }

    fn lock(&self, file: &File) -> io::Result<()> {
        self.check(Operation::Lock)?;
        self.native.lock(file)
    }

    fn read(&self, file: &File, buffer: &mut Vec<u8>, len: u64) -> io::Result<usize> {
        self.check(Operation::Read)?;
        self.native.read(file, buffer, len)
    }

    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize> {
        self.check(Operation::Write)?;
        self.native.write(file, bytes)
    }

    fn seek(&self, file: &File, offset: u64) -> io::Result<()> {
        self.check(Operation::Seek)?;
        self.native.seek(file, offset)
    }

    fn set_len(&self, file: &File, len: u64) -> io::Result<()> {
        self.check(Operation::SetLen)?;
        self.native.set_len(file, len)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.check(Operation::Sync)?;
        self.native.sync(file)
    }

    fn file_status(&self, file: &File) -> io::Result<FileStatus> {
        self.check(Operation::FileStatus)?;
        self.native.file_status(file)
    }

    fn set_modified(&self, file: &File, time: SystemTime) -> io::Result<()> {
        self.check(Operation::SetModified)?;
        self.native.set_modified(file, time)
    }

    fn set_mode(&self, file: &File, mode: u32) -> io::Result<()> {
        self.check(Operation::SetMode)?;
        self.native.set_mode(file, mode)
    }
}
