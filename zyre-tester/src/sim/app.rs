//! The application of a node: it chats, and keeps books.

use zre_proto::{Action, Event, ExitReason, Header, PeerId};

use super::node::{Node, World};
use super::queue::{Micros, SECOND};
use super::rules::Rules;
use super::segment::Party;
use crate::behaviour::{Act, Behaviour};
use crate::ledger::{Ledger, Rule, Violation};

/// HELLOs to one peer within ten seconds; more, and two nodes greet each other without end.
const HELLOS: u16 = 10;
const HELLO_TIME: Micros = 10 * SECOND;

/// How many answers a shout of one's own accord allows: each reaches many who answer.
const SHOUT_DEPTH: u8 = 1;

/// What one life of a node knows and has seen.
pub(super) struct App {
    pub(super) id: PeerId,
    behaviour: Behaviour,
    pub(super) ledger: Ledger,
    /// Peers between ENTER and EXIT.
    pub(super) present: i64,
    pub(super) last_enter: Micros,
    /// Who has exited since it was last looked.
    pub(super) exits: Vec<Exit>,
    /// What was found besides the ledger.
    pub(super) found: Vec<Violation>,
    /// By host.
    greeted: Vec<Greeted>,
    /// The one act of sabotage is done.
    pub(super) sabotaged: bool,
    /// Shouts of its own accord are chance.
    shouts: super::chance::Chance,
}

/// A peer has exited.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exit {
    pub(super) at: Micros,
    pub(super) peer: PeerId,
    pub(super) reason: ExitReason,
}

/// How often a peer was greeted lately.
#[derive(Clone, Copy, Debug, Default)]
struct Greeted {
    life: u32,
    count: u16,
    since: Micros,
}

impl App {
    pub(super) fn new(id: PeerId, seed: u64, rules: &Rules) -> Self {
        Self {
            id,
            behaviour: Behaviour::new(seed),
            ledger: Ledger::with_history(id, rules.history),
            present: 0,
            last_enter: 0,
            exits: Vec::new(),
            found: Vec::new(),
            greeted: Vec::new(),
            sabotaged: false,
            shouts: super::chance::Chance::of(seed, 3, 0),
        }
    }

    /// The process has ended.
    pub(super) fn end(&mut self) {
        self.present = 0;
        self.greeted.clear();
    }

    /// A message is on its way: HELLOs are counted.
    pub(super) fn greets(&mut self, now: Micros, to: Party, peer: PeerId, header: &Header) {
        const HELLO: u8 = 1;
        if header.get(2) != Some(&HELLO) {
            return;
        }
        let slot = to.slot as usize;
        if self.greeted.len() <= slot {
            self.greeted.resize(slot + 1, Greeted::default());
        }
        let greeted = &mut self.greeted[slot];
        if greeted.life != to.life || now >= greeted.since + HELLO_TIME {
            *greeted = Greeted { life: to.life, count: 0, since: now };
        }
        greeted.count += 1;
        if greeted.count == HELLOS + 1 {
            let what = format!("{HELLOS} HELLOs within ten seconds, and another");
            let found = self.violation(now, Rule::HelloFirst, peer, what);
            self.found.push(found);
        }
    }

    pub(super) fn violation(
        &self,
        now: Micros,
        rule: Rule,
        peer: PeerId,
        what: String,
    ) -> Violation {
        let at = std::time::Duration::from_micros(now);
        Violation { rule, node: self.id, peer, what, at, history: self.ledger.history(peer) }
    }
}

impl Node {
    /// The application takes its events, unless it sleeps.
    pub(super) fn run_app(&mut self, world: &mut World<'_>) {
        while !self.asleep
            && let Some(event) = self.events.pop_front()
        {
            self.take(&event, world);
            if world.rules.doubles(self.now, self.party.slot, &event, &mut self.app) {
                self.take(&event, world);
            }
        }
    }

    fn take(&mut self, event: &Event, world: &mut World<'_>) {
        let at = self.elapsed();
        match event {
            Event::Enter { .. } => {
                self.app.present += 1;
                self.app.last_enter = self.now;
                self.counts.enters += 1;
            }
            Event::Exit { peer, reason, .. } => {
                self.app.present -= 1;
                self.counts.exit(*reason);
                self.app.exits.push(Exit { at: self.now, peer: *peer, reason: *reason });
            }
            Event::Whisper { .. } => self.counts.whispers += 1,
            Event::Shout { .. } => self.counts.shouts += 1,
            _ => {}
        }
        if !world.rules.ledger {
            return;
        }
        let depth = self.app.ledger.observe(at, event);
        if world.rules.chat {
            for act in self.app.behaviour.answer(event, depth) {
                self.perform(act, world);
            }
        }
    }

    /// Once a second the application joins or leaves a group, and now and then shouts.
    pub(super) fn each_second(&mut self, world: &mut World<'_>) {
        if self.asleep || !world.rules.chats(self.now) {
            return;
        }
        let ledger = &self.app.ledger;
        let act = self.app.behaviour.each_second(|group| ledger.is_in(group));
        let shout = match &act {
            Act::Join(group) if self.app.shouts.hit(world.rules.shouts) => Some(group.clone()),
            _ => None,
        };
        self.perform(act, world);
        if let Some(group) = shout {
            self.perform(Act::Shout(group, SHOUT_DEPTH), world);
        }
        self.run_app(world);
    }

    fn perform(&mut self, act: Act, world: &mut World<'_>) {
        let at = self.elapsed();
        match act {
            Act::Whisper(peer, depth) => {
                let content = self.app.ledger.whisper(at, peer, depth);
                if self.act(Action::Whisper { peer, content }, world).is_err() {
                    self.app.ledger.refused(at, peer);
                    self.counts.refused += 1;
                }
            }
            Act::Shout(group, depth) => {
                let content = self.app.ledger.shout(&group, depth);
                // A node that has stopped does not shout.
                let _ = self.act(Action::Shout { group: &group, content }, world);
            }
            Act::Join(group) => {
                if self.act(Action::Join(&group), world).is_ok() {
                    self.app.ledger.joined(&group);
                }
            }
            Act::Leave(group) => {
                if self.act(Action::Leave(&group), world).is_ok() {
                    self.app.ledger.left(&group);
                }
            }
        }
    }
}
