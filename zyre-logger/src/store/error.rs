//! What can be wrong with a file.

use std::path::PathBuf;

use thiserror::Error;

/// What can be wrong with a file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be opened.
    #[error("cannot open {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// It is not there, and is needed to read.
    #[error("there is no {0}: `zyre-logger collect --db {0}` makes one")]
    Missing(PathBuf),
    /// It is a directory.
    #[error("{0} is a directory: give a file in it")]
    Directory(PathBuf),
    /// It is a database of another program.
    #[error("{0} is a database of another program: give another file")]
    Foreign(PathBuf),
    /// It was written by a newer version of this program.
    #[error(
        "{path} has version {found}, this program knows up to {known}: use a newer zyre-logger"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// It is empty: nothing was ever collected into it.
    #[error("{0} holds no log: give a file that `zyre-logger collect` has written")]
    Empty(PathBuf),
    /// Reading or writing has failed. What was committed before is kept.
    #[error("the database failed")]
    Sql(#[from] rusqlite::Error),
}
