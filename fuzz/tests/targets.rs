//! Every target with its kept inputs, and with fresh ones made of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use std::time::{Duration, Instant};

use fuzz::{Mutator, Target, corpus};
use testkit::hex;

/// The time for fresh inputs of a target, and the most of them. A machine under load does fewer.
const TIME: Duration = Duration::from_secs(2);
const FRESH: usize = 4000;

fn run(name: &str) {
    let target = Target::named(name).unwrap();
    let mut known = (target.seeds)();
    for seed in &known {
        attempt(&target, seed, "a seed");
    }
    for (path, input) in corpus::kept(&target).unwrap() {
        attempt(&target, &input, &path.display().to_string());
        known.push(input);
    }
    attempt(&target, &[], "nothing");
    let until = Instant::now() + TIME;
    let mut mutator = Mutator::new(1);
    for nth in 0..FRESH {
        attempt(&target, &mutator.input(&known), &format!("fresh input {nth}"));
        if Instant::now() > until {
            break;
        }
    }
}

/// Says which input it was.
fn attempt(target: &Target, input: &[u8], which: &str) {
    let outcome = std::panic::catch_unwind(|| (target.run)(input));
    assert!(outcome.is_ok(), "{}: {which}: {}", target.name, hex::encode(input));
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test] fn $name() { run(stringify!($name)); })*

        #[test]
        fn none_is_left_out() {
            let names: Vec<_> = fuzz::TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

targets! {
    greeting handshake frame command connection curve_server curve_client beacon endpoint message log
    gossip certificate words filemq engine
}

#[test]
fn kept_inputs_are_small_and_few() {
    let mut count = 0;
    for target in fuzz::TARGETS {
        for (path, input) in corpus::kept(target).unwrap() {
            assert!(input.len() <= 1024, "{}", path.display());
            count += 1;
        }
    }
    assert!(count <= 200, "{count} files");
}
