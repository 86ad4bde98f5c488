//! What a send queue holds and counts.

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;

use super::limits::Bound;
use super::unsent::Unsent;
use super::write_buffer::WriteBuffer;

/// PONGs that may be queued.
const MAX_PONGS: usize = 4;

/// Runs that an empty backlog keeps room for.
const MAX_IDLE_RUNS: usize = 8;

/// Accepted messages in the order of the wire, from the oldest that the kernel has not wholly
/// taken. Those that a writer has taken are counted too. What is counted is the wire's bytes; what
/// is held is not sealed yet, so it may be less.
pub(super) struct Backlog {
    stage: Stage,
    buffer: WriteBuffer,
    /// Where messages and PONGs end, from the oldest.
    runs: VecDeque<PendingRun>,
    /// Bytes of the oldest that the kernel has taken.
    begun: usize,
    messages: usize,
    pongs: usize,
    /// All bytes that the kernel has not taken.
    bytes: usize,
    /// All bytes that it has taken so far.
    taken: u64,
}

/// Messages, or PONGs, of one size in a row. Mostly they are alike, and the lock is held while what
/// has been written is counted.
struct PendingRun {
    bytes: usize,
    count: usize,
    pong: bool,
}

enum Stage {
    Open,
    /// Nothing is accepted any more, and what was is sent.
    Finishing,
    Closed(io::Error),
}

impl Backlog {
    pub(super) fn new() -> Self {
        Self::empty(Stage::Open)
    }

    fn empty(stage: Stage) -> Self {
        Self {
            stage,
            buffer: WriteBuffer::default(),
            runs: VecDeque::new(),
            begun: 0,
            messages: 0,
            pongs: 0,
            bytes: 0,
            taken: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Returns whether messages are accepted.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open)
    }

    pub(super) fn is_finishing(&self) -> bool {
        matches!(self.stage, Stage::Finishing)
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.stage, Stage::Closed(_))
    }

    /// Returns the number of messages, and of bytes, including those of PONGs.
    pub(super) fn queued(&self) -> (usize, usize) {
        (self.messages, self.bytes)
    }

    /// Returns why it was closed, if it was.
    pub(super) fn error(&self) -> Option<io::Error> {
        match &self.stage {
            Stage::Closed(error) => Some(copy(error)),
            _ => None,
        }
    }

    /// Returns whether a message of `size` bytes on the wire may be pushed.
    pub(super) fn fits(&self, size: usize, bound: Bound) -> bool {
        let bytes = self.bytes.saturating_add(size);
        self.messages == 0 || (self.messages < bound.messages && bytes <= bound.bytes)
    }

    /// Returns the number of messages, and of bytes, up to `bound`.
    pub(super) fn room(&self, bound: Bound) -> (usize, usize) {
        (bound.messages.saturating_sub(self.messages), bound.bytes.saturating_sub(self.bytes))
    }

    /// Returns whether more than `bound` is queued.
    pub(super) fn exceeds(&self, bound: Bound) -> bool {
        self.messages > 0 && (self.messages > bound.messages || self.bytes > bound.bytes)
    }

    /// Returns how many bytes the kernel has taken so far.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Appends a message that fits and has `size` bytes on the wire.
    pub(super) fn push(&mut self, head: &[u8], content: &[Bytes], size: usize) {
        if self.is_open() {
            self.buffer.push(head, content);
            self.count(size, false);
        }
    }

    /// Appends a message of one frame, which consists of `head` and `content`, that fits and has
    /// `size` bytes on the wire.
    pub(super) fn push_frame(&mut self, head: &[u8], content: Bytes, size: usize) {
        if self.is_open() {
            self.buffer.push_frame(head, content);
            self.count(size, false);
        }
    }

    /// Appends a PONG that has `size` bytes on the wire, unless there are enough.
    pub(super) fn push_pong(&mut self, frame: &[u8], size: usize) {
        if self.pongs < MAX_PONGS && self.is_open() {
            self.buffer.push_raw(frame);
            self.count(size, true);
        }
    }

    /// Counts `written` bytes that the kernel has taken, and moves what comes next to the end of
    /// `to`. Returns `false` if there is nothing to write, and gives back the memory that a quiet
    /// connection does not need.
    pub(super) fn next(&mut self, written: usize, to: &mut Unsent) -> bool {
        if written > 0 {
            self.count_written(written);
        }
        self.buffer.take(to);
        if !to.is_empty() {
            return true;
        }
        self.buffer.release(to);
        if self.runs.capacity() > MAX_IDLE_RUNS {
            self.runs = VecDeque::new();
        }
        false
    }

    /// Accepts nothing any more. Returns whether it has accepted something until now.
    pub(super) fn finish(&mut self) -> bool {
        let was_open = self.is_open();
        if was_open {
            self.stage = Stage::Finishing;
        }
        was_open
    }

    /// Drops everything, for this reason unless there is one already.
    pub(super) fn close(&mut self, error: &io::Error) {
        if !self.is_closed() {
            *self = Self { taken: self.taken, ..Self::empty(Stage::Closed(copy(error))) };
        }
    }

    fn count_written(&mut self, written: usize) {
        self.bytes = self.bytes.saturating_sub(written);
        self.taken += written as u64;
        self.begun += written;
        while let Some(run) = self.runs.front_mut() {
            let whole = match run.count {
                // Without the division, which takes long.
                1 => usize::from(self.begun >= run.bytes),
                count => (self.begun / run.bytes.max(1)).min(count),
            };
            self.begun -= whole * run.bytes;
            run.count -= whole;
            if run.pong {
                self.pongs -= whole;
            } else {
                self.messages -= whole;
            }
            if run.count > 0 {
                break;
            }
            self.runs.pop_front();
        }
    }

    fn count(&mut self, bytes: usize, pong: bool) {
        match self.runs.back_mut() {
            Some(last) if last.bytes == bytes && last.pong == pong => last.count += 1,
            _ => self.runs.push_back(PendingRun { bytes, count: 1, pong }),
        }
        self.bytes = self.bytes.saturating_add(bytes);
        if pong {
            self.pongs += 1;
        } else {
            self.messages += 1;
        }
    }
}

/// Copies what matters of an error: `io::Error` cannot be cloned.
fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::IoSlice;

    use bytes::{Bytes, BytesMut};

    use super::{Backlog, Bound, Unsent};
    use crate::Encoder;
    use crate::frame::message_len;

    fn backlog() -> Backlog {
        Backlog::new()
    }

    fn push(backlog: &mut Backlog, head: &[u8], content: &[Bytes]) {
        backlog.push(head, content, message_len(0, head, content));
    }

    /// What a writer does whose last call has written this many bytes.
    fn next(backlog: &mut Backlog, written: usize, out: &mut Unsent) -> bool {
        out.advance(written);
        backlog.next(written, out)
    }

    /// What the next system call would send.
    fn first(out: &Unsent) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 9];
        let count = out.fill(&mut slices);
        slices[..count].iter().map(|slice| &slice[..]).collect::<Vec<_>>().concat()
    }

    /// Sends everything, in one call.
    fn send(backlog: &mut Backlog, out: &mut Unsent) {
        assert!(next(backlog, 0, out));
        let bytes = backlog.queued().1;
        assert!(!next(backlog, bytes, out));
    }

    /// Bytes of memory that are held.
    fn held(backlog: &Backlog) -> usize {
        backlog.buffer.capacity() + backlog.runs.capacity() * size_of::<super::PendingRun>()
    }

    #[test]
    fn a_message_counts_until_its_last_byte_is_written() {
        let mut backlog = backlog();
        push(&mut backlog, b"abc", &[]);
        push(&mut backlog, b"", &[Bytes::from(vec![1; 20_000])]);
        backlog.push_pong(b"pong", 4);
        assert_eq!(backlog.queued(), (2, 5 + 2 + 20_009 + 4));
        let mut out = Unsent::default();
        assert!(next(&mut backlog, 0, &mut out));
        let mut slices = [IoSlice::new(&[]); 4];
        assert_eq!(out.fill(&mut slices), 3);
        assert_eq!(slices.map(|slice| slice.len()), [5 + 2 + 9, 20_000, 4, 0]);
        for (written, messages) in [(0, 2), (4, 2), (1, 1), (2 + 20_008, 1), (1, 0)] {
            assert!(next(&mut backlog, written, &mut out));
            assert_eq!(backlog.queued().0, messages, "after {written} more");
        }
        assert!(!backlog.is_empty(), "the PONG is left");
        assert!(!next(&mut backlog, 4, &mut out));
        assert!(backlog.is_empty());
    }

    #[test]
    fn what_fits_is_bounded_and_one_that_is_larger_than_all_fits_an_empty_queue() {
        let bound = Bound { messages: 3, bytes: 100 };
        let mut large = backlog();
        assert!(large.fits(509, bound));
        assert_eq!(large.room(bound), (3, 100));
        push(&mut large, &[0; 500], &[]);
        assert_eq!(large.queued(), (1, 509));
        assert!(!large.fits(2, bound) && !large.fits(usize::MAX, bound));
        assert!(large.exceeds(bound));
        assert_eq!(large.room(bound), (2, 0));
        let mut two = backlog();
        push(&mut two, &[0; 60], &[]);
        assert!(two.fits(38, bound) && !two.fits(39, bound));
        push(&mut two, &[0; 36], &[]);
        assert_eq!(two.queued(), (2, 100));
        assert!(!two.exceeds(bound), "it is reached");
        assert_eq!(two.room(bound), (1, 0));
        let mut three = backlog();
        (0..3).for_each(|_| push(&mut three, b"", &[]));
        assert!(!three.fits(2, bound) && !three.exceeds(bound));
        push(&mut three, b"", &[]);
        assert!(three.exceeds(bound));
        assert_eq!(three.room(bound), (0, 92));
    }

    #[test]
    fn messages_of_one_size_are_counted_alike() {
        let mut backlog = backlog();
        (0..10).for_each(|_| push(&mut backlog, &[7; 8], &[]));
        push(&mut backlog, &[7; 9], &[]);
        let mut out = Unsent::default();
        next(&mut backlog, 0, &mut out);
        for (written, messages) in [(9, 11), (1, 10), (35, 7), (54, 2), (1, 1), (10, 1), (1, 0)] {
            next(&mut backlog, written, &mut out);
            assert_eq!(backlog.queued().0, messages, "after {written} more");
        }
        assert_eq!(backlog.queued().1, 0);
    }

    #[test]
    fn an_empty_queue_holds_little_memory() {
        let mut out = Unsent::default();
        let content = [Bytes::from(vec![7; 20_000])];
        for (messages, content) in [(1, &[][..]), (1000, &[]), (1000, &content), (1, &content)] {
            let mut backlog = backlog();
            for i in 0..messages {
                // Many sizes make many runs.
                push(&mut backlog, &[7; 100][..i % 100], content);
            }
            send(&mut backlog, &mut out);
            assert!(held(&backlog) < 1000, "{} after {messages}", held(&backlog));
            assert_eq!(out.release().capacity(), 0);
        }
    }

    #[test]
    fn small_messages_that_come_alone_need_no_fresh_memory() {
        let (mut backlog, mut out) = (backlog(), Unsent::default());
        let mut places = Vec::new();
        for _ in 0..10 {
            push(&mut backlog, b"head", &[Bytes::from_static(b"body")]);
            assert!(next(&mut backlog, 0, &mut out));
            places.push(out.only().map(<[u8]>::as_ptr));
            assert!(!next(&mut backlog, 12, &mut out));
        }
        assert!(held(&backlog) > 0);
        assert!(places.iter().all(|place| *place == places[0]), "{places:?}");
    }

    #[test]
    fn two_runs_take_turns_while_there_is_always_something_to_send() {
        let (mut backlog, mut out) = (backlog(), Unsent::default());
        let mut places = BTreeSet::new();
        push(&mut backlog, &[7; 100], &[]);
        for _ in 0..10 {
            assert!(next(&mut backlog, 0, &mut out));
            places.extend(out.only().map(<[u8]>::as_ptr));
            push(&mut backlog, &[7; 100], &[]);
            assert!(next(&mut backlog, 102, &mut out));
        }
        assert_eq!(places.len(), 2);
    }

    #[test]
    fn what_comes_behind_a_rest_stays_behind_it() {
        let (mut backlog, mut out) = (backlog(), Unsent::default());
        let (mut expected, mut sent) = (BytesMut::new(), Vec::new());
        let mut written = 0;
        for i in 0..3000 {
            let body = vec![i as u8; if i % 500 == 0 { 10_000 } else { i % 40 }];
            let content = [Bytes::from(body)];
            Encoder::null().encode(b"head", &content, &mut expected);
            push(&mut backlog, b"head", &content);
            // Now more than one message, now less, now nothing.
            for _ in 0..i % 3 {
                next(&mut backlog, written, &mut out);
                let mut taken = first(&out);
                taken.truncate(i % 211);
                written = taken.len();
                sent.extend(taken);
            }
        }
        while next(&mut backlog, written, &mut out) {
            let taken = first(&out);
            written = taken.len();
            sent.extend(taken);
        }
        assert!(backlog.is_empty());
        assert_eq!(sent.len(), expected.len());
        assert!(sent == expected);
    }

    #[test]
    fn pongs_are_few_and_count_towards_no_limit() {
        let mut backlog = backlog();
        (0..100).for_each(|_| backlog.push_pong(b"pong", 4));
        assert_eq!(backlog.queued(), (0, 16));
        let bound = Bound { messages: 1, bytes: 10 };
        assert!(backlog.fits(1000, bound) && !backlog.exceeds(bound), "no message is queued");
        push(&mut backlog, b"", &[]);
        assert!(!backlog.fits(1, bound) && backlog.exceeds(bound));
    }

    #[test]
    fn closing_drops_all_and_keeps_the_first_reason() {
        let mut backlog = backlog();
        push(&mut backlog, b"lost", &[]);
        backlog.close(&std::io::Error::from_raw_os_error(32));
        backlog.close(&std::io::ErrorKind::NotConnected.into());
        assert!(backlog.is_closed() && backlog.is_empty());
        assert_eq!(backlog.error().unwrap().kind(), std::io::ErrorKind::BrokenPipe);
        push(&mut backlog, b"late", &[]);
        backlog.push_frame(b"late", Bytes::new(), 6);
        backlog.push_pong(b"pong", 4);
        assert_eq!(backlog.queued(), (0, 0));
    }
}
