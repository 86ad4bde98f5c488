use std::sync::Arc;

use super::{Decision, MAX_ABSENT, OfferBook, OfferState};
use crate::driver::client::event::ClientEvent;
use crate::driver::client::offer::OfferId;
use crate::session::OfferedFile;
use crate::{Accept, VirtualPath};

fn file(name: &str, size: u64) -> OfferedFile {
    OfferedFile { name: VirtualPath::new(name).unwrap(), size: Some(size), modified: None }
}

/// As a server tells it that tells the time.
fn dated(name: &str, size: u64) -> OfferedFile {
    OfferedFile { modified: Some(std::time::UNIX_EPOCH), ..file(name, size) }
}

fn asked(event: Option<ClientEvent>) -> OfferId {
    match event {
        Some(ClientEvent::Offered { offer }) => offer.id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn decisions_survive_a_reconnect_until_the_file_changes() {
    let (mut book, origin): (_, Arc<str>) = (OfferBook::new(Accept::Ask, 10), "alice".into());
    book.connected(&origin);
    let a = asked(book.offered(&origin, 0, file("/a", 1)).event);
    let b = asked(book.offered(&origin, 1, file("/b", 1)).event);
    let c = asked(book.offered(&origin, 2, file("/c", 1)).event);
    assert!(book.decide(a, Decision::Accept, None));
    assert!(book.decide(b, Decision::Decline("no".into()), None));
    assert!(!book.decide(b, Decision::Accept, None), "it was declined");
    let orders = [(0, Decision::Accept), (1, Decision::Decline("no".into()))];
    assert_eq!(book.take_orders("alice"), orders);
    book.connected(&origin);
    assert_eq!(book.list("alice"), []);
    for (number, name, decision) in [
        (0, "/c", None),
        (1, "/b", Some(Decision::Decline("no".into()))),
        (2, "/a", Some(Decision::Accept)),
    ] {
        let offered = book.offered(&origin, number, file(name, 1));
        assert!(offered.event.is_none(), "{name} was told");
        assert_eq!(offered.decision, decision, "{name}");
    }
    assert!(book.decide(c, Decision::Pause, None), "the id holds");
    let states: Vec<_> = book.list("alice").iter().map(|offer| (offer.id, offer.state)).collect();
    assert_eq!(states, [(a, OfferState::Accepted), (c, OfferState::Paused)]);
    // It has changed.
    assert!(book.withdrawn(&origin, 1).is_none(), "the application does not want to know");
    let again = asked(book.offered(&origin, 3, file("/b", 2)).event);
    assert!(again != b && book.withdrawn(&origin, 3).is_some());
    assert!(!book.decide(again, Decision::Accept, None));
}

#[test]
fn of_a_server_that_tells_little_a_file_that_comes_again_has_changed() {
    let (mut book, origin): (_, Arc<str>) = (OfferBook::new(Accept::Ask, 10), "c".into());
    let bare = || OfferedFile { size: None, ..file("/a", 0) };
    book.connected(&origin);
    let first = asked(book.offered(&origin, 0, bare()).event);
    assert!(book.decide(first, Decision::Decline(String::new()), None));
    assert_ne!(asked(book.offered(&origin, 1, bare()).event), first);
    let second = asked(book.offered(&origin, 2, bare()).event);
    assert!(book.decide(second, Decision::Decline(String::new()), None));
    book.connected(&origin);
    let decision = book.offered(&origin, 0, bare()).decision;
    assert_eq!(decision, Some(Decision::Decline(String::new())), "it is the same one");
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut book = OfferBook::new(Accept::Ask, 2);
    for number in 0..MAX_ABSENT + 10 {
        let origin: Arc<str> = number.to_string().into();
        book.connected(&origin);
        for name in ["/a", "/b"] {
            book.offered(&origin, 0, file(name, 1));
        }
        book.connected(&origin);
        for name in ["/c", "/d"] {
            book.offered(&origin, 0, file(name, 1));
        }
        assert_eq!(book.origins[&origin].files.len(), 2);
        book.disconnected(&origin);
    }
    assert_eq!((book.origins.len(), book.ids.len()), (MAX_ABSENT, 2 * MAX_ABSENT));
}
#[test]
fn what_is_declined_makes_room_in_the_same_session() {
    let (mut book, origin): (_, Arc<str>) = (OfferBook::new(Accept::Ask, 3), "a".into());
    book.connected(&origin);
    let kept = asked(book.offered(&origin, 0, dated("/kept", 1)).event);
    for number in 1..100 {
        let name = format!("/{number}");
        let id = asked(book.offered(&origin, number, dated(&name, 1)).event);
        assert!(book.decide(id, Decision::Decline(String::new()), None));
        let offers = &book.origins[&origin];
        assert!(offers.files.len() <= 3 && offers.numbers.len() == 1, "{number}");
    }
    assert_eq!((book.ids.len(), book.list("a")[0].id), (3, kept));
    let again = book.offered(&origin, 100, dated("/99", 1));
    assert_eq!(again.decision, Some(Decision::Decline(String::new())), "the newest is known");
}

/// The session forgets a file at its end, the folder answers later, and meanwhile it may change.
#[test]
fn an_answer_about_a_state_says_nothing_of_the_next_one() {
    let (mut book, origin): (_, Arc<str>) = (OfferBook::new(Accept::Ask, 9), "a".into());
    book.connected(&origin);
    let name = VirtualPath::new("/a").unwrap();
    asked(book.offered(&origin, 0, dated("/a", 1)).event);
    book.begun("a", 0, 70);
    let next = asked(book.offered(&origin, 1, dated("/a", 2)).event);
    assert!(book.decide(next, Decision::Accept, Some("/target".into())));
    assert_eq!(book.delivered("a", &name, 70), None);
    book.refused("a", &name, 70, "full".into());
    book.has_no_room("a", 0, "full".into());
    assert_eq!(book.list("a")[0].state, OfferState::Accepted);
    book.begun("a", 1, 71);
    assert_eq!(book.delivered("a", &name, 71), Some("/target".into()));
    assert!(!book.decide(next, Decision::Accept, None));
    let last = asked(book.offered(&origin, 2, dated("/a", 3)).event);
    book.begun("a", 2, 72);
    book.refused("a", &name, 72, "full".into());
    assert!(!book.decide(last, Decision::Accept, None));
}

#[test]
fn where_a_file_is_to_be_put_holds_until_that_is_taken_back() {
    for (decisions, target) in [
        (&[Decision::Pause, Decision::Accept][..], Some("/target")),
        (&[Decision::Accept], Some("/target")),
        (&[Decision::Cancel, Decision::Accept], None),
    ] {
        let (mut book, origin): (_, Arc<str>) = (OfferBook::new(Accept::Ask, 9), "a".into());
        book.connected(&origin);
        let id = asked(book.offered(&origin, 0, dated("/a", 1)).event);
        assert!(book.decide(id, Decision::Accept, Some("/target".into())));
        for decision in decisions {
            assert!(book.decide(id, decision.clone(), None));
        }
        book.begun("a", 0, 7);
        let put = book.delivered("a", &VirtualPath::new("/a").unwrap(), 7);
        assert_eq!(put, target.map(Into::into), "{decisions:?}");
    }
}

#[test]
fn a_file_that_was_put_elsewhere_is_not_offered_again_until_it_changes() {
    let (mut book, origin): (_, Arc<str>) = (OfferBook::new(Accept::Ask, 9), "a".into());
    book.connected(&origin);
    let id = asked(book.offered(&origin, 0, dated("/a", 1)).event);
    assert!(book.decide(id, Decision::Accept, Some("/target".into())));
    book.begun("a", 0, 7);
    book.delivered("a", &VirtualPath::new("/a").unwrap(), 7);
    book.connected(&origin);
    let again = book.offered(&origin, 0, dated("/a", 1));
    assert_eq!((again.event, again.decision), (None, Some(Decision::Pause)));
    assert_eq!((book.list("a"), book.withdrawn(&origin, 0)), (vec![], None));
    assert_ne!(asked(book.offered(&origin, 1, dated("/a", 2)).event), id);
}

/// For instance because the server does not know this client for a moment.
#[test]
fn what_was_decided_outlives_a_withdrawal() {
    let (mut book, origin): (_, Arc<str>) = (OfferBook::new(Accept::Ask, 9), "a".into());
    book.connected(&origin);
    for (number, decision) in [(0, Decision::Accept), (1, Decision::Pause)] {
        let name = format!("/{number}");
        let id = asked(book.offered(&origin, number, dated(&name, 1)).event);
        assert!(book.decide(id, decision.clone(), None));
        assert!(book.withdrawn(&origin, number).is_some());
        assert!(!book.decide(id, Decision::Cancel, None), "it is not on offer");
        let again = book.offered(&origin, number + 10, dated(&name, 1));
        assert_eq!((asked(again.event), again.decision), (id, Some(decision)));
        assert!(book.decide(id, Decision::Cancel, None));
        assert!(book.withdrawn(&origin, number + 10).is_some());
        assert_ne!(asked(book.offered(&origin, number, dated(&name, 1)).event), id);
    }
}

/// What comes by itself can be stopped, and what was not decided is not remembered.
#[test]
fn without_a_question_all_is_accepted_until_something_else_is_decided() {
    let (mut book, origin): (_, Arc<str>) = (OfferBook::new(Accept::All, 9), "a".into());
    book.connected(&origin);
    for (number, name) in [(0, "/a"), (1, "/b"), (2, "/c"), (3, "/d"), (4, "/e")] {
        let offered = book.offered(&origin, number, dated(name, 1));
        assert!(offered.event.is_none() && offered.decision.is_none(), "nobody asks");
    }
    let listed = book.list("a");
    let ids: Vec<_> = listed.iter().map(|offer| offer.id).collect();
    assert_eq!(ids.len(), 5);
    assert!(listed.iter().all(|offer| offer.state == OfferState::Accepted));
    for (id, decision) in [
        (ids[0], Decision::Pause),
        (ids[1], Decision::Cancel),
        (ids[2], Decision::Decline("no".into())),
    ] {
        assert!(book.decide(id, decision, None));
    }
    assert_eq!(book.take_orders("a").len(), 3);
    // Refused by the folder: nobody has decided that.
    book.begun("a", 3, 7);
    book.refused("a", &dated("/d", 1).name, 7, "too large".into());
    assert!(book.withdrawn(&origin, 4).is_none(), "nobody was told of it");
    book.disconnected(&origin);
    assert_eq!(book.ids.len(), 3, "what was decided");
    book.connected(&origin);
    for (number, name, decision) in [
        (0, "/a", Some(Decision::Pause)),
        (1, "/b", Some(Decision::Cancel)),
        (2, "/c", Some(Decision::Decline("no".into()))),
        (3, "/d", None),
        (4, "/e", None),
    ] {
        let offered = book.offered(&origin, number, dated(name, 1));
        assert!(offered.event.is_none());
        assert_eq!(offered.decision, decision, "{name}");
    }
    let states = book.list("a").iter().map(|offer| offer.state).collect::<Vec<_>>();
    let expected =
        [OfferState::Paused, OfferState::Open, OfferState::Accepted, OfferState::Accepted];
    assert_eq!(states, expected);
}
