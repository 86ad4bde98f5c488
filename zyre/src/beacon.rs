//! The beacon on real sockets: those that hear, and those that announce.

mod datagram;
mod ear;
mod heard;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};

use zre_proto::{Beacon, PeerId, PublicKey};

use self::ear::Ear;
pub(crate) use self::heard::Heard;
use crate::interface::{Audience, Place};

/// All on a link that speak IPv6.
const ALL_ON_THE_LINK: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// The broadcast to a subnet does not reach neighbours with another mask. So the first beacons,
/// and then every tenth, go to all hosts of the link as well.
const FIRST_TO_ALL: u64 = 3;
const EVERY_TO_ALL: u64 = 10;

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
        let socket = ear.socket();
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

/// Announces one node at one of its places.
pub(crate) struct Announcer {
    id: PeerId,
    /// Of the mailbox.
    port: u16,
    /// Of a secure node.
    public_key: Option<PublicKey>,
    place: Place,
    socket: UdpSocket,
    target: SocketAddr,
    /// Where neighbours with another mask hear it as well.
    to_all: Option<SocketAddr>,
    sent: u64,
    /// Why the last beacon could not be sent.
    pub(crate) unsent: Option<String>,
}

impl Announcer {
    /// Announces the mailbox at `port` to every node that hears a place. Sends from the address of
    /// the place, since peers take the sender's address for that of the mailbox.
    pub(crate) fn new(
        id: PeerId,
        place: &Place,
        audience: Audience,
        beacon_port: u16,
        port: u16,
        public_key: Option<PublicKey>,
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
        Ok(Self { id, port, public_key, place, socket, target, to_all, sent: 0, unsent: None })
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
        let beacon = self.beacon(self.port);
        // The rounds tell of errors.
        let _ = self.announce();
        let _ = self.socket.send_to(&beacon, SocketAddr::from(to));
    }

    /// Sends the goodbye beacon.
    pub(crate) fn goodbye(&mut self) -> io::Result<()> {
        self.send(0)
    }

    fn beacon(&self, port: u16) -> Vec<u8> {
        Beacon { peer: self.id, port, public_key: self.public_key }.encode()
    }

    fn send(&mut self, port: u16) -> io::Result<()> {
        let beacon = self.beacon(port);
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
