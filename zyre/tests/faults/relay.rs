//! A network that is bad: what hosts send goes through a relay, which loses some of it and
//! delays the rest. The kernel packs each Ethernet frame into a UDP datagram (VXLAN) and sends it
//! to the relay; so this needs nothing of the kernel that not every kernel has.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::child::Child;
use testkit::namespace;
use testkit::network::{Host, Network};
use testkit::role;

/// The UDP port of VXLAN.
const PORT: u16 = 4789;

/// What the relay does to frames.
#[derive(Clone, Copy)]
struct Harm {
    /// Frames lost, of a hundred.
    loss: u64,
    delay: Duration,
    /// TCP is lost altogether; beacons pass.
    no_tcp: bool,
    /// Everything that comes from this host is lost; what goes to it passes.
    mute: Option<Ipv4Addr>,
}

/// A bad network: hosts, and the relay between them.
pub(crate) struct BadNetwork {
    pub(crate) hosts: Vec<Host>,
    relay: Child,
    /// Where the relay hears from them.
    wires: Vec<Ipv4Addr>,
    /// Removed after the relay has ended.
    _network: Network,
}

impl BadNetwork {
    /// Whether there can be such a network: it takes tunnels.
    pub(crate) fn is_possible() -> testkit::failure::Result<()> {
        namespace::possible()?;
        namespace::can_add(&[&format!("type vxlan id 1 dstport {PORT}")])
    }

    /// Hosts whose `eth0` leads to the relay. It does no harm yet.
    pub(crate) fn new(names: &[&str]) -> Self {
        let network = Network::with_prefix([10, 79, 0]).unwrap();
        let relay_host = Host::new("relay").unwrap();
        let relay_address = network.plug(&relay_host, "wire").unwrap();
        let (mut hosts, mut wires) = (Vec::new(), Vec::new());
        for (name, last) in names.iter().zip(1..) {
            let host = Host::new(name).unwrap();
            wires.push(network.plug(&host, "wire").unwrap());
            let tunnel = format!("type vxlan id 1 remote {relay_address} dstport {PORT} dev wire");
            host.ip(&format!("link add eth0 {tunnel}")).unwrap();
            host.add_address("eth0", Ipv4Addr::new(10, 77, 0, last)).unwrap();
            host.ip("link set eth0 up").unwrap();
            hosts.push(host);
        }
        let settings = json!({ "address": relay_address, "wires": wires });
        let inner = role::again("relay", &settings).unwrap();
        let relay = Child::start("relay", &mut relay_host.command(&inner)).unwrap();
        let started = json!({ "event": "STARTED" });
        relay.blocking_expect(relay.transcript().start(), &started).unwrap();
        Self { hosts, relay, wires, _network: network }
    }

    /// Loses this share of the frames to each host, in percent, from now on, and delays the others
    /// by this many ms.
    pub(crate) fn harm(&self, loss: u64, delay: u64) {
        self.ask(&format!("harm {loss} {delay} 0 -"));
    }

    /// From now on beacons pass, and nothing else.
    pub(crate) fn drop_tcp(&self) {
        self.ask("harm 0 0 1 -");
    }

    /// From now on the others hear nothing of this host, and it hears all that they say.
    pub(crate) fn mute(&self, host: usize) {
        self.ask(&format!("harm 0 0 0 {}", self.wires[host]));
    }

    fn ask(&self, command: &str) {
        self.relay.blocking_ask(command).unwrap();
    }
}

/// A role: the relay.
pub(crate) fn run(settings: &Value) {
    let address = |value: &Value| -> Ipv4Addr { value.as_str().unwrap().parse().unwrap() };
    let wires: Vec<_> = settings["wires"].as_array().unwrap().iter().map(address).collect();
    let socket = UdpSocket::bind((address(&settings["address"]), PORT)).unwrap();
    let mut commands = role::commands();
    role::report(&json!({ "event": "STARTED" }));

    let mut harm = Harm { loss: 0, delay: Duration::ZERO, no_tcp: false, mute: None };
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut waiting: VecDeque<(Instant, SocketAddr, Vec<u8>)> = VecDeque::new();
    let mut datagram = vec![0; 65_536];
    loop {
        if let Ok(command) = commands.try_recv() {
            let words: Vec<_> = command.split(' ').collect();
            let number = |place: usize| words[place].parse().unwrap();
            let (loss, delay) = (number(1), Duration::from_millis(number(2)));
            harm = Harm { loss, delay, no_tcp: number(3) == 1, mute: words[4].parse().ok() };
            role::report(&json!({ "event": "harm" }));
        }
        let now = Instant::now();
        while waiting.front().is_some_and(|(due, ..)| *due <= now) {
            let (_, to, datagram) = waiting.pop_front().unwrap();
            // A full socket loses it, as a switch would.
            let _ = socket.send_to(&datagram, to);
        }
        // Not longer than a command may wait.
        let next = waiting.front().map_or(Duration::from_millis(20), |(due, ..)| *due - now);
        let pause = next.clamp(Duration::from_millis(1), Duration::from_millis(20));
        socket.set_read_timeout(Some(pause)).unwrap();
        let Ok((length, from)) = socket.recv_from(&mut datagram) else { continue };
        let is_tcp = finish_checksum(&mut datagram[..length]);
        if (is_tcp && harm.no_tcp) || harm.mute.is_some_and(|host| host == from.ip()) {
            continue;
        }
        for wire in wires.iter().filter(|wire| IpAddr::V4(**wire) != from.ip()) {
            if dice.roll(100) >= harm.loss {
                let to = SocketAddr::from((*wire, PORT));
                let frame = (Instant::now() + harm.delay, to, datagram[..length].to_vec());
                waiting.push_back(frame);
            }
        }
    }
}

/// Xorshift: the same harm in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Kernels leave the checksum of what they pack to the network card, and here there is none.
/// Returns whether it is TCP.
fn finish_checksum(datagram: &mut [u8]) -> bool {
    /// The headers of VXLAN and of Ethernet.
    const IP: usize = 8 + 14;
    let Some((outer, packet)) = datagram.split_at_mut_checked(IP) else { return false };
    if outer[20..22] != [8, 0] || packet.len() < 20 {
        return false;
    }
    let header = usize::from(packet[0] & 15) * 4;
    let total = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
    let protocol = packet[9];
    let addresses = sum(&packet[12..20]);
    let Some(segment) = packet.get_mut(header..total) else { return false };
    match protocol {
        6 if segment.len() >= 20 => {
            segment[16..18].fill(0);
            let length = u32::try_from(segment.len()).unwrap();
            let mut sum = addresses + u32::from(protocol) + length + sum(segment);
            while sum > 0xFFFF {
                sum = (sum & 0xFFFF) + (sum >> 16);
            }
            segment[16..18].copy_from_slice(&(!sum).to_be_bytes()[2..]);
        }
        // UDP may do without.
        17 if segment.len() >= 8 => segment[6..8].fill(0),
        _ => {}
    }
    protocol == 6
}

/// The sum of all 16-bit words.
fn sum(bytes: &[u8]) -> u32 {
    let word = |word: &[u8]| u32::from_be_bytes([0, 0, word[0], word.get(1).copied().unwrap_or(0)]);
    bytes.chunks(2).map(word).sum()
}
