//! Virtual nodes in virtual time: the engine of `zre-proto`, thousands of times, on a network that
//! is as bad as one likes.
//!
//! Everything follows from the seed: two runs with the same options print the same digest, on any
//! machine and with any number of threads.
//!
//! A run is a list of faults ([`faults`]) and a loop ([`mod@run`]) over windows of time, in which
//! the threads of a [`workers`] run every [`node`] by itself. A node is an engine with its
//! connections (links to others, a mailbox for others) and its application ([`app`]), which chats
//! and keeps a ledger. What must hold between nodes is looked at from outside ([`check`]), with
//! regard to who has been disturbed ([`health`]).

mod app;
mod chance;
mod check;
mod counts;
mod digest;
mod driver;
mod faults;
mod gate;
mod health;
mod identity;
mod keys;
mod leaders;
mod lie;
mod liveness;
mod net;
mod node;
mod options;
mod post;
mod quantity;
mod queue;
mod report;
mod rules;
mod run;
mod segment;
mod shrink;
mod site;
mod table;
mod time;
mod trace;
mod truth;
mod workers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use self::options::Options;
use crate::json;

/// Runs the simulation. Returns whether nothing was found.
///
/// # Errors
/// If it cannot be run.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    let from_file;
    let options = match &options.file {
        Some(file) => {
            from_file = Options::from_file(file)?;
            &from_file
        }
        None => options,
    };
    json::prepare(options.json.as_deref());
    let stop = stopper();
    if options.table {
        return table::run(options, &stop);
    }
    let setup = options.setup()?;
    let faults = options.faults(&setup)?;
    let mut live = report::Live::new(setup.rules.end);
    let outcome = run::run(&setup, &faults, &stop, &mut live);
    live.clear();
    report::print(options, &setup, &outcome);
    let shrunk = match outcome.violations.first() {
        Some(first) if !outcome.interrupted => {
            let shrunk = shrink::shrink(&setup, &faults, first, options.shrink, &stop);
            report::print_shrunk(options, &setup, &shrunk);
            Some(shrunk)
        }
        _ => None,
    };
    if let Some(file) = &options.json {
        json::write(file, &report::json(&setup, &outcome, shrunk.as_ref()))?;
    }
    Ok(outcome.violations.is_empty())
}

/// Becomes true when the person presses Ctrl-C.
fn stopper() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let pressed = stop.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime
            && runtime.block_on(tokio::signal::ctrl_c()).is_ok()
        {
            pressed.store(true, Ordering::Relaxed);
        }
    });
    stop
}
