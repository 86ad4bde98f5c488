//! How a connection is secured by CURVE.

use std::fmt;
use std::sync::Arc;

use super::guard::Guard;
use super::keys::{KeyPair, PublicKey};

/// How a connection is secured by CURVE: as what, with which keys, and against whom.
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

    /// Secures a connection as the server of those that `guard` lets in. There is no default for
    /// whom that should be.
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
