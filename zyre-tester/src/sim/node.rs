//! One node: an engine, its connections, its application; and what happens to it.
//!
//! It does with the outputs of the engine what the driver of the `zyre` crate does.

mod application;
mod conn;
mod dials;
mod endings;
mod keys;
mod traffic;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use zre_proto::driver_times::{FLUSH_TIMEOUT, PAUSE_AFTER_GOODBYE, PAUSE_BEFORE_GOODBYE};
use zre_proto::{
    Action, ActionError, Beacon, ConnId, Content, Endpoint, Engine, Event, Header, Input,
    InterfaceId, Loss, Output, PeerId, PublicKey, UnreachableReason,
};

use self::conn::{Conn, Conns, Stage, lost};
use super::app::App;
use super::chance::{Chance, MILLION};
use super::counts::Counts;
use super::digest::Digest;
use super::gate::Gate;
use super::identity;
use super::net::Net;
use super::post::Post;
use super::queue::{Entry, Happening, Queue};
use super::rules::Rules;
use super::segment::{NodeRef, Segment};
use super::time::{Micros, SECOND};
use super::trace::Trace;

/// How long a stop waits for links to send what was accepted.
const FLUSH: Micros = FLUSH_TIMEOUT.as_micros() as Micros;
/// Between the last message and the goodbye beacon.
const LAST_WORDS: Micros = PAUSE_BEFORE_GOODBYE.as_micros() as Micros;
/// Between the goodbye beacon and the end of the links.
const GOODBYE: Micros = PAUSE_AFTER_GOODBYE.as_micros() as Micros;
/// What becomes of a connection is decided by then.
const MEETING: Micros = 5 * SECOND;

/// What a node needs of the world while it runs.
pub(super) struct World<'a> {
    pub(super) net: &'a Net,
    pub(super) rules: &'a Rules,
    pub(super) post: &'a mut Post,
}

/// What waits for an application that does not take its events.
enum Held {
    Message { conn: ConnId, header: Header, content: Content },
    Ended { conn: ConnId },
}

/// One node, or the place of one that is not running.
pub(super) struct Node {
    pub(super) me: NodeRef,
    pub(super) id: PeerId,
    pub(super) engine: Option<Engine>,
    pub(super) app: App,
    /// What its connections prove, if it is a secure one.
    key: Option<PublicKey>,
    gate: Gate,
    /// Whose message the engine is being told, and the key by which it came.
    speaks: Option<(PeerId, Option<PublicKey>)>,
    conns: Conns,
    /// Connections that have not brought a HELLO yet, and until when they may.
    fresh: VecDeque<(Micros, ConnId)>,
    /// What could not be sent for a blockade, and when it may arrive at the earliest: beginnings
    /// and ends of connections.
    delayed: Vec<(Micros, Segment)>,
    held: VecDeque<Held>,
    /// The application does not take its events.
    pub(super) asleep: bool,
    /// Until then the process does not run at all.
    suspended: Micros,
    /// When the application has last begun to take its events again.
    woken: Micros,
    pub(super) queue: Queue,
    pub(super) now: Micros,
    chance: Chance,
    pub(super) digest: Digest,
    pub(super) counts: Counts,
    /// Events that the application has not taken yet, and when they came.
    events: VecDeque<(Micros, Event)>,
    /// When the next deadline of the engine is in the queue.
    armed: Micros,
    ties: u64,
    stopping: bool,
}

impl Node {
    /// A place without a node.
    pub(super) fn empty(slot: u32, rules: &Rules) -> Self {
        let id = PeerId::new([0; 16]);
        Self {
            me: NodeRef { slot, life: 0, generation: 0 },
            id,
            engine: None,
            app: App::new(id, 0, rules.history),
            key: None,
            gate: Gate::default(),
            speaks: None,
            conns: Conns::default(),
            fresh: VecDeque::new(),
            delayed: Vec::new(),
            held: VecDeque::new(),
            asleep: false,
            suspended: 0,
            woken: 0,
            queue: Queue::default(),
            now: 0,
            chance: Chance::of(rules.seed, 1, slot.into()),
            digest: Digest::START,
            counts: Counts::default(),
            events: VecDeque::new(),
            armed: Micros::MAX,
            ties: 0,
            stopping: false,
        }
    }

    /// Starts an engine here.
    pub(super) fn start(&mut self, me: NodeRef, engine: Engine, app: App, world: &mut World<'_>) {
        self.halt();
        self.me = me;
        self.key = world.net.key(me.slot);
        self.gate = Gate::default();
        self.id = engine.id();
        self.engine = Some(engine);
        self.counts.nodes += 1;
        self.app = app;
        self.conns.reserve(world.net.places.len());
        let life = me.life;
        let phase = self.chance.below(SECOND);
        self.later(phase, Happening::Second { life });
        self.beat(world);
    }

    /// The process is no more.
    pub(super) fn halt(&mut self) {
        if let Some(engine) = self.engine.take() {
            self.counts.add_engine(&engine.stats());
        }
        self.conns = Conns::default();
        self.app.end();
        self.fresh.clear();
        self.delayed.clear();
        self.held.clear();
        self.events.clear();
        self.asleep = false;
        self.suspended = 0;
        self.woken = 0;
        self.stopping = false;
        self.armed = Micros::MAX;
    }

    /// Does all that is due before `until`.
    pub(super) fn run(&mut self, until: Micros, world: &mut World<'_>) {
        while let Some(entry) = self.queue.pop_before(until) {
            if entry.at < self.suspended {
                self.put_off(entry);
                continue;
            }
            self.now = entry.at;
            self.happen(entry, world);
            if !self.events.is_empty() {
                self.run_app(world);
            }
        }
    }

    /// A process that does not run finds later what has happened meanwhile.
    fn put_off(&mut self, entry: Entry) {
        if entry.what == Happening::Time && self.armed == entry.at {
            self.armed = self.suspended;
        }
        self.queue.push(Entry { at: self.suspended, ..entry });
    }

    fn happen(&mut self, entry: Entry, world: &mut World<'_>) {
        let here = |life: u32| life == self.me.life && self.engine.is_some();
        match entry.what {
            Happening::Time if self.armed == entry.at => {
                self.armed = Micros::MAX;
                self.time_out(world);
            }
            Happening::Beacon { datagram } => self.heard(datagram, world),
            Happening::Arrive { segment } => {
                if let Some(segment) = self.queue.segment(segment) {
                    self.arrive(segment, world);
                }
            }
            Happening::Beat { life } if here(life) && !self.stopping => self.beat(world),
            Happening::Second { life } if here(life) => {
                self.later(SECOND, Happening::Second { life });
                self.each_second(world);
            }
            Happening::Redial { id, life } if here(life) => self.dial(id, world),
            Happening::Refused { id, life } if here(life) => {
                self.fail(id, UnreachableReason::Refused, world);
            }
            Happening::DialOver { id, life } if here(life) => {
                self.fail(id, UnreachableReason::NoAnswer, world);
            }
            Happening::Through { id, life } if here(life) => self.through(id, world),
            Happening::Lost { id, life } if here(life) => self.end_of_reading(id, world),
            Happening::Told { of } => self.require(of, world),
            Happening::Goodbye { life } if here(life) => {
                let goodbye = world.net.place(self.me.slot).goodbye;
                self.broadcast(goodbye, world);
                self.later(GOODBYE, Happening::End { life });
            }
            Happening::End { life } if here(life) => {
                self.hang_up_all(world);
                self.halt();
            }
            Happening::GiveUp { fault, cut } if world.net.lasting.contains(&fault) => {
                self.lose_cut_off(cut, world);
            }
            Happening::Resume => self.resume(world),
            Happening::Break { with } => self.break_with(with, world),
            Happening::Wake { life } if here(life) => self.wake(world),
            _ => {}
        }
    }

    /// The process ends: all its connections are reset.
    pub(super) fn crash(&mut self, now: Micros, world: &mut World<'_>) {
        self.now = now;
        self.hang_up_all(world);
        self.halt();
    }

    /// The application stops the node. What has no more to send on a connection ends it.
    pub(super) fn stop(&mut self, now: Micros, world: &mut World<'_>) {
        self.now = now;
        // An engine that runs does not refuse to stop.
        let _ = self.act(Action::Stop, world);
        self.stopping = true;
        let speaks = |conn: &Conn| conn.spoke || conn.stage == Stage::Opening;
        for id in self.conns.those(|conn| speaks(conn) && conn.waiting.is_empty()) {
            self.hang_up(id, world);
        }
        let flushed = self.conns.those(speaks).is_empty();
        let wait = LAST_WORDS + if flushed { 0 } else { FLUSH };
        self.later(wait, Happening::Goodbye { life: self.me.life });
    }

    /// The host has another address, which the driver has seen. If it is `seen` that connections to
    /// the old one are dead, they are lost at once.
    pub(super) fn moved(
        &mut self,
        now: Micros,
        endpoint: Endpoint,
        seen: bool,
        world: &mut World<'_>,
    ) {
        self.now = now;
        let first = self.chance.hit(MILLION / 2);
        if seen && first {
            self.lose_all(world);
        }
        self.me.generation = world.net.place(self.me.slot).generation;
        self.tell(Input::Moved(endpoint), world);
        let place = world.net.place(self.me.slot);
        self.broadcast(place.goodbye, world);
        self.broadcast(place.beacon, world);
        if seen && !first {
            self.lose_all(world);
        }
        self.run_app(world);
    }

    /// Whether the node runs no more, or is about to.
    pub(super) const fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// Whether the node runs, and is not about to stop.
    pub(super) const fn runs(&self) -> bool {
        self.engine.is_some() && !self.stopping
    }

    /// Whether the node takes part in anything now.
    pub(super) const fn is_awake(&self, now: Micros) -> bool {
        !self.asleep && self.suspended <= now
    }

    /// Since when the node takes part in everything, if it does now.
    pub(super) fn awake_since(&self) -> Micros {
        self.suspended.max(self.woken)
    }

    /// When the last thing that was sent to a peer arrives there, or has; never, if it cannot pass.
    pub(super) fn last_arrival(&self, peer: PeerId) -> Micros {
        let conns = self.conns.iter().filter(|(_, conn)| conn.peer == Some(peer));
        let arrival = |conn: &Conn| if conn.waiting.is_empty() { conn.last } else { Micros::MAX };
        conns.map(|(_, conn)| arrival(conn)).max().unwrap_or(0)
    }

    /// Whether the process runs now.
    pub(super) const fn is_running(&self, now: Micros) -> bool {
        self.suspended <= now
    }

    /// The process does not run until then.
    pub(super) fn suspend(&mut self, until: Micros) {
        self.suspended = self.suspended.max(until);
    }

    /// Adds what there is now to what was counted.
    pub(super) fn count(&self, counts: &mut Counts) {
        counts.add(&self.counts);
        if let Some(engine) = &self.engine {
            counts.add_engine(&engine.stats());
            let peers: BTreeSet<PeerId> = engine.peers().collect();
            let known = |conn: &Conn| conn.peer.is_some_and(|peer| peers.contains(&peer));
            let connected = self.conns.iter().filter(|(_, conn)| known(conn));
            counts.present += peers.len() as u64;
            counts.connections += connected.count() as u64;
        }
    }

    /// How many connections there are with each peer, and how many of them are not quite new.
    pub(super) fn connections(&self, now: Micros) -> BTreeMap<PeerId, (usize, usize)> {
        let mut connections: BTreeMap<PeerId, (usize, usize)> = BTreeMap::new();
        for (_, conn) in self.conns.iter() {
            let Some(peer) = conn.peer else { continue };
            let (all, lasting) = connections.entry(peer).or_default();
            *all += 1;
            *lasting += usize::from(now > conn.opened + MEETING);
        }
        connections
    }

    /// Happens after a delay.
    fn later(&mut self, delay: Micros, what: Happening) {
        self.at(self.now + delay, what);
    }

    pub(super) fn at(&mut self, at: Micros, what: Happening) {
        let tie = self.tie();
        self.queue.push(Entry { at, tie, what });
    }

    fn tie(&mut self) -> u64 {
        self.ties += 1;
        u64::from(self.me.slot) << 40 | self.ties
    }

    /// The node sends its beacon, and does what its driver does once a second.
    fn beat(&mut self, world: &mut World<'_>) {
        self.later(SECOND, Happening::Beat { life: self.me.life });
        let place = world.net.place(self.me.slot);
        let says_goodbye = place.claim.is_some_and(|claim| claim.lie.says_goodbye());
        let goodbye = says_goodbye && self.now / SECOND % 2 == 1;
        self.broadcast(if goodbye { place.goodbye } else { place.beacon }, world);
        self.close_useless(world);
    }

    fn broadcast(&mut self, datagram: u32, world: &mut World<'_>) {
        let net = world.net;
        let from = self.me.slot;
        if net.place(from).site.quiet {
            return;
        }
        self.counts.beacons += 1;
        for (to, place) in (0..).zip(&net.places) {
            if !place.alive || to == from || !net.hears(from, to) {
                continue;
            }
            if self.chance.hit(net.terms.loss) {
                self.counts.beacons_lost += 1;
                continue;
            }
            let copies = 1 + u32::from(self.chance.hit(net.terms.doubled));
            for _ in 0..copies {
                let mut delay = net.datagram_delay(&mut self.chance);
                if self.chance.hit(net.terms.late) {
                    delay += self.chance.below(2 * SECOND);
                }
                let what = Happening::Beacon { datagram };
                let entry = Entry { at: self.now + delay, tie: self.tie(), what };
                world.post.entry(to, entry);
            }
        }
    }

    /// A datagram has come.
    fn heard(&mut self, datagram: u32, world: &mut World<'_>) {
        if self.engine.is_none() || world.net.place(self.me.slot).vanished {
            return;
        }
        self.counts.beacons_heard += 1;
        let Some(datagram) = world.net.datagrams.get(datagram as usize) else { return };
        let Ok(mut beacon) = Beacon::decode(&datagram.bytes) else { return };
        let from = datagram.slot;
        // One without a key is for the engine to count.
        if world.net.is_mute(self.me.slot)
            || (beacon.public_key.is_some()
                && !self.lets_in(from, Some(beacon.peer), beacon.public_key, world))
        {
            self.counts.strangers += 1;
            return;
        }
        let mut source = datagram.source;
        if world.net.place(datagram.slot).site.nat.is_some() {
            let told = world.net.told(datagram.slot, self.me.slot).address();
            source = told.ip();
            if !beacon.is_goodbye() {
                beacon.port = told.port();
            }
        }
        let source = SocketAddr::new(source, zyre::BEACON_PORT);
        self.tell(Input::Beacon { beacon, source, interface: InterfaceId(1) }, world);
    }

    /// A node that hears no beacons is told of another one by its application.
    fn require(&mut self, of: u32, world: &mut World<'_>) {
        let place = world.net.place(of);
        if of == self.me.slot || !place.alive || !self.runs() {
            return;
        }
        let peer = identity::of(world.rules.seed, of, place.life);
        let endpoint = world.net.told(of, self.me.slot).with_key(world.net.key(of));
        // Some know the id, and some only the place.
        let action = if (of ^ self.me.slot).is_multiple_of(2) {
            Action::Require { peer, endpoint }
        } else {
            Action::RequireEndpoint { endpoint: endpoint.into(), peer: None }
        };
        // The limits are far away.
        let _ = self.act(action, world);
    }

    /// Tells the engine what has happened on the network.
    pub(super) fn tell(&mut self, input: Input<'_>, world: &mut World<'_>) {
        let Some(engine) = &mut self.engine else { return };
        self.counts.inputs += 1;
        self.digest.word(self.now);
        self.digest.input(&input);
        world.rules.trace.input(self.me, self.now, &input);
        engine.handle(world.net.instant(self.now), input);
        self.carry_out_all(world);
    }

    /// Tells the engine that a deadline has come.
    fn time_out(&mut self, world: &mut World<'_>) {
        self.tell_progress(world);
        let Some(engine) = &mut self.engine else { return };
        self.counts.inputs += 1;
        self.digest.word(self.now);
        self.digest.timeout();
        engine.handle_timeout(world.net.instant(self.now));
        self.carry_out_all(world);
    }

    /// Tells the engine what the application wants.
    pub(super) fn act(
        &mut self,
        action: Action<'_>,
        world: &mut World<'_>,
    ) -> Result<(), ActionError> {
        let Some(engine) = &mut self.engine else { return Err(ActionError::Stopped) };
        self.counts.inputs += 1;
        self.digest.word(self.now);
        self.digest.action(&action);
        engine.act(world.net.instant(self.now), action)?;
        self.carry_out_all(world);
        Ok(())
    }

    /// Does what the engine says, as the driver does.
    fn carry_out_all(&mut self, world: &mut World<'_>) {
        let now = world.net.instant(self.now);
        let mut full = VecDeque::new();
        loop {
            while let Some(output) = self.engine.as_mut().and_then(Engine::poll_output) {
                if let Some((peer, conn)) = self.carry_out(output, world) {
                    full.push_back((peer, conn));
                }
            }
            let Some((peer, conn)) = full.pop_front() else { break };
            let overflow = lost(peer, conn, Loss::Overflow);
            if let Some(engine) = &mut self.engine {
                engine.handle(now, overflow);
            }
        }
        self.arm(world.net);
    }

    fn arm(&mut self, net: &Net) {
        let next = self.engine.as_ref().and_then(Engine::next_deadline);
        if let Some(next) = next.map(|next| net.micros(next).max(self.now))
            && next < self.armed
        {
            self.armed = next;
            self.at(next, Happening::Time);
        }
    }

    /// Does one thing. Returns the connection if its queue is full.
    fn carry_out(
        &mut self,
        output: Output,
        world: &mut World<'_>,
    ) -> Option<(Option<PeerId>, ConnId)> {
        if world.rules.trace.is_on(self.me) {
            let peer = Trace::conn(&output).and_then(|id| self.conns.get(id)?.peer);
            world.rules.trace.output(self.me, self.now, peer, &output);
        }
        match output {
            Output::Send { conn, header, content } => {
                return self.send(conn, header, content, world);
            }
            Output::Event(event) => {
                self.gate.note(self.now, &event);
                self.check_keys(&event, world);
                self.digest.event(&event);
                self.events.push_back((self.now, event));
            }
            Output::Connect { peer, conn, endpoint, .. } => {
                self.open(Some(peer), conn, endpoint, world);
            }
            Output::Scout { conn, endpoint, .. } => self.open(None, conn, endpoint, world),
            Output::Identified { conn, peer } => {
                let conn = self.conns.get_mut(conn).into_iter();
                conn.for_each(|conn| conn.peer = Some(peer));
            }
            Output::Close { conn } => self.hang_up(conn, world),
            // Nobody is required here by a name.
            Output::Resolve { .. } => {}
        }
        None
    }

    /// What this node's ledger calls now.
    const fn elapsed(&self) -> Duration {
        Duration::from_micros(self.now)
    }
}
