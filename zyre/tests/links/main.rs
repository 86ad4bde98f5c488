//! What carries two nodes: real links between hosts in network namespaces, through firewalls, NAT,
//! slow lines and paths that lose what they should carry. Nobody who lives is ended, everybody who
//! cannot be reached is told of, and what was accepted arrives.
//!
//! It takes root, `ip`, and `nft`; what cannot be run is ignored, with the reason. Longer runs are
//! asked for by the environment: `LINKS_RUNS`, `LINKS_NODES`, `LINKS_LOSS` and `LINKS_SECONDS`.
//!
//! Most of the time goes by in waiting, so all run at once; only where a node must be found soon
//! is what takes the processors not to be in its way.

#![cfg(test)]

mod agent;
mod black_hole;
mod bulk;
mod c_node;
mod c_nodes;
mod changes;
#[cfg(feature = "files")]
mod file_calls;
#[cfg(feature = "files")]
mod files;
mod firewall;
mod forged;
mod gossip;
mod listener;
mod loss;
mod nat;
mod networks;
mod node;
mod pair;
mod slow;
mod static_peers;
mod stream;
mod unreachable;

use std::process::ExitCode;

use testkit::harness::{self, Harness};
use testkit::namespace::{self, Namespace};
use testkit::{role, tests};

fn main() -> ExitCode {
    role::play(|role, settings| match role {
        "node" => harness::block_on(agent::run(settings)),
        other => panic!("no role {other}"),
    });
    let soon = tests![
        meet_without_a_firewall: firewall::nowhere,
        meet_firewalled_chooser: firewall::chooser,
        meet_firewalled_follower: firewall::follower,
        meet_nat_chooser: nat::chooser,
        meet_nat_follower: nat::follower,
        meet_nat_two_alike: nat::two_alike,
        meet_nat_with_the_own_endpoint: nat::with_the_own_endpoint,
    ];
    let others = tests![
        firewalls_at_both: firewall::at_both,
        slow_last_message_of_the_chooser: slow::last_message_of_the_chooser,
        slow_last_message_of_the_follower: slow::last_message_of_the_follower,
        bulk_whispers_that_wait: bulk::whispers_that_wait,
        bulk_shouts_that_wait: bulk::shouts_that_wait,
        bulk_whispers_that_do_not_wait: bulk::whispers_that_do_not_wait,
        bulk_shouts_that_do_not_wait: bulk::shouts_that_do_not_wait,
        bulk_too_many_shouts: bulk::too_many_shouts,
        forged_goodbye: forged::goodbye,
        forged_neighbour: forged::neighbour,
        forged_connections: forged::connections,
        forged_all_at_once: forged::all_at_once,
        black_hole_is_noticed: black_hole::is_noticed,
        not_reading_is_no_end: black_hole::not_reading_is_no_end,
        loss_ends_nobody: loss::ends_nobody,
        unreachable_neighbours_cost_little: unreachable::cost_little,
        static_partition_by_endpoint: static_peers::partition_by_endpoint,
        static_partition_by_the_follower: static_peers::partition_by_the_follower,
        static_partition_by_both: static_peers::partition_by_both,
        static_partition_by_id: static_peers::partition_by_id,
        static_behind_a_firewall_chooser: static_peers::behind_a_firewall_chooser,
        static_behind_a_firewall_follower: static_peers::behind_a_firewall_follower,
        static_the_required_one_moves: static_peers::the_required_one_moves,
        static_without_udp: static_peers::without_udp,
    ];
    let (places, shared) = (places(), shared());
    let all = soon.len() + places.len() + others.len() + shared.len();
    let needs = namespace::possible().and_then(|()| Namespace::new()?.nft("table ip x {}"));
    Harness::default()
        .at_once(all)
        .skip_also_in_ci(needs.err().map(String::from))
        .and(others)
        .then(soon)
        .and(shared)
        .then(places)
        .exit_code()
}

/// Where nodes live: on which networks, by which family.
fn places() -> Vec<harness::Test> {
    tests![
        c_global: c_nodes::global,
        c_global_without_ipv4: c_nodes::global_without_ipv4,
        c_global_of_another_subnet: c_nodes::global_of_another_subnet,
        c_link_local_with_interface: c_nodes::link_local_with_interface,
        c_link_local_without_interface: c_nodes::link_local_without_interface,
        c_link_local_beside_global: c_nodes::link_local_beside_global,
        c_ipv4: c_nodes::ipv4,
        c_ipv6_beside_ipv4: c_nodes::ipv6_beside_ipv4,
        c_ipv4_beside_ipv6: c_nodes::ipv4_beside_ipv6,
        changes_an_interface_flaps: changes::an_interface_flaps,
        changes_an_address_comes_back_at_once: changes::an_address_comes_back_at_once,
        changes_an_address_goes_to_another_interface: changes::an_address_goes_to_another_interface,
        changes_the_other_interface_comes_later: changes::the_other_interface_comes_later,
        changes_a_netmask_changes: changes::a_netmask_changes,
        changes_an_interface_gets_another_name: changes::an_interface_gets_another_name,
        changes_ipv6_is_switched_off_and_on: changes::ipv6_is_switched_off_and_on,
        changes_the_port_is_taken_elsewhere: changes::the_port_is_taken_elsewhere,
        changes_two_networks_with_one_subnet: changes::two_networks_with_one_subnet,
        changes_an_address_is_not_sure_yet: changes::an_address_is_not_sure_yet,
        changes_forged_beacons: changes::forged_beacons,
        changes_many_addresses_take_few_descriptors: changes::many_addresses_take_few_descriptors,
        gossip_two_networks: gossip::two_networks,
        gossip_two_networks_firewalled_chooser: gossip::two_networks_and_a_firewall_at_the_chooser,
        gossip_two_networks_firewalled_follower: gossip::two_networks_and_a_firewall_at_the_follower,
        gossip_a_partition: gossip::a_partition,
        gossip_a_client_that_moves: gossip::a_client_that_moves,
        networks_between_two: networks::between_two,
        networks_fail_over: networks::fail_over,
        networks_ipv6_only: networks::ipv6_only,
        networks_before_an_address: networks::before_an_address,
        networks_heard_by_the_wrong_family: networks::heard_by_the_wrong_family,
        networks_an_id_that_is_used_twice: networks::an_id_that_is_used_twice,
        networks_families: networks::families,
        networks_an_address_changes: networks::an_address_changes,
        networks_an_address_changes_before_firewalls: networks::an_address_changes_before_firewalls,
        networks_two_interfaces_on_one_network: networks::two_interfaces_on_one_network,
        networks_a_dead_interface: networks::a_dead_interface,
        networks_a_second_address: networks::a_second_address,
    ]
}

#[cfg(not(feature = "files"))]
const fn shared() -> Vec<harness::Test> {
    Vec::new()
}

#[cfg(feature = "files")]
fn shared() -> Vec<harness::Test> {
    [plainly_shared(), securely_shared()].concat()
}

#[cfg(all(feature = "files", not(feature = "curve")))]
const fn securely_shared() -> Vec<harness::Test> {
    Vec::new()
}

#[cfg(all(feature = "files", feature = "curve"))]
fn securely_shared() -> Vec<harness::Test> {
    tests![files_of_secure_nodes: file_calls::of_secure_nodes_behind_a_firewall]
}

#[cfg(feature = "files")]
fn plainly_shared() -> Vec<harness::Test> {
    tests![
        files_on_two_networks: files::on_two_networks,
        files_by_link_local_addresses: files::by_link_local_addresses,
        files_by_a_second_address: files::by_a_second_address,
        files_after_a_network_is_gone: files::after_a_network_is_gone,
        files_behind_a_firewall_chooser: file_calls::behind_a_firewall_chooser,
        files_behind_a_firewall_follower: file_calls::behind_a_firewall_follower,
        files_behind_a_router: file_calls::behind_a_router,
        files_of_two_alike: file_calls::of_two_alike,
        files_behind_a_forwarded_port: file_calls::behind_a_forwarded_port,
        files_by_the_other_side: file_calls::by_the_other_side,
        files_that_nobody_can_fetch: file_calls::that_nobody_can_fetch,
    ]
}
