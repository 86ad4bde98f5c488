//! How a client treats its servers.

use std::time::Duration;

use crate::Ticket;

/// How a client treats its servers. Construct it with `..ClientConfig::default()`: fields may be
/// added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// The longest time in which the client says nothing. Default: 5 seconds.
    pub heartbeat_interval: Duration,
    /// How long a server may be silent before it is taken for dead. Default: 20 seconds.
    pub silent_timeout: Duration,
    /// How many bytes a server of this implementation may have on their way, or waiting here to be
    /// written. It should be more than the network carries in a round trip. Other servers send all
    /// they have, and TCP slows them down. Default: two million.
    pub window: u64,
    /// Whether files with hidden names are taken; others pay no attention to them. A
    /// [`Client`](crate::Client) does as its [`ReceivedLimits`](crate::ReceivedLimits) say. Default:
    /// no.
    pub hidden: bool,
    /// What the server has given this client, to be known by. Default: none.
    pub ticket: Option<Ticket>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            heartbeat_interval: Duration::from_secs(5),
            silent_timeout: Duration::from_secs(20),
            window: 2_000_000,
            hidden: false,
            ticket: None,
        }
    }
}
