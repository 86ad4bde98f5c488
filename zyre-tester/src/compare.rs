//! Compares a file that `zyre-logger` has collected with what the applications of its nodes were
//! told.
//!
//! `chaos --log` has its nodes record, and writes down each ENTER and EXIT that their
//! applications were told. Each of those has to be in the file that was collected meanwhile, once,
//! and for a node and a peer in the same order; and there must be no others. ENTER names the peer
//! in its text, EXIT the reason: these have to be equal as well. The node's clock has seconds, and
//! its line may not be later than what its application was told, nor 3 seconds earlier.
//!
//! What cannot be asked for is counted:
//!
//! * What a node recorded in the half second before it died, stalls not counted, may be missing;
//!   and its application may not have taken, or its process not told, what it recorded then.
//! * What a node recorded that ended less than half a second after it met a collector, or without.
//! * A line says who by 16 bits, and those are used again as ports are. Two pairs of nodes that
//!   have the same are told apart by text and time; where both fit, either is taken.
//! * Lines that the collector's own node recorded: its application is not of the history. Of its
//!   own coming and going at the nodes of chaos both sides know; that is compared as all else.

mod comparison;
mod history;
mod matching;

use std::path::PathBuf;

use zyre_logger::Store;

use self::history::History;

/// The options of `compare`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The file that `zyre-logger collect` has written, from before chaos began until after its
    /// end.
    #[arg(long)]
    db: PathBuf,
    /// The file that `chaos --log` has written.
    #[arg(long)]
    history: PathBuf,
}

/// Compares, and prints the result. Returns `true`: a difference is an error, which says how many.
///
/// # Errors
/// If the two differ, if there is too little to compare, and if a file cannot be read.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    let history = History::read(&options.history)?;
    let store = Store::open(&options.db).map_err(|error| error.to_string())?;
    let comparison = matching::compare(&store, &history).map_err(|error| error.to_string())?;
    println!("{}", comparison.to_string().trim_end());
    comparison.verdict().map(|()| true)
}

#[cfg(test)]
mod tests;
