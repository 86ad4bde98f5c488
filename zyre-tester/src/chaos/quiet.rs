//! A quiet moment: nothing has started, stopped, joined or left for a while. Then what each node
//! holds of each peer equals what the peer holds of itself (rule 2), and no node has ever got
//! another first command than HELLO (rule 1).

use std::collections::BTreeMap;
use std::time::Duration;

use zyre::PeerId;

use super::lives::Lives;
use super::protocol::{Counted, Snapshot};
use crate::ledger::{Rule, Violation};

/// How long two nodes that are up and awake may take to meet.
const MEET: Duration = Duration::from_secs(5);

/// The answers of all nodes that were asked.
#[derive(Debug, Default)]
pub(super) struct Moment {
    pub(super) round: u64,
    /// Who was asked and has not answered.
    pub(super) missing: Vec<PeerId>,
    snapshots: BTreeMap<PeerId, Snapshot>,
}

impl Moment {
    pub(super) const fn new(round: u64, asked: Vec<PeerId>) -> Self {
        Self { round, missing: asked, snapshots: BTreeMap::new() }
    }

    pub(super) fn take(&mut self, id: PeerId, snapshot: Snapshot) {
        if snapshot.round == self.round {
            self.missing.retain(|missing| *missing != id);
            self.snapshots.insert(id, snapshot);
        }
    }

    /// How many pairs were compared, and what they do not agree on.
    pub(super) fn compare(&self, lives: &Lives, now: Duration) -> (u64, Vec<Violation>) {
        let mut found = Vec::new();
        let mut compared = 0;
        for (node, held) in &self.snapshots {
            for (peer, own) in self.snapshots.iter().filter(|(peer, _)| *peer != node) {
                compared += 1;
                let what = match held.peers.get(&own.node) {
                    Some(groups) if *groups == own.own => continue,
                    Some(groups) => format!(
                        "the node holds the peer to be in {groups:?}, the peer itself {:?}",
                        own.own
                    ),
                    None if [node, peer].iter().all(|id| settled(lives, **id, now)) => {
                        "the node does not know the peer, and both have been up for long".into()
                    }
                    None => continue,
                };
                found.push(disagree(*node, *peer, now, what));
            }
        }
        let awake = |id: &&PeerId| lives.get(**id).is_some_and(|life| life.is_awake(now, MEET));
        for node in self.missing.iter().filter(awake) {
            found.push(disagree(*node, *node, now, "the node does not answer".into()));
        }
        (compared, found)
    }
}

fn settled(lives: &Lives, id: PeerId, now: Duration) -> bool {
    lives.get(id).is_some_and(|life| life.up + MEET < now && life.is_awake(now, MEET))
}

fn disagree(node: PeerId, peer: PeerId, at: Duration, what: String) -> Violation {
    Violation { rule: Rule::Agreement, node, peer, what, at, history: Vec::new() }
}

/// What a node has counted that nobody should have made it count: more than when last looked at.
pub(super) fn count(
    lives: &mut Lives,
    id: PeerId,
    now: Counted,
    at: Duration,
) -> Option<Violation> {
    let life = lives.get_mut(id)?;
    let before = std::mem::replace(&mut life.counted, now);
    let more = [
        ("commands before HELLO", now.before_hello, before.before_hello),
        ("commands out of sequence on a second connection", now.intruding, before.intruding),
        ("malformed messages", now.malformed, before.malformed),
        ("messages that are not ZRE", now.foreign, before.foreign),
        ("connections that broke the protocol", now.broken, before.broken),
        ("overflows", now.overflows, before.overflows),
    ];
    let more: Vec<String> = more
        .iter()
        .filter(|(_, now, before)| now > before)
        .map(|(what, now, before)| format!("{} {what}", now - before))
        .collect();
    (!more.is_empty()).then(|| Violation {
        rule: Rule::HelloFirst,
        node: id,
        peer: id,
        what: format!("since last looked at: {}", more.join(", ")),
        at,
        history: Vec::new(),
    })
}
