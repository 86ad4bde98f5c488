//! Virtual time.

/// Virtual time: microseconds since the start.
pub(super) type Micros = u64;

/// A second.
pub(super) const SECOND: Micros = 1_000_000;
/// A millisecond.
pub(super) const MILLI: Micros = 1_000;
