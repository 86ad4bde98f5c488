//! The primitives by `dryoc`, and for small messages Salsa20 of our own.

use std::array::from_fn;
use std::fmt;

use dryoc::classic::crypto_box::{
    crypto_box_beforenm, crypto_box_detached_afternm_inplace,
    crypto_box_open_detached_afternm_inplace,
};
use dryoc::classic::crypto_core::{crypto_core_hsalsa20, crypto_scalarmult_base};
use dryoc::classic::crypto_onetimeauth::{crypto_onetimeauth, crypto_onetimeauth_verify};
use zeroize::Zeroizing;

use super::super::nonce::{Nonce, Prefix, counted};
use super::keystream::{BLOCK, Blocks, LANES, Salsa20, add, nonce_words};
use super::sizes::TAG;

/// Bytes of plain text from which on `dryoc` is as fast by itself: it makes a key of its own and
/// two blocks by themselves for each message.
const LARGE: usize = 2048;

/// Blocks of each message that are made together with those of the next ones.
const AHEAD: usize = 2;

/// Messages whose first blocks are made together.
const MESSAGES: usize = LANES / AHEAD;

/// Words of the keystream that are the key of the tag.
const TAG_KEY: usize = 8;

/// Bytes of plain text for which the blocks made ahead do.
const SMALL: usize = 4 * (AHEAD * BLOCK - TAG_KEY);

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

/// The key of messages that are numbered, as those of one direction of a connection are.
///
/// The nonces of one direction differ in their last part only. What XSalsa20 makes of the key and
/// the first part is made once, and the first blocks of some messages are made together: nearly all
/// that a small message costs otherwise.
pub(in super::super) struct MessageKey {
    key: SharedKey,
    prefix: &'static Prefix,
    salsa: Salsa20,
    /// The number of the message that the first of the blocks made ahead belong to.
    first: u64,
    /// The first blocks of some messages.
    ahead: Option<Box<Zeroizing<Blocks>>>,
    /// Room for further blocks of one: to overwrite them for each message would take longer than to
    /// add them.
    further: Option<Box<Zeroizing<Blocks>>>,
}

impl fmt::Debug for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageKey(..)")
    }
}

impl MessageKey {
    /// Creates the key of messages whose nonces begin with `prefix`.
    pub(in super::super) fn new(key: SharedKey, prefix: &'static Prefix) -> Self {
        let mut own = Zeroizing::new([0; 32]);
        crypto_core_hsalsa20(&mut own, prefix, &key.0, None);
        let salsa = Salsa20::new(&own);
        Self { key, prefix, salsa, first: 0, ahead: None, further: None }
    }

    /// Seals a message like [`seal_in_place`].
    pub(in super::super) fn seal(&mut self, number: u64, message: &mut [u8]) {
        if message.len() >= TAG + LARGE {
            return seal_in_place(&self.key, &counted(self.prefix, number.to_be_bytes()), message);
        }
        if let Some((tag, plain)) = message.split_first_chunk_mut::<TAG>() {
            let key = self.tag_key(number);
            self.add_keystream(number, plain);
            crypto_onetimeauth(tag, plain, &key);
        }
    }

    /// Opens a message like [`open_in_place`].
    #[must_use]
    pub(in super::super) fn open(&mut self, number: u64, message: &mut [u8]) -> bool {
        if message.len() >= TAG + LARGE {
            return open_in_place(&self.key, &counted(self.prefix, number.to_be_bytes()), message);
        }
        let Some((tag, sealed)) = message.split_first_chunk_mut::<TAG>() else { return false };
        let key = self.tag_key(number);
        let is_ours = crypto_onetimeauth_verify(tag, sealed, &key).is_ok();
        if is_ours {
            self.add_keystream(number, sealed);
        }
        is_ours
    }

    /// Returns the key of the tag of a message.
    fn tag_key(&mut self, number: u64) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        add(&mut *key, &self.first_blocks(number)[..TAG_KEY]);
        key
    }

    /// Adds the keystream of a message to its text.
    fn add_keystream(&mut self, number: u64, text: &mut [u8]) {
        let (begin, rest) = text.split_at_mut(text.len().min(SMALL));
        add(begin, &self.first_blocks(number)[TAG_KEY..]);
        if rest.is_empty() {
            return;
        }
        let [high, low] = nonce_words(number);
        let blocks = self.further.get_or_insert_with(no_blocks);
        for (run, part) in rest.chunks_mut(4 * LANES * BLOCK).enumerate() {
            // A message that is not large has few blocks.
            let block = from_fn(|lane| (AHEAD + LANES * run + lane) as u32);
            self.salsa.fill(&[[high; LANES], [low; LANES], block, [0; LANES]], blocks);
            add(part, &***blocks);
        }
    }

    /// Returns the first blocks of a message.
    fn first_blocks(&mut self, number: u64) -> &[u32] {
        let is_made = self.ahead.is_some() && number.wrapping_sub(self.first) < MESSAGES as u64;
        let blocks = self.ahead.get_or_insert_with(no_blocks);
        if !is_made {
            let words: [[u32; 2]; LANES] =
                from_fn(|lane| nonce_words(number.wrapping_add((lane / AHEAD) as u64)));
            let (high, low) = (words.map(|word| word[0]), words.map(|word| word[1]));
            let block = from_fn(|lane| (lane % AHEAD) as u32);
            self.salsa.fill(&[high, low, block, [0; LANES]], blocks);
            self.first = number;
        }
        let at = number.wrapping_sub(self.first) as usize * AHEAD * BLOCK;
        &blocks[at..at + AHEAD * BLOCK]
    }
}

fn no_blocks() -> Box<Zeroizing<Blocks>> {
    Box::new(Zeroizing::new([0; LANES * BLOCK]))
}
