//! A directory that is published.
//!
//! What [patterns](MountOptions::ignore) leave out, [hidden](MountOptions::hidden) names, anything that is not a regular file, and names that are not
//! UTF-8 or not a [`VirtualPath`](crate::VirtualPath) are not published. Symbolic links are
//! followed as long as they stay within the directory. A file `name.ln` holds one line, the path of
//! the real file, which is published as `name` if it lies where the options allow. A relative path
//! in it is taken from the working directory, as in C FileMQ. If there is a file `name` too, that
//! one is published.
//!
//! When the directory itself disappears all its files stay published: a disk that is not mounted
//! must not delete them everywhere. The same holds while there is another, empty directory in its
//! place.

mod change;
mod change_buffer;
mod ln_file;
mod omissions;
mod options;
mod patterns;
mod scan;
mod state;
mod watcher;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

pub use self::change::MountChange;
use self::change_buffer::ChangeBuffer;
pub use self::options::MountOptions;
use self::watcher::MountWatcher;
use super::file_system::FileSystem;
use super::native::NativeFileSystem;
use crate::PublishError;

/// A directory that is published as long as this value lives. When it is dropped a callback that is
/// under way may still complete; no further one begins.
#[derive(Debug)]
pub struct Mount(Arc<ChangeBuffer>);

impl Mount {
    /// Scans the directory, and from then on reports changes from a thread of its own.
    ///
    /// Returns what is there now. Each call of `changed` gets the files that are gone first, then
    /// new and changed ones, by name, and then those that are not [stable](MountOptions::stable) yet. A
    /// new directory with many files comes in several calls.
    ///
    /// # Errors
    /// The directory does not exist or cannot be read, or a pattern is not possible, or no thread can
    /// be started.
    pub fn open(
        directory: &Path,
        options: MountOptions,
        changed: impl FnMut(Vec<MountChange>) + Send + 'static,
    ) -> Result<(Self, Vec<MountChange>), PublishError> {
        Self::open_on(NativeFileSystem::shared(), directory, options, changed)
    }

    /// As [`open`](Self::open), on this file system. The operating system still reports changes.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_on(
        system: Arc<dyn FileSystem>,
        directory: &Path,
        options: MountOptions,
        changed: impl FnMut(Vec<MountChange>) + Send + 'static,
    ) -> Result<(Self, Vec<MountChange>), PublishError> {
        let buffer = Arc::new(ChangeBuffer::default());
        let (watcher, first) =
            MountWatcher::open(system, directory, options, buffer.clone(), true)?;
        let mount = Self(buffer);
        std::thread::Builder::new()
            .name("filemq mount".to_owned())
            .spawn(move || watcher.run(changed))
            .map_err(PublishError::unreadable(directory))?;
        Ok((mount, first))
    }
}

/// A directory that is published, and looked at when the caller says so.
///
/// A [`Mount`] does the same in a thread of its own, as soon as something changes.
pub struct ScannedMount(MountWatcher);

impl ScannedMount {
    /// Scans the directory, and returns what is there now.
    ///
    /// # Errors
    /// The directory does not exist or cannot be read, or a pattern is not possible.
    pub fn open_on(
        system: Arc<dyn FileSystem>,
        directory: &Path,
        options: MountOptions,
    ) -> Result<(Self, Vec<MountChange>), PublishError> {
        let buffer = Arc::new(ChangeBuffer::default());
        let (watcher, first) = MountWatcher::open(system, directory, options, buffer, false)?;
        Ok((Self(watcher), first))
    }

    /// Scans the directory, and returns what has changed: first what is gone, then new and changed
    /// files, by name.
    pub fn scan(&mut self) -> Vec<MountChange> {
        self.0.scan_now()
    }
}

impl fmt::Debug for ScannedMount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScannedMount").finish_non_exhaustive()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.0.stop();
    }
}
