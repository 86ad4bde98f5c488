//! Why a file is not published.

use std::sync::Arc;

/// Why a file in a published directory is not published.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Omission {
    /// It is hidden: its name begins with a dot.
    #[error("hidden")]
    Hidden,
    /// Its name is not UTF-8.
    #[error("its name is not UTF-8")]
    NotUtf8,
    /// Its name on the network would not be valid.
    #[error("its name cannot be used on the network: {0}")]
    Name(Arc<str>),
    /// It is a directory, and too many directories are nested.
    #[error("more than {limit} directories are nested")]
    Depth {
        /// How many may be nested.
        limit: usize,
    },
    /// It is a link that leads out of the directory.
    #[error("the link leads out of the directory")]
    LinkOut,
    /// It is a link that leads nowhere, or in a circle.
    #[error("the link leads nowhere: {0}")]
    Link(Arc<str>),
    /// It is neither a file nor a directory, but a device or a FIFO for instance.
    #[error("neither a file nor a directory")]
    NotAFile,
    /// There are too many files.
    #[error("there are more than {limit} files")]
    TooMany {
        /// How many are published.
        limit: usize,
    },
    /// It cannot be read now, which is tried again.
    #[error("it cannot be read: {0}")]
    Unreadable(Arc<str>),
}

/// How many files are not published for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OmittedFiles {
    /// Why.
    pub reason: Omission,
    /// How many files, and directories with everything in them; 0 when there are none any more.
    pub count: usize,
    /// The name of one of them, relative to the directory, for people; empty if there are none.
    pub example: String,
}

impl OmittedFiles {
    /// Returns that so many files are not published for this reason, such as `example`.
    #[must_use]
    pub fn new(reason: Omission, count: usize, example: impl Into<String>) -> Self {
        Self { reason, count, example: example.into() }
    }
}
