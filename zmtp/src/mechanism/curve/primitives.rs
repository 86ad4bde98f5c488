//! All cryptography: boxes of NaCl (X25519, XSalsa20, Poly1305), by one of two back ends. Neither is
//! ours, but for the keystream of small messages in the fast one.

#[cfg(feature = "curve-audited")]
mod audited;
// Beside the other one only for the test that both agree.
#[cfg(any(test, not(feature = "curve-audited")))]
#[cfg(feature = "curve")]
mod fast;
#[cfg(any(test, not(feature = "curve-audited")))]
#[cfg(feature = "curve")]
mod keystream;
mod sizes;

#[cfg(feature = "curve-audited")]
pub(super) use self::audited::{
    MessageKey, SharedKey, open_in_place, public_of, seal_in_place, shared_key,
};
#[cfg(not(feature = "curve-audited"))]
pub(super) use self::fast::{
    MessageKey, SharedKey, open_in_place, public_of, seal_in_place, shared_key,
};
pub(super) use self::sizes::TAG;

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

    use super::super::nonce::{MESSAGE_OF_CLIENT, Nonce, counted};
    use super::{MessageKey, SharedKey, TAG, open_in_place, random, seal_in_place, shared_key};

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

    /// What a message of `len` bytes and this number is, sealed by itself.
    fn by_itself(number: u64, len: usize) -> Vec<u8> {
        let plain: Vec<u8> = (0..len).map(|at| (at * 7) as u8).collect();
        sealed(&key(), &counted(MESSAGE_OF_CLIENT, number.to_be_bytes()), &plain)
    }

    /// Sizes at which something else begins.
    const SIZES: [usize; 12] = [0, 1, 31, 32, 33, 95, 96, 97, 608, 609, 2047, 2048];

    #[test]
    fn messages_of_one_direction_are_what_they_are_by_themselves() {
        let (mut sealing, mut opening) =
            [(); 2].map(|()| MessageKey::new(key(), MESSAGE_OF_CLIENT)).into();
        // In a row, with a gap, back again, and to the end of all numbers.
        let numbers = (1..=40).chain([42, 100, 41, 3]).chain(u64::MAX - 5..=u64::MAX);
        for (number, len) in numbers.zip(SIZES.into_iter().cycle()) {
            let expected = by_itself(number, len);
            let mut message = vec![0; TAG];
            message.extend((0..len).map(|at| (at * 7) as u8));
            let plain = message[TAG..].to_vec();
            sealing.seal(number, &mut message);
            assert_eq!(message, expected, "message {number} of {len} bytes");
            assert!(opening.open(number, &mut message));
            assert_eq!(message[TAG..], plain);
        }
    }

    #[test]
    fn no_message_opens_that_was_changed_or_has_another_number() {
        let mut key = MessageKey::new(key(), MESSAGE_OF_CLIENT);
        for len in SIZES {
            for at in [0, TAG - 1, TAG + len / 2, TAG + len - 1] {
                let mut changed = by_itself(9, len);
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= 0x40;
                    assert!(!key.open(9, &mut changed), "{len} bytes changed at {at}");
                }
            }
            assert!(!key.open(8, &mut by_itself(9, len)), "{len} bytes");
            assert!(!key.open(9, &mut by_itself(9, len)[..TAG + len - 1]), "{len} bytes");
            assert!(key.open(9, &mut by_itself(9, len)));
        }
        assert!(!key.open(9, &mut []));
        key.seal(9, &mut []);
    }

    #[test]
    fn no_key_is_printed() {
        let printed = format!("{:?} {:?}", key(), MessageKey::new(key(), MESSAGE_OF_CLIENT));
        assert!(!printed.contains(|it: char| it.is_ascii_digit()), "{printed}");
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

    use super::super::nonce::{MESSAGE_OF_SERVER, counted};
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

        #[test]
        fn both_back_ends_agree_on_messages(
            secret in any::<[u8; 32]>(),
            first in any::<u64>(),
            messages in prop::collection::vec(
                (0_u64..6, prop::collection::vec(any::<u8>(), 0..2500)), 1..12
            ),
        ) {
            let public = audited::public_of(&secret);
            let one = audited::shared_key(&public, &secret).unwrap();
            let two = fast::shared_key(&public, &secret).unwrap();
            let mut opening = audited::MessageKey::new(one.clone(), MESSAGE_OF_SERVER);
            let mut sealing = fast::MessageKey::new(two.clone(), MESSAGE_OF_SERVER);
            let mut reopening = fast::MessageKey::new(two, MESSAGE_OF_SERVER);
            let mut number = first;
            for (step, plain) in messages {
                number = number.wrapping_add(step);
                let mut message = [&[0; TAG], &plain[..]].concat();
                let mut by_itself = message.clone();
                sealing.seal(number, &mut message);
                let nonce = counted(MESSAGE_OF_SERVER, number.to_be_bytes());
                audited::seal_in_place(&one, &nonce, &mut by_itself);
                prop_assert_eq!(&message, &by_itself);
                prop_assert!(opening.open(number, &mut message));
                prop_assert!(reopening.open(number, &mut by_itself));
                prop_assert_eq!(&message[TAG..], &plain[..]);
                prop_assert_eq!(&by_itself[TAG..], &plain[..]);
            }
        }
    }
}
