//! Upper bounds for one connection.

use std::time::Duration;

/// Upper bounds for what a remote may make one [`Connection`](crate::Connection) hold or wait for.
///
/// Every bound is checked against the *announced* size, before anything is reserved for it; a
/// violation ends the connection with an error that names the bound. Plain data, set with
/// [`Config::with_limits`](crate::Config::with_limits).
///
/// # Examples
///
/// ```
/// let limits = zmtp::Limits { message: 1 << 20, ..Default::default() };
/// assert_eq!(limits.frames, 4096);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in the body of one message frame. Default 64 MiB.
    pub frame: usize,
    /// Bytes in the bodies of all frames of one message together. Default 64 MiB.
    pub message: usize,
    /// Frames in one message. Default 4,096.
    pub frames: usize,
    /// Bytes in the body of one command (PING and the like) after the handshake. Default 64 KiB.
    pub command: usize,
    /// Different prefixes that the remote of a PUB or XPUB may subscribe to. Default 1,024.
    pub subscriptions: usize,
    /// Bytes of all these prefixes together. Default 64 KiB.
    pub subscription_bytes: usize,
    /// Bytes from the first one of the greeting to the last one of READY. Default 64 KiB.
    pub handshake_bytes: usize,
    /// Time until TCP is connected, for [`net::connect`](crate::net::connect) only. Default 10
    /// seconds: the third repetition of a lost SYN comes after 7.
    pub connect_time: Duration,
    /// Time from the creation of the connection, when its transport is there, to READY. Default 20
    /// seconds: over a bad network a handshake takes several repetitions of what was lost.
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
            subscription_bytes: 64 << 10,
            handshake_bytes: 64 << 10,
            connect_time: Duration::from_secs(10),
            handshake_time: Duration::from_secs(20),
        }
    }
}
