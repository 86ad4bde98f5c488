//! One end of a connection, by hand.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use zre_proto::PeerId;

use super::frames::{Frame, take_frame};
use super::sealing::Sealing;
use crate::curve::{self, Client, Server};
use crate::wire::{self, COMMAND, MORE};

/// The bytes of a greeting.
const GREETING: usize = 64;

/// One end of a connection to a node.
#[derive(Debug)]
pub struct Connection {
    stream: Arc<TcpStream>,
    /// What was read, and is not yet a whole frame.
    received: Vec<u8>,
    /// The frames of a message of which more is to come.
    frames: Vec<Vec<u8>>,
    other: Other,
    /// What seals all that is sent, and opens what comes, if the connection is secured.
    sealing: Option<Sealing>,
    patience: Duration,
}

/// What the other end has said of itself in READY.
#[derive(Clone, Copy, Debug, Default)]
struct Other {
    id: Option<PeerId>,
    two_way: bool,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, patience: Duration) -> Self {
        let (received, frames, other, sealing) = Default::default();
        Self { stream: Arc::new(stream), received, frames, other, sealing, patience }
    }

    /// Says this greeting and READY, and waits for those of the other end.
    ///
    /// # Errors
    /// If they do not come in time.
    pub(super) async fn shake(&mut self, handshake: &[u8]) -> io::Result<()> {
        let (stream, patience) = (Arc::clone(&self.stream), self.patience);
        soon(patience, write_all(&stream, handshake)).await?;
        let (flags, ready) = soon(patience, async {
            while self.received.len() < GREETING {
                self.fill().await?;
            }
            self.received.drain(..GREETING);
            self.frame().await
        })
        .await?;
        if flags & COMMAND == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.introduce(&ready);
        Ok(())
    }

    /// Notes what the other end says of itself in the body of READY.
    fn introduce(&mut self, ready: &[u8]) {
        for (name, value) in wire::properties(ready) {
            match name {
                b"Identity" => self.other.id = PeerId::from_routing_id(value),
                _ if name == wire::TWO_WAY.as_bytes() => self.other.two_way = value == b"1",
                _ => {}
            }
        }
    }

    /// Finishes a handshake of CURVE as the client. From now on frames are sealed and opened.
    ///
    /// # Errors
    /// As [`initiate`](Self::initiate).
    pub(super) async fn shake_as_client(
        &mut self,
        mut client: Client,
        metadata: Vec<u8>,
    ) -> io::Result<()> {
        self.say_hello(&mut client).await?;
        let told = self.initiate(&client, metadata).await?;
        self.introduce(&[b"\x05READY", &told[..]].concat());
        self.sealing = Some(Sealing::new(client.traffic()));
        Ok(())
    }

    /// Finishes a handshake of CURVE as the server. From now on frames are sealed and opened.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
    pub(super) async fn shake_as_server(
        &mut self,
        mut server: Server,
        metadata: &[u8],
    ) -> io::Result<()> {
        let told = self.serve(&mut server, metadata).await?;
        self.introduce(&[b"\x05READY", &told[..]].concat());
        self.sealing = Some(Sealing::new(server.traffic()));
        Ok(())
    }

    /// Begins a handshake of CURVE as the client: goes as far as WELCOME.
    ///
    /// # Errors
    /// If that does not come in time.
    pub async fn say_hello(&mut self, client: &mut Client) -> io::Result<()> {
        let hello = wire::frame(COMMAND, &client.hello(1));
        self.write(&[curve::greeting("CURVE", 0, 1), hello].concat()).await;
        self.read_greeting().await?;
        let (_, body) = self.read_frame().await?;
        if !body.starts_with(b"\x07WELCOME") {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        client.take_welcome(&body);
        Ok(())
    }

    /// Ends a handshake of CURVE as the client. Returns the metadata of the other end.
    ///
    /// # Errors
    /// `PermissionDenied`: the node says that it has nothing to do with this one. Others: it does not
    /// finish in time.
    pub async fn initiate(&mut self, client: &Client, metadata: Vec<u8>) -> io::Result<Vec<u8>> {
        let initiate = client.seal_initiate(&client.initiate(metadata));
        self.write(&wire::frame(COMMAND, &initiate)).await;
        let (_, body) = self.read_frame().await?;
        if body.starts_with(b"\x05ERROR") {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(client.open_ready(&body))
    }

    /// Goes through a handshake of CURVE as the server. Returns the metadata of the other end.
    ///
    /// # Errors
    /// If it does not finish in time.
    pub async fn serve(&mut self, server: &mut Server, metadata: &[u8]) -> io::Result<Vec<u8>> {
        self.write(&curve::greeting("CURVE", 0, 1)).await;
        self.read_greeting().await?;
        let (_, hello) = self.read_frame().await?;
        if hello.len() != 200 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        server.take_hello(&hello);
        self.write(&wire::frame(COMMAND, &server.welcome())).await;
        let (_, initiate) = self.read_frame().await?;
        let (_, told) = server.take_initiate(&initiate);
        self.write(&wire::frame(COMMAND, &server.ready(1, metadata))).await;
        Ok(told)
    }

    /// Reads the greeting of the other end.
    ///
    /// # Errors
    /// If it does not come in time.
    pub async fn read_greeting(&mut self) -> io::Result<Vec<u8>> {
        soon(self.patience, async {
            while self.received.len() < GREETING {
                self.fill().await?;
            }
            Ok(self.received.drain(..GREETING).collect())
        })
        .await
    }

    /// Reads the next frame, whatever it is: its flags and its body.
    ///
    /// # Errors
    /// If none comes in time.
    pub async fn read_frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        soon(self.patience, self.frame()).await
    }

    /// Reads until the other end closes the connection, or this time is over. Returns what has come.
    pub async fn read_rest(&mut self, within: Duration) -> Vec<u8> {
        let reading = async { while self.fill().await.is_ok() {} };
        // What has come is there also if more would.
        let _ = timeout(within, reading).await;
        std::mem::take(&mut self.received)
    }

    /// Returns whether the other end takes both directions on one connection.
    pub const fn is_two_way(&self) -> bool {
        self.other.id.is_some() && self.other.two_way
    }

    /// Returns who the other end says that it is.
    pub const fn other(&self) -> Option<PeerId> {
        self.other.id
    }

    /// Writes: on a secured connection whole frames sealed, and what is none as it is. Returns `false`
    /// if nobody reads any more.
    pub async fn write(&mut self, bytes: &[u8]) -> bool {
        let sealed = self.sealing.as_mut().map(|sealing| sealing.seal(bytes));
        let bytes = sealed.as_deref().unwrap_or(bytes);
        soon(self.patience, write_all(&self.stream, bytes)).await.is_ok()
    }

    /// Sends a message. Returns `false` if nobody reads any more.
    pub async fn send(&mut self, frames: &[&[u8]]) -> bool {
        self.write(&wire::message(frames)).await
    }

    /// Reads the next message, all frames of it.
    ///
    /// # Errors
    /// If none comes in time.
    pub async fn read(&mut self) -> io::Result<Vec<Vec<u8>>> {
        self.read_within(self.patience).await
    }

    /// Reads the next message if it comes within this time. What has come of it so far is kept.
    ///
    /// # Errors
    /// If none comes.
    pub async fn read_within(&mut self, time: Duration) -> io::Result<Vec<Vec<u8>>> {
        soon(time, async {
            loop {
                let (flags, body) = self.frame().await?;
                if flags & COMMAND != 0 {
                    continue;
                }
                self.frames.push(body);
                if flags & MORE == 0 {
                    return Ok(std::mem::take(&mut self.frames));
                }
            }
        })
        .await
    }

    /// Waits until the other end has taken the connection, and shows it by the first byte of its
    /// greeting; not for long, for it may not. A caller that does not wait fills the queue of the kernel, and
    /// most of what comes then does not get as far as to the target.
    pub async fn taken(mut self) -> Self {
        const PATIENCE: Duration = Duration::from_millis(100);
        let _ = timeout(PATIENCE, self.fill()).await;
        self
    }

    /// Returns whether the other end has not closed the connection yet, as far as is known, and has said
    /// something or nothing.
    pub(super) fn lives(&mut self) -> bool {
        let mut bytes = [0; 16 * 1024];
        loop {
            match self.stream.try_read(&mut bytes) {
                Ok(0) => return false,
                Ok(length) => self.received.extend_from_slice(&bytes[..length]),
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
    }

    /// Returns whether the other end closes the connection within this time. Whatever it says
    /// before is dropped.
    pub async fn closed(&mut self, within: Duration) -> bool {
        self.received = Vec::new();
        timeout(within, drain(&self.stream)).await.is_ok()
    }

    /// Takes what the other end sends from now on until its end, and forgets it.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + use<> {
        let stream = Arc::clone(&self.stream);
        async move { drain(&stream).await }
    }

    /// Has the connection end by a reset: the address and port can be used again at once.
    pub fn abrupt(self) -> Self {
        // Where it cannot be set, it is closed in the usual way.
        let _ = self.stream.set_zero_linger();
        self
    }

    async fn frame(&mut self) -> io::Result<Frame> {
        loop {
            if let Some((flags, body)) = take_frame(&mut self.received)? {
                return Ok(match &self.sealing {
                    Some(sealing) => sealing.open(flags, body),
                    None => (flags, body),
                });
            }
            self.fill().await?;
        }
    }

    /// Reads some more.
    async fn fill(&mut self) -> io::Result<()> {
        // Not in the future, which is part of many.
        let mut bytes = vec![0; 16 * 1024];
        match read(&self.stream, &mut bytes).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            length => {
                self.received.extend_from_slice(&bytes[..length]);
                Ok(())
            }
        }
    }
}

async fn read(stream: &TcpStream, bytes: &mut [u8]) -> io::Result<usize> {
    loop {
        stream.readable().await?;
        match stream.try_read(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
    }
}

async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn drain(stream: &TcpStream) {
    let mut bytes = vec![0; 64 * 1024];
    while matches!(read(stream, &mut bytes).await, Ok(1..)) {}
}

/// What should not take long, and is given up if it does.
pub(super) async fn soon<T>(
    patience: Duration,
    what: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    timeout(patience, what).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
