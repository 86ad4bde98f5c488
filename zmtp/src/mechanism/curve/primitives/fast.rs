//! The primitives by `dryoc`.

use std::fmt;

use dryoc::classic::crypto_box::{
    crypto_box_beforenm, crypto_box_detached_afternm_inplace,
    crypto_box_open_detached_afternm_inplace,
};
use dryoc::classic::crypto_core::crypto_scalarmult_base;
use zeroize::Zeroizing;

use super::sizes::{Nonce, TAG};

/// What two key pairs share.
#[derive(Clone)]
pub(in super::super) struct SharedKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedKey(..)")
    }
}

/// Returns the public key of a secret key.
pub(in super::super) fn public_of(secret: &[u8; 32]) -> [u8; 32] {
    let mut public = [0; 32];
    crypto_scalarmult_base(&mut public, secret);
    public
}

/// Returns what a public key and a secret key share; `None` if it is known to everybody.
pub(in super::super) fn shared_key(public: &[u8; 32], secret: &[u8; 32]) -> Option<SharedKey> {
    let key = crypto_box_beforenm(public, secret).ok()?;
    Some(SharedKey(Zeroizing::new(key)))
}

/// Seals `message`, whose first 16 bytes are room for the tag.
pub(in super::super) fn seal_in_place(key: &SharedKey, nonce: &Nonce, message: &mut [u8]) {
    if let Some((tag, plain)) = message.split_first_chunk_mut::<TAG>() {
        crypto_box_detached_afternm_inplace(plain, tag, nonce, &key.0);
    }
}

/// Opens `message`, whose plain text then comes after the first 16 bytes. Returns `false` if it was
/// not sealed with this key and nonce.
#[must_use]
pub(in super::super) fn open_in_place(key: &SharedKey, nonce: &Nonce, message: &mut [u8]) -> bool {
    message.split_first_chunk_mut::<TAG>().is_some_and(|(tag, sealed)| {
        crypto_box_open_detached_afternm_inplace(sealed, tag, nonce, &key.0).is_ok()
    })
}
