//! The file system of the operating system.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
#[cfg(unix)]
use std::time::Duration;
use std::time::SystemTime;

use cap_fs_ext::{DirExt as _, OpenOptionsSyncExt as _};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, OpenOptions};

use super::file_system::{
    DirHandle, FileKind, FileStatus, FileSystem, ListedEntry, Listing, OpenMode, RenameMode,
};

/// The file system of the operating system. Paths beneath a directory are confined to it by
/// `cap-std`.
#[derive(Clone, Copy, Debug, Default)]
pub struct NativeFileSystem;

impl NativeFileSystem {
    /// Returns it as a shared trait object.
    #[must_use]
    pub fn shared() -> Arc<dyn FileSystem> {
        Arc::new(Self)
    }
}

impl FileSystem for NativeFileSystem {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(path)
    }

    fn open_dir(&self, path: &Path) -> io::Result<DirHandle> {
        Dir::open_ambient_dir(path, ambient_authority()).map(DirHandle)
    }

    fn open_dir_in(&self, within: &DirHandle, name: &str) -> io::Result<DirHandle> {
        within.0.open_dir_nofollow(name).map(DirHandle)
    }

    fn create_dir(&self, within: &DirHandle, name: &str, private: bool) -> io::Result<()> {
        within.0.create_dir_with(name, &dir_builder(private))
    }

    fn list(&self, within: &DirHandle, path: &Path) -> io::Result<Listing> {
        let entries = match path.as_os_str().is_empty() {
            true => within.0.entries()?,
            false => within.0.read_dir(path)?,
        };
        Ok(Box::new(entries.map(|entry| {
            let entry = entry?;
            let status = entry.metadata().and_then(|metadata| cap_status(&metadata));
            Ok(ListedEntry { name: entry.file_name(), status })
        })))
    }

    fn status(
        &self,
        within: Option<&DirHandle>,
        path: &Path,
        follow: bool,
    ) -> io::Result<FileStatus> {
        match (within, follow) {
            (Some(dir), true) => cap_status(&dir.0.metadata(path)?),
            (Some(dir), false) => cap_status(&dir.0.symlink_metadata(path)?),
            (None, true) => std_status(&std::fs::metadata(path)?),
            (None, false) => std_status(&std::fs::symlink_metadata(path)?),
        }
    }

    fn open_file(
        &self,
        within: Option<&DirHandle>,
        path: &Path,
        mode: OpenMode,
    ) -> io::Result<File> {
        let mut options = OpenOptions::new();
        match mode {
            OpenMode::Read => options.read(true).nonblock(true),
            OpenMode::Modify => options.read(true).write(true),
            OpenMode::ModifyOrCreate => options.read(true).write(true).create(true),
            OpenMode::Replace { .. } => options.write(true).create(true).truncate(true),
        };
        #[cfg(unix)]
        if let OpenMode::Replace { mode } = mode {
            use cap_std::fs::OpenOptionsExt as _;
            options.mode(mode);
        }
        let file = match within {
            Some(dir) => dir.0.open_with(path, &options)?,
            None => cap_std::fs::File::open_ambient_with(path, &options, ambient_authority())?,
        };
        Ok(file.into_std())
    }

    fn remove_file(&self, within: &DirHandle, name: &str) -> io::Result<()> {
        within.0.remove_file(name)
    }

    fn remove_dir(&self, within: &DirHandle, name: &str) -> io::Result<()> {
        within.0.remove_dir(name)
    }

    fn rename(
        &self,
        from: &DirHandle,
        name: &str,
        to: &DirHandle,
        new_name: &str,
        mode: RenameMode,
    ) -> io::Result<()> {
        match mode {
            RenameMode::Replace => from.0.rename(name, &to.0, new_name),
            #[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
            RenameMode::New => {
                use rustix::fs::{RenameFlags, renameat_with};
                use rustix::io::Errno;
                match renameat_with(&from.0, name, &to.0, new_name, RenameFlags::NOREPLACE) {
                    // A file system, or a kernel, that does not know how.
                    Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                        Err(io::ErrorKind::Unsupported.into())
                    }
                    done => Ok(done?),
                }
            }
            #[cfg(not(any(target_os = "android", target_os = "linux", target_vendor = "apple")))]
            RenameMode::New => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    #[cfg(unix)]
    fn free_space(&self, dir: &DirHandle) -> io::Result<Option<u64>> {
        let disk = rustix::fs::fstatvfs(&dir.0)?;
        // What has no blocks, a network file system for instance, does not say.
        Ok((disk.f_blocks > 0).then(|| disk.f_bavail.saturating_mul(disk.f_frsize)))
    }

    #[cfg(not(unix))]
    fn free_space(&self, _dir: &DirHandle) -> io::Result<Option<u64>> {
        Ok(None)
    }

    #[cfg(unix)]
    fn sync_dir(&self, dir: &DirHandle) -> io::Result<()> {
        use rustix::fs::{Mode, OFlags, fsync, openat};
        // The handle only names the directory (`O_PATH`), and cannot be synced itself.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match fsync(openat(&dir.0, ".", flags, Mode::empty())?) {
            // A file system that knows nothing of the kind.
            Err(rustix::io::Errno::INVAL) => Ok(()),
            synced => Ok(synced?),
        }
    }

    #[cfg(not(unix))]
    fn sync_dir(&self, _dir: &DirHandle) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, file: &File) -> io::Result<()> {
        file.try_lock().map_err(io::Error::from)
    }

    fn read(&self, file: &File, buffer: &mut Vec<u8>, len: u64) -> io::Result<usize> {
        file.take(len).read_to_end(buffer)
    }

    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    fn seek(&self, mut file: &File, offset: u64) -> io::Result<()> {
        file.seek(SeekFrom::Start(offset)).map(|_| ())
    }

    fn set_len(&self, file: &File, len: u64) -> io::Result<()> {
        file.set_len(len)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn file_status(&self, file: &File) -> io::Result<FileStatus> {
        std_status(&file.metadata()?)
    }

    fn set_modified(&self, file: &File, time: SystemTime) -> io::Result<()> {
        file.set_modified(time)
    }

    #[cfg(unix)]
    fn set_mode(&self, file: &File, mode: u32) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(mode))
    }

    #[cfg(not(unix))]
    fn set_mode(&self, _file: &File, _mode: u32) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
fn dir_builder(private: bool) -> DirBuilder {
    use cap_std::fs::DirBuilderExt as _;
    let mut builder = DirBuilder::new();
    if private {
        builder.mode(0o700);
    }
    builder
}

#[cfg(not(unix))]
fn dir_builder(_private: bool) -> DirBuilder {
    DirBuilder::new()
}

/// Reads the same fields of two types that have no trait in common.
macro_rules! status {
    ($metadata:expr, $modified:expr, $extension:path) => {{
        let (metadata, kind) = ($metadata, $metadata.file_type());
        #[cfg(unix)]
        let (changed, mode, inode, device) = {
            use $extension as _;
            let changed = changed(metadata.ctime(), metadata.ctime_nsec());
            (changed, metadata.mode() & 0o777, metadata.ino(), metadata.dev())
        };
        #[cfg(not(unix))]
        let (changed, mode, inode, device) = (None, 0o644, 0, 0);
        let kind = if kind.is_file() {
            FileKind::File
        } else if kind.is_dir() {
            FileKind::Directory
        } else if kind.is_symlink() {
            FileKind::Symlink
        } else {
            FileKind::Other
        };
        let (size, modified) = (metadata.len(), $modified);
        Ok(FileStatus { kind, size, modified, changed, mode, inode, device })
    }};
}

/// Returns the time of a change, given in seconds and nanoseconds since 1970.
#[cfg(unix)]
fn changed(seconds: i64, nanoseconds: i64) -> Option<SystemTime> {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let whole = match seconds < 0 {
        true => SystemTime::UNIX_EPOCH.checked_sub(whole),
        false => SystemTime::UNIX_EPOCH.checked_add(whole),
    };
    whole?.checked_add(Duration::from_nanos(nanoseconds.try_into().ok()?))
}

fn std_status(metadata: &std::fs::Metadata) -> io::Result<FileStatus> {
    status!(metadata, metadata.modified()?, std::os::unix::fs::MetadataExt)
}

fn cap_status(metadata: &cap_std::fs::Metadata) -> io::Result<FileStatus> {
    status!(metadata, metadata.modified()?.into_std(), cap_std::fs::MetadataExt)
}
