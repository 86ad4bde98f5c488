//! The leader must be the same for all nodes that see each other: the lowest of the contesters.
//!
//! A view is connected if all nodes that a node sees in a group are alive and awake, and see it there as
//! well. The time counts from the last change that any of them has heard of: how long it takes until
//! a crash is noticed is for other rules to judge. So disturbances excuse nothing by themselves, but
//! where a word of a member is still on its way, which may take TCP seconds, there is nothing to know.

use testkit::ledger::{Rule, Violation};
use zre_proto::PeerId;

use super::identity;
use super::node::Node;
use super::time::{MILLI, Micros, SECOND};
use super::workers::All;
use crate::behaviour::GROUPS;

/// How long nothing may have changed in a group until its leader must be known.
const SETTLED: Micros = SECOND;

/// By then an engine has told of what has come: it waits for 100 ms.
const TOLD: Micros = 110 * MILLI;

/// Nodes that are looked at in one second.
const LOOKED_AT: u32 = 100;

/// Looks at all groups of some of the nodes, this time: at all nodes in the course of time. Returns
/// at how many groups something had to hold, and what is wrong.
pub(super) fn look(all: &All<'_>, nodes: u32, now: Micros) -> (u64, Vec<Violation>) {
    let first = now / SECOND * u64::from(LOOKED_AT) % u64::from(nodes.max(1));
    let slots = (0..LOOKED_AT.min(nodes)).map(|n| (first as u32 + n) % nodes);
    let groups: Vec<String> = (0..GROUPS).map(|number| format!("group-{number}")).collect();
    let looks: Vec<Option<Violation>> = slots
        .flat_map(|slot| groups.iter().map(move |group| (slot, group)))
        .filter_map(|(slot, group)| wrong(all, all.node(slot), group, now))
        .collect();
    (looks.len() as u64, looks.into_iter().flatten().collect())
}

/// What is wrong with the leader that a node knows, if anything; `None` if it need not know yet.
fn wrong(all: &All<'_>, node: &Node, group: &str, now: Micros) -> Option<Option<Violation>> {
    if !is_settled(node, group, now) {
        return None;
    }
    let present = node.app.ledger.present().filter(|(_, groups)| groups.contains(group));
    let others: Vec<&Node> = present
        .map(|(id, _)| {
            let other = all.node(identity::read(id).0);
            let mutual = other.id == id && other.app.ledger.sees_in(node.id, group);
            (mutual && is_settled(other, group, now)).then_some(other)
        })
        .collect::<Option<_>>()?;
    let members = others.iter().copied().chain([node]);
    let contesters = members.filter(|it| it.app.ledger.is_contesting(group)).map(|it| it.id);
    let wanted = contesters.min();
    let told = node.app.ledger.leader(group);
    let held = node.engine.as_ref().and_then(|engine| engine.leader(group));
    if told == wanted && held == wanted {
        return Some(None);
    }
    // Of one that has left and come back unheard the others do not know that they have to tell it again
    // who contests.
    let on_the_way = |other: &&Node| {
        let last = other.last_arrival(node.id).max(node.last_arrival(other.id));
        now < last.saturating_add(TOLD)
    };
    if others.iter().any(on_the_way) {
        return None;
    }
    let name = |id: Option<PeerId>| id.map_or_else(|| "nobody".into(), identity::name);
    let what = format!(
        "{} leads {group} of those who contest, but {} was told, and the engine says {}",
        name(wanted),
        name(told),
        name(held)
    );
    let peer = wanted.or(told).unwrap_or(node.id);
    Some(Some(node.app.violation(now, Rule::Agreement, peer, what)))
}

/// Whether a node is in a group, and nothing has changed there for it.
fn is_settled(node: &Node, group: &str, now: Micros) -> bool {
    let is_member = node.runs() && node.is_awake(now) && node.app.ledger.is_in(group);
    is_member && now > node.app.last_change(group).max(node.awake_since()) + SETTLED
}
