//! Nonces: a prefix that says what for, and a counter or random bytes (RFC 26, "Nonces").

/// A number that is used once with a key.
pub(super) type Nonce = [u8; 24];

/// What a nonce with a counter begins with.
pub(super) type Prefix = [u8; 16];

/// The prefixes of nonces with a counter.
pub(super) const HELLO: &Prefix = b"CurveZMQHELLO---";
pub(super) const INITIATE: &Prefix = b"CurveZMQINITIATE";
pub(super) const READY: &Prefix = b"CurveZMQREADY---";
pub(super) const MESSAGE_OF_CLIENT: &Prefix = b"CurveZMQMESSAGEC";
pub(super) const MESSAGE_OF_SERVER: &Prefix = b"CurveZMQMESSAGES";

/// The prefixes of nonces with random bytes.
pub(super) const WELCOME: &[u8; 8] = b"WELCOME-";
pub(super) const VOUCH: &[u8; 8] = b"VOUCH---";

/// Returns a nonce with a counter as it is on the wire.
pub(super) fn counted(prefix: &Prefix, counter: [u8; 8]) -> Nonce {
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
