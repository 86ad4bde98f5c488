//! The end of a handshake.

use std::fmt;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::guard::Guard;
use super::nonce::{self, counted};
use super::primitives::{SharedKey, TAG, seal_in_place};
use super::session_keys::{SessionKeys, Side};
use super::traffic::{Opener, Sealer};
use crate::mechanism::metadata;
use crate::{Error, command};

/// The reason in ERROR for a client that is not let in: that of a ZAP handler (RFC 27).
const REFUSED: &str = "400";

/// What it takes to let a remote in that has proved its key.
pub(crate) struct Admission {
    pub(super) keys: SessionKeys,
    /// For everything that follows.
    pub(super) key: SharedKey,
    /// The nonce that the remote has used last.
    pub(super) nonce: u64,
    /// What a server says of itself in READY.
    pub(super) ready: Option<Ready>,
}

/// What a server says of itself in READY, without the properties of its guard.
#[derive(Clone)]
pub(super) struct Ready {
    pub(super) guard: Arc<dyn Guard>,
    pub(super) metadata: Bytes,
}

/// What follows a handshake.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// READY of a server, as a whole frame.
    pub(crate) ready: Option<Bytes>,
    pub(crate) sealer: Sealer,
    pub(crate) opener: Opener,
}

impl Admission {
    /// Returns the keys of the connection.
    pub(crate) const fn keys(&self) -> SessionKeys {
        self.keys
    }

    /// Lets the remote in.
    ///
    /// # Errors
    /// [`Error::Property`] for what the guard adds.
    pub(crate) fn admit(self) -> Result<Admitted, Error> {
        let Self { keys, key, nonce, ready } = self;
        let (ours, first, theirs) = match keys.side {
            Side::Client => (nonce::MESSAGE_OF_CLIENT, 3, nonce::MESSAGE_OF_SERVER),
            Side::Server => (nonce::MESSAGE_OF_SERVER, 2, nonce::MESSAGE_OF_CLIENT),
        };
        let ready = match ready {
            Some(ready) => Some(ready.seal(&keys, &key)?),
            None => None,
        };
        let sealer = Sealer::new(key.clone(), ours, first);
        Ok(Admitted { ready, sealer, opener: Opener::new(key, theirs, nonce) })
    }

    /// Returns what is said to a remote that is refused: nothing by a client.
    pub(crate) fn refusal(&self) -> Option<Bytes> {
        matches!(self.keys.side, Side::Server).then(|| command::error(REFUSED))
    }
}

impl Ready {
    fn seal(self, keys: &SessionKeys, key: &SharedKey) -> Result<Bytes, Error> {
        let counter = 1_u64.to_be_bytes();
        let mut data = BytesMut::from(&counter[..]);
        data.put_bytes(0, TAG);
        data.put_slice(&self.metadata);
        metadata::put_all(&mut data, self.guard.properties(keys))?;
        seal_in_place(key, &counted(nonce::READY, counter), &mut data[counter.len()..]);
        Ok(command::frame(b"READY", &data))
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("keys", &self.keys).finish_non_exhaustive()
    }
}
