//! An engine and all that is around it.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::time::Instant;

use zre_proto::{ConnId, Engine, Event, Input, LinkId, Output, PeerId};

use super::common::{Promises, endpoint, id};
use super::honest::{HONEST, Honest};
use super::remote::Remote;
use super::say::{Say, Words};
use super::setting::Setting;
use super::step::NODES;

/// What the engine may ask for at once: a few things for each peer, group and event there can be.
const OUTPUTS: usize = 256;
/// What it may take in memory while it handles one input, in octets, besides what came in.
const WORKING: u64 = 64 * 1024;

pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) now: Instant,
    pub(super) promises: Promises,
    pub(super) remotes: [Remote; NODES as usize],
    pub(super) last_conn: u64,
    /// Links to each node, and those that are not closed.
    pub(super) links: BTreeMap<PeerId, Vec<LinkId>>,
    pub(super) open: BTreeSet<LinkId>,
    /// PINGs that were sent to each node and not answered.
    pub(super) asked: BTreeMap<PeerId, usize>,
    /// Who said each content, which is the number of itself, on which connection.
    pub(super) said: Vec<(PeerId, ConnId)>,
    /// The last that was heard of each connection.
    pub(super) heard: BTreeMap<ConnId, usize>,
    pub(super) honest: Option<Honest>,
    pub(super) ends: bool,
    pub(super) paused: bool,
    /// The application has asked for a peer that is tried for ever.
    pub(super) requires: bool,
    pub(super) outputs: Vec<Output>,
    /// Messages that it has sent, and that it was told of.
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) start: Instant,
    /// Whether somebody wants to see what happens.
    pub(super) traces: bool,
}

impl World {
    pub(super) fn new(chosen: [u8; 4]) -> Self {
        let setting = Setting::new(chosen);
        let start = Instant::now();
        let mut world = Self {
            engine: Engine::new(setting.config).expect("short names"),
            now: start,
            promises: Promises::default(),
            remotes: Default::default(),
            last_conn: 0,
            links: BTreeMap::new(),
            open: BTreeSet::new(),
            asked: BTreeMap::new(),
            said: Vec::new(),
            heard: BTreeMap::new(),
            honest: setting.honest.map(Honest::new),
            ends: setting.ends,
            paused: false,
            requires: false,
            outputs: Vec::new(),
            sent: 0,
            received: 0,
            start,
            traces: env::var_os("FUZZ_TRACE").is_some(),
        };
        if world.honest.is_some() {
            world.handle(Input::Candidate { peer: id(HONEST), endpoint: endpoint(HONEST) });
            world.link_up(HONEST, 0);
            world.speak(HONEST, 0, &Words::plain(Say::Hello));
            assert!(world.is_present(HONEST));
        }
        world
    }

    /// Whether this is the honest peer itself, which does nothing but answer and talk.
    pub(super) const fn is_honest(&self, peer: u8, speaker: usize) -> bool {
        self.honest.is_some() && peer == HONEST && speaker == 0
    }

    pub(super) fn is_present(&self, peer: u8) -> bool {
        self.engine.peer(id(peer)).is_some()
    }

    pub(super) fn handle(&mut self, input: Input<'_>) {
        self.promises.input(&input);
        if self.traces {
            println!("{:?} {input:?}", self.now - self.start);
        }
        let came = match &input {
            Input::Message { header, content, .. } => {
                self.received += u64::from(!self.engine.is_stopped());
                (header.len() + content.octets()) as u64
            }
            _ => 0,
        };
        let mut refused = false;
        let memory = allocation_counter::measure(|| {
            refused = self.engine.handle(self.now, input).is_err();
        });
        assert!(memory.bytes_max <= WORKING + 64 * came, "{} for {came}", memory.bytes_max);
        self.outputs.clear();
        self.outputs.extend(std::iter::from_fn(|| self.engine.poll_output()));
        assert!(self.outputs.is_empty() || !refused, "refused, and yet: {:?}", self.outputs);
        assert!(self.outputs.len() <= OUTPUTS, "{} outputs", self.outputs.len());
        for output in std::mem::take(&mut self.outputs) {
            self.output(&output);
            self.outputs.push(output);
        }
        self.promises.agree_with(&self.engine);
        self.assert_closed_is_closed();
        let stats = self.engine.stats();
        assert_eq!((stats.sent, stats.received), (self.sent, self.received));
    }

    fn output(&mut self, output: &Output) {
        if self.traces {
            println!("    {output:?}");
        }
        self.promises.output(output);
        if let Some(honest) = &mut self.honest {
            honest.output(self.now, output);
        }
        match output {
            Output::Connect { peer, link, .. } => {
                self.links.entry(*peer).or_default().push(*link);
                self.open.insert(*link);
                self.asked.remove(peer);
            }
            Output::CloseLink { link } => {
                self.open.remove(link);
            }
            Output::Send { link, header, .. } => {
                self.sent += 1;
                const PING: u8 = 6;
                let to = self.links.iter().find(|(_, links)| links.last() == Some(link));
                if let (PING, Some((peer, _))) = (header[2], to) {
                    *self.asked.entry(*peer).or_default() += 1;
                }
            }
            Output::CloseMailbox { conn } => {
                let mut all = self.remotes.iter_mut().flat_map(Remote::all_mut);
                if let Some(conn) = all.find(|it| it.id == *conn) {
                    conn.closed = true;
                }
            }
            Output::Event(event) => self.event(event),
        }
    }

    /// What comes on a connection is heard in the order in which it came, and once.
    fn event(&mut self, event: &Event) {
        let Some(peer) = event.peer() else { return };
        let Some(text) = event.content().and_then(|content| content.frames().first()) else {
            return;
        };
        let number: usize = str::from_utf8(text).unwrap().parse().unwrap();
        let (by, conn) = self.said[number];
        let last = self.heard.insert(conn, number);
        assert!(last < Some(number), "after {last:?}: {event:?}");
        assert_eq!(by, peer, "{event:?}");
        if self.honest.is_some() && peer == id(HONEST) {
            assert_eq!(conn, ConnId(1), "not its own word: {event:?}");
        }
    }

    /// Nobody is heard on a connection that the engine itself has closed.
    fn assert_closed_is_closed(&self) {
        for (peer, remote) in (0..).zip(&self.remotes) {
            for conn in remote.all().filter(|conn| conn.closed) {
                assert!(!self.engine.hears(id(peer), conn.id), "{:?} was closed", conn.id);
            }
        }
    }

    /// A mailbox connection ends. One that the engine has closed may still say so, or not.
    pub(super) fn lose_mailbox(&mut self, peer: u8, speaker: usize, tell: bool) {
        if self.is_honest(peer, speaker) {
            return;
        }
        if let Some(conn) = self.remotes[usize::from(peer)].lose(speaker)
            && (tell || !conn.closed)
        {
            self.handle(Input::MailboxLost { peer: id(peer), conn: conn.id });
        }
    }

    /// The newest link to a peer, or an older one.
    fn link(&self, peer: u8, nth: u8) -> Option<LinkId> {
        self.links.get(&id(peer))?.iter().rev().nth(usize::from(nth / 64)).copied()
    }

    pub(super) fn link_up(&mut self, peer: u8, nth: u8) {
        if let Some(link) = self.link(peer, nth) {
            self.handle(Input::LinkUp { peer: id(peer), link });
        }
    }

    pub(super) fn link_lost(&mut self, peer: u8, nth: u8, overflow: bool) {
        if let Some(link) = self.link(peer, nth).filter(|_| !self.is_honest(peer, 0)) {
            self.handle(Input::LinkLost { peer: id(peer), link, overflow });
        }
    }

    pub(super) fn pause(&mut self, paused: bool) {
        self.paused = paused;
        self.handle(Input::Paused(paused));
    }
}
