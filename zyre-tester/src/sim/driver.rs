//! What the driver of the library has set, in virtual time.

use std::sync::LazyLock;

use zyre::Limits;

use super::time::Micros;

static LIMITS: LazyLock<Limits> = LazyLock::new(Limits::default);

/// Returns how long a host may take to answer at all.
pub(super) fn connect_time() -> Micros {
    LIMITS.connect_time.as_micros() as Micros
}

/// Returns how long a handshake may take, and how long a connection may bring nothing good.
pub(super) fn handshake_time() -> Micros {
    LIMITS.handshake_time.as_micros() as Micros
}

/// Returns how many messages may wait for one peer.
pub(super) fn link_messages() -> usize {
    LIMITS.link_messages
}
