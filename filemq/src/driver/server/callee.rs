//! A client that a server calls.

use std::sync::Arc;

use bytes::Bytes;

use crate::driver::way::Way;

/// A client that a server calls.
pub(super) struct Callee {
    /// What the application calls it.
    pub(super) name: Arc<str>,
    /// The identity that it would announce as a client.
    pub(super) identity: Bytes,
    pub(super) way: Way,
}
