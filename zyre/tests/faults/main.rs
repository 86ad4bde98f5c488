//! Faults of real networks: nodes in processes of their own, on hosts that are network namespaces
//! which the test makes for itself. After every fault the nodes must find back to the truth
//! within a bound.
//!
//! It takes root and `ip`; where these are not, each test says so and passes.
//!
//! Most of the time goes by in waiting. So all faults happen at once, each on a network of its
//! own, as soon as the first test begins; a test that is named on the command line runs alone.

#![cfg(test)]

#[path = "../common/mod.rs"]
mod common;

mod agent;
mod fault;
mod interface;
mod network;
mod node;
mod partition;
mod process;

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};
use std::thread::{JoinHandle, spawn};

use common::child;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a process that other tests start"]
async fn child() {
    if let Some((task, settings)) = child::task() {
        match &*task {
            "node" => agent::run(&settings).await,
            other => panic!("no task {other}"),
        }
    }
}

/// A test for each, and the list of them all.
macro_rules! faults {
    ($($name:ident: $case:path;)*) => {
        $(
            #[test]
            fn $name() {
                outcome(stringify!($name));
            }
        )*

        const FAULTS: &[(&str, fn())] = &[$((stringify!($name), $case)),*];
    };
}

faults! {
    partition_of_5_s: partition::of_5_s;
    partition_of_20_s: partition::of_20_s;
    partition_of_60_s: partition::of_60_s;
    suspended_for_3_s: process::suspended_3_s;
    suspended_for_10_s: process::suspended_10_s;
    suspended_for_40_s: process::suspended_40_s;
    killed_and_restarted: process::killed_and_restarted;
    address_changes: interface::changes_address;
    address_changes_in_silence: interface::changes_address_in_silence;
    interface_down_for_5_s: interface::down_for_5_s;
    interface_down_for_40_s: interface::down_for_40_s;
    interface_appears: interface::appears_late;
    two_interfaces: interface::two_interfaces;
}

/// Waits for the end of a case.
fn outcome(name: &str) {
    static RUNNING: OnceLock<Mutex<HashMap<&str, JoinHandle<()>>>> = OnceLock::new();
    if let Err(reason) = network::possible() {
        println!("faults: {name} skipped: {reason}");
        return;
    }
    let all = || FAULTS.iter().map(|(name, case)| (*name, spawn(case)));
    let asked_for = std::env::args().skip(1).any(|argument| !argument.starts_with('-'));
    if asked_for {
        let case = FAULTS.iter().find(|(other, _)| *other == name);
        case.expect("it is in the list").1();
        return;
    }
    let running = RUNNING.get_or_init(|| Mutex::new(all().collect()));
    let case = running.lock().unwrap().remove(name).expect("nobody waits for it yet");
    if let Err(panic) = case.join() {
        std::panic::resume_unwind(panic);
    }
}
