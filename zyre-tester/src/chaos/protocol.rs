//! What the conductor and the processes that hold the nodes say to each other: a line of JSON each.
//!
//! A process may run the release before (`--half-by`), which takes no notice of what it does not
//! know. What it does not tell has a default, by which nothing is judged.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use zyre::LinkKind;

use super::circle::Circle;
use super::id::Id;
use super::kinds::Kind;
use super::level::Level;

/// From the conductor to a process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Start a node in a slot.
    Start {
        slot: usize,
        name: String,
        seed: u64,
        sabotaged: bool,
        kind: Kind,
        #[serde(default)]
        circle: Circle,
    },
    /// Something for the node in a slot.
    Slot { slot: usize, what: SlotOrder },
    /// Something for all nodes.
    All { what: SlotOrder },
    /// All nodes have stopped: see what is left, and end.
    Finish,
}

/// From the conductor to a node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum SlotOrder {
    /// Stop with care.
    Stop,
    /// Die: nobody is told, all tasks and sockets go.
    Crash,
    /// Do and read nothing for `millis`; then go on, or die.
    Stall { millis: u64, dies: bool },
    /// Do not trust the key of a peer for `millis`.
    Distrust { peer: Id, millis: u64 },
    /// Join and leave no groups from now on; or do so again.
    Hush(bool),
    /// Tell what you hold of yourself and of others.
    Snapshot { round: u64 },
    /// Tell what was between you and a peer.
    History { peer: Id, ticket: u64 },
}

/// How a node ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum How {
    /// With care.
    Stop,
    /// Without a word, inside a process that lives on.
    Crash,
    /// With its whole process.
    Kill,
}

/// From a process to the conductor. Times are microseconds since the start of the run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// A node is up.
    Up {
        slot: usize,
        node: Id,
        name: String,
        endpoint: String,
        at: u64,
        #[serde(default)]
        kind: Kind,
        #[serde(default)]
        circle: Circle,
        /// Of a secure node.
        #[serde(default)]
        key: Option<String>,
    },
    /// A node did not start.
    Failed { slot: usize, error: String },
    /// A node begins to end.
    Ending { node: Id, how: How, at: u64 },
    /// A node has ended.
    ///
    /// `said`: the number of whispers that each peer had been sent that was present when the node
    /// was stopped.
    Ended {
        node: Id,
        at: u64,
        counted: Counted,
        lines: Lines,
        #[serde(default)]
        said: BTreeMap<Id, u32>,
    },
    /// The slot may be used again.
    Free { slot: usize },
    /// A node does nothing for a while.
    Stalled { node: Id, at: u64, until: u64 },
    /// A node goes on after a stall.
    Woken { slot: usize, node: Id, at: u64 },
    /// A peer has entered.
    Enter {
        node: Id,
        peer: Id,
        name: String,
        endpoint: String,
        at: u64,
        /// Of a secure node: what the peer has proved.
        #[serde(default)]
        key: Option<String>,
    },
    /// A node does not trust a peer any more; or again, until which time it was lost to it.
    Distrusts { node: Id, peer: Id, from: u64, until: Option<u64> },
    /// A peer has exited. All its whispers before number `heard` had come.
    Exit {
        node: Id,
        peer: Id,
        reason: String,
        at: u64,
        #[serde(default)]
        heard: Option<u32>,
    },
    /// A peer does not answer, or cannot be met: what the application was told.
    Complaint { node: Id, peer: Id, what: String, at: u64 },
    /// Something must not be.
    Violation { rule: usize, node: Id, peer: Id, what: String, at: u64, history: Vec<String> },
    /// Answer to `Snapshot`.
    Snapshot(Snapshot),
    /// Answer to `History`.
    History { ticket: u64, lines: Vec<String> },
    /// Messages since the last tally.
    Tally(Tally),
    /// What the process uses.
    Level { when: When, level: Level },
}

/// What a node holds at a moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) round: u64,
    pub(super) node: Id,
    /// Its own groups.
    pub(super) own: Vec<String>,
    /// The groups of each peer.
    pub(super) peers: BTreeMap<Id, Vec<String>>,
    /// The peers that are evasive or silent.
    #[serde(default)]
    pub(super) quiet: BTreeSet<Id>,
    /// How each peer is connected.
    #[serde(default)]
    pub(super) links: BTreeMap<Id, Link>,
    pub(super) counted: Counted,
}

/// How a node and a peer are connected, as the node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Link {
    /// By two connections, one each way.
    OneEachWay,
    /// By one connection for both directions, which the node has dialled.
    Dialled,
    /// By one that the peer has dialled.
    Accepted,
}

/// Counters of a node that stay 0 as long as every first command is HELLO and nothing is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counted {
    pub(super) before_hello: u64,
    pub(super) intruding: u64,
    pub(super) malformed: u64,
    pub(super) foreign: u64,
    pub(super) broken: u64,
    pub(super) overflows: u64,
}

/// Lines of the log of a node.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Lines {
    pub(super) recorded: u64,
    pub(super) dropped: u64,
}

/// What applications have counted.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Tally {
    pub(super) whispers: u64,
    pub(super) shouts: u64,
    pub(super) received: u64,
    pub(super) refused: u64,
    pub(super) joins: u64,
    pub(super) leaves: u64,
    pub(super) evasive: u64,
    pub(super) silent: u64,
    pub(super) returned: u64,
    pub(super) unreachable: u64,
    pub(super) links: Links,
}

/// How peers were connected when they entered, and what that took.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Links {
    /// ENTERs on a two-way connection that the node had dialled.
    pub(super) dialled: u64,
    /// On one that the peer had dialled.
    pub(super) accepted: u64,
    /// On two connections.
    pub(super) one_each_way: u64,
    /// Of peers that had gone again when the application heard of them.
    pub(super) gone: u64,
    /// Connections that nodes have tried to make.
    pub(super) dials: u64,
    /// Of these, those that have led to nothing.
    pub(super) dials_failed: u64,
    /// HELLOs that nodes have said.
    pub(super) hellos: u64,
}

/// When a level was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum When {
    /// Before the first node.
    Before,
    /// While nodes are up.
    During,
    /// After the last node.
    After,
}

impl Tally {
    /// Adds another.
    pub(super) const fn add(&mut self, more: &Self) {
        self.whispers += more.whispers;
        self.shouts += more.shouts;
        self.received += more.received;
        self.refused += more.refused;
        self.joins += more.joins;
        self.leaves += more.leaves;
        self.evasive += more.evasive;
        self.silent += more.silent;
        self.returned += more.returned;
        self.unreachable += more.unreachable;
        self.links.add(&more.links);
    }
}

impl Links {
    const fn add(&mut self, more: &Self) {
        self.dialled += more.dialled;
        self.accepted += more.accepted;
        self.one_each_way += more.one_each_way;
        self.gone += more.gone;
        self.dials += more.dials;
        self.dials_failed += more.dials_failed;
        self.hellos += more.hellos;
    }

    /// ENTERs in all.
    pub(super) const fn enters(&self) -> u64 {
        self.dialled + self.accepted + self.one_each_way + self.gone
    }
}

impl Link {
    /// `None`: of a kind that this program does not know.
    pub(super) const fn of(kind: LinkKind) -> Option<Self> {
        match kind {
            LinkKind::OneEachWay => Some(Self::OneEachWay),
            LinkKind::Dialled => Some(Self::Dialled),
            LinkKind::Accepted => Some(Self::Accepted),
            _ => None,
        }
    }

    /// What the peer has to call the same link.
    pub(super) const fn seen_by_the_peer(self) -> Self {
        match self {
            Self::OneEachWay => Self::OneEachWay,
            Self::Dialled => Self::Accepted,
            Self::Accepted => Self::Dialled,
        }
    }
}
