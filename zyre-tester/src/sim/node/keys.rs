//! What a secure node has to do with keys, and what must hold of them.

use testkit::ledger::Rule;
use zre_proto::{Action, Endpoint, Event, PeerId, PublicKey};

use super::{Node, World};
use crate::sim::gate::Comer;
use crate::sim::identity;
use crate::sim::keys;
use crate::sim::segment::{Keys, NodeRef};
use crate::sim::time::Micros;

impl Node {
    /// Whether a connection to the mailbox is let in. What each end has to prove it proves.
    pub(super) fn admits(
        &mut self,
        from: NodeRef,
        peer: PeerId,
        keys: Keys,
        world: &World<'_>,
    ) -> bool {
        let net = world.net;
        if let Some(claim) = net.place(self.me.slot).claim {
            let stays_away = claim.lie.is_left_alone() && keys.wanted == self.key;
            if stays_away && !net.is_liar(from.slot) {
                let what = format!("{:?} is connected to", claim.lie);
                self.object(Rule::Keys, Some(peer), what);
            }
            return keys.wanted == self.key;
        }
        keys.wanted == self.key && self.lets_in(from.slot, Some(peer), keys.own, world)
    }

    /// Whether this node deals with a remote that has proved a key.
    pub(super) fn lets_in(
        &self,
        slot: u32,
        id: Option<PeerId>,
        key: Option<PublicKey>,
        world: &World<'_>,
    ) -> bool {
        let (Some(_), None) = (self.key, world.net.place(self.me.slot).claim) else { return true };
        let Some(key) = key else { return false };
        self.gate.lets_in(world.net, self.me.slot, self.now, &Comer { slot, id, key })
    }

    /// Whether a key is not the one of a peer, as far as this node is to know.
    pub(super) fn is_wrong(
        &self,
        peer: Option<PeerId>,
        key: Option<PublicKey>,
        world: &World<'_>,
    ) -> bool {
        let (Some(_), Some(peer), false) = (self.key, peer, world.net.is_liar(self.me.slot)) else {
            return false;
        };
        let (owner, _) = identity::read(peer);
        world.net.is_liar(owner) || world.net.key(owner) != key
    }

    /// Looks whether a node may be dialled at an endpoint.
    pub(super) fn check_dial(
        &mut self,
        peer: Option<PeerId>,
        endpoint: Endpoint,
        world: &World<'_>,
    ) {
        if self.key.is_some() && endpoint.key().is_none() {
            let what = format!("{endpoint} is dialled, where nobody proves a key");
            self.object(Rule::Keys, peer, what);
        }
        if let Some(id) = peer
            && self.gate.knows(self.now, id)
            && self.is_wrong(peer, endpoint.key(), world)
        {
            let what =
                format!("it is dialled at {endpoint}, and it is known that its key is another");
            self.object(Rule::Keys, peer, what);
        }
    }

    /// Looks whether what the application is to be told is of the one whose key it is.
    pub(super) fn check_keys(&mut self, event: &Event, world: &World<'_>) {
        let Some(peer) = event.peer() else { return };
        let speaks = self.speaks.filter(|(speaker, _)| *speaker == peer);
        let key = match event {
            Event::Enter { endpoint, .. } => endpoint.key(),
            Event::Whisper { .. } | Event::Shout { .. } => match speaks {
                Some((_, key)) => key,
                // What was held came before.
                None => return,
            },
            _ => return,
        };
        if self.is_wrong(Some(peer), key, world) {
            let what = format!("the application is told of it, under the key {key:?}");
            return self.object(Rule::Keys, Some(peer), what);
        }
        let entered = matches!(event, Event::Enter { .. });
        if entered && world.net.distrusts.contains_key(&(self.me.slot, identity::read(peer).0)) {
            self.object(Rule::Keys, Some(peer), "ENTER of one that is not trusted".into());
        }
    }

    /// This node does not trust the key of another any more.
    pub(in crate::sim) fn distrust(&mut self, now: Micros, key: PublicKey, world: &mut World<'_>) {
        self.now = now;
        // A node that has stopped has to do with nobody.
        let _ = self.act(Action::Distrust(key), world);
        self.gate.forget(keys::read(key));
        self.run_app(world);
    }

    /// Something is wrong with keys.
    pub(super) fn object(&mut self, rule: Rule, peer: Option<PeerId>, what: String) {
        let found = self.app.violation(self.now, rule, peer.unwrap_or(self.id), what);
        self.app.found.push(found);
    }
}
