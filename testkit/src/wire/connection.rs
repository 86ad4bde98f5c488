//! One end of a connection, by hand.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use zre_proto::PeerId;

use crate::wire::{self, COMMAND, LONG, MORE};

/// The largest frame that is read here: the target, too, may be hostile.
const LARGEST: u64 = 128 << 20;

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
    patience: Duration,
}

/// What the other end has said of itself in READY.
#[derive(Clone, Copy, Debug, Default)]
struct Other {
    id: Option<PeerId>,
    two_way: bool,
}

/// A frame: its flags and its body.
type Frame = (u8, Vec<u8>);

impl Connection {
    pub(super) fn new(stream: TcpStream, patience: Duration) -> Self {
        let (received, frames, other) = Default::default();
        Self { stream: Arc::new(stream), received, frames, other, patience }
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
        for (name, value) in wire::properties(&ready) {
            match name {
                b"Identity" => self.other.id = PeerId::from_routing_id(value),
                _ if name == wire::TWO_WAY.as_bytes() => self.other.two_way = value == b"1",
                _ => {}
            }
        }
        Ok(())
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

    /// Writes. Returns `false` if nobody reads any more.
    pub async fn write(&mut self, bytes: &[u8]) -> bool {
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
    /// greeting; not for long, for it may not. Who does not wait fills the queue of the kernel, and
    /// most of what comes then does not get as far as to the target.
    pub async fn taken(mut self) -> Self {
        const PATIENCE: Duration = Duration::from_millis(100);
        let _ = timeout(PATIENCE, self.fill()).await;
        self
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
            if let Some(frame) = take_frame(&mut self.received)? {
                return Ok(frame);
            }
            self.fill().await?;
        }
    }

    /// Reads some more.
    async fn fill(&mut self) -> io::Result<()> {
        let mut bytes = [0; 16 * 1024];
        match read(&self.stream, &mut bytes).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            length => {
                self.received.extend_from_slice(&bytes[..length]);
                Ok(())
            }
        }
    }
}

/// Takes the first frame out of these bytes, if they hold a whole one.
fn take_frame(bytes: &mut Vec<u8>) -> io::Result<Option<Frame>> {
    let Some(&flags) = bytes.first() else { return Ok(None) };
    let (head, length) = match flags & LONG {
        0 => (2, bytes.get(1).map(|length| u64::from(*length))),
        _ => (9, bytes[1..].first_chunk().map(|length| u64::from_be_bytes(*length))),
    };
    let Some(length) = length else { return Ok(None) };
    if length > LARGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let end = head + length as usize;
    if bytes.len() < end {
        return Ok(None);
    }
    let rest = bytes.split_off(end);
    let body = std::mem::replace(bytes, rest).split_off(head);
    Ok(Some((flags, body)))
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

#[cfg(test)]
mod tests {
    use super::{LARGEST, take_frame};
    use crate::wire::{MORE, announcement, frame};

    #[test]
    fn frames_are_taken_when_they_are_whole() {
        let large = vec![7; 300];
        let all = [frame(MORE, b"small"), frame(0, &large), frame(0, b"")].concat();
        let mut bytes = Vec::new();
        let mut taken = Vec::new();
        for byte in all {
            bytes.push(byte);
            taken.extend(take_frame(&mut bytes).unwrap());
        }
        let long = crate::wire::LONG;
        assert_eq!(taken, [(MORE, b"small".to_vec()), (long, large), (0, Vec::new())]);
        assert!(bytes.is_empty());
        take_frame(&mut announcement(0, LARGEST + 1)).unwrap_err();
    }
}
