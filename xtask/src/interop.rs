//! `cargo xtask interop`: our node with other implementations, as real processes.

use std::cell::RefCell;
use std::env;
use std::path::PathBuf;

use crate::commands::{cargo, run as run_command, tell};
use crate::peers;
use crate::report::Report;
use crate::workspace;

/// Cases that run at once. Each case is a few processes that mostly wait for each other.
const CASES_AT_ONCE: usize = 4;

/// Prepares everything, runs the cases and prints a summary.
pub(crate) fn run() -> Result<(), String> {
    let mut report = Report::default();
    steps(&mut report);
    report.finish()
}

/// The steps of `cargo xtask interop`, for a report that may have more.
pub(crate) fn steps(report: &mut Report) {
    let prepared = RefCell::new(None);
    report.step("peers", || {
        let peers = peers::prepare()?;
        let left_out = peers.left_out();
        *prepared.borrow_mut() = Some(peers);
        match left_out {
            Some(reason) if workspace::is_ci() => Err(reason),
            left_out => Ok(left_out),
        }
    });
    report.step("interoperability", || {
        let prepared = prepared.take().ok_or("there are no peers")?;
        let mut test = cargo("test --package zyre --all-features --test interop --");
        test.args(["--ignored", "--nocapture", &format!("--test-threads={CASES_AT_ONCE}")]);
        test.env("ZYRE_INTEROP_DIR", &prepared.directory).env("ZYRE_PEER_BIN", our_peer()?);
        run_command(&mut test)?;
        if prepared.has_python() {
            // The sockets of libzmq themselves, by way of pyzmq, which comes with pyre.
            let mut test = cargo("test --package zmtp --test libzmq -- --ignored --nocapture");
            run_command(test.env("ZYRE_INTEROP_DIR", &prepared.directory))?;
            // A test that is not there passes, and without pyzmq this one only says so.
            let mut test = cargo("test --package zyre-logger --test collect libzmq -- --nocapture");
            let said = tell(test.env("ZYRE_INTEROP_DIR", &prepared.directory))?;
            if !said.contains("1 passed") || said.contains("skipped") {
                return Err("the collector was not tested with libzmq".to_owned());
            }
        }
        Ok(prepared.left_out().map(|_| "without the peers that were skipped".to_owned()))
    });
}

/// Our own program behind the line protocol: the one that `ZYRE_PEER_BIN` names, or else the one
/// in this workspace, built now.
fn our_peer() -> Result<PathBuf, String> {
    if let Some(program) = env::var_os("ZYRE_PEER_BIN") {
        return Ok(PathBuf::from(program));
    }
    run_command(&mut cargo("build --package examples --bin peer"))?;
    Ok(workspace::target().join("debug").join(format!("peer{}", env::consts::EXE_SUFFIX)))
}
