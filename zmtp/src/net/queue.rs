//! What an outbox holds and counts.

use std::{collections::VecDeque, io};

use bytes::Bytes;

use super::{OutboxLimits, segments::Segments};
use crate::{Encoder, Message};

/// PONGs that may be queued.
const PONGS: usize = 4;

/// Accepted messages in the order of the wire, from the oldest that the kernel has not wholly
/// taken; also those that the writer holds already.
#[derive(Default)]
pub(super) struct Queue {
    stage: Stage,
    segments: Segments,
    /// Where messages and PONGs end.
    ends: VecDeque<Ends>,
    /// Octets of the first that the kernel has taken.
    begun: usize,
    messages: usize,
    pongs: usize,
    /// All octets that the kernel has not taken.
    octets: usize,
    /// `run` has been woken and has not looked yet.
    pub(super) awake: bool,
}

/// So many of one size in a row: mostly they are alike, and the writer holds the lock while it
/// counts what is gone.
struct Ends {
    octets: usize,
    count: usize,
    pong: bool,
}

enum Stage {
    /// No connection yet. Not encoded: how that is done is known when the handshake is over.
    Waiting(VecDeque<Message>),
    Open(Encoder),
    Closed(io::Error),
}

impl Default for Stage {
    fn default() -> Self {
        Self::Waiting(VecDeque::new())
    }
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.stage, Stage::Closed(_))
    }

    /// Messages, and octets with those of PONGs.
    pub(super) fn queued(&self) -> (usize, usize) {
        (self.messages, self.octets)
    }

    /// Why it was closed, if it was.
    pub(super) fn error(&self) -> Option<io::Error> {
        match &self.stage {
            Stage::Closed(error) => Some(copy(error)),
            _ => None,
        }
    }

    /// Whether a message of `size` octets on the wire may be pushed.
    pub(super) fn fits(&self, size: usize, limits: &OutboxLimits) -> bool {
        let octets = self.octets.saturating_add(size);
        self.messages == 0 || (self.messages < limits.messages && octets <= limits.octets)
    }

    /// Appends a message that fits and has `size` octets on the wire.
    pub(super) fn push(&mut self, head: &[u8], content: &[Bytes], size: usize) {
        match &mut self.stage {
            Stage::Waiting(messages) => {
                let head = Bytes::copy_from_slice(head);
                messages.push_back(std::iter::once(head).chain(content.iter().cloned()).collect());
            }
            Stage::Open(encoder) => self.segments.push(encoder, head, content),
            Stage::Closed(_) => return,
        }
        self.count(size, false);
    }

    /// Appends a message of one frame, `head` and then `content`, that fits and has `size` octets on
    /// the wire.
    pub(super) fn push_frame(&mut self, head: &[u8], content: Bytes, size: usize) {
        match &mut self.stage {
            Stage::Waiting(messages) if head.is_empty() => messages.push_back(content.into()),
            Stage::Waiting(messages) => {
                messages.push_back(Bytes::from([head, &content].concat()).into());
            }
            Stage::Open(encoder) => self.segments.push_frame(encoder, head, content),
            Stage::Closed(_) => return,
        }
        self.count(size, false);
    }

    /// Appends a PONG, unless there are enough.
    pub(super) fn push_pong(&mut self, frame: &[u8]) {
        if self.pongs < PONGS && matches!(self.stage, Stage::Open(_)) {
            self.segments.push_raw(frame);
            self.count(frame.len(), true);
        }
    }

    /// There is a connection; false: too late, or one already.
    pub(super) fn open(&mut self, mut encoder: Encoder) -> bool {
        let Stage::Waiting(messages) = &mut self.stage else { return false };
        for message in messages.drain(..) {
            if let Some((head, content)) = message.frames().split_first() {
                self.segments.push(&mut encoder, head, content);
            }
        }
        self.stage = Stage::Open(encoder);
        true
    }

    /// The kernel has taken `written` octets; what is next is appended to `to`. False: there is
    /// nothing to write, and the memory is given back.
    pub(super) fn next(&mut self, written: usize, to: &mut VecDeque<Bytes>) -> bool {
        self.octets = self.octets.saturating_sub(written);
        self.begun += written;
        while let Some(ends) = self.ends.front_mut() {
            let whole = (self.begun / ends.octets.max(1)).min(ends.count);
            self.begun -= whole * ends.octets;
            ends.count -= whole;
            if ends.pong {
                self.pongs -= whole;
            } else {
                self.messages -= whole;
            }
            if ends.count > 0 {
                break;
            }
            self.ends.pop_front();
        }
        self.segments.take(to);
        if !to.is_empty() {
            return true;
        }
        self.segments.release();
        self.ends = VecDeque::new();
        *to = VecDeque::new();
        false
    }

    pub(super) fn close(&mut self, error: &io::Error) {
        if !self.is_closed() {
            *self = Self { stage: Stage::Closed(copy(error)), ..Self::default() };
        }
    }

    fn count(&mut self, octets: usize, pong: bool) {
        match self.ends.back_mut() {
            Some(last) if last.octets == octets && last.pong == pong => last.count += 1,
            _ => self.ends.push_back(Ends { octets, count: 1, pong }),
        }
        self.octets = self.octets.saturating_add(octets);
        if pong {
            self.pongs += 1;
        } else {
            self.messages += 1;
        }
    }
}

/// `io::Error` cannot be cloned; what matters can.
fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use bytes::Bytes;

    use super::{OutboxLimits, Queue};
    use crate::{Encoder, Mechanism};

    fn push(queue: &mut Queue, head: &[u8], content: &[Bytes]) {
        queue.push(head, content, Encoder::encoded(head, content));
    }

    #[test]
    fn a_message_counts_until_its_last_octet_is_written() {
        let mut queue = Queue::default();
        push(&mut queue, b"abc", &[]);
        assert!(queue.open(Encoder::new(Mechanism::Null)));
        assert!(!queue.open(Encoder::new(Mechanism::Null)), "once");
        push(&mut queue, b"", &[Bytes::from(vec![1; 20_000])]);
        queue.push_pong(b"pong");
        assert_eq!(queue.queued(), (2, 5 + 2 + 20_009 + 4));
        let mut out = VecDeque::new();
        for (written, messages) in [(0, 2), (4, 2), (1, 1), (2 + 20_008, 1), (1, 0)] {
            assert!(queue.next(written, &mut out));
            assert_eq!(queue.queued().0, messages, "after {written} more");
        }
        assert_eq!(out.iter().map(Bytes::len).collect::<Vec<_>>(), [5 + 2 + 9, 20_000, 4]);
        assert!(!queue.is_empty(), "the PONG is left");
        out.clear();
        assert!(!queue.next(4, &mut out));
        assert!(queue.is_empty());
    }

    #[test]
    fn messages_of_one_size_are_counted_alike() {
        let mut queue = Queue::default();
        queue.open(Encoder::new(Mechanism::Null));
        (0..10).for_each(|_| push(&mut queue, &[7; 8], &[]));
        push(&mut queue, &[7; 9], &[]);
        let mut out = VecDeque::new();
        for (written, messages) in [(9, 11), (1, 10), (35, 7), (54, 2), (1, 1), (10, 1), (1, 0)] {
            queue.next(written, &mut out);
            out.push_back(Bytes::from_static(b"not the end"));
            assert_eq!(queue.queued().0, messages, "after {written} more");
        }
        assert_eq!(queue.queued().1, 0);
    }

    #[test]
    fn an_empty_queue_holds_no_memory() {
        let mut queue = Queue::default();
        queue.open(Encoder::new(Mechanism::Null));
        let mut out = VecDeque::new();
        (0..1000).for_each(|_| push(&mut queue, &[7; 100], &[]));
        queue.next(0, &mut out);
        out.clear();
        assert!(!queue.next(1000 * 102, &mut out));
        assert_eq!((queue.ends.capacity(), out.capacity()), (0, 0));
        assert_eq!(queue.segments.capacity(), 0);
    }

    #[test]
    fn pongs_are_few_and_count_towards_no_limit() {
        let mut queue = Queue::default();
        queue.push_pong(b"too early");
        assert!(queue.is_empty());
        queue.open(Encoder::new(Mechanism::Null));
        (0..100).for_each(|_| queue.push_pong(b"pong"));
        assert_eq!(queue.queued(), (0, 16));
        let limits = OutboxLimits { messages: 1, octets: 10 };
        assert!(queue.fits(1000, &limits), "no message is queued");
        push(&mut queue, b"", &[]);
        assert!(!queue.fits(1, &limits));
    }

    #[test]
    fn closing_drops_all_and_keeps_the_first_reason() {
        let mut queue = Queue::default();
        push(&mut queue, b"lost", &[]);
        queue.close(&std::io::Error::from_raw_os_error(32));
        queue.close(&std::io::ErrorKind::NotConnected.into());
        assert!(queue.is_closed() && queue.is_empty());
        assert_eq!(queue.error().unwrap().kind(), std::io::ErrorKind::BrokenPipe);
        assert!(!queue.open(Encoder::new(Mechanism::Null)));
    }
}
