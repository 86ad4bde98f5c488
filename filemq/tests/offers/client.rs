//! The client's session.

use std::time::Instant;

use bytes::Bytes;
use filemq::digest::Algorithm;
use filemq::message::{Cheezburger, Message, Offer, Outcome, Verdict};
use filemq::session::{
    ClientClose, ClientConfig, ClientSession, ClientSessionEvent, Inventory, OfferedFile,
    ResumePoint, Write, Written,
};
use filemq::{Accept, Fate, FileEvent, Refusal};

use super::client_outputs::Outputs;
use super::common::{content, dictionary, digest, icanhaz_ok, nom, path, piece, receipt, text};
use super::{agreed, answers};

struct Client {
    session: ClientSession,
    now: Instant,
    sequence: u64,
}

impl Client {
    fn new(config: &ClientConfig, terms: &Message) -> Self {
        let now = Instant::now();
        let session = ClientSession::new(config, &[path("/")], Inventory::default(), now);
        let mut client = Self { session, now, sequence: 0 };
        client.hear(&Message::OhaiOk);
        client.hear(terms);
        client
    }

    /// Of a server that offers.
    fn offered(accept: Accept) -> Self {
        Self::new(&ClientConfig { accept, ..ClientConfig::default() }, &agreed())
    }

    fn hear(&mut self, message: &Message) -> Outputs {
        self.session.handle_message(self.now, &[message.encode()]);
        self.outputs()
    }

    fn piece(&mut self, mut piece: Cheezburger) -> Outputs {
        piece.sequence = self.sequence;
        self.sequence += 1;
        self.hear(&Message::Cheezburger(piece))
    }

    fn written(&mut self, written: &Written) -> Outputs {
        self.session.handle_written(self.now, written);
        self.outputs()
    }

    fn outputs(&mut self) -> Outputs {
        Outputs::of(&mut self.session)
    }
}

fn offer(number: u64, name: &str, size: u64) -> Offer {
    let filename = text(name);
    Offer::File { number, filename, size, seconds: -2, nanoseconds: 500, mode: 0o644 }
}

fn reserve(offer: u64, name: &str, size: u64) -> Write {
    Write::Reserve { offer, name: path(name), size }
}

fn release(offer: u64, name: &str) -> Write {
    Write::Release { offer, name: path(name) }
}

fn reserved(offer: u64) -> Written {
    Written::Reserved { offer, part: None }
}

fn no_room(offer: u64, name: &str, fate: Fate) -> Written {
    let reason = Refusal::Failed("busy".into());
    let event = FileEvent::Refused { name: path(name), reason, fate };
    Written::NoRoom { offer, event }
}

const BUSY: &str = "the file cannot be written: busy";

/// What is announced of a file, and all of it.
fn whole(name: &str, content: &Bytes) -> Cheezburger {
    part(name, content, 0, content.len())
}

fn part(name: &str, content: &Bytes, from: usize, to: usize) -> Cheezburger {
    let (size, digest) = (content.len().to_string(), blake3(content).to_string());
    let headers =
        [("SIZE", &*size), ("DIGEST", &*digest), ("MTIME", "1.000000000"), ("MODE", "644")];
    let chunk = content.slice(from..to);
    let eof = to == content.len();
    Cheezburger { headers: dictionary(&headers), eof, ..piece(name, from as u64, &chunk) }
}

fn blake3(bytes: &[u8]) -> filemq::digest::Digest {
    digest(Algorithm::Blake3, bytes)
}

fn abort(name: &str) -> Cheezburger {
    Cheezburger { headers: dictionary(&[("ABORT", "1")]), ..piece(name, 0, &Bytes::new()) }
}

#[test]
fn everything_is_fetched_for_which_there_is_room() {
    let mut client = Client::offered(Accept::All);
    let three = [offer(0, "/a", 10), offer(1, "/b", 20), offer(2, "/c", 30)];
    let heard = client.hear(&Message::Offers(three.into()));
    assert_eq!(heard.writes, [reserve(0, "/a", 10), reserve(1, "/b", 20), reserve(2, "/c", 30)]);
    assert_eq!(heard.said, vec![]);
    let told = |event: &ClientSessionEvent| match event {
        ClientSessionEvent::Offered { number, .. } => *number,
        other => panic!("{other:?}"),
    };
    assert_eq!(heard.events.iter().map(told).collect::<Vec<_>>(), [0, 1, 2]);
    for written in [reserved(0), no_room(1, "/b", Fate::Passing), no_room(2, "/c", Fate::Final)] {
        client.session.handle_written(client.now, &written);
    }
    let expected =
        answers(&[(0, Verdict::Fetch, ""), (1, Verdict::Later, BUSY), (2, Verdict::Decline, BUSY)]);
    assert_eq!(client.outputs().said, [expected], "in one message");
    let later = client.written(&reserved(1));
    assert_eq!(later.said, [answers(&[(1, Verdict::Fetch, "")])]);
    assert_eq!(client.written(&reserved(2)).said, [], "it was declined");
    let file = content(1, 10);
    let heard = client.piece(whole("/a", &file));
    assert_eq!(heard.writes.len(), 3);
    assert_eq!(heard.events[0], ClientSessionEvent::Begun { number: 0, sequence: 0 });
}

#[test]
fn what_was_not_fetched_is_not_taken() {
    let mut client = Client::offered(Accept::All);
    let file = content(1, 600_000);
    let heard = client.piece(whole("/a", &file));
    assert_eq!((heard.writes, heard.said), (vec![], vec![nom(600_000)]), "nobody has asked");
    client.hear(&Message::Offers(vec![offer(0, "/a", 600_000)]));
    assert_eq!(client.piece(whole("/a", &file)).writes, [], "there is no room yet");
    client.written(&reserved(0));
    assert_eq!(client.piece(whole("/a", &file)).writes.len(), 3);
    assert_eq!(client.piece(whole("/a", &file)).writes, [], "and once");
    for name in ["/../x", "a", "/"] {
        let heard = client.hear(&Message::Offers(vec![offer(9, name, 1)]));
        let declined = answers(&[(9, Verdict::Decline, "it was not asked for")]);
        assert_eq!((heard.said, heard.writes), (vec![declined], vec![]), "{name}");
    }
}

#[test]
fn an_offer_that_is_withdrawn_gives_its_room_back() {
    let mut client = Client::offered(Accept::All);
    client.hear(&Message::Offers(vec![offer(0, "/a", 10), offer(1, "/b", 10)]));
    client.written(&reserved(0));
    let heard = client.hear(&Message::Offers(vec![Offer::Withdrawn { number: 0 }]));
    assert_eq!(heard.writes, [release(0, "/a")]);
    // Of one name there is one offer.
    let heard = client.hear(&Message::Offers(vec![offer(2, "/b", 20)]));
    assert_eq!(heard.writes, [release(1, "/b"), reserve(2, "/b", 20)]);
    assert_eq!(client.written(&reserved(1)).said, []);
    let heard = client.hear(&Message::Offers(vec![Offer::Withdrawn { number: 7 }]));
    assert_eq!(heard, Outputs::default());
    assert_eq!(client.piece(whole("/a", &content(1, 10))).writes, []);
}

/// It comes again without being fetched, unless it has changed.
#[test]
fn a_file_that_the_server_breaks_off_may_come_again() {
    let mut client = Client::offered(Accept::All);
    client.hear(&Message::Offers(vec![offer(0, "/a", 10)]));
    client.written(&reserved(0));
    let file = content(1, 10);
    for _ in 0..2 {
        assert_eq!(client.piece(part("/a", &file, 0, 5)).writes.len(), 2);
        assert_eq!(client.piece(abort("/a")).writes, [Write::Abort]);
    }
    client.hear(&Message::Offers(vec![Offer::Withdrawn { number: 0 }, offer(1, "/a", 10)]));
    assert_eq!(client.piece(part("/a", &file, 0, 5)).writes, [], "not of the new state yet");
    client.piece(abort("/a"));
    client.written(&reserved(1));
    assert_eq!(client.piece(whole("/a", &file)).writes.len(), 3);
}

#[test]
fn a_file_that_makes_no_sense_is_fetched_again() {
    let mut client = Client::offered(Accept::All);
    client.hear(&Message::Offers(vec![offer(0, "/a", 10)]));
    client.written(&reserved(0));
    let heard = client.piece(part("/a", &content(1, 10), 5, 10));
    assert_eq!(heard.writes, [reserve(0, "/a", 10)]);
    assert_eq!(heard.said, [answers(&[(0, Verdict::Later, "")])]);
    let heard = client.written(&reserved(0));
    assert_eq!(heard.said, [answers(&[(0, Verdict::Fetch, "")])]);
    assert_eq!(client.piece(again(whole("/a", &content(1, 10)))).writes.len(), 3);
}

#[test]
fn more_offers_than_are_remembered_wait_and_that_is_told_once() {
    let config = ClientConfig { offers: 1, ..ClientConfig::default() };
    let mut client = Client::new(&config, &agreed());
    let four = [offer(0, "/a", 1), offer(1, "/b", 2), offer(2, "/c", 3), offer(3, "/d", 4)];
    let heard = client.hear(&Message::Offers(four.into()));
    assert_eq!((heard.said, heard.writes), (vec![], vec![reserve(0, "/a", 1)]));
    let reason = Refusal::Offers { limit: 1 };
    let event = FileEvent::Refused { name: path("/b"), reason, fate: Fate::Passing };
    assert_eq!(heard.events.len(), 2);
    assert!(matches!(heard.events[0], ClientSessionEvent::Offered { number: 0, .. }));
    assert_eq!(heard.events[1], ClientSessionEvent::NotTaken(event));
    // One is gone, and one has changed.
    client.hear(&Message::Offers(vec![Offer::Withdrawn { number: 1 }, offer(4, "/c", 5)]));
    let heard = client.written(&no_room(0, "/a", Fate::Final));
    let declined = answers(&[(0, Verdict::Decline, BUSY)]);
    assert_eq!((heard.said, heard.writes), (vec![declined], vec![reserve(3, "/d", 4)]));
    let heard = client.hear(&Message::Offers(vec![Offer::Withdrawn { number: 3 }]));
    assert_eq!(heard.writes, [release(3, "/d"), reserve(4, "/c", 5)]);
    // A number that comes twice is not one too many.
    let heard = client.hear(&Message::Offers(vec![offer(4, "/e", 6)]));
    assert_eq!(heard.writes, [release(4, "/c"), reserve(4, "/e", 6)]);
}

/// A server that does not stop when nothing is answered makes no list grow without an end.
#[test]
fn not_all_that_is_offered_waits() {
    let config = ClientConfig { offers: 1, ..ClientConfig::default() };
    let mut client = Client::new(&config, &agreed());
    let offers = (0..4100).map(|number| offer(number, &format!("/{number}"), 1)).collect();
    let heard = client.hear(&Message::Offers(offers));
    let why = Refusal::Offers { limit: 1 }.to_string();
    let declined = [4097, 4098, 4099].map(|number| (number, Verdict::Decline, &*why));
    let told = |event: &&ClientSessionEvent| matches!(event, ClientSessionEvent::NotTaken(_));
    assert_eq!(
        (heard.said, heard.events.iter().filter(told).count()),
        (vec![answers(&declined)], 1)
    );
}

#[test]
fn a_file_that_comes_with_another_size_than_was_offered_ends_the_session() {
    let bare = piece("/a", 0, &content(1, 10));
    for (comes, fits) in
        [(whole("/a", &content(1, 10)), true), (whole("/a", &content(1, 11)), false), (bare, false)]
    {
        let mut client = Client::offered(Accept::All);
        client.hear(&Message::Offers(vec![offer(0, "/a", 10)]));
        client.written(&reserved(0));
        let heard = client.piece(comes.clone());
        let mismatch = ClientClose::Mismatch { name: path("/a") };
        assert_eq!(heard.close, (!fits).then_some(mismatch), "{comes:?}");
        assert_eq!(heard.writes.len(), if fits { 3 } else { 0 });
    }
}

#[test]
fn the_names_of_offers_are_bounded_together() {
    let mut client = Client::offered(Accept::Ask);
    let long = vec!["x".repeat(240); 16].join("/");
    let name = |number: u64| format!("/{number:07}/{long}");
    let most = (16 << 20) / name(0).len() as u64;
    let answered = |heard: Outputs| {
        let said = heard.said.into_iter().flat_map(|message| match message {
            Message::Answers(answers) => answers,
            other => panic!("{other:?}"),
        });
        said.map(|answer| answer.number).collect::<Vec<_>>()
    };
    for number in 0..most {
        let heard = client.hear(&Message::Offers(vec![offer(number, &name(number), 1)]));
        assert_eq!(answered(heard), [number], "put off until it is decided");
    }
    let more = [offer(most, &name(most), 1), offer(most + 1, &name(most + 1), 1)];
    let heard = client.hear(&Message::Offers(more.into()));
    assert_eq!(answered(heard), Vec::<u64>::new(), "they wait");
    // What is settled makes room.
    assert!(client.session.decline(client.now, 7, "no"));
    assert_eq!(answered(client.outputs()), [7, most]);
}

#[test]
fn the_application_is_asked_and_decides() {
    let mut client = Client::offered(Accept::Ask);
    let three = [offer(0, "/a", 10), offer(1, "/b", 20), offer(2, "/c", 30)];
    let heard = client.hear(&Message::Offers(three.into()));
    let later = [0, 1, 2].map(|number| (number, Verdict::Later, ""));
    assert_eq!((heard.said, heard.writes), (vec![answers(&later)], vec![]));
    let since = std::time::SystemTime::UNIX_EPOCH - std::time::Duration::new(2, 0)
        + std::time::Duration::new(0, 500);
    let asked = |number, name: &str, size| ClientSessionEvent::Offered {
        number,
        file: OfferedFile { name: path(name), size: Some(size), modified: Some(since) },
    };
    assert_eq!(heard.events, [asked(0, "/a", 10), asked(1, "/b", 20), asked(2, "/c", 30)]);
    assert!(client.session.accept(client.now, 1) && client.session.accept(client.now, 1));
    assert!(client.session.decline(client.now, 2, "no"));
    assert!(!client.session.accept(client.now, 2) && !client.session.accept(client.now, 3));
    let outputs = client.outputs();
    assert_eq!(outputs.writes, [reserve(1, "/b", 20)]);
    assert_eq!(outputs.said, [answers(&[(2, Verdict::Decline, "no")])]);
    let heard = client.written(&reserved(1));
    assert_eq!(heard.said, [answers(&[(1, Verdict::Fetch, "")])]);
    // It has not begun: there is nothing to stop.
    assert!(client.session.cancel(client.now, 1));
    let outputs = client.outputs();
    assert_eq!(outputs.writes, [release(1, "/b")]);
    assert_eq!(outputs.said, [answers(&[(1, Verdict::Later, "")])]);
    assert_eq!(client.piece(whole("/b", &content(1, 20))).writes, []);
}

/// What answers the second fetch of a file.
fn again(mut piece: Cheezburger) -> Cheezburger {
    piece.headers.push("FETCH", "2");
    piece
}

/// The answer to the fetch before is still on its way, all of it, and then comes what was fetched.
#[test]
fn what_was_fetched_before_is_not_taken_for_what_was_fetched_after() {
    let mut client = Client::offered(Accept::Ask);
    let file = content(1, 30);
    client.hear(&Message::Offers(vec![offer(0, "/a", 30)]));
    for _ in 0..2 {
        client.session.accept(client.now, 0);
        client.written(&reserved(0));
        client.session.pause(client.now, 0);
    }
    client.session.accept(client.now, 0);
    client.written(&reserved(0));
    assert_eq!(client.piece(whole("/a", &file)).writes, []);
    assert_eq!(client.piece(again(part("/a", &file, 0, 10))).writes, []);
    assert_eq!(client.piece(abort("/a")).writes, []);
    let mut third = whole("/a", &file);
    third.headers.push("FETCH", "3");
    assert_eq!(client.piece(third).writes.len(), 3);
}

#[test]
fn a_file_is_paused_and_goes_on() {
    let mut client = Client::offered(Accept::Ask);
    let file = content(1, 30);
    client.hear(&Message::Offers(vec![offer(0, "/a", 30)]));
    client.session.accept(client.now, 0);
    client.outputs();
    client.written(&reserved(0));
    assert_eq!(client.piece(part("/a", &file, 0, 10)).writes.len(), 2);
    assert!(client.session.pause(client.now, 0));
    let outputs = client.outputs();
    assert_eq!(outputs.writes, [Write::Interrupt]);
    assert_eq!(outputs.said, [answers(&[(0, Verdict::Later, "")])]);
    let kept = ResumePoint { offset: 10, prefix: blake3(&file[..10]), whole: blake3(&file) };
    assert!(client.session.accept(client.now, 0));
    assert_eq!(client.outputs().writes, [reserve(0, "/a", 30)]);
    let heard = client.written(&Written::Reserved { offer: 0, part: Some(kept) });
    let part_text = format!("10 {} {}", blake3(&file[..10]), blake3(&file));
    assert_eq!(heard.said, [answers(&[(0, Verdict::Fetch, &part_text)])]);
    // A piece that was on its way, and the end of what was broken off.
    let more = Cheezburger { headers: dictionary(&[]), ..part("/a", &file, 10, 20) };
    assert_eq!(client.piece(more).writes, []);
    assert_eq!(client.piece(abort("/a")).writes, []);
    let writes = client.piece(again(part("/a", &file, 10, 30))).writes;
    assert!(matches!(writes[0], Write::Begin { offset: 10, .. }), "{writes:?}");
    assert_eq!(writes.last(), Some(&Write::End { size: 30 }));
}

#[test]
fn a_file_is_cancelled_or_declined_while_it_comes() {
    for declines in [false, true] {
        let mut client = Client::offered(Accept::Ask);
        let file = content(1, 30);
        client.hear(&Message::Offers(vec![offer(0, "/a", 30)]));
        client.session.accept(client.now, 0);
        client.written(&reserved(0));
        client.piece(part("/a", &file, 0, 10));
        let (now, session) = (client.now, &mut client.session);
        assert!(if declines { session.decline(now, 0, "no") } else { session.cancel(now, 0) });
        let outputs = client.outputs();
        assert_eq!(outputs.writes, [Write::Abort]);
        let verdict = if declines { (0, Verdict::Decline, "no") } else { (0, Verdict::Later, "") };
        assert_eq!(outputs.said, [answers(&[verdict])]);
        let more = Cheezburger { headers: dictionary(&[]), ..part("/a", &file, 10, 30) };
        assert_eq!(client.piece(more).writes, [], "the rest of it is dropped");
        assert_eq!(client.session.accept(client.now, 0), !declines);
    }
}

/// What the folder refuses for good while it comes is told by a receipt, and the offer is over.
#[test]
fn what_is_refused_while_it_comes_is_over() {
    let mut client = Client::offered(Accept::All);
    let file = content(1, 30);
    client.hear(&Message::Offers(vec![offer(0, "/a", 30)]));
    client.written(&reserved(0));
    client.piece(part("/a", &file, 0, 10));
    let reason = Refusal::Failed("busy".into());
    let event = FileEvent::Refused { name: path("/a"), reason, fate: Fate::Final };
    let heard = client.written(&Written::File { sequence: Some(0), event });
    assert_eq!(heard.said, [Message::Receipts(vec![receipt(0, Outcome::Refused, BUSY)])]);
    client.piece(abort("/a"));
    assert_eq!(client.piece(whole("/a", &file)).writes, []);
}

/// One of another implementation does not wait for answers: it is not listened to.
#[test]
fn a_server_that_does_not_offer_waits_until_it_is_decided() {
    for accepts in [true, false] {
        let config = ClientConfig { accept: Accept::Ask, ..ClientConfig::default() };
        let mut client = Client::new(&config, &icanhaz_ok());
        let file = content(1, 10);
        let heard = client.piece(piece("/a", 0, &file));
        let asked = OfferedFile { name: path("/a"), size: None, modified: None };
        assert_eq!(heard.events, [ClientSessionEvent::Offered { number: 0, file: asked }]);
        assert_eq!(heard.writes, []);
        assert!(client.session.is_undecided());
        // What was read already.
        client.piece(piece("/a", 10, &Bytes::new()));
        assert_eq!(client.piece(piece("/b", 0, &file)), Outputs::default());
        let (now, session) = (client.now, &mut client.session);
        assert!(if accepts { session.accept(now, 0) } else { session.decline(now, 0, "no") });
        let outputs = client.outputs();
        let writes = if accepts { 3 } else { 0 };
        assert_eq!((outputs.writes.len(), outputs.said), (writes, vec![]));
        let begun = ClientSessionEvent::Begun { number: 0, sequence: 0 };
        assert_eq!(outputs.events.contains(&begun), accepts);
        let asked = ClientSessionEvent::Offered {
            number: 1,
            file: OfferedFile { name: path("/b"), size: None, modified: None },
        };
        assert!(outputs.events.contains(&asked), "the next one: {:?}", outputs.events);
        assert!(client.session.is_undecided());
        assert!(client.session.accept(client.now, 1));
        assert_eq!(client.outputs().writes.len(), 2);
        let end = client.piece(piece("/b", 10, &Bytes::new()));
        assert_eq!(end.writes, [Write::End { size: 10 }]);
        // The end is said twice by some.
        assert_eq!(client.piece(piece("/b", 10, &Bytes::new())), Outputs::default());
    }
}

#[test]
fn offers_that_were_not_agreed_on_end_the_session() {
    let mut client = Client::new(&ClientConfig::default(), &icanhaz_ok());
    let heard = client.hear(&Message::Offers(vec![]));
    assert!(matches!(heard.close, Some(ClientClose::Protocol(_))));
}
