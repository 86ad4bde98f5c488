//! A file that a peer has on offer.

use std::sync::Arc;
use std::time::SystemTime;

use filemq::{OfferId, OfferState};
use zre_proto::PeerId;

/// A file that a peer has for this node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Offer {
    /// What identifies it: a file that changes has another id.
    pub id: OfferId,
    /// The peer that has published the file.
    pub peer: PeerId,
    /// The name of the file on the network.
    pub name: Arc<str>,
    /// Its size in bytes; `None` if the peer does not tell, as those of other implementations.
    pub size: Option<u64>,
    /// When it was last changed; `None` if the peer does not tell.
    pub modified: Option<SystemTime>,
    /// What was decided.
    pub state: OfferState,
}
