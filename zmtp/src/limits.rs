//! What one connection may cost.

use std::time::Duration;

/// Upper bounds for what a remote may make one [`Connection`](crate::Connection) hold or wait for.
///
/// Every bound is checked against the *announced* size, before anything is reserved for it; a
/// violation ends the connection with an error that names the bound. Plain data: change a field
/// and hand the whole to [`Config`](crate::Config).
///
/// ```
/// let limits = zmtp::Limits { message: 1 << 20, ..Default::default() };
/// assert_eq!(limits.frames, 4096);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets in the body of one message frame. Default 64 MiB.
    pub frame: usize,
    /// Octets in the bodies of all frames of one message together. Default 64 MiB.
    pub message: usize,
    /// Frames in one message. Default 4,096.
    pub frames: usize,
    /// Octets in the body of one command (PING and the like) after the handshake. Default 64 KiB.
    pub command: usize,
    /// Different prefixes that the remote of a PUB or XPUB may subscribe to. Default 1,024.
    pub subscriptions: usize,
    /// Octets of all these prefixes together. Default 64 KiB.
    pub subscription_octets: usize,
    /// Octets from the first one of the greeting to the last one of READY. Default 64 KiB.
    pub handshake_octets: usize,
    /// Time from the making of the connection to READY. Default 5 seconds.
    pub handshake_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: 64 << 20,
            message: 64 << 20,
            frames: 4096,
            command: 64 << 10,
            subscriptions: 1024,
            subscription_octets: 64 << 10,
            handshake_octets: 64 << 10,
            handshake_time: Duration::from_secs(5),
        }
    }
}
