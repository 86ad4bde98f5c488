//! What must hold between nodes, which no node can see by itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use zre_proto::{Engine, PeerId};

use super::app::Exit;
use super::crew::{All, Crew};
use super::health::Health;
use super::identity;
use super::net::Net;
use super::node::Node;
use super::queue::Micros;
use crate::ledger::{Rule, Violation};

/// So many violations are kept; a broken engine makes millions.
const KEPT: usize = 1000;

/// The checks of a run, and what they have found.
pub(super) struct Checks {
    pub(super) health: Health,
    pub(super) violations: Vec<Violation>,
    /// Pairs that were seen to agree at quiet moments.
    pub(super) agreed: u64,
}

impl Checks {
    pub(super) fn new(nodes: u32) -> Self {
        Self { health: Health::new(nodes), violations: Vec::new(), agreed: 0 }
    }

    fn keep(&mut self, found: impl IntoIterator<Item = Violation>) {
        let room = KEPT - self.violations.len();
        self.violations.extend(found.into_iter().take(room));
    }

    /// Takes what nodes have found, and looks whether those that were exited are dead.
    pub(super) fn look(&mut self, crew: &Crew, now: Micros) {
        let net = crew.net();
        let mut all = crew.all();
        for slot in 0..net.places.len() as u32 {
            let node = all.node_mut(slot);
            let mut found = node.app.ledger.drain(std::time::Duration::from_micros(now));
            found.append(&mut node.app.found);
            for exit in std::mem::take(&mut node.app.exits) {
                found.extend(self.wrong_exit(&net, node, &exit));
            }
            self.keep(found);
        }
        self.violations.sort_by_key(|violation| violation.at);
    }

    fn wrong_exit(&self, net: &Net, node: &Node, exit: &Exit) -> Option<Violation> {
        let (slot, life) = identity::read(exit.peer);
        let (own, own_life) = identity::read(node.app.id);
        let died = |slot, life| self.health.death(slot, life).is_some_and(|(at, _)| at <= exit.at);
        let alive = net.places.get(slot as usize).is_some_and(|place| place.life == life);
        let healthy = alive
            && !died(slot, life)
            && !died(own, own_life)
            && self.health.healthy(own, slot, exit.at);
        healthy.then(|| {
            let what = format!("EXIT ({}) of a node that is alive and can be reached", exit.reason);
            node.app.violation(exit.at, Rule::Life, exit.peer, what)
        })
    }

    /// A quiet moment: all living nodes that can reach each other see each other, and agree.
    pub(super) fn agree(&mut self, crew: &Crew, now: Micros) {
        let net = crew.net();
        let all = crew.all();
        let mut found = Vec::new();
        for slot in 0..net.places.len() as u32 {
            let node = all.node(slot);
            if node.engine.is_some() && !node.is_stopping() && !node.asleep {
                self.agree_with(&net, &all, node, now, &mut found);
            }
        }
        drop(all);
        self.keep(found);
        self.violations.sort_by_key(|violation| violation.at);
    }

    fn agree_with(
        &mut self,
        net: &Net,
        all: &All<'_>,
        node: &Node,
        now: Micros,
        found: &mut Vec<Violation>,
    ) {
        let mut object = |rule, peer, what| found.push(node.app.violation(now, rule, peer, what));
        let own = node.party.slot;
        let mut seen = vec![false; net.places.len()];
        let known: BTreeSet<PeerId> = node.engine.iter().flat_map(Engine::peers).collect();
        let present: BTreeSet<PeerId> = node.app.ledger.present().map(|(id, _)| id).collect();
        for id in known.symmetric_difference(&present) {
            object(Rule::Events, *id, "the application and the engine differ on it".into());
        }
        for (id, groups) in node.app.ledger.present() {
            let (slot, life) = identity::read(id);
            let other = all.node(slot);
            if other.id == id && other.engine.is_some() && !other.is_stopping() {
                seen[slot as usize] = true;
                if !self.health.healthy(own, slot, now) || other.asleep {
                    continue;
                }
                let told: BTreeSet<Arc<str>> = other.app.ledger.own_groups().cloned().collect();
                if told == *groups {
                    self.agreed += 1;
                } else {
                    let what = format!("it is in {told:?}, but seen in {groups:?}");
                    object(Rule::Agreement, id, what);
                }
            } else if self.health.noticed(own, slot, life, now) {
                object(Rule::Life, id, "dead for long, and no EXIT".into());
            }
        }
        for (slot, place) in (0..).zip(&net.places) {
            let other = all.node(slot);
            let there = place.alive && other.engine.is_some() && !other.is_stopping();
            if slot != own
                && there
                && !seen[slot as usize]
                && !other.asleep
                && self.health.see(own, slot, now)
            {
                let what = "alive and can be reached, and not ENTERed".into();
                object(Rule::Life, other.id, what);
            }
        }
    }
}
