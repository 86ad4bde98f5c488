//! Fuzz targets: whatever bytes they are given, what they put to the test keeps its promises.
//!
//! A target is a function that takes bytes and panics at a broken promise. The tests of this crate
//! run each with the kept inputs in `corpus/` and with some thousand fresh ones; `cargo xtask fuzz
//! TARGET` runs one for as long as wanted, guided by the branches that are reached.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a target says by a panic that a promise is broken"
)]

pub mod corpus;
mod heard;
mod mutator;
mod secured;
pub mod targets;
mod vectors;

pub use mutator::Mutator;
pub use targets::{TARGETS, Target};

/// The first bytes choose the setting, zeros if there are none; the others are what comes in.
fn setting<const N: usize>(data: &[u8]) -> ([u8; N], &[u8]) {
    let (chosen, rest) = data.split_at(data.len().min(N));
    let mut setting = [0; N];
    setting[..chosen.len()].copy_from_slice(chosen);
    (setting, rest)
}
