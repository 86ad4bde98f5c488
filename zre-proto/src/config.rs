//! What can be set about an engine.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Endpoint, MessageLimits, PeerId, PublicKey};

/// A pause is doubled this many times at most, whatever is set.
const MAX_DOUBLINGS: u32 = 16;

/// What a node says about itself: names and values, in the order of the names.
pub type Headers = BTreeMap<String, String>;

/// The node's id, its times and its limits. Plain data: construct it with
/// `..Config::new(id, endpoint)`, since fields may be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The node's id. Must be new for every start of a node: a peer that knew the id before takes
    /// it for the same node come back.
    pub id: PeerId,
    /// The node's public key, if it is a secure one: then it deals with secure nodes only, and an id
    /// belongs to the key that has greeted in its name. Default `None`.
    pub key: Option<PublicKey>,
    /// The name for people. At most 255 bytes; longer ones are refused.
    pub name: String,
    /// Where peers reach the mailbox. Announced in HELLO.
    pub endpoint: Endpoint,
    /// What the node says about itself in HELLO.
    pub headers: Headers,
    /// When peers are asked, and when they are given up.
    pub times: Times,
    /// Whether nodes of other implementations are told of elections before they have said anything
    /// about one themselves. Nodes of the C library that never contest then elect this node as
    /// well; others, such as pyre and zyre.js, end their connection each time. Default `false`.
    pub elect_with_everyone: bool,
    /// How many peers the node deals with at most; further ones are ignored. Default 1,024.
    pub max_peers: usize,
    /// How many connections to peers there may be: a two-way peer has one, any other one two, and a
    /// node that is not met yet is reckoned with two. Further nodes are ignored. Default 2,048.
    pub max_connections: usize,
    /// How many peers and endpoints the application may require; each is tried about once in
    /// [`Times::retry_interval`] while nobody is met there. Default 256.
    pub max_required: usize,
    /// How large a HELLO may be, received or sent.
    pub message_limits: MessageLimits,
    /// How many frames the content of one WHISPER or SHOUT may have. More is refused, since peers
    /// would drop the connection that brings it. Default 4,095.
    pub max_content_frames: usize,
    /// How many bytes the content of one WHISPER or SHOUT may have, all frames together.
    /// Default 64 MiB less 1 KiB for the header.
    pub max_content_bytes: usize,
    /// How many events of one peer may wait until our link to it is up; more, and the peer is
    /// dropped. Default 1,000.
    pub max_held_events: usize,
    /// How many bytes of content those events may have. Default 16 MiB.
    pub max_held_bytes: usize,
}

impl Config {
    /// A node with this id and endpoint, its default name, and defaults for all else.
    pub fn new(id: PeerId, endpoint: Endpoint) -> Self {
        Self {
            id,
            key: None,
            name: id.default_name(),
            endpoint,
            headers: Headers::new(),
            times: Times::default(),
            elect_with_everyone: false,
            max_peers: 1024,
            max_connections: 2048,
            max_required: 256,
            message_limits: MessageLimits::default(),
            max_content_frames: 4095,
            max_content_bytes: 64 * 1024 * 1024 - 1024,
            max_held_events: 1000,
            max_held_bytes: 16 * 1024 * 1024,
        }
    }
}

/// When peers are asked, when they are given up, and when they are tried again. Construct it with
/// `..Times::default()`, since fields may be added.
///
/// A peer is *quiet* while nothing is heard of it, beacons included; and while what was sent to it
/// is not answered, though it may be heard: PING-OK, or the progress of a queue that is not empty,
/// is the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Quiet for this long, a peer is EVASIVE. It is sent one PING after half of it. Default 5 s.
    pub evasive_timeout: Duration,
    /// EVASIVE for this long, and still quiet, a peer is SILENT. Default 1 s.
    pub silent_timeout: Duration,
    /// Quiet for this long, a peer is given up: EXIT. So is one that was greeted on a connection
    /// that is up, and does not greet back. Default 30 s.
    pub expired_timeout: Duration,
    /// How long a peer has to answer the PING that tests a suspicion (a goodbye beacon, another
    /// node on its endpoint, a HELLO that may cross ours) or a challenge. While bytes move on its
    /// connection it has longer. Default 1 s.
    pub probe_timeout: Duration,
    /// The same where a two-way connection challenges: mostly the peer has lost the path of the one
    /// that it has, and comes by another. Default 800 ms.
    pub reconnect_timeout: Duration,
    /// How long a peer that speaks first has to do so on a connection that this node has dialled;
    /// how long one that was there, and has lost its connection to our mailbox, has to come back.
    /// Default 10 s.
    pub greeting_timeout: Duration,
    /// When a connection breaks: how long it may still bring what the peer had sent before.
    /// Default 200 ms.
    pub drain_timeout: Duration,
    /// The pause before an endpoint that could not be reached is tried again; twice as long after
    /// each further failure, up to `max_retry_interval`. What is required (see
    /// [`Action::Require`](crate::Action::Require)), and has been met there before, is tried again
    /// once in this time, however often it fails. Default 1 s.
    pub retry_interval: Duration,
    /// The longest pause between two attempts. Default 60 s.
    pub max_retry_interval: Duration,
    /// How long a node is looked for where others have told that it is (see
    /// [`Input::Rumour`](crate::Input::Rumour)), if it is not met there. Default 5 min.
    pub rumour_timeout: Duration,
}

impl Times {
    /// How long a peer is quiet before it is asked. It is never given up unasked, whatever is set,
    /// and has the other half to answer: on a bad network a message is repeated several times.
    pub(crate) fn ask_after(&self) -> Duration {
        self.evasive_timeout.min(self.expired_timeout) / 2
    }

    /// The pause before an endpoint is tried again that has failed this often in a row.
    pub(crate) fn pause_after(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(MAX_DOUBLINGS);
        self.retry_interval.saturating_mul(1 << doublings).min(self.max_retry_interval)
    }

    /// The pause before something is tried again that is required, and was met there before: it is
    /// tried once in an interval, by an attempt that has taken this long.
    pub(crate) fn pause_if_required(&self, taken: Duration) -> Duration {
        self.retry_interval.saturating_sub(taken).max(self.retry_interval / 4)
    }
}

impl Default for Times {
    fn default() -> Self {
        Self {
            evasive_timeout: Duration::from_secs(5),
            silent_timeout: Duration::from_secs(1),
            expired_timeout: Duration::from_secs(30),
            probe_timeout: Duration::from_secs(1),
            reconnect_timeout: Duration::from_millis(800),
            greeting_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_millis(200),
            retry_interval: Duration::from_secs(1),
            max_retry_interval: Duration::from_secs(60),
            rumour_timeout: Duration::from_secs(5 * 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_asked_in_time_before_it_is_evasive_and_before_it_is_given_up() {
        let times = Times::default();
        assert_eq!(times.ask_after(), times.evasive_timeout / 2);
        let hasty = Times { expired_timeout: Duration::from_secs(4), ..times };
        assert_eq!(hasty.ask_after(), hasty.expired_timeout / 2);
    }
}
