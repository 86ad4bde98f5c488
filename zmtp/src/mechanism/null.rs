//! The NULL handshake: one READY each way (RFC 37, "The NULL Security Mechanism").

use bytes::Bytes;

use super::metadata;
use crate::{Config, command};

/// Returns our READY as a whole frame.
pub(crate) fn ready(config: &Config) -> Bytes {
    command::frame(b"READY", &metadata::ours(config))
}
