//! A quiet moment: nothing has started, stopped, joined or left for a while. Then what each node
//! holds of each peer equals what the peer holds of itself (rule 2), and no node has ever got
//! another first command than HELLO (rule 1).

use std::collections::BTreeMap;
use std::time::Duration;

use zyre::PeerId;

use super::kinds::Kind;
use super::lives::Lives;
use super::protocol::{Counted, Link, Snapshot};
use testkit::ledger::{Rule, Violation};

/// How long two nodes that are up and awake may take to meet.
const MEET: Duration = Duration::from_secs(5);

/// The answers of all nodes that were asked.
#[derive(Debug, Default)]
pub(super) struct Moment {
    pub(super) round: u64,
    /// The nodes that were asked and have not answered.
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
        let awake = |id: &PeerId| lives.get(*id).is_some_and(|life| life.is_awake(now, MEET));
        for (node, held) in &self.snapshots {
            for (peer, own) in self.snapshots.iter().filter(|(peer, _)| *peer != node) {
                if are_strangers(lives, *node, *peer) {
                    if held.peers.contains_key(&own.node) {
                        let what = "the node knows the peer, which is a stranger to it".into();
                        let found_now = disagree(*node, *peer, now, what);
                        found.push(Violation { rule: Rule::Keys, ..found_now });
                    }
                    continue;
                }
                if lives.are_parted(*node, *peer, now) {
                    continue;
                }
                compared += 1;
                let both_awake = awake(node) && awake(peer);
                let what = match held.peers.get(&own.node) {
                    Some(groups) if *groups != own.own => format!(
                        "the node holds the peer to be in {groups:?}, the peer itself {:?}",
                        own.own
                    ),
                    Some(_) if both_awake && held.quiet.contains(&own.node) => {
                        "the node holds the peer to be evasive or silent, which is awake".into()
                    }
                    Some(_) if both_awake => match wrong_link(lives, held, own) {
                        Some(what) => what,
                        None => continue,
                    },
                    None if [node, peer].iter().all(|id| settled(lives, **id, now)) => {
                        "the node does not know the peer, and both have been up for long".into()
                    }
                    _ => continue,
                };
                found.push(disagree(*node, *peer, now, what));
            }
        }
        for node in self.missing.iter().filter(|id| awake(id)) {
            found.push(disagree(*node, *node, now, "the node does not answer".into()));
        }
        (compared, found)
    }
}

/// What is wrong about how a node is connected to a peer: two that can do so share one connection,
/// which one of them has dialled, and everybody else has two.
fn wrong_link(lives: &Lives, node: &Snapshot, peer: &Snapshot) -> Option<String> {
    // Nodes of the release before do not tell.
    let link = *node.links.get(&peer.node)?;
    let is_two_way = |id| lives.get(id).is_some_and(|life| life.kind == Kind::TwoWay);
    let two_way = [node, peer].iter().all(|it| is_two_way(it.node.0));
    if two_way == (link == Link::OneEachWay) {
        return Some(format!("the node is connected {link:?}; a connection for both: {two_way}"));
    }
    let seen = *peer.links.get(&node.node)?;
    (seen != link.seen_by_the_peer())
        .then(|| format!("the node is connected {link:?}, and the peer {seen:?}"))
}

/// Whether two nodes have nothing to do with each other.
fn are_strangers(lives: &Lives, node: PeerId, peer: PeerId) -> bool {
    let [node, peer] = [node, peer].map(|id| lives.get(id).map(|life| life.circle));
    node != peer
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::id::Id;
    use super::*;

    const NOW: Duration = Duration::from_secs(60);
    const IDS: [PeerId; 2] = [PeerId::new([0xA; 16]), PeerId::new([0xB; 16])];

    /// Two nodes that agree and share a connection, and what is changed about that. Returns how
    /// many disagreements are found.
    fn found(change: impl FnOnce(&mut Lives, &mut [Snapshot; 2])) -> usize {
        let mut lives = Lives::default();
        let mut moment = Moment::new(1, IDS.to_vec());
        let links = [(IDS[0], IDS[1], Link::Dialled), (IDS[1], IDS[0], Link::Accepted)];
        let mut snapshots = links.map(|(node, peer, link)| Snapshot {
            round: 1,
            node: Id(node),
            own: vec!["g".into()],
            peers: BTreeMap::from([(Id(peer), vec!["g".into()])]),
            quiet: BTreeSet::new(),
            links: BTreeMap::from([(Id(peer), link)]),
            counted: Counted::default(),
        });
        for id in IDS {
            lives.up(id, "node".into(), 0, 1, Kind::TwoWay, Duration::ZERO);
        }
        change(&mut lives, &mut snapshots);
        for (id, snapshot) in IDS.into_iter().zip(snapshots) {
            moment.take(id, snapshot);
        }
        let (compared, found) = moment.compare(&lives, NOW);
        assert_eq!(compared, 2);
        assert!(found.iter().all(|violation| violation.rule == Rule::Agreement));
        found.len()
    }

    /// The second node was stalled, and is back for 3 s.
    fn stalled(lives: &mut Lives) {
        let stall = (NOW - Duration::from_secs(9), NOW - Duration::from_secs(3));
        lives.get_mut(IDS[1]).unwrap().stall = Some(stall);
    }

    /// The second node is of this kind.
    fn make(lives: &mut Lives, kind: Kind) {
        lives.get_mut(IDS[1]).unwrap().kind = kind;
    }

    /// What both nodes say of their link.
    fn call(snapshots: &mut [Snapshot; 2], links: [Link; 2]) {
        for (snapshot, link) in snapshots.iter_mut().zip(links) {
            snapshot.links.values_mut().for_each(|it| *it = link);
        }
    }

    #[test]
    fn what_a_node_holds_of_a_peer_is_what_the_peer_holds_of_itself() {
        assert_eq!(found(|_, _| {}), 0);
        assert_eq!(found(|_, [first, _]| first.peers.clear()), 1);
        assert_eq!(found(|_, [first, _]| first.peers.values_mut().for_each(Vec::clear)), 1);
        let quiet = |first: &mut Snapshot| first.quiet.extend(first.peers.keys());
        assert_eq!(found(|_, [first, _]| quiet(first)), 1, "it answers, without RETURNED");
        let back = |lives: &mut Lives, [first, _]: &mut [Snapshot; 2]| {
            stalled(lives);
            quiet(first);
        };
        assert_eq!(found(back), 0);
    }

    #[test]
    fn two_nodes_that_can_do_so_share_one_connection_and_all_others_have_two() {
        use Link::{Accepted, Dialled, OneEachWay};
        let two_way = |links| found(|_, snapshots| call(snapshots, links));
        assert_eq!(two_way([Accepted, Dialled]), 0);
        assert_eq!(two_way([Accepted, Accepted]), 2, "one of them has dialled");
        assert_eq!(two_way([Dialled, OneEachWay]), 2);
        assert_eq!(two_way([OneEachWay, OneEachWay]), 2);
        let one_is_plain = |links| {
            found(|lives, snapshots| {
                make(lives, Kind::Plain);
                call(snapshots, links);
            })
        };
        assert_eq!(one_is_plain([OneEachWay, OneEachWay]), 0);
        assert_eq!(one_is_plain([Dialled, Accepted]), 2);
        assert_eq!(one_is_plain([Dialled, OneEachWay]), 2);
        let meeting_again = |lives: &mut Lives, snapshots: &mut [Snapshot; 2]| {
            stalled(lives);
            call(snapshots, [Dialled, OneEachWay]);
        };
        assert_eq!(found(meeting_again), 0);
        let old = |lives: &mut Lives, [first, second]: &mut [Snapshot; 2]| {
            make(lives, Kind::Old);
            first.links.values_mut().for_each(|it| *it = OneEachWay);
            second.links.clear();
        };
        assert_eq!(found(old), 0, "a node of the release before does not tell");
    }
}
