//! Room below the mark of a queue, and waiting for it.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{SendQueue, Shared};
use crate::net::PushError;

/// A task or thread that is told when there is room: writers look for none while nobody waits.
struct Waiter<'a>(&'a Shared);

impl<'a> Waiter<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.state.lock().room_waiters += 1;
        Self(shared)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.state.lock().room_waiters -= 1;
    }
}

impl SendQueue {
    /// Returns how much fits below the mark now: the number of messages, and of their bytes on the
    /// wire. Both are 0 when nothing is accepted any more.
    ///
    /// It is a snapshot. There may be room for more by the time it is needed, and a message that is
    /// larger than all fits an empty queue: see [`has_room`](Self::has_room).
    pub fn room(&self) -> (usize, usize) {
        let state = self.shared.state.lock();
        if state.backlog.is_open() { state.backlog.room(self.shared.mark) } else { (0, 0) }
    }

    /// Returns whether a message of `bytes` bytes on the wire fits below the mark, or the queue has
    /// no message. As [`push`](Self::push) does, it writes first, so that `false` means that the
    /// kernel really takes nothing.
    ///
    /// A sender may push right after it has asked, if no other thread pushes to the same queue:
    /// what else happens to a queue only makes more room.
    ///
    /// Returns `true` for a queue that is closed or finishing: there is nothing to wait for, and
    /// `push` tells.
    pub fn has_room(&self, bytes: usize) -> bool {
        let Shared { half, filling, .. } = &*self.shared;
        if bytes <= half.bytes && !filling.load(Ordering::Relaxed) {
            return true;
        }
        !matches!(self.make_room_for(bytes), Ok(false))
    }

    /// Waits until a message of `bytes` bytes on the wire fits below the mark. One that is larger
    /// than the mark waits until the queue has no message. [`run`](Self::run) or
    /// [`flush`](Self::flush) must be called elsewhere.
    ///
    /// Nothing is reserved: another sender may be faster.
    ///
    /// # Errors
    /// [`PushError::Closed`], also when the queue is closed or finished while it waits.
    pub async fn ready(&self, bytes: usize) -> Result<(), PushError> {
        if self.make_room_for(bytes)? {
            return Ok(());
        }
        let _waiter = Waiter::new(&self.shared);
        loop {
            let mut room = pin!(self.shared.room.notified());
            room.as_mut().enable();
            if self.fits_now(bytes)? {
                return Ok(());
            }
            room.await;
        }
    }

    /// Waits like [`ready`](Self::ready), but blocks the thread, and not longer than until
    /// `deadline`. Returns whether there is room. It needs no runtime, and must not be called by a
    /// task.
    ///
    /// # Errors
    /// As `ready`.
    pub fn ready_until(&self, bytes: usize, deadline: Instant) -> Result<bool, PushError> {
        if self.make_room_for(bytes)? {
            return Ok(true);
        }
        let _waiter = Waiter::new(&self.shared);
        let mut state = self.shared.state.lock();
        loop {
            if !state.backlog.is_open() {
                return Err(PushError::Closed);
            }
            if state.backlog.fits(bytes, self.shared.mark) {
                return Ok(true);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            (state, _) = self.shared.room_made.wait_timeout(state, left);
        }
    }

    /// Returns since when more than the mark has been queued, at every moment until now; `None` if
    /// it is not more. A single message that is larger than the mark counts as well.
    pub fn above_mark_since(&self) -> Option<Instant> {
        if !self.shared.filling.load(Ordering::Relaxed) {
            return None;
        }
        self.shared.state.lock().above_since
    }

    /// Waits until the kernel has taken everything that was accepted, or the queue is closed.
    /// [`run`](Self::run) or [`flush`](Self::flush) must be called elsewhere.
    pub async fn drained(&self) {
        let _waiter = Waiter::new(&self.shared);
        loop {
            let mut idle = pin!(self.shared.idle.notified());
            idle.as_mut().enable();
            if self.shared.state.lock().backlog.is_empty() {
                return;
            }
            idle.await;
        }
    }

    /// Writes what the kernel takes, if a message of this size does not fit below the mark. Returns
    /// whether it does then.
    fn make_room_for(&self, size: usize) -> Result<bool, PushError> {
        let state = self.shared.state.lock();
        if !state.backlog.is_open() {
            return Err(PushError::Closed);
        }
        if state.backlog.fits(size, self.shared.mark) {
            return Ok(true);
        }
        match self.make_room(state, size, self.shared.mark) {
            Ok(_) => Ok(true),
            Err(PushError::Full) => Ok(false),
            Err(PushError::Closed) => Err(PushError::Closed),
        }
    }

    fn fits_now(&self, size: usize) -> Result<bool, PushError> {
        let state = self.shared.state.lock();
        if !state.backlog.is_open() {
            return Err(PushError::Closed);
        }
        Ok(state.backlog.fits(size, self.shared.mark))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::time::Instant;

    use bytes::Bytes;
    use tokio::io::AsyncReadExt;
    use tokio::net::tcp::OwnedReadHalf;
    use tokio::net::{TcpListener, TcpStream};

    use super::SendQueue;
    use crate::Encoder;
    use crate::net::SendQueueLimits;

    /// A queue with these marks, and what keeps its connection.
    async fn queue(limits: SendQueueLimits) -> (SendQueue, TcpStream, OwnedReadHalf) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let remote = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (incoming, outgoing) = listener.accept().await.unwrap().0.into_split();
        let queue = SendQueue::new(limits, outgoing, Encoder::null());
        (queue, remote, incoming)
    }

    #[tokio::test]
    async fn without_the_lock_is_said_what_would_be_said_with_it() {
        let limits =
            SendQueueLimits { mark_messages: 20, mark_bytes: 10_000, ..SendQueueLimits::default() };
        for step in [1, 300, 700] {
            let (queue, mut remote, _incoming) = queue(limits.clone()).await;
            let filling = || queue.shared.filling.load(Ordering::Relaxed);
            // The remote does not read, and at last the kernel takes nothing.
            while queue.flush().unwrap() {
                queue.stage(&[7; 1000], &[]).unwrap();
            }
            assert!(!filling());
            let mut refused = 0;
            for _ in 0..30 {
                for size in [0, 200, 3_000, 4_900, 5_100, 9_900, 12_000] {
                    let before = queue.queued();
                    let fits = queue.fits_now(size).unwrap();
                    let said = queue.has_room(size);
                    // It has tried to write, and there may be more room after all.
                    if fits || before == queue.queued() {
                        assert_eq!(said, fits, "{size} besides {before:?}");
                    }
                    refused += usize::from(!said);
                }
                queue.stage(&vec![7; step], &[]).unwrap();
            }
            assert!(refused > 0 && filling());
            let mut received = vec![0; 1 << 20];
            tokio::select! {
                error = queue.run() => panic!("{error}"),
                () = queue.drained() => {}
                read = async { while remote.read(&mut received).await.unwrap() > 0 {} } => {
                    panic!("{read:?}")
                }
            }
            assert!(!filling(), "nothing is queued");
        }
    }

    #[tokio::test]
    async fn one_who_has_stopped_waiting_is_not_counted() {
        let limits = SendQueueLimits { mark_messages: 1, ..SendQueueLimits::default() };
        let (queue, _remote, _incoming) = queue(limits).await;
        let large = [Bytes::from(vec![7; 100_000])];
        while queue.has_room(100_000) {
            queue.push(b"", &large).unwrap();
        }
        let waiters = || queue.shared.state.lock().room_waiters;
        tokio::select! {
            biased;
            ready = queue.ready(1) => panic!("{ready:?}"),
            () = queue.drained() => panic!("nothing reads it"),
            () = async { assert_eq!(waiters(), 2) } => {}
        }
        assert_eq!(queue.ready_until(1, Instant::now()), Ok(false));
        assert_eq!(waiters(), 0);
    }
}
