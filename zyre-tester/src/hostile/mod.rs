//! Attacks on a node, by whom and by whatever it may be made.
//!
//! ```text
//!  siege ──────── one attack after the other, and what each has done ───────> report
//!   attack         name, description, function: beacons, transport, connections, mailboxes,
//!     target       messages, hellos, contents, impostors, floods    by hand: wire, dealer
//!   victim         a process: ours (echo), pyre, or one that runs already
//!   good           ten nodes (member) that talk to it and to each other at a pace; flow: what is lost
//!   newcomer       a fresh node that wants to meet the victim
//!   usage          what the victim's process has in memory, and open
//! ```
//!
//! An attack holds if the victim lives, answers a newcomer in time, and gives memory and descriptors
//! back, and if no good peer has lost, or got twice, a single message, and none has lost another, with
//! as many messages as were meant to be.

mod attack;
mod beacons;
mod connections;
mod contents;
mod dealer;
mod echo;
mod floods;
mod flow;
mod good;
mod hellos;
mod impostors;
mod mailboxes;
mod member;
mod messages;
mod newcomer;
mod pace;
mod report;
mod siege;
mod target;
mod transport;
mod usage;
mod victim;
mod wire;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use zyre::PeerId;

use self::attack::Attack;
use self::siege::Siege;

/// Descriptors of the attacker without attacks: the good peers, and their connections.
const DESCRIPTORS: u64 = 1024;

/// What can be set about the attacks.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Attacks a node that runs already, by the address of its mailbox. Default: a node of this
    /// library, in a process of its own.
    #[arg(long, value_name = "ADDRESS:PORT")]
    target: Option<SocketAddr>,
    /// The id of that node. Default: as its beacon says.
    #[arg(long, requires = "target")]
    id: Option<PeerId>,
    /// The process of that node, on this machine, to see its memory and its end.
    #[arg(long, requires = "target")]
    pid: Option<u32>,
    /// That node is in the group `hostile`, and whispers back what it is sent.
    #[arg(long, requires = "target")]
    echoes: bool,
    /// Attacks another implementation, started for it.
    #[arg(long, conflicts_with = "target")]
    with: Option<Implementation>,
    /// The Python that has pyre. Default: that of `cargo xtask peers`, or python3.
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Only these: names, or how names begin.
    #[arg(long, value_name = "NAME", num_args = 1..)]
    attack: Vec<String>,
    /// Lists all attacks, and runs none.
    #[arg(long)]
    list: bool,
    /// Also writes the result to a file, as JSON; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// How long one attack may go on.
    #[arg(long, default_value_t = 15.0, value_parser = seconds)]
    seconds: f64,
    /// How long a newcomer may have to wait, and a good message be on its way, in seconds.
    #[arg(long, default_value_t = 1.0, value_parser = seconds)]
    patience: f64,
    /// The interface: a name or an IPv4 address. On `lo` nothing leaves this machine. Elsewhere,
    /// whoever hears the beacons is attacked as well.
    #[arg(long, default_value = "lo")]
    interface: String,
    /// The UDP port of the beacon. Not that of ZRE, so that no other node is attacked.
    #[arg(long, default_value_t = 7671, value_parser = clap::value_parser!(u16).range(1..))]
    beacon_port: u16,
    /// A second address of this machine to attack from. Default on loopback: 127.0.0.2.
    #[arg(long)]
    elsewhere: Option<Ipv4Addr>,
    /// How many descriptors a victim of ours may open. Default: as many as the system allows.
    #[arg(long, value_name = "NUMBER")]
    descriptors: Option<u64>,
    /// The victim dies of an attack, to show that it is seen.
    #[arg(long, hide = true)]
    sabotage: bool,
    /// This is the victim.
    #[arg(long, hide = true)]
    victim: bool,
}

/// Another implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Implementation {
    /// pyre, the Python library zeromq-pyre.
    Pyre,
}

/// Who is attacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whom {
    Ours,
    Pyre,
    Elsewhere(SocketAddr),
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours => f.write_str("zyre"),
            Self::Pyre => f.write_str("pyre"),
            Self::Elsewhere(mailbox) => mailbox.fmt(f),
        }
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.1..=3600.0).contains(number));
    number.ok_or_else(|| "not a number from 0.1 to 3600".into())
}

impl Options {
    fn whom(&self) -> Whom {
        match (self.target, self.with) {
            (Some(mailbox), _) => Whom::Elsewhere(mailbox),
            (None, Some(Implementation::Pyre)) => Whom::Pyre,
            (None, None) => Whom::Ours,
        }
    }

    fn bound(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs_f64(self.patience)
    }

    fn python(&self) -> PathBuf {
        let prepared = PathBuf::from("target/interop/venv/bin/python");
        match &self.python {
            Some(python) => python.clone(),
            None if prepared.exists() => prepared,
            None => "python3".into(),
        }
    }

    /// Another address than that of the good peers. On loopback there are many, on most systems.
    fn other_address(&self, loopback: bool) -> Option<Ipv4Addr> {
        let second = loopback.then_some(Ipv4Addr::new(127, 0, 0, 2));
        let usable = |address: &Ipv4Addr| UdpSocket::bind((*address, 0)).is_ok();
        self.elsewhere.or_else(|| second.filter(usable))
    }
}

/// Runs the attacks. Success means that all hold.
pub(crate) fn run(options: &Options) -> ExitCode {
    // Where it cannot be raised it is what it is.
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(256);
    if options.victim {
        return echo::run(options);
    }
    if options.list {
        for attack in Attack::all() {
            println!("{:<30} {}", attack.name, attack.what);
        }
        return ExitCode::SUCCESS;
    }
    match besiege(options, limit) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            eprintln!("zyre-tester: {text}");
            ExitCode::from(2)
        }
    }
}

fn besiege(options: &Options, limit: u64) -> Result<bool, String> {
    let attacks = Attack::chosen(&options.attack)?;
    let descriptors = usize::try_from(limit.saturating_sub(DESCRIPTORS)).unwrap_or(usize::MAX);
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let summary = runtime.block_on(async {
        let siege = Siege::begin(options, descriptors).await?;
        siege.run(&attacks).await
    })?;
    runtime.shutdown_background();
    summary.print();
    if let Some(path) = &options.json {
        let json = serde_json::to_string_pretty(&summary).map_err(|error| error.to_string())?;
        if path.as_os_str() == "-" {
            println!("{json}");
        } else {
            std::fs::write(path, json).map_err(|error| {
                format!("the result cannot be written to {}: {error}", path.display())
            })?;
        }
    }
    Ok(summary.holds)
}
