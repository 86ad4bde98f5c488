//! Times that a driver keeps when it stops a node, so that peers see a goodbye and not a crash.

use std::time::Duration;

/// How long a stop waits for a peer that takes nothing of what was accepted for it.
pub const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a stop waits for peers that take what was accepted for them.
pub const MAX_FLUSH_TIME: Duration = Duration::from_secs(10);

/// The pause between the last message and the goodbye beacon: a peer that reads the beacon first
/// would drop what is still on its way by TCP.
pub const PAUSE_BEFORE_GOODBYE: Duration = Duration::from_millis(10);

/// The pause between the goodbye beacon and the end of the links: a peer that sees the links end
/// first takes it for a crash.
pub const PAUSE_AFTER_GOODBYE: Duration = Duration::from_millis(5);

/// How long a connection on which everything was sent is still read while nothing comes: closing it
/// with unread bytes destroys what is still on its way.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long it is read at most.
pub const MAX_LINGER_TIME: Duration = Duration::from_secs(10);
