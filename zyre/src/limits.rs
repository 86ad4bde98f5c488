//! Every limit of a node, in one place.

use std::time::Duration;

/// How much a node takes, from the network and from its application. Plain data.
///
/// Most limits are per peer or per connection: the worst case is their product with `peers` or
/// `connections`; with the defaults, 16 GiB of outgoing queues.
///
/// ```
/// let limits = zyre::Limits { peers: 64, link_messages: 10_000, ..Default::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Peers at a time. Further ones are ignored and counted. Default 1,024.
    pub peers: usize,
    /// Octets of one message, all frames together. A connection that announces more is closed
    /// before anything is allocated; before HELLO the limit is `hello_octets`. Default 64 MiB. Content that this node sends may have 512
    /// octets less, and one frame less than `message_frames`: the header needs them.
    pub message_octets: usize,
    /// Frames of one message. A connection that sends more is closed. Default 4,096.
    pub message_frames: usize,
    /// Groups and headers together in one HELLO, and the groups of one peer. A peer with more is
    /// ended. Default 4,096.
    pub hello_entries: usize,
    /// Octets of one HELLO. A peer that sends more is ended. Default 1 MiB.
    pub hello_octets: usize,
    /// Messages that wait for one peer. One more ends the peer, with
    /// [`ExitReason::Overflow`](crate::ExitReason::Overflow). Also the events of one peer that may
    /// wait until the link to it is up, before its `Enter`. Default 1,000.
    pub link_messages: usize,
    /// Octets that wait for one peer; a single larger message is taken when nothing else waits.
    /// More ends the peer. Default 16 MiB. Also for the events that wait before its `Enter`; there
    /// a single larger message ends the peer too.
    pub link_octets: usize,
    /// Events that wait for the application. While that many wait, nothing is read from peers.
    /// Default 10,000.
    pub events: usize,
    /// Octets of events that wait for the application. While that many wait, nothing is read from
    /// peers. Default 64 MiB.
    pub event_octets: usize,
    /// Connections at the mailbox. Further ones wait in the kernel. A quarter may be without a HELLO;
    /// one more, and the oldest of them is closed. Default 4,096.
    pub connections: usize,
    /// Connections at the mailbox whose handshake is not done. One more, and the oldest of them
    /// is closed. Default 256.
    pub handshakes: usize,
    /// How long connecting, and a handshake, may take. Default 5 s.
    pub handshake_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            peers: 1024,
            message_octets: 64 * 1024 * 1024,
            message_frames: 4096,
            hello_entries: 4096,
            hello_octets: 1024 * 1024,
            link_messages: 1000,
            link_octets: 16 * 1024 * 1024,
            events: 10_000,
            event_octets: 64 * 1024 * 1024,
            connections: 4096,
            handshakes: 256,
            handshake_time: Duration::from_secs(5),
        }
    }
}
