//! One node: an engine, its connections, its application; and what happens to it.
//!
//! It does with the outputs of the engine what the driver of the `zyre` crate does.

use std::collections::VecDeque;
use std::time::Duration;

use zre_proto::{
    Action, Beacon, ConnId, Content, Endpoint, Engine, Event, Header, Input, LinkId, Output,
    PeerId, Refused,
};

use super::app::App;
use super::chance::{Chance, Digest};
use super::counts::Counts;
use super::mailbox::Conn;
use super::net::{Net, Reach};
use super::queue::{Entry, Happening, MILLI, Micros, Queue, SECOND};
use super::rules::Rules;
use super::segment::{Body, Party, Post, Segment};
use super::wire::Wire;

/// As the driver of the `zyre` crate: how long a stop waits for links to send what was accepted.
const FLUSH: Micros = SECOND;
/// As the driver: between the last message and the goodbye beacon.
const LAST_WORDS: Micros = 10 * MILLI;
/// As the driver: between the goodbye beacon and the end of the links.
const GOODBYE: Micros = 5 * MILLI;

/// What a node needs of the world while it runs.
pub(super) struct World<'a> {
    pub(super) net: &'a Net,
    pub(super) rules: &'a Rules,
    pub(super) post: &'a mut Post,
}

/// What waits for an application that does not take its events.
pub(super) enum Held {
    Message { conn: u32, header: Header, content: Content },
    Hangup { conn: u32 },
}

/// One node, or the place of one that is not running.
pub(super) struct Node {
    pub(super) party: Party,
    pub(super) id: PeerId,
    pub(super) engine: Option<Engine>,
    pub(super) app: App,
    pub(super) wires: Vec<Wire>,
    pub(super) conns: Vec<Conn>,
    /// Connections that have not brought a HELLO yet, and until when they may.
    pub(super) fresh: VecDeque<(Micros, u32)>,
    /// What could not be sent for a blockade: ends of connections.
    pub(super) delayed: Vec<Segment>,
    pub(super) held: VecDeque<Held>,
    pub(super) asleep: bool,
    pub(super) queue: Queue,
    pub(super) now: Micros,
    pub(super) chance: Chance,
    pub(super) digest: Digest,
    pub(super) counts: Counts,
    pub(super) events: VecDeque<Event>,
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
            party: Party { slot, life: 0, generation: 0 },
            id,
            engine: None,
            app: App::new(id, 0, rules),
            wires: Vec::new(),
            conns: Vec::new(),
            fresh: VecDeque::new(),
            delayed: Vec::new(),
            held: VecDeque::new(),
            asleep: false,
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
    pub(super) fn start(&mut self, party: Party, engine: Engine, app: App, world: &mut World<'_>) {
        self.halt();
        self.party = party;
        self.id = engine.id();
        self.engine = Some(engine);
        self.counts.nodes += 1;
        self.app = app;
        self.wires.reserve(world.net.places.len());
        self.conns.reserve(world.net.places.len());
        let life = party.life;
        let phase = self.chance.below(SECOND);
        self.later(phase, Happening::Second { life });
        self.beat(world);
    }

    /// The process is no more.
    pub(super) fn halt(&mut self) {
        if let Some(engine) = self.engine.take() {
            self.counts.add_engine(&engine.stats());
        }
        self.wires = Vec::new();
        self.conns = Vec::new();
        self.app.end();
        self.fresh.clear();
        self.delayed.clear();
        self.held.clear();
        self.events.clear();
        self.asleep = false;
        self.stopping = false;
        self.armed = Micros::MAX;
    }

    /// Does all that is due before `until`.
    pub(super) fn run(&mut self, until: Micros, world: &mut World<'_>) {
        while let Some(entry) = self.queue.pop_before(until) {
            self.now = entry.at;
            self.happen(entry, world);
            if !self.events.is_empty() {
                self.run_app(world);
            }
        }
    }

    fn happen(&mut self, entry: Entry, world: &mut World<'_>) {
        let here = |life: u32| life == self.party.life && self.engine.is_some();
        match entry.what {
            Happening::Time if self.armed == entry.at => {
                self.armed = Micros::MAX;
                self.tell(Input::Time, world);
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
            Happening::Redial { link, life } if here(life) => self.dial(link, world),
            Happening::Goodbye { life } if here(life) => {
                let goodbye = world.net.place(self.party.slot).goodbye;
                self.broadcast(goodbye, world);
                self.later(GOODBYE, Happening::End { life });
            }
            Happening::End { life } if here(life) => {
                self.hang_up_all(world);
                self.halt();
            }
            Happening::GiveUp { fault } if world.net.lasting.contains(&fault) => {
                self.lose_cut_off(world);
            }
            Happening::DialsGiveUp => self.lose_dials(world),
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

    /// The application stops the node.
    pub(super) fn stop(&mut self, now: Micros, world: &mut World<'_>) {
        self.now = now;
        // An engine that runs does not refuse to stop.
        let _ = self.act(Action::Stop, world);
        self.stopping = true;
        let flushed = self.wires.iter().all(|wire| wire.ended || wire.waiting.is_empty());
        let wait = LAST_WORDS + if flushed { 0 } else { FLUSH };
        self.later(wait, Happening::Goodbye { life: self.party.life });
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
        let first = self.chance.hit(super::chance::MILLION / 2);
        if seen && first {
            self.lose_all(world);
        }
        self.party.generation = world.net.place(self.party.slot).generation;
        self.tell(Input::Moved(endpoint), world);
        let beacon = world.net.place(self.party.slot).beacon;
        self.broadcast(beacon, world);
        if seen && !first {
            self.lose_all(world);
        }
        self.run_app(world);
    }

    /// Whether the node runs no more, or is about to.
    pub(super) const fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// Happens so much later.
    pub(super) fn later(&mut self, delay: Micros, what: Happening) {
        self.at(self.now + delay, what);
    }

    pub(super) fn at(&mut self, at: Micros, what: Happening) {
        let tie = self.tie();
        self.queue.push(Entry { at, tie, what });
    }

    pub(super) fn tie(&mut self) -> u64 {
        self.ties += 1;
        u64::from(self.party.slot) << 40 | self.ties
    }

    /// The node sends its beacon, and does what its driver does once a second.
    fn beat(&mut self, world: &mut World<'_>) {
        self.later(SECOND, Happening::Beat { life: self.party.life });
        let beacon = world.net.place(self.party.slot).beacon;
        self.broadcast(beacon, world);
        self.close_useless(world);
    }

    fn broadcast(&mut self, datagram: u32, world: &mut World<'_>) {
        let net = world.net;
        let from = self.party.slot;
        self.counts.beacons += 1;
        let open = net.partitions.is_empty();
        for (to, place) in (0..).zip(&net.places) {
            if !place.alive || to == from || !(open || net.hears(from, to)) {
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
        if self.engine.is_none() || world.net.place(self.party.slot).vanished {
            return;
        }
        self.counts.beacons_heard += 1;
        let Some(datagram) = world.net.datagrams.get(datagram as usize) else { return };
        let Ok(beacon) = Beacon::decode(&datagram.octets) else { return };
        let peer = beacon.peer;
        let input = if beacon.is_goodbye() {
            Input::Goodbye { peer }
        } else {
            let endpoint = Endpoint::new((datagram.source, beacon.port).into());
            Input::Candidate { peer, endpoint }
        };
        self.tell(input, world);
    }

    /// An input that cannot be refused.
    pub(super) fn tell(&mut self, input: Input<'_>, world: &mut World<'_>) {
        // Only actions are refused.
        let _ = self.input(input, world);
    }

    /// What the application wants.
    pub(super) fn act(&mut self, action: Action<'_>, world: &mut World<'_>) -> Result<(), Refused> {
        self.input(Input::Action(action), world)
    }

    /// Hands one input to the engine and does what it says, as the driver does.
    fn input(&mut self, input: Input<'_>, world: &mut World<'_>) -> Result<(), Refused> {
        let Some(engine) = &mut self.engine else { return Err(Refused::Stopped) };
        let now = world.net.instant(self.now);
        self.counts.inputs += 1;
        self.digest.word(self.now);
        self.digest.input(&input);
        engine.handle(now, input)?;
        let mut full = VecDeque::new();
        loop {
            while let Some(output) = self.engine.as_mut().and_then(Engine::poll_output) {
                if let Some((peer, link)) = self.carry_out(output, world) {
                    full.push_back((peer, link));
                }
            }
            let Some((peer, link)) = full.pop_front() else { break };
            let overflow = Input::LinkLost { peer, link, overflow: true };
            if let Some(engine) = &mut self.engine {
                engine.handle(now, overflow)?;
            }
        }
        self.arm(world.net);
        Ok(())
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

    /// Does one thing. Returns the link if its queue is full.
    fn carry_out(&mut self, output: Output, world: &mut World<'_>) -> Option<(PeerId, LinkId)> {
        match output {
            Output::Send { link, header, content } => {
                return self.send(link, header, content, world);
            }
            Output::Event(event) => {
                self.digest.event(&event);
                self.events.push_back(event);
            }
            Output::Connect { peer, link, endpoint } => self.open(peer, link, endpoint, world),
            Output::CloseLink { link } => self.close_link(link, world),
            Output::CloseMailbox { conn } => self.close_mailbox(conn, world),
        }
        None
    }

    /// Sends something that is not content: if it cannot pass now, then when it can.
    pub(super) fn control(
        &mut self,
        generation: u8,
        to: Party,
        not_before: Micros,
        body: Body,
        world: &mut World<'_>,
    ) -> Micros {
        let segment = Segment { from: Party { generation, ..self.party }, to, body };
        match world.net.reach(segment.from, to) {
            Reach::Open => {
                let arrival = self.now + world.net.segment_delay(&mut self.chance);
                let arrival = arrival.max(not_before);
                let tie = self.tie();
                world.post.segment(arrival, tie, segment);
                arrival
            }
            Reach::Blocked => {
                self.delayed.push(segment);
                not_before
            }
            Reach::Never => not_before,
        }
    }

    /// What this node's ledger calls now.
    pub(super) const fn elapsed(&self) -> Duration {
        Duration::from_micros(self.now)
    }

    /// The number of a mailbox connection.
    pub(super) const fn conn_id(conn: u32) -> ConnId {
        ConnId(conn as u64 + 1)
    }
}
