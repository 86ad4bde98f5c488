//! Nonces: a prefix that says what for, and a counter or random bytes (RFC 26, "Nonces").

use super::primitives::Nonce;

/// The prefixes of nonces with a counter.
pub(super) const HELLO: &[u8; 16] = b"CurveZMQHELLO---";
pub(super) const INITIATE: &[u8; 16] = b"CurveZMQINITIATE";
pub(super) const READY: &[u8; 16] = b"CurveZMQREADY---";
pub(super) const MESSAGE_OF_CLIENT: &[u8; 16] = b"CurveZMQMESSAGEC";
pub(super) const MESSAGE_OF_SERVER: &[u8; 16] = b"CurveZMQMESSAGES";

/// The prefixes of nonces with random bytes.
pub(super) const WELCOME: &[u8; 8] = b"WELCOME-";
pub(super) const VOUCH: &[u8; 8] = b"VOUCH---";

/// Returns a nonce with a counter as it is on the wire.
pub(super) fn counted(prefix: &[u8; 16], counter: [u8; 8]) -> Nonce {
    let mut nonce = [0; 24];
    nonce[..16].copy_from_slice(prefix);
    nonce[16..].copy_from_slice(&counter);
    nonce
}

/// Returns a nonce with random bytes.
pub(super) fn random(prefix: &[u8; 8], bytes: &[u8; 16]) -> Nonce {
    let mut nonce = [0; 24];
    nonce[..8].copy_from_slice(prefix);
    nonce[8..].copy_from_slice(bytes);
    nonce
}
