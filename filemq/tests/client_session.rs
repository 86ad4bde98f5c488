//! A client's session: what it says, and what it asks the received folder to do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

#[path = "common/client_outputs.rs"]
mod client_outputs;
mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use filemq::digest::Algorithm;
use filemq::message::{Cheezburger, Message, Operation, Outcome};
use filemq::session::{
    ClientClose, ClientConfig, ClientSession, ClientSessionEvent, Inventory, ResumePoint, Write,
    Written,
};
use filemq::{Fate, FileEvent, Refusal, Ticket, VirtualPath};

use client_outputs::Outputs;
use common::vectors::named;
use common::{
    content, dictionary, icanhaz, icanhaz_ok, icanhaz_ok_credit, icanhaz_ok_receipt, nom, path,
    piece, receipt,
};

/// Longer than any pause, and less than a server may be silent.
const SILENCE: Duration = Duration::from_secs(15);

/// What one of ours says that it can.
const OURS: [(&str, &str); 4] =
    [("RESYNC", "1"), ("DIGEST", "BLAKE3"), ("RECEIPT", "1"), ("OFFER", "1")];

struct Client {
    session: ClientSession,
    now: Instant,
    sequence: u64,
    /// The numbers of the files that have begun.
    begun: Vec<u64>,
}

impl Client {
    fn new(paths: &[&str], known: Inventory) -> Self {
        let (now, paths) = (Instant::now(), paths.iter().map(|p| path(p)).collect::<Vec<_>>());
        let session = ClientSession::new(&ClientConfig::default(), &paths, known, now);
        Self { session, now, sequence: 0, begun: Vec::new() }
    }

    /// One that has said all.
    fn subscribed(known: Inventory) -> Self {
        let mut client = Self::new(&["/"], known);
        client.hear(&Message::OhaiOk);
        assert_eq!(client.hear(&icanhaz_ok()).said, [nom(1 << 62)]);
        client
    }

    fn frames(&mut self, frames: &[Bytes]) -> Outputs {
        self.session.handle_message(self.now, frames);
        self.outputs()
    }

    fn hear(&mut self, message: &Message) -> Outputs {
        self.frames(&[message.encode()])
    }

    /// A piece in its sequence; what the folder is asked for.
    fn piece(&mut self, mut piece: Cheezburger) -> Vec<Write> {
        piece.sequence = self.sequence;
        self.sequence += 1;
        self.hear(&Message::Cheezburger(piece)).writes
    }

    fn written(&mut self, written: &Written) -> Outputs {
        self.session.handle_written(self.now, written);
        self.outputs()
    }

    fn pass(&mut self, seconds: u64) -> Outputs {
        self.now += Duration::from_secs(seconds);
        self.session.handle_timeout(self.now);
        self.outputs()
    }

    fn outputs(&mut self) -> Outputs {
        let mut outputs = Outputs::of(&mut self.session);
        for write in &mut outputs.writes {
            if let Write::Begin { sequence, .. } = write {
                self.begun.push(std::mem::take(sequence));
            }
        }
        outputs
    }
}

/// The number of a file is kept apart.
fn begin(name: &str) -> Write {
    Write::Begin { name: path(name), sequence: 0, offset: 0, info: None }
}

fn data(offset: u64, bytes: &Bytes) -> Write {
    Write::Data { offset, bytes: bytes.clone() }
}

fn deleted(name: &str) -> Cheezburger {
    Cheezburger { operation: Operation::Delete, ..piece(name, 0, &Bytes::new()) }
}

/// What one of ours says of a file.
fn announced(name: &str, whole: &Bytes, offset: usize, chunk: &Bytes) -> Cheezburger {
    let digest = common::digest(Algorithm::Blake3, whole).to_string();
    let size = whole.len().to_string();
    let headers =
        [("SIZE", size.as_str()), ("DIGEST", &digest), ("MTIME", "1.000000000"), ("MODE", "644")];
    Cheezburger {
        headers: dictionary(&headers),
        eof: offset + chunk.len() == whole.len(),
        ..piece(name, offset as u64, chunk)
    }
}

fn size(writes: &[Write]) -> Option<u64> {
    match writes.last()? {
        Write::End { size } => Some(*size),
        _ => None,
    }
}

/// One of ours gets credit for what it may have on its way, and for more as that is taken; what the
/// folder will not have is taken at once.
#[test]
fn a_server_that_counts_gets_credit_for_what_was_taken() {
    let mut client = Client::new(&["/a"], Inventory::default());
    client.hear(&Message::OhaiOk);
    assert_eq!(client.hear(&icanhaz_ok_credit()).said, [nom(2_000_000)]);
    let mut said = Vec::new();
    for taken in [400_000, 99_999, 1, 700_000] {
        client.session.handle_taken(client.now, taken);
        said.extend(client.outputs().said);
    }
    assert_eq!(said, [nom(500_000), nom(700_000)]);
    let stray = Cheezburger { sequence: 7, ..piece("/b", 0, &content(1, 600_000)) };
    let heard = client.hear(&Message::Cheezburger(stray));
    assert_eq!((heard.said, heard.writes), (vec![nom(600_000)], vec![]));
    let wanted = Cheezburger { sequence: 8, ..piece("/a/b", 0, &content(1, 600_000)) };
    assert_eq!(client.hear(&Message::Cheezburger(wanted)).said, [], "not before it is written");
}

#[test]
fn a_captured_c_server_is_understood() {
    let mut client = Client::new(&["/"], Inventory::default());
    assert_eq!(client.outputs().said, [Message::Ohai]);
    let ohai_ok = client.frames(&named("v2_ohai_ok"));
    let options = OURS;
    assert_eq!(ohai_ok.said, [icanhaz("/", &options, &[])]);
    let subscribed = client.frames(&named("v2_icanhaz_ok"));
    assert_eq!(subscribed.said, [nom(1 << 62)]);
    assert_eq!(subscribed.events, [ClientSessionEvent::Subscribed]);

    let first = client.frames(&named("v2_cheezburger_create_first_1MB"));
    assert_eq!(first.writes[0], begin("/big.bin"));
    let progress =
        |received| ClientSessionEvent::Progress { name: path("/big.bin"), received, size: None };
    assert_eq!(first.events, [progress(1_000_000)]);
    let second = client.frames(&named("v2_cheezburger_create_second_1MB"));
    assert!(matches!(&second.writes[..], [Write::Data { offset: 1_000_000, bytes }]
        if bytes.len() == 1_000_000));
    // The pieces between are not among what was captured.
    for sequence in 2..6 {
        let between = piece("/big.bin", sequence * 1_000_000, &content(sequence, 1_000_000));
        let message = Message::Cheezburger(Cheezburger { sequence, ..between });
        assert_eq!(client.hear(&message).writes.len(), 1);
    }
    let last = client.frames(&named("v2_cheezburger_create_last_partial"));
    assert_eq!(last.events, [progress(6_500_000)]);
    let end = client.frames(&named("v2_cheezburger_end_of_file"));
    assert_eq!(end.writes, [Write::End { size: 6_500_000 }]);
    let empty = client.frames(&named("v2_cheezburger_empty_file"));
    assert_eq!(empty.writes, [begin("/empty.dat"), Write::End { size: 0 }]);
    client.frames(&named("v2_cheezburger_ln_target"));
    let link = client.frames(&named("v2_cheezburger_ln_eof"));
    assert_eq!(link.writes, [Write::End { size: 10 }]);
    client.frames(&named("v2_cheezburger_subdir_data"));
    client.frames(&named("v2_cheezburger_subdir_eof"));
    let gone = client.frames(&named("v2_cheezburger_delete_ln"));
    assert_eq!(gone.writes, [Write::Delete { name: path("/film.mp4") }]);
    let gone = client.frames(&named("v2_cheezburger_delete_subdir"));
    assert_eq!(gone.writes, [Write::Delete { name: path("/sub/deep/hello.txt") }]);
    assert_eq!(client.frames(&named("v2_hugz_ok_server")), Outputs::default());
    client.session.stop();
    let stopped = client.outputs();
    assert_eq!(stopped.said[0].encode(), named("v2_kthxbai")[0]);
    assert_eq!(stopped.close, Some(ClientClose::Stopped));
}

#[test]
fn what_c_gets_wrong_is_dropped() {
    let mut client = Client::subscribed(Inventory::default());
    for _ in 0..3 {
        assert_eq!(client.frames(&named("v2_bug_livelock_stale")), Outputs::default());
    }
    let mut client = Client::subscribed(Inventory::default());
    let leak = client.frames(&named("v2_bug_delete_leaks_chunk"));
    assert_eq!(leak.writes, [Write::Delete { name: path("/bb/old.txt") }]);
}

/// When credit does not suffice, the C server repeats what it sent last, under the next name.
#[test]
fn what_repeats_a_sequence_is_dropped() {
    let mut client = Client::subscribed(Inventory::default());
    let some = content(1, 10);
    assert_eq!(client.piece(piece("/a", 0, &some)).len(), 2);
    client.sequence -= 1;
    assert_eq!(client.piece(piece("/b", 0, &some)), []);
    assert_eq!(client.piece(piece("/a", 10, &Bytes::new())), [Write::End { size: 10 }]);
}

#[test]
fn nothing_leads_out_of_the_folder_or_the_subscriptions() {
    let mut client = Client::new(&["/a"], Inventory::default());
    client.hear(&Message::OhaiOk);
    client.hear(&icanhaz_ok());
    for name in ["", "a", "/../x", "/a/../../x", "/a//x", "/a/.x", "/a\0", "/b", "/ab", "/"] {
        assert_eq!(client.piece(piece(name, 0, &content(1, 1))), [], "{name}");
        assert_eq!(client.piece(deleted(name)), [], "{name}");
    }
    let no_text = Cheezburger { filename: Bytes::from_static(b"/a/\xFF"), ..deleted("/a") };
    assert_eq!(client.piece(no_text), []);
    assert_eq!(client.piece(deleted("/a/b")).len(), 1);
}

#[test]
fn hidden_files_are_taken_if_that_is_wanted_and_the_server_is_told() {
    let config = ClientConfig { hidden: true, ..ClientConfig::default() };
    let known = Inventory::default();
    let session = ClientSession::new(&config, &[path("/a")], known, Instant::now());
    let mut client = Client { session, now: Instant::now(), sequence: 0, begun: Vec::new() };
    client.outputs();
    let options: Vec<_> = OURS.into_iter().chain([("HIDDEN", "1")]).collect();
    assert_eq!(client.hear(&Message::OhaiOk).said, [icanhaz("/a", &options, &[])]);
    client.hear(&icanhaz_ok());
    assert_eq!(client.piece(deleted("/a/.x/y")).len(), 1);
    for name in ["/.x", "/a/.x/../../y", "/a/."] {
        assert_eq!(client.piece(deleted(name)), [], "{name}");
    }
}

#[test]
fn nothing_is_taken_before_there_is_a_subscription() {
    let mut client = Client::new(&["/"], Inventory::default());
    assert_eq!(client.piece(piece("/a", 0, &content(1, 1))), []);
}

#[test]
fn each_path_is_asked_for_when_the_one_before_is_accepted() {
    let options = OURS;
    let mut client = Client::new(&["/a/b", "/c", "/a", "/c/d"], Inventory::default());
    client.outputs();
    assert_eq!(client.hear(&Message::OhaiOk).said, [icanhaz("/c", &options, &[])]);
    assert_eq!(client.hear(&Message::OhaiOk).said, [], "once is enough");
    assert_eq!(client.hear(&icanhaz_ok()).said, [icanhaz("/a", &options, &[])]);
    assert_eq!(client.hear(&icanhaz_ok()).said, [nom(1 << 62)]);
    assert_eq!(client.hear(&icanhaz_ok()).said, []);
}

#[test]
fn what_is_there_is_told_under_keys_that_c_knows() {
    let sha1 = common::digest(Algorithm::Sha1, b"1");
    let blake3 = common::digest(Algorithm::Blake3, b"2");
    let complete = vec![
        (path("/photos/a"), sha1),
        (path("/photos/b/c"), blake3),
        (path("/photos"), sha1),
        (path("/other"), sha1),
        (path(&format!("/photos/{0}/{0}", "x".repeat(127))), sha1),
        (path(&format!("/photos/{0}/{0}x", "x".repeat(127))), sha1),
    ];
    let part = ResumePoint { offset: 7, prefix: blake3, whole: blake3 };
    let known = Inventory { complete, partial: Some((path("/photos/p"), part)) };
    let mut client = Client::new(&["/photos", "/empty"], known);
    client.outputs();
    let said = client.hear(&Message::OhaiOk).said;
    let resume = format!("7 {blake3} {blake3} /photos/p");
    let options = [OURS[0], OURS[1], OURS[2], OURS[3], ("RESUME", resume.as_str())];
    let (sha1, blake3) = (sha1.to_string(), blake3.to_string());
    let long = format!("{0}/{0}", "x".repeat(127));
    let cache =
        [("a", sha1.as_str()), ("b/c", blake3.as_str()), ("/photos", &sha1), (&long, &sha1)];
    assert_eq!(said, [icanhaz("/photos", &options, &cache)], "a longer key cannot be said");
    let said = client.hear(&icanhaz_ok()).said;
    assert_eq!(said, [icanhaz("/empty", &OURS, &[])]);
}

#[test]
fn more_than_one_message_holds_is_told_in_several() {
    let digest = common::digest(Algorithm::Blake3, b"");
    let names = (0..120_000).map(|i| (path(&format!("/{i}")), digest));
    let known = Inventory { complete: names.collect(), partial: None };
    let mut client = Client::new(&["/"], known);
    client.outputs();
    let (mut told, mut message) = (0, client.hear(&Message::OhaiOk));
    while let [Message::Icanhaz(wish)] = &message.said[..] {
        assert_eq!(wish.path, "/");
        told += wish.cache.len();
        message = client.hear(&icanhaz_ok());
    }
    assert_eq!((told, message.said), (120_000, vec![nom(1 << 62)]));
}

#[test]
fn an_announcement_is_handed_on_and_the_last_piece_ends_the_file() {
    let whole = content(1, 30);
    let mut client = Client::subscribed(Inventory::default());
    let writes = client.piece(announced("/a", &whole, 0, &whole.slice(..20)));
    let [Write::Begin { info: Some(info), .. }, Write::Data { .. }] = &writes[..] else {
        panic!("{writes:?}")
    };
    assert_eq!((info.size, info.mode), (30, 0o644));
    let last = Cheezburger { eof: true, ..piece("/a", 20, &whole.slice(20..)) };
    assert_eq!(client.piece(last), [data(20, &whole.slice(20..)), Write::End { size: 30 }]);
    let end = client.piece(piece("/a", 30, &Bytes::new()));
    assert_eq!(end, [], "the end is said twice by some");
    // A new state is no second end, not even an empty one.
    let empty = announced("/a", &Bytes::new(), 0, &Bytes::new());
    assert_eq!(client.piece(empty.clone()).len(), 2);
    assert_eq!(client.piece(empty).len(), 2);
    assert_eq!(client.piece(deleted("/a")).len(), 1);
    assert_eq!(client.piece(piece("/a", 0, &Bytes::new())).len(), 2, "it was deleted meanwhile");
}

#[test]
fn what_breaks_an_announcement_or_leaves_a_gap_is_dropped() {
    let whole = content(1, 30);
    let part = |from: usize, to: usize| piece("/a", from as u64, &whole.slice(from..to));
    let eof = |piece: Cheezburger| Cheezburger { eof: true, ..piece };
    let first = announced("/a", &whole, 0, &whole.slice(..20));
    for wrong in [
        part(21, 25),
        part(19, 25),
        eof(part(20, 29)),
        piece("/a", 20, &content(2, 11)),
        part(20, 30),
        piece("/a", 20, &Bytes::new()),
        piece("/a", u64::MAX, &content(2, 11)),
    ] {
        let mut client = Client::subscribed(Inventory::default());
        assert_eq!(client.piece(first.clone()).len(), 2);
        assert_eq!(client.piece(wrong.clone()), [Write::Abort], "{wrong:?}");
        // The rest of it, too, if more comes; and then the next file.
        if !wrong.eof {
            assert_eq!(client.piece(part(25, 28)), []);
            assert_eq!(client.piece(eof(part(28, 30))), []);
        }
        assert_eq!(size(&client.piece(announced("/b", &whole, 0, &whole))), Some(30));
    }
}

#[test]
fn what_begins_in_the_middle_is_dropped_unless_it_goes_on() {
    let whole = content(1, 30);
    let blake3 = |bytes: &[u8]| common::digest(Algorithm::Blake3, bytes);
    let known = |offset: usize| {
        let (prefix, whole) = (blake3(&whole[..offset]), blake3(&whole));
        let resume = ResumePoint { offset: offset as u64, prefix, whole };
        Inventory { complete: vec![], partial: Some((path("/a"), resume)) }
    };
    let rest = announced("/a", &whole, 10, &whole.slice(10..));
    let writes = Client::subscribed(known(10)).piece(rest.clone());
    assert!(matches!(writes[0], Write::Begin { offset: 10, info: Some(_), .. }));
    assert_eq!(size(&writes), Some(30));
    assert_eq!(Client::subscribed(known(9)).piece(rest.clone()), []);
    assert_eq!(Client::subscribed(Inventory::default()).piece(rest.clone()), []);
    let unsaid = Cheezburger { headers: dictionary(&[]), ..rest };
    assert_eq!(Client::subscribed(known(10)).piece(unsaid), []);
    let other = content(2, 30);
    let other = announced("/a", &other, 10, &other.slice(10..));
    assert_eq!(Client::subscribed(known(10)).piece(other), []);
    let end = announced("/a", &whole, 30, &Bytes::new());
    let writes = Client::subscribed(known(30)).piece(end);
    assert_eq!((writes.len(), size(&writes)), (2, Some(30)));
}

#[test]
fn files_that_are_mixed_up_are_dropped() {
    let mut client = Client::subscribed(Inventory::default());
    let some = content(1, 10);
    client.piece(piece("/a", 0, &some));
    let writes = client.piece(piece("/b", 0, &some));
    assert_eq!(writes, [Write::Abort, begin("/b"), data(0, &some)]);
    let writes = client.piece(piece("/a", 10, &some));
    assert_eq!(writes, [Write::Abort]);
    let writes = client.piece(deleted("/c"));
    assert_eq!(writes, [Write::Delete { name: path("/c") }]);
}

#[test]
fn one_of_ours_breaks_a_file_off() {
    let mut client = Client::subscribed(Inventory::default());
    let whole = content(1, 30);
    client.piece(announced("/a", &whole, 0, &whole.slice(..20)));
    let abort = |name| Cheezburger {
        headers: dictionary(&[("ABORT", "1")]),
        ..piece(name, 20, &Bytes::new())
    };
    assert_eq!(client.piece(abort("/a")), [Write::Abort]);
    assert_eq!(client.piece(abort("/a")), []);
    assert_eq!(client.piece(Cheezburger { offset: 0, ..abort("/b") }), [], "no empty file");
    assert_eq!(size(&client.piece(announced("/a", &whole, 0, &whole))), Some(30));
}

#[test]
fn the_rest_of_a_refused_file_is_dropped() {
    let mut client = Client::subscribed(Inventory::default());
    let some = content(1, 10);
    client.piece(piece("/a", 0, &some));
    assert_eq!(client.written(&refused(0, "/a", Fate::Final)), Outputs::default());
    assert_eq!(client.piece(piece("/a", 10, &some)), []);
    assert_eq!(client.piece(piece("/a", 20, &Bytes::new())), []);
    assert_eq!(client.piece(piece("/b", 0, &some)).len(), 2);
    assert_eq!(client.piece(piece("/b", 10, &Bytes::new())).len(), 1);
    // The answer to what has ended already is not meant for what comes under the same name now.
    assert_eq!(client.piece(piece("/b", 0, &some)).len(), 2);
    assert_eq!(client.begun, [0, 3, 5]);
    client.written(&refused(3, "/b", Fate::Final));
    assert_eq!(client.piece(piece("/b", 10, &Bytes::new())), [Write::End { size: 10 }]);
    assert_eq!(client.written(&file(5, "/b")), Outputs::default());
}

/// Nothing of it is dropped, and the server, which gets no credit, sends no more.
#[test]
fn what_is_refused_for_now_is_tried_again_after_growing_pauses() {
    let mut client = Client::subscribed(Inventory::default());
    let some = content(1, 10);
    client.piece(piece("/a", 0, &some));
    client.written(&refused(0, "/a", Fate::Passing));
    client.written(&Written::Stuck);
    assert_eq!(client.piece(piece("/a", 10, &some)), [data(10, &some)], "it is still wanted");
    let next = |client: &mut Client| {
        let start = client.now;
        loop {
            client.now = client.session.next_deadline().unwrap().min(start + SILENCE);
            client.session.handle_timeout(client.now);
            let pause = client.now.duration_since(start).as_millis();
            match client.outputs().writes[..] {
                [Write::Retry] => return pause,
                [Write::RetryIfChanged] => assert_eq!(pause % 1000, 0),
                _ => assert!(pause < SILENCE.as_millis(), "it is not tried again"),
            }
            client.hear(&Message::HugzOk);
        }
    };
    let mut pauses = Vec::new();
    for _ in 0..9 {
        pauses.push(next(&mut client));
        client.written(&Written::Stuck);
    }
    assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    client.written(&Written::Unstuck);
    client.written(&Written::Stuck);
    client.now += Duration::from_millis(100);
    assert_eq!(client.pass(0).writes, [Write::Retry], "some of it was done");
    client.written(&Written::Unstuck);
    assert_eq!(client.pass(10).writes, []);
}

fn file(sequence: u64, name: &str) -> Written {
    let event = FileEvent::Delivered { name: path(name), path: name.into(), size: 10 };
    Written::File { sequence: Some(sequence), event }
}

fn refused(sequence: u64, name: &str, fate: Fate) -> Written {
    let reason = Refusal::Failed("busy".into());
    let event = FileEvent::Refused { name: path(name), reason, fate };
    Written::File { sequence: Some(sequence), event }
}

/// By the number of its first piece, so that no receipt is for another state of the file.
#[test]
fn a_server_that_wants_to_know_is_told_what_becomes_of_files() {
    for is_wanted in [true, false] {
        let mut client = Client::new(&["/"], Inventory::default());
        client.hear(&Message::OhaiOk);
        client.hear(&if is_wanted { icanhaz_ok_receipt() } else { icanhaz_ok_credit() });
        let whole = content(1, 10);
        // 0 and 1, 2, 3, 4, 5.
        client.piece(announced("/a", &whole, 0, &whole.slice(..5)));
        client.piece(announced("/a", &whole, 5, &whole.slice(5..)));
        for name in ["/b", "/c", "/d"] {
            client.piece(announced(name, &whole, 0, &whole));
        }
        client.piece(deleted("/e"));
        let mut said = Vec::new();
        let written = [
            file(0, "/a"),
            refused(2, "/b", Fate::Passing),
            refused(3, "/c", Fate::Final),
            file(4, "/d"),
        ];
        for written in written {
            client.session.handle_written(client.now, &written);
        }
        said.extend(client.outputs().said);
        // While it comes, and when it is there after all.
        client.piece(announced("/f", &whole, 0, &whole.slice(..5)));
        said.extend(client.written(&refused(6, "/f", Fate::Passing)).said);
        client.piece(announced("/f", &whole, 5, &whole.slice(5..)));
        said.extend(client.written(&file(6, "/f")).said);
        let wait = "the file cannot be written: busy";
        let expected = [
            vec![
                receipt(0, Outcome::Delivered, ""),
                receipt(2, Outcome::Waiting, wait),
                receipt(3, Outcome::Refused, wait),
                receipt(4, Outcome::Delivered, ""),
            ],
            vec![receipt(6, Outcome::Waiting, wait)],
            vec![receipt(6, Outcome::Delivered, "")],
        ];
        let expected: Vec<_> = expected.into_iter().map(Message::Receipts).collect();
        assert_eq!(said, if is_wanted { expected } else { vec![] });
    }
}

/// Answers come when they can: of a name the first file may wait while it is deleted, and another
/// one comes.
#[test]
fn a_file_that_waits_is_not_taken_for_another() {
    let mut client = Client::new(&["/"], Inventory::default());
    client.hear(&Message::OhaiOk);
    client.hear(&icanhaz_ok_receipt());
    let (old, new) = (content(1, 10), content(2, 10));
    client.piece(announced("/a", &old, 0, &old));
    client.written(&refused(0, "/a", Fate::Passing));
    client.piece(announced("/b", &old, 0, &old));
    client.piece(deleted("/a"));
    client.piece(announced("/a", &new, 0, &new));
    assert_eq!(client.begun, [0, 1, 3]);
    let event = FileEvent::Deleted { name: path("/a"), path: "/a".into() };
    client.written(&Written::File { sequence: None, event });
    for (sequence, name) in [(3, "/a"), (1, "/b"), (0, "/a")] {
        client.session.handle_written(client.now, &file(sequence, name));
    }
    let expected = [3, 1, 0].map(|sequence| receipt(sequence, Outcome::Delivered, ""));
    assert_eq!(client.outputs().said, [Message::Receipts(expected.into())]);
}

#[test]
fn another_received_folder_ends_the_session() {
    let mut client = Client::subscribed(Inventory::default());
    assert_eq!(client.written(&Written::Replaced).close, Some(ClientClose::Replaced));
}

#[test]
fn what_is_not_what_was_announced_is_asked_for_anew() {
    let mut client = Client::subscribed(Inventory::default());
    let name: VirtualPath = path("/a");
    let close = client.written(&Written::Mismatch { name: name.clone() }).close;
    assert_eq!(close, Some(ClientClose::Mismatch { name }));
    assert_eq!(client.piece(piece("/a", 0, &content(1, 1))), []);
    assert_eq!(client.written(&file(0, "/b")), Outputs::default());
}

#[test]
fn hugz_while_there_is_nothing_to_say_and_an_end_when_nothing_is_heard() {
    let mut client = Client::subscribed(Inventory::default());
    assert_eq!(client.session.next_deadline(), Some(client.now + Duration::from_secs(5)));
    for _ in 0..3 {
        assert_eq!(client.pass(5).said, [Message::Hugz]);
    }
    assert_eq!(client.hear(&Message::HugzOk), Outputs::default());
    // Also while much comes: a server forgets who says nothing.
    for offset in 0..10 {
        assert!(!client.piece(piece("/a", offset, &content(1, 1))).is_empty());
        assert_eq!(client.pass(5).said, [Message::Hugz]);
    }
    client.pass(10);
    assert_eq!(client.pass(4).close, None);
    assert_eq!(client.pass(1).close, Some(ClientClose::Silent));
    assert_eq!(client.session.next_deadline(), None);
}

#[test]
fn a_server_is_not_dead_while_nobody_listens() {
    let mut client = Client::subscribed(Inventory::default());
    client.session.set_reading(client.now, false);
    for _ in 0..100 {
        assert_eq!(client.pass(5).said, [Message::Hugz]);
    }
    client.session.set_reading(client.now, true);
    assert_eq!(client.pass(19).close, None);
    assert_eq!(client.pass(1).close, Some(ClientClose::Silent));
}

#[test]
fn a_server_that_does_not_answer_ohai_is_silent() {
    let mut client = Client::new(&["/"], Inventory::default());
    assert_eq!(client.outputs().said, [Message::Ohai]);
    assert_eq!(client.session.next_deadline(), Some(client.now + Duration::from_secs(20)));
    assert_eq!(client.pass(19), Outputs::default(), "no HUGZ before OHAI-OK");
    assert_eq!(client.pass(1).close, Some(ClientClose::Silent));
}

#[test]
fn last_words_end_the_session() {
    for (message, close) in [
        (named("v2_rtfm_from_server"), ClientClose::Rejected(String::new())),
        (named("v2_rtfm_reason"), ClientClose::Rejected("Invalid command".into())),
        (named("v2_srsly_reason"), ClientClose::Refused("Access denied".into())),
        (named("v2_kthxbai_server"), ClientClose::Goodbye),
    ] {
        let mut client = Client::subscribed(Inventory::default());
        assert_eq!(client.frames(&message).close, Some(close));
        assert_eq!(client.hear(&Message::Hugz), Outputs::default());
    }
}

#[test]
fn hugz_of_old_servers_are_answered() {
    let mut client = Client::subscribed(Inventory::default());
    assert_eq!(client.frames(&named("v2_hugz_server")).said, [Message::HugzOk]);
}

#[test]
fn what_no_server_says_ends_the_session() {
    let mut frames: Vec<_> =
        [Message::Ohai, nom(1), icanhaz("/", &[], &[]), Message::Receipts(vec![])]
            .iter()
            .map(|message| vec![message.encode()])
            .collect();
    frames.extend(
        common::vectors::vectors()
            .into_iter()
            .filter(|vector| vector.message == "malformed")
            .map(|vector| vector.frames),
    );
    frames.push(vec![]);
    for frames in frames {
        let mut client = Client::subscribed(Inventory::default());
        let close = client.frames(&frames).close;
        assert!(matches!(close, Some(ClientClose::Protocol(_))), "{close:?}");
    }
}

/// C ignores headers; so do we, unless they are all there and make sense.
#[test]
fn other_headers_change_nothing() {
    let mut client = Client::subscribed(Inventory::default());
    let writes = client.frames(&named("v2_cheezburger_with_headers")).writes;
    assert_eq!(writes[0], begin("/with-headers.txt"));
}

#[test]
fn a_ticket_is_shown_once_before_anything_comes() {
    let config = ClientConfig { ticket: Some(Ticket::new([0xab; 16])), ..ClientConfig::default() };
    let (now, paths) = (Instant::now(), [path("/a"), path("/b")]);
    let session = ClientSession::new(&config, &paths, Inventory::default(), now);
    let mut client = Client { session, now, sequence: 0, begun: Vec::new() };
    assert_eq!(client.outputs().said, [Message::Ohai]);
    let shown = "ab".repeat(16);
    let options: Vec<_> = OURS.into_iter().chain([("TICKET", shown.as_str())]).collect();
    assert_eq!(client.hear(&Message::OhaiOk).said, [icanhaz("/a", &options, &[])]);
    assert_eq!(client.hear(&icanhaz_ok()).said, [icanhaz("/b", &OURS, &[])]);
}
