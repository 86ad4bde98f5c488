//! The keys of CURVE.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::primitives::{Random, SharedKey, public_of, random, shared_key};
use super::z85;
use crate::Error;

/// The points of low order, by their least 255 bits: with them every secret key makes the same
/// shared key.
const LOW_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    ends(1, 0, 0),
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
    // 2^255 - 20, and the two numbers that stand for 0 and 1 as well.
    ends(0xec, 0xff, 0x7f),
    ends(0xed, 0xff, 0x7f),
    ends(0xee, 0xff, 0x7f),
];

/// Bytes that are all alike but the first and the last.
const fn ends(first: u8, others: u8, last: u8) -> [u8; 32] {
    let mut bytes = [others; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// A public key of CURVE: 32 bytes, by which the holder of the secret key is known.
///
/// Displayed and parsed as Z85, 40 characters (RFC 32). A key of low order is refused: its user
/// would share its secrets with everybody.
///
/// # Examples
///
/// ```
/// let text = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
/// let key: zmtp::PublicKey = text.parse()?;
/// assert_eq!(key.to_string(), text);
/// # Ok::<(), zmtp::KeyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// A secret key of CURVE. Clones share its bytes, which are overwritten when the last one is
/// dropped; `Debug` does not show them.
#[derive(Clone)]
pub struct SecretKey(Arc<Zeroizing<[u8; 32]>>);

/// A secret key and its public key.
#[derive(Clone, Debug)]
pub struct KeyPair {
    public: PublicKey,
    secret: SecretKey,
}

/// Why bytes or a text are no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not 32 bytes in Z85.
    #[error("not a key: 40 characters of Z85 are required")]
    Text,
    /// The public key has a low order.
    #[error("not a key that protects anything: it is a point of low order")]
    LowOrder,
}

impl PublicKey {
    /// Takes the bytes of a public key.
    ///
    /// # Errors
    /// [`KeyError::LowOrder`].
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let mut number = bytes;
        // X25519 ignores the highest bit.
        number[31] &= 0x7f;
        if LOW_ORDER.contains(&number) { Err(KeyError::LowOrder) } else { Ok(Self(bytes)) }
    }

    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(&z85::encode(&self.0)))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::from_bytes(z85::decode(text.as_bytes()).ok_or(KeyError::Text)?)
    }
}

impl SecretKey {
    /// Takes the bytes of a secret key: any 32 bytes that nobody else knows.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }

    /// Returns the bytes. What is copied of them is the caller's to overwrite.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the text in Z85, which is overwritten when it is dropped.
    pub fn to_z85(&self) -> Zeroizing<String> {
        let text = Zeroizing::new(z85::encode(&self.0));
        Zeroizing::new(text.iter().map(|character| char::from(*character)).collect())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

impl FromStr for SecretKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        z85::decode(text.as_bytes()).map(Self::from_bytes).ok_or(KeyError::Text)
    }
}

impl KeyPair {
    /// Draws a new pair.
    ///
    /// # Errors
    /// [`Error::Random`] if the operating system gives no random bytes.
    pub fn generate() -> Result<Self, Error> {
        Self::draw(&mut random)
    }

    /// Draws a new pair from this source.
    pub(super) fn draw(random: Random<'_>) -> Result<Self, Error> {
        // In its place from the start: what is moved leaves a copy behind.
        let mut secret = Arc::new(Zeroizing::new([0; 32]));
        random(&mut **Arc::make_mut(&mut secret))?;
        Ok(Self::of(SecretKey(secret)))
    }

    /// Returns the pair of a secret key.
    pub fn of(secret: SecretKey) -> Self {
        // That of a secret key is never of low order.
        Self { public: PublicKey(public_of(&secret.0)), secret }
    }

    /// Returns the public key.
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// Returns what this pair shares with that of another key; `None` if everybody knows it.
    pub(super) fn shared_key(&self, other: &PublicKey) -> Option<SharedKey> {
        shared_key(&other.0, &self.secret.0)
    }

    /// Returns the secret key.
    pub const fn secret(&self) -> &SecretKey {
        &self.secret
    }
}

#[cfg(test)]
mod tests {
    use testkit::{hex, vectors};

    use super::{KeyError, KeyPair, LOW_ORDER, PublicKey, SecretKey};

    fn bytes(digits: &str) -> [u8; 32] {
        hex::decode(digits).try_into().unwrap()
    }

    #[test]
    fn a_pair_follows_from_its_secret_key() {
        for key in vectors::curve()["keys"].as_object().unwrap().values() {
            let text = |field: &str| key[field].as_str().unwrap();
            let pair = KeyPair::of(SecretKey::from_bytes(bytes(text("secret"))));
            assert_eq!(pair.public().as_bytes(), &bytes(text("public")));
            assert_eq!(pair.public().to_string(), text("public_z85"));
            assert_eq!(text("public_z85").parse(), Ok(pair.public()));
            assert_eq!(*pair.secret().to_z85(), text("secret_z85"));
            let secret: SecretKey = text("secret_z85").parse().unwrap();
            assert_eq!(secret.as_bytes(), &bytes(text("secret")));
        }
    }

    #[test]
    fn no_key_of_low_order_is_taken() {
        let vectors = vectors::curve();
        let points = vectors["primitives"]["low_order_points_to_refuse"].as_array().unwrap();
        assert_eq!(points.len(), LOW_ORDER.len());
        assert_eq!(LOW_ORDER[1], super::ends(1, 0, 0));
        for point in points {
            let mut point = bytes(point.as_str().unwrap());
            for high_bit in [0, 0x80] {
                point[31] |= high_bit;
                assert_eq!(PublicKey::from_bytes(point), Err(KeyError::LowOrder));
                let text = String::from_utf8(super::z85::encode(&point).to_vec()).unwrap();
                assert_eq!(text.parse::<PublicKey>(), Err(KeyError::LowOrder));
            }
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = SecretKey::from_bytes([7; 32]);
        let shown = format!("{:?} {:?}", secret, KeyPair::of(secret.clone()));
        assert!(shown.contains("SecretKey(..)"));
        assert!(!shown.contains("7, 7") && !shown.contains(secret.to_z85().as_str()), "{shown}");
        assert_eq!("too short".parse::<SecretKey>().unwrap_err(), KeyError::Text);
        assert_eq!("too short".parse::<PublicKey>().unwrap_err(), KeyError::Text);
    }

    #[test]
    fn pairs_that_are_drawn_differ() {
        let pairs = [KeyPair::generate().unwrap(), KeyPair::generate().unwrap()];
        assert_ne!(pairs[0].public(), pairs[1].public());
        assert_eq!(format!("{:>42}", pairs[0].public()), format!("  {}", pairs[0].public()));
    }
}
