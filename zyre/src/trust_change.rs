//! What becomes of trust while a node runs.

use zre_proto::PublicKey;

/// Whom a node trusts has changed.
#[cfg_attr(not(feature = "curve"), expect(dead_code, reason = "no node is secure"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrustChange {
    /// Somebody may be trusted who was not before.
    Begun,
    /// Nobody with this key is dealt with any more.
    Ended(PublicKey),
}
