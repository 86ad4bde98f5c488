//! A file system like those of other operating systems.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use filemq::disk::{
    DirHandle, FileStatus, FileSystem, ListedEntry, Listing, NativeFileSystem, OpenMode, RenameMode,
};
use unicode_normalization::UnicodeNormalization as _;

/// The file system of this machine, which keeps no names apart that differ in case or in the form of
/// their characters, or does not tell when anything about a file has changed.
#[derive(Clone, Copy, Debug, Default)]
pub struct OddFileSystem {
    pub folds_names: bool,
    pub hides_changes: bool,
    /// Whether files and directories have no numbers.
    pub hides_numbers: bool,
}

fn fold(name: &str) -> String {
    name.to_lowercase().nfd().collect()
}

impl OddFileSystem {
    pub fn shared(self) -> Arc<dyn FileSystem> {
        Arc::new(self)
    }

    /// Returns the path as it is spelled on the disk.
    fn spelled(self, within: &DirHandle, path: &Path) -> PathBuf {
        if !self.folds_names {
            return path.to_owned();
        }
        let mut spelled = PathBuf::new();
        for component in path.iter() {
            let folded = fold(component.to_str().unwrap());
            let known = NativeFileSystem.list(within, &spelled).ok().and_then(|mut listing| {
                listing.find_map(|entry| {
                    let name = entry.ok()?.name;
                    (fold(name.to_str()?) == folded).then_some(name)
                })
            });
            spelled.push(known.as_deref().unwrap_or(component));
        }
        spelled
    }

    fn name(self, within: &DirHandle, name: &str) -> String {
        self.spelled(within, Path::new(name)).to_str().unwrap().to_owned()
    }

    fn status_of(self, status: FileStatus) -> FileStatus {
        let mut status = status;
        if self.hides_changes {
            status.changed = None;
        }
        if self.hides_numbers {
            (status.inode, status.device) = (0, 0);
        }
        status
    }
}

impl FileSystem for OddFileSystem {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        NativeFileSystem.create_dir_all(path)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        NativeFileSystem.canonicalize(path)
    }

    fn open_dir(&self, path: &Path) -> io::Result<DirHandle> {
        NativeFileSystem.open_dir(path)
    }

    fn open_dir_in(&self, within: &DirHandle, name: &str) -> io::Result<DirHandle> {
        NativeFileSystem.open_dir_in(within, &self.name(within, name))
    }

    fn create_dir(&self, within: &DirHandle, name: &str, private: bool) -> io::Result<()> {
        NativeFileSystem.create_dir(within, &self.name(within, name), private)
    }

    fn list(&self, within: &DirHandle, path: &Path) -> io::Result<Listing> {
        let this = *self;
        let entries = NativeFileSystem.list(within, &self.spelled(within, path))?;
        Ok(Box::new(entries.map(move |entry| {
            let ListedEntry { name, status } = entry?;
            Ok(ListedEntry { name, status: status.map(|status| this.status_of(status)) })
        })))
    }

    fn status(
        &self,
        within: Option<&DirHandle>,
        path: &Path,
        follow: bool,
    ) -> io::Result<FileStatus> {
        let spelled = within.map(|within| self.spelled(within, path));
        let path = spelled.as_deref().unwrap_or(path);
        NativeFileSystem.status(within, path, follow).map(|status| self.status_of(status))
    }

    fn open_file(
        &self,
        within: Option<&DirHandle>,
        path: &Path,
        mode: OpenMode,
    ) -> io::Result<File> {
        let spelled = within.map(|within| self.spelled(within, path));
        NativeFileSystem.open_file(within, spelled.as_deref().unwrap_or(path), mode)
    }

    fn remove_file(&self, within: &DirHandle, name: &str) -> io::Result<()> {
        NativeFileSystem.remove_file(within, &self.name(within, name))
    }

    fn remove_dir(&self, within: &DirHandle, name: &str) -> io::Result<()> {
        NativeFileSystem.remove_dir(within, &self.name(within, name))
    }

    fn rename(
        &self,
        from: &DirHandle,
        name: &str,
        to: &DirHandle,
        new_name: &str,
        mode: RenameMode,
    ) -> io::Result<()> {
        let (name, new_name) = (self.name(from, name), self.name(to, new_name));
        NativeFileSystem.rename(from, &name, to, &new_name, mode)
    }

    fn free_space(&self, dir: &DirHandle) -> io::Result<Option<u64>> {
        NativeFileSystem.free_space(dir)
    }

    fn sync_dir(&self, dir: &DirHandle) -> io::Result<()> {
        NativeFileSystem.sync_dir(dir)
    }

    fn lock(&self, file: &File) -> io::Result<()> {
        NativeFileSystem.lock(file)
    }

    fn read(&self, file: &File, buffer: &mut Vec<u8>, len: u64) -> io::Result<usize> {
        NativeFileSystem.read(file, buffer, len)
    }

    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize> {
        NativeFileSystem.write(file, bytes)
    }

    fn seek(&self, file: &File, offset: u64) -> io::Result<()> {
        NativeFileSystem.seek(file, offset)
    }

    fn set_len(&self, file: &File, len: u64) -> io::Result<()> {
        NativeFileSystem.set_len(file, len)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        NativeFileSystem.sync(file)
    }

    fn file_status(&self, file: &File) -> io::Result<FileStatus> {
        NativeFileSystem.file_status(file).map(|status| self.status_of(status))
    }

    fn set_modified(&self, file: &File, time: SystemTime) -> io::Result<()> {
        NativeFileSystem.set_modified(file, time)
    }

    fn set_mode(&self, file: &File, mode: u32) -> io::Result<()> {
        NativeFileSystem.set_mode(file, mode)
    }
}
