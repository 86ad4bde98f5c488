//! Many neighbours that are heard of and cannot be reached: they cost a node little.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::network::{Host, Network};
use testkit::transcript::Transcript;
use testkit::wire;
use zyre::{BEACON_PORT, PeerId};

use crate::node::{Node, from_environment, until};

const NEIGHBOURS: u8 = 100;

/// The port of all their mailboxes.
const MAILBOX: u16 = 49_152;

/// The time from beacon to beacon of each.
const INTERVAL: Duration = Duration::from_secs(1);

/// After this time they are not tried often any more.
const CALM: Duration = Duration::from_secs(60);

/// SYN a second, on average from a minute on. The first dial of each takes 10 s, every further one 2.5 s,
/// in which Linux sends 3 of them since it repeats the first ones every second (6.5). All neighbours
/// are dialled at the same time, after pauses that grow to 60 s. Without longer pauses it would be 68
/// all the time, with the patience of the first dial 22 in the second minute.
const MOST_ATTEMPTS: u64 = 10;

/// Percents of a core: mostly for 100 beacons a second. A debug build takes several times as much.
const MOST_CPU: f64 = if cfg!(debug_assertions) { 6.0 } else { 1.0 };

/// `LINKS_SECONDS` says how long it is measured.
pub(crate) fn cost_little() {
    let time = Duration::from_secs(from_environment("LINKS_SECONDS", 40));
    let network = Network::new().unwrap();
    let [host, others] = ["node", "others"].map(|name| network.host(name).unwrap());
    others.drop_connections().unwrap();
    let sockets: Vec<_> = (0..NEIGHBOURS).map(|_| neighbour(&network, &others)).collect();
    host.count_attempts().unwrap();
    let is_over = AtomicBool::new(false);
    let (tried, cpu) = std::thread::scope(|scope| {
        // It ends also if the rest panics.
        let _over = Over(&is_over);
        scope.spawn(|| announce(&sockets, &is_over));
        let node = Node::start(&host, &Transcript::new(), json!({}));
        let used = || (host.attempts().unwrap(), node.usage().unwrap().cpu);
        let start = Instant::now();
        until(start + CALM);
        let before = used();
        until(start + CALM + time);
        let after = used();
        let told = node.reports(node.born, &json!({ "event": "UNREACHABLE" }));
        assert_eq!(told.len(), usize::from(NEIGHBOURS), "each is told of once");
        (after.0 - before.0, (after.1 - before.1).as_secs_f64() * 100.0)
    });
    let seconds = time.as_secs();
    let percent = cpu / time.as_secs_f64();
    println!("{NEIGHBOURS} unreachable: {tried} SYN in {seconds} s, {percent:.2} % of a core");
    assert!(tried <= MOST_ATTEMPTS * seconds, "{tried} SYN in {seconds} s");
    assert!(percent < MOST_CPU, "{percent:.2} % of a core");
}

/// The socket of one more neighbour, with an address of its own.
fn neighbour(network: &Network, host: &Host) -> UdpSocket {
    let address = network.next_address();
    host.add_address("eth0", address).unwrap();
    let socket = host.enter(|| UdpSocket::bind((address, 0))).unwrap().unwrap();
    socket.set_broadcast(true).unwrap();
    socket
}

/// Sends a beacon of each once in an interval, evenly, until it is over.
fn announce(sockets: &[UdpSocket], is_over: &AtomicBool) {
    const NETWORK: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 255);
    let mut next = Instant::now();
    for (number, socket) in (0..NEIGHBOURS).zip(sockets).cycle() {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let beacon = wire::beacon(1, PeerId::new([number; 16]), MAILBOX);
        socket.send_to(&beacon, (NETWORK, BEACON_PORT)).unwrap();
        next += INTERVAL / u32::from(NEIGHBOURS);
        until(next);
    }
}

/// Says that it is over, when dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
