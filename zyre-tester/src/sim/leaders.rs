//! Who leads must be the same for all who see each other: the lowest of those that contest.

use testkit::ledger::{Rule, Violation};
use zre_proto::PeerId;

use super::health::Health;
use super::identity;
use super::node::Node;
use super::time::{Micros, SECOND};
use super::workers::All;
use crate::behaviour::GROUPS;

/// How long nothing may have changed in a group until its leader must be known. An engine needs
/// 100 ms; what a network that loses segments needs comes to that.
const SETTLED: Micros = 3 * SECOND;

/// Nodes that are looked at in one second.
const LOOKED_AT: u32 = 100;

/// Looks at one group, and at some of the nodes, this time: at all of them in the course of time.
/// Returns at how many something had to hold, and what is wrong.
pub(super) fn look(
    all: &All<'_>,
    health: &Health,
    nodes: u32,
    now: Micros,
) -> (u64, Vec<Violation>) {
    let second = now / SECOND;
    let group = format!("group-{}", second % GROUPS as u64);
    let first = (second / GROUPS as u64) * u64::from(LOOKED_AT) % u64::from(nodes.max(1));
    let slots = (0..LOOKED_AT.min(nodes)).map(|n| (first as u32 + n) % nodes);
    let looks: Vec<Option<Violation>> =
        slots.filter_map(|slot| wrong(all, health, all.node(slot), &group, now)).collect();
    (looks.len() as u64, looks.into_iter().flatten().collect())
}

/// What is wrong with the leader that a node knows, if anything; `None` if it need not know yet.
fn wrong(
    all: &All<'_>,
    health: &Health,
    node: &Node,
    group: &str,
    now: Micros,
) -> Option<Option<Violation>> {
    let settled = |node: &Node| now > node.app.last_change(group) + SETTLED;
    let ledger = &node.app.ledger;
    if !node.runs() || !node.is_awake(now) || !ledger.is_in(group) || !settled(node) {
        return None;
    }
    let own = ledger.is_contesting(group).then_some(node.id);
    let mut contesters: Vec<PeerId> = own.into_iter().collect();
    for (id, _) in ledger.present().filter(|(_, groups)| groups.contains(group)) {
        let (slot, _) = identity::read(id);
        let other = all.node(slot);
        let undisturbed = health.must_agree(node.me.slot, slot, now) && other.is_awake(now);
        if other.id != id || !other.runs() || !undisturbed || !settled(other) {
            return None;
        }
        contesters.extend(other.app.ledger.is_contesting(group).then_some(id));
    }
    let wanted = contesters.into_iter().min();
    let told = ledger.leader(group);
    let held = node.engine.as_ref().and_then(|engine| engine.leader(group));
    let name = |id: Option<PeerId>| id.map_or_else(|| "nobody".into(), identity::name);
    let what = format!(
        "{} leads {group} of those who contest, but {} was told, and the engine says {}",
        name(wanted),
        name(told),
        name(held)
    );
    let peer = wanted.or(told).unwrap_or(node.id);
    let wrong = told != wanted || held != wanted;
    Some(wrong.then(|| node.app.violation(now, Rule::Agreement, peer, what)))
}
