//! What the engine knows of one peer.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::candidates::Candidates;
use crate::elections::Part;
use crate::message::{Command, Message};
use crate::sequence::Sequence;
use crate::ticket::Ticket;
use crate::timers::after;
use crate::{ConnId, Content, Endpoint, Event, ExitReason, Headers, Output, PeerId, Times};

/// The probe timeout is doubled this many times at most: a peer that has really lost us waits as
/// long.
const MAX_TIMEOUT_DOUBLINGS: u32 = 3;

/// One peer: where it may be, its two directions, and how far it is.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) candidates: Candidates,
    /// Its mailbox: where our link goes, else what its HELLO says. `None` before either is known.
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) outgoing: Outgoing,
    pub(crate) incoming: Incoming,
    /// HELLOs in a row that were sent because nothing showed that it knows us. Outlives the link.
    pub(crate) regreeted: u32,
    /// When anything was last heard of it, beacons included.
    pub(crate) last_heard: Instant,
    /// When anything last came on its own connection.
    pub(crate) last_word: Instant,
    /// When it was last sent a PING because it was quiet.
    asked_at: Option<Instant>,
    /// PINGs of it that could not be answered yet: our link is not up.
    pub(crate) unanswered_pings: u32,
    pub(crate) state: PeerState,
}

/// Our direction to a peer: a link of our own, DEALER to its ROUTER, or a two-way connection.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// The connection; `None` until there is one that is up. Then HELLO was said on it.
    pub(crate) conn: Option<ConnId>,
    /// Whether the connection is two-way, and the peer is heard on it too.
    pub(crate) two_way: bool,
    /// The sequence of what we send.
    pub(crate) sequence: Sequence,
    /// PINGs sent, and those of them that the peer has answered.
    pub(crate) pings_sent: u32,
    pings_answered: u32,
    /// The groups of the peer in which it was told that this node contests.
    pub(crate) told_contests: BTreeSet<Arc<str>>,
    /// When HELLO was said; before that, since when it is due.
    pub(crate) greeted_at: Instant,
    /// Whether that HELLO may still be answered by one of the peer's.
    pub(crate) unanswered: bool,
    /// Whether it has not been answered for so long that any other way to the peer is better.
    pub(crate) answer_is_late: bool,
    /// Since when there is another connection of the peer that came after our HELLO: it closes that
    /// when it hears the HELLO.
    pub(crate) rivalled_since: Option<Instant>,
    /// Whether it was made to find out who is there, and nothing but its address says that it is
    /// this peer.
    pub(crate) is_guessed: bool,
    /// When the first message was sent that has not been answered; and the first one since the
    /// last PING.
    outstanding_since: Option<Instant>,
    sent_since_ping: Option<Instant>,
}

/// A peer's direction to us: its connection to our mailbox, or the two-way one.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) conn: Option<ConnId>,
    /// When it lost the last one. A peer that is present has to come back: until then nothing that
    /// it says arrives, though its beacons may, and the link may seem to hold.
    pub(crate) disconnected_at: Instant,
}

/// How far a peer is.
#[derive(Debug)]
pub(crate) enum PeerState {
    /// It has not said HELLO. The application does not know of it.
    Greeting,
    /// It has said HELLO. The application knows it from the moment that ours is said as well.
    Ready(Presence),
    /// Nothing can be sent to it any more; its connection may still bring what it had sent before.
    Leaving { presence: Presence, reason: ExitReason, deadline: Instant },
}

/// What HELLO and the messages after it have told of a peer.
#[derive(Debug)]
pub(crate) struct Presence {
    pub(crate) name: Arc<str>,
    pub(crate) headers: Arc<Headers>,
    /// What it has given this node, to be known by elsewhere.
    pub(crate) ticket: Option<Ticket>,
    /// How it takes part in elections.
    pub(crate) part: Part,
    pub(crate) groups: BTreeSet<Arc<str>>,
    pub(crate) status: u8,
    /// The sequence of what it sends us.
    pub(crate) received: Sequence,
    pub(crate) liveness: Liveness,
    /// When it became evasive. Of no meaning while it is not.
    pub(crate) evasive_since: Instant,
    pub(crate) probe: Option<Probe>,
    /// What the application will hear when our link is up and the peer knows us; until then it does
    /// not know the peer, for it could not answer.
    pub(crate) held: Option<HeldEvents>,
}

/// Events that wait for a link.
#[derive(Debug, Default)]
pub(crate) struct HeldEvents {
    pub(crate) events: Vec<Event>,
    /// How many of them are from HELLO.
    pub(crate) of_hello: usize,
    /// What their content takes in memory, in bytes.
    pub(crate) bytes: usize,
}

/// A suspicion that is being tested: a PING was sent, and its answer proves the suspicion wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) suspicion: Suspicion,
    /// Without an answer until then, the suspicion is right.
    pub(crate) deadline: Instant,
}

/// What may be the matter with a peer, by a sign that anybody can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspicion {
    /// It is gone. The sign: a goodbye beacon.
    Gone,
    /// It has left the address where it was. The signs: a goodbye beacon, and then a beacon from
    /// another endpoint.
    Left,
    /// It was replaced. The sign: a beacon of another node on its endpoint.
    Replaced,
    /// It has moved. The sign: a beacon from another endpoint.
    Moved,
    /// It has lost us. The sign: a second HELLO soon after our own, unless the two merely crossed.
    LostUs,
    /// Our link leads to another node. The sign: nothing but the address from which it has greeted
    /// says that it is the one at the other end.
    Misled,
}

/// How alive a peer seems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Liveness {
    /// Not quiet for [`Times::evasive_timeout`](crate::Times::evasive_timeout).
    Present,
    /// Quiet for that long, and asked by PING.
    Evasive,
    /// Has not answered the PING.
    Silent,
}

impl Liveness {
    /// Returns one lower-case word for people, such as `present`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Evasive => "evasive",
            Self::Silent => "silent",
        }
    }
}

impl fmt::Display for Liveness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How this node and a peer are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum LinkKind {
    /// By two connections, one each way, as with every node that does not know better.
    OneEachWay,
    /// By one connection for both directions, which this node has dialled.
    Dialled,
    /// By one connection for both directions, which the peer has dialled.
    Accepted,
}

impl LinkKind {
    /// Returns a few lower-case words for people, such as `one each way`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneEachWay => "one each way",
            Self::Dialled => "dialled",
            Self::Accepted => "accepted",
        }
    }
}

impl fmt::Display for LinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is known of a peer that is present.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// Its id.
    pub id: PeerId,
    /// Its name for people.
    pub name: Arc<str>,
    /// What it says about itself.
    pub headers: Arc<Headers>,
    /// The endpoint of its mailbox.
    pub endpoint: Endpoint,
    /// The groups it is in, in the order of their names.
    pub groups: Vec<Arc<str>>,
    /// How alive it seems.
    pub liveness: Liveness,
    /// How it is connected.
    pub link: LinkKind,
}

impl Outgoing {
    /// None yet.
    pub(crate) const fn new(now: Instant) -> Self {
        Self {
            conn: None,
            two_way: false,
            sequence: Sequence::START,
            pings_sent: 0,
            pings_answered: 0,
            told_contests: BTreeSet::new(),
            greeted_at: now,
            unanswered: true,
            answer_is_late: false,
            rivalled_since: None,
            is_guessed: false,
            outstanding_since: None,
            sent_since_ping: None,
        }
    }

    /// The connection is up, and HELLO is going to be said on it.
    pub(crate) const fn open(&mut self, now: Instant, conn: ConnId, two_way: bool) {
        self.conn = Some(conn);
        self.two_way = two_way;
        self.greeted_at = now;
        self.answer_is_late = false;
        self.rivalled_since = None;
    }

    pub(crate) const fn is_up(&self) -> bool {
        self.conn.is_some()
    }

    /// Sends the next message. Returns how many were sent: none if there is no connection.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        command: Command<'_>,
        content: Content,
        outputs: &mut VecDeque<Output>,
    ) -> u64 {
        let Some(conn) = self.conn else { return 0 };
        self.count(now, &command);
        let header = Message { sequence: self.sequence.next(), command }.encode();
        outputs.push_back(Output::Send { conn, header, content });
        1
    }

    /// Counts the answer to a PING. Returns how many were answered, and whether that was all. What
    /// was sent before the last PING has arrived then; what was sent later has its time.
    fn count_answer(&mut self, now: Instant) -> (u32, bool) {
        if self.pings_answered == self.pings_sent {
            // Nobody asked: a node that does not read says that it lives.
            self.put_off_answer(now);
            return (self.pings_answered, true);
        }
        self.pings_answered += 1;
        let all = self.pings_answered == self.pings_sent;
        if all {
            self.outstanding_since = self.sent_since_ping;
        }
        (self.pings_answered, all)
    }

    /// The peer has greeted on another connection than before: answers to earlier PINGs may have
    /// been lost with that one. Returns how many count as answered.
    fn count_all_answers(&mut self, now: Instant) -> u32 {
        self.pings_answered = self.pings_sent;
        self.put_off_answer(now);
        self.pings_answered
    }

    /// The peer, or its kernel, has given a sign: what it has not answered is not overdue yet.
    pub(crate) fn put_off_answer(&mut self, now: Instant) {
        self.outstanding_since = self.outstanding_since.map(|_| now);
        self.sent_since_ping = self.sent_since_ping.map(|_| now);
    }

    /// Takes note of what is sent. What asks for no answer is not waited for: HELLO has one of its
    /// own, and PING is the question.
    fn count(&mut self, now: Instant, command: &Command<'_>) {
        match command {
            Command::Ping => {
                self.pings_sent = self.pings_sent.saturating_add(1);
                self.sent_since_ping = None;
            }
            Command::Hello(_) | Command::PingOk | Command::Goodbye => {}
            _ => {
                self.outstanding_since.get_or_insert(now);
                self.sent_since_ping.get_or_insert(now);
            }
        }
    }
}

impl HeldEvents {
    fn push(&mut self, event: Event) {
        if let Some(content) = event.content() {
            self.bytes += content.byte_len() + size_of_val(content.frames());
        }
        self.events.push(event);
    }

    /// How many events came after HELLO.
    pub(crate) const fn since_hello(&self) -> usize {
        self.events.len() - self.of_hello
    }
}

impl Presence {
    /// Tells the application: now, or when our link is up and the peer knows us.
    pub(crate) fn tell(&mut self, event: Event, outputs: &mut VecDeque<Output>) {
        match &mut self.held {
            Some(held) => held.push(event),
            None => outputs.push_back(Output::Event(event)),
        }
    }

    /// What is suspected of the peer, and being tested.
    pub(crate) fn suspicion(&self) -> Option<Suspicion> {
        self.probe.map(|probe| probe.suspicion)
    }
}

impl Peer {
    /// A node that we want to meet.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            candidates: Candidates::default(),
            endpoint: None,
            outgoing: Outgoing::new(now),
            incoming: Incoming { conn: None, disconnected_at: now },
            regreeted: 0,
            last_heard: now,
            last_word: now,
            asked_at: None,
            unanswered_pings: 0,
            state: PeerState::Greeting,
        }
    }

    /// What it has told of itself since its HELLO.
    pub(crate) const fn presence(&self) -> Option<&Presence> {
        match &self.state {
            PeerState::Greeting => None,
            PeerState::Ready(presence) | PeerState::Leaving { presence, .. } => Some(presence),
        }
    }

    /// What it has told of itself since its HELLO.
    pub(crate) const fn presence_mut(&mut self) -> Option<&mut Presence> {
        match &mut self.state {
            PeerState::Greeting => None,
            PeerState::Ready(presence) | PeerState::Leaving { presence, .. } => Some(presence),
        }
    }

    /// What it has told of itself, if it is not on its way out.
    pub(crate) const fn ready_mut(&mut self) -> Option<&mut Presence> {
        match &mut self.state {
            PeerState::Ready(presence) => Some(presence),
            PeerState::Greeting | PeerState::Leaving { .. } => None,
        }
    }

    pub(crate) const fn is_leaving(&self) -> bool {
        matches!(self.state, PeerState::Leaving { .. })
    }

    /// Whether the application knows it: between ENTER and EXIT.
    pub(crate) fn is_present(&self) -> bool {
        self.presence().is_some_and(|presence| presence.held.is_none())
    }

    /// Where others find it who are not on its link; if that is not known, where it is.
    pub(crate) fn endpoint_for_others(&self) -> Option<Endpoint> {
        let own = self.endpoint.filter(|endpoint| !endpoint.is_link_local());
        own.or_else(|| self.candidates.for_others()).or(self.endpoint)
    }

    /// Whether it is present and would answer a PING, if it lives.
    pub(crate) fn can_be_asked(&self) -> bool {
        self.outgoing.is_up()
            && matches!(&self.state, PeerState::Ready(presence) if presence.held.is_none())
    }

    /// Whether there is a connection on which it is spoken to, or heard.
    pub(crate) const fn is_connected(&self) -> bool {
        self.outgoing.conn.is_some() || self.incoming.conn.is_some()
    }

    /// Whether it has said HELLO, and ours is still to be said.
    pub(crate) const fn awaits_hello(&self) -> bool {
        matches!(self.state, PeerState::Ready(_)) && !self.outgoing.is_up()
    }

    /// Whether it has said HELLO and is not even being dialled.
    pub(crate) fn is_out_of_reach(&self) -> bool {
        self.awaits_hello() && self.candidates.dials().next().is_none()
    }

    /// The connections on which it is spoken to and heard, each once.
    pub(crate) fn conns(&self) -> impl Iterator<Item = ConnId> + use<> {
        let outgoing = self.outgoing.conn;
        outgoing.into_iter().chain(self.incoming.conn.filter(|conn| outgoing != Some(*conn)))
    }

    /// How many connections it has, or will have if it knows no better.
    pub(crate) const fn connections(&self) -> usize {
        if self.outgoing.two_way { 1 } else { 2 }
    }

    /// Whether we wait for its HELLO on a two-way connection, on which ours was said.
    pub(crate) const fn awaits_answer(&self) -> bool {
        self.outgoing.two_way && matches!(self.state, PeerState::Greeting)
    }

    /// Sends the next message. Returns how many were sent: none if there is no connection.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        command: Command<'_>,
        content: Content,
        outputs: &mut VecDeque<Output>,
    ) -> u64 {
        if self.is_leaving() {
            return 0;
        }
        self.outgoing.send(now, command, content, outputs)
    }

    /// Since when it is quiet: not heard, or not answering.
    pub(crate) fn quiet_since(&self) -> Instant {
        let unanswered = self.outgoing.outstanding_since;
        unanswered.map_or(self.last_heard, |since| since.min(self.last_heard))
    }

    /// When it is given up: it was quiet for so long, and nothing came on its own connection. What
    /// still comes may be before the answer, and one that gets nothing gives us up in turn.
    pub(crate) fn expires_at(&self, times: &Times) -> Instant {
        after(self.quiet_since().max(self.last_word), times.expired_timeout)
    }

    /// It is sent a PING because it is quiet.
    pub(crate) const fn ask(&mut self, now: Instant) {
        self.asked_at = Some(now);
    }

    /// It has answered a PING. Returns how many it has answered.
    pub(crate) fn answer(&mut self, now: Instant) -> u32 {
        let (answered, all) = self.outgoing.count_answer(now);
        // What was sent in the same moment as the PING, and after it, needs a PING of its own.
        self.asked_at.take_if(|_| all);
        answered
    }

    /// It has greeted. Returns how many PINGs it has answered with that: all.
    pub(crate) fn answer_all(&mut self, now: Instant) -> u32 {
        self.asked_at = None;
        self.outgoing.count_all_answers(now)
    }

    /// Whether it was sent a PING because it is quiet.
    pub(crate) fn was_asked(&self) -> bool {
        self.asked_at.is_some_and(|at| at >= self.quiet_since())
    }

    /// When an answer to our HELLO that has not come is late. If the peer has another connection by
    /// which that HELLO should have ended, it is so sooner.
    fn answer_late_at(&self, times: &Times) -> Instant {
        let patience = times.greeting_timeout.min(times.expired_timeout);
        let late_at = after(self.outgoing.greeted_at, patience);
        let rivalled = self.outgoing.rivalled_since;
        rivalled.map_or(late_at, |since| late_at.min(after(since, times.ask_after())))
    }

    /// When an answer to our HELLO is not waited for any longer.
    pub(crate) fn gives_up_at(&self, times: &Times) -> Instant {
        after(self.outgoing.greeted_at, times.expired_timeout)
    }

    /// When something has to be done about it, if nothing is heard before; `None`: never.
    pub(crate) fn deadline(&self, times: &Times) -> Option<Instant> {
        match &self.state {
            PeerState::Greeting if self.outgoing.is_up() => {
                let late = self.outgoing.answer_is_late;
                Some(if late { self.gives_up_at(times) } else { self.answer_late_at(times) })
            }
            PeerState::Greeting => self.candidates.deadline(times),
            PeerState::Leaving { deadline, .. } => Some(*deadline),
            PeerState::Ready(presence) => Some(self.ready_deadline(presence, times)),
        }
    }

    fn ready_deadline(&self, presence: &Presence, times: &Times) -> Instant {
        let quiet_since = self.quiet_since();
        let expired = self.expires_at(times);
        let ask = (!self.was_asked() && self.outgoing.is_up())
            .then(|| after(quiet_since, times.ask_after()));
        let liveness = match presence.liveness {
            Liveness::Present => after(quiet_since, times.evasive_timeout),
            Liveness::Evasive => after(presence.evasive_since, times.silent_timeout),
            Liveness::Silent => expired,
        };
        let disconnected_at = self.incoming.disconnected_at;
        let unheard = self.incoming.conn.is_none();
        let unheard = unheard.then(|| after(disconnected_at, times.greeting_timeout));
        let probe = presence.probe.map(|probe| probe.deadline);
        [ask, probe, unheard, Some(expired)].into_iter().flatten().fold(liveness, Instant::min)
    }

    /// How long to wait for the PING-OK that proves a suspicion wrong. Where the question is
    /// whether it knows us, longer each time that no answer has come: a round trip may take longer
    /// than we think.
    pub(crate) fn probe_timeout(&self, suspicion: Suspicion, times: &Times) -> Duration {
        match suspicion {
            Suspicion::LostUs => {
                let doublings = self.regreeted.min(MAX_TIMEOUT_DOUBLINGS);
                times.probe_timeout.saturating_mul(1 << doublings)
            }
            Suspicion::Gone | Suspicion::Left | Suspicion::Misled => times.probe_timeout,
            // Nothing is lost by waiting, but a peer that does not read just now.
            Suspicion::Replaced | Suspicion::Moved => times.greeting_timeout,
        }
    }

    /// Until when a two-way peer that was heard elsewhere may be silent both where it is known to be
    /// and on its own connection. It may have several addresses, and where packets are lost beacons
    /// are missed and an answer is late. One that knows that it has moved says goodbye.
    pub(crate) fn missed_at(&self, times: &Times) -> Option<Instant> {
        let known = self.endpoint.filter(|_| self.outgoing.two_way)?;
        let last_beacon = self.candidates.last_beacon(known);
        let last = last_beacon.map_or(self.last_word, |at| at.max(self.last_word));
        Some(after(last, times.greeting_timeout))
    }

    /// Something was heard from it.
    pub(crate) const fn hear(&mut self, now: Instant) {
        self.last_heard = now;
    }

    /// Something came from it on its own connection.
    pub(crate) const fn hear_word(&mut self, now: Instant) {
        self.hear(now);
        self.last_word = now;
    }

    /// Whether it was evasive or silent, and no longer is.
    pub(crate) fn has_returned(&mut self, now: Instant, times: &Times) -> bool {
        let was_quiet = self.presence().is_some_and(|it| it.liveness != Liveness::Present);
        if !was_quiet || after(self.quiet_since(), times.evasive_timeout) <= now {
            return false;
        }
        self.presence_mut().into_iter().for_each(|it| it.liveness = Liveness::Present);
        true
    }

    /// What an application may know of it.
    pub(crate) fn info(&self, id: PeerId) -> Option<PeerInfo> {
        let presence = self.presence().filter(|presence| presence.held.is_none())?;
        Some(PeerInfo {
            id,
            name: presence.name.clone(),
            headers: presence.headers.clone(),
            endpoint: self.endpoint?,
            groups: presence.groups.iter().cloned().collect(),
            liveness: presence.liveness,
            // Nothing may be sent on a two-way connection any more, and it is still heard.
            link: match (self.outgoing.two_way, self.incoming.conn) {
                (true, Some(ConnId::Dialled(_))) => LinkKind::Dialled,
                (true, _) => LinkKind::Accepted,
                (false, _) => LinkKind::OneEachWay,
            },
        })
    }
}
