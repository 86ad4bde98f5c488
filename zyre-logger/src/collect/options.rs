//! What can be set about a collector.

use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, value_parser};
use zyre::options::Security;

use crate::Level;
use crate::moment::parse_length;

/// The smallest bound of a file: a smaller file would hold hardly anything.
const SMALLEST: ByteSize = ByteSize::mib(1);

/// What can be set about a collector.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The interface: a name, an IPv4 address, or `*` for the one of the default route. On `lo`
    /// nothing leaves this machine.
    #[arg(long, default_value = "*")]
    pub interface: String,
    /// The UDP port of the beacon: that of the network to watch. Default: 5670, and 5669 with
    /// `--network`.
    #[arg(long, value_parser = value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Which secure nodes to watch, and who this one is.
    #[command(flatten)]
    pub security: Security,
    /// The TCP port on which lines are taken; 0 lets the system choose.
    #[arg(long, default_value_t = 0)]
    pub log_port: u16,
    /// The name of the node that announces the collector.
    #[arg(long, default_value = "zyre-logger")]
    pub name: String,
    /// The least grave level to collect: error, warning, info. Nodes do not even send the others.
    #[arg(long, default_value = "info")]
    pub level: Level,
    /// How long lines are kept, such as 30d or 12h. Default: for ever.
    #[arg(long, value_parser = parse_length)]
    pub keep: Option<Duration>,
    /// How many bytes the file may have, such as 500MB or 2GB; at least 1 MiB. Beside it there is a
    /// journal of a few MB. Default: any number.
    #[arg(long, value_parser = parse_size)]
    pub max_size: Option<u64>,
}

fn parse_size(text: &str) -> Result<u64, String> {
    let size: ByteSize = text.parse().map_err(|error| format!("{error}, such as 500MB or 2GB"))?;
    if size < SMALLEST { Err("at least 1MiB".to_owned()) } else { Ok(size.as_u64()) }
}
