//! What the conductor and the processes that hold the nodes say to each other: a line of JSON each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// From the conductor to a process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Start a node in a slot.
    Start { slot: usize, name: String, seed: u64, sabotaged: bool },
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
    /// Do and read nothing for so long; then go on, or die.
    Stall { millis: u64, dies: bool },
    /// Join and leave no groups from now on; or do so again.
    Hush(bool),
    /// Tell what you hold of yourself and of others.
    Snapshot { round: u64 },
    /// Tell what was between you and a peer.
    History { peer: String, ticket: u64 },
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
    Up { slot: usize, node: String, name: String, endpoint: String, at: u64 },
    /// A node did not start.
    Failed { slot: usize, error: String },
    /// A node begins to end.
    Ending { node: String, how: How, at: u64 },
    /// A node has ended.
    Ended { node: String, at: u64, counted: Counted, lines: Lines },
    /// The slot may be used again.
    Free { slot: usize },
    /// A node does nothing for a while.
    Stalled { node: String, at: u64, until: u64 },
    /// A node goes on after a stall.
    Woken { slot: usize, node: String, at: u64 },
    /// A peer has entered.
    Enter { node: String, peer: String, name: String, endpoint: String, at: u64 },
    /// A peer has exited.
    Exit { node: String, peer: String, reason: String, at: u64 },
    /// Something must not be.
    Violation {
        rule: usize,
        node: String,
        peer: String,
        what: String,
        at: u64,
        history: Vec<String>,
    },
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
    pub(super) node: String,
    /// Its own groups.
    pub(super) own: Vec<String>,
    /// The groups of each peer.
    pub(super) peers: BTreeMap<String, Vec<String>>,
    pub(super) counted: Counted,
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

/// Messages, as applications count them.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) whispers: u64,
    pub(super) shouts: u64,
    pub(super) received: u64,
    pub(super) refused: u64,
    pub(super) joins: u64,
    pub(super) leaves: u64,
    pub(super) evasive: u64,
    pub(super) silent: u64,
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

/// What a process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Level {
    /// Resident memory.
    pub(super) kib: u64,
    /// Open descriptors.
    pub(super) descriptors: u64,
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
    }
}
