//! What can be set about an engine.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Endpoint, MessageLimits, PeerId};

/// What a node says about itself: names and values, in the order of the names.
pub type Headers = BTreeMap<String, String>;

/// Who the node is, and its times and limits. Plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The node's id. Must be new for every start of a node: a peer that knew the id before takes
    /// it for the same node come back.
    pub id: PeerId,
    /// The name for people. At most 255 octets; longer ones are refused.
    pub name: String,
    /// Where peers reach the mailbox. Announced in HELLO.
    pub endpoint: Endpoint,
    /// What the node says about itself in HELLO.
    pub headers: Headers,
    /// When quiet peers are asked, and when they are given up.
    pub times: Times,
    /// How many peers the node deals with at most; further ones are ignored. Default 1,024.
    pub max_peers: usize,
    /// How large a HELLO may be, received or sent.
    pub message_limits: MessageLimits,
    /// How many frames the content of one WHISPER or SHOUT may have. More is refused, since peers
    /// would drop the connection that brings it. Default 4,095.
    pub max_content_frames: usize,
    /// How many octets the content of one WHISPER or SHOUT may have, all frames together.
    /// Default 64 MiB less 1 KiB for the header.
    pub max_content_octets: usize,
    /// How many events of one peer may wait until our link to it is up; more, and the peer is
    /// dropped. Default 1,000.
    pub max_held_events: usize,
    /// How many octets of content those events may have. Default 16 MiB.
    pub max_held_octets: usize,
}

impl Config {
    /// A node with this id and endpoint, its default name, and defaults for all else.
    pub fn new(id: PeerId, endpoint: Endpoint) -> Self {
        Self {
            id,
            name: id.default_name(),
            endpoint,
            headers: Headers::new(),
            times: Times::default(),
            max_peers: 1024,
            message_limits: MessageLimits::default(),
            max_content_frames: 4095,
            max_content_octets: 64 * 1024 * 1024 - 1024,
            max_held_events: 1000,
            max_held_octets: 16 * 1024 * 1024,
        }
    }
}

/// When quiet peers are asked, and when they are given up. Everything heard from a peer counts,
/// beacons included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Quiet for this long: the peer is EVASIVE, and is sent one PING. Default 5 s.
    pub evasive: Duration,
    /// The PING has had no answer for this long: the peer is SILENT. Default 1 s.
    pub silent: Duration,
    /// Quiet for this long: the peer is given up, EXIT. Default 30 s.
    pub expired: Duration,
    /// How long a claim about a peer that cannot be proved at once (a goodbye beacon, another
    /// node on its endpoint, a HELLO that may cross ours) may be answered by PING-OK. Default 1 s.
    pub proof: Duration,
    /// A peer that was greeted and does not say HELLO within this time is dropped, to be greeted
    /// afresh by its next beacon; so is one that was there, has lost its connection to our mailbox,
    /// and does not come back within this time. Default 10 s.
    pub greeting: Duration,
    /// When a link breaks: how long the mailbox may still bring what the peer had sent before.
    /// Default 200 ms.
    pub drain: Duration,
    /// How often a peer that is required (see [`Action::Require`](crate::Action::Require)) but
    /// not there is tried again. Default 1 s.
    pub retry: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            evasive: Duration::from_secs(5),
            silent: Duration::from_secs(1),
            expired: Duration::from_secs(30),
            proof: Duration::from_secs(1),
            greeting: Duration::from_secs(10),
            drain: Duration::from_millis(200),
            retry: Duration::from_secs(1),
        }
    }
}
