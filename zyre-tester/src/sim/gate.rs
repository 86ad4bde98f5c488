//! Which nodes a secure node deals with: what the driver of the `zyre` crate decides.
//!
//! Hosts with an even number run software whose ids show their keys, as ours do: nobody else is
//! believed to have such an id. Those of the others show nothing. There only the engine knows, once it
//! has met a node, whose its id is; so they are lied about to those that know them. (Who takes an id
//! before its owner is met has it. That cannot be helped, and is not played.)

use std::collections::BTreeMap;

use zre_proto::{Event, PeerId, PublicKey};

use super::identity;
use super::keys;
use super::net::Net;
use super::time::{Micros, SECOND};

/// An engine knows for a minute whose the id of a peer was that has gone.
const KNOWN: Micros = 55 * SECOND;

/// The nodes that one process of a secure node knows.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Those that were met, and until when it is known for sure whose their ids are.
    known: BTreeMap<PeerId, Micros>,
}

/// A remote that is heard, or connects, or is connected to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comer {
    /// The host where it really is.
    pub(super) slot: u32,
    /// Who it says that it is.
    pub(super) id: Option<PeerId>,
    pub(super) key: PublicKey,
}

impl Gate {
    /// What the application is about to be told.
    pub(super) fn note(&mut self, now: Micros, event: &Event) {
        match event {
            Event::Enter { peer, .. } => drop(self.known.insert(*peer, Micros::MAX)),
            Event::Exit { peer, .. } => drop(self.known.insert(*peer, now + KNOWN)),
            _ => {}
        }
    }

    /// The key of a host is not trusted any more: its ids are anybody's.
    pub(super) fn forget(&mut self, slot: u32) {
        self.known.retain(|id, _| identity::read(*id).0 != slot);
    }

    /// Whether a node deals with a remote.
    pub(super) fn lets_in(&self, net: &Net, own: u32, now: Micros, comer: &Comer) -> bool {
        let of_key = keys::read(comer.key);
        if of_key >= net.honest || net.distrusts.contains_key(&(own, of_key)) {
            return false;
        }
        let Some(id) = comer.id else { return true };
        let (owner, _) = identity::read(id);
        owner >= net.honest
            || owner == of_key
            || (shows_nothing(owner) && (net.is_mute(comer.slot) || self.knows(now, id)))
    }

    /// Whether the engine has to know whose an id is.
    pub(super) fn knows(&self, now: Micros, id: PeerId) -> bool {
        self.known.get(&id).is_some_and(|until| now < *until)
    }
}

/// Whether ids of a host do not show its key.
const fn shows_nothing(slot: u32) -> bool {
    slot % 2 == 1
}
