//! Forged beacons of secure nodes, a hundred a second, and a mailbox that nobody may connect to.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rand::RngExt;
use zmtp::sync::Mutex;
use zre_proto::Beacon;
use zyre::{Identity, PeerId, PublicKey};

/// From one beacon to the next.
const PAUSE: Duration = Duration::from_millis(10);

/// One of this number of beacons says goodbye with the key of the peer in whose name it is: that is
/// put to the test.
const GOODBYES: u64 = 16;

/// Forges beacons until it is dropped.
pub(super) struct Forger {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    /// Nodes that are up, and their keys.
    present: Mutex<Vec<(PeerId, PublicKey)>>,
    sent: AtomicU64,
    /// Connections to where strangers are said to be.
    calls: AtomicU64,
}

struct Work {
    shared: Arc<Shared>,
    socket: UdpSocket,
    mailbox: TcpListener,
    port: u16,
    /// Where all who listen to that beacon port on loopback hear.
    target: SocketAddr,
    stranger: PublicKey,
}

impl Forger {
    /// Begins, on loopback.
    ///
    /// # Errors
    /// A socket cannot be opened, or there are no random numbers.
    pub(super) fn start(beacon_port: u16) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_broadcast(true)?;
        let mailbox = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        mailbox.set_nonblocking(true)?;
        let shared = Arc::<Shared>::default();
        let work = Work {
            shared: Arc::clone(&shared),
            socket,
            port: mailbox.local_addr()?.port(),
            mailbox,
            target: (Ipv4Addr::new(127, 255, 255, 255), beacon_port).into(),
            stranger: Identity::create()?.public_key(),
        };
        let thread = std::thread::Builder::new().name("forger".into()).spawn(move || work.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Says whose beacons can be forged.
    pub(super) fn tell(&self, present: Vec<(PeerId, PublicKey)>) {
        *self.shared.present.lock() = present;
    }

    /// Returns how many beacons were sent.
    pub(super) fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// Takes how many connections there were to where strangers are said to be.
    pub(super) fn take_calls(&self) -> u64 {
        self.shared.calls.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Forger {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // It looks at that every few milliseconds.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Work {
    fn run(&self) {
        let mut rng = rand::rng();
        let mut number = 0;
        while !self.shared.over.load(Ordering::Relaxed) {
            std::thread::sleep(PAUSE);
            while let Ok((_, _)) = self.mailbox.accept() {
                self.shared.calls.fetch_add(1, Ordering::Relaxed);
            }
            number += 1;
            let present = self.shared.present.lock();
            let some = present.get(rng.random_range(0..present.len().max(1))).copied();
            drop(present);
            let beacon = self.beacon(number, some, rng.random());
            // What is not sent is not missed.
            let sent = self.socket.send_to(&beacon.encode(), self.target).is_ok();
            self.shared.sent.fetch_add(sent.into(), Ordering::Relaxed);
        }
    }

    fn beacon(&self, number: u64, some: Option<(PeerId, PublicKey)>, random: [u8; 16]) -> Beacon {
        let key = |key: PublicKey| Some(zre_proto::PublicKey::new(*key.as_bytes()));
        let stranger = key(self.stranger);
        let own = Beacon { peer: PeerId::new(random), port: self.port, public_key: stranger };
        let Some((peer, of_peer)) = some else { return own };
        match number % 4 {
            0 => own,
            1 => Beacon { peer, port: 0, public_key: stranger },
            2 if number % GOODBYES == 2 => Beacon { peer, port: 0, public_key: key(of_peer) },
            // Nodes without keys do not know it.
            2 => Beacon { peer, port: 0, public_key: None },
            _ => Beacon { peer, port: self.port, public_key: stranger },
        }
    }
}
