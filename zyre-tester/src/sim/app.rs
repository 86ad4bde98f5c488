//! The application of a node: it chats, and keeps books.

use std::collections::BTreeMap;
use std::sync::Arc;

use testkit::ledger::{Ledger, Rule, Violation};
use zre_proto::{Endpoint, ExitReason, Header, PeerId, UnreachableReason};

use super::chance::Chance;
use super::liveness::Told;
use super::segment::{NodeRef, is_hello};
use super::time::{Micros, SECOND};
use crate::behaviour::Behaviour;

/// HELLOs to one peer within ten seconds; more, and two nodes greet each other without end.
const HELLOS: u16 = 10;
/// Where others say where a node is there may be more: each such claim is a reason to try again.
const HELLOS_AMID_LIES: u16 = 30;
const HELLO_TIME: Micros = 10 * SECOND;

/// What one life of a node knows and has seen.
pub(super) struct App {
    pub(super) id: PeerId,
    pub(super) behaviour: Behaviour,
    pub(super) ledger: Ledger,
    /// Peers between ENTER and EXIT.
    pub(super) present: i64,
    pub(super) last_enter: Micros,
    pub(super) last_exit: Micros,
    /// When anything last changed in each group that may change who leads it.
    changes: BTreeMap<Arc<str>, Micros>,
    /// What was told of nodes since this was last looked at.
    pub(super) news: Vec<News>,
    pub(super) told: Told,
    /// When peers that are present have entered.
    pub(super) entered: BTreeMap<PeerId, Micros>,
    /// What was found besides the ledger.
    pub(super) found: Vec<Violation>,
    /// By host.
    greeted: Vec<Greeted>,
    /// The one act of sabotage is done.
    pub(super) sabotaged: bool,
    /// Unprompted shouts are chance.
    pub(super) shouts: Chance,
}

/// What was told of a node, and has to be true.
#[derive(Clone, Copy, Debug)]
pub(super) struct News {
    pub(super) at: Micros,
    pub(super) peer: PeerId,
    pub(super) what: What,
}

/// What was told of a node.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Enter,
    /// A peer is quiet.
    Evasive,
    /// With how long it had been present.
    Exit(ExitReason, Micros),
    Unreachable(Endpoint, UnreachableReason),
}

/// How often a peer was greeted lately.
#[derive(Clone, Copy, Debug, Default)]
struct Greeted {
    life: u32,
    count: u16,
    since: Micros,
}

impl App {
    pub(super) fn new(id: PeerId, seed: u64, history: usize) -> Self {
        Self {
            id,
            behaviour: Behaviour::new(seed),
            ledger: Ledger::with_history(id, history),
            present: 0,
            last_enter: 0,
            last_exit: 0,
            changes: BTreeMap::new(),
            news: Vec::new(),
            told: Told::default(),
            entered: BTreeMap::new(),
            found: Vec::new(),
            greeted: Vec::new(),
            sabotaged: false,
            shouts: Chance::of(seed, 3, 0),
        }
    }

    /// The process has ended.
    pub(super) fn end(&mut self) {
        self.present = 0;
        self.greeted.clear();
    }

    /// Something has changed in a group.
    pub(super) fn changed(&mut self, group: &str, at: Micros) {
        self.changes.insert(group.into(), at);
    }

    /// When anything last changed in a group, as far as this node has heard.
    pub(super) fn last_change(&self, group: &str) -> Micros {
        self.changes.get(group).copied().unwrap_or(0).max(self.last_exit)
    }

    /// A message is on its way: HELLOs are counted.
    pub(super) fn greets(
        &mut self,
        now: Micros,
        to: NodeRef,
        peer: PeerId,
        header: &Header,
        amid_lies: bool,
    ) {
        if !is_hello(header) {
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
        let most = if amid_lies { HELLOS_AMID_LIES } else { HELLOS };
        if greeted.count == most + 1 {
            let what = format!("{most} HELLOs within ten seconds, and another");
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
