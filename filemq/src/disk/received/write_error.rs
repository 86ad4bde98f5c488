//! Why a file is not taken.

use std::io;

use crate::Refusal;

/// Why a file is not taken.
#[derive(Debug)]
pub(super) enum WriteError {
    /// It is not what was announced; it has to be sent again.
    Mismatch,
    /// It would not be taken if it were sent again either.
    Refused(Refusal),
}

impl From<Refusal> for WriteError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Refused(refusal(&error))
    }
}

/// What an error of the operating system means for a file that is to be put in its place.
pub(super) fn refusal(error: &io::Error) -> Refusal {
    use io::ErrorKind::{DirectoryNotEmpty, InvalidFilename, IsADirectory, NotADirectory};
    match error.kind() {
        IsADirectory | DirectoryNotEmpty => Refusal::Name("there is a directory".into()),
        NotADirectory => Refusal::Name("there is a file where a directory should be".into()),
        InvalidFilename => Refusal::Name("the file system does not take it".into()),
        _ => Refusal::Failed(error.to_string().into()),
    }
}
