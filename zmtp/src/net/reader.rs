//! The receiving half of an established connection.

use std::future::{Future, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, Interest, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::buffer_pool::{BufferPool, QUIET_READ};
use super::error::Error;
use super::send_queue::SendQueue;
use crate::{Connection, Event, Limits, Message, Output, Pair};

/// A connection that was busy is quiet when nothing has arrived for this time.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// How often a system is asked whether the remote has closed that does not tell by itself.
#[cfg(not(any(target_os = "android", target_os = "linux")))]
const CLOSED_INTERVAL: Duration = Duration::from_millis(250);

/// Bytes that a read has room for whose bytes are dropped, on the stack.
const DROPPED_READ: usize = 16 << 10;

/// The receiving half of an established connection.
///
/// Its user calls [`next`](Self::next) until it returns `None`, then [`fill`](Self::fill), and so
/// on. Messages may have arrived with the handshake, so begin with `next`. Dropping the reader
/// closes the receiving half, and gives back the slot of the [`Listener`](super::Listener) that it
/// came from.
///
/// A connection that is quiet holds no buffer. A busy one holds a buffer of at most twice what was
/// received and 128 KiB, and up to four others that its messages still refer to.
#[derive(Debug)]
pub struct Reader {
    stream: OwnedReadHalf,
    connection: Connection,
    queue: SendQueue,
    pool: BufferPool,
    /// Bytes received so far, for the queue to tell.
    received: u64,
    /// PONGs were queued and not flushed.
    answered: bool,
    _slot: Option<OwnedSemaphorePermit>,
}

impl Reader {
    #[cfg(test)]
    pub(super) fn stream(&self) -> &tokio::net::TcpStream {
        self.stream.as_ref()
    }

    pub(super) fn new(
        stream: OwnedReadHalf,
        connection: Connection,
        queue: SendQueue,
        slot: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let pool = BufferPool::new();
        Self { stream, connection, queue, pool, received: 0, answered: false, _slot: slot }
    }

    /// Waits for bytes, and reads once. Returns `false` if the remote has closed the connection;
    /// the beginning of a message that it left behind is lost.
    ///
    /// May be dropped at any point and called again.
    ///
    /// # Errors
    /// TCP's. Protocol errors come from [`next`](Self::next).
    pub async fn fill(&mut self) -> Result<bool, Error> {
        if self.pool.is_busy() {
            let busy = poll_fn(|cx| self.poll_fill(cx));
            if let Ok(more) = timeout(BUSY_PAUSE, busy).await {
                return Ok(more?);
            }
            self.pool.calm(self.connection.receive_buffer());
        }
        Ok(poll_fn(|cx| self.poll_fill(cx)).await?)
    }

    /// Replaces the limits for messages not yet returned by [`next`](Self::next).
    pub fn set_limits(&mut self, limits: Limits) {
        self.connection.set_limits(limits);
    }

    /// Returns the next message of those received, or `None` if [`fill`](Self::fill) comes first.
    /// Never waits. Subscriptions are left out.
    ///
    /// Answers PINGs on the way, if the queue can send.
    ///
    /// # Errors
    /// What the remote did wrong; the same error from then on.
    #[allow(clippy::should_implement_trait, reason = "it is fallible, and None is not the end")]
    pub fn next(&mut self) -> Result<Option<Message>, Error> {
        loop {
            match self.connection.poll_output()? {
                Some(Output::Event(Event::Message(message))) => return Ok(Some(message)),
                Some(Output::Event(_)) => {}
                Some(Output::Frame(pong)) => self.answer(&pong),
                // That is over.
                Some(Output::Transmit(_)) => {}
                None => {
                    self.flush_answers();
                    return Ok(None);
                }
            }
        }
    }

    /// Returns the next message if it is a small one of two frames with a short head, cheaper than
    /// [`next`](Self::next) does. If it returns `None`, `next` knows more. Never waits.
    #[inline]
    pub fn next_pair(&mut self) -> Option<Pair> {
        self.connection.poll_pair()
    }

    /// Like [`next`](Self::next), but returns the subscriptions that come to a PUB or XPUB as well.
    ///
    /// # Errors
    /// As `next`.
    pub fn next_event(&mut self) -> Result<Option<Event>, Error> {
        loop {
            match self.connection.poll_output()? {
                Some(Output::Event(event)) => return Ok(Some(event)),
                Some(Output::Frame(pong)) => self.answer(&pong),
                // That is over.
                Some(Output::Transmit(_)) => {}
                None => {
                    self.flush_answers();
                    return Ok(None);
                }
            }
        }
    }

    /// Waits until the remote has closed its sending half or the connection is broken, without
    /// reading: for one who does not want to read on, but wants to know of the end. Bytes that were
    /// received before it are still there.
    ///
    /// Linux and Android tell at once. Other systems are asked four times a second, and some may
    /// not tell before what was received has been read.
    pub async fn closed(&self) {
        // Of all that can be waited for this alone does not come with received bytes. It comes with
        // the end, and with urgent data, for which tokio has not asked the system. An error says
        // that the runtime has ended.
        #[cfg(any(target_os = "android", target_os = "linux"))]
        let _ = self.stream.ready(Interest::PRIORITY).await;
        #[cfg(not(any(target_os = "android", target_os = "linux")))]
        while let Ok(ready) = self.stream.ready(Interest::READABLE).await {
            if ready.is_read_closed() {
                return;
            }
            tokio::time::sleep(CLOSED_INTERVAL).await;
        }
    }

    /// Reads and drops what the remote sends until it closes its sending half, the connection
    /// breaks, or nothing has come for `quiet`; for `most` at most. Returns `false` if the time is
    /// over.
    ///
    /// It is how to end a connection: first [`SendQueue::finish`] or [`SendQueue::close`], then this.
    /// To close one while received bytes are unread resets it, and the kernel throws away what it
    /// had accepted for sending.
    pub async fn drain(mut self, quiet: Duration, most: Duration) -> bool {
        let ended = async {
            loop {
                match timeout(quiet, poll_fn(|cx| self.poll_drop(cx))).await {
                    Ok(Ok(bytes @ 1..)) => self.count(bytes),
                    Ok(_) => return true,
                    Err(_) => return false,
                }
            }
        };
        timeout(most, ended).await.unwrap_or(false)
    }

    fn answer(&mut self, pong: &[u8]) {
        self.queue.push_pong(pong);
        self.answered = true;
    }

    fn flush_answers(&mut self) {
        if std::mem::take(&mut self.answered) {
            // A ROUTER's queue may have no `run`. An error is the writer's to report.
            let _ = self.queue.flush();
        }
    }

    /// Counts bytes that were received. Nobody else does, so a store is enough.
    fn count(&mut self, bytes: usize) {
        self.received += bytes as u64;
        self.queue.set_received(self.received);
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if !self.pool.is_busy() && self.connection.receive_buffer().is_empty() {
            return self.poll_quiet(cx);
        }
        // Ask first, so that no room is held while nothing arrives.
        if self.stream.as_ref().poll_read_ready(cx)?.is_pending() {
            self.pool.pause(self.connection.receive_buffer());
            return Poll::Pending;
        }
        let hint = self.connection.read_hint();
        let buffer = self.connection.receive_buffer();
        let room = self.pool.reserve(buffer, hint);
        // The future has no state of its own: one that is made for each poll reads as well, and
        // unlike `try_read_buf` it knows that after a short read nothing more is there.
        let read = pin!(self.stream.read_buf(buffer)).poll(cx);
        if read.is_pending() {
            self.pool.pause(self.connection.receive_buffer());
        }
        let bytes = ready!(read)?;
        self.pool.filled(bytes, room);
        self.count(bytes);
        Poll::Ready(Ok(bytes > 0))
    }

    /// Reads bytes that nobody wants.
    fn poll_drop(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut room = [MaybeUninit::uninit(); DROPPED_READ];
        let mut dropped = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut dropped))?;
        Poll::Ready(Ok(dropped.filled().len()))
    }

    /// The first read after a pause, which mostly brings one small message: into room on the stack,
    /// so that no more memory is taken than what has come.
    fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut room = [MaybeUninit::uninit(); QUIET_READ];
        let mut read = ReadBuf::uninit(&mut room);
        let done = Pin::new(&mut self.stream).poll_read(cx, &mut read);
        let buffer = self.connection.receive_buffer();
        if done.is_pending() {
            self.pool.pause(buffer);
        }
        ready!(done)?;
        *buffer = BytesMut::from(read.filled());
        let bytes = buffer.len();
        self.pool.filled(bytes, QUIET_READ);
        self.count(bytes);
        Poll::Ready(Ok(bytes > 0))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use socket2::SockRef;
    use testkit::wait::soon;
    use tokio::io::{AsyncWriteExt, Interest};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    use super::{QUIET_READ, Reader};
    use crate::net::{SendQueue, SendQueueLimits};
    use crate::{Config, Connection, Encoder, FrameHeader, Mechanism, SocketType};

    /// A bare connection, and the reader at its other end, which has not read anything.
    async fn pair() -> (TcpStream, Reader) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (incoming, outgoing) = listener.accept().await.unwrap().0.into_split();
        let connection =
            Connection::new(&Config::new(SocketType::Router), std::time::Instant::now());
        let encoder = Encoder::null();
        let queue = SendQueue::new(SendQueueLimits::default(), outgoing, encoder);
        (stream, Reader::new(incoming, connection, queue, None))
    }

    /// Reads `messages`, then waits for what does not come, and returns what is held meanwhile.
    async fn held_after(reader: &mut Reader, messages: usize) -> usize {
        let mut read = 0;
        loop {
            while reader.next().unwrap().is_some() {
                read += 1;
            }
            if read == messages {
                break;
            }
            assert!(reader.fill().await.unwrap());
        }
        // The clock stands still while there is something to do, so this waits for nothing else.
        assert!(timeout(Duration::from_secs(1), reader.fill()).await.is_err());
        reader.connection.receive_buffer().capacity()
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_connection_holds_no_buffer_while_it_waits() {
        let (mut stream, mut reader) = pair().await;
        let mut wire = FrameHeader::message(100, false).to_vec();
        wire.resize(wire.len() + 100, 1);
        stream.write_all(&crate::greeting::encode(&Mechanism::Null, 0)).await.unwrap();
        stream
            .write_all(&crate::mechanism::null::ready(&Config::new(SocketType::Dealer)))
            .await
            .unwrap();
        for messages in [1, 1, 10_000] {
            let bytes = wire.repeat(messages);
            let (written, held) =
                tokio::join!(stream.write_all(&bytes), held_after(&mut reader, messages));
            written.unwrap();
            assert_eq!(held, 0, "after {messages}");
        }
    }

    #[tokio::test]
    async fn what_comes_after_a_pause_takes_no_more_memory_than_it_needs() {
        let (mut stream, mut reader) = pair().await;
        for bytes in [&[7; 10][..], &[7; 3000]] {
            stream.write_all(bytes).await.unwrap();
            while reader.connection.receive_buffer().len() < bytes.len() {
                assert!(soon(reader.fill()).await.unwrap());
            }
            assert_eq!(reader.connection.receive_buffer(), bytes);
            assert!(reader.connection.receive_buffer().capacity() < 4096);
            reader.connection.receive_buffer().clear();
            reader.pool.pause(reader.connection.receive_buffer());
        }
        assert!(!reader.pool.is_busy());
        stream.write_all(&[7; QUIET_READ]).await.unwrap();
        soon(reader.stream.ready(Interest::READABLE)).await.unwrap();
        while !reader.pool.is_busy() {
            assert!(soon(reader.fill()).await.unwrap());
            assert!(reader.received <= 3010 + QUIET_READ as u64);
        }
    }

    /// Sends bytes that are not read, and waits until the runtime knows of them.
    async fn unread(stream: &mut TcpStream, reader: &Reader) {
        stream.write_all(b"unread").await.unwrap();
        soon(reader.stream.ready(Interest::READABLE)).await.unwrap();
        let closed = timeout(Duration::ZERO, reader.closed()).await;
        assert!(closed.is_err(), "it is not the end");
    }

    #[tokio::test]
    async fn the_end_is_noticed_behind_unread_bytes() {
        let (mut stream, mut reader) = pair().await;
        unread(&mut stream, &reader).await;
        stream.shutdown().await.unwrap();
        soon(reader.closed()).await;
        // What came before it is there, and the end stays.
        assert!(soon(reader.fill()).await.unwrap());
        assert_eq!(reader.connection.receive_buffer(), &b"unread"[..]);
        assert!(!soon(reader.fill()).await.unwrap());
        soon(reader.closed()).await;
    }

    #[tokio::test]
    async fn a_reset_is_noticed_behind_unread_bytes() {
        let (mut stream, reader) = pair().await;
        unread(&mut stream, &reader).await;
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        drop(stream);
        soon(reader.closed()).await;
    }

    /// Only where the system tells of the end: elsewhere it has to be asked again and again.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    mod told {
        use std::pin::pin;
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering};
        use std::task::{Context, Wake, Waker};

        use tokio::time::sleep;

        use super::*;

        #[derive(Default)]
        struct Wakes(AtomicUsize);

        impl Wake for Wakes {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }

        #[tokio::test(start_paused = true)]
        async fn who_waits_for_the_end_is_not_woken_by_anything_else() {
            let (mut stream, reader) = pair().await;
            let wakes = Arc::new(Wakes::default());
            let waker = Waker::from(Arc::clone(&wakes));
            let mut closed = pin!(reader.closed());
            let mut ask = || closed.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(ask().is_pending());
            for _ in 0..10 {
                stream.write_all(b"unread").await.unwrap();
                // Before time passes the runtime has heard of it.
                sleep(Duration::from_secs(1)).await;
                assert!(reader.stream.try_read(&mut []).is_ok(), "it knows that there are bytes");
            }
            SockRef::from(&stream).send_out_of_band(b"!").unwrap();
            sleep(Duration::from_secs(1)).await;
            assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
            assert!(ask().is_pending());
            stream.shutdown().await.unwrap();
            sleep(Duration::from_secs(1)).await;
            assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
            assert!(ask().is_ready());
        }
    }
}
