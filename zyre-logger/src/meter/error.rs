//! Why a meter ends.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::collect::CollectError;
use crate::store::StoreError;

/// Why a meter ends.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MeterError {
    /// The network.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The recording.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Asked(&'static str),
    /// There is no screen, or it does not work.
    #[error("the terminal does not work")]
    Terminal(#[source] io::Error),
    /// The picture cannot be written.
    #[error("cannot write {path}")]
    Picture {
        /// The file for the picture.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The thread on the network cannot be started.
    #[error("cannot start the thread that listens to the network")]
    Thread(#[source] io::Error),
    /// The thread on the network has ended without a word.
    #[error("the part that listens to the network has ended")]
    Ended,
}
