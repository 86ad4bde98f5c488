//! What can be set about the attacks.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use zyre::{HostEndpoint, PeerId};

/// The options of `hostile`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Attacks a node that runs already, by the address of its mailbox. Default: a node of this
    /// library, in a process of its own.
    #[arg(long, value_name = "ADDRESS:PORT")]
    target: Option<SocketAddr>,
    /// The id of that node. Default: as its beacon says.
    #[arg(long, requires = "target")]
    pub(super) id: Option<PeerId>,
    /// The process of that node, on this machine, to see its memory and its end.
    #[arg(long, requires = "target")]
    pub(super) pid: Option<u32>,
    /// That node is in the group `hostile`, and whispers back what it is sent.
    #[arg(long, requires = "target")]
    pub(super) echoes: bool,
    /// Attacks another implementation, started for it.
    #[arg(long, conflicts_with = "target")]
    with: Option<Implementation>,
    /// The Python that has pyre. Default: that of `cargo xtask peers`, or python3.
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// The victim, the good peers and the newcomers are secure nodes of one network. Connections to
    /// them are then made by an insider, whose key the victim trusts, and who lies.
    #[arg(long, conflicts_with_all = ["target", "with"])]
    pub(super) secure: bool,
    /// Only these: names, or how names begin.
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(super) attack: Vec<String>,
    /// Lists all attacks, and runs none.
    #[arg(long)]
    pub(super) list: bool,
    /// Also writes the result to a file, as JSON; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// How long one attack may go on.
    #[arg(long, default_value_t = 15.0, value_parser = seconds)]
    pub(super) seconds: f64,
    /// How long a newcomer may have to wait, and a good message be on its way, in seconds.
    #[arg(long, default_value_t = 1.0, value_parser = seconds)]
    patience: f64,
    /// The interface: a name or an IPv4 address. On `lo` nothing leaves this machine. Elsewhere,
    /// all nodes that hear the beacons are attacked as well.
    #[arg(long, default_value = "lo")]
    pub(super) interface: String,
    /// The UDP port of the beacon. Not that of ZRE, so that no other node is attacked.
    #[arg(long, default_value_t = 7671, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) beacon_port: u16,
    /// A second address of this machine to attack from. Default on loopback: 127.0.0.2.
    #[arg(long)]
    elsewhere: Option<Ipv4Addr>,
    /// How many descriptors a victim of ours may open. Default: as many as the system allows.
    #[arg(long, value_name = "NUMBER")]
    pub(super) descriptors: Option<u64>,
    /// The victim dies of an attack, to show that it is seen.
    #[arg(long, hide = true)]
    pub(super) sabotage: bool,
    /// The gossip hub that the victim connects to.
    #[arg(long, hide = true)]
    pub(super) gossip_hub: Option<HostEndpoint>,
    /// The directory in which the victim's folders are.
    #[arg(long, hide = true)]
    pub(super) home: Option<PathBuf>,
    /// The file with the keys that a secure victim trusts.
    #[arg(long, hide = true)]
    pub(super) trusted: Option<PathBuf>,
    /// This is the victim.
    #[arg(long, hide = true)]
    pub(super) victim: bool,
}

/// Another implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Implementation {
    /// pyre, the Python library zeromq-pyre.
    Pyre,
}

/// The node that is attacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whom {
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
    pub(super) fn whom(&self) -> Whom {
        match (self.target, self.with) {
            (Some(mailbox), _) => Whom::Elsewhere(mailbox),
            (None, Some(Implementation::Pyre)) => Whom::Pyre,
            (None, None) => Whom::Ours,
        }
    }

    pub(super) fn bound(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs_f64(self.patience)
    }

    pub(super) fn python(&self) -> PathBuf {
        let prepared = PathBuf::from("target/interop/venv/bin/python");
        match &self.python {
            Some(python) => python.clone(),
            None if prepared.exists() => prepared,
            None => "python3".into(),
        }
    }

    /// Another address than that of the good peers. On loopback there are many, on most systems.
    pub(super) fn other_address(&self, loopback: bool) -> Option<Ipv4Addr> {
        let second = loopback.then_some(Ipv4Addr::new(127, 0, 0, 2));
        let usable = |address: &Ipv4Addr| UdpSocket::bind((*address, 0)).is_ok();
        self.elsewhere.or_else(|| second.filter(usable))
    }
}
