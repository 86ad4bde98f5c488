//! The state machine of one node.

mod actions;
mod claims;
mod life;
mod messages;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use self::claims::Claims;
use crate::groups::Groups;
use crate::message::{Command, Message};
use crate::peer::{Life, Peer};
use crate::peers::Peers;
use crate::timers::Timers;
use crate::{
    Config, ConnId, Content, Endpoint, Event, Headers, Input, Output, PeerId, PeerInfo, Refused,
};

/// Outputs that an empty queue has room for.
const KEPT: usize = 2048;

/// One node, without clock, sockets or randomness.
///
/// There is one door in, [`handle`](Self::handle); one queue out,
/// [`poll_output`](Self::poll_output); and one question about time,
/// [`next_deadline`](Self::next_deadline). Two engines that are given the same inputs at the same
/// times give the same outputs. See the [crate's front page](crate) for the whole loop.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    own: Own,
    peers: Peers,
    groups: Groups,
    timers: Timers,
    /// Peers that the application asked for by id and endpoint: tried again whenever absent.
    required: BTreeMap<PeerId, Endpoint>,
    claims: Claims,
    outputs: VecDeque<Output>,
    last_link: u64,
    paused: bool,
    stopped: bool,
    stats: Stats,
}

/// What the node tells others about itself.
#[derive(Debug)]
struct Own {
    groups: BTreeSet<Arc<str>>,
    /// Joins and leaves so far, modulo 256.
    status: u8,
    headers: Headers,
}

/// What an engine has counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Messages sent, of any kind, to any peer.
    pub sent: u64,
    /// Messages received, of any kind, good or bad.
    pub received: u64,
    /// HELLOs sent.
    pub hellos_sent: u64,
    /// HELLOs received.
    pub hellos_received: u64,
    /// PINGs sent.
    pub pings_sent: u64,
    /// Beacons and messages ignored because they carry our own id or endpoint.
    pub own: u64,
    /// Times that a new peer was ignored because the limit of peers was reached.
    pub candidates_refused: u64,
    /// Messages dropped: not ZRE, or another version.
    pub foreign: u64,
    /// Messages dropped: cut short, beyond a limit, or a HELLO with a wrong sequence number or no
    /// usable endpoint. Ends the peer if it came on the peer's connection, else that connection.
    pub malformed: u64,
    /// Messages dropped: their sender has not said HELLO.
    pub before_hello: u64,
    /// Connections closed, and messages dropped: they came in the name of a peer that is heard on
    /// another one, or said that they are where another peer is.
    pub intruding: u64,
    /// Messages skipped: of a kind that this version does not know, or does not use.
    pub unused: u64,
    /// SHOUTs dropped: this node is not in the group.
    pub not_member: u64,
    /// Peers ended because the queue to them, or the events held before their ENTER, exceeded a
    /// limit.
    pub overflows: u64,
}

impl Engine {
    /// A node that knows nobody.
    ///
    /// # Errors
    /// A name, header name or the headers together are too long for a HELLO.
    pub fn new(mut config: Config) -> Result<Self, Refused> {
        let headers = std::mem::take(&mut config.headers);
        actions::check_length("name", &config.name)?;
        let mut engine = Self {
            config,
            own: Own { groups: BTreeSet::new(), status: 0, headers: Headers::new() },
            peers: Peers::default(),
            groups: Groups::default(),
            timers: Timers::default(),
            required: BTreeMap::new(),
            claims: Claims::default(),
            outputs: VecDeque::new(),
            last_link: 0,
            paused: false,
            stopped: false,
            stats: Stats::default(),
        };
        for (name, value) in &headers {
            engine.set_header(name, value)?;
        }
        Ok(engine)
    }

    /// Tells the engine something. Its answer waits in [`poll_output`](Self::poll_output).
    ///
    /// # Errors
    /// Only an [`Input::Action`] can be refused; then nothing has changed. What comes from the
    /// network is never an error.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), Refused> {
        if self.stopped {
            return match input {
                Input::Action(_) => Err(Refused::Stopped),
                _ => Ok(()),
            };
        }
        match input {
            Input::Message { peer, conn, source, header, content } => {
                self.stats.received += 1;
                let origin = messages::Origin { conn, source, tested: None };
                self.message(now, peer, origin, header, content);
            }
            Input::Candidate { peer, endpoint } => self.candidate(now, peer, endpoint),
            Input::Goodbye { peer } => self.goodbye_beacon(now, peer),
            Input::MailboxLost { peer, conn } => self.mailbox_lost(now, peer, conn),
            Input::LinkUp { peer, link } => self.link_up(peer, link),
            Input::LinkLost { peer, link, overflow } => self.link_lost(now, peer, link, overflow),
            Input::Paused(paused) => self.pause(now, paused),
            Input::Moved(endpoint) => {
                self.config.endpoint = endpoint;
                self.event(Event::Moved { endpoint });
            }
            Input::Action(action) => return self.action(now, action),
            Input::Time => self.time(now),
        }
        if !self.claims.is_empty() {
            self.hear_claims(now);
        }
        Ok(())
    }

    /// The next thing to do, in order; `None` if all is done. To be called until `None` after
    /// every [`handle`](Self::handle).
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if output.is_none() && self.outputs.capacity() > KEPT {
            // The memory of a crowd.
            self.outputs = VecDeque::new();
        }
        output
    }

    /// When [`Input::Time`] is due. May be earlier than anything happens: a peer that was heard
    /// of does not move its deadline, which is looked at again when it comes.
    pub fn next_deadline(&self) -> Option<Instant> {
        let claims = if self.paused { None } else { self.claims.next() };
        self.timers.next().into_iter().chain(claims).min()
    }

    /// The node's id.
    pub const fn id(&self) -> PeerId {
        self.config.id
    }

    /// The node's name.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// The endpoint that the node announces.
    pub const fn endpoint(&self) -> Endpoint {
        self.config.endpoint
    }

    /// The peers that are present, in the order of their ids.
    pub fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.peers.iter().filter(|(_, peer)| peer.is_present()).map(|(id, _)| id)
    }

    /// What is known of a peer that is present.
    pub fn peer(&self, id: PeerId) -> Option<PeerInfo> {
        self.peers.get(id)?.info(id)
    }

    /// Whether this mailbox connection is the one on which a peer that has said HELLO is heard.
    pub fn hears(&self, id: PeerId, conn: ConnId) -> bool {
        self.peers.get(id).is_some_and(|peer| peer.conn == Some(conn))
    }

    /// The peers in a group, in the order of their ids.
    pub fn peers_in(&self, group: &str) -> impl Iterator<Item = PeerId> {
        let present = |id: &PeerId| self.peers.get(*id).is_some_and(Peer::is_present);
        self.groups.members(group).filter(present)
    }

    /// The groups this node is in, in the order of their names.
    pub fn own_groups(&self) -> impl Iterator<Item = &Arc<str>> {
        self.own.groups.iter()
    }

    /// The groups that peers are in, in the order of their names.
    pub fn peer_groups(&self) -> impl Iterator<Item = &Arc<str>> {
        self.groups.names().filter(|group| self.peers_in(group).next().is_some())
    }

    /// What was counted since the start.
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// Whether the node was told to stop.
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Something was heard from a peer.
    fn hear(&mut self, now: Instant, id: PeerId) {
        if self.peers.get_mut(id).is_some_and(|peer| peer.hear(now)) {
            self.reschedule(id);
        }
    }

    fn close_mailbox(&mut self, conn: ConnId) {
        self.claims.forget(conn);
        self.outputs.push_back(Output::CloseMailbox { conn });
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// An event about a peer that has said HELLO: now, or when our link to it is up.
    fn peer_event(&mut self, id: PeerId, event: Event) {
        let presence = match self.peers.get_mut(id).map(|peer| &mut peer.life) {
            Some(Life::Ready(presence) | Life::Leaving { presence, .. }) => presence,
            Some(Life::Greeting) | None => return,
        };
        let Some(held) = &mut presence.held else { return self.event(event) };
        held.push(event);
    }

    /// Sends a command that has no content.
    fn send(&mut self, id: PeerId, command: Command<'_>) {
        self.send_content(id, command, Content::none());
    }

    fn send_content(&mut self, id: PeerId, command: Command<'_>, content: Content) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if matches!(peer.life, Life::Leaving { .. }) {
            return;
        }
        self.stats.sent += 1;
        let header = Message { sequence: peer.sent.next(), command }.encode();
        self.outputs.push_back(Output::Send { link: peer.link, header, content });
    }
}
