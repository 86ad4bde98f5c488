//! Why a collector ends.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;
use zyre::options::SecurityError;
use zyre::{ActionError, StartError};

use crate::store::StoreError;

/// Why a collector ends.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CollectError {
    /// The file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key of the node, or what it trusts, cannot be read.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// The node cannot be started.
    #[error("cannot join the network")]
    Start(#[from] StartError),
    /// The node does not announce the collector.
    #[error("cannot announce the collector")]
    Announce(#[from] ActionError),
    /// The port for lines cannot be opened.
    #[error("cannot take lines at {address}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The system does not give what is needed.
    #[error("cannot start the collector")]
    System(#[from] io::Error),
}
