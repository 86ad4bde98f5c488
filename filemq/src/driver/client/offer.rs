//! Files on offer, as the application sees them.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::VirtualPath;

/// Identifies a file on offer. A file that changes has another one; one that is offered again after
/// the connection was lost has the same, as long as the client lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct OfferId(pub(super) u64);

impl OfferId {
    /// Returns the number: 1 for the first offer, and so on.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for OfferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<u64> for OfferId {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

/// A file that a server has for this client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OfferInfo {
    /// What identifies it.
    pub id: OfferId,
    /// The server.
    pub origin: Arc<str>,
    /// The name of the file on the network.
    pub name: VirtualPath,
    /// Bytes; `None` if the server does not tell.
    pub size: Option<u64>,
    /// When it was last changed; `None` if the server does not tell.
    pub modified: Option<SystemTime>,
    /// What was decided.
    pub state: OfferState,
}

/// What was decided about a file on offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum OfferState {
    /// Nothing yet.
    Open,
    /// It is on its way, or waits for its turn or for room.
    Accepted,
    /// Not now. What has come of it is kept.
    Paused,
}

/// What the application wanted of an offer was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OfferError {
    /// There is no such offer: the file has come, has changed, is gone, or was declined.
    #[error("there is no such offer any more")]
    Gone,
    /// The file cannot be put there: there is something, or no directory.
    #[error("a file cannot be put at {}: {source}", path.display())]
    Place {
        /// Where it was to be.
        path: PathBuf,
        /// What is the matter.
        source: io::Error,
    },
}
