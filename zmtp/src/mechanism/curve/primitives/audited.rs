//! The primitives by `crypto_box`.

use std::fmt;
use std::sync::Arc;

use crypto_box::aead::AeadInPlace;
use crypto_box::{PublicKey, SalsaBox, SecretKey};

use super::super::nonce::{Nonce, Prefix, counted};
use super::sizes::TAG;

/// What two key pairs share.
#[derive(Clone)]
pub(in super::super) struct SharedKey(Arc<SalsaBox>);

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedKey(..)")
    }
}

/// Returns the public key of a secret key.
pub(in super::super) fn public_of(secret: &[u8; 32]) -> [u8; 32] {
    SecretKey::from_bytes(*secret).public_key().to_bytes()
}

/// Returns what a public key and a secret key share. This crate takes keys of low order as well,
/// which no key that came in can be: they are checked before.
pub(in super::super) fn shared_key(public: &[u8; 32], secret: &[u8; 32]) -> Option<SharedKey> {
    let (public, secret) = (PublicKey::from_bytes(*public), SecretKey::from_bytes(*secret));
    Some(SharedKey(Arc::new(SalsaBox::new(&public, &secret))))
}

/// Seals `message`, whose first 16 bytes are room for the tag.
pub(in super::super) fn seal_in_place(key: &SharedKey, nonce: &Nonce, message: &mut [u8]) {
    if let Some((tag, plain)) = message.split_first_chunk_mut::<TAG>() {
        // It fails for associated data only, and there is none.
        if let Ok(made) = key.0.encrypt_in_place_detached(nonce.into(), &[], plain) {
            tag.copy_from_slice(&made);
        }
    }
}

/// Opens `message`, whose plain text then comes after the first 16 bytes. Returns `false` if it was
/// not sealed with this key and nonce.
#[must_use]
pub(in super::super) fn open_in_place(key: &SharedKey, nonce: &Nonce, message: &mut [u8]) -> bool {
    message.split_first_chunk_mut::<TAG>().is_some_and(|(tag, sealed)| {
        let tag: &[u8; TAG] = tag;
        key.0.decrypt_in_place_detached(nonce.into(), &[], sealed, tag.into()).is_ok()
    })
}

/// The key of messages that are numbered, as those of one direction of a connection are.
pub(in super::super) struct MessageKey {
    key: SharedKey,
    prefix: &'static Prefix,
}

impl fmt::Debug for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageKey(..)")
    }
}

impl MessageKey {
    /// Creates the key of messages whose nonces begin with `prefix`.
    pub(in super::super) const fn new(key: SharedKey, prefix: &'static Prefix) -> Self {
        Self { key, prefix }
    }

    /// Seals a message like [`seal_in_place`].
    pub(in super::super) fn seal(&mut self, number: u64, message: &mut [u8]) {
        seal_in_place(&self.key, &counted(self.prefix, number.to_be_bytes()), message);
    }

    /// Opens a message like [`open_in_place`].
    #[must_use]
    pub(in super::super) fn open(&mut self, number: u64, message: &mut [u8]) -> bool {
        open_in_place(&self.key, &counted(self.prefix, number.to_be_bytes()), message)
    }
}
