//! Connections made by hand: a bare one, one that has shaken hands, and a peer that is none.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use zyre::PeerId;

use super::target::Target;
use super::wire::{self, COMMAND, Hello, LONG, MORE};

/// How long the target may take for anything that an attack has to wait for.
const PATIENCE: Duration = Duration::from_secs(2);

/// No frame that is read here is larger: the target, too, may be hostile.
const LARGEST: u64 = 128 << 20;

/// A connection to a mailbox.
#[derive(Debug)]
pub(super) struct Dealer {
    pub(super) stream: TcpStream,
}

impl Dealer {
    /// Connects and says nothing.
    pub(super) async fn open(to: SocketAddr, from: Ipv4Addr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if from != Ipv4Addr::LOCALHOST {
            socket.bind((from, 0).into())?;
        }
        Ok(Self { stream: soon(socket.connect(to)).await? })
    }

    /// Connects and finishes the handshake.
    pub(super) async fn greet(
        to: SocketAddr,
        from: Ipv4Addr,
        routing_id: &[u8],
    ) -> io::Result<Self> {
        let mut dealer = Self::open(to, from).await?;
        let hello = [wire::greeting(routing_id.len()), wire::ready("DEALER", routing_id)].concat();
        soon(dealer.stream.write_all(&hello)).await?;
        soon(shake(&mut dealer.stream)).await?;
        Ok(dealer)
    }

    /// As a stranger.
    pub(super) async fn stranger(target: &Target) -> io::Result<Self> {
        Self::greet(target.mailbox, target.here, &target.stranger().routing_id()).await
    }

    /// Writes. False: nobody reads any more.
    pub(super) async fn write(&mut self, octets: &[u8]) -> bool {
        soon(self.stream.write_all(octets)).await.is_ok()
    }

    pub(super) async fn send(&mut self, frames: &[&[u8]]) -> bool {
        self.write(&wire::message(frames)).await
    }

    /// Waits until the other end has taken the connection, and shows it by the first octet of its
    /// greeting; not for long, for it may not. Who does not wait fills the queue of the kernel, and
    /// most of what comes then does not get as far as to the target.
    pub(super) async fn taken(mut self) -> Self {
        const PATIENCE: Duration = Duration::from_millis(100);
        let _ = timeout(PATIENCE, self.stream.read_u8()).await;
        self
    }

    /// Whether the other end closes the connection within this time.
    pub(super) async fn closed(&mut self, within: Duration) -> bool {
        let mut octets = [0; 256];
        let reading = async { while matches!(self.stream.read(&mut octets).await, Ok(1..)) {} };
        timeout(within, reading).await.is_ok()
    }

    /// Will be closed by a reset: the address and port can be used again at once.
    pub(super) fn abrupt(self) -> Self {
        // Where it cannot be set, it is closed in the usual way.
        let _ = self.stream.set_zero_linger();
        self
    }
}

/// Reads the other's greeting and READY.
async fn shake(stream: &mut TcpStream) -> io::Result<()> {
    let mut greeting = [0; 64];
    stream.read_exact(&mut greeting).await?;
    let (flags, _) = read_frame(stream).await?;
    if flags & COMMAND == 0 { Err(io::ErrorKind::InvalidData.into()) } else { Ok(()) }
}

async fn read_frame(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let flags = stream.read_u8().await?;
    let length = match flags & LONG {
        0 => u64::from(stream.read_u8().await?),
        _ => stream.read_u64().await?,
    };
    if length > LARGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = Vec::new();
    stream.take(length).read_to_end(&mut body).await?;
    Ok((flags, body))
}

/// The next message, all frames of it.
async fn read_message(stream: &mut TcpStream) -> io::Result<Vec<Vec<u8>>> {
    let mut frames = Vec::new();
    loop {
        let (flags, body) = read_frame(stream).await?;
        frames.push(body);
        if flags & MORE == 0 {
            return Ok(frames);
        }
    }
}

/// A mailbox made by hand.
pub(super) struct Mailbox {
    listener: TcpListener,
    pub(super) address: SocketAddr,
}

impl Mailbox {
    pub(super) async fn open(here: Ipv4Addr) -> io::Result<Self> {
        let listener = TcpListener::bind((here, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The next connection, from whom it may be.
    pub(super) async fn accept(&self) -> io::Result<TcpStream> {
        Ok(soon(self.listener.accept()).await?.0)
    }

    /// The next connection, past its handshake.
    pub(super) async fn greet(&self) -> io::Result<TcpStream> {
        let mut stream = self.accept().await?;
        let hello = [wire::greeting(0), wire::ready("ROUTER", b"")].concat();
        soon(stream.write_all(&hello)).await?;
        soon(shake(&mut stream)).await?;
        Ok(stream)
    }
}

/// A peer made by hand: it has said HELLO, and has been greeted.
pub(super) struct Ghost {
    /// Its connection to the target.
    pub(super) dealer: Dealer,
    /// Where it says that it is.
    pub(super) endpoint: String,
    /// The target's connection to it.
    mailbox: Option<TcpStream>,
    pub(super) sequence: u16,
    /// Reads what the target sends, if asked to; ends with the ghost.
    reading: JoinSet<()>,
}

impl Ghost {
    /// Meets the target under a new id.
    pub(super) async fn meet(target: &Target) -> Result<Self, String> {
        Self::meet_as(target, target.stranger(), |_| {}).await
    }

    /// Meets the target with a HELLO that is bent a little, though not so that it may not answer.
    pub(super) async fn meet_as(
        target: &Target,
        id: PeerId,
        bend: impl FnOnce(&mut Hello) + Send,
    ) -> Result<Self, String> {
        let failed = |error: io::Error| format!("the target does not meet a new peer: {error}");
        let mailbox = Mailbox::open(target.here).await.map_err(failed)?;
        let dealer = Dealer::greet(target.mailbox, target.here, &id.routing_id()).await;
        let mut dealer = dealer.map_err(failed)?;
        let endpoint = format!("tcp://{}", mailbox.address);
        let mut hello = Hello::new(&endpoint);
        bend(&mut hello);
        dealer.send(&[&hello.encode()]).await;
        let stream = mailbox.greet().await.map_err(failed)?;
        let (mailbox, reading) = (Some(stream), JoinSet::new());
        Ok(Self { dealer, endpoint, mailbox, sequence: 1, reading })
    }

    /// Meets the target under a new id, and waits until both directions work.
    pub(super) async fn settled(target: &Target) -> Result<Self, String> {
        let mut ghost = Self::meet(target).await?;
        if ghost.is_heard().await {
            return Ok(ghost);
        }
        Err("the target does not answer a new peer".into())
    }

    /// The next message from the target.
    pub(super) async fn read(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let mailbox = self.mailbox.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        soon(read_message(mailbox)).await
    }

    /// Takes what the target sends from now on, and forgets it.
    pub(super) fn drain(&mut self) {
        if let Some(mut mailbox) = self.mailbox.take() {
            self.reading.spawn(async move {
                let mut octets = vec![0; 64 * 1024];
                while matches!(mailbox.read(&mut octets).await, Ok(1..)) {}
            });
        }
    }

    /// The header of the next message in the sequence.
    pub(super) fn header(&mut self, id: u8, fields: &[u8]) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        wire::header(id, self.sequence, fields)
    }

    /// Sends a message in its place in the sequence. False: nobody reads any more.
    pub(super) async fn send(&mut self, id: u8, fields: &[u8], content: &[&[u8]]) -> bool {
        let header = self.header(id, fields);
        let frames: Vec<&[u8]> = [&[&header[..]], content].concat();
        self.dealer.send(&frames).await
    }

    /// Whether the target still takes it for a peer: it answers a PING.
    pub(super) async fn is_heard(&mut self) -> bool {
        if !self.send(wire::PING, &[], &[]).await {
            return false;
        }
        let answered = async {
            while let Ok(frames) = self.read().await {
                let id = frames.first().and_then(|header| header.get(2));
                if id == Some(&wire::PING_OK) {
                    return true;
                }
            }
            false
        };
        timeout(PATIENCE, answered).await.unwrap_or(false)
    }
}

/// What should not take long, and is given up if it does.
async fn soon<T>(what: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, what).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
