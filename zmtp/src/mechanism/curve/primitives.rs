//! All cryptography that is not ours: boxes of NaCl (X25519, XSalsa20, Poly1305), by one of two
//! back ends.

#[cfg(feature = "curve-audited")]
mod audited;
// Beside the other one only for the test that both agree.
#[cfg(any(test, not(feature = "curve-audited")))]
#[cfg(feature = "curve")]
mod fast;
mod sizes;

#[cfg(feature = "curve-audited")]
pub(super) use self::audited::{SharedKey, open_in_place, public_of, seal_in_place, shared_key};
#[cfg(not(feature = "curve-audited"))]
pub(super) use self::fast::{SharedKey, open_in_place, public_of, seal_in_place, shared_key};
pub(super) use self::sizes::{Nonce, TAG};

use crate::Error;

/// A source of bytes that nobody can guess: [`random`], and in tests those of a capture.
pub(crate) type Random<'a> = &'a mut dyn FnMut(&mut [u8]) -> Result<(), Error>;

/// Fills `bytes` with random ones of the operating system.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|_| Error::Random)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use testkit::{hex, vectors};

    use super::{Nonce, SharedKey, TAG, open_in_place, random, seal_in_place, shared_key};

    fn field<const N: usize>(entry: &Value, name: &str) -> [u8; N] {
        hex::decode(entry[name].as_str().unwrap()).try_into().unwrap()
    }

    /// The shared key of the vectors.
    fn key() -> SharedKey {
        let vectors = vectors::curve();
        let known = &vectors["primitives"]["beforenm"];
        shared_key(&field(known, "public"), &field(known, "secret")).unwrap()
    }

    fn sealed(key: &SharedKey, nonce: &Nonce, plain: &[u8]) -> Vec<u8> {
        let mut message = [&[0; TAG], plain].concat();
        seal_in_place(key, nonce, &mut message);
        message
    }

    #[test]
    fn boxes_of_the_vectors_are_made_and_opened() {
        let (key, vectors) = (key(), vectors::curve());
        for entry in vectors["primitives"]["afternm"].as_array().unwrap() {
            let plain = hex::decode(entry["plain"].as_str().unwrap());
            let nonce = field(entry, "nonce");
            let mut message = sealed(&key, &nonce, &plain);
            assert_eq!(hex::encode(&message), entry["box"].as_str().unwrap());
            assert!(open_in_place(&key, &nonce, &mut message));
            assert_eq!(message[TAG..], plain);
        }
    }

    #[test]
    fn nothing_that_was_changed_opens() {
        let (key, nonce) = (key(), [7; 24]);
        let message = sealed(&key, &nonce, b"plain text");
        for at in 0..message.len() {
            for bit in 0..8 {
                let mut changed = message.clone();
                changed[at] ^= 1 << bit;
                assert!(!open_in_place(&key, &nonce, &mut changed), "{at}");
            }
        }
        for len in 0..message.len() {
            assert!(!open_in_place(&key, &nonce, &mut message[..len].to_vec()), "{len} bytes");
        }
        assert!(!open_in_place(&key, &[8; 24], &mut message.clone()), "another nonce");
        assert!(open_in_place(&key, &nonce, &mut message.clone()));
    }

    #[test]
    fn what_is_drawn_differs() {
        let mut drawn = [[0; 16]; 2];
        drawn.iter_mut().for_each(|bytes| random(bytes).unwrap());
        assert_ne!(drawn[0], drawn[1]);
    }
}

#[cfg(all(test, feature = "curve", feature = "curve-audited"))]
mod agreement {
    use proptest::prelude::*;

    use super::{TAG, audited, fast};

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 200, failure_persistence: None, ..ProptestConfig::default()
        })]

        #[test]
        fn both_back_ends_agree(
            mine in any::<[u8; 32]>(),
            other in any::<[u8; 32]>(),
            nonce in any::<[u8; 24]>(),
            plain in prop::collection::vec(any::<u8>(), 0..2000),
        ) {
            let public = audited::public_of(&mine);
            prop_assert_eq!(public, fast::public_of(&mine));
            // One derives the key from this end, the other from that end.
            let one = audited::shared_key(&public, &other).unwrap();
            let two = fast::shared_key(&fast::public_of(&other), &mine).unwrap();
            let mut by_one = [&[0; TAG], &plain[..]].concat();
            let mut by_two = by_one.clone();
            audited::seal_in_place(&one, &nonce, &mut by_one);
            fast::seal_in_place(&two, &nonce, &mut by_two);
            prop_assert_eq!(&by_one, &by_two);
            let mut changed = by_one.clone();
            prop_assert!(audited::open_in_place(&one, &nonce, &mut by_two));
            prop_assert!(fast::open_in_place(&two, &nonce, &mut by_one));
            prop_assert_eq!(&by_one[TAG..], &plain[..]);
            prop_assert_eq!(&by_two[TAG..], &plain[..]);
            let last = changed.len() - 1;
            changed[last] ^= 1;
            prop_assert!(!audited::open_in_place(&one, &nonce, &mut changed.clone()));
            prop_assert!(!fast::open_in_place(&two, &nonce, &mut changed));
        }
    }
}
