//! What every engine keeps whatever happens to it: connections are used as they may be, and the
//! application hears only what it may.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a broken promise is said by a panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use zre_proto::message::{Command, Message};
use zre_proto::{
    ConnId, Endpoint, Engine, Event, Input, LinkKind, Loss, MessageLimits, Output, PeerId,
    PublicKey,
};

use crate::ledger::{Heard, Presence};

/// Attempts to reach one peer that may be under way at a time.
const MAX_DIALS: usize = 2;

/// Returns the id of node number `n`.
pub const fn id(n: u8) -> PeerId {
    PeerId::new([n; 16])
}

/// Returns the key of node number `n`, if it is a secure one.
pub const fn key(n: u8) -> PublicKey {
    PublicKey::new([n; 32])
}

/// Returns the endpoint of node number `n`, at an address of its own.
pub fn endpoint(n: u8) -> Endpoint {
    Endpoint::new(SocketAddr::from(([10, 0, 0, n], 49152)))
}

/// Watches what goes into one engine and what comes out, and panics at a broken promise.
#[derive(Debug)]
pub struct Promises {
    own: PeerId,
    conns: BTreeMap<ConnId, Conn>,
    /// All that ever had a connection.
    known: BTreeSet<PeerId>,
    /// The connection on which each peer was greeted last.
    greeted: BTreeMap<PeerId, ConnId>,
    /// How alive each present peer is, as the events have told.
    presence: Presence,
    /// The keys of the peers that are present, on a secure node.
    keys: BTreeMap<PeerId, PublicKey>,
    /// Where the message came that is the last input, if it is one.
    heard_on: Option<ConnId>,
}

#[derive(Debug)]
struct Conn {
    /// `None` while a scout does not know which node it has reached.
    peer: Option<PeerId>,
    /// Where it was dialled.
    endpoint: Option<Endpoint>,
    two_way: bool,
    /// Its handshake is over.
    up: bool,
    /// Nothing can be sent any more.
    broken: bool,
    lost: Option<Loss>,
    closed: bool,
    /// The sequence of what was sent last; `None` before HELLO.
    sent: Option<u16>,
    /// The peer has said HELLO on it.
    greets: bool,
    /// What was proved on it, if the node is a secure one, or has to be before it is up.
    key: Option<PublicKey>,
}

impl Conn {
    fn new(peer: Option<PeerId>, endpoint: Option<Endpoint>) -> Self {
        Self {
            peer,
            endpoint,
            two_way: false,
            up: false,
            broken: false,
            lost: None,
            closed: false,
            sent: None,
            greets: false,
            key: endpoint.and_then(|endpoint| endpoint.key()),
        }
    }

    const fn is_open(&self) -> bool {
        !self.closed && self.lost.is_none()
    }

    const fn is_usable(&self) -> bool {
        self.up && self.is_open() && !self.broken
    }
}

impl Promises {
    /// Watches the engine with this id, from its start.
    pub fn new(own: PeerId) -> Self {
        Self {
            own,
            conns: BTreeMap::new(),
            known: BTreeSet::new(),
            greeted: BTreeMap::new(),
            presence: Presence::default(),
            keys: BTreeMap::new(),
            heard_on: None,
        }
    }

    /// Takes an input, before the engine does.
    pub fn input(&mut self, input: &Input<'_>) {
        self.heard_on = None;
        match input {
            Input::Connected { peer, conn, two_way, .. } => {
                self.accept(*peer, *conn);
                let scout = self.conns.get_mut(conn).filter(|it| it.is_open());
                if let Some(it) = scout.filter(|it| it.peer.is_none()) {
                    it.peer = Some(*peer);
                    self.known.insert(*peer);
                }
                if let Some(it) = self.conn_of(*peer, *conn).filter(|it| it.lost.is_none()) {
                    (it.up, it.two_way) = (true, *two_way);
                }
            }
            Input::Proved { peer, conn, key } => {
                self.accept(*peer, *conn);
                self.conn_of(*peer, *conn).into_iter().for_each(|it| it.key = Some(*key));
            }
            Input::Message { peer, conn, header, .. } => {
                self.accept(*peer, *conn);
                self.heard_on = Some(*conn);
                let message = Message::decode(header, &MessageLimits::default());
                let greets = message.is_ok_and(|it| matches!(it.command, Command::Hello(_)));
                self.conn_of(*peer, *conn).into_iter().for_each(|it| it.greets |= greets);
            }
            Input::ScoutUp { conn, .. } => {
                let scout = self.conns.get_mut(conn).filter(|it| it.lost.is_none());
                scout.into_iter().for_each(|it| it.up = true);
            }
            Input::ScoutLost { conn, why } => {
                self.conns.get_mut(conn).into_iter().for_each(|it| it.lost = Some(*why));
            }
            Input::Broken { peer, conn } => {
                self.conn_of(*peer, *conn).into_iter().for_each(|it| it.broken |= it.two_way);
            }
            Input::Lost { peer, conn, why } => {
                self.conn_of(*peer, *conn).into_iter().for_each(|it| it.lost = Some(*why));
            }
            _ => {}
        }
    }

    /// A connection is heard of that the engine has not dialled.
    fn accept(&mut self, peer: PeerId, conn: ConnId) {
        if let ConnId::Accepted(_) = conn {
            self.conns.entry(conn).or_insert_with(|| Conn::new(Some(peer), None));
            self.known.insert(peer);
        }
    }

    fn conn_of(&mut self, peer: PeerId, conn: ConnId) -> Option<&mut Conn> {
        self.conns.get_mut(&conn).filter(|it| it.peer == Some(peer))
    }

    /// Takes an output.
    ///
    /// # Panics
    /// If it breaks a promise.
    pub fn output(&mut self, output: &Output) {
        assert!(!self.presence.is_stopped(), "{output:?} after Stop");
        match output {
            Output::Connect { peer, conn, endpoint, .. } => self.connect(*peer, *conn, *endpoint),
            Output::Scout { conn, endpoint, .. } => self.dial(None, *conn, *endpoint),
            Output::Identified { conn, peer } => self.identified(*conn, *peer),
            Output::Resolve { endpoint } => {
                assert!(endpoint.name().is_some(), "{endpoint} has no name to resolve");
            }
            Output::Send { conn, header, content } => {
                let message = Message::decode(header, &MessageLimits::default()).unwrap();
                let framed = matches!(message.command, Command::Whisper | Command::Shout { .. });
                assert_eq!(framed, !content.frames().is_empty(), "{message:?}");
                self.send(*conn, &message);
            }
            Output::Close { conn } => {
                let Some(closed) = self.conns.get_mut(conn) else { panic!("{conn:?} is unknown") };
                assert!(!closed.closed, "{conn:?} is closed twice");
                let there = matches!(closed.lost, None | Some(Loss::Overflow));
                assert!(there, "{conn:?} is closed, and was lost before");
                closed.closed = true;
            }
            Output::Event(event) => self.event(event),
        }
    }

    fn connect(&mut self, peer: PeerId, conn: ConnId, endpoint: Endpoint) {
        assert_ne!(peer, self.own, "a dial to the node itself");
        let present = self.presence.is_present(peer);
        assert!(!present, "{conn:?} is dialled to a peer between ENTER and EXIT");
        let open = self.conns.values().filter(|it| it.endpoint.is_some() && it.is_open());
        let pending = open.filter(|it| it.peer == Some(peer) && !it.up).count();
        assert!(pending < MAX_DIALS, "{conn:?}: {peer} is dialled {pending} times already");
        self.known.insert(peer);
        self.dial(Some(peer), conn, endpoint);
    }

    fn dial(&mut self, peer: Option<PeerId>, conn: ConnId, endpoint: Endpoint) {
        assert!(matches!(conn, ConnId::Dialled(_)), "{conn:?} is not the engine's to give");
        let mut open = self.conns.values().filter(|it| it.endpoint.is_some() && it.is_open());
        // A ROUTER knows its peers by their routing ids, and would confuse the two.
        let there = open.find(|it| it.endpoint == Some(endpoint) && !it.two_way);
        assert!(there.is_none(), "{conn:?}: there is a link to {endpoint}: {there:?}");
        let before = self.conns.insert(conn, Conn::new(peer, Some(endpoint)));
        assert!(before.is_none(), "{conn:?} is used twice");
    }

    /// The engine knows now which node a scout has reached, on which HELLO was said.
    fn identified(&mut self, conn: ConnId, peer: PeerId) {
        assert_ne!(peer, self.own, "{conn:?} has reached the node itself");
        let Some(scout) = self.conns.get_mut(&conn) else { panic!("{conn:?} is unknown") };
        assert!(scout.peer.is_none() && scout.is_usable() && scout.sent.is_some(), "{scout:?}");
        scout.peer = Some(peer);
        self.known.insert(peer);
        self.greeted.insert(peer, conn);
    }

    fn send(&mut self, conn: ConnId, message: &Message<'_>) {
        let Some(to) = self.conns.get(&conn) else { panic!("{conn:?} is unknown") };
        assert!(to.is_usable(), "{conn:?} cannot be sent to: {message:?}");
        let both = to.two_way || matches!(conn, ConnId::Dialled(_));
        assert!(both, "a peer is only heard on {conn:?}: {message:?}");
        let hello = matches!(message.command, Command::Hello(_));
        assert_eq!(hello, to.sent.is_none(), "HELLO is first and only first: {message:?}");
        assert!(follows(to.sent, message.sequence), "after {:?}: {message:?}", to.sent);
        let content = matches!(message.command, Command::Whisper | Command::Shout { .. });
        let known = to.peer.is_some_and(|peer| self.presence.is_present(peer));
        assert!(!content || known, "content for a peer that is not present: {message:?}");
        let key = to.peer.and_then(|peer| self.keys.get(&peer)).copied();
        assert!(!content || to.key == key, "for {key:?}, and it goes to {:?}", to.key);
        if hello {
            let speaks_first = !to.two_way || to.peer.is_some_and(|peer| self.own < peer);
            assert!(speaks_first || to.greets, "the follower has to wait for HELLO on {conn:?}");
            let other = self.conns.iter().find(|(other, it)| {
                it.peer.is_some()
                    && it.peer == to.peer
                    && it.sent.is_some()
                    && it.is_open()
                    && **other != conn
            });
            assert!(other.is_none(), "HELLO on {conn:?} beside {other:?}");
            if let Some(peer) = to.peer {
                self.greeted.insert(peer, conn);
            }
        }
        let to = self.conns.get_mut(&conn).unwrap();
        to.sent = Some(message.sequence);
    }

    fn event(&mut self, event: &Event) {
        if let Event::Enter { peer, .. } = event {
            let conn = self.greeted.get(peer).map(|conn| &self.conns[conn]);
            let reached = conn.is_some_and(|it| it.is_usable() && (it.greets || !it.two_way));
            assert!(reached, "the peer is not reached: {event:?}");
        }
        match event {
            Event::Enter { peer, endpoint, .. } => {
                let key = self.greeted.get(peer).and_then(|conn| self.conns[conn].key);
                assert_eq!(endpoint.key(), key, "nobody else is spoken to: {event:?}");
                self.keys.extend(key.map(|key| (*peer, key)));
            }
            Event::Exit { peer, .. } => drop(self.keys.remove(peer)),
            Event::Whisper { peer, .. } | Event::Shout { peer, .. } => {
                // What was held was heard before this input, or before another's message.
                let heard_on = self.heard_on.filter(|conn| self.conns[conn].peer == Some(*peer));
                if let Some(conn) = heard_on {
                    assert!(self.is_by(*peer, conn), "{event:?} by {:?}", self.conns[&conn]);
                }
            }
            _ => {}
        }
        if let Err(breach) = self.presence.hear(&Heard::from(event)) {
            panic!("{breach}: {event:?}");
        }
    }

    /// Returns whether a connection has the key of this peer, which is present.
    pub fn is_by(&self, peer: PeerId, conn: ConnId) -> bool {
        self.conns.get(&conn).and_then(|conn| conn.key) == self.keys.get(&peer).copied()
    }

    /// Compares what the engine answers with what its events have told.
    ///
    /// # Panics
    /// If the two differ.
    pub fn agree_with(&self, engine: &Engine) {
        let peers: Vec<_> = engine.peers().collect();
        assert_eq!(peers, self.presence.peers().map(|(peer, _)| peer).collect::<Vec<_>>());
        let mut members: BTreeMap<&str, Vec<PeerId>> = BTreeMap::new();
        for (peer, groups) in self.presence.peers() {
            let Some(info) = engine.peer(peer) else { panic!("{peer} is not known") };
            assert_eq!(info.id, peer);
            assert!(info.groups.iter().eq(groups), "{info:?}");
            assert_eq!(Some(info.liveness), self.presence.liveness(peer), "{info:?}");
            assert_eq!(info.link, self.link_kind(peer), "{info:?}");
            if let Some(conn) = engine.speaks_on(peer).filter(|_| !engine.is_stopped()) {
                assert_eq!(Some(&conn), self.greeted.get(&peer), "{peer} is spoken to");
                assert!(self.conns[&conn].is_usable(), "{peer} is spoken to on {conn:?}");
            }
            groups.iter().for_each(|group| members.entry(group).or_default().push(peer));
        }
        for group in engine.own_groups().filter(|_| !engine.is_stopped()) {
            let told = self.presence.leader(group);
            assert_eq!(engine.leader(group), told, "the leader of {group}");
            let knows = |id| id == self.own || engine.peers_in(group).any(|peer| peer == id);
            assert!(told.is_none_or(knows), "{told:?} leads {group}, and is not in it");
        }
        let names: Vec<_> = engine.peer_groups().map(|group| &**group).collect();
        assert_eq!(names, members.keys().copied().collect::<Vec<_>>());
        for (group, members) in members {
            assert_eq!(engine.peers_in(group).collect::<Vec<_>>(), members, "in {group}");
        }
        for peer in self.known.iter().filter(|peer| !self.presence.is_present(**peer)) {
            assert_eq!(engine.peer(*peer), None, "the application does not know {peer}");
            assert_eq!(engine.speaks_on(*peer), None, "the application does not know {peer}");
        }
    }

    fn link_kind(&self, peer: PeerId) -> LinkKind {
        match self.greeted[&peer] {
            conn if !self.conns[&conn].two_way => LinkKind::OneEachWay,
            ConnId::Dialled(_) => LinkKind::Dialled,
            ConnId::Accepted(_) => LinkKind::Accepted,
        }
    }

    /// Returns the peer at the other end of a connection, if the engine knows it.
    pub fn peer(&self, conn: ConnId) -> Option<PeerId> {
        self.conns.get(&conn)?.peer
    }

    /// Returns whether a connection was neither closed nor lost.
    pub fn is_open(&self, conn: ConnId) -> bool {
        self.conns.get(&conn).is_some_and(Conn::is_open)
    }

    /// Returns the connections that the engine has dialled to peers, and neither closed nor lost.
    pub fn dialled(&self) -> impl Iterator<Item = (PeerId, ConnId)> {
        let open = self.conns.iter().filter(|(_, it)| it.endpoint.is_some() && it.is_open());
        open.filter_map(|(conn, it)| Some((it.peer?, *conn)))
    }
}

/// Whether a sent sequence number is the next one. A sender may skip 65535, as some peers do.
fn follows(last: Option<u16>, next: u16) -> bool {
    let Some(last) = last else { return next == 1 };
    next == last.wrapping_add(1) || (last == u16::MAX - 1 && next == 0)
}
