//! Accepted connections on which no peer is heard yet, and which of them makes room if there are
//! too many.

use std::collections::BTreeMap;

use zre_proto::{ConnId, Engine, PeerId};

use crate::Limits;

/// Accepted connections on which no peer that has said HELLO is heard.
#[derive(Default)]
pub(super) struct Strangers {
    /// Those of which it was not asked whether a peer was greeted there.
    all: BTreeMap<ConnId, PeerId>,
    /// Those on which a peer was greeted. It has perhaps entered, and its answer is on the way: it
    /// would hear of an end that is none, if one who says nothing could push it out.
    greeted: BTreeMap<ConnId, PeerId>,
}

impl Strangers {
    pub(super) fn insert(&mut self, conn: ConnId, peer: PeerId) {
        self.all.insert(conn, peer);
    }

    pub(super) fn remove(&mut self, conn: ConnId) {
        self.all.remove(&conn);
        self.greeted.remove(&conn);
    }

    /// Takes out the one that makes room, if there are too many: the oldest that was not greeted,
    /// or the oldest that was. To greet is cheap to ask for, and takes the place of a peer.
    pub(super) fn pop_excess(
        &mut self,
        engine: &Engine,
        limits: &Limits,
    ) -> Option<(ConnId, PeerId)> {
        while self.all.len() > limits.strangers {
            let (conn, peer) = self.all.pop_first()?;
            if !engine.greets(peer, conn) {
                return Some((conn, peer));
            }
            self.greeted.insert(conn, peer);
        }
        if self.greeted.len() > limits.greeted() { self.greeted.pop_first() } else { None }
    }
}
