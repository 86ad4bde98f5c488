//! What becomes of trust while a node runs.

use zre_proto::PublicKey;

/// A change of the keys that a node trusts.
#[cfg_attr(not(feature = "curve"), expect(dead_code, reason = "no node is secure"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrustChange {
    /// A node may be trusted that was not before.
    Begun,
    /// Nobody with this key is dealt with any more.
    Ended(PublicKey),
}
