//! How a client treats its servers.

use std::time::Duration;

use crate::Ticket;

/// Which of the files that servers have a client takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accept {
    /// All for which there is room. One for which there is none for now waits until there is, and holds
    /// up no other.
    #[default]
    All,
    /// Those of which the application says so.
    Ask,
}

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
    /// Which files are taken. Default: all.
    pub accept: Accept,
    /// How many offers of a server are remembered at a time; others wait until there are fewer, and that
    /// is told. Default: 100,000.
    pub offers: usize,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            heartbeat_interval: Duration::from_secs(5),
            silent_timeout: Duration::from_secs(20),
            window: 2_000_000,
            hidden: false,
            ticket: None,
            accept: Accept::All,
            offers: 100_000,
        }
    }
}
