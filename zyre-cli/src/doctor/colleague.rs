//! Another doctor on the network: the two tell each other what they hear and reach, by UDP, so that it is
//! known which direction fails also where no node meets another.
//!
//! Both have the same port, and send from it: a firewall that lets in only answers takes what comes for
//! one, when both know where the other is. What a doctor says is for everybody, and is true as long as
//! nobody on the network lies.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::{Value, json};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use zyre::{Interface, PeerId};

/// UDP port of doctors. IANA has it reserved, and mailboxes begin with the next one.
pub(super) const PORT: u16 = 49151;

/// The longest datagram that is sent, and the longest that is read.
const MAX_BYTES: usize = 1400;

/// Of networks, nodes and endpoints no more than these are told.
const MAX_LIST: usize = 8;

/// The version of what doctors say.
const VERSION: u64 = 1;

/// What a doctor says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The id of its node.
    pub(super) id: PeerId,
    /// The port of its beacons.
    pub(super) beacon_port: u16,
    pub(super) is_secure: bool,
    /// The TCP port of its mailbox.
    pub(super) mailbox_port: u16,
    /// The addresses at which it lives, with how many bits their subnets share.
    pub(super) networks: Vec<(IpAddr, u8)>,
    /// Whether it hears its own beacons.
    pub(super) hears_itself: bool,
    /// The nodes whose beacons it hears.
    pub(super) hears: Vec<PeerId>,
    /// What became of its connections, by where they lead.
    pub(super) reaches: BTreeMap<SocketAddr, String>,
}

impl Word {
    /// Returns the datagram.
    pub(super) fn encode(&self) -> Vec<u8> {
        let networks = self.networks.iter().take(MAX_LIST);
        let networks: Vec<String> = networks.map(|(ip, bits)| format!("{ip}/{bits}")).collect();
        let hears: Vec<String> = self.hears.iter().take(MAX_LIST).map(PeerId::to_string).collect();
        let reaches = self.reaches.iter().take(MAX_LIST);
        let reaches: BTreeMap<String, &String> =
            reaches.map(|(at, reach)| (at.to_string(), reach)).collect();
        let word = json!({
            "zyre-doctor": VERSION, "id": self.id.to_string(), "port": self.beacon_port,
            "secure": self.is_secure, "mailbox": self.mailbox_port, "networks": networks,
            "hears-itself": self.hears_itself, "hears": hears, "reaches": reaches,
        });
        word.to_string().into_bytes()
    }

    /// Reads a datagram; `None` if no doctor has sent it.
    pub(super) fn decode(datagram: &[u8]) -> Option<Self> {
        let word: Value = serde_json::from_slice(datagram).ok()?;
        if word["zyre-doctor"].as_u64()? != VERSION {
            return None;
        }
        let port = |name: &str| u16::try_from(word[name].as_u64()?).ok();
        let texts = |name: &str| {
            let list = word[name].as_array().map(Vec::as_slice).unwrap_or_default();
            list.iter().filter_map(Value::as_str).take(MAX_LIST)
        };
        let network = |text: &str| {
            let (ip, bits) = text.split_once('/')?;
            Some((ip.parse().ok()?, bits.parse().ok()?))
        };
        let reaches = word["reaches"].as_object()?.iter().take(MAX_LIST);
        let reach =
            |(at, reach): (&String, &Value)| Some((at.parse().ok()?, reach.as_str()?.to_owned()));
        Some(Self {
            id: word["id"].as_str()?.parse().ok()?,
            beacon_port: port("port")?,
            is_secure: word["secure"].as_bool()?,
            mailbox_port: port("mailbox")?,
            networks: texts("networks").filter_map(network).collect(),
            hears_itself: word["hears-itself"].as_bool()?,
            hears: texts("hears").filter_map(|id| id.parse().ok()).collect(),
            reaches: reaches.filter_map(reach).collect(),
        })
    }
}

/// The sockets by which doctors speak.
pub(super) struct Post {
    v4: UdpSocket,
    v6: Option<UdpSocket>,
    /// For each network of IPv4: from where, and to where it is for all.
    to_all: Vec<(UdpSocket, Vec<Ipv4Addr>)>,
}

impl Post {
    /// Opens the port.
    ///
    /// # Errors
    /// For instance if another doctor has it on this machine.
    pub(super) fn open(interfaces: &[Interface]) -> io::Result<Self> {
        let v4 = open((Ipv4Addr::UNSPECIFIED, PORT).into(), None)?;
        let v6 = open((Ipv6Addr::UNSPECIFIED, PORT).into(), None).ok();
        let mut to_all = Vec::new();
        for interface in interfaces.iter().filter(|it| it.is_used()) {
            let mut targets = interface.broadcasts.clone();
            if !interface.is_loopback() {
                targets.push(Ipv4Addr::BROADCAST);
            }
            let from = interface.used.iter().find(|address| address.is_ipv4());
            let socket = from.map(|from| open((*from, 0).into(), Some(&interface.name)));
            if let Some(Ok(socket)) = socket {
                to_all.push((socket, targets));
            }
        }
        Ok(Self { v4, v6, to_all })
    }

    /// Tells all on the networks of this machine, and those that are named. What cannot be sent is not.
    pub(super) async fn send(&self, word: &[u8], to: impl Iterator<Item = SocketAddr>) {
        for (socket, targets) in &self.to_all {
            for target in targets {
                let _ = socket.send_to(word, (*target, PORT)).await;
            }
        }
        for mut to in to {
            to.set_port(PORT);
            let socket = if to.is_ipv4() { Some(&self.v4) } else { self.v6.as_ref() };
            if let Some(socket) = socket {
                let _ = socket.send_to(word, to).await;
            }
        }
    }

    /// Waits for the next word of a doctor. Safe to cancel.
    pub(super) async fn next(&self) -> (Word, SocketAddr) {
        let [mut one, mut other] = [[0; MAX_BYTES]; 2];
        loop {
            let v6 = async {
                match &self.v6 {
                    Some(socket) => socket.recv_from(&mut other).await,
                    None => std::future::pending().await,
                }
            };
            let word = tokio::select! {
                received = self.v4.recv_from(&mut one) => {
                    received.ok().and_then(|(count, from)| Some((Word::decode(&one[..count])?, from)))
                }
                received = v6 => {
                    received.ok().and_then(|(count, from)| Some((Word::decode(&other[..count])?, from)))
                }
            };
            if let Some(word) = word {
                return word;
            }
        }
    }
}

/// Opens a socket that may send to all, by this interface if one is named.
fn open(address: SocketAddr, device: Option<&str>) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    } else {
        socket.set_broadcast(true)?;
    }
    socket.set_nonblocking(true)?;
    // Two interfaces may have one subnet. Where it is forbidden the routes are mostly right.
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let _ = device.map(|device| socket.bind_device(Some(device.as_bytes())));
    #[cfg(not(any(target_os = "android", target_os = "fuchsia", target_os = "linux")))]
    let _ = device;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word() -> Word {
        Word {
            id: PeerId::new([7; 16]),
            beacon_port: 5670,
            is_secure: false,
            mailbox_port: 49152,
            networks: vec![([10, 0, 0, 1].into(), 24), ("fe80::7".parse().unwrap(), 64)],
            hears_itself: true,
            hears: vec![PeerId::new([8; 16])],
            reaches: [("10.0.0.2:49152".parse().unwrap(), "no answer".to_owned())].into(),
        }
    }

    #[test]
    fn what_is_said_is_heard() {
        assert_eq!(Word::decode(&word().encode()), Some(word()));
        let many = Word {
            networks: vec![("2001:db8:1111:2222:3333:4444:5555:6666".parse().unwrap(), 64); 99],
            hears: vec![PeerId::new([8; 16]); 99],
            reaches: (0..99)
                .map(|port| {
                    let at = format!("[2001:db8:1111:2222:3333:4444:5555:6666]:{port}");
                    (at.parse().unwrap(), "host unreachable".to_owned())
                })
                .collect(),
            ..word()
        };
        assert!(many.encode().len() <= MAX_BYTES, "{}", many.encode().len());
    }

    #[test]
    fn what_is_no_word_is_none() {
        for wrong in ["", "ZRE", "[]", "null", "{}", r#"{"zyre-doctor":2}"#, r#"{"zyre-doctor":1}"#]
        {
            assert_eq!(Word::decode(wrong.as_bytes()), None, "{wrong}");
        }
        let encoded = String::from_utf8(word().encode()).unwrap();
        let odd = encoded.replace("49152,", "70000,");
        assert_eq!(Word::decode(odd.as_bytes()), None);
        let odd = encoded.replace("10.0.0.1/24", "10.0.0.1").replace("\"10.0.0.2:49152\"", "\"x\"");
        let read = Word::decode(odd.as_bytes()).unwrap();
        assert_eq!((read.networks.len(), read.reaches.len()), (1, 0));
    }
}
