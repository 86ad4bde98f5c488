//! CURVE, against remotes that are made by hand, without sockets.

#![cfg(feature = "_curve")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod given_to_client;
mod given_to_server;
mod ours;
mod proof;
mod properties;
#[cfg(feature = "net")]
mod sockets;
