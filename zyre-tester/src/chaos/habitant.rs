//! A node and its application: behaves, and keeps a ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use zyre::{Event, Events, Node, PeerId, Refused};

use super::protocol::{Counted, How, Lines, Report, Snapshot};
use super::slot::{Birth, Setting};
use crate::behaviour::{Act, Behaviour};
use crate::ledger::{Ledger, Rule, Violation};

/// A sabotaged node drops every so many events.
const SABOTAGE: u32 = 3;

/// A node with its application.
pub(super) struct Habitant {
    setting: Setting,
    node: Node,
    events: Events,
    ledger: Ledger,
    behaviour: Behaviour,
    hushed: bool,
    sabotaged: bool,
    heard: u32,
}

impl Habitant {
    pub(super) fn new(setting: Setting, birth: Birth, node: Node, events: Events) -> Self {
        let habitant = Self {
            ledger: Ledger::new(node.id()),
            behaviour: Behaviour::new(birth.seed),
            setting,
            node,
            events,
            hushed: false,
            sabotaged: birth.sabotaged,
            heard: 0,
        };
        let (node, at) = (habitant.id(), habitant.setting.clock.micros());
        let (slot, name) = (birth.slot, birth.name);
        let endpoint = habitant.node.endpoint().to_string();
        habitant.setting.report(Report::Up { slot, node, name, endpoint, at });
        habitant
    }

    pub(super) fn id(&self) -> String {
        self.node.id().to_string()
    }

    fn now(&self) -> Duration {
        self.setting.clock.now()
    }

    pub(super) const fn hush(&mut self, hushed: bool) {
        self.hushed = hushed;
    }

    pub(super) async fn event(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Something has happened: checks it, tells the conductor what it has to know, and answers.
    pub(super) fn hear(&mut self, event: &Event) {
        let depth = self.observe(event);
        for act in self.behaviour.answer(event, depth) {
            self.act(&act);
        }
    }

    fn observe(&mut self, event: &Event) -> u8 {
        if self.sabotaged && matches!(event, Event::Whisper { .. } | Event::Join { .. }) {
            self.heard += 1;
            if self.heard.is_multiple_of(SABOTAGE) {
                return 0;
            }
        }
        let at = self.setting.clock.micros();
        match event {
            Event::Enter { peer, name, endpoint, .. } => {
                let (node, peer) = (self.id(), peer.to_string());
                let (name, endpoint) = (name.to_string(), endpoint.to_string());
                self.setting.report(Report::Enter { node, peer, name, endpoint, at });
            }
            Event::Exit { peer, reason, .. } => {
                let (node, peer, reason) = (self.id(), peer.to_string(), reason.to_string());
                self.setting.report(Report::Exit { node, peer, reason, at });
            }
            Event::Whisper { .. } | Event::Shout { .. } => {
                self.setting.count(|tally| tally.received += 1);
            }
            Event::Evasive { .. } => self.setting.count(|tally| tally.evasive += 1),
            Event::Silent { .. } => self.setting.count(|tally| tally.silent += 1),
            _ => {}
        }
        self.ledger.observe(self.now(), event)
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Whisper(to, depth) => self.whisper(*to, *depth),
            Act::Shout(group, depth) => {
                let content = self.ledger.shout(group, *depth);
                self.setting.count(|tally| tally.shouts += 1);
                let result = self.node.shout(group, content);
                self.expect(result);
            }
            Act::Join(group) => {
                self.ledger.joined(group);
                self.setting.count(|tally| tally.joins += 1);
                let result = self.node.join(group);
                self.expect(result);
            }
            Act::Leave(group) => {
                self.ledger.left(group);
                self.setting.count(|tally| tally.leaves += 1);
                let result = self.node.leave(group);
                self.expect(result);
            }
        }
    }

    fn whisper(&mut self, to: PeerId, depth: u8) {
        let content = self.ledger.whisper(self.now(), to, depth);
        match self.node.whisper(to, content) {
            Ok(()) => self.setting.count(|tally| tally.whispers += 1),
            Err(Refused::UnknownPeer(_)) => {
                self.ledger.refused(self.now(), to);
                self.setting.count(|tally| tally.refused += 1);
            }
            other => self.expect(other),
        }
    }

    /// None of this can be refused.
    fn expect(&self, result: Result<(), Refused>) {
        if let Err(refused) = result {
            self.object(Rule::Reachable, self.node.id(), format!("refused: {refused}"));
        }
    }

    /// Once a second: joins or leaves a group, and hands on what the ledger objects to.
    pub(super) fn each_second(&mut self) {
        if !self.hushed {
            let act = self.behaviour.each_second(|group| self.ledger.is_in(group));
            self.act(&act);
            if let Act::Join(group) = &act
                && let Some(act) = self.behaviour.joined(group)
            {
                self.act(&act);
            }
        }
        self.hand_on();
    }

    fn hand_on(&mut self) {
        for violation in self.ledger.drain(self.now()) {
            self.setting.report(report(violation));
        }
    }

    /// Tells what the node holds of itself and of others, after all that has happened so far.
    pub(super) fn snapshot(&mut self, round: u64) {
        while let Ok(event) = self.events.try_recv() {
            self.hear(&event);
        }
        self.compare();
        self.hand_on();
        let texts = |groups: &BTreeSet<Arc<str>>| groups.iter().map(ToString::to_string).collect();
        let peers = self.ledger.present().map(|(peer, groups)| (peer.to_string(), texts(groups)));
        let snapshot = Snapshot {
            round,
            node: self.id(),
            own: self.ledger.own_groups().map(ToString::to_string).collect(),
            peers: peers.collect(),
            counted: self.counted(),
        };
        self.setting.report(Report::Snapshot(snapshot));
    }

    /// What events have told against what the node says when asked. No event is waiting, and none
    /// can come meanwhile, for this thread is the node's only one.
    fn compare(&self) {
        let own: Vec<Arc<str>> = self.node.own_groups();
        if !own.iter().eq(self.ledger.own_groups()) {
            let what = format!("the node says that it is in {own:?}");
            self.object(Rule::Agreement, self.node.id(), what);
        }
        let told: BTreeMap<PeerId, Vec<Arc<str>>> = self
            .ledger
            .present()
            .map(|(peer, groups)| (peer, groups.iter().cloned().collect()))
            .collect();
        let peers = self.node.peers();
        for peer in peers.iter().filter(|peer| !told.contains_key(peer)) {
            self.object(Rule::Agreement, *peer, "the node has a peer without ENTER".into());
        }
        for (peer, groups) in &told {
            let held = self.node.peer(*peer).map(|info| info.groups);
            if held.as_ref() != Some(groups) {
                let what = format!("the node holds {held:?}; its events told {groups:?}");
                self.object(Rule::Agreement, *peer, what);
            }
        }
    }

    fn object(&self, rule: Rule, peer: PeerId, what: String) {
        let history = self.ledger.history(peer);
        let (node, at) = (self.node.id(), self.now());
        self.setting.report(report(Violation { rule, node, peer, what, at, history }));
    }

    pub(super) fn history(&self, peer: &str, ticket: u64) {
        let lines = peer.parse().map_or_else(|_| Vec::new(), |peer| self.ledger.history(peer));
        self.setting.report(Report::History { ticket, lines });
    }

    /// The life of the node comes to its end.
    pub(super) fn ending(&self, how: How) {
        let at = self.setting.clock.micros();
        self.setting.report(Report::Ending { node: self.id(), how, at });
    }

    /// Ends the node without a word.
    pub(super) fn abort(&self) {
        self.node.abort();
    }

    /// The node is no more.
    pub(super) fn ended(&self) {
        let (node, counted, at) = (self.id(), self.counted(), self.setting.clock.micros());
        let log = self.node.stats().log;
        let lines = Lines { recorded: log.recorded, dropped: log.dropped };
        self.setting.report(Report::Ended { node, at, counted, lines });
    }

    /// Stops the node with care, and listens to its last event.
    pub(super) async fn stop(mut self) {
        self.ending(How::Stop);
        self.node.stop().await;
        let mut last = None;
        while let Some(event) = self.events.recv().await {
            self.observe(&event);
            last = Some(event);
        }
        if last != Some(Event::Stop) {
            let what = format!("the last event of a stopped node is {last:?}");
            self.object(Rule::Events, self.node.id(), what);
        }
        self.hand_on();
        self.ended();
    }

    fn counted(&self) -> Counted {
        let stats = self.node.stats();
        Counted {
            before_hello: stats.protocol.before_hello,
            intruding: stats.protocol.intruding,
            malformed: stats.protocol.malformed,
            foreign: stats.protocol.foreign,
            broken: stats.network.connections_broken + stats.network.connections_foreign,
            overflows: stats.protocol.overflows,
        }
    }
}

fn report(violation: Violation) -> Report {
    Report::Violation {
        rule: violation.rule.number(),
        node: violation.node.to_string(),
        peer: violation.peer.to_string(),
        what: violation.what,
        at: super::clock::micros(violation.at),
        history: violation.history,
    }
}
