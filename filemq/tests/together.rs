//! Both sessions against each other, and the server's against a client as C has it: whatever
//! happens to the files and whenever, and however often the connection is lost, in the end the
//! client has what the server has.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use filemq::message::{CHUNK, Message};
use filemq::session::{
    ClientConfig, ClientOutput, ClientSession, ClientSessionEvent, ServerConfig, ServerSession,
    ServerSessionEvent, Write,
};
use filemq::{Accept, VirtualPath};
use proptest::prelude::*;

use common::c_client::CClient;
use common::memory_folder::MemoryFolder;
use common::path;
use common::server::Server;

/// Something that happens. Numbers are names, sizes, and how many.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A file is written; whoever watches has not seen it yet.
    Put(u8, u8),
    Remove(u8),
    /// Whoever watches looks at a file.
    Notice(u8),
    /// Messages arrive at the server, and at the client.
    ToServer(u8),
    ToClient(u8),
    /// Jobs are given out, and answered.
    Ask(u8),
    Answer(u8),
    /// The folder does something.
    Write(u8),
    /// The application decides about a file on offer, if it is asked.
    Decide(u8, u8),
    /// The connection is lost, with all that was on its way.
    Kill,
    /// Seconds.
    Pass(u8),
}

const NAMES: [&str; 6] = ["/a", "/b", "/d/a", "/d/b b", "/d/e/f", "/z"];
const SIZES: [usize; 8] = [0, 1, 2, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3];

fn name(number: u8) -> VirtualPath {
    path(NAMES[usize::from(number) % NAMES.len()])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<u8>(), any::<u8>()).prop_map(|(name, size)| Step::Put(name, size)),
        1 => any::<u8>().prop_map(Step::Remove),
        4 => any::<u8>().prop_map(Step::Notice),
        4 => (1..9_u8).prop_map(Step::ToServer),
        4 => (1..9_u8).prop_map(Step::ToClient),
        6 => (1..9_u8).prop_map(Step::Ask),
        6 => (1..9_u8).prop_map(Step::Answer),
        4 => (1..9_u8).prop_map(Step::Write),
        4 => (any::<u8>(), any::<u8>()).prop_map(|(which, how)| Step::Decide(which, how)),
        2 => Just(Step::Kill),
        1 => (0..9_u8).prop_map(Step::Pass),
    ]
}

/// What may be on its way to one of ours: less than the largest file, and no whole number of
/// pieces.
const WINDOW: u64 = 1_500_001;

fn bytes(write: &Write) -> u64 {
    match write {
        Write::Data { bytes, .. } => bytes.len() as u64,
        _ => 0,
    }
}

fn content(message: &Message) -> u64 {
    match message {
        Message::Cheezburger(piece) => piece.chunk.len() as u64,
        _ => 0,
    }
}

/// A client of either kind, and what it has not done yet.
enum Client {
    Ours { session: Box<ClientSession>, folder: Box<MemoryFolder>, writes: VecDeque<Write> },
    C(CClient),
}

struct World {
    server: Server,
    client: Client,
    to_server: VecDeque<Message>,
    to_client: VecDeque<Message>,
    puts: u8,
    kills: usize,
    accept: Accept,
    /// What is on offer, if the application is asked.
    offered: BTreeSet<u64>,
}

impl World {
    fn ours(accept: Accept) -> Self {
        let folder = Box::new(MemoryFolder::default());
        let session = Box::new(Self::session(&folder, accept, Instant::now()));
        let client = Client::Ours { session, folder, writes: VecDeque::new() };
        Self { accept, ..Self::new(client) }
    }

    fn c() -> Self {
        let mut world = Self::new(Client::C(CClient::default()));
        world.to_server.push_back(Message::Ohai);
        world
    }

    fn new(client: Client) -> Self {
        let (to_server, to_client) = (VecDeque::new(), VecDeque::new());
        let (accept, offered) = (Accept::All, BTreeSet::new());
        let (mut server, puts, kills) = (Server::new(), 0, 0);
        server.catalogue.know(&VirtualPath::root());
        Self { server, client, to_server, to_client, puts, kills, accept, offered }
    }

    fn session(folder: &MemoryFolder, accept: Accept, now: Instant) -> ClientSession {
        let config = ClientConfig { window: WINDOW, accept, ..ClientConfig::default() };
        ClientSession::new(&config, &[VirtualPath::root()], folder.inventory(), now)
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Put(number, size) => {
                self.puts = self.puts.wrapping_add(1);
                let size = SIZES[usize::from(size) % SIZES.len()];
                self.server.disk.put(&name(number), vec![self.puts; size].into());
            }
            Step::Remove(number) => self.server.disk.remove(&name(number)),
            Step::Notice(number) => self.server.notice(&name(number)),
            Step::ToServer(count) => (0..count).for_each(|_| {
                self.arrive();
            }),
            Step::ToClient(count) => (0..count).for_each(|_| {
                self.hear();
            }),
            Step::Ask(count) => (0..count).for_each(|_| {
                self.server.ask();
            }),
            Step::Answer(count) => (0..count).for_each(|_| {
                self.server.answer();
            }),
            Step::Write(count) => (0..count).for_each(|_| {
                self.write();
            }),
            Step::Decide(which, how) => self.decide(which, how),
            Step::Kill => self.kill(),
            Step::Pass(seconds) => self.pass(Duration::from_secs(seconds.into())),
        }
        self.exchange();
    }

    fn pass(&mut self, time: Duration) {
        self.server.pass(time);
        if let Client::Ours { session, .. } = &mut self.client {
            session.handle_timeout(self.server.now);
        }
    }

    /// A message arrives at the server.
    fn arrive(&mut self) -> bool {
        let Some(message) = self.to_server.pop_front() else { return false };
        let frames = [message.encode()];
        self.server.session.handle_message(self.server.now, &frames, &self.server.catalogue);
        true
    }

    /// A message arrives at the client.
    fn hear(&mut self) -> bool {
        let Some(message) = self.to_client.pop_front() else { return false };
        match &mut self.client {
            Client::Ours { session, .. } => {
                session.handle_message(self.server.now, &[message.encode()]);
            }
            Client::C(client) => self.to_server.extend(client.hear(&message)),
        }
        true
    }

    fn write(&mut self) -> bool {
        let Client::Ours { session, folder, writes } = &mut self.client else { return false };
        let Some(write) = writes.pop_front() else { return false };
        session.handle_taken(self.server.now, bytes(&write));
        if let Some(written) = folder.execute(write) {
            session.handle_written(self.server.now, &written);
        }
        true
    }

    fn decide(&mut self, which: u8, how: u8) {
        let Client::Ours { session, .. } = &mut self.client else { return };
        let nth = usize::from(which).checked_rem(self.offered.len());
        let Some(&number) = nth.and_then(|nth| self.offered.iter().nth(nth)) else { return };
        let now = self.server.now;
        // One that is complete is on offer no more.
        let _ = match how % 4 {
            0 | 1 => session.accept(now, number),
            2 => session.pause(now, number),
            _ => session.cancel(now, number),
        };
    }

    /// The application wants all that is on offer.
    fn accept_all(&mut self) {
        let Client::Ours { session, .. } = &mut self.client else { return };
        for number in &self.offered {
            // One that is complete is on offer no more.
            let _ = session.accept(self.server.now, *number);
        }
    }

    /// What the sessions say is on its way.
    fn exchange(&mut self) {
        let said = self.server.said();
        self.to_client.extend(said);
        let mut over = self.server.closed;
        if let Client::Ours { session, writes, .. } = &mut self.client {
            while let Some(output) = session.poll_output() {
                match output {
                    ClientOutput::Send(frame) => {
                        self.to_server.push_back(Message::decode(&frame).unwrap());
                    }
                    ClientOutput::Write(write) => writes.push_back(write),
                    ClientOutput::Event(ClientSessionEvent::Offered { number, .. }) => {
                        self.offered.insert(number);
                    }
                    ClientOutput::Event(ClientSessionEvent::Withdrawn { number }) => {
                        self.offered.remove(&number);
                    }
                    ClientOutput::Event(_) => {}
                    ClientOutput::Close(_) => over = true,
                }
            }
        }
        if let Client::Ours { writes, .. } = &self.client {
            let coming: u64 = self.to_client.iter().map(content).sum();
            let ahead = coming + writes.iter().map(bytes).sum::<u64>();
            assert!(ahead <= WINDOW, "{ahead} bytes, more than the credit");
        }
        if over {
            self.kill();
        }
    }

    /// The connection is lost; one of ours connects again.
    fn kill(&mut self) {
        let Client::Ours { session, folder, writes } = &mut self.client else { return };
        // What has come is written first, as a driver does it.
        for write in writes.drain(..) {
            folder.execute(write);
        }
        folder.break_off();
        self.kills += 1;
        **session = Self::session(folder, self.accept, self.server.now);
        self.offered.clear();
        let (config, now) = (ServerConfig::default(), self.server.now);
        self.server.session = ServerSession::new(&config, Default::default(), now);
        self.server.done.clear();
        self.server.closed = false;
        self.to_server.clear();
        self.to_client.clear();
        self.exchange();
    }

    /// All is noticed and nothing more happens; it comes to an end.
    fn settle(&mut self) {
        for number in 0..NAMES.len() {
            self.server.notice(&name(u8::try_from(number).unwrap()));
        }
        for _ in 0..10_000 {
            self.accept_all();
            self.exchange();
            let more = [
                self.arrive(),
                self.hear(),
                self.write(),
                self.server.ask() || self.server.answer(),
            ];
            if !more.contains(&true) && self.to_client.is_empty() && self.to_server.is_empty() {
                self.exchange();
                if self.to_client.is_empty() && self.to_server.is_empty() {
                    return;
                }
            }
        }
        panic!("it does not come to an end");
    }

    fn received(&self) -> BTreeMap<VirtualPath, Bytes> {
        match &self.client {
            Client::Ours { folder, .. } => folder.files.clone(),
            Client::C(client) => {
                let whole =
                    |(name, bytes): (&VirtualPath, &Vec<u8>)| (name.clone(), bytes.clone().into());
                client.files.iter().map(whole).collect()
            }
        }
    }

    /// What the server was told last of each file is that it is there as it is.
    fn assert_confirmed(&self) {
        let confirmed = self.server.events.iter().filter_map(|event| match event {
            ServerSessionEvent::Confirmed { name, size, .. } => Some((name.clone(), *size)),
            _ => None,
        });
        let confirmed: BTreeMap<_, _> = confirmed.collect();
        for (name, content) in self.received() {
            assert_eq!(confirmed.get(&name), Some(&(content.len() as u64)), "{name}");
        }
    }

    fn assert_same(&self) {
        let (published, received) = (self.server.disk.contents(), self.received());
        let names =
            |files: &BTreeMap<VirtualPath, Bytes>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&received), names(&published));
        for (name, content) in &published {
            assert!(received[name] == content, "{name} is another");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn one_of_ours_has_all_in_the_end(steps in prop::collection::vec(step(), 0..150)) {
        let mut world = World::ours(Accept::All);
        for step in steps {
            world.step(step);
        }
        world.settle();
        world.assert_same();
        world.assert_confirmed();
    }

    #[test]
    fn one_that_asks_has_all_that_it_wants(steps in prop::collection::vec(step(), 0..150)) {
        let mut world = World::ours(Accept::Ask);
        for step in steps {
            world.step(step);
        }
        world.settle();
        world.assert_same();
        world.assert_confirmed();
    }

    #[test]
    fn a_c_client_has_all_in_the_end(steps in prop::collection::vec(step(), 0..150)) {
        let mut world = World::c();
        for step in steps {
            world.step(step);
        }
        world.settle();
        world.assert_same();
    }
}

/// A large file gets through although every connection is lost after a few pieces.
#[test]
fn a_file_is_gone_on_with_over_many_connections() {
    let mut world = World::ours(Accept::All);
    world.server.disk.put(&path("/a"), vec![1; 20 * CHUNK].into());
    world.server.notice(&path("/a"));
    for _ in 0..9 {
        // OHAI, ICANHAZ, NOM, ANSWERS, and then some pieces.
        for _ in 0..5 {
            for step in [
                Step::ToServer(8),
                Step::ToClient(8),
                Step::Ask(1),
                Step::Answer(1),
                Step::Write(8),
            ] {
                world.step(step);
            }
        }
        for _ in 0..3 {
            world.step(Step::Ask(1));
            world.step(Step::Answer(1));
            world.step(Step::ToClient(8));
            world.step(Step::Write(8));
        }
        world.kill();
    }
    world.settle();
    world.assert_same();
    let Client::Ours { folder, .. } = &world.client else { panic!() };
    assert!(folder.resumed > 3, "{}", folder.resumed);
}
