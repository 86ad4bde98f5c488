//! Connections: dialled or accepted, read, and what they bring handed over to the engine.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use zmtp::Message;
use zmtp::net::{Error, Established, Reader, SendQueue};
use zre_proto::driver_times::{LINGER_TIMEOUT, MAX_LINGER_TIME};
use zre_proto::{
    ConnId, Content, Endpoint, Input, InterfaceId, Loss, PeerId, UnreachableReason, message,
    two_way,
};

use super::Driver;
use super::core::{Ends, OpenConnection};
use super::turn::Turn;
use crate::interface::bare;
use crate::secure;
use crate::{mailbox, mechanism};

/// Messages that are handed over before others get the engine.
const MAX_MESSAGES_PER_TURN: usize = 256;

/// A connection is not waited for longer than this, whatever is set.
const MAX_HELLO_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// Where nothing has answered before, nothing is waited for longer than this. A neighbour that
/// cannot be reached, and is heard all the time, would else be sent the first segment of a
/// connection seven times whenever it is tried.
const RETRY_CONNECT_TIME: Duration = Duration::from_millis(2500);

/// A connection that is up.
struct Connection {
    /// `None` if it is not known who is there. Then nothing is heard on it.
    peer: Option<PeerId>,
    conn: ConnId,
    source: SocketAddr,
    reader: Reader,
    queue: SendQueue,
    /// What it carries.
    direction: Direction,
    /// Whether a peer that has said HELLO is heard on it. Before that, less is taken from it, and
    /// its place may be given to another.
    known: bool,
    /// A message for whose events there was no room.
    waiting: Option<Box<Message>>,
}

/// Which way messages go on a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Outgoing,
    Incoming,
    Both,
}

/// How far a delivery has come.
enum Delivery {
    /// All messages were handed over, or the connection is closed.
    Complete,
    /// There may be more, and others want their turn.
    Interrupted,
    /// There is no room for the events that more would make.
    NoRoom,
}

impl Driver {
    /// Connects to a peer, or to any node at an endpoint, and serves the connection until its end.
    ///
    /// Not an `async fn`: the future of a connection lives as long as the connection, and holds no
    /// room for what was needed to make it.
    pub(super) fn dial(
        self: Arc<Self>,
        peer: Option<PeerId>,
        conn: ConnId,
        endpoint: Endpoint,
        interface: Option<InterfaceId>,
        failed_before: bool,
    ) -> impl Future<Output = ()> + use<> {
        let driver = Arc::clone(&self);
        let connecting = Box::pin(self.connect(peer, conn, endpoint, interface, failed_before));
        async move {
            if let Some(connection) = connecting.await {
                connection.run(driver).await;
            }
        }
    }

    /// Connects to a peer, or to any node at an endpoint, and tells the engine what has become of it.
    /// Returns `None` if there is nothing to carry on.
    async fn connect(
        self: Arc<Self>,
        peer: Option<PeerId>,
        conn: ConnId,
        endpoint: Endpoint,
        interface: Option<InterfaceId>,
        failed_before: bool,
    ) -> Option<Box<Connection>> {
        let mut dealer = self.dealer.clone();
        if let Some(peer) = peer {
            // Its port may have gone to another node meanwhile, which must not get what is meant
            // for it.
            dealer = dealer.with_remote(peer.routing_id().to_vec());
        }
        let Some(mechanism) = mechanism::to(self.gate(), endpoint.key()) else {
            self.turn().lose(conn, Loss::Failed(UnreachableReason::AnotherNode));
            return None;
        };
        dealer = dealer.with_mechanism(mechanism);
        if failed_before {
            dealer.limits.connect_time = dealer.limits.connect_time.min(RETRY_CONNECT_TIME);
        }
        let mut address = endpoint.address();
        let start = self.location().start(&mut address, interface);
        match zmtp::net::connect_from(&start, address, &dealer, self.limits.queue()).await {
            Ok(dialled) => {
                let peer = peer.or_else(|| mailbox::sender(&dialled.peer.identity));
                let both = peer.is_some_and(|peer| self.is_two_way(peer, &dialled));
                let direction = if both { Direction::Both } else { Direction::Outgoing };
                let ends = self.ends(&dialled);
                let connection = Connection::new(peer, conn, dialled, direction, ends);
                let queue = connection.queue.clone();
                self.turn().open(peer, conn, direction, ends, queue).then_some(connection)
            }
            Err(error) => {
                tracing::debug!(?peer, %endpoint, %error, "not connected");
                self.turn().lose(conn, Loss::Failed(reason(&error)));
                None
            }
        }
    }

    /// A connection at the mailbox is up: gives it a number and a task that reads it. If there are
    /// too many on which no peer is heard, one makes room.
    pub(crate) fn accepted(self: &Arc<Self>, peer: PeerId, accepted: Established) {
        let mut turn = self.turn();
        if turn.core.engine.is_stopped() {
            return;
        }
        let key = secure::proved(&accepted.peer);
        if !self.still_lets_in(key) {
            return;
        }
        turn.core.last_accepted += 1;
        let conn = ConnId::Accepted(turn.core.last_accepted);
        let both = self.is_two_way(peer, &accepted);
        let direction = if both { Direction::Both } else { Direction::Incoming };
        let ends = self.ends(&accepted);
        let connection = Connection::new(Some(peer), conn, accepted, direction, ends);
        let queue = connection.queue.clone();
        // It waits for the end of this turn.
        let task = self.runtime.spawn(connection.run(Arc::clone(self)));
        turn.core.conns.insert(conn, OpenConnection::new(Some(peer), task));
        turn.core.strangers.insert(conn, peer);
        if let Some(key) = key {
            turn.handle(Input::Proved { peer, conn, key });
        }
        turn.open(Some(peer), conn, direction, ends, queue);
        let core = &mut *turn.core;
        if let Some((conn, peer)) = core.strangers.pop_excess(&core.engine, &self.limits) {
            turn.core.network.connections_idle += 1;
            turn.core.close(conn);
            turn.handle(Input::Lost { peer, conn, why: Loss::Ended });
        }
    }

    /// The host has lost an address: nothing comes or goes any more on the connections that begin
    /// there, and their peers, to which that may look like silence, are met anew from another one.
    pub(crate) fn lose_address(self: &Arc<Self>, address: SocketAddr) {
        let mut turn = self.turn();
        for (_, conn) in turn.core.beginning_at(address) {
            // Another one may have been its end.
            if let Some(open) = turn.core.conns.get(&conn) {
                open.task.abort();
                turn.lose(conn, Loss::Left);
            }
        }
    }

    /// A place is down, or not used any more: peers that are heard elsewhere are met there. Returns
    /// whether there are connections that begin there.
    pub(crate) fn leave_place(self: &Arc<Self>, address: SocketAddr, index: u32) -> bool {
        let mut turn = self.turn();
        let stranded = turn.core.beginning_at(address);
        for (peer, conn) in &stranded {
            let (conn, interface) = (*conn, InterfaceId(index));
            if let Some(peer) = *peer {
                turn.handle(Input::Stranded { peer, conn, interface });
            }
        }
        !stranded.is_empty()
    }

    /// Whether this node has ended a connection, or itself.
    fn has_ended(self: &Arc<Self>, conn: ConnId) -> bool {
        let turn = self.turn();
        turn.core.engine.is_stopped() || !turn.core.conns.contains_key(&conn)
    }

    fn ends(&self, established: &Established) -> Ends {
        let (local, remote) = (established.local, established.address);
        Ends { local: bare(local), remote: self.location().on_link(local, remote) }
    }

    /// Whether a connection carries both directions, to and from this peer: the other end knows how,
    /// and says that it is the peer, in exactly the form of the specification.
    fn is_two_way(&self, peer: PeerId, established: &Established) -> bool {
        let property = established.peer.property(two_way::PROPERTY);
        let of_peer = established.peer.identity == peer.routing_id().as_slice();
        self.two_way && of_peer && property.is_some_and(|value| value == two_way::VALUE)
    }

    /// Waits until there is room for events. Meanwhile the engine knows that peers are not being
    /// read.
    async fn wait_for_room(self: &Arc<Self>) {
        /// One connection that waits, also when its task is aborted.
        struct Waiting<'a>(&'a Arc<Driver>);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.pause(|paused| paused - 1);
            }
        }
        self.pause(|paused| paused + 1);
        let _waiting = Waiting(self);
        self.events.room().await;
    }

    fn pause(self: &Arc<Self>, change: impl FnOnce(usize) -> usize) {
        let mut turn = self.turn();
        let before = turn.core.paused;
        turn.core.paused = change(before);
        if (before == 0) != (turn.core.paused == 0) {
            turn.handle(Input::Paused(before == 0));
        }
    }
}

impl Turn<'_> {
    /// A connection is up. Returns `false` if it was given up meanwhile.
    fn open(
        &mut self,
        peer: Option<PeerId>,
        conn: ConnId,
        direction: Direction,
        ends: Ends,
        queue: SendQueue,
    ) -> bool {
        let Some(open) = self.core.conns.get_mut(&conn) else { return false };
        open.peer = peer;
        open.queue = Some(queue);
        open.ends = Some(ends);
        open.known = direction == Direction::Outgoing;
        open.speaks = direction != Direction::Incoming;
        if direction != Direction::Incoming {
            let elsewhere = self.core.engine.endpoint();
            let here = self.driver.location().endpoint_for(ends.local, ends.remote);
            let own_endpoint = here.unwrap_or(elsewhere);
            let two_way = direction == Direction::Both;
            #[cfg(feature = "files")]
            self.give_ticket(conn);
            self.handle(match peer {
                Some(peer) => Input::Connected { peer, conn, two_way, own_endpoint },
                None => Input::ScoutUp { conn, own_endpoint },
            });
        }
        self.core.conns.contains_key(&conn)
    }

    /// Makes a ticket for the remote of a connection, if the node gives any.
    #[cfg(feature = "files")]
    fn give_ticket(&mut self, conn: ConnId) {
        if !self.core.engine.gives_tickets() {
            return;
        }
        let mut bytes = [0; 16];
        match getrandom::fill(&mut bytes) {
            Ok(()) => self.handle(Input::Ticket { conn, ticket: zre_proto::Ticket::new(bytes) }),
            // Then the peer is known by its address.
            Err(error) => tracing::warn!(%error, "no ticket: the system has no random numbers"),
        }
    }
}

impl Connection {
    fn new(
        peer: Option<PeerId>,
        conn: ConnId,
        established: Established,
        direction: Direction,
        ends: Ends,
    ) -> Box<Self> {
        let source = ends.remote;
        let Established { reader, queue, .. } = established;
        let (known, waiting) = (false, None);
        // Futures hold what they are given more than once.
        Box::new(Self { peer, conn, source, reader, queue, direction, known, waiting })
    }

    /// Carries on the connection until its end, and tells the engine.
    async fn run(mut self: Box<Self>, driver: Arc<Driver>) {
        let (peer, conn, direction) = (self.peer, self.conn, self.direction);
        let queue = self.queue.clone();
        let ended_by_us = {
            let mut reading = std::pin::pin!(self.read(&driver));
            tokio::select! {
                // Writing first: reading may take all the time that a task gets.
                biased;
                error = queue.run() => {
                    let ended = driver.has_ended(conn);
                    if !ended && direction != Direction::Outgoing {
                        tracing::debug!(?peer, %error, "nothing can be sent any more");
                        if let (Direction::Both, Some(peer)) = (direction, peer) {
                            driver.handle(Input::Broken { peer, conn });
                        }
                        // It may have brought something. The engine ends it in time.
                        reading.await;
                    }
                    ended
                }
                () = &mut reading => false,
            }
        };
        if ended_by_us {
            // What the kernel has taken is sent, as long as the connection is not reset.
            // Apart, so that a connection does not hold the memory for it all its life.
            Box::pin(self.reader.drain(LINGER_TIMEOUT, MAX_LINGER_TIME)).await;
        }
        queue.close();
        driver.turn().lose(conn, Loss::Ended);
    }

    /// Reads the connection until it ends. Each batch of messages that one read brings is handed
    /// over at once. While the application does not take its events nothing is read: TCP makes the
    /// peer wait. A connection that has brought nothing good in the time of a handshake is closed:
    /// it would keep the place of another.
    async fn read(&mut self, driver: &Arc<Driver>) {
        // Apart, as all that is seldom waited for.
        if self.direction == Direction::Outgoing {
            return Box::pin(self.read_nothing()).await;
        }
        let deadline = Instant::now() + driver.limits.handshake_time.min(MAX_HELLO_TIMEOUT);
        loop {
            let delivery = match self.deliver(driver) {
                Ok(delivery) => delivery,
                Err(error) => {
                    let (peer, source) = (self.peer, self.source);
                    tracing::debug!(?peer, %source, %error, "connection broke the protocol");
                    driver.turn().core.network.connections_broken += 1;
                    return;
                }
            };
            match delivery {
                Delivery::Complete => {
                    if driver.events.is_crowded() {
                        // What is taken soon is still near; and a task that this one has woken may
                        // have to wait for it.
                        tokio::task::yield_now().await;
                    }
                }
                Delivery::Interrupted => continue,
                Delivery::NoRoom => {
                    Box::pin(self.wait_for_room(driver)).await;
                    continue;
                }
            }
            let filled = if self.known {
                self.reader.fill().await
            } else {
                let in_time = tokio::time::timeout_at(deadline, self.reader.fill());
                match Box::pin(in_time).await.ok() {
                    Some(filled) => filled,
                    // What it said may have been held, and be good by now; and who was greeted on
                    // it has more time to answer.
                    None if self.is_in_use(driver) => self.reader.fill().await,
                    None => {
                        let (peer, source) = (self.peer, self.source);
                        tracing::debug!(?peer, %source, "connection brought nothing");
                        driver.turn().core.network.connections_idle += 1;
                        return;
                    }
                }
            };
            match filled {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    let (peer, source) = (self.peer, self.source);
                    tracing::debug!(?peer, %source, %error, "connection lost");
                    return;
                }
            }
        }
    }

    /// Reads a link of our own until the peer closes. A ROUTER sends nothing but answers of the
    /// transport; anything else is dropped.
    async fn read_nothing(&mut self) {
        while matches!(self.reader.fill().await, Ok(true)) {
            loop {
                match self.reader.next() {
                    Ok(Some(_dropped)) => {}
                    Ok(None) => break,
                    Err(_) => return,
                }
            }
        }
    }

    /// Waits until there is room for events. If the connection ends meanwhile, nothing can be sent
    /// any more; what it has brought is read later.
    async fn wait_for_room(&mut self, driver: &Arc<Driver>) {
        let (peer, conn) = (self.peer, self.conn);
        let mut room = std::pin::pin!(driver.wait_for_room());
        tokio::select! {
            () = &mut room => return,
            () = self.reader.closed(), if self.direction == Direction::Both => {}
        }
        if let Some(peer) = peer {
            driver.handle(Input::Broken { peer, conn });
        }
        room.await;
    }

    /// Hands over the messages that were read. One that would make an event waits while there is
    /// no room, and all that come after it.
    fn deliver(&mut self, driver: &Arc<Driver>) -> Result<Delivery, Error> {
        let (conn, source) = (self.conn, self.source);
        let Some(peer) = self.peer else { return Ok(Delivery::Complete) };
        let mut turn = driver.turn();
        let now = turn.now;
        if let Some(open) = turn.core.conns.get_mut(&conn) {
            open.received_at = Some(now);
        }
        for _ in 0..MAX_MESSAGES_PER_TURN {
            // A node that has stopped reads and drops.
            let stopped = turn.core.engine.is_stopped();
            if !stopped && !turn.core.conns.contains_key(&conn) {
                return Ok(Delivery::Complete);
            }
            let has_room = |turn: &Turn<'_>, header: &[u8]| {
                stopped
                    || !message::is_for_application(header)
                    || driver.events.has_room_besides(&turn.core.events)
            };
            // Nearly every message is a pair.
            let pair = if self.waiting.is_none() { self.reader.next_pair() } else { None };
            if let Some(pair) = pair {
                if !has_room(&turn, &pair.head) {
                    self.waiting = Some(Box::new(pair.into()));
                    return Ok(Delivery::NoRoom);
                }
                let (header, content) = (&*pair.head, pair.body.into());
                turn.handle(Input::Message { peer, conn, source, header, content });
            } else {
                let next = match self.waiting.take() {
                    Some(waiting) => Some(*waiting),
                    None => self.reader.next()?,
                };
                let Some(received) = next else { return Ok(Delivery::Complete) };
                if !has_room(&turn, received.frames().first().map_or(&[], |header| header)) {
                    self.waiting = Some(Box::new(received));
                    return Ok(Delivery::NoRoom);
                }
                let mut frames = received.into_frames();
                let header = frames.next().unwrap_or_default();
                let content = frames.collect::<Content>();
                turn.handle(Input::Message { peer, conn, source, header: &header, content });
            }
            if !self.known {
                self.get_known(&mut turn, driver);
            }
        }
        Ok(Delivery::Interrupted)
    }

    /// From a peer that has said HELLO more is taken.
    fn get_known(&mut self, turn: &mut Turn<'_>, driver: &Driver) {
        if self.peer.is_some_and(|peer| turn.core.engine.hears(peer, self.conn)) {
            self.known = true;
            self.reader.set_limits(driver.limits.transport());
            turn.core.strangers.remove(self.conn);
            if let Some(open) = turn.core.conns.get_mut(&self.conn) {
                open.known = true;
            }
        }
    }

    /// Whether a peer is heard on it by now, or was greeted.
    fn is_in_use(&mut self, driver: &Arc<Driver>) -> bool {
        let mut turn = driver.turn();
        self.get_known(&mut turn, driver);
        let greets = |peer| turn.core.engine.greets(peer, self.conn);
        self.known || self.peer.is_some_and(greets)
    }
}

/// Why a node could not be connected to.
fn reason(error: &Error) -> UnreachableReason {
    let Error::Io(error) = error else {
        return match error {
            Error::Protocol(zmtp::Error::HandshakeTimeout) => UnreachableReason::NoAnswer,
            Error::Protocol(_) => UnreachableReason::AnotherNode,
            _ => UnreachableReason::Failed,
        };
    };
    match error.kind() {
        io::ErrorKind::ConnectionRefused => UnreachableReason::Refused,
        io::ErrorKind::TimedOut => UnreachableReason::NoAnswer,
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable
        | io::ErrorKind::PermissionDenied => UnreachableReason::NoRoute,
        _ if lacks_descriptors(error) => UnreachableReason::NoDescriptors,
        _ => UnreachableReason::Failed,
    }
}

/// Whether the process, or the system, has no descriptor left.
fn lacks_descriptors(error: &io::Error) -> bool {
    #[cfg(unix)]
    const CODES: [i32; 2] = [23, 24];
    // WSAEMFILE.
    #[cfg(not(unix))]
    const CODES: [i32; 1] = [10024];
    error.raw_os_error().is_some_and(|code| CODES.contains(&code))
}
