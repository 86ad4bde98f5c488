//! An engine and all that is around it.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::time::Instant;

use testkit::ledger::Numbers;
use testkit::promises::{Promises, endpoint, id};
use zre_proto::{
    Action, ActionError, ConnId, Engine, Event, HostEndpoint, Input, Loss, Output, PeerId,
    UnreachableReason,
};

use super::honest::{HONEST, Honest};
use super::remote::{Conn, Remote};
use super::say::{Say, Words};
use super::setting::NODES;
use super::setting::Setting;

/// What the engine may ask for at once: a few things for each peer, group and event there can be.
const OUTPUTS: usize = 256;
/// What it may take in memory while it handles one input, in bytes, besides what came in.
const WORKING: u64 = 64 * 1024;

pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) now: Instant,
    pub(super) promises: Promises,
    pub(super) remotes: [Remote; NODES as usize],
    pub(super) last_conn: u64,
    /// What was dialled to each node.
    pub(super) dialled: BTreeMap<PeerId, Vec<ConnId>>,
    /// What was dialled to find out who is there, and is still not known.
    pub(super) scouts: Vec<ConnId>,
    /// Names that are being resolved.
    pub(super) names: Vec<HostEndpoint>,
    /// What of that is or was up, and what has ended.
    pub(super) up: BTreeSet<ConnId>,
    pub(super) ended: BTreeSet<ConnId>,
    /// PINGs that were sent to each node and not answered.
    pub(super) asked: BTreeMap<PeerId, usize>,
    /// The sender and connection of each content, which is its own index.
    pub(super) said: Vec<(PeerId, ConnId)>,
    /// What was heard of each connection.
    pub(super) heard: BTreeMap<ConnId, Numbers>,
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
    /// Whether what happens is printed.
    pub(super) traces: bool,
}

impl World {
    pub(super) fn new(chosen: [u8; 4]) -> Self {
        let setting = Setting::new(chosen);
        let two_way = setting.two_way;
        let own = setting.config.id;
        let start = Instant::now();
        let mut world = Self {
            engine: Engine::new(setting.config).expect("short names"),
            now: start,
            promises: Promises::new(own),
            remotes: Default::default(),
            last_conn: 0,
            dialled: BTreeMap::new(),
            scouts: Vec::new(),
            names: Vec::new(),
            up: BTreeSet::new(),
            ended: BTreeSet::new(),
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
            if two_way {
                world.accept(HONEST, 0);
            } else {
                world.handle(Input::Candidate { peer: id(HONEST), endpoint: endpoint(HONEST) });
                world.link_up(HONEST, 0, None);
            }
            world.speak(HONEST, 0, &Words::plain(Say::Hello));
            assert!(world.is_present(HONEST));
            let speaks_on = world.remotes[usize::from(HONEST)].all().next().map(|conn| conn.id);
            let hears_on = world.engine.speaks_on(id(HONEST));
            if let Some(honest) = &mut world.honest {
                (honest.speaks_on, honest.hears_on) = (speaks_on, hears_on);
            }
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
                (header.len() + content.byte_len()) as u64
            }
            _ => 0,
        };
        self.drive(came, |engine, now| {
            engine.handle(now, input);
            Ok(())
        });
    }

    pub(super) fn request(&mut self, action: Action<'_>) {
        if self.traces {
            println!("{:?} {action:?}", self.now - self.start);
        }
        self.drive(0, |engine, now| engine.act(now, action));
    }

    pub(super) fn time_out(&mut self) {
        if self.traces {
            println!("{:?} timeout", self.now - self.start);
        }
        self.drive(0, |engine, now| {
            engine.handle_timeout(now);
            Ok(())
        });
    }

    /// Tells the engine something of which `came` bytes came from the network.
    fn drive(
        &mut self,
        came: u64,
        work: impl FnOnce(&mut Engine, Instant) -> Result<(), ActionError>,
    ) {
        let mut refused = false;
        let memory = allocation_counter::measure(|| {
            refused = work(&mut self.engine, self.now).is_err();
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
            Output::Connect { peer, conn, .. } => {
                self.dialled.entry(*peer).or_default().push(*conn);
            }
            Output::Scout { conn, .. } => self.scouts.push(*conn),
            Output::Identified { conn, peer } => {
                self.scouts.retain(|scout| scout != conn);
                self.dialled.entry(*peer).or_default().push(*conn);
            }
            Output::Resolve { endpoint } => self.names.push(endpoint.clone()),
            Output::Send { conn, header, .. } => {
                self.sent += 1;
                const HELLO: u8 = 1;
                const PING: u8 = 6;
                let Some(peer) = self.promises.peer(*conn) else { return };
                match header[2] {
                    HELLO => drop(self.asked.remove(&peer)),
                    PING => *self.asked.entry(peer).or_default() += 1,
                    _ => {}
                }
            }
            Output::Close { conn } => {
                self.scouts.retain(|scout| scout != conn);
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
        if let Err(disorder) = self.heard.entry(conn).or_default().later(number as u64) {
            panic!("{disorder}: {event:?}");
        }
        assert_eq!(by, peer, "{event:?}");
        if let Some(honest) = self.honest.as_ref().filter(|_| peer == id(HONEST)) {
            let own = honest.speaks_on.is_none_or(|own| own == conn);
            assert!(own, "not its own word: {event:?}");
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

    /// A connection on which a peer can speak ends. One that the engine has closed may still say
    /// so, or not.
    pub(super) fn lose_mailbox(&mut self, peer: u8, speaker: usize, tell: bool) {
        if self.is_honest(peer, speaker) {
            return;
        }
        if let Some(conn) = self.remotes[usize::from(peer)].lose(speaker)
            && (tell || !conn.closed)
        {
            self.ended.insert(conn.id);
            self.handle(Input::Lost { peer: id(peer), conn: conn.id, why: Loss::Ended });
        }
    }

    /// A speaker in the name of a peer connects, for both directions.
    pub(super) fn accept(&mut self, peer: u8, speaker: usize) {
        if self.is_honest(peer, speaker) && self.is_present(peer) {
            return;
        }
        self.lose_mailbox(peer, speaker, false);
        self.last_conn += 1;
        let conn = ConnId::Accepted(self.last_conn);
        self.connected(peer, conn, Some(speaker));
    }

    /// A connection is up: for both directions, if a speaker has it.
    fn connected(&mut self, peer: u8, conn: ConnId, speaker: Option<usize>) {
        if let Some(speaker) = speaker {
            self.remotes[usize::from(peer)].connect(speaker, Conn::new(conn, true));
        }
        self.up.insert(conn);
        let (peer, two_way, own_endpoint) = (id(peer), speaker.is_some(), self.engine.endpoint());
        self.handle(Input::Connected { peer, conn, two_way, own_endpoint });
    }

    /// A scout has found a peer: the mailbox says so, or does not say whose it is; or it is no more.
    pub(super) fn scout(&mut self, peer: u8, speaker: usize, how: u8) {
        let own_endpoint = self.engine.endpoint();
        let nth = usize::from(how / 4);
        let Some(place) = nth.checked_rem(self.scouts.len()) else { return };
        let conn = self.scouts[place];
        match how % 4 {
            0 if self.up.insert(conn) => self.handle(Input::ScoutUp { conn, own_endpoint }),
            0 | 1 => {
                self.scouts.remove(place);
                self.ended.insert(conn);
                let refused = Loss::Failed(UnreachableReason::Refused);
                let why = if self.up.contains(&conn) { Loss::Ended } else { refused };
                self.handle(Input::ScoutLost { conn, why });
            }
            two_way if !self.is_honest(peer, speaker) && !self.up.contains(&conn) => {
                self.scouts.remove(place);
                self.dialled.entry(id(peer)).or_default().push(conn);
                let speaker = (two_way == 2).then_some(speaker);
                if let Some(speaker) = speaker {
                    self.lose_mailbox(peer, speaker, false);
                }
                // What was heard meanwhile may have ended it.
                if self.promises.is_open(conn) {
                    self.connected(peer, conn, speaker);
                }
            }
            _ => {}
        }
    }

    /// A name has these addresses, or none.
    pub(super) fn resolved(&mut self, places: [u8; 2], how: u8) {
        let Some(name) = self.names.pop() else { return };
        let addresses = places.map(|place| endpoint(place % NODES));
        let addresses = &addresses[..usize::from(how % 3)];
        self.handle(Input::Resolved { endpoint: &name, addresses });
    }

    /// The newest dial to a peer, or an older one, if it has not ended.
    fn dial(&self, peer: u8, nth: u8) -> Option<ConnId> {
        let conn = *self.dialled.get(&id(peer))?.iter().rev().nth(usize::from(nth / 64))?;
        (!self.ended.contains(&conn)).then_some(conn)
    }

    /// A dial is up, perhaps after it was given up; if a speaker has it, for both directions.
    pub(super) fn link_up(&mut self, peer: u8, nth: u8, speaker: Option<usize>) {
        let Some(conn) = self.dial(peer, nth).filter(|conn| !self.up.contains(conn)) else {
            return;
        };
        if let Some(speaker) = speaker {
            let open = self.promises.dialled().any(|(_, dialled)| dialled == conn);
            if !open || self.is_honest(peer, speaker) {
                return;
            }
            self.lose_mailbox(peer, speaker, false);
        }
        self.connected(peer, conn, speaker);
    }

    pub(super) fn link_lost(&mut self, peer: u8, nth: u8, overflow: bool) {
        if let Some(conn) = self.dial(peer, nth).filter(|_| !self.is_honest(peer, 0)) {
            self.lose(peer, conn, overflow);
        }
    }

    /// A connection that was dialled ends.
    fn lose(&mut self, peer: u8, conn: ConnId, overflow: bool) {
        self.ended.insert(conn);
        let remote = &mut self.remotes[usize::from(peer)];
        if let Some(speaker) = remote.speaker(conn) {
            remote.lose(speaker);
        }
        let why = match self.up.contains(&conn) {
            true if overflow => Loss::Overflow,
            true => Loss::Ended,
            false => Loss::Failed(UnreachableReason::NoAnswer),
        };
        self.handle(Input::Lost { peer: id(peer), conn, why });
    }

    /// Nobody is reached any more.
    pub(super) fn fail_all_dials(&mut self) {
        for peer in 0..NODES {
            let dials = self.dialled.get(&id(peer)).cloned().unwrap_or_default();
            for conn in dials {
                if !self.up.contains(&conn) && !self.ended.contains(&conn) {
                    self.lose(peer, conn, false);
                }
            }
        }
        for conn in std::mem::take(&mut self.scouts) {
            self.ended.insert(conn);
            let refused = Loss::Failed(UnreachableReason::Refused);
            let why = if self.up.contains(&conn) { Loss::Ended } else { refused };
            self.handle(Input::ScoutLost { conn, why });
        }
    }

    /// Nothing can be sent any more on a two-way connection.
    pub(super) fn break_conn(&mut self, peer: u8, speaker: usize) {
        if self.is_honest(peer, speaker) {
            return;
        }
        let conn = self.remotes[usize::from(peer)].conn_mut(speaker);
        let Some(conn) = conn.filter(|conn| conn.two_way && !conn.closed && !conn.broken) else {
            return;
        };
        conn.broken = true;
        let conn = conn.id;
        self.handle(Input::Broken { peer: id(peer), conn });
    }

    /// Bytes have moved on the connection of a speaker, and on the one that the peer is spoken to.
    pub(super) fn progress(&mut self, peer: u8, speaker: usize, [received, sent]: [bool; 2]) {
        let spoken_to = self.engine.speaks_on(id(peer));
        let heard = self.remotes[usize::from(peer)].conn_mut(speaker).map(|conn| conn.id);
        for conn in heard.into_iter().chain(spoken_to) {
            self.handle(Input::Progress { peer: id(peer), conn, received, sent });
        }
    }

    pub(super) fn pause(&mut self, paused: bool) {
        self.paused = paused;
        self.handle(Input::Paused(paused));
    }
}
