//! Secure nodes: their keys, and which keys they trust.

mod certificate;
mod file;
mod gate;
mod identity;
mod network_key;
mod public_key;
mod trust;
mod words;

pub use self::file::KeyFileError;
pub(crate) use self::gate::Gate;
pub use self::identity::Identity;
pub(crate) use self::identity::id_of;
pub use self::network_key::NetworkKey;
pub use self::public_key::{KeyWords, ParsePublicKeyError, PublicKey};
pub use self::trust::Trust;
pub(crate) use self::trust::Worth;
pub use self::words::WordsError;

/// The key that the other end of a connection has proved.
pub(crate) fn proved(peer: &zmtp::PeerInfo) -> Option<zre_proto::PublicKey> {
    peer.key().map(|key| PublicKey::of_curve(key).into())
}

/// Where nodes of a network with a key announce themselves: a beacon with a key ends every pyre that
/// hears it on the port of all others.
pub const NETWORK_BEACON_PORT: u16 = 5669;
