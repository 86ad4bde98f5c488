//! What will happen to one node, in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use zre_proto::ConnId;

use super::segment::Segment;
use super::time::Micros;

/// One thing that will happen. Of two at the same time the one with the smaller tie comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) at: Micros,
    /// The node that caused it, and the how many-th thing it caused: never the same twice.
    pub(super) tie: u64,
    pub(super) what: Happening,
}

/// Connections that a fault has cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cut {
    /// Those with another host, as long as the way there is blocked.
    Way(u32),
    /// Those with an earlier process or address of a host.
    Host(u32),
    /// Those from an earlier address of this host.
    Here,
    /// Those with hosts that the network does not connect with this one.
    Network,
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
    /// A host that was not reached is tried again.
    Redial { id: ConnId, life: u32 },
    /// A dial was refused on its way.
    Refused { id: ConnId, life: u32 },
    /// A dial has taken too long.
    DialOver { id: ConnId, life: u32 },
    /// The handshake of a connection at the mailbox is over.
    Through { id: ConnId, life: u32 },
    /// A broken connection brings nothing any more.
    Lost { id: ConnId, life: u32 },
    /// A node that hears no beacons is told of the one on this host.
    Told { of: u32 },
    /// A stopping node has flushed, and says goodbye.
    Goodbye { life: u32 },
    /// A stopping node closes everything.
    End { life: u32 },
    /// TCP gives up what this fault has cut off, if it still is.
    GiveUp { fault: u32, cut: Cut },
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
