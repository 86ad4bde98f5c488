//! What a server demands of its clients, and remembers of them.

use std::time::Duration;

/// What a server demands of its clients, and remembers of them. Construct it with
/// `..ServerConfig::default()`: fields may be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// How long a client may say nothing before it is forgotten and its connection closed. Default:
    /// 60 seconds, as in C FileMQ.
    pub client_timeout: Duration,
    /// The most paths that a client may subscribe to. Default: 1,000.
    pub subscriptions: usize,
    /// The most deletes that may wait for a client that takes nothing. Default: 1,000,000.
    pub deletes: usize,
    /// For how many files the size that a client of another implementation has is remembered. Other
    /// files are deleted there before a new state is sent. Default: 65,536.
    pub sizes: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            client_timeout: Duration::from_secs(60),
            subscriptions: 1000,
            deletes: 1_000_000,
            sizes: 65_536,
        }
    }
}
