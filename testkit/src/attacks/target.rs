//! What is attacked, and what an attacker on the same network can know of it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use zre_proto::PeerId;

use super::file_target::FileTarget;
use super::secure_target::SecureTarget;
use crate::wire::Hello;
use crate::wire::connection::Connection;
use crate::wire::dealer::{Credentials, Route};
use crate::wire::ghost::Ghost;
use crate::wire::mailbox::Mailbox;

/// The group that the target is in, if it answers; it contests in it, if it can.
pub const GROUP: &str = "hostile";

/// How long the target may take for anything that an attack has to wait for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is attacked.
#[derive(Debug)]
pub struct Target {
    /// Its id.
    pub id: PeerId,
    /// Where its mailbox is.
    pub mailbox: SocketAddr,
    /// The UDP port of beacons.
    pub beacon_port: u16,
    /// Where beacons go.
    pub broadcast: Ipv4Addr,
    /// Where the attacker is: at the address of the good peers.
    pub here: Ipv4Addr,
    /// Another address that it can send from.
    pub elsewhere: Option<Ipv4Addr>,
    /// The peers that must not notice anything.
    pub good: Vec<Good>,
    /// How many descriptors the attacker may have open.
    pub descriptors: usize,
    /// The number of ids that were made up.
    pub strangers: AtomicU64,
    /// The gossip that it takes part in, if any.
    pub gossip: Option<GossipTarget>,
    /// Its file sharing, if it shares files.
    pub files: Option<FileTarget>,
    /// What is to be known of it if it is a secure node.
    pub secure: Option<SecureTarget>,
}

/// The gossip of a target.
#[derive(Clone, Debug)]
pub struct GossipTarget {
    /// Where it listens as a hub.
    pub hub: SocketAddr,
    /// A hub that it connects to: the attacker's.
    pub lies: Arc<Mailbox>,
}

/// A good peer, as others see it.
#[derive(Clone, Debug)]
pub struct Good {
    /// Its id.
    pub id: PeerId,
    /// Where its mailbox is.
    pub mailbox: SocketAddr,
    /// How many messages it has sent to the target since it met it: who listens on the network
    /// knows that.
    pub said: Arc<AtomicU64>,
}

impl Target {
    /// Returns an id that nobody had before. It is smaller than those that nodes draw: who has it
    /// chooses a two-way connection to the target.
    pub fn stranger(&self) -> PeerId {
        self.numbered(|number| number)
    }

    /// Returns an id that nobody had before, and that is larger than those that nodes draw: who has
    /// it lets the target choose a two-way connection.
    pub fn follower(&self) -> PeerId {
        self.numbered(|number| u64::MAX - number)
    }

    fn numbered(&self, first: impl FnOnce(u64) -> u64) -> PeerId {
        let number = self.strangers.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [0xEE; 16];
        bytes[..8].copy_from_slice(&first(number).to_be_bytes());
        bytes[8..12].copy_from_slice(&std::process::id().to_be_bytes());
        PeerId::new(bytes)
    }

    /// Returns two ids that nobody had before: one that chooses two-way connections to the target,
    /// and one that follows.
    pub fn both(&self) -> [PeerId; 2] {
        [self.stranger(), self.follower()]
    }

    /// Returns the other address, where there is one; attacks that need it are not begun without.
    pub fn other(&self) -> Ipv4Addr {
        self.elsewhere.unwrap_or(self.here)
    }

    /// Returns the way to its mailbox: of a secure node with the pair of an insider.
    pub fn route(&self, from: Ipv4Addr) -> Route {
        let credentials =
            |secure: &SecureTarget| Credentials { keys: secure.insider, node: secure.key };
        let secure = self.secure.as_ref().map(credentials);
        Route { to: self.mailbox, from, patience: PATIENCE, secure }
    }

    /// Connects as a stranger, and finishes the handshake.
    ///
    /// # Errors
    /// If the target does not finish it in time.
    pub async fn dealer(&self) -> io::Result<Connection> {
        self.route(self.here).greet(&self.stranger().routing_id()).await
    }

    /// Connects in this name as a node that takes both directions on one connection, and finishes
    /// the handshake.
    ///
    /// # Errors
    /// If the target does not finish it in time.
    pub async fn two_way(&self, from: Ipv4Addr, id: PeerId) -> Result<Connection, String> {
        let connection = self.route(from).greet_two_way(id).await;
        connection.map_err(|error| format!("no connection from {from}: {error}"))
    }

    /// Returns whether the target takes both directions on one connection.
    ///
    /// # Errors
    /// If it does not finish a handshake in time.
    pub async fn is_two_way(&self) -> Result<bool, String> {
        Ok(self.two_way(self.here, self.stranger()).await?.is_two_way())
    }

    /// Opens a mailbox at an address: that of an insider, if the target is a secure node.
    ///
    /// # Errors
    /// If there is no port for it.
    pub fn mailbox_at(&self, address: Ipv4Addr) -> Result<Mailbox, String> {
        let mailbox = Mailbox::open(address, PATIENCE);
        let mailbox = mailbox.map_err(|error| format!("no mailbox: {error}"))?;
        Ok(mailbox.secured(self.secure.as_ref().map(|secure| secure.insider)))
    }

    /// Meets it under a new id.
    ///
    /// # Errors
    /// If it does not greet a new peer in time.
    pub async fn ghost(&self) -> Result<Ghost, String> {
        self.ghost_as(self.stranger(), |_| {}).await
    }

    /// Meets it with a HELLO that is bent a little.
    ///
    /// # Errors
    /// If it does not greet a new peer in time.
    pub async fn ghost_as(
        &self,
        id: PeerId,
        bend: impl FnOnce(&mut Hello) + Send,
    ) -> Result<Ghost, String> {
        let met = Ghost::meet_with(self.route(self.here), id, bend).await;
        met.map_err(|error| format!("the target does not meet a new peer: {error}"))
    }

    /// Meets it under a new id, and waits until both directions work.
    ///
    /// # Errors
    /// If it does not answer a new peer in time.
    pub async fn settled_ghost(&self) -> Result<Ghost, String> {
        let mut ghost = self.ghost().await?;
        if ghost.is_heard().await {
            return Ok(ghost);
        }
        Err("the target does not answer a new peer".into())
    }

    /// Returns the id of a peer of the attacker's, if the target has to do with none but its peers.
    ///
    /// # Errors
    /// If it does not answer a new peer in time.
    pub(super) async fn insider(&self) -> Result<Option<PeerId>, String> {
        let Some(secure) = &self.secure else { return Ok(None) };
        let mut peer = secure.peer.lock().await;
        if let Some(peer) = &mut *peer
            && peer.is_heard().await
        {
            return Ok(Some(peer.id));
        }
        Ok(Some(peer.insert(Box::pin(self.settled_ghost()).await?).id))
    }

    /// Meets it on one connection for both directions.
    ///
    /// # Errors
    /// If it does not greet a new peer in time.
    pub async fn two_way_ghost(&self, id: PeerId) -> Result<Ghost, String> {
        let met = Ghost::meet_two_way(self.route(self.here), id).await;
        met.map_err(|error| format!("the target does not meet a new two-way peer: {error}"))
    }

    /// Returns a socket that beacons can be sent from.
    ///
    /// # Errors
    /// If the address is not usable.
    pub fn beacons(&self, from: Ipv4Addr) -> Result<Beacons, String> {
        let open = || {
            let socket = UdpSocket::bind((from, 0))?;
            socket.set_broadcast(true)?;
            Ok(socket)
        };
        let socket = open().map_err(|error: io::Error| format!("no socket at {from}: {error}"))?;
        Ok(Beacons { socket, to: SocketAddr::from((self.broadcast, self.beacon_port)), sent: 0 })
    }

    /// Returns the number wished for, or what the descriptors allow.
    pub fn affordable(&self, wished: usize) -> usize {
        /// For all that is not part of the attack.
        const OTHERS: usize = 600;
        wished.min(self.descriptors.saturating_sub(OTHERS))
    }
}

/// Sends datagrams to everybody.
pub struct Beacons {
    socket: UdpSocket,
    to: SocketAddr,
    sent: u64,
}

impl Beacons {
    /// Sends one. Now and then it waits a moment, or the kernel would drop most of them.
    pub async fn send(&mut self, datagram: &[u8]) {
        /// Datagrams from pause to pause.
        const BURST: u64 = 50;
        // One that cannot be sent is one less: the kernel's queues are full.
        let _ = self.socket.send_to(datagram, self.to);
        self.sent += 1;
        if self.sent.is_multiple_of(BURST) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Leaves the victim alone: what it does wrong has shown itself by then, and one that does nothing
/// wrong gives no sign that could be waited for.
pub(super) async fn linger(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Does something a number of times, some at a time. What is not done `within` this time is given
/// up.
pub(super) async fn many<T, F>(
    times: usize,
    at_once: usize,
    within: Duration,
    work: impl Fn(usize) -> F,
) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let deadline = Instant::now() + within;
    let mut done = Vec::new();
    let mut tasks = JoinSet::new();
    let mut begun = 0;
    while begun < times || !tasks.is_empty() {
        while begun < times && tasks.len() < at_once {
            tasks.spawn(work(begun));
            begun += 1;
        }
        match tokio::time::timeout_at(deadline, tasks.join_next()).await {
            Ok(Some(result)) => done.extend(result),
            Ok(None) => {}
            Err(_) => break,
        }
    }
    done
}
