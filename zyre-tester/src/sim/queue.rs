//! What will happen to one node, in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::segment::Segment;

/// Virtual time: microseconds since the start.
pub(super) type Micros = u64;

/// A second.
pub(super) const SECOND: Micros = 1_000_000;
/// A millisecond.
pub(super) const MILLI: Micros = 1_000;

/// One thing that will happen. Of two at the same time the one with the smaller tie comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) at: Micros,
    /// The node that caused it, and the how many-th thing it caused: never the same twice.
    pub(super) tie: u64,
    pub(super) what: Happening,
}

/// What happens to a node. `life` is the process it is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Happening {
    /// A deadline of the engine.
    Time,
    /// The node sends its beacon.
    Beat { life: u32 },
    /// The application joins or leaves a group.
    Second { life: u32 },
    /// A datagram arrives.
    Beacon { datagram: u32 },
    /// Something arrives on a connection: the number of a segment in the slab.
    Arrive { segment: u32 },
    /// A link that could not reach its host is tried again.
    Redial { link: u32, life: u32 },
    /// A stopping node has flushed, and says goodbye.
    Goodbye { life: u32 },
    /// A stopping node closes everything.
    End { life: u32 },
    /// TCP gives up what is cut off, if this fault still is.
    GiveUp { fault: u32 },
    /// Connections that could not be opened in time are given up.
    DialsGiveUp,
    /// Something can be reached again.
    Resume,
    /// The connections with another host break.
    Break { with: u32 },
    /// The application takes events again.
    Wake { life: u32 },
}

/// The queue of one node. Segments lie in a slab, so that an entry is small.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
    segments: Vec<Option<Segment>>,
    free: Vec<u32>,
}

impl Queue {
    pub(super) fn push(&mut self, entry: Entry) {
        self.heap.push(Reverse(entry));
    }

    pub(super) fn push_segment(&mut self, at: Micros, tie: u64, segment: Segment) {
        let number = if let Some(number) = self.free.pop() {
            self.segments[number as usize] = Some(segment);
            number
        } else {
            self.segments.push(Some(segment));
            self.segments.len() as u32 - 1
        };
        self.push(Entry { at, tie, what: Happening::Arrive { segment: number } });
    }

    /// Takes a segment out of the slab.
    pub(super) fn segment(&mut self, number: u32) -> Option<Segment> {
        let segment = self.segments.get_mut(number as usize)?.take();
        self.free.push(number);
        segment
    }

    /// The next entry, if it is due before `until`.
    pub(super) fn pop_before(&mut self, until: Micros) -> Option<Entry> {
        let next = self.heap.peek_mut()?;
        (next.0.at < until).then(|| std::collections::binary_heap::PeekMut::pop(next).0)
    }

    /// When something happens next.
    pub(super) fn next(&self) -> Option<Micros> {
        self.heap.peek().map(|entry| entry.0.at)
    }
}
