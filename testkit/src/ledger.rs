//! What one application may hear, and what it must never hear.
//!
//! [`Presence`] holds the rules of single events: ENTER, then JOIN, LEAVE and messages, then EXIT,
//! and nothing after STOP. [`Numbers`] holds those of order. A [`Ledger`] adds what needs both
//! ends: it stamps the messages of a node, so that the ledger of the receiver can tell whether each
//! whisper has come once, in order, without a gap, and between the ENTER and EXIT where it belongs,
//! and whether ENTER had the right header; and that of the sender, whether its shouts have come.
//!
//! A ledger has no sockets and no clock. The program that runs a node, real or simulated, tells it
//! of every event ([`Heard`]) and every message, and takes what it objects to from
//! [`Ledger::drain`]. What can only be seen by looking at two nodes is the business of that
//! program: whether EXIT gives the right reason ([`Fate`]), and whether all that a node had said
//! before it stopped ([`Ledger::last_words`]) has come before its EXIT ([`Ledger::next_whisper`]).

mod account;
mod fate;
mod header;
mod heard;
mod history;
mod numbers;
mod pair;
mod presence;
mod receipt;
mod stamp;
mod violation;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use zre_proto::{Content, Headers, Liveness, PeerId};

pub use self::account::Account;
pub use self::fate::Fate;
pub use self::heard::Heard;
use self::history::Entry;
pub use self::numbers::{Disorder, Numbers};
use self::pair::Pair;
pub use self::presence::{Breach, Presence};
use self::receipt::ShoutId;
use self::stamp::{Stamp, To, ToPeer};
pub use self::violation::{Rule, Violation};

/// How long a whisper may have been refused before the EXIT that explains it is read. The EXIT
/// was queued before the refusal, so this is only about how fast the application reads.
const EXPLAINED: Duration = Duration::from_secs(5);

/// The books of one node.
#[derive(Debug)]
pub struct Ledger {
    node: PeerId,
    groups: BTreeSet<Arc<str>>,
    contested: BTreeSet<Arc<str>>,
    /// Groups that it was ever in: what was queued when it left a group still comes.
    joined: BTreeSet<Arc<str>>,
    presence: Presence,
    pairs: BTreeMap<PeerId, Pair>,
    /// The number of the next shout to each group.
    shouts: BTreeMap<Arc<str>, u32>,
    /// The peer that was last found to owe a receipt.
    asked: Option<PeerId>,
    /// When the node's header was set, first and last.
    headed: Option<(Duration, Duration)>,
    lost: u64,
    violations: Vec<Violation>,
    /// How many entries of history are kept for each pair.
    kept: usize,
}

impl Ledger {
    /// Opens a ledger that keeps the last 50 entries of each pair.
    pub fn new(node: PeerId) -> Self {
        Self::with_history(node, 50)
    }

    /// Opens a ledger that keeps this number of entries of each pair; 0 costs the least memory.
    pub fn with_history(node: PeerId, kept: usize) -> Self {
        Self {
            node,
            groups: BTreeSet::new(),
            contested: BTreeSet::new(),
            joined: BTreeSet::new(),
            presence: Presence::default(),
            pairs: BTreeMap::new(),
            shouts: BTreeMap::new(),
            asked: None,
            headed: None,
            lost: 0,
            violations: Vec::new(),
            kept,
        }
    }

    /// Returns name and value of a header that says when it was set. To be set at the birth of the
    /// node, before it meets anybody, and again as often as one likes; times have to be on one
    /// clock, within 50 ms, for all nodes that meet.
    pub fn header(&mut self, at: Duration) -> (&'static str, String) {
        let born = self.headed.map_or(at, |(born, _)| born);
        self.headed = Some((born, at));
        (header::NAME, header::value(self.node, at))
    }

    /// Returns the content of the node's next whisper to a peer, which is counted as sent. Send it
    /// at once; if that is refused, call [`refused`](Self::refused).
    pub fn whisper(&mut self, at: Duration, to: PeerId, depth: u8) -> Content {
        let (from, headed) = (self.node, self.headed.map(|(_, last)| last));
        let pair = self.pair(to);
        let (first, number) = (pair.first, pair.whispers);
        pair.whispers += 1;
        pair.history.push(at, Entry::Whispered { first, number });
        let receipt = pair.receipts.next_receipt(pair.next);
        let to = To::Peer(ToPeer { to, first, headed, receipt });
        Stamp { from, to, number, depth }.encode()
    }

    /// Notes that the last whisper to this peer was refused: the peer is not known. No harm if its
    /// EXIT has been seen, or is seen soon.
    pub fn refused(&mut self, at: Duration, to: PeerId) {
        let present = self.presence.is_present(to);
        let pair = self.pair(to);
        pair.whispers = pair.whispers.saturating_sub(1);
        pair.history.push(at, Entry::Refused);
        // With the receipt that was in it.
        pair.receipts.forget();
        if present {
            pair.refused.get_or_insert(at);
        }
    }

    /// Returns the content of the node's next shout to a group, which is counted as sent.
    pub fn shout(&mut self, group: &str, depth: u8) -> Content {
        let group: Arc<str> = group.into();
        let next = self.shouts.entry(group.clone()).or_default();
        let number = *next;
        *next += 1;
        for (peer, _) in self.presence.peers().filter(|(_, groups)| groups.contains(&group)) {
            if let Some(pair) = self.pairs.get_mut(&peer) {
                pair.receipts.owe(&group, number, pair.whispers);
            }
        }
        Stamp { from: self.node, to: To::Group(group), number, depth }.encode()
    }

    /// Returns a present peer that has not said yet whether it has heard all shouts, one after the
    /// other; `None` if there is none. Whisper to it: its answer will say so.
    pub fn next_to_ask(&mut self) -> Option<PeerId> {
        let owes = |(_, pair): &(&PeerId, &Pair)| pair.receipts.are_owed();
        let after = self.asked.map_or(Bound::Unbounded, Bound::Excluded);
        let mut others = self.pairs.range((after, Bound::Unbounded)).chain(&self.pairs);
        self.asked = others.find(owes).map(|(peer, _)| *peer);
        self.asked
    }

    /// Notes that the node has joined a group.
    pub fn joined(&mut self, group: &str) {
        self.groups.insert(group.into());
        self.joined.insert(group.into());
    }

    /// Notes that the node contests in a group, and has joined it.
    pub fn contests(&mut self, group: &str) {
        self.joined(group);
        self.contested.insert(group.into());
    }

    /// Returns whether the node contests in a group.
    pub fn is_contesting(&self, group: &str) -> bool {
        self.contested.contains(group)
    }

    /// Returns who leads a group, as the events tell.
    pub fn leader(&self, group: &str) -> Option<PeerId> {
        self.presence.leader(group)
    }

    /// Notes that the node has left a group.
    pub fn left(&mut self, group: &str) {
        self.groups.remove(group);
        self.contested.remove(group);
    }

    /// Returns whether the node is in a group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.contains(group)
    }

    /// Returns the groups that the node is in.
    pub fn own_groups(&self) -> impl Iterator<Item = &Arc<str>> {
        self.groups.iter()
    }

    /// Returns the peers that are present, and the groups of each, as the events tell.
    pub fn present(&self) -> impl Iterator<Item = (PeerId, &BTreeSet<Arc<str>>)> {
        self.presence.peers()
    }

    /// Returns whether a peer is present, and in this group, as the events tell.
    pub fn sees_in(&self, peer: PeerId, group: &str) -> bool {
        self.presence.is_in(peer, group)
    }

    /// Returns how alive a peer is, as the events tell; `None` if it is not present.
    pub fn liveness(&self, peer: PeerId) -> Option<Liveness> {
        self.presence.liveness(peer)
    }

    /// Returns for each peer that is present, and was whispered to since its ENTER, the number that
    /// the node's next whisper to it would have. Once STOP has been heard these peers were present
    /// when the node stopped, and have to hear all whispers before that number, and then EXIT.
    pub fn last_words(&self) -> impl Iterator<Item = (PeerId, u32)> {
        let present = self.pairs.iter().filter(|(peer, _)| self.presence.is_present(**peer));
        let spoken = present.filter(|(_, pair)| pair.whispers > pair.first);
        spoken.map(|(peer, pair)| (*peer, pair.whispers))
    }

    /// Returns for each peer that is present what was whispered between the node and it.
    pub fn accounts(&self) -> impl Iterator<Item = (PeerId, Account)> {
        let present = self.pairs.iter().filter(|(peer, _)| self.presence.is_present(**peer));
        present.map(|(peer, pair)| (*peer, pair.account()))
    }

    /// Returns how many whispers to the node were lost with a link, each before an EXIT at its
    /// sender.
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Returns whether STOP has been heard.
    pub const fn has_stopped(&self) -> bool {
        self.presence.is_stopped()
    }

    /// Returns the number that the next whisper of a peer must have at least: all before have come,
    /// or were lost with a link.
    pub fn next_whisper(&self, peer: PeerId) -> u32 {
        self.pairs.get(&peer).map_or(0, |pair| pair.next)
    }

    /// Returns what was last between the node and a peer, a line each, oldest first.
    pub fn history(&self, peer: PeerId) -> Vec<String> {
        self.pairs.get(&peer).map_or_else(Vec::new, |pair| pair.history.lines())
    }

    /// Takes the violations that were found so far. Also looks for whispers whose refusal nothing
    /// has explained in time.
    pub fn drain(&mut self, now: Duration) -> Vec<Violation> {
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

    /// Takes an event. Returns how many answers a message still allows; 0 for other events.
    pub fn observe<'a>(&mut self, at: Duration, event: impl Into<Heard<'a>>) -> u8 {
        let event = event.into();
        let peer = event.peer();
        if let Some(peer) = peer {
            self.pair(peer).history.push(at, Entry::of(&event));
        }
        if let Err(breach) = self.presence.hear(&event) {
            let what =
                if self.kept == 0 { breach.to_string() } else { format!("{breach}: {event:?}") };
            self.object(at, Rule::Events, peer.unwrap_or(self.node), what);
        }
        match event {
            Heard::Enter { peer, headers } => self.entered(at, peer, headers),
            Heard::Leave { peer, group } => self.pair(peer).receipts.left(group),
            Heard::Exit { peer, .. } => {
                let pair = self.pair(peer);
                pair.refused = None;
                pair.first = pair.whispers;
                pair.receipts.forgive();
            }
            Heard::Whisper { peer, content } => return self.whispered(at, peer, content),
            Heard::Shout { peer, group, content } => return self.shouted(at, peer, group, content),
            _ => {}
        }
        0
    }

    fn entered(&mut self, at: Duration, peer: PeerId, headers: &Headers) {
        let pair = self.pair(peer);
        pair.heard = false;
        pair.receipts.forgive();
        let before = pair.headed.take();
        let Some((of, set)) = header::read(headers) else { return };
        pair.headed = Some(set);
        let what = if of != peer {
            format!("ENTER has the header of {of}")
        } else if let Some(before) = before.filter(|before| *before > set) {
            format!("ENTER has the header of {set:.3?}, the ENTER before that of {before:.3?}")
        } else {
            return;
        };
        self.object(at, Rule::Agreement, peer, what);
    }

    /// The peer has set its header last at this time, so it says in a whisper.
    fn headed(&mut self, at: Duration, peer: PeerId, last: Option<Duration>) {
        let (Some(last), Some((born, _))) = (last, self.headed) else { return };
        let carried = self.pair(peer).headed;
        let what = if carried.is_some_and(|carried| carried > last) {
            format!(
                "ENTER had the header of {carried:.3?}, and the peer has only that of {last:.3?}"
            )
        } else if carried < Some(last) && last + header::SKEW < born {
            format!(
                "ENTER had the header of {carried:.3?}, and the peer has that of {last:.3?}, from \
                 before this node was born at {born:.3?}"
            )
        } else {
            return;
        };
        // Said once for each ENTER.
        self.pair(peer).headed = Some(last);
        self.object(at, Rule::Agreement, peer, what);
    }

    /// Whispers of one link arrive without a gap, and each ENTER begins with a link. One may end
    /// and the next begin at the peer without that here: it has greeted us anew and found that we
    /// know it still, so the link goes on.
    fn whispered(&mut self, at: Duration, peer: PeerId, content: &Content) -> u8 {
        let Some(Stamp { from, to: To::Peer(stamp), number, depth }) = Stamp::decode(content)
        else {
            self.object(at, Rule::Delivery, peer, format!("a whisper of nobody: {content:?}"));
            return 0;
        };
        let ToPeer { to, first, headed, receipt } = stamp;
        if from != peer || to != self.node {
            let what = format!("a whisper from {from} to {to} came here, from {peer}");
            self.object(at, Rule::Delivery, peer, what);
            return depth;
        }
        let pair = self.pair(peer);
        let next = pair.next;
        let lost_before = if pair.heard { 0 } else { number.saturating_sub(next) };
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
        let lost = pair.receipts.settle(&receipt);
        self.lost += u64::from(lost_before);
        if let Some(what) = wrong {
            self.object(at, Rule::Delivery, peer, what);
        }
        for shout in lost {
            let (group, number, whispers) = (&shout.group, shout.number, receipt.whispers);
            let what = format!(
                "shout {number} to {group} is lost: the peer, which is in the group, has heard all \
                 whispers before {whispers}, and some of them were sent after the shout"
            );
            self.object(at, Rule::Delivery, peer, what);
        }
        self.headed(at, peer, headed);
        depth
    }

    fn shouted(&mut self, at: Duration, peer: PeerId, group: &str, content: &Content) -> u8 {
        let Some(Stamp { from, to: To::Group(to), number, depth }) = Stamp::decode(content) else {
            self.object(at, Rule::Delivery, peer, format!("a shout of nobody: {content:?}"));
            return 0;
        };
        if from != peer || *to != *group || !self.joined.contains(group) {
            let what = format!("a shout from {from} to {to} came from {peer} to {group}");
            self.object(at, Rule::Delivery, peer, what);
            return depth;
        }
        let pair = self.pair(peer);
        pair.receipts.heard(ShoutId::new(group, number));
        let shouts = pair.shouts.entry(to).or_default();
        if let Err(disorder) = shouts.later(number.into()) {
            self.object(at, Rule::Delivery, peer, format!("a shout to {group}: {disorder}"));
        }
        depth
    }

    fn object(&mut self, at: Duration, rule: Rule, peer: PeerId, what: String) {
        let history = self.history(peer);
        self.violations.push(Violation { rule, node: self.node, peer, what, at, history });
    }

    fn pair(&mut self, peer: PeerId) -> &mut Pair {
        let kept = self.kept;
        self.pairs.entry(peer).or_insert_with(|| Pair::new(kept))
    }
}

#[cfg(test)]
mod tests;
