//! The work that is measured; the same for every implementation.

use std::fmt;

/// What the user asks for.
#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub(super) enum What {
    /// The node that has dialled whispers to the other one: messages per second, as the receiving
    /// application counts.
    Whisper {
        #[command(flatten)]
        messages: Messages,
    },
    /// The node that was dialled whispers to the one that has dialled.
    WhisperBack {
        #[command(flatten)]
        messages: Messages,
    },
    /// Two nodes whisper to each other at the same time: messages per second of both together.
    WhisperBoth {
        #[command(flatten)]
        messages: Messages,
    },
    /// A WHISPER and its answer, one after the other: the time of a round trip.
    Rtt {
        /// How many round trips.
        #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
        count: u64,
        /// Bytes of each message, such as 64KiB.
        #[arg(long, default_value = "32", value_parser = size)]
        size: usize,
    },
    /// One node shouts to a group: messages and deliveries per second.
    Shout {
        #[command(flatten)]
        messages: Messages,
        /// How many peers are in the group.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
        peers: u16,
    },
    /// Nodes start at once: the time until each knows all, their memory, and their idle CPU.
    Mesh {
        /// How many nodes.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(2..))]
        nodes: u16,
        /// How long the idle mesh is watched.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
        seconds: u16,
    },
    /// A newcomer joins a mesh that is complete: the time until all know each other.
    Discovery {
        /// How many nodes are there before.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..))]
        nodes: u16,
    },
    /// One node whispers to another, with the log of both switched off and on in turn in the same
    /// run, and a collector there: what logging costs.
    Log {
        /// How many messages between two switches.
        #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(1..))]
        count: u64,
        /// Bytes of each message, such as 64KiB.
        #[arg(long, default_value = "32", value_parser = size)]
        size: usize,
        /// How many times off and on.
        #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..))]
        rounds: u16,
    },
    /// All of them with several sizes, against everything, in one table.
    All {
        /// Hardly any work: only to see that everything runs.
        #[arg(long)]
        quick: bool,
    },
}

fn size(text: &str) -> Result<usize, String> {
    let bytes = testkit::size::size(text)?;
    usize::try_from(bytes).map_err(|_| format!("{text} is too large"))
}

/// Which of two nodes sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The one that has dialled.
    There,
    /// The one that was dialled.
    Back,
    /// Each of them, at the same time.
    Both,
}

/// How many messages, and how large.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Messages {
    /// How many messages.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// Bytes of each message, such as 64KiB.
    #[arg(long, default_value = "32", value_parser = size)]
    size: usize,
}

/// One thing to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// `count` messages of `size` bytes to one peer, by each node that sends.
    Whisper { count: u64, size: usize, way: Way },
    /// `count` messages of `size` bytes, each answered before the next.
    Rtt { count: u64, size: usize },
    /// `count` messages of `size` bytes to each of `peers`.
    Shout { count: u64, size: usize, peers: usize },
    /// `nodes` meet, and are idle for `seconds`.
    Mesh { nodes: usize, seconds: u64 },
    /// One meets `nodes`.
    Discovery { nodes: usize },
    /// `count` messages of `size` bytes without and with log, `rounds` times.
    Log { count: u64, size: usize, rounds: u64 },
}

impl What {
    /// What is to be measured, in order.
    pub(super) fn works(&self) -> Vec<Work> {
        let whisper = |Messages { count, size }: Messages, way| Work::Whisper { count, size, way };
        let work = match *self {
            Self::Whisper { messages } => whisper(messages, Way::There),
            Self::WhisperBack { messages } => whisper(messages, Way::Back),
            Self::WhisperBoth { messages } => whisper(messages, Way::Both),
            Self::Rtt { count, size } => Work::Rtt { count, size },
            Self::Shout { messages: Messages { count, size }, peers } => {
                Work::Shout { count, size, peers: peers.into() }
            }
            Self::Mesh { nodes, seconds } => {
                Work::Mesh { nodes: nodes.into(), seconds: seconds.into() }
            }
            Self::Discovery { nodes } => Work::Discovery { nodes: nodes.into() },
            Self::Log { count, size, rounds } => Work::Log { count, size, rounds: rounds.into() },
            Self::All { quick } => return all(quick),
        };
        vec![work]
    }
}

/// What the project wants to know of itself.
fn all(quick: bool) -> Vec<Work> {
    let count = |count: u64| if quick { count / 1000 } else { count };
    let nodes = |nodes: usize| if quick { nodes / 10 } else { nodes };
    vec![
        Work::Whisper { count: count(500_000), size: 32, way: Way::There },
        Work::Whisper { count: count(500_000), size: 32, way: Way::Back },
        Work::Whisper { count: count(500_000), size: 32, way: Way::Both },
        Work::Whisper { count: count(200_000), size: 1024, way: Way::There },
        Work::Whisper { count: count(10_000), size: 65_536, way: Way::There },
        Work::Rtt { count: count(20_000), size: 32 },
        Work::Shout { count: count(50_000), size: 32, peers: nodes(20) },
        Work::Shout { count: count(20_000), size: 32, peers: nodes(50) },
        Work::Mesh { nodes: nodes(50), seconds: if quick { 1 } else { 5 } },
        Work::Discovery { nodes: nodes(50) },
    ]
}

impl Work {
    /// The name in figures and arguments.
    pub(super) const fn mode(self) -> &'static str {
        match self {
            Self::Whisper { way: Way::There, .. } => "whisper",
            Self::Whisper { way: Way::Back, .. } => "whisper-back",
            Self::Whisper { way: Way::Both, .. } => "whisper-both",
            Self::Rtt { .. } => "rtt",
            Self::Shout { .. } => "shout",
            Self::Mesh { .. } => "mesh",
            Self::Discovery { .. } => "discovery",
            Self::Log { .. } => "log",
        }
    }

    /// What it is done with: names as in figures and arguments, in the order of zbench.c.
    pub(super) fn sizes(self) -> Vec<(&'static str, u64)> {
        // Casts keep the value: usize has no more than 64 bits anywhere.
        match self {
            Self::Whisper { count, size, .. } | Self::Rtt { count, size } => {
                vec![("count", count), ("size", size as u64)]
            }
            Self::Shout { count, size, peers } => {
                vec![("count", count), ("size", size as u64), ("peers", peers as u64)]
            }
            Self::Mesh { nodes, seconds } => vec![("nodes", nodes as u64), ("seconds", seconds)],
            Self::Discovery { nodes } => vec![("nodes", nodes as u64)],
            Self::Log { count, size, rounds } => {
                vec![("count", count), ("size", size as u64), ("rounds", rounds)]
            }
        }
    }
}

/// As people read it: `shout 32 B to 20`.
impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |size: usize| match size {
            1024.. if size.is_multiple_of(1024) => format!("{} KiB", size / 1024),
            _ => format!("{size} B"),
        };
        match *self {
            Self::Whisper { size, way: Way::There, .. } => write!(f, "whisper {}", bytes(size)),
            Self::Whisper { size, way: Way::Back, .. } => {
                write!(f, "whisper {} back", bytes(size))
            }
            Self::Whisper { size, way: Way::Both, .. } => {
                write!(f, "whisper {} both ways", bytes(size))
            }
            Self::Rtt { size, .. } => write!(f, "rtt {}", bytes(size)),
            Self::Shout { size, peers, .. } => write!(f, "shout {} to {peers}", bytes(size)),
            Self::Mesh { nodes, .. } => write!(f, "mesh of {nodes}"),
            Self::Discovery { nodes } => write!(f, "discovery among {nodes}"),
            Self::Log { size, .. } => write!(f, "log, whisper {}", bytes(size)),
        }
    }
}
