//! `zyre-logger collect`: joins the network as a node that announces a collector, and keeps what
//! the others record.
//!
//! ```text
//!  nodes ── PUB ──> SUB ──┐
//!                         ├─> node ── events ──> writer: a thread, batches ──> file
//!  nodes <── ZRE ──> node ┘              └─────> printer, screen
//! ```
//!
//! Nothing on the way from the network waits: what the disk does not take is counted and told.

mod error;
mod node;
mod options;
mod printer;
mod sink;

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use clap::Args;

use self::printer::Printer;
use crate::CollectorEvent;
use crate::store::Notice;
use crate::text::say;

pub use error::CollectError;
pub use node::Place;
pub use options::Options;

pub(crate) use node::run as listen;
pub(crate) use sink::StoreSink;

/// What can be set about `collect`.
#[derive(Clone, Debug, Args)]
pub struct Command {
    /// The file to write to; it is made, or continued.
    #[arg(long, value_name = "FILE")]
    pub db: PathBuf,
    /// Also print what comes.
    #[arg(long)]
    pub also_print: bool,
    /// The collector.
    #[command(flatten)]
    pub options: Options,
}

/// Collects until `stop` is set; then all that came is written.
///
/// # Errors
/// See [`CollectError`]; what was written before is kept.
pub fn run(command: &Command, stop: &AtomicBool) -> Result<(), CollectError> {
    let Command { db, also_print, options } = command;
    // Opened when the node runs: a wrong option must not leave an empty file.
    let (parts, dropped) = (OnceCell::new(), Cell::new(0_u64));
    let open = || {
        let store = StoreSink::open(Some(db), options, |notice: Notice| say(notice))?;
        let printer = also_print.then(Printer::start).transpose()?;
        let (store, printer) = parts.get_or_init(|| (store, printer));
        let dropped = &dropped;
        Ok(move |event: CollectorEvent| {
            store.take(&event);
            if event == CollectorEvent::Dropped {
                dropped.set(dropped.get() + 1);
            }
            if let Some(printer) = printer {
                printer.print(event);
            }
        })
    };
    let begin = |place: &Place| {
        say(format_args!("collecting on {place} into {}", db.display()));
    };
    let ended = listen(options, open, begin, stop);
    let Some((store, printer)) = parts.into_inner() else { return ended };
    if let Some(printer) = printer {
        printer.finish();
    }
    let lines = store.finish()?;
    ended?;
    let foreign = match dropped.get() {
        0 => String::new(),
        dropped => format!(", {dropped} foreign dropped"),
    };
    say(format_args!("{lines} lines stored{foreign}"));
    Ok(())
}
