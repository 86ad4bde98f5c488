//! A network of secure nodes by hand: what its members prove, and their ids. It shares no code with the
//! library.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::curve::Client;

/// The words of the network key whose bytes are all 0, which anybody can know.
pub const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                         abandon about";

/// The property by which members prove that they are.
const PROPERTY: &str = "X-Zyre-Network";

/// What the key of a network is used for.
#[derive(Clone, Debug)]
pub struct NetworkKey {
    proving: [u8; 32],
}

impl NetworkKey {
    /// Makes it of its bytes.
    pub fn of(secret: [u8; 16]) -> Self {
        let extracted = mac(&[0; 32], &[&secret]);
        Self { proving: mac(&extracted, &[b"zyre", &[1]]) }
    }

    /// Returns the property by which a client proves on its connection that it is a member.
    pub fn property(&self, client: &Client) -> Vec<u8> {
        let keys = [&client.keys.public, &client.server, &client.session.public, &client.welcome.0];
        let [one, two, three, four] = keys.map(|key| &key[..]);
        let proof = mac(&self.proving, &[b"ZRE network 1", &[0], one, two, three, four]);
        crate::curve::property(PROPERTY, &proof)
    }

    /// Returns the id of a member with this key.
    pub fn id(&self, key: &[u8; 32], random: [u8; 16]) -> [u8; 16] {
        let mut id = bound_id(key, random);
        let mark = mac(&self.proving, &[b"ZRE id", key, &id[..12]]);
        id[12..].copy_from_slice(&mark[..4]);
        id
    }
}

/// Returns an id that shows this key.
pub fn bound_id(key: &[u8; 32], mut random: [u8; 16]) -> [u8; 16] {
    let hash = Sha256::new().chain_update(b"ZRE id").chain_update(key).finalize();
    random[..8].copy_from_slice(&hash[..8]);
    random
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new((&block).into());
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}
