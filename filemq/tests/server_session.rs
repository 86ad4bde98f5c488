//! A server's session: what each client gets, in which order, and what becomes of those that say
//! something wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use filemq::digest::Algorithm;
use filemq::message::{CHUNK, Message, Operation, Outcome};
use filemq::session::{Job, JobResult, ServerConfig, ServerOutput, ServerSessionEvent, Unreadable};
use filemq::{Audience, Fate, Ticket};

use common::server::Server;
use common::vectors::named;
use common::{content, icanhaz, icanhaz_ok, icanhaz_ok_receipt, nom, path, piece, receipt, short};

const PROMISE: &str = "SIZE,DIGEST,MTIME,MODE";

fn ours(cache: &[(&str, &str)]) -> Message {
    icanhaz("/", &[("RESYNC", "1"), ("DIGEST", "BLAKE3")], cache)
}

#[test]
fn a_captured_c_client_gets_what_the_c_server_sent() {
    let file = |i: usize| ((i * 7 + (i >> 8)) & 255) as u8;
    let mut server = Server::new().publishing(&[
        ("/big.bin", (0..6_500_000).map(file).collect()),
        ("/empty.dat", Bytes::new()),
        ("/film.mp4", Bytes::from_static(b"MOVIE DATA")),
        ("/sub/deep/hello.txt", Bytes::from_static(b"hello filemq\n")),
    ]);
    assert_eq!(server.frames(&named("v2_ohai")), [Message::OhaiOk]);
    assert_eq!(server.frames(&named("v2_icanhaz_root_plain")), [icanhaz_ok()]);
    let mut said = server.frames(&named("v2_nom_initial"));
    assert_eq!(said.len(), 5, "5,000,000 bytes");
    said.extend(server.frames(&named("v2_nom_refill_seq0")));
    assert_eq!(said.len(), 6);
    said.extend(server.frames(&named("v2_nom_refill_seq1")));
    server.remove("/film.mp4");
    said.extend(server.run());
    server.remove("/sub/deep/hello.txt");
    said.extend(server.run());

    for (at, name) in [
        (0, "create_first_1MB"),
        (1, "create_second_1MB"),
        (6, "create_last_partial"),
        (7, "end_of_file"),
        (8, "empty_file"),
        (9, "ln_target"),
        (10, "ln_eof"),
        (11, "subdir_data"),
        (12, "subdir_eof"),
    ] {
        let expected = &named(&format!("v2_cheezburger_{name}"))[0];
        assert!(said[at].encode() == expected, "{name}: {}", short(&said[at]));
    }
    // C repeats the fields of what it sent before; they mean nothing.
    assert_eq!(short(&said[13]), "d/film.mp4");
    assert_eq!(short(&said[14]), "d/sub/deep/hello.txt");
    assert_eq!(said.len(), 15);
    assert_eq!(server.frames(&named("v2_hugz_client")), [Message::HugzOk]);
    assert_eq!(server.frames(&named("v2_kthxbai")), []);
    assert_eq!(server.events.last(), Some(&ServerSessionEvent::Left));
}

#[test]
fn what_ends_the_c_server_draws_rtfm_and_the_client_may_begin_anew() {
    let killers = common::vectors::vectors().into_iter().filter(|v| v.message == "malformed");
    for killer in killers {
        let mut server = Server::new().publishing(&[("/a", content(1, 10))]);
        for _ in 0..3 {
            let said = server.frames(&killer.frames);
            assert!(matches!(said[..], [Message::Rtfm { .. }]), "{}", killer.name);
            assert_eq!(server.hear(&Message::Ohai), [Message::OhaiOk]);
        }
        assert_eq!(server.hear(&icanhaz("/", &[], &[])), [icanhaz_ok()]);
        assert_eq!(server.hear_shortly(&nom(10)), ["c/a 0+10", "c/a 10+0!"]);
    }
}

#[test]
fn the_old_ohai_is_told_which_version_is_spoken() {
    let said = Server::new().frames(&named("v1_ohai"));
    let [Message::Rtfm { reason }] = &said[..] else { panic!("{said:?}") };
    assert_eq!(reason, "FILEMQ version 1 is not spoken here, only version 2");
}

#[test]
fn before_ohai_nothing_else_is_understood() {
    for message in [Message::Hugz, nom(1), icanhaz("/", &[], &[]), Message::Kthxbai] {
        let said = Server::new().hear(&message);
        assert!(matches!(said[..], [Message::Rtfm { .. }]), "{message:?}");
    }
}

#[test]
fn what_is_wrong_later_forgets_subscriptions_and_credit() {
    for message in [Message::HugzOk, Message::OhaiOk, icanhaz("no path", &[], &[])] {
        let (mut server, _) = Server::new().foreign();
        assert!(matches!(server.hear(&message)[..], [Message::Rtfm { .. }]));
        server.put("/a", content(1, 10));
        assert_eq!(server.run(), []);
        assert_eq!(server.hear(&Message::Ohai), [Message::OhaiOk]);
        assert_eq!(server.hear(&icanhaz("/", &[], &[])), [icanhaz_ok()]);
        assert_eq!(server.hear_shortly(&nom(4)), ["c/a 0+4"]);
    }
}

/// As in C: what it has subscribed to, and its credit, are kept.
#[test]
fn a_second_ohai_changes_nothing() {
    let (mut server, _) = Server::new().foreign();
    assert_eq!(server.hear(&Message::Ohai), [Message::OhaiOk]);
    server.put("/a", content(1, 10));
    assert_eq!(server.run_shortly(), ["c/a 0+10", "c/a 10+0!"]);
}

#[test]
fn one_that_says_only_wrong_things_is_closed() {
    let mut server = Server::new();
    for _ in 0..100 {
        server.frames(&named("v2_killer_bad_signature"));
    }
    assert!(server.closed);
    assert_eq!(server.events.len(), 10);
}

#[test]
fn only_what_lies_within_the_subscriptions_is_sent() {
    let files = ["/a/1", "/a/b/2", "/ab", "/c"].map(|name| (name, content(1, 1)));
    let server = Server::new().publishing(&files);
    let (mut server, said) = server.begun(&icanhaz("/a/", &[], &[]), 100);
    assert_eq!(said, ["c/a/1 0+1", "c/a/1 1+0!", "c/a/b/2 0+1", "c/a/b/2 1+0!"]);
    assert_eq!(server.hear_shortly(&icanhaz("/a/b", &[], &[])), ["ICANHAZ-OK"]);
    let said = server.hear_shortly(&icanhaz("/", &[], &[]));
    assert_eq!(said, ["ICANHAZ-OK", "c/ab 0+1", "c/ab 1+0!", "c/c 0+1", "c/c 1+0!"]);
    // Of "/c" nothing is left for a client that cuts "/c" off.
    let server = Server::new().publishing(&files);
    assert_eq!(server.begun(&icanhaz("/c", &[], &[]), 100).1, [""; 0]);
}

/// One of ours gets no crumbs: its credit comes again, and pieces are to be the same for all.
#[test]
fn a_piece_for_one_of_ours_waits_for_credit_for_all_of_it() {
    let chunk = CHUNK as u64;
    let server = Server::new().publishing(&[("/a", content(1, 10)), ("/b", content(2, 3 * CHUNK))]);
    let (mut server, said) = server.begun(&icanhaz("/", &[("DIGEST", "BLAKE3")], &[]), 2 * chunk);
    assert_eq!(said.len(), 2, "the last of the credit is less than a piece: {said:?}");
    assert_eq!(server.hear_shortly(&nom(9)), [""; 0]);
    assert_eq!(server.hear_shortly(&nom(1)), ["c/b 1000000+1000000"]);
    // It can give no more than half a piece at a time: that has to do.
    let server = Server::new().publishing(&[("/b", content(2, CHUNK + 5))]);
    let (_, said) = server.begun(&icanhaz("/", &[("DIGEST", "BLAKE3")], &[]), chunk / 2);
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn credit_is_never_exceeded() {
    let server = Server::new().publishing(&[("/a", content(1, CHUNK + 10)), ("/b", Bytes::new())]);
    let (mut server, said) = server.begun(&icanhaz("/", &[], &[]), 0);
    assert_eq!(said, [""; 0]);
    assert_eq!(server.hear_shortly(&nom(3)), ["c/a 0+3"]);
    assert_eq!(server.hear_shortly(&nom(CHUNK as u64)), ["c/a 3+1000000"]);
    assert_eq!(server.hear_shortly(&nom(6)), ["c/a 1000003+6"]);
    let rest = ["c/a 1000009+1", "c/a 1000010+0!", "c/b 0+0!"];
    assert_eq!(server.hear_shortly(&nom(1)), rest);
}

#[test]
fn ours_is_told_ahead_and_needs_no_further_end() {
    let server = Server::new().publishing(&[("/a", content(1, CHUNK + 1)), ("/b", Bytes::new())]);
    let (server, said) = server.ours();
    let expected =
        [format!("c/a 0+1000000{PROMISE}"), "c/a 1000000+1!".into(), format!("c/b 0+0!{PROMISE}")];
    assert_eq!(said, expected);
    let sent =
        |name, size| ServerSessionEvent::Sent { name: path(name), size, receipt_follows: false };
    assert_eq!(server.events.last(), Some(&sent("/b", 0)));
    assert!(server.events.contains(&sent("/a", CHUNK as u64 + 1)));
}

/// Said once of each state of a file, also of what the client has from before.
#[test]
fn a_client_that_gives_receipts_is_believed_about_what_it_was_sent() {
    let (known, some) = (content(1, 10), content(2, 20));
    let server = Server::new().publishing(&[("/a", known.clone()), ("/b", some.clone())]);
    let digest = common::digest(Algorithm::Blake3, &known).to_string();
    let options = [("RESYNC", "1"), ("DIGEST", "BLAKE3"), ("RECEIPT", "1")];
    let mut server = server;
    server.hear(&Message::Ohai);
    let said = server.hear(&icanhaz("/", &options, &[("a", &digest)]));
    assert_eq!(said, [icanhaz_ok_receipt()]);
    let confirmed =
        |name, size| ServerSessionEvent::Confirmed { name: path(name), size, already: false };
    let rejected = |reason: &str, fate| ServerSessionEvent::Rejected {
        name: path("/b"),
        reason: reason.into(),
        fate,
    };
    assert_eq!(server.hear_shortly(&nom(1000)), [format!("c/b 0+20!{PROMISE}")]);
    let sent = |size| ServerSessionEvent::Sent { name: path("/b"), size, receipt_follows: true };
    let had = ServerSessionEvent::Confirmed { name: path("/a"), size: 10, already: true };
    assert_eq!(server.events[1], had, "the client has said so");
    assert_eq!(server.events.last(), Some(&sent(20)));
    let news = |server: &mut Server, receipts: Vec<_>| {
        server.events.clear();
        assert_eq!(server.hear(&Message::Receipts(receipts)), []);
        std::mem::take(&mut server.events)
    };
    let waits = receipt(0, Outcome::Waiting, "full");
    assert_eq!(news(&mut server, vec![waits.clone()]), [rejected("full", Fate::Passing)]);
    assert_eq!(news(&mut server, vec![waits, receipt(1, Outcome::Delivered, "")]), []);
    // There is another state: what is said of the one before is over.
    server.put("/b", content(3, 30));
    server.run();
    let both = vec![receipt(0, Outcome::Delivered, ""), receipt(1, Outcome::Delivered, "")];
    assert_eq!(news(&mut server, both.clone()), [confirmed("/b", 30)]);
    assert_eq!(news(&mut server, both), []);
    server.put("/b", content(4, 40));
    server.run();
    let refused = vec![receipt(2, Outcome::Refused, "no place")];
    assert_eq!(news(&mut server, refused), [rejected("no place", Fate::Final)]);
    server.put("/b", content(5, 50));
    server.run();
    server.remove("/b");
    server.run();
    assert_eq!(news(&mut server, vec![receipt(3, Outcome::Delivered, "")]), []);
}

const fn kind(job: &Job) -> &'static str {
    match job {
        Job::Digest(..) => "digest",
        Job::Open { .. } => "open",
        Job::Read { .. } => "read",
        Job::Close => "close",
    }
}

/// So that a disk can do much at a time.
#[test]
fn jobs_of_several_small_files_are_given_out_ahead() {
    for foreign in [true, false] {
        let files = [("/a", content(1, 10)), ("/b", content(2, 20)), ("/c", Bytes::new())];
        let server = Server::new();
        let (mut server, _) = if foreign { server.foreign() } else { server.ours() };
        for (name, content) in files {
            server.put(name, content);
        }
        let asked: Vec<_> = std::iter::from_fn(|| server.job()).map(|job| kind(&job)).collect();
        assert_eq!(asked, ["open", "read", "close", "open", "read", "close", "open", "close"]);
    }
}

#[test]
fn what_is_in_the_cache_is_not_sent() {
    let (same, other) = (content(1, 10), content(2, 10));
    let sha1 = common::digest(Algorithm::Sha1, &same).to_string();
    let blake3 = common::digest(Algorithm::Blake3, &same).to_string();
    let small = sha1.to_lowercase();
    let names = ["/p/a", "/p/b", "/p/c", "/p/d", "/p/e", "/q"];
    let mut server = Server::new().publishing(&names.map(|name| (name, same.clone())));
    server.put("/p/d", other);
    let cache = [
        ("a", sha1.as_str()),
        ("/p/b", &small),
        ("c", &blake3),
        ("d", &sha1),
        ("../q", &sha1),
        ("gone", &sha1),
    ];
    let (_, said) = server.begun(&icanhaz("/p", &[("RESYNC", "1")], &cache), 1000);
    assert_eq!(said, ["c/p/e 0+10", "c/p/e 10+0!", "c/p/d 0+10", "c/p/d 10+0!"]);
}

/// Somebody else has asked for it before.
#[test]
fn a_digest_that_is_known_decides_without_reading() {
    let blake3 = |bytes: &[u8]| common::digest(Algorithm::Blake3, bytes);
    for (claimed, sent) in [(content(1, 10), false), (content(2, 10), true)] {
        let mut server = Server::new().publishing(&[("/a", content(1, 10))]);
        let entry = server.catalogue.get(&path("/a")).unwrap();
        let known = entry.digest_or(Algorithm::Blake3, || Ok::<_, ()>(blake3(&content(1, 10))));
        assert!(known.is_ok());
        let claim = blake3(&claimed).to_string();
        for message in [Message::Ohai, ours(&[("a", &claim)]), nom(100)] {
            let frames = [message.encode()];
            server.session.handle_message(server.now, &frames, &server.catalogue);
        }
        let job = server.job();
        let opened = matches!(job, Some(Job::Open { digest: false, .. }));
        assert_eq!((opened, job.is_some()), (sent, sent));
    }
}

#[test]
fn ours_hears_of_what_was_deleted_meanwhile() {
    let sha1 = common::digest(Algorithm::Sha1, b"").to_string();
    let mut server = Server::new();
    server.put_for("/other", Bytes::new(), Audience::Tagged("x".into()));
    let cache = [("gone", sha1.as_str()), ("other", &sha1), ("/out/../side", &sha1)];
    server.catalogue.know(&path("/"));
    server.hear(&Message::Ohai);
    assert_eq!(server.hear_shortly(&ours(&cache)), ["ICANHAZ-OK", "d/gone"]);
    assert_eq!(server.hear_shortly(&nom(1000)), [""; 0]);
    let mut server = Server::new();
    server.hear(&Message::Ohai);
    assert_eq!(server.hear_shortly(&icanhaz("/", &[], &cache)), ["ICANHAZ-OK"], "only ours");
}

/// What may still be published is not gone; and if it is then published it is not sent again.
#[test]
fn what_is_not_published_yet_is_not_gone() {
    let [here, other] = [content(1, 10), content(2, 10)];
    let digest = |bytes: &[u8]| common::digest(Algorithm::Blake3, bytes).to_string();
    let cache = [
        ("d/same", digest(&here)),
        ("d/changed", digest(&here)),
        ("d/gone", digest(&here)),
        ("elsewhere", digest(&here)),
    ];
    let cache = cache.each_ref().map(|(name, digest)| (*name, digest.as_str()));
    let mut server = Server::new();
    server.hear(&Message::Ohai);
    assert_eq!(server.hear_shortly(&ours(&cache)), ["ICANHAZ-OK"]);
    assert_eq!(server.hear_shortly(&nom(1000)), [""; 0]);
    server.put("/d/same", here);
    server.put("/d/changed", other);
    server.catalogue.know(&path("/d"));
    server.session.handle_known(&path("/d"), &server.catalogue);
    let said = server.run().iter().map(short).collect::<Vec<_>>();
    assert_eq!(said, ["d/d/gone".to_owned(), format!("c/d/changed 0+10!{PROMISE}")]);
    assert!(server.catalogue.is_gone(&path("/d/gone")) && server.catalogue.is_gone(&path("/d")));
    assert!(!server.catalogue.is_gone(&path("/d/same")), "it is published");
    assert!(
        !server.catalogue.is_gone(&path("/elsewhere")) && !server.catalogue.is_gone(&path("/dd"))
    );
}

#[test]
fn a_part_is_gone_on_with() {
    let whole = content(1, 1000);
    let blake3 = |bytes: &[u8]| common::digest(Algorithm::Blake3, bytes);
    let resume = |offset: usize| {
        let text = format!("{offset} {} {} /z z", blake3(&whole[..offset]), blake3(&whole));
        icanhaz("/", &[("DIGEST", "BLAKE3"), ("RESUME", &text)], &[])
    };
    let server = || Server::new().publishing(&[("/a", content(2, 5)), ("/z z", whole.clone())]);
    let first = format!("c/a 0+5!{PROMISE}");
    let (_, said) = server().begun(&resume(400), 10_000);
    assert_eq!(said, [format!("c/z z 400+600!{PROMISE}"), first.clone()], "it comes first");
    let (_, said) = server().begun(&resume(1000), 10_000);
    assert_eq!(said, [format!("c/z z 1000+0!{PROMISE}"), first.clone()]);
    let mut changed = server();
    changed.put("/z z", content(3, 1000));
    let (_, said) = changed.begun(&resume(400), 10_000);
    assert_eq!(said, [format!("c/z z 0+1000!{PROMISE}"), first]);
}

#[test]
fn a_foreign_client_loses_a_file_before_it_shrinks() {
    let (mut server, _) = Server::new().publishing(&[("/a", content(1, 10))]).foreign();
    server.put("/a", content(2, 9));
    assert_eq!(server.run_shortly(), ["d/a", "c/a 0+9", "c/a 9+0!"]);
    server.put("/a", content(3, 9));
    assert_eq!(server.run_shortly(), ["c/a 0+9", "c/a 9+0!"]);
    let (mut server, _) = Server::new().publishing(&[("/a", content(1, 10))]).ours();
    server.put("/a", content(2, 9));
    assert_eq!(server.run_shortly(), [format!("c/a 0+9!{PROMISE}")]);
}

#[test]
fn an_update_in_mid_transfer_breaks_off_and_begins_again() {
    let again = format!("c/a 0+5!{PROMISE}");
    for (foreign, broken_off, again) in [
        (true, vec!["c/a 1000000+0!", "d/a"], vec!["c/a 0+5", "c/a 5+0!"]),
        (false, vec!["c/a 1000000+0!ABORT"], vec![again.as_str()]),
    ] {
        let server = Server::new().publishing(&[("/a", content(1, 3 * CHUNK))]);
        let options: &[_] = if foreign { &[] } else { &[("DIGEST", "BLAKE3")] };
        let (mut server, said) = server.begun(&icanhaz("/", options, &[]), CHUNK as u64);
        assert_eq!(said.len(), 1);
        server.put("/a", content(2, 5));
        assert_eq!(server.run_shortly(), broken_off);
        assert_eq!(server.hear_shortly(&nom(10)), again);
    }
}

#[test]
fn what_was_read_and_not_sent_costs_no_credit() {
    let server = Server::new();
    let (mut server, _) = server.begun(&icanhaz("/", &[], &[]), 10);
    server.put("/a", content(1, 10));
    while server.ask() {}
    server.put("/a", content(2, 10));
    assert_eq!(server.run_shortly(), ["c/a 0+10", "c/a 10+0!"]);
}

/// The last piece of a file waits until the file is closed; until then it can still be dropped.
#[test]
fn what_was_held_back_and_not_sent_costs_no_credit() {
    for foreign in [true, false] {
        let options: &[_] = if foreign { &[] } else { &[("DIGEST", "BLAKE3")] };
        let (mut server, _) = Server::new().begun(&icanhaz("/", options, &[]), 10);
        server.put("/a", content(1, 10));
        while server.ask() {}
        // It is open and read, but not closed yet.
        server.answer();
        server.answer();
        server.put("/a", content(2, 10));
        let said = server.run_shortly();
        assert!(said[0].starts_with("c/a 0+10"), "{said:?}");
    }
}

#[test]
fn a_removal_while_it_is_looked_whether_the_client_has_it_is_told() {
    let mut server = Server::new().publishing(&[("/a", content(1, 10))]);
    let other = common::digest(Algorithm::Blake3, b"").to_string();
    for message in [Message::Ohai, ours(&[("a", &other)]), nom(100)] {
        let frames = [message.encode()];
        server.session.handle_message(server.now, &frames, &server.catalogue);
    }
    assert!(server.ask());
    server.remove("/a");
    server.answer();
    assert_eq!(server.run_shortly(), ["OHAI-OK", "ICANHAZ-OK", "d/a"]);
}

#[test]
fn a_removal_in_mid_transfer_breaks_off_and_deletes() {
    for (foreign, expected) in
        [(true, ["c/a 1000000+0!", "d/a"]), (false, ["c/a 1000000+0!ABORT", "d/a"])]
    {
        let server = Server::new().publishing(&[("/a", content(1, 3 * CHUNK))]);
        let options: &[_] = if foreign { &[] } else { &[("DIGEST", "BLAKE3")] };
        let (mut server, _) = server.begun(&icanhaz("/", options, &[]), CHUNK as u64);
        server.remove("/a");
        assert_eq!(server.run_shortly(), expected);
    }
}

/// What was changed is known by reading before it is known by watching.
#[test]
fn a_file_that_is_not_what_it_was_waits_for_the_change() {
    for foreign in [true, false] {
        let server = Server::new().publishing(&[("/a", content(1, 10)), ("/b", content(1, 1))]);
        let mut server = server;
        server.disk.put(&path("/a"), content(2, 20));
        let (mut server, said) = if foreign { server.foreign() } else { server.ours() };
        assert!(said.iter().all(|said| said.starts_with("c/b")), "{said:?}");
        assert!(server.job().is_none(), "it does not spin");
        server.notice(&path("/a"));
        let said = server.run_shortly();
        assert!(said[0].starts_with("c/a 0+20"), "{said:?}");
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_is_not_delivered() {
    let (mut server, _) = Server::new().ours();
    server.put("/a", content(1, 10));
    while server.ask() {}
    server.answer();
    while server.ask() {}
    server.answer();
    server.done.clear();
    let changed = JobResult::Closed(Err(Unreadable::Changed));
    server.session.handle_result(server.now, changed);
    assert_eq!(server.said(), [], "the only piece waited for the end");
    assert!(server.job().is_none());
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_tried_again() {
    let (mut server, _) = Server::new().foreign();
    server.put("/a", content(1, 10));
    let reason: Arc<str> = "no".into();
    let fail = |server: &mut Server, fate| {
        assert!(matches!(server.job(), Some(Job::Open { .. })));
        let why = Unreadable::Failed { reason: reason.clone(), fate };
        server.session.handle_result(server.now, JobResult::Opened(Err(why)));
    };
    fail(&mut server, Fate::Passing);
    assert_eq!(server.run(), []);
    assert_eq!(
        server.events.last(),
        Some(&ServerSessionEvent::Unreadable {
            name: path("/a"),
            reason: reason.clone(),
            fate: Fate::Passing
        })
    );
    server.put("/b", content(1, 1));
    assert_eq!(server.run_shortly(), ["c/b 0+1", "c/b 1+0!"], "the others do not wait for it");
    for pause in [100, 200, 400] {
        server.pass(Duration::from_millis(pause - 1));
        assert!(server.job().is_none(), "before {pause} ms");
        server.pass(Duration::from_millis(1));
        fail(&mut server, Fate::Passing);
    }
    server.session.handle_readable(server.now);
    server.pass(Duration::ZERO);
    assert_eq!(server.run_shortly(), ["c/a 0+10", "c/a 10+0!"], "there is reason to hope");
    // What never can be read is not tried again, unless it changes.
    server.put("/c", content(1, 10));
    fail(&mut server, Fate::Final);
    server.pass(Duration::from_secs(50));
    assert!(server.job().is_none());
    server.put("/c", content(2, 10));
    assert_eq!(server.run_shortly(), ["c/c 0+10", "c/c 10+0!"]);
}

/// A file that was not there for a moment, and of whose change nobody tells.
#[test]
fn a_file_that_was_not_there_is_tried_again_and_nothing_is_told() {
    let (mut server, _) = Server::new().foreign();
    server.put("/a", content(1, 10));
    assert!(matches!(server.job(), Some(Job::Open { .. })));
    let gone = JobResult::Opened(Err(Unreadable::Changed));
    server.session.handle_result(server.now, gone);
    assert!(!matches!(server.events.last(), Some(ServerSessionEvent::Unreadable { .. })));
    server.pass(Duration::from_millis(100));
    assert_eq!(server.run_shortly(), ["c/a 0+10", "c/a 10+0!"]);
    // Nor is it told that a file has changed, unless nobody hears of a change for long.
    server.put("/b", content(1, 10));
    let told = |server: &Server| {
        let last = server.events.last();
        matches!(last, Some(ServerSessionEvent::Unreadable { fate: Fate::Passing, .. }))
    };
    for time in 1..=5 {
        assert!(!told(&server), "{time}");
        assert!(matches!(server.job(), Some(Job::Open { .. })));
        let gone = JobResult::Opened(Err(Unreadable::Changed));
        server.session.handle_result(server.now, gone);
        server.run();
        server.pass(Duration::from_secs(4));
    }
    assert!(told(&server));
}

#[test]
fn updates_that_wait_are_one() {
    let server = Server::new().publishing(&[("/a", content(1, CHUNK))]);
    let (mut server, _) = server.begun(&icanhaz("/", &[], &[]), 1);
    for seed in 0..1000 {
        server.put("/b", content(seed, 4));
        server.remove("/b");
    }
    server.put("/b", content(7, 3));
    let said = server.hear_shortly(&nom(u64::MAX - 1));
    assert_eq!(said, ["c/a 1+999999", "c/a 1000000+0!", "c/b 0+3", "c/b 3+0!"]);
}

#[test]
fn one_that_changes_all_the_time_does_not_keep_others_waiting() {
    let files = [("/a", content(1, 1)), ("/b", content(1, 1)), ("/c", content(1, 1))];
    let (mut server, _) = Server::new().publishing(&files).begun(&icanhaz("/", &[], &[]), 0);
    let mut names = Vec::new();
    for seed in 0..4 {
        names.extend(server.hear_shortly(&nom(1)).first().cloned());
        server.put("/a", content(seed, 1));
    }
    assert_eq!(names, ["c/a 0+1", "c/b 0+1", "c/c 0+1", "c/a 0+1"]);
}

#[test]
fn tags_say_who_gets_a_file() {
    let audience = || Audience::Tagged("club".into());
    let mut server = Server::new();
    server.put_for("/secret", content(1, 10), audience());
    let (mut server, said) = server.foreign();
    assert_eq!(said, [""; 0]);
    server.put_for("/secret", content(2, 10), audience());
    server.remove("/secret");
    assert_eq!(server.run_shortly(), [""; 0], "nor that it is gone");
    server.put_for("/secret", content(3, 10), audience());
    server.set_tags(&["club"]);
    assert_eq!(server.run_shortly(), ["c/secret 0+10", "c/secret 10+0!"]);
    server.set_tags(&[]);
    assert_eq!(server.run_shortly(), [""; 0], "what is there stays there");
    server.put_for("/secret", content(4, 10), audience());
    assert_eq!(server.run_shortly(), [""; 0]);
}

#[test]
fn hidden_files_go_to_those_who_take_them() {
    let files = [("/a", content(1, 1)), ("/d/.b", content(1, 1))];
    let (mut server, said) = Server::new().publishing(&files).foreign();
    assert_eq!(said, ["c/a 0+1", "c/a 1+0!"]);
    server.put("/d/.b", content(2, 1));
    server.remove("/d/.b");
    assert_eq!(server.run_shortly(), [""; 0], "nor that it is gone");
    let (_, said) = Server::new().publishing(&files).ours();
    assert_eq!(said, [format!("c/a 0+1!{PROMISE}")]);
    let takes = icanhaz("/", &[("DIGEST", "BLAKE3"), ("HIDDEN", "1")], &[]);
    let (mut server, said) = Server::new().publishing(&files).begun(&takes, u64::MAX);
    assert_eq!(said, ["a", "d/.b"].map(|name| format!("c/{name} 0+1!{PROMISE}")));
    server.remove("/d/.b");
    assert_eq!(server.run_shortly(), ["d/d/.b"]);
}

#[test]
fn who_loses_a_tag_gets_no_more_of_the_file() {
    let mut server = Server::with(&ServerConfig::default(), &["club"]);
    server.put_for("/a", content(1, 3 * CHUNK), Audience::Tagged("club".into()));
    let (mut server, said) = server.begun(&ours(&[]), CHUNK as u64);
    assert_eq!(said.len(), 1);
    server.set_tags(&[]);
    assert_eq!(server.hear_shortly(&nom(u64::MAX)), ["c/a 1000000+0!ABORT"]);
}

#[test]
fn hugz_are_answered_while_jobs_are_out() {
    let (mut server, _) = Server::new().foreign();
    server.put("/a", content(1, 10));
    assert!(server.job().is_some());
    server.session.handle_message(server.now, &[Message::Hugz.encode()], &server.catalogue);
    assert_eq!(server.said(), [Message::HugzOk]);
}

#[test]
fn answers_of_a_talk_that_is_over_are_dropped() {
    let (mut server, _) = Server::new().foreign();
    server.put("/a", content(1, 10));
    while server.ask() {}
    let rtfm = [Message::HugzOk.encode()];
    server.session.handle_message(server.now, &rtfm, &server.catalogue);
    assert!(matches!(server.said()[..], [Message::Rtfm { .. }]));
    server.remove("/a");
    server.put("/b", content(2, 20));
    let now = server.now;
    for message in [Message::Ohai, icanhaz("/", &[], &[]), nom(100)] {
        server.session.handle_message(now, &[message.encode()], &server.catalogue);
    }
    let said = server.run_shortly();
    assert_eq!(said, ["OHAI-OK", "ICANHAZ-OK", "c/b 0+20", "c/b 20+0!"]);
}

#[test]
fn who_says_nothing_is_closed() {
    let (mut server, _) = Server::new().foreign();
    server.pass(Duration::from_secs(59));
    server.hear(&Message::Hugz);
    server.pass(Duration::from_secs(59));
    assert_eq!(server.session.next_deadline(), Some(server.now + Duration::from_secs(1)));
    server.run();
    assert!(!server.closed);
    server.pass(Duration::from_secs(1));
    server.run();
    assert!(server.closed);
    assert_eq!(server.events.last(), Some(&ServerSessionEvent::Expired));
    assert_eq!(server.session.next_deadline(), None);
}

#[test]
fn claims_to_files_that_are_not_there_are_bounded_and_all_are_heard_in_the_end() {
    let mut server = Server::new();
    server.catalogue.know(&path("/"));
    server.put("/d/there", content(1, 10));
    let base = format!("/d/{}", vec!["x".repeat(240); 15].join("/"));
    let hash = common::digest(Algorithm::Blake3, &content(1, 10)).to_string();
    // 18 MB of names, of which a session hears 16.
    let keys: Vec<_> = (0..5000).map(|number| format!("{number:0240}")).collect();
    let mut left: Vec<_> = keys.iter().map(String::as_str).collect();
    let mut sessions = 0;
    while !left.is_empty() {
        sessions += 1;
        let cache: Vec<_> = left.iter().map(|key| (*key, hash.as_str())).collect();
        server.hear(&Message::Ohai);
        let mut said = server.hear(&icanhaz(&base, &[("DIGEST", "BLAKE3")], &cache));
        said.extend(server.run());
        let deleted = said.iter().filter_map(|message| match message {
            Message::Cheezburger(piece) => {
                assert_eq!(piece.operation, Operation::Delete);
                str::from_utf8(&piece.filename).unwrap().rsplit('/').next().map(str::to_owned)
            }
            _ => None,
        });
        let deleted: std::collections::BTreeSet<_> = deleted.collect();
        assert!(!deleted.is_empty(), "nothing in session {sessions}");
        left.retain(|key| !deleted.contains(*key));
        // What is published is no claim of that kind: it is known, however many there are.
        server.hear(&icanhaz("/d", &[("DIGEST", "BLAKE3")], &[("there", &hash)]));
        assert!(server.hear_shortly(&nom(100)).is_empty(), "it was sent again");
        server.hear(&Message::Kthxbai);
    }
    assert_eq!(sessions, 2);
}

#[test]
fn deletes_come_in_portions_and_all_in_the_end() {
    let (mut server, _) = Server::new().foreign();
    let names: Vec<_> = (0..1000).map(|i| format!("/{i:04}")).collect();
    for name in &names {
        server.put(name, Bytes::new());
    }
    server.run();
    for name in &names {
        server.remove(name);
    }
    // The driver takes one, and then has no room for more.
    server.session.set_ready(true);
    assert!(matches!(server.session.poll_output(), Some(ServerOutput::Send { .. })));
    assert_eq!(server.said().len(), 63);
    let said = server.run_shortly();
    assert_eq!(said.len(), 1000 - 64);
    assert_eq!(said.last().unwrap(), "d/0999");
}

#[test]
fn there_is_an_end_to_subscriptions_and_waiting_deletes() {
    let config = ServerConfig { subscriptions: 2, deletes: 3, ..ServerConfig::default() };
    let (mut server, _) = Server::with(&config, &[]).begun(&icanhaz("/a", &[], &[]), 100);
    assert_eq!(server.hear(&icanhaz("/b", &[], &[])), [icanhaz_ok()]);
    assert!(matches!(server.hear(&icanhaz("/c", &[], &[]))[..], [Message::Rtfm { .. }]));
    let (mut server, _) = Server::with(&config, &[]).foreign();
    for name in ["/1", "/2", "/3", "/4"] {
        server.put(name, Bytes::new());
        server.remove(name);
    }
    assert!(matches!(server.run()[..], [Message::Rtfm { .. }]));
}

/// A client that asks and does not listen: what it is owed does not grow without end.
#[test]
fn who_does_not_listen_is_closed() {
    let (mut server, _) = Server::new().foreign();
    let hugz = [Message::Hugz.encode()];
    for _ in 0..20_000 {
        server.session.handle_message(server.now, &hugz, &server.catalogue);
    }
    assert_eq!(server.said().len(), 10_001);
    assert!(server.closed);
}

#[test]
fn servers_do_not_take_files() {
    let (mut server, _) = Server::new().foreign();
    let message = Message::Cheezburger(piece("/a", 0, &content(1, 1)));
    let Message::Cheezburger(said) = &message else { panic!() };
    assert_eq!(said.operation, Operation::Create);
    assert!(matches!(server.hear(&message)[..], [Message::Rtfm { .. }]));
}

/// What a client that shows this says.
fn with_ticket(ticket: &str) -> Message {
    icanhaz("/", &[("DIGEST", "BLAKE3"), ("TICKET", ticket)], &[])
}

#[test]
fn a_ticket_is_told_before_anything_is_sent() {
    let mut server = Server::new().publishing(&[("/a", content(1, 10))]);
    server.hear(&Message::Ohai);
    server.hear(&nom(u64::MAX));
    server.session.handle_message(
        server.now,
        &[with_ticket(&"ab".repeat(16)).encode()],
        &server.catalogue,
    );
    let first = server.session.poll_output().unwrap();
    let ServerOutput::Event(ServerSessionEvent::Ticket(ticket)) = &first else {
        panic!("{first:?}")
    };
    assert_eq!(*ticket, Ticket::new([0xab; 16]));
    assert!(!format!("{first:?}").contains("171"), "it is printed nowhere: {first:?}");
    // The driver knows that it is none: nothing else is said any more, and nothing done.
    server.session.refuse("no such ticket");
    assert_eq!(server.run(), [Message::Srsly { reason: "no such ticket".into() }]);
    assert!(server.closed);
    server.session.refuse("twice");
    assert_eq!(server.run(), []);
}

#[test]
fn what_is_no_ticket_is_ignored() {
    for text in ["", "ab", &"AB".repeat(16), &"ab".repeat(17)] {
        let mut server = Server::new();
        server.hear(&Message::Ohai);
        assert_eq!(server.hear(&with_ticket(text)).len(), 1);
        let is_ticket = |event: &ServerSessionEvent| matches!(event, ServerSessionEvent::Ticket(_));
        assert!(!server.events.iter().any(is_ticket), "{text}");
    }
}
