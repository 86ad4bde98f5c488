//! The application of a node takes its events, and acts.

use testkit::ledger::Rule;
use zre_proto::{Action, Event};

use super::{Node, World};
use crate::behaviour::{Act, DEPTH};
use crate::sim::app::{News, What};
use crate::sim::time::Micros;

/// How many answers an unprompted shout allows: each reaches many nodes that answer.
const SHOUT_DEPTH: u8 = 1;

impl Node {
    /// The application takes its events, unless it sleeps.
    pub(super) fn run_app(&mut self, world: &mut World<'_>) {
        while !self.asleep
            && let Some((came, event)) = self.events.pop_front()
        {
            self.take(came, &event, world);
            if world.rules.doubles(self.now, self.me.slot, &event, &mut self.app.sabotaged) {
                self.take(came, &event, world);
            }
        }
    }

    fn take(&mut self, came: Micros, event: &Event, world: &mut World<'_>) {
        if world.net.is_liar(self.me.slot) {
            return;
        }
        let at = self.elapsed();
        let what = match event {
            Event::Enter { peer, .. } => {
                self.app.present += 1;
                self.app.last_enter = self.now;
                self.app.entered.insert(*peer, came);
                Some(What::Enter)
            }
            Event::Join { group, .. } | Event::Leave { group, .. } => {
                self.app.changed(group, came);
                None
            }
            Event::Exit { peer, reason, .. } => {
                self.app.present -= 1;
                self.app.last_exit = came;
                let entered = self.app.entered.remove(peer).unwrap_or(came);
                Some(What::Exit(*reason, came - entered))
            }
            Event::Evasive { .. } => Some(What::Evasive),
            Event::Unreachable { endpoint, why, .. } => Some(What::Unreachable(*endpoint, *why)),
            _ => None,
        };
        self.counts.event(event);
        if !world.rules.ledger {
            return;
        }
        if let (Some(what), Some(peer)) = (what, event.peer()) {
            self.app.news.push(News { at: came, peer, what });
        }
        if let Some(wrong) = self.app.told.hear(came, event) {
            let peer = event.peer().unwrap_or(self.id);
            let found = self.app.violation(self.now, Rule::Events, peer, wrong);
            self.app.found.push(found);
        }
        let depth = self.app.ledger.observe(at, event);
        if world.rules.chat {
            for act in self.app.behaviour.answer(event.into(), depth) {
                self.perform(act, world);
            }
        }
    }

    /// Once a second the application joins or leaves a group, and now and then shouts. It asks a
    /// peer whether it has heard that.
    pub(super) fn each_second(&mut self, world: &mut World<'_>) {
        if self.asleep || !world.rules.chats(self.now) {
            return;
        }
        let ledger = &self.app.ledger;
        let act = self.app.behaviour.each_second(|group| ledger.is_in(group));
        let shout = match &act {
            Act::Join(group) | Act::Contest(group) if self.app.shouts.hit(world.rules.shouts) => {
                Some(group.clone())
            }
            _ => None,
        };
        self.perform(act, world);
        if let Some(group) = shout {
            self.perform(Act::Shout(group, SHOUT_DEPTH), world);
        }
        if self.runs()
            && let Some(peer) = self.app.ledger.next_to_ask()
        {
            self.perform(Act::Whisper(peer, DEPTH), world);
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
                    self.app.changed(&group, self.now);
                }
            }
            Act::Contest(group) => {
                if self.act(Action::Contest(&group), world).is_ok() {
                    self.app.ledger.contests(&group);
                    self.app.changed(&group, self.now);
                }
            }
            Act::Leave(group) => {
                if self.act(Action::Leave(&group), world).is_ok() {
                    self.app.ledger.left(&group);
                    self.app.changed(&group, self.now);
                }
            }
        }
    }
}
