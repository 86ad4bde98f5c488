//! Two nodes that dial each other, on real sockets, in every interleaving.
//!
//! ```text
//!  chooser: node ── dials ──> relay ──> mailbox of the follower
//!           mailbox <── relay <── dials ── follower: node
//! ```
//!
//! Each node announces the port of a relay, which holds each connection back before it reaches the
//! mailbox, and all that it carries, by amounts of time that the seed decides. So a dial is overtaken
//! by the other at any of its steps: accepting, greeting, READY, HELLO, end. A relay may also refuse
//! the first connections, or let the first one wait for a second.
//!
//! Whatever the order: each node says HELLO once, one connection is left of all, nobody exits, and a
//! WHISPER arrives each way. What happened is kept for each run (`journal`), and shown if it is not
//! so.
//!
//! The seed decides the delays, not how fast the machine is: two runs with one seed are alike, not
//! equal. Nothing leaves this machine.

mod check;
mod connections;
mod dial;
mod dial_run;
mod entry;
mod finding;
mod journal;
mod member;
mod options;
mod plan;
mod ports;
mod relay;
mod role;
mod summary;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use tokio::sync::mpsc;

pub(crate) use self::options::Options;
use self::plan::Plan;
use self::ports::Ports;
use self::summary::Summary;
use crate::{json, output};

/// Runs with a finding of which everything is shown at once.
const SHOWN: usize = 3;

/// How often progress is told, in runs.
const PROGRESS: u32 = 100;

/// Lets pairs of nodes meet. Returns whether all have met as they must.
///
/// # Errors
/// If a node or a relay cannot start, or the result cannot be written.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    json::prepare(options.json.as_deref());
    let seed = options.seed.unwrap_or_else(rand::random);
    // Where it cannot be raised it is what it is.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let summary = runtime.block_on(meet(options, seed))?;
    runtime.shutdown_background();
    println!("{}", summary.text(output::columns()));
    if let Some(path) = &options.json {
        json::write(path, &summary)?;
    }
    Ok(summary.holds)
}

/// All runs, a number of them at a time.
async fn meet(options: &Options, seed: u64) -> Result<Summary, String> {
    let (begun, runs, connections) = (Instant::now(), options.runs, options.connections);
    let next = Arc::new(AtomicU32::new(0));
    let (tell, mut told) = mpsc::unbounded_channel();
    for _ in 0..u32::from(options.parallel).min(runs) {
        let (next, tell, ports) = (Arc::clone(&next), tell.clone(), Ports::reserve());
        tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= runs {
                    return;
                }
                let plan = Plan::new(seed.wrapping_add(number.into()));
                let outcome = dial_run::run(&plan, &ports, connections).await;
                let outcome = outcome.map_err(|error| format!("seed {}: {error}", plan.seed));
                // Nobody listens any more if another run has failed.
                if tell.send(outcome).is_err() {
                    return;
                }
            }
        });
    }
    drop(tell);
    let mut summary = Summary::new(seed, connections);
    while let Some(outcome) = told.recv().await {
        let outcome = outcome?;
        if let Some(finding) = &outcome.finding
            && summary.findings.len() < SHOWN
        {
            println!("{finding}");
        }
        summary.add(outcome);
        if summary.runs.is_multiple_of(PROGRESS) {
            eprintln!("{} of {runs} runs, {} with findings", summary.runs, summary.found);
        }
    }
    summary.end(begun.elapsed());
    Ok(summary)
}
