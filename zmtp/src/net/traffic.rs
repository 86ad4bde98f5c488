//! What a connection has carried.

/// What one connection has carried since its handshake, in bytes on the wire.
///
/// Two of these, some time apart, tell whether the remote is alive: its bytes arrive, or its host
/// acknowledges ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Bytes that the [`Reader`](super::Reader) has received, whole messages or not.
    pub received: u64,
    /// Bytes that the kernel has taken from the [`SendQueue`](super::SendQueue). As long as it has
    /// room for them this says nothing of the remote.
    pub taken: u64,
    /// Of these, bytes that the kernel has taken where it took none before, because it was full:
    /// the remote has acknowledged others meanwhile. Does not grow while nothing waits for the
    /// kernel, though the remote may well acknowledge what it has.
    pub resumed: u64,
}
