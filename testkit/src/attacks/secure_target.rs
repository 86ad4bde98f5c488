//! A target that is a secure node, and what an attacker may have.

use crate::curve::Keys;
use crate::network_key::NetworkKey;

/// A secure node, and what an attacker may have.
#[derive(Clone, Debug)]
pub struct SecureTarget {
    /// Its key.
    pub key: [u8; 32],
    /// A pair that it trusts: somebody who is let in, and is evil.
    pub insider: Keys,
    /// The key of the network that it is in, which another insider may have.
    pub network: NetworkKey,
    /// The keys of the good peers, in their order. The first one is trusted by its key; all are
    /// members of the network.
    pub good: Vec<[u8; 32]>,
}
