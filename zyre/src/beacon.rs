//! The beacon on real sockets: those that hear, and those that announce.

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::time::Duration;

use quinn_udp::{RecvMeta, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use zre_proto::{Beacon, PeerId};

use crate::interface::{Audience, Place};

/// All on a link that speak IPv6.
const ALL_ON_THE_LINK: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// The broadcast to a subnet does not reach neighbours with another mask. So the first beacons,
/// and then every tenth, go to all hosts of the link as well.
const FIRST_TO_ALL: u64 = 3;
const EVERY_TO_ALL: u64 = 10;

/// Beacons that are taken at a time. Where many nodes start together many wait.
const MAX_BATCH: usize = 8;

/// Waiting keeps an error that stays from spinning.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// A beacon that was heard.
pub(crate) struct Heard {
    pub(crate) beacon: Beacon,
    pub(crate) source: SocketAddr,
    /// The index of the interface that it came in by, if the system tells.
    pub(crate) interface: Option<u32>,
}

/// Hears the beacons of all nodes on this port, by both families.
pub(crate) struct BeaconListener {
    v4: Ear,
    /// `None` on a host without IPv6.
    v6: Option<Ear>,
    /// The interfaces on which the group of all on the link is listened to.
    joined: Vec<u32>,
}

impl BeaconListener {
    pub(crate) fn bind(port: u16) -> io::Result<Self> {
        let v4 = Ear::bind((Ipv4Addr::UNSPECIFIED, port).into())?;
        let v6 = match Ear::bind((Ipv6Addr::UNSPECIFIED, port).into()) {
            Ok(ear) => Some(ear),
            Err(error) => {
                tracing::debug!(%error, "no beacons by IPv6");
                None
            }
        };
        Ok(Self { v4, v6, joined: Vec::new() })
    }

    /// Listens to IPv6 multicast on these interfaces, and on no others. Returns whether it does on
    /// all of them, as far as the host can.
    pub(crate) fn listen_on(&mut self, interfaces: &[u32]) -> bool {
        let Some(ear) = &self.v6 else { return true };
        let socket = socket2::SockRef::from(&ear.socket);
        self.joined.retain(|joined| {
            let stays = interfaces.contains(joined);
            if !stays {
                // An interface that is gone has left by itself.
                let _ = socket.leave_multicast_v6(&ALL_ON_THE_LINK, *joined);
            }
            stays
        });
        for new in interfaces {
            if self.joined.contains(new) {
                continue;
            }
            match socket.join_multicast_v6(&ALL_ON_THE_LINK, *new) {
                Ok(()) => self.joined.push(*new),
                Err(error) => tracing::debug!(interface = new, %error, "group not joined"),
            }
        }
        self.joined.len() == interfaces.len()
    }

    /// The next datagrams that are beacons: those that wait, at least one. Everything else is
    /// dropped without a word (RFC 36). Safe to cancel.
    pub(crate) async fn next(&self) -> Vec<Heard> {
        let v6 = async {
            match &self.v6 {
                Some(ear) => ear.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            heard = self.v4.next() => heard,
            heard = v6 => heard,
        }
    }
}

/// A socket that hears beacons.
struct Ear {
    socket: tokio::net::UdpSocket,
    state: UdpSocketState,
}

impl Ear {
    /// Shares the port with every other node on the host, of every implementation: some set
    /// `SO_REUSEADDR`, some `SO_REUSEPORT`, so both are set here.
    fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            // What comes by IPv4 is heard by the other one.
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
        socket.set_reuse_port(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let socket = tokio::net::UdpSocket::from_std(socket.into())?;
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self { socket, state })
    }

    async fn next(&self) -> Vec<Heard> {
        loop {
            match self.socket.async_io(Interest::READABLE, || self.receive()).await {
                Ok(heard) if !heard.is_empty() => return heard,
                Ok(_) => {}
                // A UDP socket reports what happened to a datagram before; the next is not
                // concerned.
                Err(error) => {
                    tracing::debug!(%error, "beacon not received");
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            }
        }
    }

    fn receive(&self) -> io::Result<Vec<Heard>> {
        let mut datagrams = [[0; Beacon::MAX_LEN]; MAX_BATCH];
        let mut meta = [RecvMeta::default(); MAX_BATCH];
        let mut buffers = datagrams.each_mut().map(|it| IoSliceMut::new(it));
        let received = self.state.recv((&self.socket).into(), &mut buffers, &mut meta)?;
        let received = datagrams.iter().zip(&meta).take(received);
        Ok(received.filter_map(|(datagram, meta)| heard(datagram, meta)).collect())
    }
}

/// A datagram, if it is a beacon for this host.
fn heard(datagram: &[u8], meta: &RecvMeta) -> Option<Heard> {
    if is_routed(meta) {
        return None;
    }
    // Of several that the kernel hands over as one, the first.
    let length = meta.len.min(meta.stride).min(datagram.len());
    let beacon = Beacon::decode(&datagram[..length]).ok()?;
    Some(Heard { beacon, source: meta.addr, interface: meta.interface_index })
}

/// Whether a datagram may come from beyond the link. By IPv6 any host of the world can reach this
/// one, and none of them may have it dial.
fn is_routed(meta: &RecvMeta) -> bool {
    let SocketAddr::V6(from) = meta.addr else { return false };
    let to_one = meta.dst_ip.is_some_and(|to| !to.is_multicast());
    to_one && !from.ip().is_unicast_link_local()
}

/// Announces one node at one of its places.
pub(crate) struct Announcer {
    id: PeerId,
    /// Of the mailbox.
    port: u16,
    place: Place,
    socket: UdpSocket,
    target: SocketAddr,
    /// Where neighbours with another mask hear it as well.
    to_all: Option<SocketAddr>,
    sent: u64,
    /// The last beacon could not be sent.
    pub(crate) mute: bool,
}

impl Announcer {
    /// Announces the mailbox at `port`, to those who hear it at a place. Sends from the address of
    /// the place, since peers take the sender's address for that of the mailbox.
    pub(crate) fn new(
        id: PeerId,
        place: &Place,
        audience: Audience,
        beacon_port: u16,
        port: u16,
    ) -> io::Result<Self> {
        let socket = UdpSocket::bind(place.socket_address(0))?;
        socket.set_nonblocking(true)?;
        // Two interfaces may have one subnet, and the routes know only one of them. Where it is
        // forbidden they are mostly right.
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        let _ = socket2::SockRef::from(&socket).bind_device(Some(place.interface.as_bytes()));
        let (target, to_all) = match audience {
            Audience::Subnet(broadcast) => {
                socket.set_broadcast(true)?;
                let to_all = (Ipv4Addr::BROADCAST, beacon_port).into();
                let stays_here = place.address.is_loopback();
                ((broadcast, beacon_port).into(), (!stays_here).then_some(to_all))
            }
            Audience::Link => {
                socket2::SockRef::from(&socket).set_multicast_if_v6(place.index)?;
                let group = SocketAddrV6::new(ALL_ON_THE_LINK, beacon_port, 0, place.index);
                (group.into(), None)
            }
        };
        let place = place.clone();
        Ok(Self { id, port, place, socket, target, to_all, sent: 0, mute: false })
    }

    /// Where it announces.
    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    /// Sends one beacon.
    pub(crate) fn announce(&mut self) -> io::Result<()> {
        self.send(self.port)
    }

    /// Sends one beacon, and one more to a newcomer alone, which Wi-Fi loses less often than what
    /// goes to all.
    pub(crate) fn answer(&mut self, newcomer: Ipv6Addr) {
        let to = SocketAddrV6::new(newcomer, self.target.port(), 0, self.place.index);
        let beacon = Beacon { peer: self.id, port: self.port, public_key: None }.encode();
        // The rounds tell of errors.
        let _ = self.announce();
        let _ = self.socket.send_to(&beacon, SocketAddr::from(to));
    }

    /// Sends the goodbye beacon.
    pub(crate) fn goodbye(&mut self) -> io::Result<()> {
        self.send(0)
    }

    fn send(&mut self, port: u16) -> io::Result<()> {
        let beacon = Beacon { peer: self.id, port, public_key: None }.encode();
        let count = self.sent;
        self.sent += 1;
        if let Some(all) = self.to_all
            && (count < FIRST_TO_ALL || count.is_multiple_of(EVERY_TO_ALL) || port == 0)
        {
            // An extra.
            let _ = self.socket.send_to(&beacon, all);
        }
        self.socket.send_to(&beacon, self.target).map(drop)
    }
}
