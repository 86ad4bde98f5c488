//! What is attacked, and what an attacker on the same network can know of it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use zyre::PeerId;

/// What is attacked.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) id: PeerId,
    pub(super) mailbox: SocketAddr,
    pub(super) beacon_port: u16,
    /// Where beacons go.
    pub(super) broadcast: Ipv4Addr,
    /// Where the attacker is: at the address of the good peers.
    pub(super) here: Ipv4Addr,
    /// Another address that it can send from.
    pub(super) elsewhere: Option<Ipv4Addr>,
    /// The peers that must not notice anything.
    pub(super) good: Vec<Good>,
    /// How many descriptors the attacker may have open.
    pub(super) descriptors: usize,
    pub(super) strangers: AtomicU64,
}

/// A good peer, as others see it.
#[derive(Clone, Debug)]
pub(super) struct Good {
    pub(super) id: PeerId,
    pub(super) mailbox: SocketAddr,
    /// How many messages it has sent to the target since it met it: who listens on the network
    /// knows that.
    pub(super) said: Arc<AtomicU64>,
}

impl Target {
    /// An id that nobody had before.
    pub(super) fn stranger(&self) -> PeerId {
        let number = self.strangers.fetch_add(1, Ordering::Relaxed);
        let mut octets = [0xEE; 16];
        octets[..8].copy_from_slice(&number.to_be_bytes());
        octets[8..12].copy_from_slice(&std::process::id().to_be_bytes());
        PeerId::new(octets)
    }

    /// The other address, where there is one; attacks that need it are not begun without.
    pub(super) fn other(&self) -> Ipv4Addr {
        self.elsewhere.unwrap_or(self.here)
    }

    /// A socket that beacons can be sent from.
    pub(super) fn beacons(&self, from: Ipv4Addr) -> Result<Beacons, String> {
        let open = || {
            let socket = UdpSocket::bind((from, 0))?;
            socket.set_broadcast(true)?;
            Ok(socket)
        };
        let socket = open().map_err(|error: io::Error| format!("no socket at {from}: {error}"))?;
        Ok(Beacons { socket, to: SocketAddr::from((self.broadcast, self.beacon_port)), sent: 0 })
    }

    /// As many as wished for, or as the descriptors allow.
    pub(super) fn affordable(&self, wished: usize) -> usize {
        /// For all that is not part of the attack.
        const OTHERS: usize = 600;
        wished.min(self.descriptors.saturating_sub(OTHERS))
    }
}

/// Sends datagrams to everybody.
pub(super) struct Beacons {
    socket: UdpSocket,
    to: SocketAddr,
    sent: u64,
}

impl Beacons {
    /// Sends one. Now and then it waits a moment, or the kernel would drop most of them.
    pub(super) async fn send(&mut self, datagram: &[u8]) {
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

/// Does something many times, some of them at a time, for so long at most. What is not done by then
/// is given up.
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
