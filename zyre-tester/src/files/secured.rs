//! How a server and a receiver are secured that only measure.

use std::net::SocketAddr;
use std::sync::Arc;

use zmtp::{Curve, Guard, KeyPair, Mechanism, PeerInfo, SecretKey, SessionKeys, Verdict};

/// The secret keys. Everybody knows them: nothing is to be kept from anybody.
const SERVER: [u8; 32] = [1; 32];
const RECEIVER: [u8; 32] = [2; 32];

/// How the server takes connections.
pub(super) fn of_server(is_secure: bool) -> Mechanism {
    let guard = |_: &SessionKeys, _: &PeerInfo, _: SocketAddr| Verdict::Admit;
    let guard: Arc<dyn Guard> = Arc::new(guard);
    if is_secure { Curve::server(pair(SERVER), guard).into() } else { Mechanism::Null }
}

/// How a receiver connects to the server.
pub(super) fn of_receiver(is_secure: bool) -> Mechanism {
    let curve = || Curve::client(pair(RECEIVER), pair(SERVER).public());
    if is_secure { curve().into() } else { Mechanism::Null }
}

fn pair(secret: [u8; 32]) -> KeyPair {
    KeyPair::of(SecretKey::from_bytes(secret))
}
