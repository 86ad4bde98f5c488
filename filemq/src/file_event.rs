//! What becomes of a file in the received folder.

use std::path::PathBuf;
use std::sync::Arc;

use crate::{Fate, VirtualPath};

/// What became of one file in the received folder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileEvent {
    /// A file is complete, verified, and in its place.
    Delivered {
        /// Its name on the network.
        name: VirtualPath,
        /// Where it is on this machine: in the received folder, also if it was
        /// [to be put elsewhere](crate::Client::accept_as) and could not be moved there.
        path: PathBuf,
        /// Bytes.
        size: u64,
    },
    /// The server has deleted a file, so it was removed here too.
    Deleted {
        /// Its name on the network.
        name: VirtualPath,
        /// Where it was on this machine.
        path: PathBuf,
    },
    /// A file was not accepted.
    ///
    /// If that may [pass](Fate::Passing) the file is tried again until it is accepted, is changed,
    /// or is gone, and what comes of it is reported then. Otherwise sending the same file again
    /// would not change anything.
    Refused {
        /// Its name on the network.
        name: VirtualPath,
        /// Why.
        reason: Refusal,
        /// Whether it may be accepted later.
        fate: Fate,
    },
    /// A file that was refused for a passing reason is being received now.
    Retried {
        /// Its name on the network.
        name: VirtualPath,
    },
}

impl FileEvent {
    /// The name of the file on the network.
    #[must_use]
    pub const fn name(&self) -> &VirtualPath {
        match self {
            Self::Delivered { name, .. }
            | Self::Deleted { name, .. }
            | Self::Refused { name, .. }
            | Self::Retried { name } => name,
        }
    }

    pub(crate) const fn name_mut(&mut self) -> &mut VirtualPath {
        match self {
            Self::Delivered { name, .. }
            | Self::Deleted { name, .. }
            | Self::Refused { name, .. }
            | Self::Retried { name } => name,
        }
    }
}

/// Why the received folder does not accept a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Refusal {
    /// The file would need more space than the folder may take.
    #[error(
        "the received folder is full: it may hold {limit} bytes; raise the limit or remove files"
    )]
    Bytes {
        /// How many bytes it may hold.
        limit: u64,
    },
    /// There would be more files than the folder may hold.
    #[error(
        "the received folder is full: it may hold {limit} files; raise the limit or remove files"
    )]
    Files {
        /// How many files it may hold.
        limit: usize,
    },
    /// The file would need more space than the files of its server may take.
    #[error(
        "this sender's part of the received folder is full: it may hold {limit} bytes; raise the \
         limit or remove files"
    )]
    ServerBytes {
        /// How many bytes it may hold.
        limit: u64,
    },
    /// There would be more files of its server than there may be.
    #[error(
        "this sender's part of the received folder is full: it may hold {limit} files; raise the \
         limit or remove files"
    )]
    ServerFiles {
        /// How many files it may hold.
        limit: usize,
    },
    /// The name leads out of the folder, or to something that is not a file, or is not a valid file
    /// name on this system.
    #[error("the received folder has no place for this name: {0}")]
    Name(Arc<str>),
    /// There is not enough space on the disk.
    #[error(
        "no space on the disk: {} MiB needed, {} MiB free",
        .needed.div_ceil(1 << 20),
        .free >> 20
    )]
    NoRoom {
        /// How many bytes are still to come.
        needed: u64,
        /// How many bytes are free on the disk.
        free: u64,
    },
    /// Too many files of this server are on offer.
    #[error("more than {limit} of its files are on offer; decline or accept some")]
    Offers {
        /// How many offers of a server are remembered.
        limit: usize,
    },
    /// The operating system does not write it.
    #[error("the file cannot be written: {0}")]
    Failed(Arc<str>),
}
