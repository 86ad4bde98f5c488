//! Attacks on a node of any implementation, while its peers go on.
//!
//! ```text
//!  attack_run ─── one attack after the other, and what each has done ───────> report
//!   attacks        the list of the test kit: name, description, function
//!   victim         a process: ours (echo), pyre, or one that runs already
//!   good           ten nodes (member) that talk to it and to each other at a pace; flow: what is lost
//!   files          files that one of them exchanges with it
//!   newcomer       a fresh node that wants to meet the victim
//!   watch          what the victim's process has in memory, and open
//! ```
//!
//! An attack holds if the victim lives, answers a newcomer in time, and gives memory and
//! descriptors back, and if no good peer has lost, or got twice, a single message, and none has
//! lost another, with as many messages as were meant to be.

mod attack_run;
mod echo;
mod files;
mod flow;
mod good;
mod member;
mod newcomer;
mod options;
mod pace;
mod report;
mod secrets;
mod shared;
mod victim;
mod watch;

use testkit::attacks;

use self::attack_run::AttackRun;
pub(crate) use self::options::Options;
use crate::{json, output};

/// Descriptors of the attacker without attacks: the good peers, and their connections.
const DESCRIPTORS: u64 = 1024;

/// Runs the attacks. Returns whether all hold.
///
/// # Errors
/// If they cannot be run.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    // Where it cannot be raised it is what it is.
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(256);
    if options.victim {
        return echo::run(options).map(|()| true);
    }
    if options.list {
        for attack in attacks::all() {
            output::lines(format_args!("{:<30} {}", attack.name, attack.what), 31);
        }
        return Ok(true);
    }
    json::prepare(options.json.as_deref());
    let attacks = attacks::chosen(&options.attack)?;
    let descriptors = usize::try_from(limit.saturating_sub(DESCRIPTORS)).unwrap_or(usize::MAX);
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let summary = runtime
        .block_on(async { AttackRun::begin(options, descriptors).await?.run(&attacks).await })?;
    runtime.shutdown_background();
    summary.print();
    if let Some(path) = &options.json {
        json::write(path, &summary)?;
    }
    Ok(summary.holds)
}
