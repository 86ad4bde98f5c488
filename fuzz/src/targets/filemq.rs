//! FILEMQ: messages, and what they do to the session of a server or a client.
//!
//! The first byte says which. For a session all others are steps: one byte for what happens, one
//! for how, and for a message that is no message as many bytes as that says.

#[path = "../../../filemq/tests/common/mod.rs"]
mod common;

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use filemq::message::{
    Answer, CHUNK, Cheezburger, DecodeError, Message, Offer, Operation, Outcome, Verdict,
};
use filemq::session::{
    ClientConfig, ClientOutput, ClientSession, Inventory, JobResult, Unreadable, Write,
};
use filemq::{Accept, Audience, Fate, VirtualPath};

use self::common::memory_folder::MemoryFolder;
use self::common::server::Server;
use self::common::vectors::vectors;
use self::common::{content, dictionary, icanhaz, icanhaz_ok, icanhaz_ok_credit};
use self::common::{icanhaz_ok_receipt, nom, path, piece, receipt};
use crate::setting;

const NAMES: [&str; 4] = ["/a", "/a/b", "/b", "/c d"];
const SIZES: [usize; 4] = [0, 1, 300, CHUNK + 1];

/// No bytes break a promise of the decoder, and no messages one of a session.
pub fn target(data: &[u8]) {
    let ([which], rest) = setting(data);
    match which % 3 {
        0 => decoder(rest),
        1 => server(rest),
        _ => client(rest),
    }
}

/// Reading takes no more memory than there are bytes, and what is read is written to what is read.
fn decoder(data: &[u8]) {
    let frame = Bytes::copy_from_slice(data);
    let mut decoded = Err(DecodeError::Frames);
    let memory = allocation_counter::measure(|| decoded = Message::decode(&frame));
    // An entry of a dictionary takes five bytes, and in memory two slices; lists grow by doubling.
    let bound = 1024 + 64 * data.len() as u64;
    assert!(memory.bytes_max <= bound, "{} for {}", memory.bytes_max, data.len());
    if let Ok(message) = decoded {
        let again = message.encode();
        assert!(again.len() <= data.len(), "bytes behind the last field are ignored");
        assert_eq!(Message::decode(&again), Ok(message));
    }
}

/// What happens and how; and the bytes that follow.
fn step<'a>(data: &mut &'a [u8], raw: u8, kinds: u8) -> Option<(u8, u8, &'a [u8])> {
    let (&[what, how], rest) = data.split_first_chunk()?;
    let what = what % kinds;
    let taken = if what == raw { usize::from(how) } else { 0 };
    let (bytes, rest) = rest.split_at(rest.len().min(taken));
    *data = rest;
    Some((what, how, bytes))
}

fn name(how: u8) -> &'static str {
    NAMES[usize::from(how) % NAMES.len()]
}

/// What a client may rely on.
#[derive(Default)]
struct Promises {
    subscribed: bool,
    ours: bool,
    credit: u128,
    sequence: u64,
    /// The file of which the end has not come.
    open: Option<Bytes>,
    /// Whether nothing is sent unasked; what was offered, and the names of what was fetched.
    offers: bool,
    offered: Vec<Bytes>,
    fetched: BTreeSet<Bytes>,
}

impl Promises {
    fn told(&mut self, message: &Message) {
        match message {
            Message::Nom { credit, .. } => self.credit += u128::from(*credit),
            Message::Icanhaz(wish) if !self.subscribed => {
                self.ours = wish.options.text("DIGEST") == Some("BLAKE3");
                let says = |name| wish.options.text(name) == Some("1");
                self.offers = self.ours && says("RECEIPT") && says("OFFER");
            }
            Message::Answers(answers) => {
                let fetched = answers.iter().filter(|answer| answer.verdict == Verdict::Fetch);
                let name = |answer: &Answer| {
                    self.offered.get(usize::try_from(answer.number).ok()?).cloned()
                };
                self.fetched.extend(fetched.filter_map(name));
            }
            _ => {}
        }
    }

    fn hear(&mut self, message: &Message) {
        match message {
            Message::Rtfm { .. } => *self = Self::default(),
            Message::IcanhazOk(_) => self.subscribed = true,
            Message::OhaiOk | Message::HugzOk => {}
            Message::Offers(offers) => offers.iter().for_each(|offer| self.offer(offer)),
            Message::Cheezburger(piece) => self.piece(piece),
            other => panic!("a server that says {}", other.name()),
        }
    }

    /// Numbers are given in turn, and what is withdrawn was offered.
    fn offer(&mut self, offer: &Offer) {
        assert!(self.offers, "an offer that was not agreed on");
        match offer {
            Offer::File { number, filename, .. } => {
                assert_eq!(*number, self.offered.len() as u64);
                self.offered.push(filename.clone());
            }
            Offer::Withdrawn { number } => assert!(*number < self.offered.len() as u64),
        }
    }

    fn piece(&mut self, piece: &Cheezburger) {
        assert!(self.subscribed, "content before ICANHAZ-OK");
        assert_eq!(piece.sequence, self.sequence);
        self.sequence += 1;
        assert!(self.ours || piece.headers.is_empty());
        assert!(piece.chunk.len() <= CHUNK);
        let left = self.credit.checked_sub(piece.chunk.len() as u128);
        self.credit = left.expect("within the credit");
        match piece.operation {
            Operation::Create => {
                let is_fetched = self.fetched.contains(&piece.filename);
                assert!(!self.offers || is_fetched, "content that was not fetched");
                let open = self.open.get_or_insert_with(|| piece.filename.clone());
                assert_eq!(open, &piece.filename, "a file within a file");
                if if self.ours { piece.eof } else { piece.chunk.is_empty() } {
                    self.open = None;
                }
            }
            Operation::Delete => assert!(self.open.is_none() || !self.ours),
            Operation::Other(other) => panic!("operation {other}"),
        }
    }
}

/// Whatever a client says, and whatever becomes of the files meanwhile.
fn server(mut data: &[u8]) {
    let mut server = Server::new();
    let mut promises = Promises::default();
    let mut seed = 0;
    while let Some((what, how, bytes)) = step(&mut data, 0, 16) {
        if server.closed {
            assert!(server.job().is_none() && server.session.next_deadline().is_none());
            return;
        }
        seed += 1;
        match what {
            0 => said(&mut server, &mut promises, &Bytes::copy_from_slice(bytes)),
            1..=4 => said(&mut server, &mut promises, &wish(how).encode()),
            5 | 6 => {
                let audience = match how & 64 {
                    0 => Audience::Everyone,
                    _ => Audience::Tagged("club".into()),
                };
                let size = SIZES[usize::from(how >> 2) % SIZES.len()];
                server.disk.put_for(&path(name(how)), content(seed, size), audience);
            }
            7 => server.disk.remove(&path(name(how))),
            8 | 9 => server.notice(&path(name(how))),
            10 => {
                server.ask();
            }
            11 => {
                server.answer();
            }
            12 => {
                if let Some(done) = server.done.front_mut() {
                    *done = failed(done, how);
                }
            }
            13 => server.set_tags(if how & 1 == 0 { &[] } else { &["club"] }),
            14 => server.pass(Duration::from_secs(how.into())),
            _ => {
                let said = server.run();
                said.iter().for_each(|message| promises.hear(message));
            }
        }
        server.said().iter().for_each(|message| promises.hear(message));
    }
    let said = server.run();
    said.iter().for_each(|message| promises.hear(message));
}

fn said(server: &mut Server, promises: &mut Promises, frame: &Bytes) {
    // What the client says counts from when the server hears it; RTFM begins anew.
    if let Ok(message) = Message::decode(frame) {
        promises.told(&message);
        if message == Message::Kthxbai {
            server.said().iter().for_each(|message| promises.hear(message));
            *promises = Promises::default();
        }
    }
    server.session.handle_message(server.now, std::slice::from_ref(frame), &server.catalogue);
}

/// What a client may well say.
fn wish(how: u8) -> Message {
    let receipts = (how & 8 != 0).then_some(("RECEIPT", "1"));
    let offers = (how & 16 != 0).then_some(("OFFER", "1"));
    let ours: Vec<_> =
        [("RESYNC", "1"), ("DIGEST", "BLAKE3")].into_iter().chain(receipts).chain(offers).collect();
    let sha1 = "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709";
    match how % 8 {
        0 | 1 => Message::Ohai,
        2 => icanhaz("/", &[], &[]),
        3 => icanhaz("/", &ours, &[("a", sha1), ("gone", sha1)]),
        4 => icanhaz("/a", &ours, &[]),
        5 => nom(u64::from(how)),
        6 => nom(u64::MAX),
        7 if how & 24 == 16 => {
            let (number, verdict) = (u64::from(how >> 7), Verdict::from(how >> 5 & 3));
            Message::Answers(vec![Answer { number, verdict, text: Bytes::new() }])
        }
        7 if how & 8 != 0 => {
            let (sequence, outcome) = (u64::from(how >> 6), Outcome::from(how >> 4 & 3));
            Message::Receipts(vec![receipt(sequence, outcome, "full")])
        }
        _ => Message::Hugz,
    }
}

fn failed(done: &JobResult, how: u8) -> JobResult {
    let why = match how & 1 {
        0 => Unreadable::Changed,
        _ => Unreadable::Failed { reason: "no".into(), fate: Fate::Passing },
    };
    match done {
        JobResult::Digest(_) => JobResult::Digest(Err(why)),
        JobResult::Opened(_) => JobResult::Opened(Err(why)),
        JobResult::Read(_) => JobResult::Read(Err(why)),
        JobResult::Closed(_) => JobResult::Closed(Err(why)),
    }
}

/// Whatever a server says, the folder, which is strict, gets only orders that make sense.
fn client(mut data: &[u8]) {
    let mut now = Instant::now();
    let paths = [path("/a"), path("/b")];
    let accept =
        if data.first().is_some_and(|first| first & 1 == 1) { Accept::Ask } else { Accept::All };
    let config = ClientConfig { accept, ..ClientConfig::default() };
    let mut session = ClientSession::new(&config, &paths, Inventory::default(), now);
    let (mut folder, mut writes, mut sequence) = (MemoryFolder::default(), VecDeque::new(), 0);
    while let Some((what, how, bytes)) = step(&mut data, 0, 14) {
        match what {
            0 => session.handle_message(now, &[Bytes::copy_from_slice(bytes)]),
            1 => session.handle_message(now, &[Message::OhaiOk.encode()]),
            2 => {
                let ok = match how & 7 {
                    0 | 2 => icanhaz_ok(),
                    1 => icanhaz_ok_credit(),
                    4..=7 => icanhaz_ok_offer(),
                    _ => icanhaz_ok_receipt(),
                };
                session.handle_message(now, &[ok.encode()]);
            }
            3..=8 => {
                sequence += u64::from(how < 250);
                let piece = Cheezburger { sequence, ..burger(what, how) };
                session.handle_message(now, &[Message::Cheezburger(piece).encode()]);
            }
            9 => {
                if let Some(write) = writes.pop_front() {
                    if let Write::Data { bytes, .. } = &write {
                        session.handle_taken(now, bytes.len() as u64);
                    }
                    if let Some(written) = folder.execute(write) {
                        session.handle_written(now, &written);
                    }
                }
            }
            10 => {
                folder.refused.insert(path(name(how)));
            }
            12 => session.handle_message(now, &[offer(how).encode()]),
            13 => {
                let number = u64::from(how >> 4);
                let _ = match how & 3 {
                    0 => session.accept(now, number),
                    1 => session.decline(now, number, "no"),
                    2 => session.pause(now, number),
                    _ => session.cancel(now, number),
                };
            }
            _ => {
                now += Duration::from_secs(u64::from(how & 15));
                session.handle_timeout(now);
            }
        }
        if collect(&mut session, &paths, &mut writes) {
            break;
        }
    }
    for write in writes {
        folder.execute(write);
    }
}

/// A file is on offer, or no more.
fn offer(how: u8) -> Message {
    let number = u64::from(how >> 4);
    Message::Offers(vec![match how & 12 {
        12 => Offer::Withdrawn { number },
        _ => Offer::File {
            number,
            filename: name(how).into(),
            size: 30,
            seconds: 1,
            nanoseconds: 0,
            mode: 0o644,
        },
    }])
}

/// As two of ours say it to each other, one of which sends nothing unasked.
fn icanhaz_ok_offer() -> Message {
    Message::IcanhazOk(dictionary(&[("CREDIT", "1"), ("RECEIPT", "1"), ("OFFER", "1")]))
}

/// A piece of one of a few files: announced, not announced, or that it is gone.
fn burger(what: u8, how: u8) -> Cheezburger {
    let whole = content(u64::from(how & 3), 30);
    let offset = usize::from(how >> 2 & 3) * 10;
    let chunk = whole.slice(offset..(offset + 10).min(whole.len()));
    let digest = common::digest(filemq::digest::Algorithm::Blake3, &whole).to_string();
    let info = [("SIZE", "30"), ("DIGEST", &digest), ("MTIME", "1.000000000"), ("MODE", "644")];
    let piece = piece(name(how), offset as u64, &chunk);
    match what {
        3 => Cheezburger { operation: Operation::Delete, ..piece },
        4 => Cheezburger { headers: dictionary(&[("ABORT", "1")]), chunk: Bytes::new(), ..piece },
        5 => Cheezburger { eof: true, ..piece },
        6 => Cheezburger { headers: dictionary(&info), eof: offset == 20, ..piece },
        _ => piece,
    }
}

/// Takes what the session has to say; whether it is over.
fn collect(
    session: &mut ClientSession,
    paths: &[VirtualPath],
    writes: &mut VecDeque<Write>,
) -> bool {
    let mut over = false;
    while let Some(output) = session.poll_output() {
        assert!(!over || matches!(output, ClientOutput::Event(_)));
        match output {
            ClientOutput::Send(frame) => {
                let message = Message::decode(&frame).expect("a message");
                let says = ["OHAI", "ICANHAZ", "NOM", "HUGZ", "HUGZ-OK", "RECEIPTS", "ANSWERS"];
                assert!(says.contains(&message.name()), "{}", message.name());
            }
            ClientOutput::Write(write) => {
                if let Write::Begin { name, .. } | Write::Delete { name } = &write {
                    assert!(paths.iter().any(|path| path.covers(name)), "{name}");
                }
                writes.push_back(write);
            }
            ClientOutput::Event(_) => {}
            ClientOutput::Close(_) => over = true,
        }
    }
    assert_eq!(over, session.next_deadline().is_none());
    over
}

/// What was captured, and some talks that go far.
pub fn seeds() -> Vec<Vec<u8>> {
    let frames: Vec<Bytes> = vectors()
        .into_iter()
        .filter_map(|vector| vector.frames.first().cloned())
        .filter(|frame| frame.len() < 200)
        .collect();
    let mut seeds: Vec<_> = frames.iter().map(|frame| [&[0], &frame[..]].concat()).collect();
    for which in [1, 2] {
        let said = frames.iter().flat_map(|frame| [&[0, frame.len() as u8], &frame[..]].concat());
        seeds.push([which].into_iter().chain(said).collect());
    }
    let begun = |kind| vec![1, 5, 4, 8, 0, 5, 12, 8, 0, 1, 0, 1, kind, 1, 6, 15, 0];
    for kind in [2, 3] {
        let later = [5, 8, 8, 0, 10, 0, 11, 0, 5, 12, 8, 0, 10, 0, 12, 0, 11, 0, 7, 0, 8, 0, 15, 0];
        seeds.push([begun(kind), later.to_vec()].concat());
    }
    let file = [6, 0, 7, 4, 5, 8, 9, 0, 9, 0, 9, 0, 9, 0, 3, 0, 9, 0, 7, 2, 10, 2, 4, 2, 11, 5];
    seeds.push([&[2, 1, 0, 2, 0, 2, 0][..], &file].concat());
    // What two of ours say about offers, and files that come, are paused, and go on.
    let Message::Offers(mut offers) = offer(0) else { return seeds };
    offers.push(Offer::Withdrawn { number: 0 });
    let answers = [1, 2, 3].map(|verdict| Answer {
        number: u64::from(verdict),
        verdict: verdict.into(),
        text: "full".into(),
    });
    for message in [Message::Offers(offers), Message::Answers(answers.into())] {
        seeds.push([&[0], &message.encode()[..]].concat());
    }
    seeds.push(vec![
        1, 1, 0, 5, 4, 8, 0, 1, 27, 4, 6, 15, 0, 4, 55, 15, 0, 5, 5, 8, 0, 15, 0, 1, 183, 15, 0,
    ]);
    let comes = [
        1, 0, 2, 4, 2, 4, 12, 0, 13, 0, 9, 0, 6, 0, 9, 0, 9, 0, 13, 2, 9, 0, 4, 0, 13, 0, 9, 0, 6,
        0,
    ];
    for which in [2, 3] {
        seeds.push([&[2, which], &comes[..]].concat());
    }
    seeds
}
