//! What can be set about chaos.

use std::path::PathBuf;

/// The options of `chaos`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many slots there are; about half of them hold a node at any time.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(2..=1000))]
    pub(super) nodes: u16,
    /// How long nodes come and go. A few seconds more to stop all.
    #[arg(long, default_value_t = 60.0, value_parser = positive)]
    pub(super) seconds: f64,
    /// The interface: a name or an IPv4 address. On `lo` nothing leaves this machine.
    #[arg(long, default_value = "lo")]
    pub(super) interface: String,
    /// The UDP port of the beacon. Not that of ZRE, so that no other node gets into this.
    #[arg(long, default_value_t = 7670, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) port: u16,
    /// Decides the schedule. Default: by chance.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// How many processes hold the nodes. Default: as few as the limit of descriptors allows.
    /// With more than one, now and then one is killed.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) processes: Option<u16>,
    /// Also write the result to a file, as JSON; `-` is standard output.
    #[arg(long)]
    pub(super) json: Option<PathBuf>,
    /// Of 100 nodes this number makes one connection each way with everybody, as nodes of other
    /// kinds do. Which ones, the seed decides.
    #[arg(long, value_name = "PERCENT", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(super) plain: u8,
    /// Half of the processes, of which there are two at least, run this program instead: the
    /// zyre-tester of the release before. What its nodes do not tell is not judged.
    #[arg(long, value_name = "PATH")]
    pub(super) half_by: Option<PathBuf>,
    /// How much time from one start or stop to the next: `normal` (500 to 1000 ms), `fast` (a fifth
    /// of it), or a factor.
    #[arg(long, default_value = "normal", value_parser = pace)]
    pub(super) pace: f64,
    /// How many nodes are started at the beginning. Default: half of the slots.
    #[arg(long)]
    pub(super) begin: Option<u16>,
    /// Nodes find each other by gossip alone, without beacons: the node of the first slot is the hub,
    /// and never stops. No process is killed.
    #[arg(long, conflicts_with = "half_by")]
    pub(super) gossip: bool,
    /// All nodes are secure ones of one network, and trust each other, except that now and then one
    /// does not trust another for a while. Beacons are forged in their names. Among them are strangers.
    #[arg(long, conflicts_with_all = ["half_by", "gossip", "log"])]
    pub(super) secure: bool,
    /// Of 100 nodes of a run of secure ones this number are strangers to the others: of another
    /// network, or not secure. Which ones, the seed decides.
    #[arg(long, value_name = "PERCENT", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(super) strangers: u8,
    /// Where the network keys of a run are.
    #[arg(long, hide = true)]
    pub(super) network_keys: Option<PathBuf>,
    /// All nodes record a log for collectors, such as `zyre-logger`, and what their applications
    /// were told is written to this file, a line of JSON each, to compare both.
    #[arg(long)]
    pub(super) log: Option<PathBuf>,
    /// Nodes lose events on purpose, to show that it is seen.
    #[arg(long, hide = true)]
    pub(super) sabotage: bool,
    /// This is a process that holds nodes for a run that began then.
    #[arg(long, hide = true)]
    pub(super) hold: Option<u64>,
}

impl Options {
    /// Checks that a node can live on the interface, before a hundred try.
    pub(super) fn check(&self) -> Result<(), String> {
        let builder = zyre::Node::builder().interface(self.interface.as_str()).beacon(false);
        let (node, _events) = builder.start_blocking().map_err(|error| error.to_string())?;
        node.blocking_stop();
        Ok(())
    }
}

fn pace(text: &str) -> Result<f64, String> {
    match text {
        "normal" => Ok(1.0),
        "fast" => Ok(0.2),
        factor => positive(factor),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.01..=1e6).contains(number));
    number.ok_or_else(|| "not a number from 0.01 to 1000000".into())
}
