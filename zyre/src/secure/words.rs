//! Words that stand for bits: 2,048 of them, eleven bits each.

use thiserror::Error;

/// The English words of BIP 39, in their order. The first four letters tell each from all others.
const LIST: &str = include_str!("words.txt");

/// How many there are.
const COUNT: u16 = 2048;

/// How many stand for a public key.
pub(super) const KEY_WORDS: usize = 6;

/// Letters that are enough to know a word.
const SIGNIFICANT: usize = 4;

/// A text is not made of the words that were expected.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WordsError {
    /// There are more or fewer.
    #[error("{expected} words are required, not {found}")]
    Count {
        /// How many there have to be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// One is not in the list. It is not quoted: words may be a secret.
    #[error("word {0} is not one of the words that are used; look at it again")]
    Unknown(usize),
    /// They are words, and do not belong together.
    #[error("these words do not belong together: one is wrong, or their order is")]
    Mismatch,
}

/// The words for the first bits of these bytes, of which there have to be enough.
pub(super) fn from_bits<const N: usize>(bytes: &[u8]) -> [u16; N] {
    std::array::from_fn(|nth| {
        (nth * 11..(nth + 1) * 11).fold(0, |word, bit| {
            let byte = bytes.get(bit / 8).copied().unwrap_or_default();
            word << 1 | u16::from(byte >> (7 - bit % 8) & 1)
        })
    })
}

/// The bits that these words stand for, behind them zeros.
pub(super) fn to_bits(words: &[u16], bytes: &mut [u8]) {
    bytes.fill(0);
    for (nth, word) in words.iter().enumerate() {
        for bit in (0..11).filter(|bit| word >> (10 - bit) & 1 == 1) {
            let at = nth * 11 + bit;
            if let Some(byte) = bytes.get_mut(at / 8) {
                *byte |= 0x80 >> (at % 8);
            }
        }
    }
}

/// These words, as people write them.
pub(super) fn join(words: &[u16]) -> String {
    // A secret is not copied by growing.
    let mut text = String::with_capacity(words.len() * 9);
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(LIST.lines().nth(usize::from(*word)).unwrap_or_default());
    }
    text
}

/// Reads words in upper and lower case, of which the first four letters are enough.
pub(super) fn read<const N: usize>(text: &str) -> Result<[u16; N], WordsError> {
    let found = text.split_whitespace().count();
    if found != N {
        return Err(WordsError::Count { expected: N, found });
    }
    let mut words = [0; N];
    for (nth, (word, text)) in words.iter_mut().zip(text.split_whitespace()).enumerate() {
        *word = find(text).ok_or(WordsError::Unknown(nth + 1))?;
    }
    Ok(words)
}

fn find(text: &str) -> Option<u16> {
    let is_it = |word: &str| {
        let start = word.get(..SIGNIFICANT.min(word.len())).unwrap_or(word);
        let same = |other: &str| other.eq_ignore_ascii_case(text);
        // A word may be cut, and nothing may stand behind it that is not its own.
        same(word)
            || text.len() >= start.len() && text.len() <= word.len() && {
                word.get(..text.len()).is_some_and(same)
            }
    };
    (0..COUNT).zip(LIST.lines()).find(|(_, word)| is_it(word)).map(|(nth, _)| nth)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{COUNT, LIST, WordsError, find, from_bits, join, read, to_bits};

    #[test]
    fn the_list_has_as_many_words_as_eleven_bits_have_values() {
        let words: Vec<&str> = LIST.lines().collect();
        assert_eq!(words.len(), usize::from(COUNT));
        assert!(words.is_sorted());
        let starts: BTreeSet<&str> = words.iter().map(|it| &it[..it.len().min(4)]).collect();
        assert_eq!(starts.len(), words.len(), "four letters are enough");
        assert!(words.iter().all(|it| it.bytes().all(|byte| byte.is_ascii_lowercase())));
        assert_eq!((words[0], words[2047]), ("abandon", "zoo"));
    }

    #[test]
    fn bits_become_words_and_words_bits() {
        let bytes: [u8; 16] = std::array::from_fn(|at| (17 * at + 3) as u8);
        let mut long = [0xFF; 17];
        long[..16].copy_from_slice(&bytes);
        let words: [u16; 12] = from_bits(&long);
        let mut back = [0; 17];
        to_bits(&words, &mut back);
        assert_eq!(back[..16], bytes);
        assert_eq!(back[16], 0xF0, "twelve words are 132 bits");
        assert_eq!(read(&join(&words)), Ok(words));
    }

    #[test]
    fn a_word_is_known_by_its_start_and_not_by_less_or_more() {
        for (text, nth) in [("abandon", 0), ("ABAN", 0), ("abando", 0), ("zoo", 2047), ("add", 25)]
        {
            assert_eq!(find(text), Some(nth), "{text}");
        }
        for text in ["", "aba", "abandonx", "abandox", "zo", "zooo", "addx", "äban"] {
            assert_eq!(find(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_words_is_said_without_the_words() {
        let few = read::<3>("zoo zoo");
        assert_eq!(few, Err(WordsError::Count { expected: 3, found: 2 }));
        let unknown = read::<3>("zoo hush-hush zoo").unwrap_err();
        assert_eq!(unknown, WordsError::Unknown(2));
        assert!(!unknown.to_string().contains("hush"));
    }
}
