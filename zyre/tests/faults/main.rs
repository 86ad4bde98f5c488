//! Faults of real networks: nodes in processes of their own, on hosts that are network namespaces
//! which the test makes for itself. After every fault the nodes must find back to the truth
//! within a bound.
//!
//! It takes root and `ip`; where these are not, all are ignored, with the reason, and in CI they
//! fail.
//!
//! Most of the time goes by in waiting. So all faults happen at once, each on a network of its own;
//! only what measures waits until the others are done.

#![cfg(test)]

#[path = "../common/mod.rs"]
mod common;

mod agent;
mod crash;
mod fault;
mod interface;
mod ledger;
mod lossy;
mod node;
mod partition;
mod relay;
mod slow;

use std::process::ExitCode;

use relay::BadNetwork;
use testkit::harness::{self, Harness};
use testkit::{namespace, role, tests};

fn main() -> ExitCode {
    role::play(|role, settings| match role {
        "node" => harness::block_on(agent::run(settings)),
        "relay" => relay::run(settings),
        other => panic!("no role {other}"),
    });
    let faults = tests![
        partition_of_5_s: partition::of_5_s,
        partition_of_12_s: partition::of_12_s,
        partition_of_60_s: partition::of_60_s,
        suspended_for_2_s: crash::suspended_2_s,
        suspended_for_10_s: crash::suspended_10_s,
        suspended_for_40_s: crash::suspended_40_s,
        killed_and_restarted: crash::killed_and_restarted,
        killed_and_restarted_with_its_id: crash::killed_and_restarted_with_its_id,
        killed_and_restarted_with_its_id_elsewhere: crash::killed_and_restarted_with_its_id_elsewhere,
        out_of_descriptors: crash::out_of_descriptors,
        address_changes: interface::changes_address,
        address_changes_in_silence: interface::changes_address_in_silence,
        interface_down_for_5_s: interface::down_for_5_s,
        interface_down_for_40_s: interface::down_for_40_s,
        interface_appears: interface::appears_late,
        two_interfaces: interface::two_interfaces,
        two_interfaces_of_plain_nodes: interface::two_interfaces_of_plain_nodes,
        slow_peer_reads_one_message_a_second: slow::one_a_second,
        stalled_peer_overflows: slow::overflows,
        slow_application_reads_nothing: slow::reads_nothing,
    ];
    let faults_of_bad_networks = tests![
        network_turns_bad: lossy::turns_bad,
        network_is_bad: lossy::is_bad,
        network_drops_tcp: lossy::drops_tcp,
        network_drops_tcp_in_silence: lossy::drops_tcp_in_silence,
        one_way_lost_for_3_s: lossy::one_way_for_3_s,
        one_way_lost_for_12_s: lossy::one_way_for_12_s,
        one_way_lost_for_60_s: lossy::one_way_for_60_s,
    ];
    let measures = tests![
        stalled_peer_delays_nobody: slow::delays_nobody,
    ];
    let all = faults.len() + faults_of_bad_networks.len();
    Harness::default()
        .at_once(all)
        .skip(namespace::possible().err().map(String::from))
        .and(faults)
        .skip(BadNetwork::is_possible().err().map(String::from))
        .then(faults_of_bad_networks)
        .skip(namespace::possible().err().map(String::from))
        .then(measures)
        .exit_code()
}
