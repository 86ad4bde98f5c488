//! Fresh inputs without libFuzzer: the same for the same seed.

/// Bytes that mean something somewhere: lengths around edges, flags, signatures.
const TOKENS: [&[u8]; 16] = [
    &[0],
    &[1],
    &[4],
    &[0x7f],
    &[0xff],
    &[0, 0, 0, 0],
    &[0, 0, 0, 1],
    &[0xff, 0xff, 0xff, 0xff],
    &[0, 0, 0, 0, 4, 0, 0, 0],
    &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    b"\x04PING",
    b"\x05READY",
    b"\x05ERROR",
    &[0xaa, 0xa1, 1, 2, 0, 1],
    b"tcp://10.0.0.1:1",
];

/// No input is longer: much is said in less.
const LONGEST: usize = 1024;

/// Makes inputs of others.
#[derive(Debug)]
pub struct Mutator(u64);

impl Mutator {
    /// One that goes its own way for each seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// An input made of these: one of them changed in a few places, or two spliced; sometimes one
    /// of nothing but chance.
    pub fn input(&mut self, known: &[Vec<u8>]) -> Vec<u8> {
        if known.is_empty() || self.below(8) == 0 {
            let length = self.below(200);
            return self.bytes(length);
        }
        let mut input = known[self.below(known.len())].clone();
        for _ in 0..=self.below(4) {
            self.mutate(&mut input, known);
        }
        input.truncate(LONGEST);
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>, known: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let end = at + self.below(input.len() - at + 1).min(16);
        match self.below(7) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.next() as u8,
            2 => drop(input.drain(at..end)),
            3 => {
                let length = 1 + self.below(8);
                let fresh = self.bytes(length);
                input.splice(at..at, fresh);
            }
            4 => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            5 => {
                let token = TOKENS[self.below(TOKENS.len())];
                let end = (at + token.len() * self.below(2)).min(input.len());
                input.splice(at..end, token.iter().copied());
            }
            _ => {
                let other = &known[self.below(known.len())];
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
        }
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// Less than `bound`, which is not zero.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// SplitMix64.
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}
