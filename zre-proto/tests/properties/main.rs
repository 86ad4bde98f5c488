//! What holds for all bytes and for all orders of events.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod codec;
#[path = "../common/mod.rs"]
mod common;
mod engine;
