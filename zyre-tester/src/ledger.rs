//! What the application of one node has seen and done, and whether that can be right.
//!
//! A ledger has no sockets and no clock. Whoever runs the node, real or simulated, tells it of
//! every event and every message, and takes what it objects to from [`Ledger::drain`]. What can only be
//! seen by looking at two nodes is the business of the caller.

mod history;
mod stamp;
mod violation;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use zyre::{Content, Event, PeerId};

pub(crate) use self::history::Entry;
use self::history::History;
use self::stamp::{Stamp, To};
pub(crate) use self::violation::{Rule, Violation};

/// How long a whisper may have been refused before the EXIT that explains it is read. The EXIT
/// was queued before the refusal, so this is only about how fast the application reads.
const EXPLAINED: Duration = Duration::from_secs(5);

/// The books of one node.
#[derive(Debug)]
pub(crate) struct Ledger {
    node: PeerId,
    groups: BTreeSet<Arc<str>>,
    /// Groups that it was ever in: what was queued when it left a group still comes.
    joined: BTreeSet<Arc<str>>,
    pairs: BTreeMap<PeerId, Pair>,
    /// The number of the next shout to each group.
    shouts: BTreeMap<Arc<str>, u32>,
    violations: Vec<Violation>,
    /// How many entries of history are kept for each pair.
    kept: usize,
    stopped: bool,
}

/// What there was between the node and one peer.
#[derive(Debug)]
struct Pair {
    /// Between ENTER and EXIT.
    present: bool,
    groups: BTreeSet<Arc<str>>,
    /// The number of our next whisper to the peer.
    whispers: u32,
    /// The number of our first whisper in this ENTER…EXIT of the peer at this node. Moved with EXIT
    /// already: what is accepted after it belongs to the ENTER that is queued behind.
    first: u32,
    /// The number that the peer's next whisper must have at least.
    next: u32,
    /// Whether it has whispered in this ENTER…EXIT: then the number is exact.
    heard: bool,
    /// The number of the last shout to each group.
    shouts: BTreeMap<Arc<str>, u32>,
    /// A whisper was refused though the peer is present; EXIT has to follow.
    refused: Option<Duration>,
    history: History,
}

impl Ledger {
    /// Keeps the last 50 entries of each pair.
    pub(crate) const fn new(node: PeerId) -> Self {
        Self::with_history(node, 50)
    }

    /// Keeps so many entries of each pair; none costs the least memory.
    pub(crate) const fn with_history(node: PeerId, kept: usize) -> Self {
        Self {
            node,
            groups: BTreeSet::new(),
            joined: BTreeSet::new(),
            pairs: BTreeMap::new(),
            shouts: BTreeMap::new(),
            violations: Vec::new(),
            kept,
            stopped: false,
        }
    }

    /// The content of the node's next whisper to a peer, which is counted as sent. To be sent at
    /// once; if that is refused, [`refused`](Self::refused) has to be told.
    pub(crate) fn whisper(&mut self, at: Duration, to: PeerId, depth: u8) -> Content {
        let from = self.node;
        let pair = self.pair(to);
        let (first, number) = (pair.first, pair.whispers);
        pair.whispers += 1;
        pair.history.push(at, Entry::Whispered { first, number });
        Stamp { from, to: To::Peer { to, first }, number, depth }.encode()
    }

    /// The last whisper to this peer was refused: the peer is not known. No harm if its EXIT has
    /// been seen, or is seen soon.
    pub(crate) fn refused(&mut self, at: Duration, to: PeerId) {
        let pair = self.pair(to);
        pair.whispers = pair.whispers.saturating_sub(1);
        pair.history.push(at, Entry::Refused);
        if pair.present {
            pair.refused.get_or_insert(at);
        }
    }

    /// The content of the node's next shout to a group, which is counted as sent.
    pub(crate) fn shout(&mut self, group: &str, depth: u8) -> Content {
        let group: Arc<str> = group.into();
        let next = self.shouts.entry(group.clone()).or_default();
        let number = *next;
        *next += 1;
        Stamp { from: self.node, to: To::Group(group), number, depth }.encode()
    }

    /// The node has joined a group.
    pub(crate) fn joined(&mut self, group: &str) {
        self.groups.insert(group.into());
        self.joined.insert(group.into());
    }

    /// The node has left a group.
    pub(crate) fn left(&mut self, group: &str) {
        self.groups.remove(group);
    }

    /// Whether the node is in a group.
    pub(crate) fn is_in(&self, group: &str) -> bool {
        self.groups.contains(group)
    }

    /// The groups that the node is in.
    pub(crate) fn own_groups(&self) -> impl Iterator<Item = &Arc<str>> {
        self.groups.iter()
    }

    /// The peers that are present, and the groups that each is in, as the events tell.
    pub(crate) fn present(&self) -> impl Iterator<Item = (PeerId, &BTreeSet<Arc<str>>)> {
        let present = self.pairs.iter().filter(|(_, pair)| pair.present);
        present.map(|(id, pair)| (*id, &pair.groups))
    }

    /// Whether a peer is between ENTER and EXIT.
    pub(crate) fn is_present(&self, peer: PeerId) -> bool {
        self.pairs.get(&peer).is_some_and(|pair| pair.present)
    }

    /// What was last between the node and a peer, a line each, oldest first.
    pub(crate) fn history(&self, peer: PeerId) -> Vec<String> {
        self.pairs.get(&peer).map_or_else(Vec::new, |pair| pair.history.lines())
    }

    /// What was found so far and not yet taken. Also looks for whispers whose refusal nothing has
    /// explained in time.
    pub(crate) fn drain(&mut self, now: Duration) -> Vec<Violation> {
        let late = |refused: Duration| now > refused + EXPLAINED;
        let pairs = self.pairs.iter_mut().filter(|(_, pair)| pair.refused.is_some_and(late));
        let unexplained: Vec<(PeerId, Option<Duration>)> =
            pairs.map(|(peer, pair)| (*peer, pair.refused.take())).collect();
        for (peer, refused) in unexplained {
            let what =
                format!("a whisper was refused at {refused:.3?}, and there is no EXIT since");
            self.object(now, Rule::Reachable, peer, what);
        }
        std::mem::take(&mut self.violations)
    }

    /// An event has come. Returns how many answers a message still allows; 0 for other events.
    pub(crate) fn observe(&mut self, at: Duration, event: &Event) -> u8 {
        if self.stopped {
            self.object(at, Rule::Events, self.node, format!("after STOP: {event:?}"));
        }
        let Some(peer) = event.peer() else {
            self.stopped |= matches!(event, Event::Stop);
            return 0;
        };
        let kept = self.kept;
        self.pair(peer).history.push(at, Entry::of(event));
        let present = self.is_present(peer);
        if present == matches!(event, Event::Enter { .. }) {
            let place = if present { "a second ENTER" } else { "outside ENTER…EXIT" };
            let what =
                if kept == 0 { place.into() } else { format!("{place}: {}", Entry::of(event)) };
            self.object(at, Rule::Events, peer, what);
        }
        match event {
            Event::Enter { .. } => self.enter(peer),
            Event::Exit { .. } => self.exit(peer),
            Event::Join { group, .. } if !self.pair(peer).groups.insert(group.clone()) => {
                self.object(at, Rule::Events, peer, format!("a second JOIN of {group}"));
            }
            Event::Leave { group, .. } if !self.pair(peer).groups.remove(group) => {
                self.object(at, Rule::Events, peer, format!("LEAVE of {group} without JOIN"));
            }
            Event::Whisper { content, .. } => return self.whispered(at, peer, content),
            Event::Shout { group, content, .. } => return self.shouted(at, peer, group, content),
            _ => {}
        }
        0
    }

    fn enter(&mut self, peer: PeerId) {
        let pair = self.pair(peer);
        pair.present = true;
        pair.heard = false;
        pair.groups.clear();
    }

    fn exit(&mut self, peer: PeerId) {
        let pair = self.pair(peer);
        pair.present = false;
        pair.groups.clear();
        pair.refused = None;
        pair.first = pair.whispers;
    }

    /// Whispers of one link arrive without a gap, and each ENTER begins with a link. One may end
    /// and the next begin at the peer without that here: it has greeted us anew and found that we
    /// know it still, so the link goes on.
    fn whispered(&mut self, at: Duration, peer: PeerId, content: &Content) -> u8 {
        let Some(Stamp { from, to: To::Peer { to, first }, number, depth }) =
            Stamp::decode(content)
        else {
            self.object(at, Rule::Delivery, peer, format!("a whisper of nobody: {content:?}"));
            return 0;
        };
        if from != peer || to != self.node {
            let what = format!("a whisper from {from} to {to} came here, from {peer}");
            self.object(at, Rule::Delivery, peer, what);
            return depth;
        }
        let pair = self.pair(peer);
        let next = pair.next;
        let wrong = if pair.heard {
            (number != next).then(|| format!("whisper {number} came instead of {next}"))
        } else {
            (number != first || number < next).then(|| {
                format!(
                    "the first whisper since ENTER is {number}; its sender began with {first}, and \
                     {next} is next"
                )
            })
        };
        pair.heard = true;
        pair.next = number.wrapping_add(1);
        if let Some(what) = wrong {
            self.object(at, Rule::Delivery, peer, what);
        }
        depth
    }

    fn shouted(&mut self, at: Duration, peer: PeerId, group: &Arc<str>, content: &Content) -> u8 {
        let Some(Stamp { from, to: To::Group(to), number, depth }) = Stamp::decode(content) else {
            self.object(at, Rule::Delivery, peer, format!("a shout of nobody: {content:?}"));
            return 0;
        };
        if from != peer || to != *group || !self.joined.contains(group) {
            let what = format!("a shout from {from} to {to} came from {peer} to {group}");
            self.object(at, Rule::Delivery, peer, what);
            return depth;
        }
        let last = self.pair(peer).shouts.insert(group.clone(), number);
        if let Some(last) = last.filter(|last| *last >= number) {
            let what = format!("shout {number} to {group} came after shout {last}");
            self.object(at, Rule::Delivery, peer, what);
        }
        depth
    }

    fn object(&mut self, at: Duration, rule: Rule, peer: PeerId, what: String) {
        let history = self.history(peer);
        self.violations.push(Violation { rule, node: self.node, peer, what, at, history });
    }

    fn pair(&mut self, peer: PeerId) -> &mut Pair {
        let kept = self.kept;
        self.pairs.entry(peer).or_insert_with(|| Pair {
            present: false,
            groups: BTreeSet::new(),
            whispers: 0,
            first: 0,
            next: 0,
            heard: false,
            shouts: BTreeMap::new(),
            refused: None,
            history: History::new(kept),
        })
    }
}

#[cfg(test)]
mod tests;
