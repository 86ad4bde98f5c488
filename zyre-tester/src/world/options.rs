//! What can be set about a world.

use std::path::PathBuf;

/// The options of `world`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many hosts there are; each has a node most of the time.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(2..=60))]
    pub(super) hosts: u8,
    /// How long things change. The last quiet moment comes after that.
    #[arg(long, default_value_t = 60)]
    pub(super) seconds: u64,
    /// Decides topology and schedule. Default: by chance.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Print the topology, and do nothing else.
    #[arg(long)]
    pub(super) show: bool,
    /// Of 100 nodes this number makes one connection each way with everybody, as nodes of other
    /// kinds do. Which ones, the seed decides.
    #[arg(long, value_name = "PERCENT", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(super) plain: u8,
    /// All nodes are secure ones, of one network. They do not gossip.
    #[arg(long, conflicts_with_all = ["half_by", "pyre", "python"])]
    pub(super) secure: bool,
    /// Half of the hosts have a node of the release before: this is its zyre-tester. Such a node
    /// knows one IPv4 interface.
    #[arg(long, value_name = "PATH")]
    pub(super) half_by: Option<PathBuf>,
    /// This number of hosts has a node of pyre, which knows one IPv4 interface as well. Default:
    /// none, or with `--python` a few; how many, the seed decides.
    #[arg(long, value_name = "NUMBER")]
    pub(super) pyre: Option<u8>,
    /// A Python that has pyre. Default: the one that `cargo xtask peers` has made, if
    /// `ZYRE_INTEROP_DIR` says where.
    #[arg(long, value_name = "PATH")]
    pub(super) python: Option<PathBuf>,
    /// After how many seconds nodes give up a peer that does not answer.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(2..=600))]
    pub(super) expired: u64,
    /// Also write the result to a file, as JSON; `-` is standard output.
    #[arg(long)]
    pub(super) json: Option<PathBuf>,
    /// Print all that nodes have said when something is wrong.
    #[arg(long)]
    pub(super) transcript: bool,
    /// An existing directory, to which each node writes what it logs: a file `NAME.log`, with the
    /// time of day. `RUST_LOG` says what; by default what our crates tell for debugging.
    #[arg(long, value_name = "DIR")]
    pub(super) logs: Option<PathBuf>,
    /// Do nothing; fail, with the reason, where no world can be made.
    #[arg(long, hide = true)]
    pub(super) possible: bool,
    /// The nodes on the first host are not as the topology has them, to show that it is seen.
    #[arg(long, hide = true)]
    pub(super) sabotage: Option<Sabotage>,
}

/// What is wrong with the nodes on the first host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Sabotage {
    /// They do not leave it, and know beacons only.
    Stay,
    /// They are told of nobody, in no way.
    ToldOfNobody,
}
