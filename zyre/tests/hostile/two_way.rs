//! Two-way connections on which something is said that should not be, or nothing at all; and too
//! many of them.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::attacks::two_way::{wrong_first_messages, wrong_values};
use testkit::wire::ghost::Ghost;
use testkit::wire::mailbox::Mailbox;
use testkit::wire::{self, Hello, PING_OK, TWO_WAY, WHISPER, header, property, two_way};
use zyre::PeerId;

use crate::attack_run::{AttackRun, GoodPeer, closed, closed_in_silence, greeted, hello};
use crate::common::{Member, free_port, on, route, soon, until_some};

/// In this time the node would have said what it says at once.
const AT_ONCE: Duration = Duration::from_millis(100);

/// Longer than the node waits for an answer of the good peer.
const PROOF: Duration = Duration::from_millis(1500);

pub(crate) async fn few_connections_in_one_name_stay_open() {
    let mut run = AttackRun::with(json!({ "handshake": 20_000 })).await;
    for id in run.both() {
        let mut open = Vec::new();
        for _ in 0..50 {
            open.push(run.two_way(id).await);
        }
        let few = async || {
            for mut connection in std::mem::take(&mut open) {
                if !connection.closed(Duration::from_millis(20)).await {
                    open.push(connection);
                }
            }
            (open.len() <= 5).then_some(())
        };
        until_some("few to be left", few).await;
        assert!(!open.is_empty(), "one may yet be spoken on");
    }
    assert_eq!(run.entered(), 0);
    run.newcomer_is_met().await;
    run.end().await;
}

pub(crate) async fn connections_in_many_names_keep_nobody_out() {
    let settings = json!({ "handshake": 20_000, "strangers": 16, "peers": 64 });
    // Those that were greeted may have half of the places of peers as well.
    for (follows, kept) in [(false, 16), (true, 16 + 32)] {
        let mut run = AttackRun::with(settings.clone()).await;
        let mut open = Vec::new();
        for _ in 0..200 {
            let id = if follows { run.follower() } else { run.stranger() };
            open.push(run.two_way(id).await);
        }
        run.counted("connections_idle", 200 - kept).await;
        run.newcomer_is_met().await;
        run.end().await;
    }
}

/// The node may have entered at a follower that it has greeted, and whose answer is on the way.
pub(crate) async fn idle_strangers_do_not_end_one_that_was_greeted() {
    let mut run = AttackRun::with(json!({ "handshake": 20_000, "strangers": 4 })).await;
    let id = run.follower();
    let mut first = run.two_way(id).await;
    assert!(greeted(&mut first).await);
    let mut idle = Vec::new();
    for _ in 0..15 {
        idle.push(run.dealer().await);
    }
    run.counted("connections_idle", 11).await;
    first.send(&[&hello()]).await;
    run.enter(id).await;
    run.end().await;
}

/// Two names that the node does not know, one of which it greets, are more than it has room for.
pub(crate) async fn connections_that_do_not_answer_keep_no_places_of_peers() {
    let mut run = AttackRun::with(json!({ "handshake": 20_000, "peers": 8 })).await;
    let mut open = Vec::new();
    for _ in 0..100 {
        let id = run.follower();
        let mut connection = run.two_way(id).await;
        assert!(greeted(&mut connection).await);
        open.push(connection);
    }
    run.newcomer_is_met().await;
    run.end().await;
}

pub(crate) async fn an_answer_on_another_connection_closes_that_one() {
    let mut run = AttackRun::with(json!({ "handshake": 5000 })).await;
    let id = run.follower();
    let mut chosen = run.two_way(id).await;
    assert!(greeted(&mut chosen).await);
    for _ in 0..3 {
        let mut other = run.two_way(id).await;
        other.send(&[&hello()]).await;
        closed_in_silence(other).await;
    }
    run.counted("malformed", 3).await;
    assert_eq!(run.entered(), 0);
    // The right answer is not too late.
    chosen.send(&[&hello()]).await;
    run.enter(id).await;
    run.end().await;
}

pub(crate) async fn a_hello_on_another_connection_than_the_chosen_one_closes_that_one() {
    let mut run = AttackRun::with(json!({ "handshake": 5000 })).await;
    let id = run.stranger();
    let spare = run.two_way(id).await;
    let mut ghost = run.two_way_ghost(id).await;
    closed_in_silence(spare).await;
    // It has to answer PING, or the other one would be believed.
    let mut other = run.two_way(id).await;
    other.send(&[&hello()]).await;
    while wire::number(&ghost.read().await.unwrap()) != Some(wire::PING) {}
    ghost.send(PING_OK, &[], &[]).await;
    closed_in_silence(other).await;
    run.refused(1).await;
    assert!(ghost.is_heard().await);
    run.end().await;
}

pub(crate) async fn a_second_hello_ends_its_sender_only() {
    let mut run = AttackRun::begin().await;
    for id in run.both() {
        let mut ghost = run.two_way_ghost(id).await;
        ghost.dealer.send(&[&hello()]).await;
        run.exit(id, "rejected").await;
        closed(ghost.dealer).await;
    }
    run.counted("malformed", 2).await;
    run.end().await;
}

pub(crate) async fn a_follower_that_does_not_answer_is_given_up_in_time() {
    /// How long peers may be silent, and a follower may have met the node without its answer being
    /// there.
    const EXPIRED: Duration = Duration::from_secs(4);
    let settings = json!({ "handshake": 300, "expired": EXPIRED.as_millis() as u64 });
    let mut run = AttackRun::with(settings).await;
    let start = Instant::now();
    let id = run.follower();
    let mut connection = run.two_way(id).await;
    assert!(greeted(&mut connection).await);
    closed_in_silence(connection).await;
    let waited = start.elapsed();
    assert!(waited >= EXPIRED, "closed after {waited:?}");
    assert!(waited < EXPIRED * 2, "closed after {waited:?}");
    assert_eq!(run.entered(), 0);
    run.end().await;
}

pub(crate) async fn strangers_that_wait_to_be_spoken_to_are_closed_as_idle() {
    let mut run = AttackRun::begin().await;
    for _ in 0..3 {
        let id = run.stranger();
        closed_in_silence(run.two_way(id).await).await;
        // The property is of no use without the other's name.
        closed_in_silence(run.dealer().await).await;
    }
    run.counted("connections_idle", 6).await;
    assert_eq!(run.entered(), 0);
    run.end().await;
}

/// Both HELLOs cross; that is as good as an answer. On any other connection it is none.
pub(crate) async fn a_follower_that_speaks_first_is_met_once() {
    let mut run = AttackRun::with(json!({ "handshake": 5000 })).await;
    let id = run.follower();
    let said = wire::message(&[&hello()]);
    let shaken = [wire::handshake_with(id, &two_way()), said.clone()].concat();
    let mut first = run.route().connect().await.unwrap();
    first.write(&shaken).await;
    run.enter(id).await;
    first.send(&[&header(WHISPER, 2, &[]), b"heard"]).await;
    // PINGs because of others stay unanswered here: there are none.
    run.hold(AT_ONCE).await;
    assert_eq!(run.entered(), 1);
    assert!(!first.closed(AT_ONCE).await, "it is a peer");
    run.end().await;
}

pub(crate) async fn anything_but_hello_first_closes_the_connection() {
    let mut run = AttackRun::with(json!({ "handshake": 20_000 })).await;
    for message in wrong_first_messages() {
        for id in run.both() {
            let mut connection = run.two_way(id).await;
            if id > run.victim.id {
                assert!(greeted(&mut connection).await);
            }
            connection.send(&[&message, b"content"]).await;
            closed_in_silence(connection).await;
        }
    }
    assert_eq!(run.entered(), 0);
    run.end().await;
}

pub(crate) async fn the_endpoint_of_another_in_hello_takes_nobody_s_place() {
    for kind in GoodPeer::ALL {
        let mut run = AttackRun::beside(kind, json!({ "handshake": 300 })).await;
        for endpoint in [run.victim.endpoint, run.good_endpoint()] {
            for id in run.both() {
                let bend = |hello: &mut Hello| hello.endpoint = endpoint.to_string().into();
                let met = Ghost::meet_two_way_with(run.route(), id, bend).await;
                let mut ghost = met.unwrap();
                run.enter(id).await;
                assert!(ghost.is_heard().await);
                drop(ghost);
                run.exit(id, "link lost").await;
            }
        }
        // It may be looked for where it said that it is.
        run.hold(PROOF).await;
        run.end().await;
    }
}

pub(crate) async fn only_the_property_as_specified_makes_a_connection_two_way() {
    let mut run = AttackRun::with(json!({ "handshake": 5000 })).await;
    let [yes, no] = [two_way(), property(TWO_WAY, b"0")];
    // Of two with one name the later one holds.
    for good in [yes.clone(), yes.repeat(2), [&no[..], &yes].concat()] {
        let id = run.follower().routing_id();
        assert!(greeted(&mut run.route().greet_with(&id, &good).await.unwrap()).await);
    }
    let values = wrong_values().into_iter().map(|value| property(TWO_WAY, &value));
    let names = ["x-zre-two-way", "X-ZRE-TWO-WAY", "X-ZRE-Two-Way\0"];
    let names = names.map(|name| property(name, b"1"));
    for wrong in values.chain(names).chain([vec![], [&yes[..], &no].concat()]) {
        let id = run.follower().routing_id();
        let mut connection = run.route().greet_with(&id, &wrong).await.unwrap();
        let error = connection.read_within(AT_ONCE).await.expect_err("it is spoken to");
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut, "it is a stranger as any other");
    }
    for first in [0, 2, b'1'] {
        let mut id = run.follower().routing_id();
        id[0] = first;
        let mut connection = run.route().greet_with(&id, &yes).await.unwrap();
        let error = connection.read_within(AT_ONCE).await.expect_err("it is spoken to");
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut, "one each way, with {first}");
    }
    assert_eq!(run.entered(), 0);
    run.end().await;
}

pub(crate) async fn a_node_that_wants_one_connection_each_way_ignores_the_property() {
    let mut node = Member::start(on(free_port()).two_way(false)).await;
    let route = route(&node.node);
    for id in [PeerId::new([0; 16]), PeerId::new([0xFF; 16])] {
        let mailbox = Mailbox::open(route.from, route.patience).unwrap();
        let mut dealer = route.greet_two_way(id).await.unwrap();
        assert!(!dealer.is_two_way());
        dealer.send(&[&Hello::new(&format!("tcp://{}", mailbox.address)).encode()]).await;
        let mut link = mailbox.greet_with(&id.routing_id(), &two_way()).await.unwrap();
        assert!(greeted(&mut link).await);
        node.enter(id).await;
        // Nothing is said where it is not to be said, and nothing heard.
        link.send(&[&header(WHISPER, 2, &[]), b"on the wrong connection"]).await;
        dealer.send(&[&header(WHISPER, 2, &[]), b"on the right one"]).await;
        let heard = node.pick("a WHISPER", |event| event.content().cloned()).await;
        assert_eq!(heard.first(), b"on the right one".as_slice());
        dealer.read_within(AT_ONCE).await.expect_err("it is spoken to on its own connection");
        assert_eq!(node.node.peer(id).unwrap().link, zyre::LinkKind::OneEachWay);
    }
    soon(node.node.stop()).await;
}

pub(crate) async fn a_two_way_connection_without_an_id_or_with_the_node_s_own_is_closed() {
    let mut run = AttackRun::with(json!({ "handshake": 5000 })).await;
    let ids = [vec![], vec![1; 16], vec![1; 18]];
    let count = ids.len() as u64;
    for id in ids {
        closed_in_silence(run.route().greet_with(&id, &two_way()).await.unwrap()).await;
    }
    run.counted("connections_foreign", count).await;
    let own = run.victim.id.routing_id();
    closed_in_silence(run.route().greet_with(&own, &two_way()).await.unwrap()).await;
    assert_eq!(run.entered(), 0);
    run.end().await;
}

pub(crate) async fn ping_oks_that_nobody_asked_for_are_nothing() {
    let mut run = AttackRun::begin().await;
    for id in run.both() {
        let mut ghost = run.two_way_ghost(id).await;
        for _ in 0..100 {
            let batch: Vec<u8> =
                (0..100).flat_map(|_| wire::message(&[&ghost.header(PING_OK, &[])])).collect();
            assert!(ghost.dealer.write(&batch).await);
        }
        assert!(ghost.is_heard().await);
    }
    run.end().await;
}
