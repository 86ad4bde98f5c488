//! In the place of `secure`, where no cryptography is compiled: no node is secure.

use std::sync::Arc;

use tokio::sync::broadcast;
use zmtp::{Mechanism, PeerInfo};
use zre_proto::PublicKey;

use crate::trust_change::TrustChange;

/// What a secure node would have.
#[derive(Debug)]
pub(crate) enum Gate {}

impl Gate {
    pub(crate) fn key(&self) -> PublicKey {
        match *self {}
    }

    pub(crate) fn server(self: &Arc<Self>) -> Mechanism {
        match **self {}
    }

    pub(crate) fn client_of(self: &Arc<Self>, _: PublicKey) -> Option<Mechanism> {
        match **self {}
    }

    pub(crate) fn still_lets_in(&self, _: PublicKey) -> bool {
        match *self {}
    }

    pub(crate) fn changes(&self) -> broadcast::Receiver<TrustChange> {
        match *self {}
    }
}

/// The key that the other end of a connection has proved.
pub(crate) const fn proved(_: &PeerInfo) -> Option<PublicKey> {
    None
}
