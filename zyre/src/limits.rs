//! Every limit of a node, in one place.

use std::time::Duration;

use zmtp::net::{ListenerLimits, SendQueueLimits};
use zre_proto::{ActionError, Config};

use crate::times;

/// How much a node takes, from the network and from its application. Plain data: construct it with
/// `..Limits::default()`, since fields may be added.
///
/// Most limits are per peer or per connection: the worst case is their product with `peers` or
/// `connections`; with the defaults, 16 GiB of outgoing queues.
///
/// # Descriptors
/// A peer that is connected by one connection for both directions takes one descriptor of the
/// process, any other one takes two, one for the connection each way; and each connection of a node
/// that is not a peer takes one. A node that has none left meets nobody. So the defaults of `peers`,
/// `peer_connections`, `strangers` and `handshakes` fit into the soft limit of the process for open
/// files (`RLIMIT_NOFILE`, `ulimit -n`) as it is when [`Default`] is asked, as
/// [`for_descriptors`](Self::for_descriptors) says: with 1,024, the usual limit, there may be 561
/// peers with one connection each, 280 with two, or any mixture. From 4,416 on, and where there is
/// no such limit, they are as stated below. The limit of the process is never changed: an
/// application that wants more peers raises it first. What is set explicitly holds.
///
/// ```
/// let limits = zyre::Limits { peers: 64, link_messages: 10_000, ..Default::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Peers at a time, those included that are heard of and not met. Further ones are ignored and
    /// counted. Default 1,024, or less where descriptors are few.
    pub peers: usize,
    /// Peers and endpoints that the application may [require](crate::Node::require_peer). One more is
    /// refused. Each is tried about once a second while nobody is met there. Default 256.
    pub required: usize,
    /// Bytes of one message, all frames together. A connection that announces more is closed
    /// before anything is allocated; before HELLO the limit is `hello_bytes`. Default 64 MiB.
    /// Content that this node sends may have 512 bytes less, and one frame less than
    /// `message_frames`: the header needs them.
    pub message_bytes: usize,
    /// Frames of one message. A connection that sends more is closed. Default 4,096.
    pub message_frames: usize,
    /// Groups and headers together in one HELLO, and the groups of one peer. A peer with more is
    /// ended. One header of this node says which library it has. Default 4,096.
    pub hello_entries: usize,
    /// Bytes of one HELLO. A peer that sends more is ended. Default 1 MiB.
    pub hello_bytes: usize,
    /// The *mark*: messages that may wait for one peer. While that many wait,
    /// [`whisper`](crate::Node::whisper) is refused with [`Full`](crate::ActionError::Full), and
    /// [`ready`](crate::Node::ready) waits. A SHOUT is never refused: up to twice as many may wait,
    /// and one more ends the peer with [`ExitReason::Overflow`](crate::ExitReason::Overflow); see
    /// also `stall_timeout`. Also the events of one peer that may wait before its `Enter`. Default
    /// 1,000.
    pub link_messages: usize,
    /// The mark in bytes, in the same way; a single larger message is taken when nothing else
    /// waits. Also for the events that wait before an `Enter`; there a single larger message ends
    /// the peer too. Default 16 MiB.
    pub link_bytes: usize,
    /// A SHOUT ends a member for which more has been waiting than the mark, without a break, for
    /// this long: the others do not wait for it. Zero: at once. Default 5 s.
    pub stall_timeout: Duration,
    /// Events that wait for the application. While that many wait, nothing is read from peers.
    /// Default 10,000.
    pub events: usize,
    /// Bytes of events that wait for the application. While that many wait, nothing is read from
    /// peers. Default 64 MiB.
    pub event_bytes: usize,
    /// Connections to and from peers: a peer with one connection for both directions has one, any
    /// other one two; a node that was not met yet is reckoned with two. Further nodes are ignored
    /// and counted. Default 2,048, or less where descriptors are few.
    pub peer_connections: usize,
    /// Connections at the mailbox on which no peer is heard yet. One more, and the oldest of them
    /// is closed. One on which this node has said HELLO, and waits for the answer, has the place of
    /// a peer instead; of these there may be half as many as of peers. Default 512, or less where
    /// descriptors are few.
    pub strangers: usize,
    /// Connections at the mailbox whose handshake is not done. One more, and the oldest of them
    /// is closed. Default 256, or less where descriptors are few.
    pub handshakes: usize,
    /// Clients of this node as a [gossip hub](crate::Builder::gossip_listen). One more, and the one
    /// that was heard least recently is closed: it comes back. They take descriptors besides those
    /// of peers, out of what is left to the application. Default 256, or less where descriptors are
    /// few.
    pub gossip_clients: usize,
    /// How long TCP may take to connect to a peer, not zero. Default 10 s.
    pub connect_time: Duration,
    /// How long a handshake may take once TCP is connected; and how long a connection at the
    /// mailbox may then take until its HELLO is there, not zero. Default 20 s.
    pub handshake_time: Duration,
}

/// What the header of a message takes at most: a SHOUT to the longest group name, with what frames
/// it in the queue.
pub(crate) const MAX_HEADER_BYTES: usize = 512;

/// What frames one frame in the queue at most.
const MAX_FRAMING: usize = 9;

/// What a node has open besides connections, and the runtime, and the standard streams; and
/// sockets that are being closed.
const OWN_DESCRIPTORS: u64 = 24;

impl Limits {
    /// Returns the defaults for a process, or a node's share of one, that may have this many
    /// descriptors open.
    ///
    /// An eighth of them, and 24, are left to the application, the runtime and the node's own
    /// sockets. Of the rest a quarter goes to handshakes: a node that is pushed out by a flood of
    /// others has to come again with the next beacon. Of what then remains a seventh goes to
    /// strangers, and six to peers.
    ///
    /// ```
    /// // Two nodes in a process that may open 1,024 files.
    /// let limits = zyre::Limits::for_descriptors(1024 / 2);
    /// assert_eq!((limits.peer_connections, limits.strangers, limits.handshakes), (273, 45, 106));
    /// ```
    pub fn for_descriptors(number: u64) -> Self {
        let budget = number.saturating_sub(number / 8).saturating_sub(OWN_DESCRIPTORS);
        // What is more than the largest default makes no difference.
        let budget = usize::try_from(budget.min(1 << 20)).unwrap_or(usize::MAX);
        let handshakes = (budget / 4).clamp(1, 256);
        let rest = budget.saturating_sub(handshakes);
        let strangers = (rest / 7).clamp(1, 512);
        let peer_connections = rest.saturating_sub(strangers).clamp(2, 2048);
        let peers = peer_connections.min(1024);
        let gossip_clients = usize::try_from(number / 16).unwrap_or(usize::MAX).clamp(1, 256);
        Self {
            peers,
            required: 256,
            message_bytes: 64 * 1024 * 1024,
            message_frames: 4096,
            hello_entries: 4096,
            hello_bytes: 1024 * 1024,
            link_messages: 1000,
            link_bytes: 16 * 1024 * 1024,
            events: 10_000,
            event_bytes: 64 * 1024 * 1024,
            stall_timeout: Duration::from_secs(5),
            peer_connections,
            strangers,
            handshakes,
            gossip_clients,
            connect_time: Duration::from_secs(10),
            handshake_time: Duration::from_secs(20),
        }
    }
}

/// What follows from the limits for the transport.
impl Limits {
    /// Checks the times: in none nobody could be met.
    pub(crate) fn check(&self) -> Result<(), ActionError> {
        times::check("connect time of the limits", self.connect_time)?;
        times::check("handshake time of the limits", self.handshake_time)
    }

    /// The limits of one connection.
    pub(crate) fn transport(&self) -> zmtp::Limits {
        zmtp::Limits {
            frame: self.message_bytes,
            message: self.message_bytes,
            frames: self.message_frames,
            connect_time: self.connect_time,
            handshake_time: self.handshake_time,
            ..zmtp::Limits::default()
        }
    }

    /// The limits of one connection that has not said HELLO.
    pub(crate) fn stranger(&self) -> zmtp::Limits {
        let bytes = self.hello_bytes.min(self.message_bytes);
        zmtp::Limits { frame: bytes, message: bytes, ..self.transport() }
    }

    /// What may wait for one peer.
    pub(crate) const fn queue(&self) -> SendQueueLimits {
        SendQueueLimits {
            mark_messages: self.link_messages,
            mark_bytes: self.link_bytes,
            messages: self.link_messages.saturating_mul(2),
            // What fits below the mark is reckoned without what frames its frames, and must not end
            // the peer by that.
            bytes: self
                .link_bytes
                .saturating_mul(2)
                .saturating_add(self.message_frames.saturating_mul(MAX_FRAMING)),
        }
    }

    /// What the mailbox takes.
    pub(crate) const fn listener(&self) -> ListenerLimits {
        ListenerLimits {
            // One more, so that the newest stranger is known before the oldest goes.
            connections: self.peer_connections.saturating_add(self.strangers).saturating_add(1),
            handshakes: self.handshakes,
            queue: self.queue(),
        }
    }

    /// Connections at the mailbox on which a peer was greeted, and has not answered: nodes that
    /// never answer leave half of the places to others.
    pub(crate) fn greeted(&self) -> usize {
        (self.peers.min(self.peer_connections) / 2).max(1)
    }

    /// The limits of the engine.
    pub(crate) fn apply_to(&self, config: &mut Config) {
        config.max_peers = self.peers;
        config.max_connections = self.peer_connections;
        config.max_required = self.required;
        config.message_limits.entries = self.hello_entries;
        config.message_limits.bytes = self.hello_bytes;
        config.max_content_frames = self.message_frames.saturating_sub(1);
        config.max_content_bytes = self.message_bytes.saturating_sub(MAX_HEADER_BYTES);
        config.max_held_events = self.link_messages;
        config.max_held_bytes = self.link_bytes;
    }
}

impl Default for Limits {
    /// Returns the defaults for this process, as its limit of open files is now.
    fn default() -> Self {
        Self::for_descriptors(descriptors())
    }
}

/// How many descriptors the process may have open; without a limit where the system has none, or
/// does not tell.
fn descriptors() -> u64 {
    #[cfg(unix)]
    let limit = rlimit::Resource::NOFILE.get_soft().unwrap_or(u64::MAX);
    #[cfg(not(unix))]
    let limit = u64::MAX;
    limit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three(number: u64) -> (usize, usize, usize) {
        let limits = Limits::for_descriptors(number);
        (limits.peer_connections, limits.strangers, limits.handshakes)
    }

    #[test]
    fn defaults_follow_the_descriptors() {
        assert_eq!(three(u64::MAX), (2048, 512, 256));
        assert_eq!(three(4416), (2048, 512, 256));
        assert_ne!(three(4409), (2048, 512, 256));
        assert_eq!(three(1024), (561, 93, 218));
        assert_eq!(three(0), (2, 1, 1));
        assert_eq!(Limits::for_descriptors(1024).peers, 561);
        assert_eq!(Limits::for_descriptors(u64::MAX).peers, 1024);
    }

    #[test]
    fn all_connections_fit() {
        for number in 64..8192 {
            let (peers, strangers, handshakes) = three(number);
            let all = u64::try_from(peers + strangers + handshakes).unwrap();
            assert!(all + OWN_DESCRIPTORS + number / 8 <= number, "{number}: {all}");
        }
    }
}
