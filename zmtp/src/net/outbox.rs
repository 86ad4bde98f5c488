//! The sending half: a bounded queue, and the loop that empties it.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, IoSlice},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::{Buf, Bytes};
use tokio::{net::tcp::OwnedWriteHalf, sync::Notify};

use super::{PushError, queue::Queue};
use crate::{Encoder, FrameHeader};

/// Slices in one system call.
const SLICES: usize = 64;

/// Octets queued from which on `push` itself writes: enough for a system call to be worth it.
const CROWDED: usize = 64 << 10;

/// System calls in a row before others get a turn.
const ROUNDS: usize = 64;

/// How often `flush` looks again whether others have pushed meanwhile.
const LOOKS: usize = 8;

/// What an [`Outbox`] may hold. Plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxLimits {
    /// Messages that were accepted and whose last octet the kernel has not taken. Default 1,000.
    pub messages: usize,
    /// Octets of these messages on the wire, headers included. Default 16 MiB. A single message
    /// may be larger, if the queue is empty.
    pub octets: usize,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { messages: 1000, octets: 16 << 20 }
    }
}

/// A bounded outgoing queue, and the writing half of a connection as soon as there is one.
///
/// It exists before the connection: what is pushed until [`connect`](super::connect) is through
/// waits. Clones are the same outbox. Everything but [`run`](Self::run) and
/// [`drained`](Self::drained) may be called from any thread, with or without a runtime, and never
/// waits for the remote.
///
/// An outbox that has nothing to send holds no buffers.
#[derive(Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

/// Lock order: `writer`, then `queue`. Whoever holds `queue` only appends or counts; system calls
/// are made under `writer` alone, so that pushing goes on meanwhile.
struct Shared {
    limits: OutboxLimits,
    queue: Mutex<Queue>,
    writer: Mutex<Writer>,
    /// Wakes `run`.
    wake: Notify,
    /// Wakes `drained`.
    idle: Notify,
    /// The kernel takes nothing, and `run` waits for it or has been woken to do so. Written only
    /// under `writer`.
    blocked: AtomicBool,
}

#[derive(Default)]
struct Writer {
    stream: Option<Arc<OwnedWriteHalf>>,
    /// Taken from the queue, not yet taken by the kernel.
    octets: VecDeque<Bytes>,
}

/// How an attempt to write ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrote {
    /// All that there was.
    Everything,
    /// Not all; the kernel takes nothing now.
    Blocked,
    /// Not all; the kernel might take more, but others want to live too.
    Enough,
    /// There is no connection yet.
    Nowhere,
}

impl Outbox {
    /// An empty one, without a connection.
    #[must_use]
    pub fn new(limits: OutboxLimits) -> Self {
        let shared = Shared {
            limits,
            queue: Mutex::default(),
            writer: Mutex::default(),
            wake: Notify::new(),
            idle: Notify::new(),
            blocked: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Queues one message, a frame `head` and then one frame for each of `content`, and wakes
    /// [`run`](Self::run). All of it goes out, or nothing. `head` and small content are copied,
    /// large content is shared.
    ///
    /// When much is queued it writes to the socket itself, so that [`PushError::Full`] means: the
    /// kernel really takes nothing.
    ///
    /// # Errors
    /// `Full`, `Closed`; the queue is as it was.
    pub fn push(&self, head: &[u8], content: &[Bytes]) -> Result<(), PushError> {
        let size = Encoder::encoded(head, content);
        self.enqueue(size, true, |queue| queue.push(head, content, size))
    }

    /// Queues one message of one frame like [`push`](Self::push): `head`, which is copied, and after
    /// it `content`, which is shared if it is large.
    ///
    /// # Errors
    /// As `push`.
    pub fn push_frame(&self, head: &[u8], content: Bytes) -> Result<(), PushError> {
        let size = FrameHeader::framed(head.len().saturating_add(content.len()));
        self.enqueue(size, true, |queue| queue.push_frame(head, content, size))
    }

    /// Like [`push`](Self::push), but leaves [`run`](Self::run) asleep: for a caller that will
    /// call [`flush`](Self::flush) when it has staged all that it has. On an unhindered link that
    /// saves a wake-up of another thread, which costs more than the writing.
    ///
    /// # Errors
    /// As `push`.
    pub fn stage(&self, head: &[u8], content: &[Bytes]) -> Result<(), PushError> {
        let size = Encoder::encoded(head, content);
        self.enqueue(size, false, |queue| queue.push(head, content, size))
    }

    /// Writes what the kernel takes now; true: nothing is left. What is left is
    /// [`run`](Self::run)'s business, which is woken for it. False also when another thread is
    /// writing at this moment: it will not stop before it has seen all that is queued now.
    ///
    /// # Errors
    /// The connection is broken or the outbox closed.
    pub fn flush(&self) -> io::Result<bool> {
        for _ in 0..LOOKS {
            let (wrote, newly_blocked) = match self.shared.writer.try_lock() {
                Ok(mut writer) => self.write(&mut writer)?,
                Err(TryLockError::Poisoned(poisoned)) => self.write(&mut poisoned.into_inner())?,
                Err(TryLockError::WouldBlock) => return Ok(false),
            };
            match wrote {
                // The lock is free again by now. Whoever has queued something meanwhile and found
                // it taken relies on this second look.
                Wrote::Everything if self.queue().is_empty() => return Ok(true),
                Wrote::Everything => {}
                Wrote::Nowhere => return Ok(self.queue().is_empty()),
                Wrote::Blocked | Wrote::Enough => {
                    if newly_blocked || wrote == Wrote::Enough {
                        self.shared.wake.notify_one();
                    }
                    return Ok(false);
                }
            }
        }
        // Others push as fast as this writes: the writer task may go on.
        self.shared.wake.notify_one();
        Ok(false)
    }

    /// The handshake is over: what was queued may go, encoded by `encoder`. Does nothing if the
    /// outbox was closed meanwhile (the stream is dropped) or has a connection already.
    pub fn attach(&self, stream: OwnedWriteHalf, encoder: Encoder) {
        let mut writer = self.writer();
        if writer.stream.is_none() && self.queue().open(encoder) {
            writer.stream = Some(Arc::new(stream));
            drop(writer);
            self.shared.wake.notify_one();
        }
    }

    /// The writer loop: sends what is queued, until the connection fails or the outbox is closed;
    /// the answer says why. One at a time; dropping it loses nothing, and it may be run again.
    pub async fn run(&self) -> io::Error {
        loop {
            // Keeps a task with a remote that reads as fast as we write from never yielding.
            tokio::task::coop::consume_budget().await;
            self.queue().awake = false;
            let (wrote, stream) = {
                let mut writer = self.writer();
                match self.write(&mut writer) {
                    Ok((wrote, _)) => (wrote, writer.stream.clone()),
                    Err(error) => return error,
                }
            };
            match (wrote, stream) {
                (Wrote::Everything, _) if !self.queue().is_empty() => {}
                (Wrote::Enough, _) => tokio::task::yield_now().await,
                (Wrote::Blocked, Some(stream)) => tokio::select! {
                    biased;
                    () = self.shared.wake.notified() => {}
                    // An error here shows again when writing.
                    _ = stream.writable() => {}
                },
                _ => self.shared.wake.notified().await,
            }
        }
    }

    /// Waits until the kernel has taken everything that was accepted, or the outbox is closed.
    /// [`run`](Self::run) or [`flush`](Self::flush) must be going on elsewhere.
    pub async fn drained(&self) {
        loop {
            let mut idle = std::pin::pin!(self.shared.idle.notified());
            idle.as_mut().enable();
            if self.queue().is_empty() {
                return;
            }
            idle.await;
        }
    }

    /// Drops what is queued and the writing half (TCP sends its FIN after what the kernel has
    /// taken), and ends [`run`](Self::run).
    pub fn close(&self) {
        self.fail(&io::Error::new(io::ErrorKind::NotConnected, "the outgoing queue is closed"));
        *self.writer() = Writer::default();
    }

    /// What was accepted and not yet wholly taken by the kernel: messages, and octets of them that
    /// the kernel has not taken.
    #[must_use]
    pub fn queued(&self) -> (usize, usize) {
        self.queue().queued()
    }

    /// Whether pushing is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.queue().is_closed()
    }

    /// Queues a PONG, a whole command frame. It counts towards no limit, so there are few: one
    /// that is too many is dropped, its sender does not read anyway.
    pub(super) fn pong(&self, frame: &[u8]) {
        self.queue().push_pong(frame);
    }

    /// Has a message of `size` octets on the wire put into the queue.
    fn enqueue(
        &self,
        size: usize,
        wake: bool,
        put: impl FnOnce(&mut Queue),
    ) -> Result<(), PushError> {
        let mut tried = false;
        let (wake, crowded) = loop {
            let mut queue = self.queue();
            if queue.is_closed() {
                return Err(PushError::Closed);
            }
            if queue.fits(size, &self.shared.limits) {
                put(&mut queue);
                // Read under the lock of the queue: a writer that has seen it empty has cleared
                // this before.
                let blocked = self.shared.blocked.load(Ordering::Relaxed);
                let wake = wake && !blocked && !std::mem::replace(&mut queue.awake, wake);
                let (messages, octets) = queue.queued();
                let crowded = octets >= CROWDED || messages >= self.shared.limits.messages / 4;
                break (wake, crowded && !blocked);
            }
            drop(queue);
            if std::mem::replace(&mut tried, true) {
                return Err(PushError::Full);
            }
            // Waits for a system call of another thread at most, and those do not block.
            let mut writer = self.writer();
            let (_, newly_blocked) = self.write(&mut writer).map_err(|_| PushError::Closed)?;
            drop(writer);
            if newly_blocked {
                self.shared.wake.notify_one();
            }
        };
        if wake {
            self.shared.wake.notify_one();
        }
        if crowded {
            // The message is accepted; an error shows at the next push and in `run`.
            let _ = self.flush();
        }
        Ok(())
    }

    /// Writes until nothing is left or the kernel has enough; whether that is news.
    fn write(&self, writer: &mut Writer) -> io::Result<(Wrote, bool)> {
        if let Some(error) = self.queue().error() {
            *writer = Writer::default();
            return Err(error);
        }
        let Some(stream) = &writer.stream else { return Ok((Wrote::Nowhere, false)) };
        let mut written = 0;
        for _ in 0..ROUNDS {
            if !self.queue().next(written, &mut writer.octets) {
                self.shared.blocked.store(false, Ordering::Relaxed);
                self.shared.idle.notify_waiters();
                return Ok((Wrote::Everything, false));
            }
            match write_once(stream, &mut writer.octets) {
                Ok(n) => {
                    written = n;
                    self.shared.blocked.store(false, Ordering::Relaxed);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let news = !self.shared.blocked.swap(true, Ordering::Relaxed);
                    return Ok((Wrote::Blocked, news));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => written = 0,
                Err(error) => {
                    self.fail(&error);
                    *writer = Writer::default();
                    return Err(error);
                }
            }
        }
        self.queue().next(written, &mut writer.octets);
        Ok((Wrote::Enough, false))
    }

    /// The end: whoever comes from now on is told of `error`.
    fn fail(&self, error: &io::Error) {
        self.queue().close(error);
        self.shared.wake.notify_one();
        self.shared.idle.notify_waiters();
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One system call.
fn write_once(stream: &OwnedWriteHalf, octets: &mut VecDeque<Bytes>) -> io::Result<usize> {
    let n = if let [only] = octets.make_contiguous() {
        stream.try_write(only)?
    } else {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let count = octets.len().min(SLICES);
        for (slice, octets) in slices.iter_mut().zip(octets.iter()) {
            *slice = IoSlice::new(octets);
        }
        stream.try_write_vectored(&slices[..count])?
    };
    if n == 0 {
        return Err(io::ErrorKind::WriteZero.into());
    }
    let mut left = n;
    while let Some(first) = octets.front_mut() {
        if left < first.len() {
            first.advance(left);
            break;
        }
        left -= first.len();
        octets.pop_front();
    }
    Ok(n)
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (messages, octets) = self.queued();
        write!(f, "Outbox({messages} messages, {octets} octets)")
    }
}
