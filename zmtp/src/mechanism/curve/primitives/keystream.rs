//! Salsa20, eight blocks at a time.
//!
//! This is the one piece of cryptography that is ours ("The Salsa20 family of stream ciphers",
//! Bernstein 2007): an addition, a rotation and an exclusive or, 320 times, on whatever vectors the
//! processor has. No table and no branch depends on a key.

use fearless_simd::{Level, Simd, SimdBase, dispatch, u32x8};
use zeroize::Zeroizing;

/// Blocks that are made together.
pub(super) const LANES: usize = 8;

/// Words of a block.
pub(super) const BLOCK: usize = 16;

/// Blocks, one after the other.
pub(super) type Blocks = [u32; LANES * BLOCK];

/// What the words of a block that are not the key are, for eight blocks: the nonce and the number
/// of the block.
pub(super) type Inputs = [[u32; LANES]; 4];

/// A key of Salsa20, and the vectors of this processor.
pub(super) struct Salsa20 {
    key: Zeroizing<[u32; 8]>,
    level: Level,
}

impl Salsa20 {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let mut words = Zeroizing::new([0; 8]);
        for (word, bytes) in words.iter_mut().zip(key.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Self { key: words, level: Level::new() }
    }

    /// Makes eight blocks.
    pub(super) fn fill(&self, inputs: &Inputs, blocks: &mut Blocks) {
        dispatch!(self.level, simd => eight_blocks(simd, &self.key, inputs, blocks));
    }
}

/// Returns the two words of a nonce whose second part is a counter as it is on the wire.
pub(super) fn nonce_words(counter: u64) -> [u32; 2] {
    let swapped = counter.swap_bytes();
    // Both halves of a number.
    [swapped as u32, (swapped >> 32) as u32]
}

/// Adds (without carry) a part of a keystream to `data`.
pub(super) fn add(data: &mut [u8], keystream: &[u32]) {
    let (whole, rest) = data.as_chunks_mut();
    let (words, last) = keystream.split_at(whole.len().min(keystream.len()));
    for (bytes, word) in whole.iter_mut().zip(words) {
        *bytes = (u32::from_le_bytes(*bytes) ^ word).to_le_bytes();
    }
    let last = last.first().map_or([0; 4], |word| word.to_le_bytes());
    for (byte, key) in rest.iter_mut().zip(last) {
        *byte ^= key;
    }
}

/// Rotates by `LEFT`; `RIGHT` is what is missing to 32.
#[inline(always)]
fn rotate<S: Simd, const LEFT: u32, const RIGHT: u32>(words: u32x8<S>) -> u32x8<S> {
    (words << LEFT) | (words >> RIGHT)
}

/// Quarter rounds that do not depend on each other, step by step.
macro_rules! quarter_rounds {
    ($x:ident, $([$a:literal, $b:literal, $c:literal, $d:literal]),*) => {
        $($x[$b] ^= rotate::<S, 7, 25>($x[$a] + $x[$d]);)*
        $($x[$c] ^= rotate::<S, 9, 23>($x[$b] + $x[$a]);)*
        $($x[$d] ^= rotate::<S, 13, 19>($x[$c] + $x[$b]);)*
        $($x[$a] ^= rotate::<S, 18, 14>($x[$d] + $x[$c]);)*
    };
}

/// Puts each word next to the one four further on: after three times rows have become columns.
macro_rules! zip {
    ($simd:ident, $words:ident, $($at:literal),*) => {
        [$(
            $simd.zip_low_u32x8($words[$at], $words[$at + 4]),
            $simd.zip_high_u32x8($words[$at], $words[$at + 4]),
        )*]
    };
}

/// Lane n of all vectors belongs to block n, until they are transposed.
///
/// Everything in it has to be inlined: what is not may not use the vectors of this processor.
#[inline(always)]
fn eight_blocks<S: Simd>(simd: S, key: &[u32; 8], inputs: &Inputs, blocks: &mut Blocks) {
    simd.vectorize(
        #[inline(always)]
        || {
            macro_rules! same {
                ($($word:expr),*) => { [$(u32x8::splat(simd, $word)),*] };
            }
            let [c0, c1, c2, c3] = same!(0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574);
            let [k0, k1, k2, k3] = same!(key[0], key[1], key[2], key[3]);
            let [k4, k5, k6, k7] = same!(key[4], key[5], key[6], key[7]);
            let i0 = u32x8::from_slice(simd, &inputs[0]);
            let i1 = u32x8::from_slice(simd, &inputs[1]);
            let i2 = u32x8::from_slice(simd, &inputs[2]);
            let i3 = u32x8::from_slice(simd, &inputs[3]);
            let begin = [c0, k0, k1, k2, k3, c1, i0, i1, i2, i3, c2, k4, k5, k6, k7, c3];
            let mut x = begin;
            for _ in 0..10 {
                quarter_rounds!(x, [0, 4, 8, 12], [5, 9, 13, 1], [10, 14, 2, 6], [15, 3, 7, 11]);
                quarter_rounds!(x, [0, 1, 2, 3], [5, 6, 7, 4], [10, 11, 8, 9], [15, 12, 13, 14]);
            }
            for half in [0, 8] {
                let mut words = [begin[0]; 8];
                for at in 0..8 {
                    words[at] = x[half + at] + begin[half + at];
                }
                words = zip!(simd, words, 0, 1, 2, 3);
                words = zip!(simd, words, 0, 1, 2, 3);
                words = zip!(simd, words, 0, 1, 2, 3);
                for at in 0..8 {
                    words[at].store_slice(&mut blocks[BLOCK * at + half..][..8]);
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use std::array::from_fn;

    use testkit::hex;

    use super::*;

    /// "Set 1, vector 0" of the ECRYPT test vectors of Salsa20/20 with 256 bits.
    #[test]
    fn the_stream_is_that_of_the_specification() {
        let mut key = [0; 32];
        key[0] = 0x80;
        let salsa = Salsa20::new(&key);
        let mut blocks = [0; LANES * BLOCK];
        salsa.fill(&[[0; 8], [0; 8], from_fn(|lane| lane as u32), [0; 8]], &mut blocks);
        let mut stream = [0; 512];
        add(&mut stream, &blocks);
        let begin = "e3be8fdd8beca2e3ea8ef9475b29a6e7003951e1097a5c38d23b7a5fad9f6844\
                     b22c97559e2723c7cbbd3fe4fc8d9a0744652a83e72a9c461876af4d7ef1a117";
        let end = "696afcfd0cddcc83c7e77f11a649d79acdc3354e9635ff137e929933a0bd6f53\
                   77efa105a3a4266b7c0d089d08f1e855cc32b15b93784a36e56a76cc64bc8477";
        assert_eq!(hex::encode(&stream[..64]), begin.replace(' ', ""));
        assert_eq!(hex::encode(&stream[448..]), end.replace(' ', ""));
    }

    #[test]
    fn every_kind_of_vector_makes_the_same_blocks() {
        let salsa = Salsa20::new(&from_fn(|at| at as u8));
        let inputs = from_fn(|word| from_fn(|lane| (1000 * word + lane) as u32));
        let (mut best, mut others) = ([0; LANES * BLOCK], [0; LANES * BLOCK]);
        salsa.fill(&inputs, &mut best);
        let level = Level::baseline();
        Salsa20 { key: salsa.key.clone(), level }.fill(&inputs, &mut others);
        assert_eq!(best, others, "{:?} and {level:?}", salsa.level);
        assert!(best.iter().any(|word| *word != 0));
    }

    #[test]
    fn a_keystream_is_added_to_any_number_of_bytes() {
        for len in 0..13 {
            let mut data = vec![0xff; len];
            add(&mut data, &[0x0403_0201, 0x0807_0605, 0x0c0b_0a09]);
            let expected: Vec<u8> = (1..=12).map(|byte| byte ^ 0xff).take(len).collect();
            assert_eq!(data, expected);
        }
    }
}
