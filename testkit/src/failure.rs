//! Why a test, or a wait of the tester, has failed.

use std::fmt;

/// A reason for people. `Debug` gives the same text as `Display`, for that is what a test prints
/// when it returns an error, and what `unwrap` does.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure(String);

/// The result of something that can fail with a reason for people.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// Makes a failure with this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<Failure> for String {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}
