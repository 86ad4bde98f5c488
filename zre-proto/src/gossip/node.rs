//! The gossip of one node, in both roles.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use super::connection::Connection;
use super::io::{CloseReason, Config, ConnId, Output, Remote, Stats};
use super::message::{DecodeError, Message};
use super::table::{Heard, Table};
use super::tuple::{Tuple, is_usable};
use crate::{Endpoint, PeerId};

/// The gossip of one node, as a hub for any number of clients and a client of any number of hubs,
/// without clock and sockets. See the [module](super) for the protocol and its rules.
///
/// It is told what happens on connections and who is present, and says what to do by
/// [`poll_output`](Self::poll_output), to be called until `None` after each of them; and by
/// [`next_deadline`](Self::next_deadline) when [`handle_timeout`](Self::handle_timeout) is due. All
/// that it holds is bounded by [`Config::max_tuples`] and the number of connections.
///
/// ```
/// use std::time::Instant;
/// use zre_proto::gossip::{Config, ConnId, Gossip, Message, Output, Remote, Tuple};
/// use zre_proto::{Endpoint, PeerId};
///
/// let now = Instant::now();
/// let mut gossip = Gossip::new(Config::new(PeerId::new([1; 16])));
/// let own = "tcp://10.0.0.1:49152".parse()?;
///
/// // The driver has connected to a hub.
/// gossip.handle_connected(now, ConnId(1), Remote::Hub, Some(own), false);
/// let mut said = Vec::new();
/// while let Some(output) = gossip.poll_output() {
///     let Output::Send { frame, .. } = output else { panic!("{output:?}") };
///     said.push(frame);
/// }
/// assert_eq!(Message::decode(&said[0]), Ok(Message::Hello));
/// assert!(matches!(Message::decode(&said[1]), Ok(Message::Publish { value, .. })
///     if value == b"tcp://10.0.0.1:49152"));
///
/// // The hub tells of a node.
/// let key = b"02020202020202020202020202020202";
/// let told = Message::Publish { key, value: b"tcp://10.0.0.2:49152", ttl: 0 }.encode();
/// gossip.handle_message(now, ConnId(1), &[told]);
/// let endpoint = "tcp://10.0.0.2:49152".parse()?;
/// let rumour = Output::Rumour { peer: PeerId::new([2; 16]), endpoint };
/// assert_eq!(gossip.poll_output(), Some(rumour));
/// assert_eq!(gossip.poll_output(), None);
/// # Ok::<(), zre_proto::ParseEndpointError>(())
/// ```
#[derive(Debug)]
pub struct Gossip {
    config: Config,
    now: Option<Instant>,
    table: Table,
    conns: BTreeMap<ConnId, Connection>,
    /// Connections that may have something to be told.
    ready: BTreeSet<ConnId>,
    outputs: VecDeque<Output>,
    /// When old tuples are looked for next.
    forget_at: Option<Instant>,
    stats: Stats,
}

impl Gossip {
    /// Creates the gossip of a node that knows nobody.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            now: None,
            table: Table::new(),
            conns: BTreeMap::new(),
            ready: BTreeSet::new(),
            outputs: VecDeque::new(),
            forget_at: None,
            stats: Stats::default(),
        }
    }

    /// A connection is up: its handshake is over. `own` is the endpoint of this node that the
    /// remote is told; `is_here` says whether it is on this host, and can use loopback addresses.
    pub fn handle_connected(
        &mut self,
        now: Instant,
        conn: ConnId,
        remote: Remote,
        own: Option<Endpoint>,
        is_here: bool,
    ) {
        self.now = Some(now);
        if remote == Remote::Client {
            self.make_room_for_client();
        }
        let mut connection = Connection::new(now, remote, own, is_here, &self.config);
        if remote == Remote::Hub {
            connection.resync(now);
        }
        self.conns.insert(conn, connection);
        self.ready.insert(conn);
    }

    /// A message has come. What is wrong with it ends its connection, and no other. After a
    /// [`Output::Close`] it is ignored.
    pub fn handle_message<F: AsRef<[u8]>>(&mut self, now: Instant, conn: ConnId, frames: &[F]) {
        self.now = Some(now);
        if !self.conns.contains_key(&conn) {
            return;
        }
        self.stats.received += 1;
        match Message::from_frames(frames) {
            Ok(message) => self.hear(now, conn, message),
            Err(error) => self.reject(conn, error),
        }
    }

    /// All that was sent on a connection is written.
    pub fn handle_flushed(&mut self, now: Instant, conn: ConnId) {
        self.now = Some(now);
        if let Some(connection) = self.conns.get_mut(&conn) {
            connection.flushed();
            self.ready.insert(conn);
        }
    }

    /// A connection has ended.
    pub fn handle_disconnected(&mut self, now: Instant, conn: ConnId) {
        self.now = Some(now);
        self.forget(conn);
    }

    /// Where this node is has changed, as seen from the other end of a connection.
    pub fn handle_own_endpoint(&mut self, now: Instant, conn: ConnId, own: Option<Endpoint>) {
        self.now = Some(now);
        if self.conns.get_mut(&conn).is_some_and(|connection| connection.move_to(own)) {
            self.ready.insert(conn);
        }
    }

    /// The peers that are present now, and where: all of them, however they were found. To be told
    /// whenever that changes. Of the others those that were present have gone.
    pub fn handle_presence(
        &mut self,
        now: Instant,
        present: impl IntoIterator<Item = (PeerId, Endpoint)>,
    ) {
        self.now = Some(now);
        let present: BTreeMap<PeerId, Endpoint> =
            present.into_iter().filter(|(peer, _)| *peer != self.config.id).collect();
        self.table.retain_present(now, |peer| present.contains_key(&peer));
        let before = self.table.version();
        for (peer, endpoint) in present.into_iter().filter(|(_, endpoint)| is_usable(endpoint)) {
            let tuple = Tuple { peer, endpoint };
            if self.table.enter(now, tuple, &self.config) {
                // The place to look for it if it is lost.
                self.outputs.push_back(Output::Rumour { peer, endpoint });
            }
        }
        self.note_memory(now);
        self.tell_all_since(before);
    }

    /// The trusted keys have changed: each node that is not present is a rumour once more, since others
    /// may not tell of it again.
    pub fn handle_trust(&mut self, now: Instant) {
        self.now = Some(now);
        let absent = self.table.absent();
        self.outputs
            .extend(absent.map(|Tuple { peer, endpoint }| Output::Rumour { peer, endpoint }));
    }

    /// Does what is due. To be called when [`next_deadline`](Self::next_deadline) has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = Some(now);
        if self.forget_at.is_some_and(|at| at <= now) {
            self.forget_at = self.table.forget_old(now, &self.config);
        }
        let due: Vec<ConnId> = self
            .conns
            .iter()
            .filter(|(_, it)| it.next_deadline(&self.config).is_some_and(|at| at <= now))
            .map(|(conn, _)| *conn)
            .collect();
        for conn in due {
            let Some(connection) = self.conns.get_mut(&conn) else { continue };
            match connection.pass_deadlines(now, &self.config) {
                Some(why) => self.close(conn, why),
                None => drop(self.ready.insert(conn)),
            }
        }
    }

    /// Returns the next thing to do, in order; `None` if all is done.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        let now = self.now?;
        while let Some(conn) = self.ready.first().copied() {
            let connection = self.conns.get_mut(&conn);
            let next = connection.and_then(|it| it.next(now, conn, &self.table, &self.config));
            if let Some(frame) = next {
                self.stats.sent += 1;
                return Some(Output::Send { conn, frame });
            }
            self.ready.remove(&conn);
        }
        None
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        let conns = self.conns.values().filter_map(|it| it.next_deadline(&self.config));
        conns.chain(self.forget_at).min()
    }

    /// Returns the nodes that are known and not present, and where they are said to be.
    pub fn absent(&self) -> impl Iterator<Item = (PeerId, Endpoint)> {
        self.table.absent().map(|Tuple { peer, endpoint }| (peer, endpoint))
    }

    /// Returns how many nodes are known: present ones, rumours, and those that have gone.
    pub fn tuples(&self) -> usize {
        self.table.len()
    }

    /// Returns what was counted since the start.
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    fn hear(&mut self, now: Instant, conn: ConnId, message: Message<'_>) {
        let Some(connection) = self.conns.get_mut(&conn) else { return };
        connection.heard_at = Some(now);
        match (connection.remote, message) {
            (_, Message::Publish { key, value, .. }) => {
                if connection.remote == Remote::Client {
                    connection.invite();
                }
                self.ready.insert(conn);
                self.hear_tuple(now, conn, key, value);
            }
            (Remote::Client, Message::Hello) | (Remote::Hub, Message::Invalid) => {
                connection.resync(now);
                self.ready.insert(conn);
            }
            (Remote::Client, Message::Ping) => {
                connection.asks();
                self.ready.insert(conn);
            }
            (Remote::Hub, Message::Pong) => {}
            (Remote::Client, Message::Pong | Message::Invalid)
            | (Remote::Hub, Message::Hello | Message::Ping) => self.stats.unused += 1,
        }
    }

    fn hear_tuple(&mut self, now: Instant, conn: ConnId, key: &[u8], value: &[u8]) {
        let Ok(tuple) = Tuple::read(key, value) else {
            self.stats.useless += 1;
            return;
        };
        self.stats.tuples += 1;
        if tuple.peer == self.config.id {
            self.stats.own += 1;
            return;
        }
        let spent = self.conns.get_mut(&conn).is_some_and(|it| it.spend(now, &self.config));
        let before = self.table.version();
        let heard =
            if spent { self.table.hear(now, tuple, conn, &self.config) } else { Heard::NoRoom };
        match heard {
            Heard::NoRoom => self.stats.refused += 1,
            Heard::Present => {}
            Heard::New | Heard::Again => {
                let Tuple { peer, endpoint } = tuple;
                self.outputs.push_back(Output::Rumour { peer, endpoint });
            }
        }
        self.note_memory(now);
        self.tell_all_since(before);
    }

    /// What is remembered will be forgotten.
    fn note_memory(&mut self, now: Instant) {
        if self.forget_at.is_none() {
            self.forget_at = now.checked_add(self.config.memory_time);
        }
    }

    /// If anything is new, all connections may have to be told.
    fn tell_all_since(&mut self, version: u64) {
        if self.table.version() != version {
            self.ready.extend(self.conns.keys());
        }
    }

    fn reject(&mut self, conn: ConnId, error: DecodeError) {
        self.stats.malformed += 1;
        self.close(conn, CloseReason::Malformed(error));
    }

    /// If there are too many clients, the one that was heard least recently makes room.
    fn make_room_for_client(&mut self) {
        let clients = || self.conns.iter().filter(|(_, it)| it.remote == Remote::Client);
        if clients().count() < self.config.max_clients.max(1) {
            return;
        }
        let quietest = clients().min_by_key(|(_, it)| it.last_sign()).map(|(conn, _)| *conn);
        if let Some(conn) = quietest {
            self.close(conn, CloseReason::Crowded(self.config.max_clients));
        }
    }

    fn close(&mut self, conn: ConnId, why: CloseReason) {
        self.forget(conn);
        self.outputs.push_back(Output::Close { conn, why });
    }

    fn forget(&mut self, conn: ConnId) {
        self.conns.remove(&conn);
        self.ready.remove(&conn);
    }
}
