//! Octets by hand: ZMTP and ZRE as other implementations write them, and as nobody should.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zyre::{Endpoint, PeerId};

use super::soon;

pub const MORE: u8 = 1;
pub const LONG: u8 = 2;
pub const COMMAND: u8 = 4;

pub const WHISPER: u8 = 2;
pub const PING: u8 = 6;
pub const PING_OK: u8 = 7;

/// The greeting of libzmq: 64 octets. The identity's length stands in the part for old versions.
pub fn greeting(identity: usize) -> Vec<u8> {
    let mut out = vec![0xFF];
    out.extend((identity as u64 + 1).to_be_bytes());
    out.extend([0x7F, 3, 1]);
    out.extend(b"NULL");
    out.resize(64, 0);
    out
}

pub fn property(name: &str, value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).unwrap().to_be_bytes();
    [&[u8::try_from(name.len()).unwrap()], name.as_bytes(), &length, value].concat()
}

pub fn ready(socket_type: &str, identity: &[u8]) -> Vec<u8> {
    let socket_type = property("Socket-Type", socket_type.as_bytes());
    command("READY", &[socket_type, property("Identity", identity)].concat())
}

pub fn command(name: &str, data: &[u8]) -> Vec<u8> {
    frame(COMMAND, &[&[u8::try_from(name.len()).unwrap()], name.as_bytes(), data].concat())
}

pub fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(length) => [&[flags, length], body].concat(),
        Err(_) => [&announcement(flags, body.len() as u64)[..], body].concat(),
    }
}

/// The head of a long frame that may never come.
pub fn announcement(flags: u8, length: u64) -> Vec<u8> {
    [&[flags | LONG][..], &length.to_be_bytes()].concat()
}

pub fn message(frames: &[&[u8]]) -> Vec<u8> {
    let last = frames.len() - 1;
    let flags = |i| if i < last { MORE } else { 0 };
    frames.iter().enumerate().flat_map(|(i, body)| frame(flags(i), body)).collect()
}

/// The first frame of a ZRE message.
pub fn header(id: u8, sequence: u16, fields: &[u8]) -> Vec<u8> {
    [&[0xAA, 0xA1, id, 2][..], &sequence.to_be_bytes(), fields].concat()
}

pub fn string(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

pub fn longstr(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat()
}

/// HELLO with a group and a header.
pub fn hello(sequence: u16, endpoint: &str, name: &str) -> Vec<u8> {
    let groups = [&1_u32.to_be_bytes()[..], &longstr("ghosts")].concat();
    let headers = [&1_u32.to_be_bytes()[..], &string("X-GHOST"), &longstr("boo")].concat();
    let fields = [string(endpoint), groups, vec![1], string(name), headers].concat();
    header(1, sequence, &fields)
}

pub fn beacon(version: u8, id: PeerId, port: u16) -> Vec<u8> {
    [&b"ZRE"[..], &[version], id.as_bytes(), &port.to_be_bytes()].concat()
}

/// Sends a datagram to every node on loopback that hears this port.
pub fn broadcast(beacon_port: u16, datagram: &[u8]) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_broadcast(true).unwrap();
    socket.send_to(datagram, (Ipv4Addr::new(127, 255, 255, 255), beacon_port)).unwrap();
}

/// A connection to a node's mailbox.
pub struct Dealer {
    pub stream: TcpStream,
}

impl Dealer {
    /// Connects and says nothing.
    pub async fn silent(to: Endpoint) -> Self {
        Self { stream: soon(TcpStream::connect(to.address())).await.unwrap() }
    }

    /// Connects and finishes the handshake.
    pub async fn connect(to: Endpoint, routing_id: &[u8]) -> Self {
        let mut dealer = Self::silent(to).await;
        dealer.write(&greeting(routing_id.len())).await;
        dealer.write(&ready("DEALER", routing_id)).await;
        let mut greeting = [0; 64];
        soon(dealer.stream.read_exact(&mut greeting)).await.unwrap();
        let (flags, _ready) = read_frame(&mut dealer.stream).await;
        assert_eq!(flags & COMMAND, COMMAND);
        dealer
    }

    /// Writes, whether or not somebody still reads.
    pub async fn write(&mut self, octets: &[u8]) {
        let _ = soon(self.stream.write_all(octets)).await;
    }

    pub async fn send(&mut self, frames: &[&[u8]]) {
        self.write(&message(frames)).await;
    }

    /// Waits until the node closes the connection.
    pub async fn closed(mut self) {
        let mut octets = [0; 256];
        while matches!(soon(self.stream.read(&mut octets)).await, Ok(1..)) {}
    }

    /// Whether the connection is open after all that this time brought.
    pub async fn stays_open(&mut self, time: Duration) -> bool {
        let mut octets = [0; 256];
        let closed = async { while matches!(self.stream.read(&mut octets).await, Ok(1..)) {} };
        tokio::time::timeout(time, closed).await.is_err()
    }
}

async fn read_frame(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let flags = soon(stream.read_u8()).await.unwrap();
    let length = if flags & LONG == 0 {
        u64::from(soon(stream.read_u8()).await.unwrap())
    } else {
        soon(stream.read_u64()).await.unwrap()
    };
    let mut body = vec![0; usize::try_from(length).unwrap()];
    soon(stream.read_exact(&mut body)).await.unwrap();
    (flags, body)
}

/// A peer made by hand: ROUTER and DEALER, no beacon. It says HELLO and nothing else, and reads
/// nothing unless it is told to.
pub struct Ghost {
    pub id: PeerId,
    /// Its connection to the node.
    pub dealer: Dealer,
    /// The node's connection to it.
    mailbox: TcpStream,
    sequence: u16,
}

impl Ghost {
    /// Meets a node.
    pub async fn meet(node: Endpoint, id: PeerId) -> Self {
        let listener = Self::listen().await;
        let here = Endpoint::new(listener.local_addr().unwrap());
        let mut dealer = Dealer::connect(node, &id.routing_id()).await;
        dealer.send(&[&hello(1, &here.to_string(), "ghost")]).await;
        let mailbox = Self::accept(&listener).await;
        Self { id, dealer, mailbox, sequence: 1 }
    }

    /// A mailbox whose kernel takes little.
    pub async fn listen() -> TcpListener {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        socket2::SockRef::from(&listener).set_recv_buffer_size(4096).unwrap();
        listener
    }

    /// The first connection to the mailbox, past its handshake.
    pub async fn accept(listener: &TcpListener) -> TcpStream {
        let (mut mailbox, _) = soon(listener.accept()).await.unwrap();
        mailbox.write_all(&greeting(0)).await.unwrap();
        let mut greeting = [0; 64];
        soon(mailbox.read_exact(&mut greeting)).await.unwrap();
        mailbox.write_all(&ready("ROUTER", b"")).await.unwrap();
        let (flags, _ready) = read_frame(&mut mailbox).await;
        assert_eq!(flags & COMMAND, COMMAND);
        mailbox
    }

    /// The next message that the node has sent to it.
    pub async fn read(&mut self) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        loop {
            let (flags, body) = read_frame(&mut self.mailbox).await;
            frames.push(body);
            if flags & MORE == 0 {
                return frames;
            }
        }
    }

    /// Sends a message in its place in the sequence.
    pub async fn send(&mut self, id: u8, fields: &[u8], content: &[&[u8]]) {
        self.sequence += 1;
        let header = header(id, self.sequence, fields);
        let frames: Vec<&[u8]> =
            std::iter::once(&header[..]).chain(content.iter().copied()).collect();
        self.dealer.send(&frames).await;
    }
}
