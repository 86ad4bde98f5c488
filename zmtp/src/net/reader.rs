//! The receiving half of an established connection.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::BytesMut;
use tokio::{io::AsyncReadExt, net::tcp::OwnedReadHalf, sync::OwnedSemaphorePermit};

use super::{Error, Outbox};
use crate::{Connection, Event, Limits, Message};

/// Octets that the first read after a pause has room for.
const FIRST: usize = 8 << 10;

/// Octets that a read of a busy connection has room for; more for a large frame.
const BUSY: usize = 128 << 10;

/// A connection that was busy is quiet when nothing has come for so long.
const PAUSE: Duration = Duration::from_millis(10);

/// Buffers of a busy connection that wait for those who still use what was received in them.
const SPARES: usize = 4;

/// A buffer that has to be larger grows instead of being changed for another.
const CHANGED: usize = 2 * BUSY;

/// The receiving half of an established connection.
///
/// The loop of every user: all that [`next`](Self::next) has, then [`fill`](Self::fill), and again.
/// Messages may have come with the handshake, so begin with `next`. Dropping it closes the
/// receiving half, and gives back the slot of the [`Listener`](super::Listener) that it came from.
///
/// A connection that is quiet holds no buffer; one that is busy holds one that has at most twice
/// what was received and 128 KiB, and up to four others that the receiver of its messages still uses.
#[derive(Debug)]
pub struct Reader {
    stream: OwnedReadHalf,
    connection: Connection,
    outbox: Outbox,
    /// Room for the next read: doubles when a read fills it.
    room: usize,
    /// Large messages refer to the buffer that they came in. It is used again when they are gone,
    /// for fresh memory costs more than what is read into it.
    spares: VecDeque<BytesMut>,
    _slot: Option<OwnedSemaphorePermit>,
}

impl Reader {
    pub(super) fn new(
        stream: OwnedReadHalf,
        connection: Connection,
        outbox: Outbox,
        slot: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self { stream, connection, outbox, room: FIRST, spares: VecDeque::new(), _slot: slot }
    }

    /// Waits until octets come and reads once. False: the remote has closed the connection; the
    /// beginning of a message that it left behind is lost, as on any other end of a link.
    ///
    /// May be dropped at any point and called again.
    ///
    /// # Errors
    /// TCP's. Protocol errors come from [`next`](Self::next).
    pub async fn fill(&mut self) -> Result<bool, Error> {
        if self.room > FIRST {
            let busy = poll_fn(|cx| self.poll_fill(cx));
            if let Ok(more) = tokio::time::timeout(PAUSE, busy).await {
                return Ok(more?);
            }
            self.room = FIRST;
            self.shrink();
        }
        Ok(poll_fn(|cx| self.poll_fill(cx)).await?)
    }

    /// Other limits from here on, for what [`next`](Self::next) has not given yet.
    pub fn set_limits(&mut self, limits: Limits) {
        self.connection.set_limits(limits);
    }

    /// The next message of those received, without subscriptions; `None`: [`fill`](Self::fill) first. Never waits.
    /// Answers PINGs on the way, if the outbox can send.
    ///
    /// # Errors
    /// What the remote did wrong; the same for ever after.
    #[allow(clippy::should_implement_trait, reason = "it is fallible and not the end when None")]
    pub fn next(&mut self) -> Result<Option<Message>, Error> {
        loop {
            match self.connection.poll_event()? {
                Some(Event::Message(message)) => return Ok(Some(message)),
                Some(_) => {}
                None => break,
            }
        }
        self.answer();
        Ok(None)
    }

    /// Like [`next`](Self::next), with the subscriptions that come to a PUB or XPUB.
    ///
    /// # Errors
    /// As `next`.
    pub fn next_event(&mut self) -> Result<Option<Event>, Error> {
        let event = self.connection.poll_event()?;
        if event.is_none() {
            self.answer();
        }
        Ok(event)
    }

    /// Answers PINGs.
    fn answer(&mut self) {
        let mut ponged = false;
        while let Some(frame) = self.connection.poll_transmit() {
            self.outbox.pong(&frame);
            ponged = true;
        }
        if ponged {
            // A ROUTER's outbox may have nobody who runs it. An error is the writer's to report.
            let _ = self.outbox.flush();
        }
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<bool>> {
        // Ask first, so that no room is held while nothing comes.
        match self.stream.as_ref().poll_read_ready(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => {
                self.shrink();
                return Poll::Pending;
            }
        }
        self.reserve();
        let buffer = self.connection.buffer();
        let room = buffer.capacity() - buffer.len();
        // The future has no state of its own: one that is made for each poll reads as well, and
        // unlike `try_read_buf` it knows that after a short read nothing more is there.
        let read = pin!(self.stream.read_buf(buffer)).poll(cx);
        if read.is_pending() {
            self.shrink();
        }
        let n = ready!(read)?;
        if n >= room {
            self.room = (self.room * 2).min(BUSY);
        }
        Poll::Ready(Ok(n > 0))
    }

    /// Room for the next read: for what is missing of a large frame, but never more than has
    /// already come, so that an announced size alone costs nothing.
    fn reserve(&mut self) {
        let wants = self.connection.wants();
        let buffer = self.connection.buffer();
        let room = wants.min(buffer.len()).max(self.room);
        // What is left of the last read may do for the rest of a frame, not for a small remainder.
        if buffer.capacity() - buffer.len() >= room.min(wants.max(room / 2)) {
            return;
        }
        let size = buffer.len() + room;
        if size > CHANGED || room < BUSY {
            buffer.reserve(room);
        } else if !buffer.try_reclaim(room) {
            let free = self.spares.iter_mut().position(|spare| spare.try_reclaim(size));
            let free = free.and_then(|free| self.spares.remove(free));
            let mut next = free.unwrap_or_else(|| BytesMut::with_capacity(CHANGED));
            next.extend_from_slice(buffer);
            let mut old = std::mem::replace(buffer, next);
            old.clear();
            self.spares.truncate(SPARES - 1);
            self.spares.push_front(old);
        }
    }

    /// Gives back what a quiet connection does not need. One that was just busy may be so again.
    fn shrink(&mut self) {
        if self.room > FIRST {
            return;
        }
        self.spares = VecDeque::new();
        let buffer = self.connection.buffer();
        if buffer.is_empty() {
            *buffer = BytesMut::new();
        } else if buffer.capacity() > FIRST && buffer.capacity() / 4 > buffer.len() {
            *buffer = BytesMut::from(&buffer[..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

    use super::{BUSY, FIRST, Reader};
    use crate::{Config, FrameHeader, SocketType, net};

    /// A bare connection past its handshake, and the reader at its other end.
    async fn bare() -> (TcpStream, Reader) {
        let (any, router) = (([127, 0, 0, 1], 0).into(), Config::new(SocketType::Router));
        let mut listener = net::Listener::bind(any, router, net::ListenerLimits::default()).await;
        let listener = listener.as_mut().unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let dealer = Config::new(SocketType::Dealer);
        let mut connection = crate::Connection::new(&dealer, std::time::Instant::now());
        stream.write_all(&connection.poll_transmit().unwrap()).await.unwrap();
        (stream, listener.accept().await.reader)
    }

    /// Reads until nothing more comes, and says what is held then.
    async fn held(reader: &mut Reader) -> usize {
        while let Ok(more) = timeout(Duration::from_millis(50), reader.fill()).await {
            assert!(more.unwrap());
            while reader.next().unwrap().is_some() {}
        }
        reader.connection.buffer().capacity()
    }

    #[tokio::test]
    async fn a_quiet_connection_holds_no_buffer() {
        let (mut stream, mut reader) = bare().await;
        assert_eq!(held(&mut reader).await, 0, "after the handshake");
        let mut wire = FrameHeader::message(100, false).to_vec();
        wire.resize(wire.len() + 100, 1);
        let _ = tokio::join!(stream.write_all(&wire), held(&mut reader));
        assert_eq!(held(&mut reader).await, 0, "after a message");
        let many = wire.repeat(10_000);
        let _ = tokio::join!(stream.write_all(&many), held(&mut reader));
        assert_eq!(held(&mut reader).await, 0, "after many");
        stream.write_all(&wire[..50]).await.unwrap();
        assert!((50..=FIRST).contains(&held(&mut reader).await), "half a message");
    }

    #[tokio::test]
    async fn announced_octets_are_not_reserved() {
        let (mut stream, mut reader) = bare().await;
        stream.write_all(&FrameHeader::message(64 << 20, false)).await.unwrap();
        assert!(held(&mut reader).await <= FIRST);
        for sent in [1usize << 16, 1 << 18, 1 << 20] {
            let octets = vec![0; sent];
            let _ = tokio::join!(stream.write_all(&octets), held(&mut reader));
            let (has, capacity) =
                (reader.connection.buffer().len(), reader.connection.buffer().capacity());
            assert!(capacity <= 2 * has + BUSY, "{capacity} for {has}");
        }
    }
}
