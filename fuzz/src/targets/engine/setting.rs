//! How the node is set.

use std::time::Duration;

use zre_proto::{Config, MessageLimits, Times};

use super::common::{endpoint, id};

/// Groups and headers of one peer: so few that one more is soon said.
const ENTRIES: usize = 5;
/// Octets of what the application sends at a time.
const CONTENT_OCTETS: usize = 200;
/// Events that may wait for a link, or for a claim to be proved.
const HELD_EVENTS: usize = 6;
/// And octets of their content.
const HELD_OCTETS: usize = 4096;

/// What the first octets of an input choose.
pub(super) struct Setting {
    pub(super) config: Config,
    /// Peer 1 answers every PING, after this time.
    pub(super) honest: Option<Duration>,
    /// Whether quiet peers are ever given up.
    pub(super) ends: bool,
}

impl Setting {
    pub(super) fn new([peers, times, honest, _]: [u8; 4]) -> Self {
        let honest = match honest % 4 {
            0 | 1 => None,
            2 => Some(Duration::ZERO),
            _ => Some(Duration::from_millis(900)),
        };
        // Who answers in time can only say so if the time is long enough.
        let chosen = if honest.is_none() { times % 8 } else { 0 };
        let config = Config {
            max_peers: usize::from(peers % 4) + 1,
            message_limits: MessageLimits { entries: ENTRIES, ..MessageLimits::default() },
            max_content_octets: CONTENT_OCTETS,
            max_held_events: HELD_EVENTS,
            max_held_octets: HELD_OCTETS,
            times: self::times(chosen),
            ..Config::new(id(0), endpoint(0))
        };
        Self { config, honest, ends: chosen != 2 }
    }
}

/// The default; none at all; for ever; the short ones long and the long ones short.
fn times(chosen: u8) -> Times {
    let all = |time| Times {
        evasive: time,
        silent: time,
        expired: time,
        proof: time,
        greeting: time,
        drain: time,
        retry: time,
    };
    match chosen {
        1 => Times { retry: Duration::from_millis(250), ..all(Duration::ZERO) },
        2 => all(Duration::MAX),
        3 => Times {
            evasive: Duration::from_secs(3),
            silent: Duration::from_secs(10),
            expired: Duration::from_secs(2),
            proof: Duration::from_millis(100),
            greeting: Duration::from_secs(1),
            drain: Duration::from_secs(5),
            retry: Duration::from_millis(500),
        },
        _ => Times::default(),
    }
}
