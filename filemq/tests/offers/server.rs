//! The server's session.

use std::time::Duration;

use bytes::Bytes;
use filemq::digest::{Algorithm, Digest};
use filemq::message::{CHUNK, Message, Outcome, Verdict};
use filemq::session::{JobResult, ServerSessionEvent, Unreadable};
use filemq::{Audience, Fate};

use super::common::server::Server;
use super::common::{content, digest, icanhaz, nom, path, receipt, short};
use super::{OURS, agreed, answers, offers};

const PROMISE: &str = "SIZE,DIGEST,MTIME,MODE";

/// One that has offered what it publishes; the offers.
fn begun(files: &[(&str, Bytes)], cache: &[(&str, &str)]) -> (Server, Vec<String>) {
    let mut server = Server::new().publishing(files);
    server.hear(&Message::Ohai);
    assert_eq!(server.hear(&icanhaz("/", &OURS, cache)), [agreed()]);
    let said = server.hear(&nom(10_000_000));
    let is_offer = |message: &Message| matches!(message, Message::Offers(_));
    assert!(said.iter().all(is_offer), "nothing is sent unasked");
    let offered = said.iter().flat_map(offers).collect();
    (server, offered)
}

fn fetch(server: &mut Server, numbers: &[u64]) -> Vec<String> {
    let all: Vec<_> = numbers.iter().map(|number| (*number, Verdict::Fetch, "")).collect();
    server.hear_shortly(&answers(&all))
}

/// What is said, offers in short and the rest too.
fn told(messages: &[Message]) -> Vec<String> {
    let one = |message: &Message| match message {
        Message::Offers(_) => offers(message),
        other => vec![short(other)],
    };
    messages.iter().flat_map(one).collect()
}

#[test]
fn files_are_offered_and_sent_in_the_order_in_which_they_are_wanted() {
    let files = [("/a", content(1, 10)), ("/b", content(2, 20)), ("/c", Bytes::new())];
    let (mut server, offered) = begun(&files, &[]);
    assert_eq!(offered, ["0/a 10", "1/b 20", "2/c 0"]);
    let said = fetch(&mut server, &[2, 0, 2, 7]);
    assert_eq!(said, [format!("c/c 0+0!{PROMISE}"), format!("c/a 0+10!{PROMISE}")]);
    assert_eq!(fetch(&mut server, &[2, 0]), [] as [&str; 0], "once is enough");
    assert_eq!(fetch(&mut server, &[1]), [format!("c/b 0+20!{PROMISE}")]);
}

#[test]
fn a_change_takes_back_the_offer_and_makes_another() {
    let (mut server, _) = begun(&[("/a", content(1, 10)), ("/b", content(2, 20))], &[]);
    server.put("/a", content(3, 30));
    assert_eq!(told(&server.run()), ["-0", "2/a 30"]);
    assert_eq!(fetch(&mut server, &[0]), [] as [&str; 0], "it holds no more");
    server.remove("/b");
    assert_eq!(told(&server.run()), ["-1", "d/b"]);
    assert_eq!(fetch(&mut server, &[1, 2]), [format!("c/a 0+30!{PROMISE}")]);
    // One that is on its way is broken off.
    server.put("/d", content(4, 3 * CHUNK));
    assert_eq!(told(&server.run()), ["3/d 3000000"]);
    server.session.handle_message(
        server.now,
        &[answers(&[(3, Verdict::Fetch, "")]).encode()],
        &server.catalogue,
    );
    while server.said().is_empty() {
        assert!(server.ask() | server.answer());
    }
    server.put("/d", content(5, 5));
    let said = told(&server.run());
    assert!(said[0].ends_with("!ABORT"), "{said:?}");
    assert_eq!(said[1..], ["-3", "4/d 5"]);
}

#[test]
fn what_is_put_off_or_declined_is_broken_off_and_told() {
    let (mut server, _) = begun(&[("/a", content(1, 3 * CHUNK)), ("/b", content(2, 1))], &[]);
    let verdicts = [(0, Verdict::Fetch, ""), (1, Verdict::Later, "")];
    let start = |server: &mut Server| {
        let frames = [answers(&verdicts).encode()];
        server.session.handle_message(server.now, &frames, &server.catalogue);
        while server.said().is_empty() {
            assert!(server.ask() | server.answer());
        }
        server.events.clear();
    };
    let rejected = |reason: &str| ServerSessionEvent::Rejected {
        name: path("/a"),
        reason: reason.into(),
        fate: Fate::Passing,
    };
    let declined =
        |name: &str| ServerSessionEvent::Declined { name: path(name), reason: "no".into() };
    let aborted = ServerSessionEvent::Aborted { name: path("/a") };
    start(&mut server);
    let said = server.hear_shortly(&answers(&[(0, Verdict::Later, "full")]));
    assert!(said.len() == 1 && said[0].ends_with("!ABORT"), "{said:?}");
    assert_eq!(server.events, [aborted.clone(), rejected("full")]);
    // The offer holds.
    start(&mut server);
    let said =
        server.hear_shortly(&answers(&[(0, Verdict::Decline, "no"), (9, Verdict::Later, "")]));
    assert!(said.len() == 1 && said[0].ends_with("!ABORT"), "{said:?}");
    assert_eq!(server.events, [aborted, declined("/a")]);
    assert_eq!(fetch(&mut server, &[0]), [] as [&str; 0], "it is forgotten");
    // Also of what was sent to its end, and has no receipt.
    assert_eq!(fetch(&mut server, &[1]).len(), 1);
    server.events.clear();
    server.hear(&answers(&[(1, Verdict::Decline, "no")]));
    server.hear(&Message::Receipts(vec![receipt(2, Outcome::Delivered, "")]));
    assert_eq!(server.events, [declined("/b")]);
}

#[test]
fn a_client_goes_on_with_what_it_has() {
    let whole = content(1, 3 * CHUNK);
    let (mut server, _) = begun(&[("/a", whole.clone())], &[]);
    let blake3 = |bytes: &[u8]| -> Digest { digest(Algorithm::Blake3, bytes) };
    let part = format!("{} {} {}", CHUNK, blake3(&whole[..CHUNK]), blake3(&whole));
    let said = server.hear_shortly(&answers(&[(0, Verdict::Fetch, &part)]));
    assert_eq!(said[0], format!("c/a {CHUNK}+{CHUNK}{PROMISE}"));
    assert_eq!(said.len(), 2);
}

#[test]
fn what_the_client_has_is_confirmed_and_not_offered() {
    let known = content(1, 10);
    let had = digest(Algorithm::Blake3, &known).to_string();
    let files = [("/a", known), ("/b", content(2, 20))];
    let (server, offered) = begun(&files, &[("a", &had), ("b", &had)]);
    assert_eq!(offered, ["0/b 20"]);
    let confirmed = ServerSessionEvent::Confirmed { name: path("/a"), size: 10, already: true };
    assert!(server.events.contains(&confirmed), "{:?}", server.events);
}

/// What the client has may be more than one message can say.
#[test]
fn nothing_is_offered_before_the_client_has_said_all_that_it_has() {
    for options in [&OURS[..], &OURS[..3]] {
        let (known, empty) = (content(1, 10), Bytes::new());
        let files = [("/a", known.clone()), ("/b", empty.clone()), ("/c", content(2, 20))];
        let mut server = Server::new().publishing(&files);
        server.catalogue.know(&path("/"));
        let had = [known, empty].map(|content| digest(Algorithm::Blake3, &content).to_string());
        server.hear(&Message::Ohai);
        let first = [("a", had[0].as_str()), ("gone", &had[0])];
        let said = server.hear_shortly(&icanhaz("/", options, &first));
        assert_eq!(said, ["ICANHAZ-OK", "d/gone"]);
        let said = server.hear_shortly(&icanhaz("/", options, &[("b", &had[1])]));
        assert_eq!(said, ["ICANHAZ-OK"]);
        let said = told(&server.hear(&nom(1000)));
        assert!(matches!(&said[..], [only] if only.contains("/c ")), "{said:?}");
        let confirmed = |event: &&ServerSessionEvent| {
            matches!(event, ServerSessionEvent::Confirmed { already: true, .. })
        };
        assert_eq!(server.events.iter().filter(confirmed).count(), 2);
    }
}

/// What is refused for good while it comes is not sent to its end.
#[test]
fn a_receipt_of_refusal_breaks_a_file_off() {
    let (mut server, _) = begun(&[("/a", content(1, 9 * CHUNK))], &[]);
    let frames = [answers(&[(0, Verdict::Fetch, "")]).encode()];
    server.session.handle_message(server.now, &frames, &server.catalogue);
    while server.said().is_empty() {
        assert!(server.ask() | server.answer());
    }
    let said = server.hear_shortly(&Message::Receipts(vec![receipt(0, Outcome::Refused, "no")]));
    assert!(said.len() == 1 && said[0].ends_with("!ABORT"), "{said:?}");
}

#[test]
fn a_file_that_cannot_be_read_comes_without_being_fetched_again() {
    let (mut server, _) = begun(&[("/a", content(1, 10))], &[]);
    let frames = [answers(&[(0, Verdict::Fetch, "")]).encode()];
    server.session.handle_message(server.now, &frames, &server.catalogue);
    assert!(server.job().is_some());
    let failed = Unreadable::Failed { reason: "busy".into(), fate: Fate::Passing };
    server.session.handle_result(server.now, JobResult::Opened(Err(failed)));
    while let Some(job) = server.job() {
        let done = server.disk.execute(job);
        server.session.handle_result(server.now, done);
    }
    server.said();
    server.pass(Duration::from_secs(1));
    assert_eq!(server.run_shortly(), [format!("c/a 0+10!{PROMISE}")]);
}

#[test]
fn who_may_not_have_a_file_any_more_loses_the_offer() {
    let mut server = Server::with(&Default::default(), &["club"]);
    server.put_for("/a", content(1, 10), Audience::Tagged("club".into()));
    server.hear(&Message::Ohai);
    server.hear(&icanhaz("/", &OURS, &[]));
    server.hear(&nom(1000));
    server.set_tags(&[]);
    assert_eq!(told(&server.run()), ["-0"]);
    assert_eq!(fetch(&mut server, &[0]), [] as [&str; 0]);
    server.set_tags(&["club"]);
    assert_eq!(told(&server.run()), ["1/a 10"]);
}

/// A client may have put off any number of offers, and a folder go at once.
#[test]
fn what_is_taken_back_at_a_time_comes_in_messages_of_a_size() {
    let names: Vec<_> = (0..12_000).map(|number| format!("/{number}")).collect();
    let mut server = Server::with(&Default::default(), &["club"]);
    for name in &names {
        server.put_for(name, Bytes::new(), Audience::Tagged("club".into()));
    }
    server.hear(&Message::Ohai);
    server.hear(&icanhaz("/", &OURS, &[]));
    let mut said = server.hear(&nom(1000));
    let mut offered = 0;
    while !said.is_empty() {
        let count = said.iter().map(|said| offers(said).len()).sum::<usize>() as u64;
        let later: Vec<_> =
            (offered..offered + count).map(|number| (number, Verdict::Later, "")).collect();
        offered += count;
        said = server.hear(&answers(&later));
    }
    assert_eq!(offered, 12_000);
    server.set_tags(&[]);
    let said = server.run();
    assert_eq!(said.iter().map(|said| offers(said).len()).sum::<usize>(), 12_000);
    assert!(said.iter().all(|said| said.encode().len() < 65 << 10), "in messages of a size");
}

/// A client that answers nothing, and one that answers.
#[test]
fn only_so_many_offers_are_open() {
    let names: Vec<_> = (0..10_000).map(|number| format!("/{number}")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), Bytes::new())).collect();
    let (mut server, offered) = begun(&files, &[]);
    assert_eq!(offered.len(), 4096);
    let later = |from: u64, to: u64| {
        let all: Vec<_> = (from..to).map(|number| (number, Verdict::Later, "")).collect();
        answers(&all)
    };
    assert_eq!(server.hear(&later(0, 2047)), []);
    let said = server.hear(&later(2047, 4096));
    assert_eq!(said.iter().map(|said| offers(said).len()).sum::<usize>(), 4096);
    assert!(said.iter().all(|said| said.encode().len() < 65 << 10), "in messages of a size");
}

#[test]
fn answers_without_offers_are_an_error() {
    let mut server = Server::new();
    server.hear(&Message::Ohai);
    server.hear(&icanhaz("/", &OURS[..3], &[]));
    let said = server.hear(&answers(&[(0, Verdict::Fetch, "")]));
    assert!(matches!(said[..], [Message::Rtfm { .. }]), "{said:?}");
}

#[test]
fn the_answer_to_a_second_fetch_says_so() {
    let (mut server, _) = begun(&[("/a", content(1, 10))], &[]);
    let twice = [(0, Verdict::Fetch, ""), (0, Verdict::Later, ""), (0, Verdict::Fetch, "")];
    assert_eq!(server.hear_shortly(&answers(&twice)), [format!("c/a 0+10!{PROMISE},FETCH")]);
    let again = server.hear_shortly(&answers(&twice[1..]));
    assert_eq!(again, [format!("c/a 0+10!{PROMISE},FETCH")], "it was sent for nothing");
}
