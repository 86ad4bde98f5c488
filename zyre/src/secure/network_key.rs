//! The secret that the members of a network share.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;
use zmtp::{SessionKeys, Side};

use super::PublicKey;
use super::file::{self, KeyFileError};
use super::words::{self, WordsError};

/// Bytes of the secret.
const LEN: usize = 16;

/// Words that stand for it: its 128 bits, and 4 by which a wrong word is noticed.
const WORDS: usize = 12;

/// Bytes of a proof.
pub(super) const PROOF_LEN: usize = 32;

/// The secret of a network: all nodes that have it trust each other.
///
/// Each node keeps a key pair of its own, so members know each other apart, and nobody can speak in
/// the name of another one. The secret itself is never sent; the handshake of each
/// connection and the id of a node prove that the node has it.
///
/// It is random, 128 bits, and shown as twelve words, as BIP 39 makes them. A password in its place
/// could be guessed by a node that is connected to, so there is no way to use one.
///
/// ```
/// let network = zyre::NetworkKey::generate()?;
/// let words = network.words();
/// assert_eq!(words.split(' ').count(), 12);
/// let on_another_machine: zyre::NetworkKey = words.parse()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// To shut a member out again, make a new network key for the others.
/// Clones share its bytes, which are overwritten when the last one is dropped; `Debug` does not show
/// them.
#[derive(Clone)]
pub struct NetworkKey(Arc<Secrets>);

struct Secrets {
    secret: Zeroizing<[u8; LEN]>,
    /// What proofs are made with.
    proving: Zeroizing<[u8; 32]>,
}

impl NetworkKey {
    /// Draws a new one.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn generate() -> std::io::Result<Self> {
        let mut secret = Zeroizing::new([0; LEN]);
        getrandom::fill(&mut *secret).map_err(std::io::Error::other)?;
        Ok(Self::of(secret))
    }

    fn of(secret: Zeroizing<[u8; LEN]>) -> Self {
        // HKDF (RFC 5869) with SHA-256, no salt, and the info "zyre".
        let extracted = mac(&[0; 32], &[&*secret]);
        let proving = mac(&extracted, &[b"zyre", &[1]]);
        Self(Arc::new(Secrets { secret, proving }))
    }

    /// Reads a file that [`save`](Self::save) has written: the twelve words.
    ///
    /// # Errors
    /// It cannot be read, can be read by other users, or is no network key.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        let text = file::read_secret(path)?;
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let mut words = Zeroizing::new(String::with_capacity(text.len()));
        for line in lines {
            words.push_str(line);
            words.push(' ');
        }
        words.parse().map_err(|error: WordsError| KeyFileError::damaged(path, error.to_string()))
    }

    /// Writes a file that only its user can read. One that is there already is not replaced.
    ///
    /// # Errors
    /// It cannot be written, or is there already.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), KeyFileError> {
        let mut text = Zeroizing::new(String::with_capacity(256));
        text.push_str(
            "# The key of a network of Zyre nodes. All nodes with these words trust each other.\n",
        );
        text.push_str(&self.words());
        text.push('\n');
        file::write_new_secret(path.as_ref(), &text)
    }

    /// Returns the twelve words, for the people of the network. They are a secret.
    pub fn words(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; LEN + 1]);
        bytes[..LEN].copy_from_slice(&*self.0.secret);
        bytes[LEN] = check(&self.0.secret);
        let words = Zeroizing::new(words::from_bits::<WORDS>(&*bytes));
        Zeroizing::new(words::join(&*words))
    }

    /// What an end of a connection proves with that it has this key: on no other connection the same.
    pub(crate) fn proof(&self, prover: Side, keys: &SessionKeys) -> Zeroizing<[u8; PROOF_LEN]> {
        let role = match prover {
            Side::Client => 0,
            Side::Server => 1,
        };
        let four = [&keys.client, &keys.server, &keys.client_session, &keys.server_session];
        let [client, server, client_session, server_session] = four.map(|key| &key.as_bytes()[..]);
        let parts: [&[u8]; 6] =
            [b"ZRE network 1", &[role], client, server, client_session, server_session];
        mac(&self.0.proving, &parts)
    }

    /// The four bytes of an id that show, to all who have this key, that its node has it as well.
    pub(super) fn mark(&self, key: &PublicKey, start: &[u8; 12]) -> [u8; 4] {
        let [a, b, c, d, ..] = *mac(&self.0.proving, &[b"ZRE id", key.as_bytes(), start]);
        [a, b, c, d]
    }
}

/// The four bits behind the others, by which most wrong words are noticed.
fn check(secret: &[u8; LEN]) -> u8 {
    Sha256::digest(secret)[0] & 0xF0
}

/// HMAC (RFC 2104) with SHA-256.
fn mac(key: &[u8; 32], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let inner = parts.iter().fold(keyed_hash(key, 0x36), |hash, part| hash.chain_update(part));
    let inner = Zeroizing::new(<[u8; 32]>::from(inner.finalize()));
    Zeroizing::new(keyed_hash(key, 0x5C).chain_update(&inner[..]).finalize().into())
}

/// Begins a hash with the key, to all of whose bytes `pad` is added without carry.
fn keyed_hash(key: &[u8; 32], pad: u8) -> Sha256 {
    // A key that is shorter than a block of the hash is filled up with zeros.
    let mut block = Zeroizing::new([pad; 64]);
    for (byte, key) in block.iter_mut().zip(key) {
        *byte ^= key;
    }
    Sha256::new_with_prefix(&block[..])
}

impl FromStr for NetworkKey {
    type Err = WordsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = Zeroizing::new(words::read::<WORDS>(text)?);
        let mut bytes = Zeroizing::new([0; LEN + 1]);
        words::to_bits(&*words, &mut *bytes);
        let mut secret = Zeroizing::new([0; LEN]);
        secret.copy_from_slice(&bytes[..LEN]);
        if check(&secret) != bytes[LEN] {
            return Err(WordsError::Mismatch);
        }
        Ok(Self::of(secret))
    }
}

impl fmt::Debug for NetworkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NetworkKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use testkit::hex;
    use zeroize::Zeroizing;
    use zmtp::{KeyPair, SessionKeys, Side};

    use super::{NetworkKey, WordsError, mac};
    use crate::PublicKey;

    fn key(byte: u8) -> NetworkKey {
        NetworkKey::of(Zeroizing::new([byte; 16]))
    }

    #[test]
    fn words_are_those_of_bip_39() {
        for (byte, words) in [
            (
                0,
                "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                 abandon about",
            ),
            (0x7F, "legal winner thank year wave sausage worth useful legal winner thank yellow"),
            (
                0x80,
                "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
            ),
            (0xFF, "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong"),
        ] {
            assert_eq!(*key(byte).words(), words);
            let read: NetworkKey = words.parse().unwrap();
            assert_eq!(*read.0.secret, [byte; 16]);
        }
        let drawn = NetworkKey::generate().unwrap();
        assert_ne!(*drawn.words(), *NetworkKey::generate().unwrap().words());
        assert_eq!(drawn.words().parse::<NetworkKey>().unwrap().0.proving, drawn.0.proving);
        assert_eq!(format!("{drawn:?}"), "NetworkKey(..)");
    }

    #[test]
    fn a_wrong_word_is_noticed() {
        let mismatch = "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo".parse::<NetworkKey>();
        assert_eq!(mismatch.unwrap_err(), WordsError::Mismatch);
        let few = "zoo zoo".parse::<NetworkKey>().unwrap_err();
        assert_eq!(few, WordsError::Count { expected: 12, found: 2 });
    }

    #[test]
    fn codes_are_those_of_rfc_5869() {
        // HMAC with a key of zeros is its first step without a salt (test case 3).
        let extracted = mac(&[0; 32], &[&[0x0b; 22]]);
        let expected = "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04";
        assert_eq!(extracted[..], hex::decode(expected));
        let first = mac(&extracted, &[&[1]]);
        let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
        assert_eq!(first[..], hex::decode(expected));
    }

    #[test]
    fn a_proof_is_that_of_one_connection_one_end_and_one_network() {
        let pair = || KeyPair::generate().unwrap().public();
        let keys = SessionKeys::new(Side::Client, [pair(), pair()], [pair(), pair()]);
        let proof = key(1).proof(Side::Client, &keys);
        assert_eq!(proof, key(1).proof(Side::Client, &keys));
        assert_ne!(proof, key(2).proof(Side::Client, &keys));
        assert_ne!(proof, key(1).proof(Side::Server, &keys));
    }

    #[test]
    fn a_mark_is_that_of_one_key_one_start_and_one_network() {
        let [alice, bob] =
            [(); 2].map(|()| PublicKey::of_curve(KeyPair::generate().unwrap().public()));
        let mark = key(1).mark(&alice, &[7; 12]);
        assert_eq!(mark, key(1).mark(&alice, &[7; 12]));
        assert_ne!(mark, key(1).mark(&bob, &[7; 12]));
        assert_ne!(mark, key(1).mark(&alice, &[8; 12]));
        assert_ne!(mark, key(2).mark(&alice, &[7; 12]));
    }
}
