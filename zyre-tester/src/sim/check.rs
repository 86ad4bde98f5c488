//! What must hold between nodes, which no node can see by itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use zre_proto::{Engine, PeerId};

use super::health::{Harm, Health, Time};
use super::identity;
use super::leaders;
use super::net::Net;
use super::node::Node;
use super::time::Micros;
use super::truth::{self, Truth};
use super::workers::{All, Workers};
use testkit::ledger::{Rule, Violation};

/// The number of violations that are kept; a broken engine makes millions.
const KEPT: usize = 1000;

/// The checks of a run, and what they have found.
pub(super) struct Checks {
    pub(super) health: Health,
    pub(super) violations: Vec<Violation>,
    /// Pairs that were seen to agree at quiet moments.
    pub(super) agreed: u64,
    /// Nodes that were seen to know who leads a group.
    pub(super) led: u64,
}

/// A node among all others, at a moment.
struct View<'a> {
    net: &'a Net,
    all: &'a All<'a>,
    node: &'a Node,
    now: Micros,
}

impl Checks {
    pub(super) fn new(nodes: u32) -> Self {
        Self { health: Health::new(nodes), violations: Vec::new(), agreed: 0, led: 0 }
    }

    fn keep(&mut self, found: impl IntoIterator<Item = Violation>) {
        let room = KEPT - self.violations.len();
        self.violations.extend(found.into_iter().take(room));
    }

    /// Takes what nodes have found, and looks whether what they were told is true.
    pub(super) fn look(&mut self, workers: &Workers, now: Micros) {
        let net = workers.net();
        let mut all = workers.all();
        let nodes = net.honest;
        let slots = 0..nodes;
        for slot in slots.clone() {
            let node = all.node(slot);
            for news in &node.app.news {
                let truth = Truth { net: &net, health: &self.health };
                if let Some((one, other)) = truth.excused(node, news) {
                    let time = Time { from: news.at, until: news.at };
                    self.health.pair(one, other, time, Harm::Loss);
                }
            }
        }
        for slot in slots {
            let node = all.node_mut(slot);
            let mut found = node.app.ledger.drain(std::time::Duration::from_micros(now));
            found.append(&mut node.app.found);
            let truth = Truth { net: &net, health: &self.health };
            for news in std::mem::take(&mut node.app.news) {
                found.extend(truth.check(node, &news));
            }
            self.keep(found);
        }
        for slot in nodes..net.places.len() as u32 {
            self.keep(std::mem::take(&mut all.node_mut(slot).app.found));
        }
        drop(net);
        let (led, found) = leaders::look(&all, nodes, now);
        self.led += led;
        self.keep(found);
        self.violations.sort_by_key(|violation| violation.at);
    }

    /// A quiet moment: all living nodes that can reach each other see each other, and agree.
    pub(super) fn agree(&mut self, workers: &Workers, now: Micros) {
        let net = workers.net();
        let all = workers.all();
        let mut found = Vec::new();
        for slot in 0..net.honest {
            let node = all.node(slot);
            if node.runs() && node.is_awake(now) {
                let view = View { net: &net, all: &all, node, now };
                self.agree_with(&view, &mut found);
            }
        }
        drop(all);
        self.keep(found);
        self.violations.sort_by_key(|violation| violation.at);
    }

    /// Nothing of one node reaches another for long: neither may think that they are together,
    /// unless one of them was not able to notice.
    pub(super) fn unheard(&mut self, workers: &Workers, now: Micros, from: u32, to: u32) {
        let all = workers.all();
        let mut found = Vec::new();
        for (own, slot) in [(from, to), (to, from)] {
            let (node, other) = (all.node(own), all.node(slot));
            let sees = node.app.ledger.present().any(|(id, _)| id == other.id);
            let awake = [own, slot].into_iter().all(|slot| self.health.is_calm(slot, now));
            if sees && awake && node.runs() && other.runs() {
                let what = "a connection brings nothing for long, and no EXIT".into();
                found.push(node.app.violation(now, Rule::Life, other.id, what));
            }
        }
        drop(all);
        self.keep(found);
    }

    fn agree_with(&mut self, view: &View<'_>, found: &mut Vec<Violation>) {
        let View { net, all, node, now } = *view;
        let known: BTreeSet<PeerId> = node.engine.iter().flat_map(Engine::peers).collect();
        let present: BTreeSet<PeerId> = node.app.ledger.present().map(|(id, _)| id).collect();
        for id in known.symmetric_difference(&present) {
            let what = "the application and the engine differ on it".into();
            found.push(node.app.violation(now, Rule::Events, *id, what));
        }
        let seen = self.agree_with_present(view, found);
        let own = node.me.slot;
        let truth = Truth { net, health: &self.health };
        for (slot, place) in (0..net.honest).zip(&net.places) {
            let other = all.node(slot);
            if slot == own || seen[slot as usize] || !place.alive || !other.runs() {
                continue;
            }
            if net.can_meet(own, slot)
                && other.is_awake(now)
                && self.health.must_see(own, slot, now)
            {
                let what = "alive and can be reached, and not ENTERed".into();
                found.push(node.app.violation(now, Rule::Life, other.id, what));
            } else if truth.must_be_told(own, slot, now) && !node.app.told.is_unreachable(other.id)
            {
                let what = "cannot be met, and that was not told".into();
                found.push(node.app.violation(now, Rule::Reachable, other.id, what));
            }
        }
    }

    /// Compares what a node holds of its peers with what they hold of themselves. Returns which
    /// hosts it sees.
    fn agree_with_present(&mut self, view: &View<'_>, found: &mut Vec<Violation>) -> Vec<bool> {
        let View { net, all, node, now } = *view;
        let own = node.me.slot;
        let mut seen = vec![false; net.places.len()];
        let connections = node.connections(now);
        let mut object = |rule, peer, what| found.push(node.app.violation(now, rule, peer, what));
        for (id, groups) in node.app.ledger.present() {
            let (slot, life) = identity::read(id);
            let other = all.node(slot);
            if other.id == id && other.runs() {
                seen[slot as usize] = true;
                if !self.health.must_agree(own, slot, now) || !other.is_awake(now) {
                    continue;
                }
                let alive = node.engine.as_ref().and_then(|engine| engine.peer(id));
                let alive = alive.map(|peer| peer.liveness);
                if alive != node.app.told.liveness(id) {
                    let what = format!("it is {alive:?}, and that was not told");
                    object(Rule::Events, id, what);
                }
                let told: BTreeSet<Arc<str>> = other.app.ledger.own_groups().cloned().collect();
                if told == *groups {
                    self.agreed += 1;
                } else {
                    let what = format!("it is in {told:?}, but seen in {groups:?}");
                    object(Rule::Agreement, id, what);
                }
                let there = connections.get(&id).copied().unwrap_or_default();
                if let Some(what) = truth::connections(net.is_two_way(own, slot), there) {
                    object(Rule::Leftovers, id, what);
                }
            } else if self.health.noticed(own, slot, life, now) {
                object(Rule::Life, id, "dead for long, and no EXIT".into());
            }
        }
        seen
    }
}
