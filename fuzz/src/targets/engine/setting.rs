//! How the node is set.

use std::time::Duration;

use testkit::promises::{endpoint, id};
use zre_proto::{Config, MessageLimits, Times};

/// The own node is at endpoint 0, and has the id of node 0 or a larger one than all of them: so it
/// chooses its two-way connections, or follows. The others are 1 to 4.
pub(super) const NODES: u8 = 5;
/// A larger id than that of any other node.
const LAST: u8 = 0xFF;
/// Groups and headers of one peer: so few that one more is soon said.
const ENTRIES: usize = 5;
/// Bytes of what the application sends at a time.
const CONTENT_BYTES: usize = 200;
/// Events that may wait for a link, or for a claim to be proved.
const HELD_EVENTS: usize = 6;
/// And bytes of their content.
const HELD_BYTES: usize = 4096;

/// What the first bytes of an input choose.
pub(super) struct Setting {
    pub(super) config: Config,
    /// Peer 1 answers every PING, after this time.
    pub(super) honest: Option<Duration>,
    /// It has one connection for both directions.
    pub(super) two_way: bool,
    /// Whether quiet peers are ever given up.
    pub(super) ends: bool,
}

impl Setting {
    pub(super) fn new([peers, times, honest, links]: [u8; 4]) -> Self {
        let honest = match honest % 4 {
            0 | 1 => None,
            2 => Some(Duration::ZERO),
            _ => Some(Duration::from_millis(700)),
        };
        // A peer can only answer in time if the time is long enough.
        let chosen = if honest.is_none() { times % 8 } else { 0 };
        let config = Config {
            max_peers: usize::from(peers % 4) + 1,
            message_limits: MessageLimits { entries: ENTRIES, ..MessageLimits::default() },
            max_content_bytes: CONTENT_BYTES,
            max_held_events: HELD_EVENTS,
            max_held_bytes: HELD_BYTES,
            times: self::times(chosen),
            ..Config::new(id(if links & 1 == 0 { 0 } else { LAST }), endpoint(0))
        };
        Self { config, honest, two_way: links & 2 != 0, ends: chosen != 2 }
    }
}

/// The default; none at all; for ever; the short ones long and the long ones short.
fn times(chosen: u8) -> Times {
    let all = |time| Times {
        evasive_timeout: time,
        silent_timeout: time,
        expired_timeout: time,
        probe_timeout: time,
        reconnect_timeout: time,
        greeting_timeout: time,
        drain_timeout: time,
        retry_interval: time,
        max_retry_interval: time,
        rumour_timeout: time,
    };
    match chosen {
        1 => Times { retry_interval: Duration::from_millis(250), ..all(Duration::ZERO) },
        2 => all(Duration::MAX),
        3 => Times {
            evasive_timeout: Duration::from_secs(3),
            silent_timeout: Duration::from_secs(10),
            expired_timeout: Duration::from_secs(2),
            probe_timeout: Duration::from_millis(100),
            reconnect_timeout: Duration::from_millis(300),
            greeting_timeout: Duration::from_secs(1),
            drain_timeout: Duration::from_secs(5),
            retry_interval: Duration::from_millis(500),
            max_retry_interval: Duration::from_secs(2),
            rumour_timeout: Duration::from_secs(8),
        },
        _ => Times::default(),
    }
}
