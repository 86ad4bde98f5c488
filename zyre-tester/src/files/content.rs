//! What is in a file: nothing that repeats itself, and everybody can tell what it has to be.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::SystemTime;

/// Octets that are made or compared at a time. A multiple of 8.
const PIECE: usize = 1 << 18;

/// One content: the octets that `stamp` stands for, so many of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content {
    /// Another one, other octets.
    pub(super) stamp: u64,
    /// Octets.
    pub(super) size: u64,
}

/// The same octets. Of the shortest there are not as many as stamps.
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

/// Where a file is not what it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// The first octet that is missing, too many or another.
    pub(super) at: u64,
}

impl Content {
    /// The octets from `word` on, eight to a word.
    fn fill(&self, word: u64, into: &mut [u8]) {
        let octets = |i: u64| mix(self.stamp, word.wrapping_add(i)).to_le_bytes();
        let (words, rest) = into.as_chunks_mut::<8>();
        let count = words.len() as u64;
        words.iter_mut().zip(0..).for_each(|(word, i)| *word = octets(i));
        rest.copy_from_slice(&octets(count)[..rest.len()]);
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

    /// Writes it to a new file that was changed at that time.
    pub(super) fn write(&self, path: &Path, changed: SystemTime) -> io::Result<()> {
        let mut file = File::create(path)?;
        self.pieces(|piece| file.write_all(piece).map(|()| true))?;
        file.set_modified(changed)
    }

    /// Where a file differs; `None`: nowhere.
    pub(super) fn difference(&self, file: &mut impl Read) -> io::Result<Option<Difference>> {
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

    fn octets(content: Content) -> Vec<u8> {
        let mut all = Vec::new();
        content
            .pieces(|piece| {
                all.extend_from_slice(piece);
                Ok(true)
            })
            .unwrap();
        all
    }

    #[test]
    fn what_is_not_the_content_is_found_and_where() {
        for size in [0, 1, 7, 8, 9, PIECE as u64, PIECE as u64 + 13] {
            let content = Content { stamp: 5, size };
            let right = octets(content);
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
    fn the_same_octets_are_the_same_content() {
        for size in [0, 1, 8, 9, 100] {
            for stamp in 1..600 {
                let [a, b] = [0, stamp].map(|stamp| Content { stamp, size });
                assert_eq!(a == b, octets(a) == octets(b), "{size} {stamp}");
            }
        }
        assert_eq!(Content { stamp: 1, size: 0 }, Content { stamp: 2, size: 0 });
    }

    #[test]
    fn stamps_tell_contents_apart() {
        let [a, b] = [1, 2].map(|stamp| octets(Content { stamp, size: 100_000 }));
        let same = a.iter().zip(&b).filter(|(a, b)| a == b).count();
        assert!(same < 1000, "{same} octets of 100,000 are alike");
        let mut words: Vec<_> = a.as_chunks::<8>().0.to_vec();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 12_500, "no word comes twice");
    }
}
