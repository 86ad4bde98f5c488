//! Chance from a seed, the same on every machine and in every version of any library.

/// SplitMix64: small, fast, and good enough for delays and losses.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

/// Parts of a million.
pub(super) const MILLION: u32 = 1_000_000;

impl Chance {
    /// Chance for one purpose of many, all from one seed.
    pub(super) const fn of(seed: u64, purpose: u64, number: u64) -> Self {
        let mut one = Self(seed ^ purpose.wrapping_mul(0xA24B_AED4_963E_E407));
        let two = one.next();
        let mut one = Self(two ^ number.wrapping_mul(0x9FB2_1C65_1E98_DF25));
        Self(one.next())
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        ((self.next() as u128 * bound as u128) >> 64) as u64
    }

    /// A number between the two, both included.
    pub(super) const fn between(&mut self, range: (u64, u64)) -> u64 {
        range.0 + self.below(range.1.saturating_sub(range.0) + 1)
    }

    /// Returns `true` this number of times in a million.
    pub(super) const fn hit(&mut self, parts: u32) -> bool {
        parts > 0 && self.below(MILLION as u64) < parts as u64
    }
}
