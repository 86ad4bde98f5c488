//! Every limit of a node, in one place.

use std::time::Duration;

/// How much a node takes, from the network and from its application. Plain data.
///
/// Most limits are per peer or per connection: the worst case is their product with `peers` or
/// `connections`; with the defaults, 16 GiB of outgoing queues.
///
/// # Descriptors
/// Each peer takes two descriptors of the process, one for the connection each way, and each
/// connection of somebody who is not a peer takes one. A node that has none left meets nobody. So
/// the defaults of `peers`, `connections` and `handshakes` fit into the soft limit of the process
/// for open files (`RLIMIT_NOFILE`, `ulimit -n`) as it is when [`Default`] is asked, as
/// [`for_descriptors`](Self::for_descriptors) says: with 1,024, the usual limit, they are 279, 375
/// and 218. From 6,171 on, and where there is no such limit, they are as stated below. The limit of
/// the process is never changed: an application that wants more peers raises it first. What is
/// set explicitly holds.
///
/// ```
/// let limits = zyre::Limits { peers: 64, link_messages: 10_000, ..Default::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Peers at a time. Further ones are ignored and counted. Default 1,024, or less for want of
    /// descriptors.
    pub peers: usize,
    /// Octets of one message, all frames together. A connection that announces more is closed
    /// before anything is allocated; before HELLO the limit is `hello_octets`. Default 64 MiB.
    /// Content that this node sends may have 512 octets less, and one frame less than
    /// `message_frames`: the header needs them.
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
    /// one more, and the oldest of them is closed. Default 4,096, or less for want of descriptors.
    pub connections: usize,
    /// Connections at the mailbox whose handshake is not done. One more, and the oldest of them
    /// is closed. Default 256, or less for want of descriptors.
    pub handshakes: usize,
    /// How long connecting, and a handshake, may take. Default 5 s.
    pub handshake_time: Duration,
}

/// What a node has open besides connections, and the runtime, and the standard streams; and
/// sockets that are being closed.
const OWN_DESCRIPTORS: u64 = 24;

impl Limits {
    /// The defaults for a process, or a node's share of one, that may have so many descriptors
    /// open.
    ///
    /// An eighth of them, and 24, are left to the application, the runtime and the node's own
    /// sockets. Of the rest a quarter goes to handshakes: who is pushed out by a flood of others has
    /// to come again with the next beacon. What then remains is divided so that every peer has its
    /// two connections even while strangers hold the quarter of [`connections`](Self::connections)
    /// that they may: three parts links to peers, four parts connections at the mailbox.
    ///
    /// ```
    /// // Two nodes in a process that may open 1,024 files.
    /// let limits = zyre::Limits::for_descriptors(1024 / 2);
    /// assert_eq!((limits.peers, limits.connections, limits.handshakes), (135, 183, 106));
    /// ```
    pub fn for_descriptors(number: u64) -> Self {
        let budget = number.saturating_sub(number / 8).saturating_sub(OWN_DESCRIPTORS);
        // What is more than the largest default makes no difference.
        let budget = usize::try_from(budget.min(1 << 20)).unwrap_or(usize::MAX);
        let handshakes = (budget / 4).clamp(1, 256);
        let rest = budget.saturating_sub(handshakes);
        let peers = (rest / 7 * 3).clamp(1, 1024);
        let connections = rest.saturating_sub(peers).clamp(2, 4096);
        Self {
            peers,
            message_octets: 64 * 1024 * 1024,
            message_frames: 4096,
            hello_entries: 4096,
            hello_octets: 1024 * 1024,
            link_messages: 1000,
            link_octets: 16 * 1024 * 1024,
            events: 10_000,
            event_octets: 64 * 1024 * 1024,
            connections,
            handshakes,
            handshake_time: Duration::from_secs(5),
        }
    }
}

impl Default for Limits {
    /// The defaults for this process, as its limit of open files is now.
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
        (limits.peers, limits.connections, limits.handshakes)
    }

    #[test]
    fn defaults_follow_the_descriptors() {
        assert_eq!(three(u64::MAX), (1024, 4096, 256));
        assert_eq!(three(6171), (1024, 4096, 256));
        assert_ne!(three(6170), (1024, 4096, 256));
        assert_eq!(three(1024), (279, 375, 218));
        assert_eq!(three(0), (1, 2, 1));
    }

    #[test]
    fn all_connections_fit_and_all_peers_have_theirs() {
        for number in 64..8192 {
            let (peers, connections, handshakes) = three(number);
            let all = u64::try_from(peers + connections + handshakes).unwrap();
            assert!(all + OWN_DESCRIPTORS + number / 8 <= number, "{number}: {all}");
            let strangers = Limits::for_descriptors(number).strangers();
            assert!(connections - strangers >= peers, "{number}: {peers} of {connections}");
        }
    }
}
