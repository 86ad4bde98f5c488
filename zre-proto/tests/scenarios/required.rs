//! What the application requires without an id, or by the name of a host: it is found out who is
//! there, again and again.

use std::net::SocketAddr;

use zre_proto::UnreachableReason::{self, NoAnswer, NoHello, NoName, OwnNode, Refused};
use zre_proto::message::{Command, Hello, Message};
use zre_proto::{
    Action, ActionError, Config, Content, Endpoint, HostEndpoint, Input, Loss, Output,
};

use crate::common::{endpoint, id};
use crate::solo::{Solo, hello};
use crate::two_way::{chooser, follower};

const REFUSED: Loss = Loss::Failed(Refused);

fn require(solo: &mut Solo, endpoint: Endpoint) {
    let action = Action::RequireEndpoint { endpoint: endpoint.into(), peer: None };
    assert_eq!(solo.act(action), Ok(()));
}

/// An engine that has required the endpoint of node 2.
fn requiring() -> Solo {
    let mut solo = Solo::new();
    require(&mut solo, endpoint(2));
    assert_eq!(solo.trace(), [scout(endpoint(2))]);
    solo
}

/// The same; node 2 does not tell whose its mailbox is, and was sent HELLO.
fn asking() -> Solo {
    let mut solo = requiring();
    solo.scout_up(endpoint(2));
    assert_eq!(solo.trace(), ["send 0 hello 1"]);
    solo
}

/// The same; node 2 has answered.
fn met() -> Solo {
    let mut solo = asking();
    solo.hello(2);
    assert_eq!(solo.trace(), ["identified 2", "ENTER 2"]);
    solo
}

fn scout(endpoint: Endpoint) -> String {
    format!("scout {endpoint}")
}

fn told(endpoint: impl Into<HostEndpoint>, why: UnreachableReason) -> String {
    format!("UNREACHABLE {} {why}", endpoint.into())
}

fn name() -> HostEndpoint {
    "host.example:7".parse().unwrap()
}

fn resolve(solo: &mut Solo, addresses: &[Endpoint]) {
    solo.handle(Input::Resolved { endpoint: &name(), addresses });
}

/// An address that nobody has told of.
fn elsewhere(n: u8) -> Endpoint {
    Endpoint::new(SocketAddr::from(([172, 16, 0, n], 49152)))
}

// Who is there.

#[test]
fn a_node_that_tells_its_id_is_met_on_the_connection_by_which_it_was_found() {
    for mut solo in [chooser(), follower()] {
        require(&mut solo, endpoint(2));
        assert_eq!(solo.trace(), [scout(endpoint(2))]);
        let conn = solo.scout_finds(endpoint(2), 2, true);
        let speaks_first = solo.trace();
        solo.hello_on(2, conn);
        assert_eq!([speaks_first, solo.trace()].concat(), ["send 2 hello 1", "ENTER 2"]);
        assert_eq!(solo.engine.speaks_on(id(2)), Some(conn));
        solo.wait_with_beacons(10, &[2]);
        assert!(solo.trace().is_empty(), "it is met");
    }
}

#[test]
fn a_node_that_tells_its_id_and_wants_two_connections_gets_them() {
    let mut solo = requiring();
    solo.scout_finds(endpoint(2), 2, false);
    assert_eq!(solo.trace(), ["send 2 hello 1"]);
    solo.hello(2);
    assert_eq!(solo.trace(), ["ENTER 2"]);
}

#[test]
fn a_node_that_does_not_tell_its_id_is_known_by_the_hello_from_the_endpoint() {
    let mut solo = met();
    assert_eq!(solo.engine.peer(id(2)).unwrap().endpoint, endpoint(2));
    solo.whisper(2, "here");
    assert_eq!(solo.trace(), ["WHISPER 2 here"]);
    assert_eq!(solo.engine.speaks_on(id(2)), Some(solo.link(2)));
    // What is told of the connection from now on names it.
    solo.mailbox_lost(2);
    solo.lost(2);
    assert_eq!(solo.trace(), ["EXIT 2 link lost"]);
    solo.wait(1_000);
    assert_eq!(solo.trace(), [scout(endpoint(2))]);
}

#[test]
fn a_node_that_is_known_by_its_address_only_is_asked_first() {
    let mut solo = asking();
    // Behind a port forwarding: what it says of itself is of no use here.
    solo.hello_with(2, &hello("tcp://172.17.0.2:49152"));
    assert_eq!(solo.trace(), ["identified 2", "send 2 ping 2"]);
    solo.whisper(2, "early");
    assert!(solo.trace().is_empty());
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["ENTER 2", "WHISPER 2 early"]);
    assert_eq!(solo.engine.peer(id(2)).unwrap().endpoint, endpoint(2));
}

#[test]
fn another_node_at_the_same_address_is_not_taken_for_the_one_that_was_found() {
    let mut solo = asking();
    // Node 3 lives on the host of node 2, and greets for reasons of its own.
    let header = hello("tcp://172.17.0.3:49152");
    greet_from(&mut solo, 3, SocketAddr::from(([10, 0, 0, 2], 50_000)), &header);
    assert_eq!(solo.trace(), ["identified 3", "send 3 ping 2"]);
    solo.wait(1_000);
    let trace = solo.trace();
    assert!(trace.iter().all(|line| line.starts_with("close")), "nobody hears of it: {trace:?}");
    solo.wait(1_000);
    assert_eq!(solo.trace(), [scout(endpoint(2))]);
    solo.scout_up(endpoint(2));
    solo.hello(2);
    assert_eq!(solo.events(), ["ENTER 2"]);
}

#[test]
fn one_that_is_claimed_elsewhere_and_says_so_is_not_looked_for_behind_the_scout() {
    let mut solo = asking();
    solo.beacon_at(3, elsewhere(3));
    let there = elsewhere(3).to_string();
    assert_eq!(solo.trace(), [format!("connect 3 at {there}")]);
    greet_from(&mut solo, 3, SocketAddr::from(([10, 0, 0, 2], 50_000)), &hello(&there));
    assert!(solo.trace().is_empty(), "it is being dialled");
    solo.hello(2);
    assert_eq!(solo.trace(), ["identified 2", "ENTER 2"]);
}

#[test]
fn of_two_at_one_address_each_is_known_by_its_endpoint_and_nobody_by_the_address() {
    let other = Endpoint::new(SocketAddr::from(([10, 0, 0, 2], 50_000)));
    let mut solo = asking();
    require(&mut solo, other);
    solo.scout_up(other);
    solo.trace();
    solo.hello_with(2, &hello("tcp://172.17.0.2:1"));
    assert_eq!(solo.trace(), ["connect 2 at tcp://172.17.0.2:1"]);
    solo.hello_with(3, &hello(&other.to_string()));
    assert_eq!(solo.trace(), ["identified 3", "ENTER 3"]);
    solo.hello_with(4, &hello(&endpoint(2).to_string()));
    assert_eq!(solo.trace(), ["identified 4", "ENTER 4"]);
}

#[test]
fn who_does_not_answer_for_thirty_seconds_is_told_of_and_looked_for_again() {
    let mut solo = asking();
    solo.wait(29_999);
    assert!(solo.trace().is_empty());
    solo.wait(1);
    let expected = ["close 0 at tcp://10.0.0.2:49152", &told(endpoint(2), NoHello)];
    assert_eq!(solo.trace(), expected);
    solo.wait(1_000);
    assert_eq!(solo.trace(), [scout(endpoint(2))]);
}

#[test]
fn while_an_answer_is_waited_for_the_scout_hears_what_all_hear() {
    let mut solo = asking();
    solo.act(Action::Join("a")).unwrap();
    solo.act(Action::Leave("a")).unwrap();
    assert_eq!(solo.trace(), ["send 0 join 2", "send 0 leave 3"]);
    assert!(solo.engine.greets_unknown(solo.scout_at(endpoint(2))));
    solo.hello(2);
    assert_eq!(solo.trace(), ["identified 2", "ENTER 2"]);
    solo.act(Action::Join("b")).unwrap();
    assert_eq!(solo.trace(), ["send 2 join 4"], "the sequence goes on");

    let mut solo = asking();
    solo.act(Action::Stop).unwrap();
    assert_eq!(solo.trace(), ["send 0 goodbye 2", "STOP"]);
    assert_eq!(solo.engine.next_deadline(), None);
}

#[test]
fn the_own_endpoint_is_known_by_the_id_and_told_of_and_hardly_tried_again() {
    let mut solo = Solo::new();
    require(&mut solo, endpoint(1));
    assert_eq!(solo.trace(), [scout(endpoint(1))], "behind NAT another one may be there");
    solo.scout_finds(endpoint(1), 1, true);
    let close = "close 1".to_owned();
    assert_eq!(solo.trace(), [close.clone(), told(endpoint(1), OwnNode)]);
    solo.wait(59_999);
    assert!(solo.trace().is_empty());
    solo.wait(1);
    assert_eq!(solo.trace(), [scout(endpoint(1))]);
    solo.scout_finds(endpoint(1), 1, false);
    assert_eq!(solo.trace(), [close], "it was told");
    assert_eq!(solo.engine.stats().own, 2);
}

// Again and again.

#[test]
fn an_endpoint_where_nobody_was_met_is_tried_less_and_less_often() {
    let mut solo = requiring();
    for (nth, pause) in
        [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000].iter().enumerate()
    {
        solo.scout_lost(endpoint(2), REFUSED);
        let expected = [told(endpoint(2), Refused)];
        assert_eq!(solo.trace(), expected[..usize::from(nth == 0)], "told once");
        solo.wait(pause - 1);
        assert!(solo.trace().is_empty(), "{pause} ms");
        solo.wait(1);
        assert_eq!(solo.trace(), [scout(endpoint(2))], "{pause} ms");
    }
    solo.scout_lost(endpoint(2), Loss::Failed(NoAnswer));
    assert_eq!(solo.trace(), [told(endpoint(2), NoAnswer)], "another reason");
}

#[test]
fn an_endpoint_where_a_node_was_met_is_tried_once_a_second_for_ever() {
    let mut solo = met();
    solo.wait(30_000);
    let quiet = ["EVASIVE 2", "SILENT 2", "EXIT 2 expired"];
    assert_eq!(solo.events(), quiet);
    for nth in 0..100 {
        solo.wait(999);
        assert!(solo.trace().is_empty(), "{nth}");
        solo.wait(1);
        assert_eq!(scouts(&mut solo), [(endpoint(2), true)], "it is not waited for long");
        solo.scout_lost(endpoint(2), REFUSED);
        assert_eq!(solo.events().len(), usize::from(nth == 0));
    }
    // Connecting has taken longer than a second: nearly at once.
    solo.wait(1_000);
    solo.wait(2_500);
    solo.scout_lost(endpoint(2), Loss::Failed(NoAnswer));
    solo.trace();
    solo.wait(250);
    assert_eq!(solo.trace(), [scout(endpoint(2))]);
    solo.scout_up(endpoint(2));
    solo.hello(2);
    assert_eq!(solo.events(), ["ENTER 2"]);
}

#[test]
fn a_required_peer_that_was_met_is_tried_once_a_second_for_ever() {
    let mut solo = Solo::new();
    solo.act(Action::Require { peer: id(2), endpoint: endpoint(2) }).unwrap();
    solo.up(2);
    solo.hello(2);
    solo.wait(30_000);
    solo.trace();
    for nth in 0..100 {
        solo.wait(999);
        assert!(solo.trace().is_empty(), "{nth}");
        solo.wait(1);
        assert_eq!(solo.trace(), ["connect 2"], "{nth}");
        solo.lost(2);
        solo.trace();
    }
}

#[test]
fn a_required_peer_that_is_gone_does_not_keep_another_from_its_endpoint() {
    let mut solo = Solo::new();
    let at = |n: u8| Action::Require { peer: id(n), endpoint: endpoint(2) };
    solo.act(at(2)).unwrap();
    solo.up(2);
    solo.hello(2);
    solo.lost(2);
    solo.mailbox_lost(2);
    solo.trace();
    solo.act(at(3)).unwrap();
    let mut tried = Vec::new();
    for _ in 0..60 {
        solo.wait(1_000);
        for line in solo.trace().iter().filter(|line| line.starts_with("connect")) {
            tried.push(line.clone());
            let n = if line.starts_with("connect 2") { 2 } else { 3 };
            solo.failed(n, UnreachableReason::AnotherNode);
        }
    }
    let tries = |n| tried.iter().filter(|line| line.starts_with(&format!("connect {n}"))).count();
    assert!((3..10).contains(&tries(2)), "{tried:?}");
    assert!((3..10).contains(&tries(3)), "{tried:?}");
}

#[test]
fn a_node_that_is_there_with_another_id_is_met_as_another() {
    let mut solo = chooser();
    require(&mut solo, endpoint(2));
    let conn = solo.scout_finds(endpoint(2), 2, true);
    solo.hello_on(2, conn);
    solo.conn_lost(2, conn);
    assert_eq!(solo.events(), ["ENTER 2", "EXIT 2 link lost"]);
    solo.wait(1_000);
    assert_eq!(solo.trace(), [scout(endpoint(2))]);
    let conn = solo.scout_finds(endpoint(2), 3, true);
    solo.hello_on(3, conn);
    assert_eq!(solo.events(), ["ENTER 3"]);
    let required: Vec<_> = solo.engine.required().map(|it| (it.peer, it.is_present)).collect();
    assert_eq!(required, [(Some(id(3)), true)]);
}

#[test]
fn when_the_node_moves_what_is_required_is_tried_soon() {
    let mut solo = requiring();
    solo.act(Action::Require { peer: id(3), endpoint: endpoint(3) }).unwrap();
    for _ in 0..6 {
        solo.scout_lost(endpoint(2), REFUSED);
        solo.lost(3);
        solo.wait(60_000);
    }
    solo.scout_lost(endpoint(2), REFUSED);
    solo.lost(3);
    solo.trace();
    solo.handle(Input::Moved(endpoint(9)));
    solo.trace();
    solo.wait(1_000);
    let mut tried = solo.trace();
    tried.sort_unstable();
    assert_eq!(tried, ["connect 3".to_owned(), scout(endpoint(2))]);
}

// Beside what else is known.

#[test]
fn two_endpoints_of_one_peer_are_two_candidates() {
    let mut solo = chooser();
    require(&mut solo, endpoint(2));
    require(&mut solo, elsewhere(2));
    assert_eq!(solo.trace(), [scout(endpoint(2)), scout(elsewhere(2))]);
    let first = solo.scout_finds(endpoint(2), 2, true);
    solo.hello_on(2, first);
    solo.scout_finds(elsewhere(2), 2, true);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2", "send 2 ping 2"]);
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["close 2 at tcp://172.16.0.2:49152"]);
    solo.wait_with_beacons(10, &[2]);
    assert!(solo.trace().is_empty());
    let both: Vec<_> = solo.engine.required().map(|it| it.peer).collect();
    assert_eq!(both, [Some(id(2)); 2]);
    // One path is dead: it is met by the other.
    solo.conn_lost(2, first);
    assert_eq!(solo.trace(), ["EXIT 2 link lost"]);
    solo.wait(1_000);
    assert_eq!(solo.trace(), [scout(endpoint(2)), scout(elsewhere(2))]);
    let other = solo.scout_finds(elsewhere(2), 2, true);
    solo.hello_on(2, other);
    assert_eq!(solo.events(), ["ENTER 2"]);
    solo.scout_lost(endpoint(2), REFUSED);
    assert_eq!(solo.trace(), [told(endpoint(2), Refused)], "the other one is known to be there");
}

#[test]
fn where_a_peer_is_linked_to_already_nobody_is_looked_for() {
    let mut solo = Solo::met();
    require(&mut solo, endpoint(2));
    assert!(solo.trace().is_empty(), "a second link would take the place of the first");
    let required: Vec<_> = solo.engine.required().map(|it| (it.peer, it.is_present)).collect();
    assert_eq!(required, [(Some(id(2)), true)]);
    solo.mailbox_lost(2);
    solo.lost(2);
    assert_eq!(solo.trace(), ["EXIT 2 link lost"]);
    solo.wait(1_000);
    assert_eq!(solo.trace(), [scout(endpoint(2))]);
}

#[test]
fn a_two_way_peer_that_was_met_otherwise_is_known_by_its_id() {
    let (mut solo, conn) = crate::two_way::met(true, crate::two_way::WAYS[1]);
    require(&mut solo, elsewhere(2));
    solo.trace();
    solo.scout_finds(elsewhere(2), 2, true);
    assert_eq!(solo.trace(), ["send 2 ping 2 by mailbox 1"], "it challenges by being there");
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["close 2 at tcp://172.16.0.2:49152"]);
    assert_eq!(solo.engine.speaks_on(id(2)), Some(conn));
}

#[test]
fn nobody_is_dialled_where_a_scout_is_and_none_is_sent_where_a_dial_is() {
    let mut solo = requiring();
    solo.beacon(2);
    assert!(solo.trace().is_empty(), "it will be seen who is there");
    solo.scout_lost(endpoint(2), REFUSED);
    solo.wait(1_000);
    let trace = solo.trace();
    assert_eq!(trace, [told(endpoint(2), Refused), scout(endpoint(2))]);

    let mut solo = Solo::new();
    solo.beacon(2);
    assert_eq!(solo.trace(), ["connect 2"]);
    require(&mut solo, endpoint(2));
    assert!(solo.trace().is_empty());
    solo.lost(2);
    solo.wait(1_000);
    assert_eq!(solo.trace(), [scout(endpoint(2))]);
}

#[test]
fn who_greets_before_the_scout_is_there_is_dialled_instead() {
    let mut solo = requiring();
    solo.hello(2);
    assert_eq!(solo.trace(), ["close 0 at tcp://10.0.0.2:49152", "connect 2"]);
    solo.up(2);
    assert_eq!(solo.trace(), ["send 2 hello 1", "ENTER 2"]);
    solo.mailbox_lost(2);
    solo.lost(2);
    solo.trace();
    solo.wait(1_000);
    assert_eq!(solo.trace(), [scout(endpoint(2))], "it is still required");
}

#[test]
fn a_peer_that_gives_its_place_to_the_scout_is_the_one_that_was_found() {
    let mut solo = Solo::met();
    require(&mut solo, elsewhere(9));
    solo.trace();
    // Another address of the same ROUTER, which knows a dealer by its id, and keeps the newest.
    solo.scout_up(elsewhere(9));
    solo.lost(2);
    assert_eq!(solo.trace(), ["send 0 hello 1"]);
    solo.mailbox_lost(2);
    assert_eq!(solo.trace(), ["EXIT 2 link lost"]);
    greet_from(&mut solo, 2, endpoint(2).address(), &hello(&endpoint(2).to_string()));
    assert_eq!(solo.trace(), ["identified 2", "send 2 ping 2"]);
    solo.ping_ok(2);
    assert_eq!(solo.trace(), ["ENTER 2"]);
    solo.wait_with_beacons(10, &[]);
}

#[test]
fn there_are_no_more_scouts_than_peers_may_be() {
    let mut solo = Solo::with(Config { max_peers: 2, ..Config::new(id(1), endpoint(1)) });
    (2..=4).for_each(|n| require(&mut solo, endpoint(n)));
    assert_eq!(solo.trace(), [scout(endpoint(2)), scout(endpoint(3))]);
    solo.scout_lost(endpoint(2), REFUSED);
    solo.trace();
    solo.wait(1_000);
    assert_eq!(solo.trace().len(), 1);
}

// Names.

#[test]
fn a_name_is_resolved_each_time_and_its_addresses_are_tried_in_turn() {
    let mut solo = Solo::new();
    let action = Action::RequireEndpoint { endpoint: name(), peer: None };
    assert_eq!(solo.act(action), Ok(()));
    assert_eq!(solo.trace(), ["resolve tcp://host.example:7"]);
    solo.wait(100_000);
    assert!(solo.trace().is_empty(), "nothing is asked twice");
    resolve(&mut solo, &[endpoint(1), endpoint(2), endpoint(2), endpoint(3)]);
    assert_eq!(solo.trace(), [scout(endpoint(1))]);
    solo.scout_finds(endpoint(1), 1, true);
    assert_eq!(solo.trace(), ["close 1".to_owned(), scout(endpoint(2))]);
    solo.scout_lost(endpoint(2), REFUSED);
    assert_eq!(solo.trace(), [scout(endpoint(3))]);
    solo.scout_lost(endpoint(3), Loss::Failed(NoAnswer));
    assert_eq!(solo.trace(), [told(name(), NoAnswer)], "the last reason");
    solo.wait(1_000);
    assert_eq!(solo.trace(), ["resolve tcp://host.example:7"]);
    resolve(&mut solo, &[endpoint(4)]);
    solo.scout_up(endpoint(4));
    solo.hello(4);
    assert_eq!(solo.events(), ["ENTER 4"]);
}

#[test]
fn a_name_that_does_not_resolve_is_told_of_once_and_asked_for_again() {
    let mut solo = Solo::new();
    solo.act(Action::RequireEndpoint { endpoint: name(), peer: None }).unwrap();
    for pause in [1_000, 2_000, 4_000] {
        solo.trace();
        resolve(&mut solo, &[]);
        let expected = [told(name(), NoName)];
        assert_eq!(solo.trace(), expected[..usize::from(pause == 1_000)]);
        solo.wait(pause - 1);
        assert!(solo.trace().is_empty());
        solo.wait(1);
        assert_eq!(solo.trace(), ["resolve tcp://host.example:7"]);
    }
    // An answer that nobody waits for.
    resolve(&mut solo, &[endpoint(2)]);
    solo.trace();
    resolve(&mut solo, &[endpoint(3)]);
    assert!(solo.trace().is_empty());
}

#[test]
fn a_node_that_is_required_by_a_name_is_dialled_at_its_addresses() {
    let mut solo = Solo::new();
    let action = Action::RequireEndpoint { endpoint: name(), peer: Some(id(2)) };
    assert_eq!(solo.act(action), Ok(()));
    solo.trace();
    resolve(&mut solo, &[elsewhere(1), elsewhere(2), endpoint(2)]);
    let at = |n: u8| format!("connect 2 at {}", elsewhere(n));
    assert_eq!(solo.trace(), [at(1), at(2)]);
    solo.link_lost(2, solo.link_at(2, elsewhere(1)));
    assert_eq!(solo.trace(), ["UNREACHABLE 2 refused", "connect 2"]);
    solo.link_lost(2, solo.link_at(2, elsewhere(2)));
    solo.lost(2);
    assert!(solo.trace().is_empty());
    solo.wait(1_000);
    assert_eq!(solo.trace(), ["resolve tcp://host.example:7"]);
    resolve(&mut solo, &[endpoint(2)]);
    solo.up(2);
    solo.hello(2);
    assert_eq!(solo.events(), ["ENTER 2"]);
    solo.wait(30_000);
    solo.trace();
    for _ in 0..20 {
        solo.wait(1_000);
        assert_eq!(solo.trace(), ["resolve tcp://host.example:7"]);
        resolve(&mut solo, &[endpoint(2)]);
        assert_eq!(solo.trace(), ["connect 2"], "once a second, for it was met");
        solo.lost(2);
        solo.trace();
    }
}

#[test]
fn a_node_that_is_not_the_one_that_is_required_by_a_name_is_told_of() {
    let mut solo = Solo::new();
    solo.act(Action::RequireEndpoint { endpoint: name(), peer: Some(id(2)) }).unwrap();
    resolve(&mut solo, &[endpoint(2)]);
    solo.failed(2, UnreachableReason::AnotherNode);
    assert_eq!(solo.events(), ["UNREACHABLE 2 another node answers"]);
    let required = solo.engine.required().next().unwrap();
    assert_eq!((required.endpoint, required.peer), (name(), Some(id(2))));
    assert_eq!(required.problem, Some(UnreachableReason::AnotherNode));
}

// Forgotten.

#[test]
fn an_endpoint_that_is_forgotten_is_looked_at_no_more() {
    let here = HostEndpoint::from(endpoint(2));
    let mut solo = requiring();
    solo.act(Action::ForgetEndpoint(&here)).unwrap();
    assert_eq!(solo.trace(), ["close 0 at tcp://10.0.0.2:49152"]);
    solo.wait(100_000);
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.next_deadline(), None);

    let mut solo = met();
    solo.act(Action::ForgetEndpoint(&here)).unwrap();
    solo.whisper(2, "still here");
    assert_eq!(solo.trace(), ["WHISPER 2 still here"]);
    solo.mailbox_lost(2);
    solo.lost(2);
    assert_eq!(solo.trace(), ["EXIT 2 link lost"]);
    solo.wait(100_000);
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.next_deadline(), None);
}

#[test]
fn a_name_that_is_forgotten_while_it_is_resolved_is_not_dialled() {
    for peer in [None, Some(id(2))] {
        let mut solo = Solo::new();
        solo.act(Action::RequireEndpoint { endpoint: name(), peer }).unwrap();
        solo.act(Action::ForgetEndpoint(&name())).unwrap();
        solo.trace();
        resolve(&mut solo, &[endpoint(2)]);
        solo.wait(100_000);
        assert!(solo.trace().is_empty());
    }
}

#[test]
fn a_peer_that_is_forgotten_is_dialled_no_more() {
    let mut solo = Solo::new();
    solo.act(Action::Require { peer: id(2), endpoint: endpoint(2) }).unwrap();
    solo.act(Action::RequireEndpoint { endpoint: name(), peer: Some(id(2)) }).unwrap();
    assert_eq!(solo.engine.required().count(), 2);
    assert_eq!(solo.trace(), ["connect 2", "resolve tcp://host.example:7"]);
    solo.act(Action::ForgetPeer(id(2))).unwrap();
    assert_eq!(solo.trace(), ["close 2"]);
    assert_eq!(solo.engine.required().count(), 0);
    solo.wait(100_000);
    assert!(solo.trace().is_empty());
    assert_eq!(solo.engine.next_deadline(), None);

    solo.act(Action::Require { peer: id(2), endpoint: endpoint(2) }).unwrap();
    solo.up(2);
    solo.hello(2);
    solo.trace();
    solo.act(Action::ForgetPeer(id(2))).unwrap();
    solo.whisper(2, "still here");
    assert_eq!(solo.trace(), ["WHISPER 2 still here"]);
    solo.mailbox_lost(2);
    solo.lost(2);
    solo.wait(100_000);
    assert_eq!(solo.trace(), ["EXIT 2 link lost"]);
}

#[test]
fn of_two_endpoints_of_a_peer_one_may_be_forgotten() {
    let mut solo = Solo::new();
    solo.act(Action::Require { peer: id(2), endpoint: endpoint(2) }).unwrap();
    solo.act(Action::Require { peer: id(2), endpoint: elsewhere(2) }).unwrap();
    solo.trace();
    solo.act(Action::ForgetEndpoint(&endpoint(2).into())).unwrap();
    assert_eq!(solo.trace(), ["close 2"]);
    solo.link_lost(2, solo.link_at(2, elsewhere(2)));
    solo.trace();
    solo.wait(1_000);
    assert_eq!(solo.trace(), [format!("connect 2 at {}", elsewhere(2))]);
}

#[test]
fn forgetting_what_nobody_has_required_does_nothing() {
    let mut solo = Solo::met();
    solo.beacon(3);
    solo.trace();
    for n in [2, 3, 4] {
        solo.act(Action::ForgetPeer(id(n))).unwrap();
        solo.act(Action::ForgetEndpoint(&endpoint(n).into())).unwrap();
    }
    solo.act(Action::ForgetEndpoint(&name())).unwrap();
    assert!(solo.trace().is_empty());
}

// Limits.

#[test]
fn what_may_be_required_is_limited_and_counted_once() {
    let mut solo = Solo::with(Config { max_required: 3, ..Config::new(id(1), endpoint(1)) });
    let all = [
        Action::Require { peer: id(2), endpoint: endpoint(2) },
        Action::RequireEndpoint { endpoint: endpoint(2).into(), peer: None },
        Action::RequireEndpoint { endpoint: name(), peer: Some(id(2)) },
    ];
    for action in all.iter().chain(&all) {
        assert_eq!(solo.act(action.clone()), Ok(()));
    }
    solo.trace();
    let refused = Err(ActionError::TooManyRequired { limit: 3 });
    assert_eq!(solo.act(Action::Require { peer: id(2), endpoint: endpoint(3) }), refused);
    assert_eq!(
        solo.act(Action::RequireEndpoint { endpoint: endpoint(3).into(), peer: None }),
        refused
    );
    assert!(solo.trace().is_empty());
    solo.act(Action::ForgetEndpoint(&name())).unwrap();
    assert_eq!(solo.act(Action::Require { peer: id(2), endpoint: endpoint(3) }), Ok(()));
    let own = Action::RequireEndpoint { endpoint: name(), peer: Some(id(1)) };
    assert_eq!(solo.act(own), Err(ActionError::OwnPeer));
}

#[test]
fn a_node_that_does_not_read_gives_no_scout_up() {
    let mut solo = asking();
    solo.handle(Input::Paused(true));
    solo.wait(60_000);
    let trace = solo.trace();
    assert!(trace.iter().all(|line| line.starts_with("send 0 ping-ok")), "{trace:?}");
    solo.handle(Input::Paused(false));
    solo.hello(2);
    assert_eq!(solo.events(), ["ENTER 2"]);
}

/// The scouts that were sent since this was last asked: where, and whether they are not to be waited
/// for long.
fn scouts(solo: &mut Solo) -> Vec<(Endpoint, bool)> {
    let scout = |output| match output {
        Output::Scout { endpoint, failed_before, .. } => Some((endpoint, failed_before)),
        _ => None,
    };
    solo.outputs().into_iter().filter_map(scout).collect()
}

/// Node `n` greets on a new connection that comes from this address. The one before, if there was
/// any, has ended.
fn greet_from(solo: &mut Solo, n: u8, source: SocketAddr, hello: &Hello<'_>) {
    let header = Message { sequence: 1, command: Command::Hello(hello.clone()) }.encode();
    let conn = solo.reconnect(n);
    solo.set_sequence(n, 1);
    let content = Content::none();
    solo.handle(Input::Message { peer: id(n), conn, source, header: &header, content });
}
