//! Z85: bytes as text that can be typed and printed (RFC 32).

const DIGITS: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// Returns the text of a key: 40 characters.
pub(super) fn encode(bytes: &[u8; 32]) -> [u8; 40] {
    let mut text = [0; 40];
    for (group, chunk) in text.chunks_exact_mut(5).zip(bytes.as_chunks::<4>().0) {
        let mut value = u32::from_be_bytes(*chunk);
        for character in group.iter_mut().rev() {
            *character = DIGITS[(value % 85) as usize];
            value /= 85;
        }
    }
    text
}

/// Returns the bytes of a key, or `None` if the text has another length, another character, or five
/// characters in a row that stand for more than four bytes hold.
pub(super) fn decode(text: &[u8]) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let (groups, rest) = text.as_chunks::<5>();
    if groups.len() != 8 || !rest.is_empty() {
        return None;
    }
    for (chunk, group) in bytes.chunks_exact_mut(4).zip(groups) {
        let mut value = 0_u64;
        for character in group {
            let digit = DIGITS.iter().position(|known| known == character)?;
            value = value * 85 + digit as u64;
        }
        chunk.copy_from_slice(&u32::try_from(value).ok()?.to_be_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use testkit::{hex, vectors};

    use super::{decode, encode};

    #[test]
    fn texts_of_the_vectors_are_written_and_read() {
        for entry in vectors::curve()["primitives"]["z85"].as_array().unwrap() {
            let bytes = hex::decode(entry["binary"].as_str().unwrap());
            let text = entry["text"].as_str().unwrap();
            // The short one of RFC 32 four times makes a key.
            let times = 32 / bytes.len();
            let (bytes, text) = (bytes.repeat(times), text.repeat(times));
            let bytes = <[u8; 32]>::try_from(bytes).unwrap();
            assert_eq!(encode(&bytes), text.as_bytes());
            assert_eq!(decode(text.as_bytes()), Some(bytes));
        }
    }

    #[test]
    fn keys_of_the_vectors_are_written_and_read() {
        for (name, key) in vectors::curve()["keys"].as_object().unwrap() {
            for half in ["public", "secret"] {
                let text = |field: &str| key[field].as_str().map(str::to_owned).unwrap();
                let bytes = <[u8; 32]>::try_from(hex::decode(&text(half))).unwrap();
                let z85 = text(&format!("{half}_z85"));
                assert_eq!(encode(&bytes), z85.as_bytes(), "{name}");
                assert_eq!(decode(z85.as_bytes()), Some(bytes), "{name}");
            }
        }
    }

    #[test]
    fn other_texts_are_none() {
        let good = "HelloWorld".repeat(4);
        assert!(decode(good.as_bytes()).is_some());
        for wrong in
            ["", "HelloWorld", &good[1..], &format!("{good}0"), &format!("{good}HelloWorld")]
        {
            assert_eq!(decode(wrong.as_bytes()), None, "{wrong}");
        }
        for character in ["\"", ",", ";", "_", "`", "|", "~", "\\", "'", " ", "\0", "\u{7f}"] {
            let wrong = good.replacen('W', character, 1);
            assert_eq!(decode(wrong.as_bytes()), None, "{wrong}");
        }
        // The largest group is 2^32 - 1.
        assert!(decode(good.replacen("Hello", "%nSc0", 1).as_bytes()).is_some());
        for large in ["%nSc1", "#####"] {
            assert_eq!(decode(good.replacen("Hello", large, 1).as_bytes()), None, "{large}");
        }
    }

    #[test]
    fn vectors_are_there() {
        assert!(matches!(vectors::curve()["about"], Value::String(_)));
    }
}
