//! What is told, to whom, and what is believed.

use std::time::Duration;

use zre_proto::gossip::{Config, ConnId, Message, Remote};

use crate::solo::{Solo, endpoint, id};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_client_that_says_hello_is_told_all_and_then_what_is_new() {
    let mut solo = Solo::new();
    solo.present(&[2, 3]);
    assert_eq!(solo.trace(), ["rumour 2", "rumour 3"], "to be looked for if they are lost");
    let client = solo.connect(Remote::Client);
    assert!(solo.trace().is_empty(), "it has not asked");
    solo.say(client, &Message::Hello);
    assert_eq!(solo.trace(), ["send 1 to 1", "send 2 to 1", "send 3 to 1"]);
    solo.present(&[2, 3, 4]);
    assert_eq!(solo.trace(), ["rumour 4", "send 4 to 1"]);
    // It is kept however long it is silent.
    assert!(solo.wait(60 * 60 * SECOND).is_empty());
    solo.present(&[2, 3, 4, 5]);
    assert_eq!(solo.trace(), ["rumour 5", "send 5 to 1"]);
}

#[test]
fn another_hello_is_answered_by_all_tuples_but_not_more_than_once_a_second() {
    let mut solo = Solo::new();
    solo.present(&[2]);
    solo.trace();
    let client = solo.client();
    for _ in 0..1000 {
        solo.say(client, &Message::Hello);
        assert!(solo.trace().is_empty());
    }
    assert_eq!(solo.wait(2 * SECOND), ["send 1 to 1", "send 2 to 1"]);
    solo.say(client, &Message::Hello);
    assert_eq!(solo.trace(), ["send 1 to 1", "send 2 to 1"]);
}

#[test]
fn ping_is_answered_by_pong_also_before_hello() {
    let mut solo = Solo::new();
    let client = solo.connect(Remote::Client);
    for _ in 0..3 {
        solo.say(client, &Message::Ping);
        assert_eq!(solo.trace(), ["send pong to 1"]);
    }
}

#[test]
fn who_tells_before_hello_is_believed_and_asked_for_it_once() {
    let mut solo = Solo::new();
    let other = solo.client();
    let client = solo.connect(Remote::Client);
    solo.tell(client, 2);
    assert_eq!(solo.trace(), ["rumour 2", "send 2 to 1", "send invalid to 2"]);
    solo.tell(client, 3);
    assert_eq!(solo.trace(), ["rumour 3", "send 3 to 1"]);
    solo.say(client, &Message::Hello);
    assert_eq!(solo.trace(), ["send 1 to 2"], "what it told it need not hear");
    assert_ne!(other, client);
}

#[test]
fn a_hub_is_greeted_and_told_all_and_again_when_it_says_invalid() {
    let mut solo = Solo::new();
    solo.present(&[2]);
    solo.trace();
    let hub = solo.connect(Remote::Hub);
    let all = ["send hello to 1", "send 1 to 1", "send 2 to 1"];
    assert_eq!(solo.trace(), all);
    solo.wait(2 * SECOND);
    solo.say(hub, &Message::Invalid);
    assert_eq!(solo.trace(), all);
    for _ in 0..1000 {
        solo.say(hub, &Message::Invalid);
        assert!(solo.trace().is_empty(), "at most once a second");
    }
    assert_eq!(solo.wait(2 * SECOND), all);
}

#[test]
fn a_hub_that_was_told_nothing_for_400_ms_is_sent_ping() {
    let mut solo = Solo::new();
    let hub = solo.hub();
    let mut pings = 0;
    for _ in 0..100 {
        solo.now += Duration::from_millis(100);
        solo.gossip.handle_timeout(solo.now);
        for line in solo.trace() {
            assert_eq!(line, "send ping to 1");
            pings += 1;
            solo.say(hub, &Message::Pong);
        }
    }
    assert_eq!(pings, 25);
    // Anything that is told is a sign of life as well.
    solo.now += Duration::from_millis(300);
    solo.present(&[2]);
    assert_eq!(solo.trace(), ["rumour 2", "send 2 to 1"]);
    solo.now += Duration::from_millis(300);
    solo.gossip.handle_timeout(solo.now);
    assert!(solo.trace().is_empty());
}

#[test]
fn a_rumour_is_passed_on_at_once_to_all_but_where_it_came_from() {
    let mut solo = Solo::new();
    let hub = solo.hub();
    let [one, _other] = [solo.client(), solo.client()];
    solo.tell(one, 2);
    assert_eq!(solo.trace(), ["rumour 2", "send 2 to 1", "send 2 to 3"]);
    solo.tell(hub, 3);
    assert_eq!(solo.trace(), ["rumour 3", "send 3 to 2", "send 3 to 3"]);
    // Once.
    solo.tell(hub, 2);
    assert_eq!(solo.trace(), ["rumour 2"]);
    // That it is true is no news.
    solo.present(&[2, 3]);
    assert_eq!(solo.trace(), ["rumour 2", "rumour 3"]);
}

#[test]
fn when_somebody_is_trusted_all_that_are_not_present_are_rumours_once_more() {
    let mut solo = Solo::new();
    let hub = solo.hub();
    (2..=4).for_each(|n| solo.tell(hub, n));
    solo.present(&[3, 4]);
    solo.present(&[3]);
    solo.trace();
    solo.gossip.handle_trust(solo.now);
    assert_eq!(solo.trace(), ["rumour 2", "rumour 4"], "3 is here, and nobody else is told");
}

#[test]
fn a_rumour_that_nobody_confirms_is_not_passed_on_after_a_minute() {
    let mut solo = Solo::new();
    let hub = solo.hub();
    solo.tell(hub, 2);
    solo.tell(hub, 3);
    solo.present(&[3]);
    solo.trace();
    let newcomer = solo.connect(Remote::Client);
    solo.say(newcomer, &Message::Hello);
    assert_eq!(solo.trace(), ["send 1 to 2", "send 2 to 2", "send 3 to 2"]);
    for _ in 0..61 {
        solo.say(hub, &Message::Pong);
        solo.wait(SECOND);
    }
    // However often the hub repeats it.
    solo.tell(hub, 2);
    assert_eq!(solo.trace(), ["rumour 2"], "it is tried again");
    let newcomer = solo.connect(Remote::Client);
    solo.say(newcomer, &Message::Hello);
    assert_eq!(solo.trace(), ["send 1 to 3", "send 3 to 3"]);
    // When it comes after all, all are told.
    solo.present(&[2, 3]);
    assert_eq!(solo.trace(), ["rumour 2", "send 2 to 1", "send 2 to 2", "send 2 to 3"]);
}

#[test]
fn a_node_that_has_gone_is_told_to_nobody_before_it_is_back() {
    let mut solo = Solo::new();
    let first = solo.client();
    solo.tell(first, 2);
    solo.present(&[2]);
    solo.trace();
    solo.present(&[]);
    for again in 0..5 {
        solo.wait(119 * SECOND);
        let newcomer = solo.connect(Remote::Client);
        solo.say(newcomer, &Message::Hello);
        assert_eq!(solo.trace(), [format!("send 1 to {}", again + 2)]);
        // Somebody has not forgotten it.
        solo.tell(newcomer, 2);
        assert_eq!(solo.trace(), ["rumour 2"], "it is tried, and not passed on");
    }
    solo.present(&[2]);
    let told: Vec<String> = (1..=6).map(|conn| format!("send 2 to {conn}")).collect();
    assert_eq!(solo.trace(), [vec!["rumour 2".to_owned()], told].concat());
}

#[test]
fn after_ten_minutes_a_node_that_has_gone_is_a_rumour_like_any_other() {
    let mut solo = Solo::new();
    let client = solo.client();
    let teller = solo.client();
    solo.present(&[2]);
    solo.present(&[]);
    solo.trace();
    solo.wait(599 * SECOND);
    solo.tell(teller, 2);
    assert_eq!(solo.trace(), ["rumour 2"]);
    assert_eq!(solo.gossip.tuples(), 1);
    solo.wait(2 * SECOND);
    assert_eq!(solo.gossip.tuples(), 0);
    solo.tell(teller, 2);
    assert_eq!(solo.trace(), ["rumour 2".to_owned(), format!("send 2 to {}", client.0)]);
}

#[test]
fn another_endpoint_is_tried_and_told_when_the_node_is_there() {
    let mut solo = Solo::new();
    let [one, other] = [solo.client(), solo.client()];
    solo.tell(one, 2);
    assert_eq!(solo.trace(), ["rumour 2", "send 2 to 2"]);
    // Two that believe different things tell them to each other without end.
    for _ in 0..100 {
        solo.tell_at(other, 2, 9);
        assert_eq!(solo.trace(), ["rumour 2 at tcp://10.0.0.9:49152"]);
        solo.tell(one, 2);
        assert_eq!(solo.trace(), ["rumour 2"]);
    }
    solo.present(&[2]);
    assert_eq!(solo.trace(), ["rumour 2"]);
    solo.tell_at(other, 2, 9);
    assert_eq!(solo.trace(), ["rumour 2 at tcp://10.0.0.9:49152"]);
    solo.gossip.handle_presence(solo.now, [(id(2), endpoint(9))]);
    let at = "2 at tcp://10.0.0.9:49152";
    assert_eq!(
        solo.trace(),
        [format!("rumour {at}"), format!("send {at} to 1"), format!("send {at} to 2")]
    );
}

#[test]
fn nobody_else_tells_where_the_node_itself_is() {
    let mut solo = Solo::new();
    let hub = solo.hub();
    let client = solo.client();
    for conn in [hub, client] {
        solo.tell(conn, 1);
        solo.tell_at(conn, 1, 9);
        assert!(solo.trace().is_empty());
    }
    assert_eq!(solo.gossip.stats().own, 4);
    // Its own endpoint may change.
    solo.gossip.handle_own_endpoint(solo.now, hub, Some(endpoint(1)));
    assert!(solo.trace().is_empty());
    solo.gossip.handle_own_endpoint(solo.now, hub, Some(endpoint(8)));
    assert_eq!(solo.trace(), ["send 1 at tcp://10.0.0.8:49152 to 1"]);
    solo.gossip.handle_own_endpoint(solo.now, hub, None);
    assert!(solo.trace().is_empty());
}

#[test]
fn what_is_on_loopback_is_told_on_this_host_only() {
    let mut solo = Solo::with(Config::new(id(1)));
    let local = "tcp://127.0.0.1:49153".parse().unwrap();
    solo.gossip.handle_presence(solo.now, [(id(2), local), (id(3), endpoint(3))]);
    solo.trace();
    for (conn, is_here) in [(ConnId(8), true), (ConnId(9), false)] {
        let own = Some("tcp://127.0.0.1:49152".parse().unwrap());
        solo.gossip.handle_connected(solo.now, conn, Remote::Client, own, is_here);
        solo.say(conn, &Message::Hello);
    }
    assert_eq!(
        solo.trace(),
        [
            "send 1 at tcp://127.0.0.1:49152 to 8",
            "send 2 at tcp://127.0.0.1:49153 to 8",
            "send 3 to 8",
            "send 3 to 9"
        ]
    );
}

#[test]
fn a_link_local_endpoint_is_told_to_nobody() {
    let mut solo = Solo::new();
    let conn = solo.client();
    let local = "tcp://[fe80::2%3]:49152".parse().unwrap();
    solo.gossip.handle_presence(solo.now, [(id(2), local)]);
    assert!(solo.trace().is_empty());
    solo.gossip.handle_own_endpoint(solo.now, conn, Some(local));
    assert!(solo.trace().is_empty());
}
