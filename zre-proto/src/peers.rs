//! All peers of a node, by who and by where they are.

use std::collections::BTreeMap;

use crate::peer::Peer;
use crate::{Endpoint, PeerId};

/// Peers by their ids. No two are at one endpoint: whoever brings one there lets the other go
/// before.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    all: BTreeMap<PeerId, Peer>,
    /// So that a newcomer costs no search through all the others.
    places: BTreeMap<Endpoint, PeerId>,
}

impl Peers {
    pub(crate) fn get(&self, id: PeerId) -> Option<&Peer> {
        self.all.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.all.get_mut(&id)
    }

    pub(crate) fn contains(&self, id: PeerId) -> bool {
        self.all.contains_key(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// In the order of their ids.
    pub(crate) fn ids(&self) -> impl Iterator<Item = PeerId> {
        self.all.keys().copied()
    }

    /// In the order of their ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (PeerId, &Peer)> {
        self.all.iter().map(|(id, peer)| (*id, peer))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Peer> {
        self.all.values_mut()
    }

    /// Who is at an endpoint.
    pub(crate) fn at(&self, endpoint: Endpoint) -> Option<(PeerId, &Peer)> {
        let id = *self.places.get(&endpoint)?;
        Some((id, self.all.get(&id)?))
    }

    pub(crate) fn insert(&mut self, id: PeerId, peer: Peer) {
        self.places.insert(peer.endpoint, id);
        self.all.insert(id, peer);
    }

    pub(crate) fn remove(&mut self, id: PeerId) -> Option<Peer> {
        let peer = self.all.remove(&id)?;
        self.places.remove(&peer.endpoint);
        Some(peer)
    }

    /// The peer is somewhere else now.
    pub(crate) fn place(&mut self, id: PeerId, endpoint: Endpoint) {
        let Some(peer) = self.all.get_mut(&id) else { return };
        self.places.remove(&peer.endpoint);
        self.places.insert(endpoint, id);
        peer.endpoint = endpoint;
    }
}
