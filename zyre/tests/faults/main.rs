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
mod crash;
mod fault;
mod interface;
mod ledger;
mod lossy;
mod network;
mod node;
mod partition;
mod process;
mod relay;
mod slow;

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use common::child;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a process that other tests start"]
async fn child() {
    if let Some((task, settings)) = child::task() {
        match &*task {
            "node" => agent::run(&settings).await,
            "relay" => relay::run(&settings),
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
    suspended_for_3_s: crash::suspended_3_s;
    suspended_for_10_s: crash::suspended_10_s;
    suspended_for_40_s: crash::suspended_40_s;
    killed_and_restarted: crash::killed_and_restarted;
    killed_and_restarted_with_its_id: crash::killed_and_restarted_with_its_id;
    killed_and_restarted_with_its_id_elsewhere: crash::killed_and_restarted_with_its_id_elsewhere;
    out_of_descriptors: crash::out_of_descriptors;
    address_changes: interface::changes_address;
    address_changes_in_silence: interface::changes_address_in_silence;
    interface_down_for_5_s: interface::down_for_5_s;
    interface_down_for_40_s: interface::down_for_40_s;
    interface_appears: interface::appears_late;
    two_interfaces: interface::two_interfaces;
    network_turns_bad: lossy::turns_bad;
    network_is_bad: lossy::is_bad;
    network_drops_tcp: lossy::drops_tcp;
    one_way_lost_for_3_s: lossy::one_way_for_3_s;
    one_way_lost_for_20_s: lossy::one_way_for_20_s;
    one_way_lost_for_60_s: lossy::one_way_for_60_s;
    slow_peer_reads_one_message_a_second: slow::one_a_second;
    stalled_peer_overflows: slow::overflows;
    slow_application_reads_nothing: slow::reads_nothing;
    stalled_peer_delays_nobody: slow::delays_nobody;
}

/// Measures, and so runs when all others are done.
const LAST: &str = "stalled_peer_delays_nobody";

/// Waits for the end of a case.
fn outcome(name: &str) {
    static RUNNING: OnceLock<HashMap<&str, Mutex<Option<JoinHandle<()>>>>> = OnceLock::new();
    if let Err(reason) = network::possible() {
        println!("faults: {name} skipped: {reason}");
        return;
    }
    let case = |name: &str| FAULTS.iter().find(|(other, _)| *other == name).expect("listed").1;
    let asked_for = std::env::args().skip(1).any(|argument| !argument.starts_with('-'));
    if asked_for {
        return case(name)();
    }
    let start = |(name, case): &(&'static str, fn())| {
        let thread = Builder::new().name((*name).to_owned()).spawn(*case);
        (*name, Mutex::new(Some(thread.expect("a thread"))))
    };
    let others = FAULTS.iter().filter(|(name, _)| *name != LAST);
    let running = RUNNING.get_or_init(|| others.map(start).collect());
    let take = |name| running[name].lock().unwrap().take();
    if name == LAST {
        let ended = |case: &Mutex<Option<JoinHandle<()>>>| {
            case.lock().unwrap().as_ref().is_none_or(JoinHandle::is_finished)
        };
        while !running.values().all(ended) {
            std::thread::sleep(Duration::from_millis(100));
        }
        case(name)();
    } else if let Err(panic) = take(name).expect("nobody else waits for it").join() {
        std::panic::resume_unwind(panic);
    }
}
