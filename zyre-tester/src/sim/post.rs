//! What carries entries and segments from one window of time to the next.

use super::queue::Entry;
use super::segment::Segment;
use super::time::Micros;

/// What nodes of one shard have sent to nodes of another in one window of time.
#[derive(Debug, Default)]
pub(super) struct Parcel {
    pub(super) entries: Vec<(u32, Entry)>,
    pub(super) segments: Vec<(Micros, u64, Segment)>,
}

/// The parcels of one shard to all others.
#[derive(Debug)]
pub(super) struct Post(pub(super) Vec<Parcel>);

impl Post {
    pub(super) fn new(shards: usize) -> Self {
        Self((0..shards).map(|_| Parcel::default()).collect())
    }

    pub(super) fn entry(&mut self, to: u32, entry: Entry) {
        let shard = to as usize % self.0.len();
        self.0[shard].entries.push((to, entry));
    }

    pub(super) fn segment(&mut self, at: Micros, tie: u64, segment: Segment) {
        let shard = segment.to.slot as usize % self.0.len();
        self.0[shard].segments.push((at, tie, segment));
    }
}
