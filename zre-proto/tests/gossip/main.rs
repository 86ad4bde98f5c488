//! Gossip: captured messages and sessions, and networks on virtual time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod captured;
mod limits;
mod malformed;
mod network;
mod sessions;
mod solo;
mod spreading;
mod truth;
