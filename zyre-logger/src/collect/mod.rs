//! `zyre-logger collect`: joins the network as a node that announces a collector, and keeps what
//! the others record.
//!
//! ```text
//!  nodes ── PUB ──> SUB ──┐
//!                         ├─> network ── heard ──> writer: a thread, batches ──> file
//!  nodes <── ZRE ──> node ┘                └─────> printer, screen
//! ```
//!
//! Nothing on the way from the network waits: what the disk does not take is counted and told.

mod network;
mod printer;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytesize::ByteSize;
use thiserror::Error;
use tokio::runtime::{Builder, Runtime};

pub(crate) use network::run as listen;

use crate::moment::parse_length;
use crate::store::{Bounds, Entry, Notice, Sender, StoreError, Writer};
use crate::{Heard, Level};
use printer::Printer;

/// Smaller files would hold hardly anything.
const SMALLEST: u64 = 1 << 20;

/// How often it is looked whether to end.
const LOOK: Duration = Duration::from_millis(50);

/// What can be set about a collector.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The interface: a name, an IPv4 address, or `*` for the one of the default route. On `lo`
    /// nothing leaves this machine.
    #[arg(long, default_value = "*")]
    interface: String,
    /// The UDP port of the beacon: that of the network to watch.
    #[arg(long, default_value_t = zyre::BEACON_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// The TCP port on which lines are taken; 0 lets the system choose.
    #[arg(long, default_value_t = 0)]
    log_port: u16,
    /// The name of the node that announces the collector.
    #[arg(long, default_value = "zyre-logger")]
    name: String,
    /// At least so grave: error, warning, info. Nodes do not even send the others.
    #[arg(long, default_value = "info")]
    level: Level,
    /// How long lines are kept, such as 30d or 12h. Default: for ever.
    #[arg(long, value_parser = parse_length)]
    keep: Option<Duration>,
    /// How large the file may become, such as 500MB or 2GB; at least 1 MiB. Beside it there is a
    /// journal of a few MB. Default: any size.
    #[arg(long, value_parser = octets)]
    max_size: Option<u64>,
}

/// What can be set about `collect`.
#[derive(Clone, Debug, clap::Args)]
pub struct Command {
    /// The file to write to; it is made, or continued.
    #[arg(long)]
    db: PathBuf,
    /// Also print what comes.
    #[arg(long)]
    also_print: bool,
    #[command(flatten)]
    options: Options,
}

/// Where a collector is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The interface.
    pub interface: String,
    /// Where lines are taken.
    pub address: SocketAddr,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.interface, self.address)
    }
}

/// Why a collector ends.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CollectError {
    /// The file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The node cannot be started.
    #[error("cannot join the network: {0}")]
    Start(#[from] zyre::StartError),
    /// The node does not announce the collector.
    #[error("cannot announce the collector: {0}")]
    Announce(#[from] zyre::Refused),
    /// The port for lines cannot be opened.
    #[error("cannot take lines at {0}: {1}")]
    Bind(SocketAddr, io::Error),
    /// The system does not give what is needed.
    #[error("the system refuses: {0}")]
    System(#[from] io::Error),
}

/// Collects until `stop` is set; then all that came is written.
///
/// # Errors
/// See [`CollectError`]; what was written before is kept.
pub fn run(command: &Command, stop: &AtomicBool) -> Result<(), CollectError> {
    let Command { db, also_print, options } = command;
    let tell = |notice: Notice| eprintln!("zyre-logger: {notice}");
    let stored = Stored::open(Some(db), options, tell)?;
    let printer = also_print.then(Printer::start).transpose()?;
    let mut dropped = 0_u64;
    let sink = |heard: Heard| {
        stored.take(&heard);
        if heard == Heard::Dropped {
            dropped += 1;
        }
        if let Some(printer) = &printer {
            printer.print(heard);
        }
    };
    let begin = |place: &Place| {
        eprintln!("zyre-logger: collecting on {place} into {}", db.display());
    };
    let ended = runtime()?.block_on(listen(options, sink, begin, stopped(stop)));
    if let Some(printer) = printer {
        printer.finish();
    }
    let lines = stored.finish()?;
    let foreign = if dropped > 0 { format!(", {dropped} foreign dropped") } else { String::new() };
    eprintln!("zyre-logger: {lines} lines stored{foreign}");
    ended
}

/// Waits until the flag is set.
pub(crate) async fn stopped(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(LOOK).await;
    }
}

/// A runtime of one thread; see `network.rs` for why.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// The way into a file, if there is one.
#[derive(Debug)]
pub(crate) struct Stored {
    writer: Option<(Writer, Sender)>,
    level: Level,
}

impl Stored {
    pub(crate) fn open(
        path: Option<&PathBuf>,
        options: &Options,
        notify: impl Fn(Notice) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let bounds = Bounds { age: options.keep, octets: options.max_size };
        let start = |path: &PathBuf| Writer::start(Path::new(path), bounds, notify);
        let writer = path.map(start).transpose()?.map(|writer| {
            let sender = writer.sender();
            (writer, sender)
        });
        Ok(Self { writer, level: options.level })
    }

    /// Has it written. Never waits.
    pub(crate) fn take(&self, heard: &Heard) {
        let Some((_, sender)) = &self.writer else { return };
        match heard {
            Heard::Line(record) if record.level <= self.level => {
                sender.send(Entry::Record(record.clone()));
            }
            Heard::Seen(sighting) => sender.send(Entry::Seen(sighting.clone())),
            Heard::Line(_) | Heard::Gone { .. } | Heard::Quiet { .. } | Heard::Dropped => {}
        }
    }

    /// Writes the rest. Returns how many lines were written in all.
    pub(crate) fn finish(self) -> Result<u64, StoreError> {
        let Some((writer, sender)) = self.writer else { return Ok(0) };
        drop(sender);
        writer.finish()
    }
}

fn octets(text: &str) -> Result<u64, String> {
    let size: ByteSize = text.parse().map_err(|error| format!("{error}, such as 500MB or 2GB"))?;
    if size.as_u64() < SMALLEST { Err("at least 1MiB".to_owned()) } else { Ok(size.as_u64()) }
}
