//! Words that stand for keys, and keys as text.

use zyre::{KeyWords, NetworkKey, PublicKey, WordsError};

use crate::setting;

/// The list, in its order.
const LIST: &str = include_str!("../../../zyre/src/secure/words.txt");

const KEY: &str = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";

/// What is read is shown as the words that were meant, and read again.
pub fn target(data: &[u8]) {
    let ([kind], bytes) = setting(data);
    if kind % 2 == 0 {
        let text = String::from_utf8_lossy(bytes);
        let _ = read(&text);
        if let Ok(key) = text.parse::<PublicKey>() {
            assert_eq!(key.to_string(), text.trim());
            assert_eq!(key.words().to_string().parse(), Ok(key.words()));
            assert_eq!(PublicKey::from_bytes(*key.as_bytes()), Ok(key));
        }
        return;
    }
    let words = chosen(bytes);
    let (network, key) = read(&words.join([" ", "\n", "\t ", "  "][usize::from(kind / 2 % 4)]));
    assert_eq!(key.is_ok(), words.len() == 6, "any six words stand for a key");
    let whole = match words.len() {
        12 => matches!(network, Ok(_) | Err(WordsError::Mismatch)),
        found => network.err() == Some(WordsError::Count { expected: 12, found }),
    };
    assert!(whole, "{} words", words.len());
}

/// Reads words of a network and of a key.
fn read(text: &str) -> (Result<NetworkKey, WordsError>, Result<KeyWords, WordsError>) {
    let (network, key) = (text.parse::<NetworkKey>(), text.parse::<KeyWords>());
    if let Ok(network) = &network {
        let shown = network.words();
        assert_meant(text, &shown, 12);
        let again: NetworkKey = shown.parse().expect("what we show is read");
        assert_eq!(*again.words(), *shown);
    }
    if let Ok(key) = &key {
        assert_meant(text, &key.to_string(), 6);
        assert_eq!(key.to_string().parse(), Ok(*key));
    }
    (network, key)
}

/// Each word that was written is the one that is shown, or the beginning of it.
fn assert_meant(written: &str, shown: &str, count: usize) {
    let (written, shown): (Vec<_>, Vec<_>) =
        (written.split_whitespace().collect(), shown.split(' ').collect());
    assert_eq!((written.len(), shown.len()), (count, count));
    for (written, shown) in written.iter().zip(shown) {
        let begins = shown.starts_with(&written.to_ascii_lowercase());
        assert!(begins && written.len() >= shown.len().min(4), "{written:?} was read as {shown:?}");
    }
}

/// Words of the list, chosen by two bytes each, which also say how they are written.
fn chosen(bytes: &[u8]) -> Vec<String> {
    let words: Vec<&str> = LIST.lines().collect();
    let (pairs, _) = bytes.as_chunks::<2>();
    let choose = |pair: &[u8; 2]| {
        let number = u16::from_be_bytes(*pair);
        let word = words[usize::from(number % 2048)];
        match number >> 11 {
            0..8 => word.to_owned(),
            8..16 => word[..word.len().min(4)].to_owned(),
            16..24 => word.to_ascii_uppercase(),
            _ => format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..]),
        }
    };
    pairs.iter().map(choose).collect()
}

/// Words of networks and keys, well written and badly, and the numbers of others.
pub fn seeds() -> Vec<Vec<u8>> {
    let key: PublicKey = KEY.parse().expect("a key");
    let mut texts = vec![
        "legal winner thank year wave sausage worth useful legal winner thank yellow".to_owned(),
        "LETT advi cage absu amount doctor acoustic avoid letter advice cage above\n".to_owned(),
        "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo".to_owned(),
        key.words().to_string(),
        format!(" {KEY}\n"),
        "abandonx zooo ad \u{e4}ban".to_owned(),
        "0".repeat(40),
        String::new(),
    ];
    texts.push(texts[0].replace(' ', "\u{2003}"));
    let texts = texts.into_iter().map(|text| [&[0], text.as_bytes()].concat());
    // Of twelve words one of sixteen is a network's: those with the words 0 to 11 and others.
    let lists = [6, 12, 12, 12, 13].into_iter().enumerate().map(|(nth, count)| {
        let numbers = (0..count).flat_map(|at| u16::to_be_bytes(at * 5431 + 7 * nth as u16));
        [2 * nth as u8 + 1].into_iter().chain(numbers).collect()
    });
    texts.chain(lists).collect()
}
