//! A target that is a secure node, and what an attacker may have.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::curve::Keys;
use crate::network_key::NetworkKey;
use crate::wire::ghost::Ghost;

/// A secure node, and what an attacker may have.
#[derive(Clone, Debug)]
pub struct SecureTarget {
    /// Its key.
    pub key: [u8; 32],
    /// A pair that it trusts: of an attacker that is let in.
    pub insider: Keys,
    /// The key of the network that it is in, which another insider may have.
    pub network: NetworkKey,
    /// The keys of the good peers, in their order. The first one is trusted by its key; all are
    /// members of the network.
    pub good: Vec<[u8; 32]>,
    /// The peer that the insider is at this time, if it is one.
    pub peer: Arc<Mutex<Option<Ghost>>>,
}
