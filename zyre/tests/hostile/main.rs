//! Whatever strangers send to a node, it lives on, and its peers notice nothing.
//!
//! The node under attack is a process of its own, so that its memory can be measured. A good peer
//! exchanges WHISPERs with it all the time.

#![cfg(test)]

mod attack_run;
mod beacons;
#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "files")]
mod files;
mod impostors;
mod list;
mod messages;
#[cfg(feature = "curve")]
mod secure;
mod transport;
mod two_way;
mod two_way_impostors;
mod two_way_mailboxes;

use std::process::ExitCode;

use testkit::harness::Test;
use testkit::{async_tests, harness, role};

fn main() -> ExitCode {
    role::play(|_, settings| harness::block_on_one_thread(common::child::echo(settings)));
    #[cfg(not(feature = "files"))]
    let file_tests = Vec::new();
    #[cfg(feature = "files")]
    let file_tests = file_tests();
    #[cfg(not(feature = "curve"))]
    let secure_tests = Vec::new();
    #[cfg(feature = "curve")]
    let secure_tests = secure_tests();
    #[cfg(not(all(feature = "curve", feature = "files")))]
    let secure_file_tests = Vec::new();
    #[cfg(all(feature = "curve", feature = "files"))]
    let secure_file_tests = secure_file_tests();
    let all = [plain_tests(), two_way_tests(), file_tests, secure_tests, secure_file_tests];
    harness::run(all.concat())
}

fn plain_tests() -> Vec<Test> {
    async_tests![
        beacons::datagrams_that_are_no_beacons_are_ignored,
        beacons::beacons_with_the_node_s_own_id_or_endpoint_lead_to_nobody,
        beacons::a_forged_goodbye_does_not_cut_the_good_peer,
        beacons::forged_beacons_that_move_the_good_peer_elsewhere_do_not_cut_it,
        beacons::forged_beacons_of_new_nodes_on_the_good_peer_s_endpoint_do_not_cut_it,
        beacons::thousands_of_forged_beacons_keep_no_real_node_out,
        beacons::forged_beacons_that_lead_to_silence_keep_no_real_node_out,
        impostors::messages_in_the_good_peer_s_name_that_do_not_fit_close_only_their_connection,
        impostors::a_hello_in_the_good_peer_s_name_changes_nothing,
        impostors::a_stranger_s_hello_from_the_good_peer_s_endpoint_changes_nothing,
        impostors::idle_connections_in_the_good_peer_s_name_change_nothing,
        list::attacks_by_beacons,
        list::attacks_by_connections,
        list::attacks_by_mailboxes,
        list::attacks_by_hellos,
        list::attacks_by_messages,
        list::attacks_by_contents,
        list::attacks_by_impostors,
        list::attacks_by_gossip_clients,
        list::attacks_by_a_gossip_hub,
        messages::every_message_cut_short_before_hello_closes_its_connection,
        messages::every_message_cut_short_after_hello_ends_its_sender_only,
        messages::messages_before_hello_are_ignored,
        messages::what_is_not_zre_is_ignored_and_unknown_messages_only_count,
        messages::a_hello_with_another_sequence_than_1_closes_its_connection,
        messages::a_hello_with_false_counts_or_beyond_the_limits_closes_its_connection,
        messages::a_hello_without_a_usable_endpoint_closes_its_connection,
        messages::a_hello_with_the_node_s_own_endpoint_or_id_leads_to_nobody,
        messages::a_gap_in_the_sequence_or_the_status_ends_its_sender_only,
        transport::a_failed_handshake_is_counted_at_once,
        transport::tcp_garbage_is_closed,
        transport::half_greetings_and_silence_are_closed_by_the_deadline,
        transport::more_silent_connections_than_handshakes_are_allowed_keep_nobody_out,
        transport::announced_frames_beyond_the_limit_are_closed_before_anything_is_allocated,
        transport::frames_that_are_announced_and_never_come_cost_no_memory,
        transport::a_stranger_may_not_send_more_than_a_hello,
        transport::idle_strangers_do_not_keep_the_places_of_peers,
        transport::an_oversize_ready_is_closed,
        transport::messages_before_ready_are_closed,
        transport::routing_ids_that_are_not_those_of_nodes_are_closed,
        transport::connections_that_never_say_hello_are_closed_in_the_time_of_a_handshake,
        transport::a_stranger_that_was_greeted_is_not_closed_as_idle,
    ]
}

fn two_way_tests() -> Vec<Test> {
    async_tests![
        list::attacks_on_two_way_connections,
        list::attacks_by_two_way_impostors,
        list::attacks_by_two_way_mailboxes,
        two_way::few_connections_in_one_name_stay_open,
        two_way::connections_in_many_names_keep_nobody_out,
        two_way::idle_strangers_do_not_end_one_that_was_greeted,
        two_way::connections_that_do_not_answer_keep_no_places_of_peers,
        two_way::an_answer_on_another_connection_closes_that_one,
        two_way::a_hello_on_another_connection_than_the_chosen_one_closes_that_one,
        two_way::a_second_hello_ends_its_sender_only,
        two_way::a_follower_that_does_not_answer_is_given_up_in_time,
        two_way::strangers_that_wait_to_be_spoken_to_are_closed_as_idle,
        two_way::a_follower_that_speaks_first_is_met_once,
        two_way::anything_but_hello_first_closes_the_connection,
        two_way::the_endpoint_of_another_in_hello_takes_nobody_s_place,
        two_way::only_the_property_as_specified_makes_a_connection_two_way,
        two_way::a_node_that_wants_one_connection_each_way_ignores_the_property,
        two_way::a_two_way_connection_without_an_id_or_with_the_node_s_own_is_closed,
        two_way::ping_oks_that_nobody_asked_for_are_nothing,
        two_way_impostors::silence_in_the_good_peer_s_name_is_closed_in_silence,
        two_way_impostors::what_is_said_in_the_good_peer_s_name_is_not_believed,
        two_way_impostors::the_good_peer_does_not_believe_an_impostor_of_the_node,
        two_way_impostors::silence_in_the_name_of_a_plain_node_does_not_keep_it_out,
        two_way_impostors::a_plain_hello_in_the_name_of_a_follower_that_answers_changes_nothing,
        two_way_impostors::silence_in_the_name_of_a_chooser_does_not_keep_it_out,
        two_way_impostors::silence_in_the_name_of_a_follower_delays_it_only,
        two_way_impostors::a_plain_hello_in_the_name_of_another_does_not_keep_it_out,
        two_way_mailboxes::a_dialled_node_that_says_nothing_is_left_in_time,
        two_way_mailboxes::a_dialled_node_that_breaks_the_protocol_is_left_at_once,
        two_way_mailboxes::a_dialled_node_that_is_another_one_is_told_nothing,
        two_way_mailboxes::a_dialled_node_with_the_endpoint_of_another_takes_nobody_s_place,
    ]
}

#[cfg(feature = "files")]
fn file_tests() -> Vec<Test> {
    async_tests![
        files::attacks_by_clients_that_break_the_protocol,
        files::attacks_by_clients_that_take_much,
        files::attacks_by_clients_in_the_name_of_others,
        files::attacks_by_servers_that_break_the_protocol,
        files::attacks_by_servers_that_lie,
        files::attacks_by_servers_that_send_much,
    ]
}

#[cfg(feature = "curve")]
fn secure_tests() -> Vec<Test> {
    async_tests![
        secure::attacks_by_strangers_on_a_secure_node,
        secure::attacks_without_a_key_on_a_secure_node,
        secure::attacks_by_insiders_on_a_secure_node,
        secure::attacks_by_insiders_on_the_gossip_of_a_secure_node,
    ]
}

#[cfg(all(feature = "curve", feature = "files"))]
fn secure_file_tests() -> Vec<Test> {
    async_tests![
        secure::attacks_on_all_doors_of_a_secure_node,
        secure::attacks_by_insiders_on_the_files_of_a_secure_node,
    ]
}
