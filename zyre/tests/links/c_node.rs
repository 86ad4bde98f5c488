//! A C node, played: it says and does by IPv6 what was captured of C Zyre (`vectors/ipv6.json`), and
//! can connect to what C Zyre can connect to.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV6, TcpListener, TcpStream,
    UdpSocket,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use testkit::network::Host;
use testkit::wait::DEADLINE;
use testkit::wire::{self, HELLO, Hello, PING, PING_OK};
use zyre::{BEACON_PORT, PeerId};

const MAILBOX: u16 = 49_152;
const ALL_ON_THE_LINK: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const BROADCAST: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 255);
const INTERVAL: Duration = Duration::from_secs(1);

/// How often its threads look whether it is over.
const LOOK: Duration = Duration::from_millis(50);

/// A running node. Ends when dropped.
pub(crate) struct CNode {
    pub(crate) id: PeerId,
    state: Arc<State>,
    threads: Vec<JoinHandle<()>>,
}

/// What its threads share.
struct State {
    id: PeerId,
    host: Host,
    /// The one address that it has taken, and the index of its interface.
    address: IpAddr,
    link: u32,
    /// Whether it was told the name of its interface, which it adds to link-local addresses.
    knows_interface: bool,
    /// By which it hears beacons.
    hears: OnceLock<Mutex<UdpSocket>>,
    /// Whom it knows, with its connection to each as soon as there is one.
    peers: Mutex<BTreeMap<PeerId, Option<(TcpStream, u16)>>>,
    accepted: Mutex<Vec<TcpStream>>,
    entered: Mutex<Vec<PeerId>>,
    is_over: AtomicBool,
}

impl CNode {
    /// Starts a node at an address of the `eth0` of a host, which has to be sure of it.
    pub(crate) fn start(host: &Host, number: u8, address: IpAddr, knows_interface: bool) -> Self {
        let id = PeerId::new([number; 16]);
        let state = Arc::new(State {
            id,
            host: host.clone(),
            address,
            link: index(host),
            knows_interface,
            hears: OnceLock::new(),
            peers: Mutex::default(),
            accepted: Mutex::default(),
            entered: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let opened = host.enter(|| state.open()).unwrap().unwrap();
        let (mailbox, hears, says) = opened;
        state.hears.get_or_init(|| Mutex::new(hears));
        let [first, second, third] = [0; 3].map(|_| Arc::clone(&state));
        let threads = vec![
            std::thread::spawn(move || first.accept(&mailbox)),
            std::thread::spawn(move || second.hear()),
            std::thread::spawn(move || third.announce(&says)),
        ];
        Self { id, state, threads }
    }

    /// Whom it has told of by ENTER.
    pub(crate) fn entered(&self) -> Vec<PeerId> {
        self.state.entered.lock().unwrap().clone()
    }
}

impl Drop for CNode {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Relaxed);
        // The next one takes its address.
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
        let dialled = std::mem::take(&mut *self.state.peers.lock().unwrap());
        let dialled = dialled.into_values().flatten().map(|(stream, _)| stream);
        let accepted = std::mem::take(&mut *self.state.accepted.lock().unwrap());
        for stream in dialled.chain(accepted) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl State {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Its mailbox, and the sockets by which it hears and says beacons.
    fn open(&self) -> io::Result<(TcpListener, UdpSocket, UdpSocket)> {
        let mailbox = self.open_mailbox()?;
        mailbox.set_nonblocking(true)?;
        let udp = |address: SocketAddr| -> io::Result<UdpSocket> {
            let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
            socket.set_reuse_address(true)?;
            socket.set_reuse_port(true)?;
            socket.bind(&address.into())?;
            Ok(socket.into())
        };
        let says = udp(self.here(BEACON_PORT))?;
        let hears = if self.address.is_ipv4() {
            says.set_broadcast(true)?;
            udp((Ipv4Addr::UNSPECIFIED, BEACON_PORT).into())?
        } else {
            // It hears IPv4 as well.
            let hears = udp((Ipv6Addr::UNSPECIFIED, BEACON_PORT).into())?;
            hears.join_multicast_v6(&ALL_ON_THE_LINK, self.link)?;
            hears
        };
        hears.set_nonblocking(true)?;
        Ok((mailbox, hears, says))
    }

    /// A child that another test starts has the mailbox of the one before until it executes its
    /// program.
    fn open_mailbox(&self) -> io::Result<TcpListener> {
        let end = Instant::now() + DEADLINE;
        loop {
            match TcpListener::bind(self.here(MAILBOX)) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < end => {
                    std::thread::sleep(LOOK);
                }
                bound => return bound,
            }
        }
    }

    fn here(&self, port: u16) -> SocketAddr {
        match self.address {
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, self.scope(ip)).into(),
            ip => (ip, port).into(),
        }
    }

    const fn scope(&self, ip: Ipv6Addr) -> u32 {
        if ip.is_unicast_link_local() { self.link } else { 0 }
    }

    fn announce(&self, says: &UdpSocket) {
        let target = match self.address {
            IpAddr::V4(_) => SocketAddr::from((BROADCAST, BEACON_PORT)),
            IpAddr::V6(_) => SocketAddrV6::new(ALL_ON_THE_LINK, BEACON_PORT, 0, self.link).into(),
        };
        let beacon = wire::beacon(1, self.id, MAILBOX);
        let mut next = Instant::now();
        while !self.is_over() {
            if next <= Instant::now() {
                let _ = says.send_to(&beacon, target);
                next += INTERVAL;
            }
            std::thread::sleep(LOOK);
        }
        let _ = says.send_to(&wire::beacon(1, self.id, 0), target);
    }

    fn hear(self: &Arc<Self>) {
        while !self.is_over() {
            self.hear_what_has_come();
            std::thread::sleep(LOOK / 10);
        }
    }

    /// Connects to those that it does not know yet, and ignores what it hears of others.
    fn hear_what_has_come(self: &Arc<Self>) {
        let Some(hears) = self.hears.get() else { return };
        let hears = hears.lock().unwrap();
        let mut beacon = [0; 64];
        while let Ok((length, mut source)) = hears.recv_from(&mut beacon) {
            if length != 22 {
                continue;
            }
            let peer = PeerId::new(beacon[4..20].try_into().unwrap());
            source.set_port(u16::from_be_bytes([beacon[20], beacon[21]]));
            if source.port() != 0 {
                self.require(peer, Some(source));
            }
        }
    }

    /// It knows a peer from now on, and connects to it if it can.
    fn require(self: &Arc<Self>, peer: PeerId, address: Option<SocketAddr>) {
        let mut peers = self.peers.lock().unwrap();
        if peer == self.id || peers.contains_key(&peer) {
            return;
        }
        peers.insert(peer, None);
        drop(peers);
        if let Some(address) = address {
            let state = Arc::clone(self);
            std::thread::spawn(move || state.dial(peer, address));
        }
    }

    fn dial(self: &Arc<Self>, peer: PeerId, address: SocketAddr) {
        while !self.is_over() {
            let connected =
                self.host.enter(|| TcpStream::connect_timeout(&address, DEADLINE)).unwrap();
            let Ok(mut stream) = connected else {
                std::thread::sleep(LOOK);
                continue;
            };
            // Without brackets, and without a scope.
            let endpoint = format!("tcp://{}:{MAILBOX}", self.address);
            let hello = wire::message(&[&Hello::new(&endpoint).encode()]);
            let said = [wire::handshake(self.id), hello].concat();
            if stream.write_all(&said).is_ok() {
                self.peers.lock().unwrap().insert(peer, Some((stream, 1)));
            }
            return;
        }
    }

    fn accept(self: &Arc<Self>, mailbox: &TcpListener) {
        while !self.is_over() {
            match mailbox.accept() {
                Ok((stream, _)) => {
                    self.accepted.lock().unwrap().push(stream.try_clone().unwrap());
                    let state = Arc::clone(self);
                    std::thread::spawn(move || state.read(stream));
                }
                Err(_) => std::thread::sleep(LOOK / 10),
            }
        }
    }

    /// Reads a connection until its end.
    fn read(self: &Arc<Self>, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.write_all(&[wire::greeting(0), wire::ready("ROUTER", b"")].concat())?;
        stream.read_exact(&mut [0; 64])?;
        let (_, ready) = frame(&mut stream)?;
        let identity = wire::properties(&ready).into_iter().find(|(name, _)| *name == b"Identity");
        let peer = identity.and_then(|(_, value)| PeerId::from_routing_id(value));
        let peer = peer.ok_or(io::ErrorKind::InvalidData)?;
        loop {
            let (flags, body) = frame(&mut stream)?;
            match body[..] {
                _ if flags & wire::COMMAND != 0 => {}
                [0xAA, 0xA1, HELLO, ..] => self.hear_hello(peer, &body),
                [0xAA, 0xA1, PING, ..] => self.answer(peer),
                _ => {}
            }
        }
    }

    /// It enters whoever says HELLO, and connects to where that says to be.
    fn hear_hello(self: &Arc<Self>, peer: PeerId, hello: &[u8]) {
        // Its threads may take turns as they like: a beacon that came first is heard first.
        self.hear_what_has_come();
        let endpoint = &hello[7..7 + usize::from(hello[6])];
        self.require(peer, self.reachable(std::str::from_utf8(endpoint).unwrap()));
        let mut entered = self.entered.lock().unwrap();
        if !entered.contains(&peer) {
            entered.push(peer);
        }
    }

    /// The address that it can connect to, if there is one in an endpoint. It adds its interface
    /// to a link-local one only if that stands without brackets.
    fn reachable(&self, endpoint: &str) -> Option<SocketAddr> {
        let (host, port) = endpoint.strip_prefix("tcp://")?.rsplit_once(':')?;
        let port = port.parse().ok()?;
        let is_bare = !host.starts_with('[');
        let ip: IpAddr = host.trim_matches(['[', ']']).parse().ok()?;
        match ip {
            IpAddr::V4(_) if self.address.is_ipv4() => Some((ip, port).into()),
            IpAddr::V4(_) => None,
            IpAddr::V6(_) if self.address.is_ipv4() => None,
            IpAddr::V6(ip) if ip.is_unicast_link_local() => (is_bare && self.knows_interface)
                .then(|| SocketAddrV6::new(ip, port, 0, self.link).into()),
            ip => Some((ip, port).into()),
        }
    }

    fn answer(&self, peer: PeerId) {
        if let Some(Some((stream, sequence))) = self.peers.lock().unwrap().get_mut(&peer) {
            *sequence += 1;
            let _ = stream.write_all(&wire::message(&[&wire::header(PING_OK, *sequence, &[])]));
        }
    }
}

/// Reads a frame: its flags, and its body.
fn frame(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    let mut length = usize::from(head[1]);
    if head[0] & wire::LONG != 0 {
        let mut rest = [0; 7];
        stream.read_exact(&mut rest)?;
        length = rest.iter().fold(length, |length, byte| length << 8 | usize::from(*byte));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((head[0], body))
}

/// The IPv6 addresses of the `eth0` of a host, with its index, as the kernel lists them.
fn listed(host: &Host) -> Vec<(Ipv6Addr, u32, bool)> {
    let read = || std::fs::read_to_string("/proc/thread-self/net/if_inet6").unwrap();
    let list = host.enter(read).unwrap();
    let lines = list.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [address, index, _, _, flags, "eth0"] = words[..] else { return None };
        let number = |digits| u32::from_str_radix(digits, 16).unwrap();
        let address = u128::from_str_radix(address, 16).unwrap();
        const TENTATIVE: u32 = 0x40;
        Some((address.into(), number(index), number(flags) & TENTATIVE == 0))
    });
    lines.collect()
}

/// The index of the `eth0` of a host.
pub(crate) fn index(host: &Host) -> u32 {
    listed(host).first().map_or(0, |(_, index, _)| *index)
}

/// The link-local address of the `eth0` of a host, as soon as it is sure that nobody else has it.
pub(crate) fn link_local(host: &Host) -> IpAddr {
    let end = Instant::now() + DEADLINE;
    loop {
        let is_sure = |it: &(Ipv6Addr, u32, bool)| it.0.is_unicast_link_local() && it.2;
        if let Some((address, ..)) = listed(host).into_iter().find(is_sure) {
            return address.into();
        }
        assert!(Instant::now() < end, "{} has no link-local address", host.name);
        std::thread::sleep(LOOK);
    }
}
