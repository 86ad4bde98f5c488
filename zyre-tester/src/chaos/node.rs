//! A node and its application: behaves, and keeps a ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use zyre::{ActionError, Event, Events, Headers, Liveness, Node, PeerId, PublicKey};

use super::clock::micros;
use super::id::Id;
use super::kinds::Kind;
use super::protocol::{Counted, How, Lines, Link, Links, Report, Snapshot};
use super::setting::{Birth, Setting};
use crate::behaviour::{Act, Behaviour, DEPTH};
use crate::release_before;
use testkit::heard;
use testkit::ledger::{Heard, Ledger, Rule, Violation};

/// A sabotaged node drops one of this number of events.
const SABOTAGE: u32 = 3;

/// A node with its application.
pub(super) struct ChaosNode {
    setting: Setting,
    node: Node,
    events: Events,
    ledger: Ledger,
    behaviour: Behaviour,
    kind: Kind,
    /// Peers of the release before.
    old: BTreeSet<PeerId>,
    /// Peers whose keys the node does not trust just now, and since when, until when.
    distrusted: Vec<Distrusted>,
    hushed: bool,
    sabotaged: bool,
    heard: u32,
    /// What the node had counted when that was last added to the tally.
    tallied: Links,
}

/// A peer whose key a node does not trust for a while.
#[derive(Clone, Copy)]
struct Distrusted {
    peer: PeerId,
    key: PublicKey,
    from: Duration,
    until: Duration,
}

impl ChaosNode {
    pub(super) fn new(setting: Setting, birth: Birth, node: Node, events: Events) -> Self {
        let mut new = Self {
            ledger: Ledger::new(node.id()),
            behaviour: Behaviour::new(birth.seed),
            setting,
            node,
            events,
            kind: birth.kind,
            old: BTreeSet::new(),
            distrusted: Vec::new(),
            hushed: false,
            sabotaged: birth.sabotaged,
            heard: 0,
            tallied: Links::default(),
        };
        // The node has met nobody so far: none of its tasks has run.
        new.set_header();
        let (node, at) = (new.id(), new.setting.clock.micros());
        let (slot, name) = (birth.slot, birth.name);
        let (endpoint, kind) = (new.node.endpoint().to_string(), new.kind);
        let (circle, key) = (birth.circle, new.node.key().map(|key| key.to_string()));
        new.setting.report(Report::Up { slot, node, name, endpoint, at, kind, circle, key });
        new
    }

    pub(super) fn id(&self) -> Id {
        Id(self.node.id())
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
        for act in self.behaviour.answer(heard!(zyre::Event, event), depth) {
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
            Event::Enter { peer, name, endpoint, headers, key, .. } => {
                self.entered(*peer, headers);
                self.check_trust(*peer, *key);
                let key = key.map(|key| key.to_string());
                let (node, peer) = (self.id(), Id(*peer));
                let (name, endpoint) = (name.to_string(), endpoint.to_string());
                self.setting.report(Report::Enter { node, peer, name, endpoint, at, key });
            }
            Event::Exit { peer, reason, .. } => {
                let heard = Some(self.ledger.next_whisper(*peer));
                let (node, peer, reason) = (self.id(), Id(*peer), reason.to_string());
                self.setting.report(Report::Exit { node, peer, reason, at, heard });
            }
            Event::Whisper { .. } | Event::Shout { .. } => {
                self.setting.count(|tally| tally.received += 1);
            }
            Event::Evasive { peer, .. } => {
                self.setting.count(|tally| tally.evasive += 1);
                self.complain(*peer, "EVASIVE".into(), at);
            }
            Event::Silent { peer, .. } => {
                self.setting.count(|tally| tally.silent += 1);
                self.complain(*peer, "SILENT".into(), at);
            }
            Event::Returned { .. } => self.setting.count(|tally| tally.returned += 1),
            Event::Unreachable { peer, why, .. } => {
                self.setting.count(|tally| tally.unreachable += 1);
                self.complain(*peer, format!("UNREACHABLE, {why}"), at);
            }
            _ => {}
        }
        let content = event.content().filter(|_| self.setting.mixed);
        let content = content.and_then(release_before::from_old);
        let heard = match (heard!(zyre::Event, event), &content) {
            (Heard::Whisper { peer, .. }, Some(content)) => Heard::Whisper { peer, content },
            (Heard::Shout { peer, group, .. }, Some(content)) => {
                Heard::Shout { peer, group, content }
            }
            (heard, _) => heard,
        };
        self.ledger.observe(self.now(), heard)
    }

    fn entered(&mut self, peer: PeerId, headers: &Headers) {
        // All of this release have one.
        if headers.is_empty() {
            self.old.insert(peer);
        }
        let link = self.node.peer(peer).and_then(|info| Link::of(info.link));
        self.setting.count(|tally| {
            *match link {
                Some(Link::Dialled) => &mut tally.links.dialled,
                Some(Link::Accepted) => &mut tally.links.accepted,
                Some(Link::OneEachWay) => &mut tally.links.one_each_way,
                None => &mut tally.links.gone,
            } += 1;
        });
    }

    /// Looks whether a peer has entered whose key is not trusted now.
    fn check_trust(&self, peer: PeerId, key: Option<PublicKey>) {
        if self.distrusted.iter().any(|it| Some(it.key) == key) {
            self.object(Rule::Keys, peer, "ENTER of one whose key is not trusted".into());
        }
    }

    /// Does not trust the key of a peer for this time.
    pub(super) fn distrust(&mut self, peer: Id, time: Duration) {
        // What was told before is heard before.
        while let Ok(event) = self.events.try_recv() {
            self.hear(&event);
        }
        let Some(key) = self.node.peer_key(peer.0) else { return };
        let from = self.now();
        self.distrusted.push(Distrusted { peer: peer.0, key, from, until: from + time });
        self.report_distrust(peer.0, from, None);
        self.node.distrust(key);
    }

    fn report_distrust(&self, peer: PeerId, from: Duration, until: Option<Duration>) {
        let (from, until) = (micros(from), until.map(micros));
        let (node, peer) = (self.id(), Id(peer));
        self.setting.report(Report::Distrusts { node, peer, from, until });
    }

    /// Trusts keys again that were not trusted for long enough.
    fn trust_again(&mut self) {
        let now = self.now();
        while let Some(at) = self.distrusted.iter().position(|it| it.until <= now) {
            let Distrusted { peer, key, from, .. } = self.distrusted.swap_remove(at);
            self.report_distrust(peer, from, Some(now));
            self.node.trust(key);
        }
    }

    fn complain(&self, peer: PeerId, what: String, at: u64) {
        self.setting.report(Report::Complaint { node: self.id(), peer: Id(peer), what, at });
    }

    /// Sets a header anew, which peers that meet the node from now on have to see.
    fn set_header(&mut self) {
        let (name, value) = self.ledger.header(self.now());
        let result = self.node.set_header(name, &value);
        self.expect(result);
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Whisper(to, depth) => self.whisper(*to, *depth),
            Act::Shout(group, depth) => {
                let content = self.ledger.shout(group, *depth);
                // It reaches all members.
                let mixed = self.setting.mixed;
                let content = if mixed { release_before::to_old(&content) } else { content };
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
            Act::Contest(group) => {
                self.ledger.contests(group);
                self.setting.count(|tally| tally.joins += 1);
                let result = self.node.contest(group);
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
        let old = self.setting.mixed && self.old.contains(&to);
        let content = if old { release_before::to_old(&content) } else { content };
        match self.node.whisper(to, content) {
            Ok(()) => self.setting.count(|tally| tally.whispers += 1),
            Err(ActionError::UnknownPeer(_)) => {
                self.ledger.refused(self.now(), to);
                self.setting.count(|tally| tally.refused += 1);
            }
            other => self.expect(other),
        }
    }

    /// None of this can be refused.
    fn expect(&self, result: Result<(), ActionError>) {
        if let Err(refused) = result {
            self.object(Rule::Reachable, self.node.id(), format!("refused: {refused}"));
        }
    }

    /// Once a second: joins or leaves a group, asks a peer for what it has heard, and hands on what
    /// the ledger objects to.
    pub(super) fn each_second(&mut self) {
        self.set_header();
        self.trust_again();
        if !self.hushed {
            let act = self.behaviour.each_second(|group| self.ledger.is_in(group));
            self.act(&act);
            if let Act::Join(group) | Act::Contest(group) = &act
                && let Some(act) = self.behaviour.joined(group)
            {
                self.act(&act);
            }
        }
        if let Some(peer) = self.ledger.next_to_ask() {
            self.act(&Act::Whisper(peer, DEPTH));
        }
        self.hand_on();
        self.add_to_tally();
    }

    /// Adds to the tally what the node has counted since that was last done.
    fn add_to_tally(&mut self) {
        let stats = self.node.stats().protocol;
        let (dials, dials_failed, hellos) = (stats.dials, stats.dials_failed, stats.hellos_sent);
        let now = Links { dials, dials_failed, hellos, ..Links::default() };
        let before = std::mem::replace(&mut self.tallied, now);
        self.setting.count(|tally| {
            tally.links.dials += now.dials - before.dials;
            tally.links.dials_failed += now.dials_failed - before.dials_failed;
            tally.links.hellos += now.hellos - before.hellos;
        });
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
        let peers = self.ledger.present().map(|(peer, groups)| (Id(peer), texts(groups)));
        let here = |peer| self.ledger.liveness(peer) == Some(Liveness::Present);
        let quiet = self.ledger.present().map(|(peer, _)| peer).filter(|peer| !here(*peer)).map(Id);
        let links = self.ledger.present().filter_map(|(peer, _)| {
            let info = self.node.peer(peer)?;
            Some((Id(peer), Link::of(info.link)?))
        });
        let snapshot = Snapshot {
            round,
            node: self.id(),
            own: self.ledger.own_groups().map(ToString::to_string).collect(),
            peers: peers.collect(),
            quiet: quiet.collect(),
            links: links.collect(),
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
            let held = self.node.peer(*peer);
            let liveness = held.as_ref().map(|info| info.liveness);
            let held = held.map(|info| info.groups);
            if held.as_ref() != Some(groups) {
                let what = format!("the node holds {held:?}; its events told {groups:?}");
                self.object(Rule::Agreement, *peer, what);
            }
            let told = self.ledger.liveness(*peer);
            if liveness != told {
                let what = format!("the node calls it {liveness:?}; its events told {told:?}");
                self.object(Rule::Agreement, *peer, what);
            }
        }
    }

    fn object(&self, rule: Rule, peer: PeerId, what: String) {
        let history = self.ledger.history(peer);
        let (node, at) = (self.node.id(), self.now());
        self.setting.report(report(Violation { rule, node, peer, what, at, history }));
    }

    pub(super) fn history(&self, peer: Id, ticket: u64) {
        let lines = self.ledger.history(peer.0);
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
    pub(super) fn ended(&mut self) {
        self.add_to_tally();
        let (node, counted, at) = (self.id(), self.counted(), self.setting.clock.micros());
        let log = self.node.stats().log;
        let lines = Lines { recorded: log.recorded, dropped: log.dropped };
        // The peers that were present at the end are known only if it was told.
        let said = self.ledger.has_stopped().then(|| self.ledger.last_words());
        let said = said.into_iter().flatten().map(|(peer, said)| (Id(peer), said)).collect();
        self.setting.report(Report::Ended { node, at, counted, lines, said });
    }

    /// Stops the node with care, and listens to its last event. What it says last has to arrive.
    pub(super) async fn stop(mut self) {
        let present: Vec<PeerId> = self.ledger.present().map(|(peer, _)| peer).collect();
        present.iter().for_each(|peer| self.whisper(*peer, 0));
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
        node: Id(violation.node),
        peer: Id(violation.peer),
        what: violation.what,
        at: micros(violation.at),
        history: violation.history,
    }
}
