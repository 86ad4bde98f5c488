//! One of each thing that the tests and the tester share.

pub mod attacks;
pub mod child;
pub mod content;
pub mod curve;
pub mod failure;
pub mod file_flow;
pub mod harness;
pub mod hex;
pub mod ledger;
pub mod namespace;
pub mod network;
pub mod network_key;
#[cfg(feature = "screen")]
mod picture;
pub mod process;
pub mod promises;
pub mod role;
#[cfg(feature = "screen")]
pub mod screen;
pub mod size;
pub mod table;
pub mod thread;
pub mod transcript;
pub mod usage;
pub mod vectors;
pub mod wait;
pub mod wire;
