//! The state machine of one node.

mod actions;
mod challenges;
mod discovery;
mod elections;
mod exit;
mod hello;
mod keys;
mod links;
mod liveness;
mod membership;
mod receive;
mod requirements;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use crate::candidates::Source;
use crate::challenges::{Challenges, Origin};
use crate::elections::Elections;
use crate::groups::Groups;
use crate::keys::Keys;
use crate::leader::HEADER;
use crate::local_node::{LocalNode, check_length};
use crate::message::Command;
use crate::peer::Peer;
use crate::peers::Peers;
use crate::requirements::Requirements;
use crate::spares::Spares;
use crate::ticket::Ticket;
use crate::tickets::Tickets;
use crate::timers::Timers;
use crate::{
    Action, ActionError, Config, ConnId, Content, Endpoint, Event, Headers, Input, Output, PeerId,
    PeerInfo, PublicKey, Stats, Times, UnreachableReason,
};

/// Outputs that an empty queue keeps room for.
const MAX_IDLE_OUTPUTS: usize = 2048;

/// One node, without clock, sockets or randomness.
///
/// It is told what happens on the network ([`handle`](Self::handle)), what the application wants
/// ([`act`](Self::act)) and that time has passed ([`handle_timeout`](Self::handle_timeout)). After
/// each of them [`poll_output`](Self::poll_output) says what to do, and
/// [`next_deadline`](Self::next_deadline) when to call again. Two engines that are told the same at
/// the same times give the same outputs. See the [crate's front page](crate) for the whole loop.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    local: LocalNode,
    peers: Peers,
    groups: Groups,
    timers: Timers<PeerId>,
    elections: Elections,
    spares: Spares,
    tickets: Tickets,
    keys: Keys,
    /// Of the peer that came last. Most nodes of one application have the same, which are held once.
    last_headers: Arc<Headers>,
    requirements: Requirements,
    /// Nodes that the application was told of that they cannot be met, and why.
    unreachable: BTreeSet<(PeerId, UnreachableReason)>,
    challenges: Challenges,
    outputs: VecDeque<Output>,
    last_dial: u64,
    paused: bool,
    /// While paused: when peers are told next that this node lives.
    call_at: Option<Instant>,
    stopped: bool,
    stats: Stats,
}

impl Engine {
    /// Creates a node that knows nobody.
    ///
    /// # Errors
    /// [`TooLong`](ActionError::TooLong), [`TooManyEntries`](ActionError::TooManyEntries) and
    /// [`HelloTooLarge`](ActionError::HelloTooLarge): a name, a header name or the headers together
    /// are too much for a HELLO.
    pub fn new(mut config: Config) -> Result<Self, ActionError> {
        let headers = std::mem::take(&mut config.headers);
        check_length("name", &config.name)?;
        let mut local = LocalNode::default();
        local.set_header(HEADER, env!("CARGO_PKG_VERSION"), &config.message_limits)?;
        if let Some(key) = config.key {
            local.set_key(key, &config.message_limits)?;
        }
        for (name, value) in &headers {
            local.set_header(name, value, &config.message_limits)?;
        }
        Ok(Self {
            config,
            local,
            peers: Peers::default(),
            groups: Groups::default(),
            timers: Timers::default(),
            elections: Elections::default(),
            spares: Spares::default(),
            tickets: Tickets::default(),
            keys: Keys::default(),
            last_headers: Arc::default(),
            requirements: Requirements::default(),
            unreachable: BTreeSet::new(),
            challenges: Challenges::default(),
            outputs: VecDeque::new(),
            last_dial: 0,
            paused: false,
            call_at: None,
            stopped: false,
            stats: Stats::default(),
        })
    }

    /// Tells the engine what has happened on the network. That is never an error; once the node has
    /// stopped it is ignored.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        if self.stopped {
            return;
        }
        if !matches!(input, Input::Message { .. }) {
            // What has happened meanwhile may be told before the deadlines are.
            self.extend_deadlines_if_suspended(now);
        }
        match input {
            Input::Message { peer, conn, source, header, content } => {
                self.stats.received += 1;
                let origin = Origin { peer, conn, source: Some(source), prevails_over: None };
                self.receive(now, origin, header, content);
            }
            Input::Beacon { beacon, source, interface } => {
                self.beacon(now, &beacon, source, interface);
            }
            Input::Candidate { peer, endpoint } => {
                self.claim(now, peer, endpoint, Source::Discovery, None);
            }
            Input::Rumour { peer, endpoint } => {
                self.claim(now, peer, endpoint, Source::Rumour, None);
            }
            Input::Connected { peer, conn, two_way, own_endpoint } => {
                self.connected(now, peer, conn, two_way, own_endpoint);
            }
            Input::Proved { peer, conn, key } => self.proved(now, peer, conn, key),
            Input::Ticket { conn, ticket } => self.tickets.keep(conn, ticket),
            Input::ScoutUp { conn, own_endpoint } => self.scout_up(now, conn, own_endpoint),
            Input::ScoutLost { conn, why } => self.scout_lost(now, conn, why),
            Input::Resolved { endpoint, addresses } => self.resolved(now, endpoint, addresses),
            Input::Progress { peer, conn, received, sent } => {
                self.progress(now, peer, conn, received, sent);
            }
            Input::Broken { peer, conn } => self.broken(now, peer, conn),
            Input::Stranded { peer, conn, interface } => {
                self.stranded(now, peer, conn, interface);
            }
            Input::Lost { peer, conn, why } => self.lost(now, peer, conn, why),
            Input::Paused(paused) => self.pause(now, paused),
            Input::Moved(endpoint) => {
                self.config.endpoint = endpoint;
                self.event(Event::Moved { endpoint });
                self.hope(now);
            }
        }
        self.accept_challenges(now);
        self.settle_elections(now);
    }

    /// Does what the application wants.
    ///
    /// # Errors
    /// See [`Action`]; then nothing has changed.
    pub fn act(&mut self, now: Instant, action: Action<'_>) -> Result<(), ActionError> {
        if self.stopped {
            return Err(ActionError::Stopped);
        }
        self.action(now, action)?;
        self.settle_elections(now);
        Ok(())
    }

    /// Does what is due. To be called when [`next_deadline`](Self::next_deadline) has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.stopped {
            return;
        }
        self.pass_deadlines(now);
        self.settle_elections(now);
    }

    /// Returns the next thing to do, in order; `None` if all is done. To be called until `None`
    /// after [`handle`](Self::handle), [`act`](Self::act) and
    /// [`handle_timeout`](Self::handle_timeout).
    #[inline]
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.outputs.is_empty() {
            if self.outputs.capacity() > MAX_IDLE_OUTPUTS {
                // The memory of a crowd.
                self.outputs = VecDeque::new();
            }
            return None;
        }
        self.outputs.pop_front()
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due. May be earlier than anything
    /// happens: hearing from a peer does not move its deadline, which is computed anew when it
    /// comes.
    pub fn next_deadline(&self) -> Option<Instant> {
        let challenges = if self.paused { None } else { self.challenges.next_deadline() };
        let required = if self.stopped { None } else { self.requirements.next_deadline() };
        let elections = self.elections.next_deadline();
        let times = [self.timers.next(), challenges, self.call_at, required, elections];
        times.into_iter().flatten().min()
    }

    /// Returns whether the node [gives tickets](Action::GiveTickets).
    pub const fn gives_tickets(&self) -> bool {
        self.local.gives_tickets()
    }

    /// Returns the ticket that a peer has been given on the connection on which it is spoken to, and
    /// by which it is known elsewhere: see [`ticket`](crate::ticket).
    pub fn ticket_for(&self, id: PeerId) -> Option<Ticket> {
        let conn = self.peers.get(id)?.outgoing.conn?;
        self.tickets.of(conn).filter(|_| self.local.gives_tickets())
    }

    /// Returns the key at the other end of the connection on which a peer is spoken to: what else is
    /// given to this peer, such as its ticket, is for the owner of that key and for no other. `None` on a
    /// node that is not a secure one.
    pub fn key_of(&self, id: PeerId) -> Option<PublicKey> {
        self.keys.of_conn(self.peers.get(id)?.outgoing.conn?)
    }

    /// Returns the ticket that a peer has given this node; `None` if it gives none, or is not
    /// present.
    pub fn ticket_from(&self, id: PeerId) -> Option<Ticket> {
        self.peers.get(id).filter(|peer| peer.is_present())?.presence()?.ticket
    }

    /// Returns the connections of peers about which something will be decided if
    /// [`handle_timeout`](Self::handle_timeout) is called now. Has the driver seen bytes move on
    /// one of them, it says so before: [`Input::Progress`].
    pub fn due(&self, now: Instant) -> Vec<(PeerId, ConnId)> {
        let mut due: Vec<PeerId> = self.timers.due(now).chain(self.challenges.due(now)).collect();
        due.sort_unstable();
        due.dedup();
        let conns = |id| {
            let peer = self.peers.get(id).into_iter();
            peer.flat_map(Peer::conns).map(move |conn| (id, conn))
        };
        due.into_iter().flat_map(conns).collect()
    }

    /// Returns the node's id.
    pub const fn id(&self) -> PeerId {
        self.config.id
    }

    /// Returns the node's name.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Returns the endpoint that the node announces.
    pub const fn endpoint(&self) -> Endpoint {
        self.config.endpoint
    }

    /// Returns when peers are asked, and when they are given up.
    pub const fn times(&self) -> Times {
        self.config.times
    }

    /// Returns the peers that are present, in the order of their ids.
    pub fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.peers.iter().filter(|(_, peer)| peer.is_present()).map(|(id, _)| id)
    }

    /// Returns what is known of a peer; `None` if it is not present.
    pub fn peer(&self, id: PeerId) -> Option<PeerInfo> {
        self.peers.get(id)?.info(id)
    }

    /// Returns what is known of all peers that are present, in the order of their ids.
    pub fn peers_info(&self) -> impl Iterator<Item = PeerInfo> {
        self.peers.iter().filter_map(|(id, peer)| peer.info(id))
    }

    /// Returns the peers that are present, and where others find them, in the order of their ids. One
    /// that was met at a link-local address has mostly another one as well.
    pub fn peer_endpoints(&self) -> impl Iterator<Item = (PeerId, Endpoint)> {
        let present = self.peers.iter().filter(|(_, peer)| peer.is_present());
        present.filter_map(|(id, peer)| Some((id, peer.endpoint_for_others()?)))
    }

    /// Returns whether anything is known of a node, be it only a claim where it is.
    pub fn has_heard_of(&self, id: PeerId) -> bool {
        self.peers.contains(id)
    }

    /// Returns whether this connection is the one on which a peer that has said HELLO is heard.
    pub fn hears(&self, id: PeerId, conn: ConnId) -> bool {
        let hears = |peer: &Peer| peer.incoming.conn == Some(conn) && peer.presence().is_some();
        self.peers.get(id).is_some_and(hears)
    }

    /// Returns whether this is the connection on which a peer is spoken to, and has been greeted.
    pub fn greets(&self, id: PeerId, conn: ConnId) -> bool {
        self.peers.get(id).is_some_and(|peer| peer.outgoing.conn == Some(conn))
    }

    /// Returns whether HELLO was said on a connection that was made to find out who is there, and
    /// nobody has answered yet.
    pub fn greets_unknown(&self, conn: ConnId) -> bool {
        self.requirements.is_speaking(conn)
    }

    /// Returns the connection on which a peer that is present is spoken to.
    pub fn speaks_on(&self, id: PeerId) -> Option<ConnId> {
        self.peers.get(id).filter(|peer| peer.is_present())?.outgoing.conn
    }

    /// Returns the peers in a group, in the order of their ids.
    pub fn peers_in(&self, group: &str) -> impl Iterator<Item = PeerId> {
        let present = |id: &PeerId| self.peers.get(*id).is_some_and(Peer::is_present);
        self.groups.members(group).filter(present)
    }

    /// Returns the groups this node is in, in the order of their names.
    pub fn own_groups(&self) -> impl Iterator<Item = &Arc<str>> {
        self.local.groups()
    }

    /// Returns the groups that peers are in, in the order of their names.
    pub fn peer_groups(&self) -> impl Iterator<Item = &Arc<str>> {
        self.groups.names().filter(|group| self.peers_in(group).next().is_some())
    }

    /// Returns who leads a group, as the last [`Event::Leader`] about it says; `None` if nobody does,
    /// and of a group that this node is not in.
    pub fn leader(&self, group: &str) -> Option<PeerId> {
        self.elections.get(group)?.contest.told()
    }

    /// Returns what was counted since the start.
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// Returns whether the node was told to stop.
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// A connection is no more: what was kept for its other end is of no use.
    fn forget_conn(&mut self, conn: ConnId) {
        self.tickets.forget(conn);
        self.keys.forget(conn);
    }

    fn close(&mut self, conn: ConnId) {
        self.challenges.forget(conn);
        self.forget_conn(conn);
        self.outputs.push_back(Output::Close { conn });
    }

    fn send(&mut self, now: Instant, id: PeerId, command: Command<'_>, content: Content) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        self.stats.sent += peer.send(now, command, content, &mut self.outputs);
    }
}
