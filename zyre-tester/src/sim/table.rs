//! How cost grows with the number of nodes, and what that means on a wireless network.

use std::sync::atomic::AtomicBool;

use serde_json::json;

use super::counts::{HELLO, JOIN, PING};
use super::options::Options;
use super::report::Live;
use super::rules::Rules;
use super::run::{self, Outcome, Setup};
use super::time::{Micros, SECOND};
use super::trace::Trace;
use crate::json;

/// How long each network is watched.
const WATCHED: Micros = 15 * SECOND;
/// Bytes of a beacon, as the Guide counts them, and with the headers of UDP and IP.
const BEACON: f64 = 22.0;
const DATAGRAM: f64 = BEACON + 28.0;
/// Bytes of headers around one small TCP segment, and of its acknowledgement.
const TCP: f64 = 40.0;
/// `JOIN group-1` with its framing.
const JOIN_BYTES: f64 = 6.0 + 8.0 + 1.0 + 2.0;
/// Access points send broadcasts at their lowest rate: 54 Mbit/s ones mostly at 1 Mbit/s.
const SLOWEST: f64 = 1.0 / 54.0;

/// One line of the table.
struct Row {
    nodes: u32,
    outcome: Outcome,
    pings: f64,
    hello_bytes: u64,
    join_messages: u64,
}

impl Row {
    fn measure(options: &Options, nodes: u32, stop: &AtomicBool) -> Self {
        let rules = Rules {
            seed: options.seed,
            chat: false,
            ledger: false,
            history: 0,
            shouts: 0,
            end: WATCHED,
            rest: 0,
            sabotage: None,
            trace: Trace::default(),
        };
        let setup = Setup {
            nodes,
            secure: false,
            // The cost of today's nodes.
            plain: 0,
            terms: options.terms(),
            rules,
            spread: SECOND,
            threads: options.threads(nodes),
            until_mesh: false,
            until_violation: false,
            cut: WATCHED,
            watched: None,
        };
        let mut live = Live::new(WATCHED);
        let outcome = run::run(&setup, &[], stop, &mut live);
        live.clear();
        let at_mesh = outcome.at_mesh.clone().unwrap_or_default();
        let idle = outcome.time.saturating_sub(outcome.mesh.unwrap_or(0)) as f64 / SECOND as f64;
        let pings = outcome.counts.messages[PING] - at_mesh.messages[PING];
        Self {
            nodes,
            pings: pings as f64 / idle,
            hello_bytes: at_mesh.bytes[HELLO],
            join_messages: outcome.counts.messages[JOIN],
            outcome,
        }
    }

    /// Bytes per second of all beacons.
    fn beacons(&self) -> f64 {
        f64::from(self.nodes) * BEACON
    }

    /// The same if beacons were sent to each peer by TCP.
    fn tcp_beacons(&self) -> f64 {
        f64::from(self.nodes) * f64::from(self.nodes.saturating_sub(1)) * BEACON
    }

    /// Share of the air that beacons take, sent at the rate of broadcasts.
    fn beacon_air(&self, capacity: f64) -> f64 {
        f64::from(self.nodes) * DATAGRAM * 8.0 / (capacity * SLOWEST)
    }

    /// Share of the air if each node joins or leaves a group once a second.
    fn join_air(&self, capacity: f64) -> f64 {
        let segments = f64::from(self.nodes) * self.join_messages as f64;
        segments * (JOIN_BYTES + 2.0 * TCP) * 8.0 / capacity
    }

    fn json(&self, capacity: f64) -> serde_json::Value {
        json!({
            "nodes": self.nodes,
            "full_mesh_ms": self.outcome.mesh.map(|at| at as f64 / 1e3),
            "beacon_bytes_per_s": self.beacons(),
            "pings_per_s": self.pings,
            "hello_bytes": self.hello_bytes,
            "messages_per_join": self.join_messages,
            "tcp_beacon_bytes_per_s": self.tcp_beacons(),
            "tcp_beacon_share": self.tcp_beacons() * 8.0 / capacity,
            "beacon_air_share": self.beacon_air(capacity),
            "join_air_share": self.join_air(capacity),
            "wall_s": self.outcome.wall.as_secs_f64(),
            "digest": format!("{:016x}", self.outcome.digest.0),
        })
    }
}

/// Prints the table.
pub(super) fn run(options: &Options, stop: &AtomicBool) -> Result<bool, String> {
    if options.sizes.iter().any(|nodes| !(2..=65_536).contains(nodes)) {
        return Err("the table is of networks of 2 to 65536 nodes".into());
    }
    let capacity = options.capacity;
    println!(
        "| nodes | full mesh | beacons bytes/s | PINGs/s | HELLO bytes | messages per JOIN | \
         beacons by TCP, bytes/s | of the air | beacons, of the air | a JOIN per node and second, \
         of the air |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let mut rows = Vec::new();
    for nodes in &options.sizes {
        let row = Row::measure(options, *nodes, stop);
        let mesh = row.outcome.mesh.map_or_else(
            || format!("not in {} s", WATCHED / SECOND),
            |at| format!("{:.2} s", at as f64 / SECOND as f64),
        );
        println!(
            "| {} | {mesh} | {} | {:.1} | {} | {} | {} | {} | {} | {} |",
            row.nodes,
            row.beacons(),
            row.pings,
            row.hello_bytes,
            row.join_messages,
            row.tcp_beacons(),
            percent(row.tcp_beacons() * 8.0 / capacity),
            percent(row.beacon_air(capacity)),
            percent(row.join_air(capacity)),
        );
        let interrupted = row.outcome.interrupted;
        rows.push(row.json(capacity));
        if interrupted {
            println!("interrupted");
            break;
        }
    }
    if let Some(file) = &options.json {
        json::write(file, &json!({ "capacity_bits_per_s": capacity, "rows": rows }))?;
    }
    Ok(true)
}
