//! Each rule, kept and broken.

use std::sync::Arc;

use zre_proto::{Endpoint, Event, ExitReason, Headers, UnreachableReason};

use super::*;

const A: PeerId = PeerId::new([0xA; 16]);
const B: PeerId = PeerId::new([0xB; 16]);
const NOW: Duration = Duration::from_secs(1);

fn enter(peer: PeerId) -> Event {
    let endpoint: Endpoint = "tcp://127.0.0.1:49152".parse().unwrap();
    Event::Enter { peer, name: "n".into(), headers: Arc::new(Headers::new()), endpoint }
}

/// ENTER with a header that was set at this time.
fn enter_with(peer: PeerId, name: &str, value: String) -> Event {
    let mut event = enter(peer);
    if let Event::Enter { headers, .. } = &mut event {
        *headers = Arc::new(Headers::from([(name.to_owned(), value)]));
    }
    event
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

fn evasive(peer: PeerId) -> Event {
    Event::Evasive { peer, name: "n".into() }
}

fn silent(peer: PeerId) -> Event {
    Event::Silent { peer, name: "n".into() }
}

fn returned(peer: PeerId) -> Event {
    Event::Returned { peer, name: "n".into() }
}

fn unreachable(peer: PeerId, why: UnreachableReason) -> Event {
    let endpoint: Endpoint = "tcp://127.0.0.1:49152".parse().unwrap();
    Event::Unreachable { peer, endpoint, why }
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
        vec![enter(B), exit(B), evasive(B)],
        vec![enter(B), exit(B), returned(B)],
        vec![returned(B)],
        vec![enter(B), join(B), join(B)],
        vec![enter(B), leave(B)],
        vec![Event::Stop, enter(B)],
    ] {
        let found = rules(&mut Ledger::new(A), &events);
        assert!(!found.is_empty(), "{events:?}");
        assert!(found.iter().all(|rule| *rule == Rule::Events), "{events:?}: {found:?}");
    }
}

/// The breaches of a presence that hears these events, where B is present at the beginning.
fn breaches(events: &[Event]) -> Vec<Breach> {
    let mut presence = Presence::default();
    let heard = [&[enter(B)], events].concat();
    heard.iter().filter_map(|event| presence.hear(&event.into()).err()).collect()
}

#[test]
fn evasive_then_silent_then_returned_or_exit() {
    let again = || [evasive(B), silent(B), returned(B)];
    let lawful = [
        again().to_vec(),
        vec![evasive(B), returned(B), evasive(B), returned(B), join(B)],
        vec![evasive(B), exit(B)],
        vec![evasive(B), silent(B), exit(B), enter(B), join(B)],
        [again(), again()].concat(),
    ];
    for events in lawful {
        assert_eq!(breaches(&events), [], "{events:?}");
    }
    for (events, breach) in [
        (vec![evasive(B), evasive(B)], Breach::SecondEvasive),
        (vec![evasive(B), silent(B), evasive(B)], Breach::SecondEvasive),
        (vec![silent(B)], Breach::SilentWithoutEvasive),
        (vec![evasive(B), silent(B), silent(B)], Breach::SilentWithoutEvasive),
        (vec![evasive(B), returned(B), silent(B)], Breach::SilentWithoutEvasive),
        (vec![returned(B)], Breach::ReturnedUnasked),
        (vec![evasive(B), returned(B), returned(B)], Breach::ReturnedUnasked),
        (vec![evasive(B), exit(B), enter(B), returned(B)], Breach::ReturnedUnasked),
    ] {
        assert_eq!(breaches(&events), [breach], "{events:?}");
    }
}

#[test]
fn who_does_not_answer_may_well_be_heard() {
    for word in [whisper(B, "w".into()), shout(B, "s".into()), join(B)] {
        for away in [vec![evasive(B)], vec![evasive(B), silent(B)]] {
            let heard = [&away[..], &[word.clone(), returned(B)]].concat();
            assert_eq!(breaches(&heard), [], "{heard:?}");
        }
    }
}

#[test]
fn unreachable_comes_outside_and_once_for_each_reason() {
    use UnreachableReason::{NoAnswer, Refused};
    assert_eq!(breaches(&[unreachable(B, Refused)]), [Breach::UnreachableInside]);
    assert_eq!(breaches(&[unreachable(A, Refused), unreachable(A, NoAnswer)]), []);
    let twice = [unreachable(A, Refused), unreachable(A, NoAnswer), unreachable(A, Refused)];
    assert_eq!(breaches(&twice), [Breach::SecondUnreachable]);
    let met = [unreachable(A, Refused), enter(A), exit(A), unreachable(A, Refused)];
    assert_eq!(breaches(&met), []);
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
fn what_a_link_has_lost_is_counted_and_what_should_have_come_is_missing() {
    let (mut a, mut b) = pair();
    b.observe(NOW, &enter(A));
    let first = b.whisper(NOW, A, 0);
    let _lost = b.whisper(NOW, A, 0);
    assert_eq!(rules(&mut a, &[enter(B), whisper(B, first), exit(B), enter(B)]), []);
    let missing = |a: &Ledger, b: &Ledger| {
        let account = |of: &Ledger| of.accounts().next().expect("a peer that is present").1;
        account(b).missing_at(&account(a))
    };
    assert_eq!(missing(&a, &b), 1..2, "no EXIT has come before it");
    b.observe(NOW, &exit(A));
    b.observe(NOW, &enter(A));
    assert!(missing(&a, &b).is_empty());
    let third = b.whisper(NOW, A, 0);
    assert_eq!(missing(&a, &b), 2..3, "on its way");
    assert_eq!(rules(&mut a, &[whisper(B, third)]), []);
    assert!(missing(&a, &b).is_empty());
    assert_eq!(a.lost(), 1);
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

/// B is in a group, A shouts there and whispers, and B answers. Returns what A finds: B hears only
/// some of A's three shouts, and A hears `before` before the answer.
fn shouted(heard: &[usize], before: &[Event]) -> Vec<String> {
    let (mut a, mut b) = pair();
    b.joined("g");
    rules(&mut b, &[enter(A)]);
    rules(&mut a, &[enter(B), join(B)]);
    let shouts: [Content; 3] = std::array::from_fn(|_| a.shout("g", 0));
    let after = a.whisper(NOW, B, 0);
    let events: Vec<Event> = heard.iter().map(|i| shout(A, shouts[*i].clone())).collect();
    assert_eq!(rules(&mut b, &events), []);
    assert_eq!(rules(&mut b, &[whisper(A, after)]), []);
    let answer = b.whisper(NOW, A, 0);
    assert_eq!(rules(&mut a, before), []);
    a.observe(NOW, &whisper(B, answer));
    // What was found, it is found once.
    let again = b.whisper(NOW, A, 0);
    a.observe(NOW, &whisper(B, again));
    let found = a.drain(NOW);
    assert!(found.iter().all(|violation| violation.rule == Rule::Delivery), "{found:?}");
    found.into_iter().map(|violation| violation.what).collect()
}

#[test]
fn a_shout_that_is_lost_is_seen_by_its_sender() {
    assert_eq!(shouted(&[0, 1, 2], &[]), [""; 0]);
    for (heard, lost) in [(vec![0, 2], vec![1]), (vec![0, 1], vec![2]), (vec![], vec![0, 1, 2])] {
        let found = shouted(&heard, &[]);
        assert_eq!(found.len(), lost.len(), "{found:?}");
        for (what, number) in found.iter().zip(&lost) {
            assert!(what.starts_with(&format!("shout {number} to g is lost")), "{what}");
        }
    }
}

#[test]
fn a_shout_to_one_that_was_leaving_is_not_lost() {
    for before in [
        vec![leave(B)],
        vec![leave(B), join(B)],
        vec![exit(B), enter(B)],
        vec![exit(B), enter(B), join(B)],
    ] {
        assert_eq!(shouted(&[], &before), [""; 0], "{before:?}");
    }
}

#[test]
fn a_shout_is_not_lost_before_what_was_sent_after_it_has_come() {
    let (mut a, mut b) = pair();
    b.joined("g");
    rules(&mut b, &[enter(A)]);
    rules(&mut a, &[enter(B), join(B)]);
    let first = a.whisper(NOW, B, 0);
    let late = a.shout("g", 0);
    assert_eq!(rules(&mut b, &[whisper(A, first)]), []);
    let early = b.whisper(NOW, A, 0);
    assert_eq!(rules(&mut a, &[whisper(B, early)]), [], "the shout is on its way");
    let second = a.whisper(NOW, B, 0);
    assert_eq!(rules(&mut b, &[shout(A, late), whisper(A, second)]), []);
    let answer = b.whisper(NOW, A, 0);
    assert_eq!(rules(&mut a, &[whisper(B, answer)]), []);
}

#[test]
fn a_receipt_that_was_not_sent_accuses_nobody() {
    let (mut a, mut b) = pair();
    b.joined("g");
    rules(&mut b, &[enter(A)]);
    rules(&mut a, &[enter(B), join(B)]);
    let said = [shout(A, a.shout("g", 0)), whisper(A, a.whisper(NOW, B, 0))];
    assert_eq!(rules(&mut b, &said), []);
    b.whisper(NOW, A, 0);
    b.refused(NOW, A);
    let answer = b.whisper(NOW, A, 0);
    assert_eq!(rules(&mut a, &[whisper(B, answer)]), []);
}

#[test]
fn who_may_not_have_heard_a_shout_is_asked_in_turn_until_it_says() {
    const C: PeerId = PeerId::new([0xC; 16]);
    let (mut a, mut b) = pair();
    b.joined("g");
    rules(&mut b, &[enter(A)]);
    rules(&mut a, &[enter(B), join(B), enter(C), join(C)]);
    assert_eq!(a.next_to_ask(), None);
    let said = shout(A, a.shout("g", 0));
    let asked: Vec<_> = (0..3).filter_map(|_| a.next_to_ask()).collect();
    assert_eq!(asked, [B, C, B]);
    let question = whisper(A, a.whisper(NOW, B, 1));
    rules(&mut b, &[said, question]);
    let answer = b.whisper(NOW, A, 0);
    assert_eq!(rules(&mut a, &[whisper(B, answer)]), []);
    assert_eq!([(); 2].map(|()| a.next_to_ask()), [Some(C); 2]);
    rules(&mut a, &[exit(C)]);
    assert_eq!(a.next_to_ask(), None);
}

#[test]
fn more_shouts_than_are_remembered_accuse_nobody() {
    let (mut a, mut b) = pair();
    b.joined("g");
    rules(&mut b, &[enter(A)]);
    rules(&mut a, &[enter(B), join(B)]);
    for _ in 0..200 {
        let said = shout(A, a.shout("g", 0));
        assert_eq!(rules(&mut b, &[said]), []);
    }
    let after = whisper(A, a.whisper(NOW, B, 0));
    assert_eq!(rules(&mut b, &[after]), []);
    let answer = b.whisper(NOW, A, 0);
    assert_eq!(rules(&mut a, &[whisper(B, answer)]), []);
}

#[test]
fn enter_has_the_header_of_the_peer_and_no_old_one() {
    let at = Duration::from_secs;
    // When A has set its header, the one that its ENTER has at B, and whether that is lawful. B is
    // born at 5 s.
    let cases = [
        (vec![1], Some(1), true),
        (vec![1, 3], Some(3), true),
        (vec![1, 3], Some(1), false),
        (vec![1], None, false),
        (vec![1, 6], Some(1), true),
        (vec![1, 6], None, true),
        (vec![1], Some(3), false),
        (vec![], None, true),
    ];
    for (set, carried, lawful) in cases {
        let (mut a, mut b) = pair();
        b.header(at(5));
        set.iter().for_each(|second| drop(a.header(at(*second))));
        let event = match carried {
            Some(second) => enter_with(A, header::NAME, header::value(A, at(second))),
            None => enter(A),
        };
        let expected = if lawful { vec![] } else { vec![Rule::Agreement] };
        let events = [event, whisper(A, a.whisper(NOW, B, 0)), whisper(A, a.whisper(NOW, B, 0))];
        assert_eq!(rules(&mut b, &events), expected, "{set:?}, {carried:?}");
    }
}

#[test]
fn enter_has_no_header_of_another_and_none_older_than_the_enter_before() {
    let header =
        |of, second| enter_with(B, header::NAME, header::value(of, Duration::from_secs(second)));
    assert_eq!(rules(&mut Ledger::new(A), &[header(A, 1)]), [Rule::Agreement]);
    let newer = [header(B, 1), exit(B), header(B, 2)];
    assert_eq!(rules(&mut Ledger::new(A), &newer), []);
    let older = [header(B, 2), exit(B), header(B, 1)];
    assert_eq!(rules(&mut Ledger::new(A), &older), [Rule::Agreement]);
}

#[test]
fn last_words_are_those_to_whom_is_present_at_the_end() {
    const C: PeerId = PeerId::new([0xC; 16]);
    const D: PeerId = PeerId::new([0xD; 16]);
    let (mut a, mut b) = pair();
    rules(&mut a, &[enter(B), enter(C), enter(D)]);
    rules(&mut b, &[enter(A)]);
    let words = [(); 2].map(|()| whisper(A, a.whisper(NOW, B, 0)));
    a.whisper(NOW, C, 0);
    rules(&mut a, &[exit(C), Event::Stop]);
    assert_eq!(a.last_words().collect::<Vec<_>>(), [(B, 2)], "C had gone, D was told nothing");
    assert_eq!(rules(&mut b, &words[..1]), []);
    assert_eq!(b.next_whisper(A), 1, "one is missing");
    assert_eq!(rules(&mut b, &words[1..]), []);
    assert_eq!(b.next_whisper(A), 2);
}

#[test]
fn an_exit_says_what_is_true() {
    use ExitReason::{
        Expired, Goodbye, LinkLost, Overflow, Rejected, Replaced, SequenceGap, StatusMismatch,
    };
    for disturbed in [false, true] {
        for reason in [SequenceGap, StatusMismatch, Overflow, Rejected] {
            for fate in [Fate::Lives, Fate::Stopped, Fate::Died, Fate::Vanished] {
                assert!(!fate.allows(reason, disturbed), "{fate:?}, {reason}");
            }
        }
        assert!(Fate::Stopped.allows(Goodbye, disturbed));
        assert!(Fate::Died.allows(LinkLost, disturbed) && Fate::Died.allows(Replaced, disturbed));
        assert!(Fate::Vanished.allows(Expired, disturbed));
        for fate in [Fate::Lives, Fate::Died, Fate::Vanished] {
            assert!(!fate.allows(Goodbye, disturbed), "nobody said goodbye: {fate:?}");
        }
        for (fate, reason) in [(Fate::Stopped, LinkLost), (Fate::Died, Expired)] {
            assert_eq!(fate.allows(reason, disturbed), disturbed, "{fate:?}, {reason}");
        }
    }
}
