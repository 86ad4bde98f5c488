//! How a connection is secured by CURVE.

use std::fmt;
use std::sync::Arc;

use super::guard::Guard;
use super::keys::{KeyPair, PublicKey};

/// How a connection is secured by CURVE: in which role, and with which keys.
///
/// Cheap to clone.
#[derive(Clone)]
pub struct Curve {
    pub(super) keys: KeyPair,
    pub(super) role: Role,
}

#[derive(Clone)]
pub(super) enum Role {
    Client { server: PublicKey, guard: Option<Arc<dyn Guard>> },
    Server { guard: Arc<dyn Guard> },
}

impl Curve {
    /// Secures a connection as the client of the one that holds the secret key of `server`: with
    /// nobody else the handshake succeeds.
    pub const fn client(keys: KeyPair, server: PublicKey) -> Self {
        Self { keys, role: Role::Client { server, guard: None } }
    }

    /// Secures a connection as the client of the one that holds the secret key of `server`, if
    /// `guard` lets it in as well: it sees what the server says of itself.
    pub fn client_with_guard(keys: KeyPair, server: PublicKey, guard: Arc<dyn Guard>) -> Self {
        Self { keys, role: Role::Client { server, guard: Some(guard) } }
    }

    /// Secures a connection as the server of the clients that `guard` lets in. There is no
    /// default guard.
    pub fn server(keys: KeyPair, guard: Arc<dyn Guard>) -> Self {
        Self { keys, role: Role::Server { guard } }
    }

    /// Returns our public key.
    pub const fn public(&self) -> PublicKey {
        self.keys.public()
    }

    /// Returns who decides about the remote; `None` for a client that lets every holder of the
    /// server's key in.
    pub fn guard(&self) -> Option<&Arc<dyn Guard>> {
        match &self.role {
            Role::Client { guard, .. } => guard.as_ref(),
            Role::Server { guard } => Some(guard),
        }
    }
}

/// Two are equal if they have the same keys and role, and the same guard decides: the connections that
/// they secure are those of the same two.
impl PartialEq for Curve {
    fn eq(&self, other: &Self) -> bool {
        self.public() == other.public() && self.role == other.role
    }
}

impl Eq for Curve {}

impl PartialEq for Role {
    fn eq(&self, other: &Self) -> bool {
        let is_same = |one: &Arc<dyn Guard>, other: &Arc<dyn Guard>| {
            std::ptr::addr_eq(Arc::as_ptr(one), Arc::as_ptr(other))
        };
        match (self, other) {
            (
                Self::Client { server: one, guard: first },
                Self::Client { server: other, guard: second },
            ) => {
                let is_same_guard = match (first, second) {
                    (Some(first), Some(second)) => is_same(first, second),
                    (None, None) => true,
                    _ => false,
                };
                one == other && is_same_guard
            }
            (Self::Server { guard: one }, Self::Server { guard: other }) => is_same(one, other),
            _ => false,
        }
    }
}

impl fmt::Debug for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Curve");
        shown.field("public", &self.public());
        match &self.role {
            Role::Client { server, .. } => shown.field("server", server).finish_non_exhaustive(),
            Role::Server { .. } => shown.field("role", &"server").finish_non_exhaustive(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use super::{Curve, Guard};
    use crate::PeerInfo;
    use crate::mechanism::curve::{KeyPair, SessionKeys, Verdict};

    #[test]
    fn what_secures_the_same_connection_is_equal() {
        let admit = |_: &SessionKeys, _: &PeerInfo, _: SocketAddr| Verdict::Admit;
        let [one, other]: [Arc<dyn Guard>; 2] = [Arc::new(admit), Arc::new(admit)];
        let [own, bob, eve] = [(); 3].map(|()| KeyPair::generate().unwrap());
        let to_bob = Curve::client_with_guard(own.clone(), bob.public(), one.clone());
        let all = [
            Curve::client_with_guard(own.clone(), eve.public(), one.clone()),
            Curve::client_with_guard(eve.clone(), bob.public(), one.clone()),
            Curve::client(own.clone(), bob.public()),
            Curve::server(own.clone(), one.clone()),
            Curve::server(own.clone(), other.clone()),
        ];
        assert_eq!(to_bob, to_bob.clone());
        assert_ne!(to_bob, Curve::client_with_guard(own, bob.public(), other));
        for (i, curve) in all.iter().enumerate() {
            assert_ne!(*curve, to_bob);
            for (j, other) in all.iter().enumerate() {
                assert_eq!(curve == other, i == j, "{curve:?} {other:?}");
            }
        }
    }
}
