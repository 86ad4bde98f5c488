//! What can be set about the page.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::speed::Speed;
use crate::{collect, moment};

/// What can be set about the page.
#[derive(Clone, Debug, Args)]
#[group(id = "serve")]
pub struct Options {
    /// Where browsers connect to. At another address than one of this machine alone, they need the link
    /// that is printed.
    #[arg(long, default_value = "127.0.0.1:5680", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// A name by which browsers may call this machine, besides its addresses and `localhost`; for a proxy.
    #[arg(long, value_name = "NAME")]
    pub host: Vec<String>,
    /// Let everybody in who reaches the address: a proxy of yours decides.
    #[arg(long)]
    pub no_token: bool,
    /// Keep what comes in this file, and show what it holds already. With `--replay`, the recording. By
    /// default what comes is kept until the program ends.
    #[arg(long, value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// Show the recording in `--db`, played N times as fast as it was (`10x`), or all of it at once and what
    /// comes to it later (`max`).
    #[arg(long, value_name = "SPEED", requires = "db")]
    pub replay: Option<Speed>,
    /// Begin here: RFC 3339, local time, or how long ago (`10m`). Default: where a recording begins; live
    /// with the last million lines.
    #[arg(long, value_name = "TIME", value_parser = moment::parse, requires = "db")]
    pub from: Option<i64>,
    /// End here; default: where the recording ends.
    #[arg(long, value_name = "TIME", value_parser = moment::parse, requires = "replay")]
    pub to: Option<i64>,
    /// The collector.
    #[command(flatten)]
    pub collect: collect::Options,
}
