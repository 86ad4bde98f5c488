//! The memory that is read into.

use std::collections::VecDeque;

use bytes::BytesMut;

/// Bytes that the first read after a pause has room for.
pub(super) const QUIET_READ: usize = 8 << 10;

/// Bytes that a read of a busy connection has room for; more for a large frame.
const BUSY_READ: usize = 128 << 10;

/// Bytes of a buffer of a busy connection. One that has to be larger grows instead of being
/// exchanged for another.
const BUSY_BUFFER: usize = 2 * BUSY_READ;

/// Buffers of a busy connection that wait until what was received in them is dropped.
const MAX_SPARES: usize = 4;

/// Decides how much memory the receive buffer of one connection has.
///
/// A read has room for 8 KiB at first, and for twice as much after each read that filled its room,
/// up to 128 KiB. A quiet connection holds no buffer. A busy one holds one that has at most twice
/// what was received and 128 KiB, and up to four others that received messages still refer to.
#[derive(Debug)]
pub(super) struct BufferPool {
    /// Room for the next read.
    room: usize,
    /// Large messages refer to the buffer that they were received in. It is used again when they
    /// are dropped: fresh memory costs more than what is read into it.
    spares: VecDeque<BytesMut>,
}

impl BufferPool {
    pub(super) const fn new() -> Self {
        Self { room: QUIET_READ, spares: VecDeque::new() }
    }

    /// Returns whether the last reads were large.
    pub(super) const fn is_busy(&self) -> bool {
        self.room > QUIET_READ
    }

    /// Prepares `buffer` for a read, and returns how many bytes it has room for. `hint` is how many
    /// bytes are missing from the frame in progress.
    ///
    /// That much is reserved, but never more than has already arrived: an announced size alone
    /// costs nothing.
    pub(super) fn reserve(&mut self, buffer: &mut BytesMut, hint: usize) -> usize {
        let room = hint.min(buffer.len()).max(self.room);
        // What is left of the last read may do for the rest of a frame, not for a small remainder.
        if buffer.capacity() - buffer.len() < room.min(hint.max(room / 2)) {
            self.enlarge(buffer, room);
        }
        buffer.capacity() - buffer.len()
    }

    fn enlarge(&mut self, buffer: &mut BytesMut, room: usize) {
        let size = buffer.len() + room;
        if size > BUSY_BUFFER || room < BUSY_READ {
            buffer.reserve(room);
        } else if !buffer.try_reclaim(room) {
            let free = self.spares.iter_mut().position(|spare| spare.try_reclaim(size));
            let free = free.and_then(|free| self.spares.remove(free));
            let mut next = free.unwrap_or_else(|| BytesMut::with_capacity(BUSY_BUFFER));
            next.extend_from_slice(buffer);
            let mut old = std::mem::replace(buffer, next);
            old.clear();
            self.spares.truncate(MAX_SPARES - 1);
            self.spares.push_front(old);
        }
    }

    /// Takes note of a read of `bytes` into a room of `room` bytes.
    pub(super) fn filled(&mut self, bytes: usize, room: usize) {
        if bytes >= room {
            self.room = (self.room * 2).min(BUSY_READ);
        }
    }

    /// Gives back what a quiet connection does not need. A busy one keeps everything: it may be
    /// busy again at once.
    pub(super) fn pause(&mut self, buffer: &mut BytesMut) {
        if self.is_busy() {
            return;
        }
        if self.spares.capacity() > 0 {
            self.spares = VecDeque::new();
        }
        if buffer.is_empty() {
            *buffer = BytesMut::new();
        } else if buffer.capacity() > QUIET_READ && buffer.capacity() / 4 > buffer.len() {
            *buffer = BytesMut::from(&buffer[..]);
        }
    }

    /// Ends a busy time, after a longer pause.
    pub(super) fn calm(&mut self, buffer: &mut BytesMut) {
        self.room = QUIET_READ;
        self.pause(buffer);
    }
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};

    use super::{BUSY_BUFFER, BUSY_READ, BufferPool, MAX_SPARES, QUIET_READ};

    /// One read that fills its room.
    fn read(pool: &mut BufferPool, buffer: &mut BytesMut, hint: usize) -> usize {
        let room = pool.reserve(buffer, hint);
        buffer.resize(buffer.len() + room, 7);
        pool.filled(room, room);
        room
    }

    /// A pool and its buffer after reads that filled their room, and were parsed.
    fn busy() -> (BufferPool, BytesMut) {
        let (mut pool, mut buffer) = (BufferPool::new(), BytesMut::new());
        while read(&mut pool, &mut buffer, 0) < BUSY_READ {
            buffer.clear();
        }
        buffer.clear();
        (pool, buffer)
    }

    #[test]
    fn room_doubles_while_reads_fill_it_and_a_short_read_changes_nothing() {
        let (mut pool, mut buffer) = (BufferPool::new(), BytesMut::new());
        let mut expected = QUIET_READ;
        for _ in 0..8 {
            assert!(read(&mut pool, &mut buffer, 0) >= expected);
            buffer = BytesMut::new();
            expected = (expected * 2).min(BUSY_READ);
        }
        let room = pool.reserve(&mut buffer, 0);
        pool.filled(room - 1, room);
        assert!(pool.is_busy());
        assert!(pool.reserve(&mut BytesMut::new(), 0) >= BUSY_READ);
    }

    #[test]
    fn a_quiet_connection_holds_no_buffer() {
        let (mut pool, mut buffer) = (BufferPool::new(), BytesMut::new());
        pool.reserve(&mut buffer, 0);
        pool.pause(&mut buffer);
        assert_eq!(buffer.capacity(), 0, "after a short read");
        let (mut pool, mut buffer) = busy();
        pool.pause(&mut buffer);
        assert!(buffer.capacity() >= BUSY_READ, "it may be busy again at once");
        pool.calm(&mut buffer);
        assert_eq!((buffer.capacity(), pool.spares.len(), pool.is_busy()), (0, 0, false));
    }

    #[test]
    fn half_a_message_is_kept_in_a_small_buffer() {
        let (mut pool, mut buffer) = busy();
        buffer.extend_from_slice(&[7; 50]);
        pool.calm(&mut buffer);
        assert_eq!(buffer, [7; 50][..]);
        assert!((50..=QUIET_READ).contains(&buffer.capacity()));
    }

    #[test]
    fn announced_bytes_are_not_reserved_before_as_many_have_arrived() {
        let (mut pool, mut buffer) = (BufferPool::new(), BytesMut::from(&[0; 9][..]));
        assert!(pool.reserve(&mut buffer, 1 << 20) <= QUIET_READ);
        for _ in 0..20 {
            read(&mut pool, &mut buffer, 1 << 20);
            let (has, capacity) = (buffer.len(), buffer.capacity());
            assert!(capacity <= 2 * has + BUSY_READ, "{capacity} for {has}");
        }
        assert!(buffer.len() > 2 << 20, "a large frame gets larger reads");
    }

    #[test]
    fn a_small_remainder_is_not_read_into_but_the_rest_of_a_frame_is() {
        let (mut pool, mut buffer) = (BufferPool::new(), BytesMut::with_capacity(QUIET_READ));
        buffer.resize(QUIET_READ - 5000, 7);
        assert_eq!(pool.reserve(&mut buffer, 5000), 5000, "all that is missing");
        assert!(pool.reserve(&mut buffer, 5001) >= QUIET_READ);
        let mut buffer = BytesMut::with_capacity(QUIET_READ);
        buffer.resize(QUIET_READ - 100, 7);
        assert!(pool.reserve(&mut buffer, 100) >= QUIET_READ, "not worth a system call");
    }

    #[test]
    fn buffers_are_used_again_when_what_was_received_in_them_is_dropped() {
        let (mut pool, mut buffer) = busy();
        let mut kept: Vec<Bytes> = Vec::new();
        let mut addresses = Vec::new();
        for _ in 0..3 {
            read(&mut pool, &mut buffer, 0);
            addresses.push(buffer.as_ptr());
            kept.push(buffer.split().freeze());
        }
        assert!(!pool.spares.is_empty());
        for _ in 0..6 {
            kept.clear();
            read(&mut pool, &mut buffer, 0);
            assert!(buffer.capacity() <= BUSY_BUFFER);
            assert!(addresses.contains(&buffer.as_ptr()), "no fresh memory");
            kept.push(buffer.split().freeze());
        }
    }

    #[test]
    fn a_receiver_that_keeps_everything_makes_few_spares() {
        let (mut pool, mut buffer) = busy();
        let mut kept = Vec::new();
        for _ in 0..50 {
            read(&mut pool, &mut buffer, 0);
            kept.push(buffer.split().freeze());
            assert!(pool.spares.len() <= MAX_SPARES);
        }
        assert_eq!(pool.spares.len(), MAX_SPARES);
    }
}
