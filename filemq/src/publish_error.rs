//! Why something cannot be published.

use std::io;
use std::path::PathBuf;

use crate::VirtualPath;

/// Nothing was published, and nothing has changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// A file or directory cannot be read.
    #[error("{} cannot be read: {source}", .path.display())]
    Unreadable {
        /// The file or directory: the published one, or something in it.
        path: PathBuf,
        /// Why it cannot be read.
        source: io::Error,
    },
    /// A pattern of files to leave out is not valid, or there are too many.
    #[error("{pattern:?} cannot be left out: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it, and in which file.
        reason: String,
    },
    /// Something else is published under this name, or under one that is a part of it.
    #[error("{name} is the name of {} already; choose another name", .holder.display())]
    NameTaken {
        /// The name that cannot be used.
        name: VirtualPath,
        /// What is published under it: a file, or a directory that has such a file in it.
        holder: PathBuf,
    },
    /// `/` is not the name of a file.
    #[error("/ cannot be the name of a file")]
    RootName,
}

impl PublishError {
    /// Returns what makes an error of the operating system one of publishing `path`.
    pub(crate) fn unreadable(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Unreadable { path, source }
    }
}
