//! Two nodes never greet each other forever, whatever came between them.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::c_like::CLike;
use crate::net::Net;

/// What was sent before the trouble was over may take 15 seconds, and lead to a dial. Then one may
/// be present to the other, which has lost the answer: 30 seconds without a word, and they meet by
/// the next beacon.
const SETTLED: u64 = 15 + 2 + 30 + 3;

/// What came of a pair of nodes after some trouble.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    /// HELLOs that were sent after the last trouble.
    hellos: usize,
    /// Seconds after the last trouble until both were present to each other for good.
    seconds: u64,
}

/// Nodes 1 and 2 meet, and then links break and nodes forget each other while everything takes
/// between nothing and `slowest` milliseconds. Then the trouble is over.
fn trouble(net: &mut Net, seed: u64, slowest: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let slow = rng.random_range(0..=slowest);
    if rng.random_bool(0.8) {
        net.run(3_000);
    }
    net.delay = (0, slow);
    for _ in 0..rng.random_range(1..=6) {
        let (n, other) = if rng.random() { (1, 2) } else { (2, 1) };
        match rng.random_range(0..4) {
            0 => net.cut(n, other),
            1 => {
                net.cut(n, other);
                net.cut(other, n);
            }
            _ => net.forget(n, other),
        }
        let longest = [100, 2_000, 15_000][rng.random_range(0..3)];
        net.run(rng.random_range(0..longest));
    }
}

/// Until both nodes are present to each other and stay it.
fn settle(net: &mut Net, seed: u64) -> Outcome {
    let before = net.hellos;
    let mut last = 0;
    net.log(1);
    net.log(2);
    for second in 1..=90 {
        net.run(1_000);
        if !net.log(1).is_empty() | !net.log(2).is_empty() {
            last = second;
        }
    }
    let hellos = net.hellos - before;
    assert!(net.talk(1, 2), "seed {seed}: not present to each other after 90 s, {hellos} HELLOs");
    Outcome { hellos, seconds: last }
}

/// The worst that comes of many pairs.
fn search(
    seeds: std::ops::Range<u64>,
    pair: fn(&mut Net),
    slowest: u64,
    after: (u64, u64),
) -> Outcome {
    let mut worst = Outcome::default();
    for seed in seeds {
        let mut net = Net::new(seed);
        pair(&mut net);
        trouble(&mut net, seed, slowest);
        net.delay = after;
        let outcome = settle(&mut net, seed);
        worst.hellos = worst.hellos.max(outcome.hellos);
        worst.seconds = worst.seconds.max(outcome.seconds);
    }
    worst
}

fn two_engines(net: &mut Net) {
    net.start(1);
    net.start(2);
}

fn two_engines_on_one_connection(net: &mut Net) {
    net.two_way = true;
    two_engines(net);
}

/// One of them knows two-way connections, and the other one does not.
fn two_kinds_of_engines(net: &mut Net) {
    net.two_way = true;
    net.start(1);
    net.two_way = false;
    net.start(2);
}

fn engine_and_c_like(net: &mut Net) {
    net.start(1);
    CLike::start(net, 2);
}

#[test]
fn two_engines_settle_with_few_hellos_after_any_trouble() {
    let worst = search(0..5_000, two_engines, 15_000, (0, 3));
    assert!(worst.hellos <= 12 && worst.seconds <= 40, "{worst:?}");
}

#[test]
fn two_engines_on_one_connection_settle_with_few_hellos_after_any_trouble() {
    let worst = search(0..5_000, two_engines_on_one_connection, 15_000, (0, 3));
    assert!(worst.hellos <= 12 && worst.seconds <= 40, "{worst:?}");
}

#[test]
fn engines_of_two_kinds_settle_with_few_hellos_after_any_trouble() {
    let worst = search(0..1_000, two_kinds_of_engines, 15_000, (0, 3));
    assert!(worst.hellos <= 12 && worst.seconds <= 40, "{worst:?}");
}

#[test]
fn an_engine_and_a_node_that_answers_every_hello_settle_after_any_trouble() {
    let worst = search(0..5_000, engine_and_c_like, 15_000, (0, 3));
    assert!(worst.hellos <= 12 && worst.seconds <= SETTLED, "{worst:?}");
}

#[test]
fn pairs_settle_on_a_network_that_stays_slow() {
    for delay in [100, 300, 450] {
        for pair in [two_engines, two_engines_on_one_connection, engine_and_c_like] {
            let worst = search(0..300, pair, 15_000, (delay, delay));
            assert!(worst.hellos <= 8 && worst.seconds <= SETTLED, "{delay} ms: {worst:?}");
        }
    }
}

#[test]
fn pairs_settle_on_a_network_whose_round_trip_takes_longer_than_the_proof() {
    for delay in [600, 1_500] {
        for pair in [two_engines, two_engines_on_one_connection, engine_and_c_like] {
            let worst = search(0..100, pair, 15_000, (delay, delay));
            assert!(worst.hellos <= 12 && worst.seconds <= 60, "{delay} ms: {worst:?}");
        }
    }
}
