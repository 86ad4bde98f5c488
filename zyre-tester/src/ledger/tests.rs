//! Each rule, kept and broken.

use std::sync::Arc;

use zyre::{Endpoint, ExitReason, Headers};

use super::*;

const A: PeerId = PeerId::new([0xA; 16]);
const B: PeerId = PeerId::new([0xB; 16]);
const NOW: Duration = Duration::from_secs(1);

fn enter(peer: PeerId) -> Event {
    let endpoint: Endpoint = "tcp://127.0.0.1:49152".parse().unwrap();
    Event::Enter { peer, name: "n".into(), headers: Arc::new(Headers::new()), endpoint }
}

fn exit(peer: PeerId) -> Event {
    Event::Exit { peer, name: "n".into(), reason: ExitReason::Goodbye }
}

fn join(peer: PeerId) -> Event {
    Event::Join { peer, name: "n".into(), group: "g".into() }
}

fn leave(peer: PeerId) -> Event {
    Event::Leave { peer, name: "n".into(), group: "g".into() }
}

fn whisper(peer: PeerId, content: Content) -> Event {
    Event::Whisper { peer, name: "n".into(), content }
}

fn shout(peer: PeerId, content: Content) -> Event {
    Event::Shout { peer, name: "n".into(), group: "g".into(), content }
}

fn pair() -> (Ledger, Ledger) {
    (Ledger::new(A), Ledger::new(B))
}

/// The rules that the ledger finds broken after these events.
fn rules(ledger: &mut Ledger, events: &[Event]) -> Vec<Rule> {
    for event in events {
        ledger.observe(NOW, event);
    }
    ledger.drain(NOW).iter().map(|violation| violation.rule).collect()
}

#[test]
fn a_good_life() {
    let (mut a, mut b) = pair();
    a.joined("g");
    b.observe(NOW, &enter(A));
    let events = [
        enter(B),
        join(B),
        whisper(B, b.whisper(NOW, A, 3)),
        shout(B, b.shout("g", 1)),
        whisper(B, b.whisper(NOW, A, 3)),
        leave(B),
        exit(B),
        enter(B),
        join(B),
    ];
    assert_eq!(rules(&mut a, &events), []);
    b.observe(NOW, &exit(A));
    b.observe(NOW, &enter(A));
    assert_eq!(a.observe(NOW, &whisper(B, b.whisper(NOW, A, 3))), 3);
    assert_eq!(a.observe(NOW, &shout(B, b.shout("g", 1))), 1);
    assert_eq!(rules(&mut a, &[Event::Stop]), []);
    assert_eq!(a.present().count(), 1);
}

#[test]
fn events_out_of_place() {
    for events in [
        vec![enter(B), enter(B)],
        vec![exit(B)],
        vec![join(B)],
        vec![leave(B)],
        vec![enter(B), exit(B), Event::Evasive { peer: B, name: "n".into() }],
        vec![enter(B), join(B), join(B)],
        vec![enter(B), leave(B)],
        vec![Event::Stop, enter(B)],
    ] {
        let found = rules(&mut Ledger::new(A), &events);
        assert!(!found.is_empty(), "{events:?}");
        assert!(found.iter().all(|rule| *rule == Rule::Events), "{events:?}: {found:?}");
    }
}

#[test]
fn whispers_lost_doubled_swapped_and_late() {
    let order: [&[usize]; 5] = [&[1], &[0, 2], &[0, 0], &[1, 0], &[0, 1, 1]];
    for order in order {
        let (mut a, mut b) = pair();
        let sent: Vec<Content> = (0..3).map(|_| b.whisper(NOW, A, 0)).collect();
        a.observe(NOW, &enter(B));
        let events: Vec<Event> = order.iter().map(|i| whisper(B, sent[*i].clone())).collect();
        let found = rules(&mut a, &events);
        assert!(found.contains(&Rule::Delivery), "{order:?}");
    }
    // One of an earlier session.
    let (mut a, mut b) = pair();
    let old = whisper(B, b.whisper(NOW, A, 0));
    let events = [enter(B), old.clone(), exit(B), enter(B), old];
    assert_eq!(rules(&mut a, &events), [Rule::Delivery]);
}

/// The sender has greeted anew, and its link goes on.
#[test]
fn whispers_of_a_link_that_outlives_its_session() {
    let (mut a, mut b) = pair();
    b.observe(NOW, &enter(A));
    let [first, lost] = [(); 2].map(|()| b.whisper(NOW, A, 0));
    b.observe(NOW, &exit(A));
    b.observe(NOW, &enter(A));
    let third = b.whisper(NOW, A, 0);
    assert_eq!(rules(&mut a, &[enter(B), whisper(B, first.clone())]), []);
    let mut blind = Ledger::new(A);
    let gap = [enter(B), whisper(B, first), whisper(B, third.clone())];
    assert_eq!(rules(&mut blind, &gap), [Rule::Delivery], "one is missing");
    assert_eq!(rules(&mut a, &[whisper(B, lost), whisper(B, third)]), []);
}

#[test]
fn shouts_doubled_swapped_and_unwanted() {
    let (mut a, mut b) = pair();
    let (first, second) = (b.shout("g", 0), b.shout("g", 0));
    assert_eq!(rules(&mut a, &[enter(B), shout(B, first.clone())]), [Rule::Delivery]);
    a.joined("g");
    let events = [shout(B, second), shout(B, first)];
    assert_eq!(rules(&mut a, &events), [Rule::Delivery]);
}

#[test]
fn messages_of_others() {
    let (mut a, mut b) = pair();
    let astray = b.whisper(NOW, B, 0);
    let events = [enter(B), whisper(B, astray), whisper(B, "hello".into())];
    assert_eq!(rules(&mut a, &events), [Rule::Delivery; 2]);
}

#[test]
fn a_refusal_wants_an_exit() {
    for (exits, expected) in [(true, vec![]), (false, vec![Rule::Reachable])] {
        let mut a = Ledger::new(A);
        a.observe(NOW, &enter(B));
        a.whisper(NOW, B, 0);
        a.refused(NOW, B);
        if exits {
            a.observe(NOW, &exit(B));
        }
        let found = a.drain(NOW + EXPLAINED * 2);
        assert_eq!(found.iter().map(|violation| violation.rule).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_refused_whisper_does_not_count() {
    let (mut a, mut b) = pair();
    b.observe(NOW, &enter(A));
    b.whisper(NOW, A, 0);
    b.refused(NOW, A);
    let next = b.whisper(NOW, A, 0);
    assert_eq!(rules(&mut a, &[enter(B), whisper(B, next)]), []);
}

#[test]
fn history_is_bounded() {
    let mut a = Ledger::with_history(A, 2);
    rules(&mut a, &[enter(B), join(B), leave(B)]);
    let lines = a.history(B);
    assert_eq!(lines.len(), 2);
    assert!(lines[1].ends_with("LEAVE g"), "{lines:?}");
}
