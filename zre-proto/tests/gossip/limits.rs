//! What remotes may cost.

use std::time::Duration;

use zre_proto::gossip::{CloseReason, Config, Message, Output, Remote};

use crate::solo::{Solo, id};

const SECOND: Duration = Duration::from_secs(1);

fn small() -> Config {
    Config { max_tuples: 10, max_clients: 3, ..Config::new(id(1)) }
}

#[test]
fn one_connection_fills_half_of_the_room_at_most_and_present_peers_always_find_some() {
    let mut solo = Solo::with(small());
    let [liar, other] = [solo.client(), solo.client()];
    (100..200).for_each(|n| solo.tell(liar, n));
    assert_eq!(solo.gossip.tuples(), 5);
    (2..5).for_each(|n| solo.tell(other, n));
    assert_eq!(solo.gossip.tuples(), 8);
    solo.outputs();
    // Fresh rumours do not make room for others.
    let third = solo.client();
    (5..20).for_each(|n| {
        solo.tell(third, n);
        solo.wait(SECOND);
    });
    assert_eq!(solo.gossip.tuples(), 10);
    // Those that are not fresh any more do.
    solo.wait(61 * SECOND);
    solo.present(&[50, 51, 52, 53, 54]);
    assert_eq!(solo.gossip.tuples(), 10);
    let told = solo.trace();
    for n in 50..55 {
        assert!(told.contains(&format!("send {n} to {}", third.0)), "{told:?}");
    }
}

#[test]
fn of_a_flood_only_so_much_is_heard() {
    let mut solo = Solo::with(Config { max_tuples: 100, ..Config::new(id(1)) });
    let [liar, honest] = [solo.client(), solo.client()];
    let mut sent = 0;
    for round in 0..10_000_u16 {
        // Nodes that nobody has heard of, known ones, and other endpoints of those.
        solo.tell_at(liar, 100 + round % 300, round);
        sent += solo.outputs().len();
    }
    assert!(sent <= 200, "{sent}");
    assert!(solo.gossip.stats().refused > 9_800);
    // It is for each connection alone.
    solo.tell(honest, 2);
    assert_eq!(solo.trace()[0], "rumour 2");
    solo.wait(10 * SECOND);
    let heard = solo.gossip.stats().refused;
    (0..300).for_each(|_| solo.tell(liar, 100));
    assert_eq!(solo.gossip.stats().refused - heard, 200, "20 a second, and never more than 100");
}

#[test]
fn who_does_not_read_costs_nothing_and_is_left() {
    let mut solo = Solo::new();
    let slow = solo.client();
    solo.writes = false;
    let present: Vec<u16> = (2..1000).collect();
    solo.present(&present);
    let sent = |solo: &mut Solo| {
        let is_sent = |output: &Output| matches!(output, Output::Send { .. });
        solo.outputs().iter().filter(|output| is_sent(output)).count()
    };
    let first = sent(&mut solo);
    assert!((1..=64).contains(&first), "{first}");
    for _ in 0..100 {
        solo.say(slow, &Message::Hello);
        solo.say(slow, &Message::Ping);
        assert_eq!(sent(&mut solo), 0);
    }
    // What waits is told as it is when it can be told.
    solo.present(&present[..500]);
    assert_eq!(sent(&mut solo), 0);
    solo.writes = true;
    solo.gossip.handle_flushed(solo.now, slow);
    solo.wait(2 * SECOND);
    solo.say(slow, &Message::Hello);
    assert_eq!(sent(&mut solo), 501);
    solo.writes = false;
    solo.say(slow, &Message::Ping);
    solo.outputs();
    let why = CloseReason::Stalled(Duration::from_secs(30));
    assert_eq!(solo.wait(31 * SECOND), [format!("close 1: {why}")]);
}

#[test]
fn silent_remotes_are_left_in_time() {
    let mut solo = Solo::new();
    let idle = solo.connect(Remote::Client);
    let hub = solo.hub();
    assert_eq!(
        solo.wait(11 * SECOND),
        [format!("close {}: the hub has not answered for 10 s", hub.0)]
    );
    assert_eq!(
        solo.wait(10 * SECOND),
        [format!("close {}: the client has said nothing for 20 s", idle.0)]
    );
    let hub = solo.hub();
    for _ in 0..30 {
        solo.say(hub, &Message::Pong);
        assert!(solo.wait(9 * SECOND).is_empty());
    }
}

#[test]
fn of_too_many_clients_the_one_that_was_heard_least_recently_goes() {
    let mut solo = Solo::with(small());
    let clients = [(); 3].map(|()| {
        solo.wait(SECOND);
        solo.client()
    });
    solo.wait(SECOND);
    solo.say(clients[0], &Message::Ping);
    solo.trace();
    let hub = solo.hub();
    let _newcomer = solo.connect(Remote::Client);
    assert_eq!(solo.closed(), [(clients[1], CloseReason::Crowded(3))]);
    assert_eq!(solo.wait(Duration::ZERO), Vec::<String>::new());
    solo.tell(hub, 2);
    let told: Vec<String> = solo.trace().into_iter().filter(|it| it.starts_with("send")).collect();
    assert_eq!(told, [clients[0], clients[2]].map(|conn| format!("send 2 to {}", conn.0)));
}
