//! Why the page cannot be served.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

use crate::collect::CollectError;
use crate::store::StoreError;

/// Why the page cannot be served.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The network.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The recording.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Asked(&'static str),
    /// The address cannot be listened at.
    #[error("cannot listen at {address}: give another one with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// There is no room for a recording.
    #[error("cannot make a folder for what comes: give a file with --db")]
    Folder(#[source] io::Error),
    /// The system gives no random bytes for a token.
    #[error("the system gives no random bytes")]
    Random,
    /// A thread cannot be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// The collector has ended without a word.
    #[error("the part that listens to the network has ended")]
    Ended,
}
