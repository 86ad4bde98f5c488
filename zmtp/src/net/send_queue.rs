//! The sending half: a bounded queue, and the loop that empties it.

mod backlog;
mod limits;
mod room;
#[cfg(feature = "_curve")]
mod sealing;
mod socket;
mod turn;
mod unsent;
mod write_buffer;

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use bytes::Bytes;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Notify;

pub use self::limits::SendQueueLimits;

use self::backlog::Backlog;
use self::limits::Bound;
use self::socket::Socket;
use self::turn::{Turn, TurnEnd, Writer};
use super::error::PushError;
use super::traffic::Traffic;
use crate::frame::{framed_len, message_len};
use crate::sync::{Condvar, Mutex};
use crate::{Encoder, FrameHeader};

/// Bytes queued from which on `push` itself writes: enough for a system call, and for waking the
/// remote's reader, to be worth it. A reader that is faster than the writer sleeps after each write,
/// and to wake it from an idle processor takes longer than to copy a message of 64 KiB.
const CROWDED_BYTES: usize = 256 << 10;

/// System calls in one turn, before others get theirs.
const MAX_CALLS_IN_A_TURN: usize = 64;

/// The sending half of a connection: a bounded queue of outgoing messages.
///
/// Clones are the same queue. All methods but [`run`](Self::run), and those that wait
/// ([`drained`](Self::drained), [`ready`](Self::ready), [`ready_until`](Self::ready_until)), may be
/// called from any thread, with or without a runtime, and never wait for the remote.
///
/// A queue that has nothing to send holds less than 1 KiB of buffers.
#[derive(Clone)]
pub struct SendQueue {
    shared: Arc<Shared>,
}

/// System calls are made without the lock, so that pushing goes on meanwhile: a writer takes the
/// socket out of the state, and puts it back when its turn is over. What is sealed is sealed by the
/// writer, right before it is written, so frames are sealed in the order of the wire and content
/// that several queues share is shared until then.
struct Shared {
    /// Beyond it nothing is accepted.
    limit: Bound,
    /// Up to it there is room.
    mark: Bound,
    /// Half of the mark.
    half: Bound,
    /// Bytes that the body of each frame has on the wire besides its own.
    overhead: usize,
    /// More than half of the mark is queued. It changes only under the lock. While it is not set
    /// there is room for any message of up to half the mark: that can be said without the lock.
    filling: AtomicBool,
    state: Mutex<State>,
    /// Wakes `run`.
    wake: Notify,
    /// Wakes `drained`.
    idle: Notify,
    /// Wakes `ready`.
    room: Notify,
    /// Wakes threads in `ready_until`.
    room_made: Condvar,
    /// Wakes threads that wait for the end of a turn.
    turn_over: Condvar,
    /// Bytes received on the connection.
    received: AtomicU64,
}

struct State {
    backlog: Backlog,
    turn: Turn,
    /// `None` during a turn, and when the queue is closed. It comes and goes with each of them.
    socket: Option<Box<Socket>>,
    /// Threads that wait for the end of a turn.
    turn_waiters: usize,
    /// Tasks and threads that wait for room, or until nothing is queued.
    room_waiters: usize,
    /// Since when more than the mark is queued.
    above_since: Option<Instant>,
    /// Whether the kernel took nothing when it was last asked.
    kernel_is_full: bool,
    /// Bytes that it has taken right after that.
    resumed: u64,
}

/// What has become of an attempt to write.
enum Written {
    /// All that was queued.
    Everything,
    /// Not all; the kernel takes nothing now, and the stream knows when it does.
    Blocked(Arc<OwnedWriteHalf>),
    /// Not all; the kernel might take more.
    Enough,
    /// Nothing: another thread is writing.
    Nothing,
}

impl SendQueue {
    /// Creates an empty queue that sends what `encoder` makes of its messages.
    pub(super) fn new(limits: SendQueueLimits, stream: OwnedWriteHalf, encoder: Encoder) -> Self {
        let overhead = encoder.overhead();
        let state = State {
            backlog: Backlog::new(),
            turn: Turn::default(),
            socket: Some(Box::new(Socket::new(stream, encoder))),
            turn_waiters: 0,
            room_waiters: 0,
            above_since: None,
            kernel_is_full: false,
            resumed: 0,
        };
        let shared = Shared {
            limit: limits.limit(),
            mark: limits.mark(),
            half: limits.mark().half(),
            overhead,
            filling: AtomicBool::new(false),
            state: Mutex::new(state),
            wake: Notify::new(),
            idle: Notify::new(),
            room: Notify::new(),
            room_made: Condvar::new(),
            turn_over: Condvar::new(),
            received: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Queues one message, a frame `head` and then one frame for each of `content`, and wakes
    /// [`run`](Self::run). All of it is sent, or nothing. `head` and small content are copied,
    /// large content is shared.
    ///
    /// When much is queued it writes to the socket itself, so that [`PushError::Full`] means that
    /// the kernel really takes nothing.
    ///
    /// # Errors
    /// [`PushError::Full`] and [`PushError::Closed`]; the queue is as it was.
    pub fn push(&self, head: &[u8], content: &[Bytes]) -> Result<(), PushError> {
        let size = message_len(self.shared.overhead, head, content);
        self.enqueue(size, true, |backlog| backlog.push(head, content, size))
    }

    /// Queues one message of one frame like [`push`](Self::push). The frame consists of `head`,
    /// which is copied, and `content`, which is shared if it is large.
    ///
    /// # Errors
    /// As `push`.
    pub fn push_frame(&self, head: &[u8], content: Bytes) -> Result<(), PushError> {
        let body = head.len().saturating_add(content.len());
        let size = FrameHeader::framed(body.saturating_add(self.shared.overhead));
        self.enqueue(size, true, |backlog| backlog.push_frame(head, content, size))
    }

    /// Queues one message like [`push`](Self::push), but does not wake [`run`](Self::run): for a
    /// caller that calls [`flush`](Self::flush) when it has staged everything. On an unhindered
    /// link that saves a wake-up of another thread, which costs more than the writing.
    ///
    /// # Errors
    /// As `push`.
    pub fn stage(&self, head: &[u8], content: &[Bytes]) -> Result<(), PushError> {
        let size = message_len(self.shared.overhead, head, content);
        self.enqueue(size, false, |backlog| backlog.push(head, content, size))
    }

    /// Writes what the kernel takes now. Returns `true` if nothing is left; otherwise
    /// [`run`](Self::run) is woken to finish.
    ///
    /// Also returns `false` when another thread is writing at this moment: it does not stop before
    /// it has seen everything that is queued now.
    ///
    /// # Errors
    /// The connection is broken or the queue closed.
    pub fn flush(&self) -> io::Result<bool> {
        let state = self.shared.state.lock();
        let empty = state.backlog.is_empty();
        match self.write(state, Writer::Caller)? {
            Written::Everything => Ok(true),
            Written::Nothing => Ok(empty),
            Written::Blocked(_) | Written::Enough => Ok(false),
        }
    }

    /// Sends what is queued until the connection fails or the queue is closed, and returns why.
    ///
    /// Only one may run at a time. Dropping it loses nothing, and it may be run again.
    pub async fn run(&self) -> io::Error {
        loop {
            // Keeps a task with a remote that reads as fast as we write from never yielding.
            tokio::task::coop::consume_budget().await;
            let written = match self.write(self.shared.state.lock(), Writer::Run) {
                Ok(written) => written,
                Err(error) => return error,
            };
            match written {
                Written::Everything | Written::Nothing => self.shared.wake.notified().await,
                Written::Enough => tokio::task::yield_now().await,
                // Apart: most queues never wait for the kernel, and hold no room for it.
                Written::Blocked(stream) => Box::pin(self.unblocked(&stream)).await,
            }
        }
    }

    /// Waits until the kernel might take more, or there is another reason to write.
    async fn unblocked(&self, stream: &OwnedWriteHalf) {
        tokio::select! {
            biased;
            () = self.shared.wake.notified() => {}
            // An error here shows again when writing.
            _ = stream.writable() => {}
        }
    }

    /// Accepts nothing any more, and closes the queue as soon as the kernel has taken what is
    /// queued: the remote receives all of it, and then the end of the connection.
    /// [`drained`](Self::drained) waits for that, and [`run`](Self::run) ends with it; `run` or
    /// [`flush`](Self::flush) must be called until then.
    ///
    /// Does nothing if the queue is closed.
    pub fn finish(&self) {
        let mut state = self.shared.state.lock();
        if state.backlog.finish() {
            self.shared.room.notify_waiters();
            self.shared.room_made.notify_all();
            // What the kernel does not take now is left to `run`, which tells of an error too.
            let _ = self.write(state, Writer::Caller);
        }
    }

    /// Drops what is queued and the writing half (TCP sends its FIN after what the kernel has
    /// taken), and ends [`run`](Self::run).
    pub fn close(&self) {
        self.fail(self.shared.state.lock(), &closed());
    }

    /// Returns how much was accepted and not yet wholly taken by the kernel: the number of
    /// messages, and the number of their bytes that the kernel has not taken.
    pub fn queued(&self) -> (usize, usize) {
        self.shared.state.lock().backlog.queued()
    }

    /// Returns how many bytes this connection has carried so far.
    pub fn traffic(&self) -> Traffic {
        let state = self.shared.state.lock();
        Traffic {
            received: self.shared.received.load(Ordering::Relaxed),
            taken: state.backlog.taken(),
            resumed: state.resumed,
        }
    }

    /// Takes note of how many bytes were received so far.
    pub(super) fn set_received(&self, bytes: u64) {
        self.shared.received.store(bytes, Ordering::Relaxed);
    }

    /// Returns whether the queue is closed, or its connection has failed. One that is
    /// [finishing](Self::finish) is not closed yet.
    pub fn is_closed(&self) -> bool {
        self.shared.state.lock().backlog.is_closed()
    }

    /// Queues a PONG, a whole command frame. It counts towards no limit, so there are few: one too
    /// many is dropped, since its sender does not read anyway.
    pub(super) fn push_pong(&self, frame: &[u8]) {
        let mut state = self.shared.state.lock();
        state.backlog.push_pong(frame, framed_len(frame, self.shared.overhead));
        self.shared.note_filling(&state);
    }

    /// Puts a message of `size` bytes on the wire into the backlog.
    fn enqueue(
        &self,
        size: usize,
        wake: bool,
        put: impl FnOnce(&mut Backlog),
    ) -> Result<(), PushError> {
        let mut state = self.shared.state.lock();
        if !state.backlog.fits(size, self.shared.limit) && state.backlog.is_open() {
            state = self.make_room(state, size, self.shared.limit)?;
        }
        if !state.backlog.is_open() {
            return Err(PushError::Closed);
        }
        put(&mut state.backlog);
        let (messages, bytes) = state.backlog.queued();
        self.shared.note_filling(&state);
        if state.above_since.is_none() && state.backlog.exceeds(self.shared.mark) {
            state.above_since = Some(tokio::time::Instant::now().into_std());
        }
        let crowded = bytes >= CROWDED_BYTES || messages >= self.shared.mark.messages / 4;
        if crowded && matches!(state.turn, Turn::Idle | Turn::Scheduled) {
            // The message is accepted; an error shows at the next push and in `run`.
            let _ = self.write(state, Writer::Caller);
        } else if wake && state.turn.schedule() {
            drop(state);
            self.shared.wake.notify_one();
        }
        Ok(())
    }

    /// Writes until a message of `size` bytes fits within `bound`.
    fn make_room<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        size: usize,
        bound: Bound,
    ) -> Result<MutexGuard<'a, State>, PushError> {
        // Waits for the system calls of another thread at most, and those do not block.
        while matches!(state.turn, Turn::Writing { .. }) {
            state.turn_waiters += 1;
            state = self.shared.turn_over.wait(state);
            state.turn_waiters -= 1;
        }
        if !state.backlog.fits(size, bound) {
            self.write(state, Writer::Caller).map_err(|_| PushError::Closed)?;
            state = self.shared.state.lock();
        }
        match state.backlog.fits(size, bound) {
            true => Ok(state),
            false => Err(PushError::Full),
        }
    }

    /// Takes a turn at writing: until nothing is left, the kernel takes nothing, or the turn has
    /// lasted long enough.
    fn write<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        writer: Writer,
    ) -> io::Result<Written> {
        if let Some(error) = state.backlog.error() {
            return Err(error);
        }
        if !state.turn.begin(writer) {
            return Ok(Written::Nothing);
        }
        let Some(mut socket) = state.socket.take() else { return Ok(Written::Nothing) };
        let mut written = 0;
        for call in 0.. {
            let left = socket.take(&mut state.backlog, written);
            if written > 0 {
                self.note_room(&mut state);
            }
            if !left {
                if state.backlog.is_finishing() {
                    socket.shutdown();
                    self.fail(state, &closed());
                } else {
                    self.end_turn(state, socket, writer, TurnEnd::Everything);
                }
                return Ok(Written::Everything);
            }
            if call == MAX_CALLS_IN_A_TURN {
                break;
            }
            drop(state);
            let result = socket.write();
            state = self.shared.state.lock();
            // Closed meanwhile: the writing half ends here.
            if let Some(error) = state.backlog.error() {
                return Err(error);
            }
            match result {
                Ok(taken) => {
                    written = taken;
                    if std::mem::take(&mut state.kernel_is_full) {
                        state.resumed += taken as u64;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => written = 0,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    state.kernel_is_full = true;
                    let stream = Arc::clone(&socket.stream);
                    self.end_turn(state, socket, writer, TurnEnd::Blocked);
                    return Ok(Written::Blocked(stream));
                }
                Err(error) => {
                    self.fail(state, &error);
                    return Err(error);
                }
            }
        }
        self.end_turn(state, socket, writer, TurnEnd::Enough);
        Ok(Written::Enough)
    }

    /// Takes note of what a writer has brought the queue to, and wakes the tasks that wait for it.
    fn note_room(&self, state: &mut State) {
        self.shared.note_filling(state);
        if state.above_since.is_some() && !state.backlog.exceeds(self.shared.mark) {
            state.above_since = None;
        }
        if state.room_waiters == 0 {
            return;
        }
        if state.backlog.is_empty() {
            self.shared.idle.notify_waiters();
        }
        if state.backlog.fits(1, self.shared.mark) {
            self.shared.room.notify_waiters();
            self.shared.room_made.notify_all();
        }
    }

    fn end_turn(
        &self,
        mut state: MutexGuard<'_, State>,
        socket: Box<Socket>,
        writer: Writer,
        end: TurnEnd,
    ) {
        state.socket = Some(socket);
        let wake = state.turn.end(writer, end);
        let waiting = state.turn_waiters > 0;
        drop(state);
        if wake {
            self.shared.wake.notify_one();
        }
        if waiting {
            self.shared.turn_over.notify_all();
        }
    }

    /// Ends the queue: every later call fails with `error`.
    fn fail(&self, mut state: MutexGuard<'_, State>, error: &io::Error) {
        state.backlog.close(error);
        state.turn = Turn::Idle;
        state.above_since = None;
        self.shared.note_filling(&state);
        let socket = state.socket.take();
        drop(state);
        drop(socket);
        self.shared.wake.notify_one();
        self.shared.idle.notify_waiters();
        self.shared.room.notify_waiters();
        self.shared.room_made.notify_all();
        self.shared.turn_over.notify_all();
    }
}

impl Shared {
    /// Takes note of whether more than half of the mark is queued.
    fn note_filling(&self, state: &State) {
        let filling = state.backlog.exceeds(self.half);
        if filling != self.filling.load(Ordering::Relaxed) {
            self.filling.store(filling, Ordering::Relaxed);
        }
    }
}

/// The end of a queue whose connection has not failed.
fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the outgoing queue is closed")
}

impl fmt::Debug for SendQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (messages, bytes) = self.queued();
        write!(f, "SendQueue({messages} messages, {bytes} bytes)")
    }
}
