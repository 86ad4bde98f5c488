//! Scenarios of the engine on virtual time: one for every rule of a peer's life.
//!
//! [`solo::Solo`] is one engine whose peers are played by the test, message by message.
//! [`net::Net`] is a network of engines.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

#[path = "../common/mod.rs"]
mod common;
mod net;
mod orders;
mod solo;

mod actions;
mod c_election;
mod c_like;
mod candidates;
mod claims;
mod crossing;
mod ending;
mod goodbye;
mod greeting;
mod groups;
mod held;
mod interfaces;
mod intruders;
mod keys;
mod leader;
mod leader_c;
mod leader_net;
mod liveness;
mod mailbox;
mod meeting;
mod moving;
mod outstanding;
mod own;
mod required;
mod rumours;
mod sequences;
mod storm;
mod tickets;
mod two_way;
mod without_beacons;
