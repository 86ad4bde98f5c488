//! Files with secrets in them.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::private_file;

/// The most bytes of such a file.
const MAX_LEN: u64 = 64 * 1024;

/// A file with a key cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It cannot be read or written.
    #[error("{} cannot be used: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is one already. It is not replaced, since others know a node by its key.
    #[error("{} is there already; load it, or name another file", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Other users of the host can read it.
    #[error("{} can be read by other users: make it yours alone (chmod 600)", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// What is in it is not what has to be.
    #[error("{} is not what is expected: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl KeyFileError {
    pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }

    fn of(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

/// Reads a text that nobody else can read.
pub(super) fn read_secret(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let mut file = File::open(path).map_err(KeyFileError::of(path))?;
    let metadata = file.metadata().map_err(KeyFileError::of(path))?;
    if is_exposed(&metadata) {
        return Err(KeyFileError::Exposed { path: path.to_owned() });
    }
    read(path, &mut file, metadata.len())
}

/// Reads a text in which nothing is secret.
pub(super) fn read_public(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let mut file = File::open(path).map_err(KeyFileError::of(path))?;
    let length = file.metadata().map_err(KeyFileError::of(path))?.len();
    read(path, &mut file, length)
}

fn read(path: &Path, file: &mut File, length: u64) -> Result<Zeroizing<String>, KeyFileError> {
    if length > MAX_LEN {
        return Err(KeyFileError::damaged(path, format!("it has more than {MAX_LEN} bytes")));
    }
    // With room for all, for what is copied by growing is not overwritten.
    let room = usize::try_from(MAX_LEN).unwrap_or(usize::MAX) + 1;
    let mut text = Zeroizing::new(String::with_capacity(room));
    let read = file.take(MAX_LEN + 1).read_to_string(&mut text);
    match read {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(KeyFileError::damaged(path, "it is not text"))
        }
        Err(error) => Err(KeyFileError::of(path)(error)),
        Ok(_) => Ok(text),
    }
}

#[cfg(unix)]
fn is_exposed(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o077 != 0
}

/// The host's administrator decides which files a user may read.
#[cfg(not(unix))]
const fn is_exposed(_: &fs::Metadata) -> bool {
    false
}

/// Writes a text that only its user can read, as a whole or not at all, where nothing is yet.
pub(super) fn write_new_secret(path: &Path, text: &str) -> Result<(), KeyFileError> {
    let failed = KeyFileError::of(path);
    if path.symlink_metadata().is_ok() {
        return Err(KeyFileError::Exists { path: path.to_owned() });
    }
    let name = path.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
    let mut fresh = name.to_owned();
    fresh.push(format!(".{}.new", std::process::id()));
    let fresh = path.with_file_name(fresh);
    // What a process with this number has left that was killed.
    private_file::remove_leftover(&fresh).map_err(&failed)?;
    let written =
        private_file::write_new(&fresh, text).and_then(|()| match fs::hard_link(&fresh, path) {
            // Not all file systems have links. There it may replace what another program has put there
            // just now.
            Err(error) if has_no_links(&error) => fs::rename(&fresh, path),
            linked => linked,
        });
    // A rename has left nothing.
    let removed = private_file::remove_leftover(&fresh);
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(KeyFileError::Exists { path: path.to_owned() })
        }
        Err(error) => Err(failed(error)),
        Ok(()) => {
            let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let directory = directory.unwrap_or_else(|| Path::new("."));
            removed.and_then(|()| private_file::sync_directory(directory)).map_err(failed)
        }
    }
}

fn has_no_links(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported)
}
