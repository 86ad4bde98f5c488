//! An unstable network of real nodes on this machine.
//!
//! ```text
//!  conductor ──── orders, a line of JSON each ────> holder: a process with a share of the slots
//!   schedule      what starts, stops, dies next       slot: a thread with a runtime of its own
//!   lives         who is alive, and who has entered      node: zyre node, behaviour, ledger
//!   quiet         do the nodes agree
//!   findings <──── reports, a line of JSON each ─────
//! ```
//!
//! What one node can see is checked beside it, in its [ledger](testkit::ledger); what two nodes
//! have to agree on is checked by the conductor. The seed decides the schedule and what nodes wish
//! to do, not how fast the machine is: two runs with one seed are alike, not equal.

mod circle;
mod clock;
mod conductor;
mod counters;
mod descriptors;
mod findings;
mod forger;
mod holder;
mod id;
mod kinds;
mod level;
mod lives;
mod node;
mod options;
mod phase;
mod process;
mod protocol;
mod quiet;
mod run_history;
mod schedule;
mod screen;
mod setting;
mod slot;
mod summary;
mod trust;

pub(crate) use self::options::Options;
use crate::json;

/// Runs chaos. Returns whether nothing was violated.
///
/// # Errors
/// If it cannot be run.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    if let Some(epoch) = options.hold {
        return holder::run(options, epoch);
    }
    json::prepare(options.json.as_deref());
    options.check()?;
    let kinds = if options.half_by.is_some() { 2 } else { 1 };
    let plan = descriptors::plan(options.nodes.into(), options.processes.map(Into::into), kinds)?;
    conductor::run(options, plan)
}
