//! The content of a file or a message: nothing in it repeats itself, and it can be told from a
//! stamp.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::SystemTime;

/// Bytes that are made or compared at a time. A multiple of 8.
const PIECE: usize = 1 << 18;

/// A content: as many bytes as `size` says, which follow from `stamp`.
#[derive(Clone, Copy, Debug)]
pub struct Content {
    /// With another stamp all bytes are other ones.
    pub stamp: u64,
    /// The number of bytes.
    pub size: u64,
}

/// Returns the bytes of a content.
pub fn bytes(stamp: u64, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    Content { stamp, size: size as u64 }.fill(0, &mut bytes);
    bytes
}

/// Two contents are equal if their bytes are. Of the shortest there are fewer than stamps.
impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        let [mut ours, mut theirs] = [[0; 8]; 2];
        let short = usize::try_from(self.size).ok().filter(|size| *size <= ours.len());
        self.size == other.size
            && short.map_or(self.stamp == other.stamp, |size| {
                self.fill(0, &mut ours[..size]);
                other.fill(0, &mut theirs[..size]);
                ours == theirs
            })
    }
}

/// Where a file does not have the content that it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The place of the first byte that is missing, too many, or wrong.
    pub at: u64,
}

impl Content {
    /// The bytes from `word` on, eight to a word.
    fn fill(&self, word: u64, into: &mut [u8]) {
        let bytes = |i: u64| mix(self.stamp, word.wrapping_add(i)).to_le_bytes();
        let (words, rest) = into.as_chunks_mut::<8>();
        let count = words.len() as u64;
        words.iter_mut().zip(0..).for_each(|(word, i)| *word = bytes(i));
        rest.copy_from_slice(&bytes(count)[..rest.len()]);
    }

    /// The pieces, one after the other.
    fn pieces(&self, mut each: impl FnMut(&[u8]) -> io::Result<bool>) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        let mut from = 0;
        while from < self.size {
            let length = usize::try_from(self.size - from).unwrap_or(PIECE).min(PIECE);
            self.fill(from / 8, &mut piece[..length]);
            if !each(&piece[..length])? {
                return Ok(());
            }
            from += length as u64;
        }
        Ok(())
    }

    /// Writes it to a new file, with `changed` as the time of its last change.
    ///
    /// # Errors
    /// The file cannot be made or written.
    pub fn write(&self, path: &Path, changed: SystemTime) -> io::Result<()> {
        let mut file = File::create(path)?;
        self.pieces(|piece| file.write_all(piece).map(|()| true))?;
        file.set_modified(changed)
    }

    /// Returns where a file differs; `None` if it does not.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn difference(&self, file: &mut impl Read) -> io::Result<Option<Difference>> {
        let (mut at, mut found) = (0, None);
        let mut read = Vec::with_capacity(PIECE);
        self.pieces(|piece| {
            read.clear();
            file.take(piece.len() as u64).read_to_end(&mut read)?;
            let same = read.iter().zip(piece).take_while(|(a, b)| a == b).count();
            at += same as u64;
            if same < piece.len() {
                found = Some(Difference { at });
            }
            Ok(found.is_none())
        })?;
        let beyond = found.is_none() && file.read(&mut [0])? > 0;
        Ok(if beyond { Some(Difference { at }) } else { found })
    }
}

/// SplitMix64, at any place.
const fn mix(stamp: u64, word: u64) -> u64 {
    let z = stamp
        .wrapping_mul(0xD134_2543_DE82_EF95)
        .wrapping_add(word.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Content, Difference, PIECE};

    fn bytes(content: Content) -> Vec<u8> {
        super::bytes(content.stamp, usize::try_from(content.size).unwrap())
    }

    #[test]
    fn what_is_not_the_content_is_found_and_where() {
        for size in [0, 1, 7, 8, 9, PIECE as u64, PIECE as u64 + 13] {
            let content = Content { stamp: 5, size };
            let right = bytes(content);
            assert_eq!(right.len() as u64, size);
            assert_eq!(content.difference(&mut &*right).unwrap(), None, "{size}");
            let more = [&right[..], &[0]].concat();
            assert_eq!(content.difference(&mut &*more).unwrap(), Some(Difference { at: size }));
            if let Some((last, less)) = right.split_last() {
                let at = size - 1;
                assert_eq!(content.difference(&mut &*less).unwrap(), Some(Difference { at }));
                let wrong = [less, &[last ^ 1]].concat();
                assert_eq!(content.difference(&mut &*wrong).unwrap(), Some(Difference { at }));
            }
        }
    }

    #[test]
    fn the_same_bytes_are_the_same_content() {
        for size in [0, 1, 8, 9, 100] {
            for stamp in 1..600 {
                let [a, b] = [0, stamp].map(|stamp| Content { stamp, size });
                assert_eq!(a == b, bytes(a) == bytes(b), "{size} {stamp}");
            }
        }
        assert_eq!(Content { stamp: 1, size: 0 }, Content { stamp: 2, size: 0 });
    }

    #[test]
    fn stamps_tell_contents_apart() {
        let [a, b] = [1, 2].map(|stamp| bytes(Content { stamp, size: 100_000 }));
        let same = a.iter().zip(&b).filter(|(a, b)| a == b).count();
        assert!(same < 1000, "{same} bytes of 100,000 are alike");
        let mut words: Vec<_> = a.as_chunks::<8>().0.to_vec();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 12_500, "no word comes twice");
    }
}
