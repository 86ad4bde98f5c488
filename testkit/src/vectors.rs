//! Bytes captured from real nodes: `vectors/zre.json`, `vectors/election.json`,
//! `vectors/gossip.json`, `vectors/ipv6.json`, `vectors/filemq.json` and `vectors/curve.json`.

#![allow(clippy::expect_used, reason = "vectors are part of the repository")]

use std::sync::LazyLock;

use serde_json::Value;

use crate::hex;

/// Returns the entries about ZRE of one `kind` (`beacon`, `zre`, `zmtp`) whose name starts with
/// `prefix`.
///
/// # Panics
/// There is none.
pub fn zre(kind: &str, prefix: &str) -> Vec<Value> {
    let mut entries = entries(include_str!("../../vectors/zre.json"));
    let name = |entry: &Value| entry["name"].as_str().map(str::to_owned);
    entries.retain(|entry| {
        entry["kind"] == kind && name(entry).is_some_and(|name| name.starts_with(prefix))
    });
    assert!(!entries.is_empty(), "no vectors {kind} {prefix}*");
    entries
}

/// Returns what was captured between nodes that speak IPv6: in each entry the nodes, with the
/// addresses that they connect to, their beacons, and their HELLOs with the addresses of the
/// connections.
pub fn ipv6() -> Vec<Value> {
    entries(include_str!("../../vectors/ipv6.json"))
}

/// Returns what was captured between nodes that elect a leader: in each entry the nodes, with the
/// leaders that each was told, and their messages, without content, in the order of time.
pub fn election() -> Vec<Value> {
    entries(include_str!("../../vectors/election.json"))
}

/// Returns the entries about FILEMQ.
pub fn filemq() -> Vec<Value> {
    entries(include_str!("../../vectors/filemq.json"))
}

/// Returns what was captured between C nodes that find each other by gossip: in each entry the
/// gossip messages of one scenario, in order, with the time in milliseconds, the addresses at both
/// ends, the frame, and what it says.
pub fn gossip() -> Vec<Value> {
    entries(include_str!("../../vectors/gossip.json"))
}

/// Returns what is known of CURVE: keys, what the primitives make of them, sessions with libzmq and
/// between C nodes, step by step, and what libzmq does when it is given something else.
///
/// # Panics
/// They are no JSON.
pub fn curve() -> &'static Value {
    static CURVE: LazyLock<Value> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../../vectors/curve.json")).expect("vectors are JSON")
    });
    &CURVE
}

/// Returns the bytes of an entry about ZRE; of a ZRE message, which has several frames, the first.
///
/// # Panics
/// It has none.
pub fn bytes(entry: &Value) -> Vec<u8> {
    let digits = entry["hex"].as_str().or_else(|| entry["hex"][0].as_str());
    hex::decode(digits.expect("an entry has bytes"))
}

fn entries(text: &str) -> Vec<Value> {
    serde_json::from_str(text).expect("vectors are JSON")
}
