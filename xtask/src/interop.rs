//! `cargo xtask interop`: our node with other implementations, as real processes.

use std::cell::OnceCell;
use std::env;
use std::path::PathBuf;

use crate::commands::{capture, run as run_command};
use crate::peers::{self, Peers};
use crate::programs::{Built, Programs};
use crate::report::{Done, Steps};

/// Cases that run at once. Each case is a few processes that mostly wait for each other.
const CASES_AT_ONCE: usize = 4;

/// The peers that one step has prepared for another.
pub(crate) type Prepared = OnceCell<Peers>;

/// Prepares everything, runs the cases and prints a summary.
pub(crate) fn run() -> Result<(), String> {
    let (built, prepared) = (Built::default(), Prepared::default());
    let mut steps = Steps::default();
    steps.add("peers", || prepare(&prepared));
    steps.add("build", || built.get().map(|_| Done::All));
    steps.add("interoperability", || cases(&prepared, built.get()?));
    steps.run()
}

/// Installs the peers.
pub(crate) fn prepare(prepared: &Prepared) -> Result<Done, String> {
    let peers = peers::prepare()?;
    let left_out = peers.left_out();
    // It is empty: no step is run twice.
    let _ = prepared.set(peers);
    Ok(left_out.map_or(Done::All, Done::Partly))
}

/// Runs the cases with the peers that are prepared, or else with those that can be.
pub(crate) fn cases(prepared: &Prepared, programs: &Programs) -> Result<Done, String> {
    if prepared.get().is_none() {
        prepare(prepared)?;
    }
    with_peers(prepared.get().ok_or("there are no peers")?, programs)
}

fn with_peers(peers: &Peers, programs: &Programs) -> Result<Done, String> {
    let mut test = programs.test("interop")?;
    test.args(["--ignored", "--nocapture", &format!("--test-threads={CASES_AT_ONCE}")]);
    test.env("ZYRE_INTEROP_DIR", &peers.directory).env("ZYRE_BIN", our_command(programs)?);
    run_command(&mut test)?;
    let Some(reason) = peers.left_out() else { return with_libzmq(peers, programs) };
    if peers.has_python() {
        with_libzmq(peers, programs)?;
    }
    Ok(Done::Partly(reason))
}

/// Tests with the sockets of libzmq themselves, by way of pyzmq, which comes with pyre.
fn with_libzmq(peers: &Peers, programs: &Programs) -> Result<Done, String> {
    let mut test = programs.test("libzmq")?;
    test.args(["--ignored", "--nocapture"]).env("ZYRE_INTEROP_DIR", &peers.directory);
    run_command(&mut test)?;
    let mut test = programs.test("libzmq_curve")?;
    test.args(["--ignored", "--nocapture"]).env("ZYRE_INTEROP_DIR", &peers.directory);
    run_command(&mut test)?;
    let mut test = programs.test("collect")?;
    test.args(["libzmq", "--nocapture"]).env("ZYRE_INTEROP_DIR", &peers.directory);
    let output = capture(&mut test)?;
    print!("{output}");
    // A test that is not there passes as well.
    let is_tested = output.contains("1 passed");
    is_tested.then_some(Done::All).ok_or_else(|| "the collector was not tested with libzmq".into())
}

/// Returns the command `zyre`, whose subcommand `peer` is our node behind the line protocol: the
/// one that `ZYRE_BIN` names, or else the one of this workspace.
fn our_command(programs: &Programs) -> Result<PathBuf, String> {
    let given = env::var_os("ZYRE_BIN").map(PathBuf::from);
    given.map_or_else(|| programs.path("zyre").map(PathBuf::from), Ok)
}
