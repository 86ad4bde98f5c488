//! What passes between nodes, and the wagons that carry it from one window of time to the next.

use zre_proto::{Content, Header, PeerId};

use super::queue::{Entry, Micros};

/// One end of a connection: a host at an address, and a process on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Party {
    /// The host.
    pub(super) slot: u32,
    /// How often its process was started.
    pub(super) life: u32,
    /// How often its address has changed.
    pub(super) generation: u8,
}

/// What one host sends to another on a connection.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) from: Party,
    pub(super) to: Party,
    pub(super) body: Body,
}

/// The octets of a connection as far as they matter. `link` is its number at the side that opened
/// it, `conn` at the other.
#[derive(Debug)]
pub(super) enum Body {
    /// A link is opened to this port.
    Open { link: u32, port: u16, peer: PeerId },
    /// It is connected, all handshakes included.
    Accept { link: u32, conn: u32 },
    /// Nobody listens there.
    Refuse { link: u32 },
    /// A ZRE message.
    Message { conn: u32, link: u32, header: Header, content: Content },
    /// The side that opened the connection has ended it.
    Hangup { conn: u32 },
    /// The side with the mailbox has ended the connection.
    Closed { link: u32 },
}

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
