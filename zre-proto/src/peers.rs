//! All peers of a node, by who and by where they are.

use std::collections::BTreeMap;

use crate::peer::Peer;
use crate::{Endpoint, PeerId};

/// Peers by their ids, and by the endpoints that they are dialled at, or were reached at by a link
/// of our own. No two are at one such endpoint: two connections of ours to one ROUTER would speak
/// with one routing id. A two-way peer is at none, since nobody can take its place.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    /// Boxed, since a tree has room for more than it holds.
    all: BTreeMap<PeerId, Box<Peer>>,
    /// So that a newcomer costs no search through all the others.
    places: BTreeMap<Endpoint, PeerId>,
}

impl Peers {
    pub(crate) fn get(&self, id: PeerId) -> Option<&Peer> {
        self.all.get(&id).map(|peer| &**peer)
    }

    pub(crate) fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.all.get_mut(&id).map(|peer| &mut **peer)
    }

    pub(crate) fn contains(&self, id: PeerId) -> bool {
        self.all.contains_key(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// In the order of their ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (PeerId, &Peer)> {
        self.all.iter().map(|(id, peer)| (*id, &**peer))
    }

    /// In the order of their ids.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Peer> {
        self.all.values_mut().map(|peer| &mut **peer)
    }

    /// The peer that we dial or have reached at an endpoint.
    pub(crate) fn at(&self, endpoint: Endpoint) -> Option<(PeerId, &Peer)> {
        let id = *self.places.get(&endpoint)?;
        Some((id, self.get(id)?))
    }

    pub(crate) fn insert(&mut self, id: PeerId, peer: Peer) {
        self.all.insert(id, Box::new(peer));
    }

    pub(crate) fn remove(&mut self, id: PeerId) {
        self.all.remove(&id);
    }

    /// The peer is dialled at an endpoint.
    pub(crate) fn place(&mut self, id: PeerId, endpoint: Endpoint) {
        self.places.insert(endpoint, id);
    }

    /// The peer is no longer dialled or linked to at an endpoint.
    pub(crate) fn leave(&mut self, id: PeerId, endpoint: Endpoint) {
        if self.places.get(&endpoint) == Some(&id) {
            self.places.remove(&endpoint);
        }
    }
}
