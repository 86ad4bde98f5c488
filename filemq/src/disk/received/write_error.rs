//! Why a file is not taken.

use std::io;

use crate::{Fate, Refusal};

/// Why a file is not taken.
#[derive(Debug)]
pub(super) enum WriteError {
    /// It is not what was announced; it has to be sent again.
    Mismatch,
    /// It is refused.
    Denied(Denied),
}

/// Why something is refused, and whether that may pass.
#[derive(Clone, Debug)]
pub(super) struct Denied {
    pub(super) reason: Refusal,
    pub(super) fate: Fate,
}

impl Denied {
    pub(super) const fn passing(reason: Refusal) -> Self {
        Self { reason, fate: Fate::Passing }
    }

    pub(super) const fn finally(reason: Refusal) -> Self {
        Self { reason, fate: Fate::Final }
    }
}

impl From<io::Error> for Denied {
    /// What an error of the operating system means for a file that is being written.
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{DirectoryNotEmpty, InvalidFilename, IsADirectory, NotADirectory};
        let reason = match error.kind() {
            IsADirectory | DirectoryNotEmpty => Refusal::Name("there is a directory".into()),
            NotADirectory => Refusal::Name("there is a file where a directory should be".into()),
            InvalidFilename => Refusal::Name("the file system does not take it".into()),
            _ => Refusal::Failed(error.to_string().into()),
        };
        Self { reason, fate: Fate::of(&error) }
    }
}

impl From<Denied> for WriteError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Denied(error.into())
    }
}
