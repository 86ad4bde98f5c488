//! `cargo xtask test`: everything that has to pass.

mod runner;

use self::runner::Job;
use crate::chaos;
use crate::circles;
use crate::commands::{cargo, run as run_command};
use crate::features;
use crate::interop;
use crate::programs::{Built, Programs};
use crate::report::{Done, Steps};
use crate::workspace;

/// The tests that wait longest: they begin first.
const LONGEST: &str = "faults";
/// The tests that measure, by target, and by name if not all of the target do: they run after the
/// others, on a machine that does nothing else.
const MEASURING: [(&str, Option<&str>); 3] =
    [("timing", None), ("faults", Some("delays_nobody")), ("links", Some("meet_"))];
/// The tests that have a step of their own.
const WITH_PEERS: &str = "interop";
/// The number of programs that run at once. Most of them wait most of the time.
const AT_ONCE: usize = 3;
/// A world that is small enough for every test run: with a gossip hub, peers that are required, and
/// beacons; and one that carries none, and falls apart.
const WORLD: &str = "world --hosts 6 --seconds 20";
const WORLDS: [u64; 2] = [5, 6];
/// The seeds of the simulations.
const SEEDS: [u64; 3] = [1, 2, 3];

/// Runs the steps of these names, or all, and prints a summary.
pub(crate) fn run(names: &[String]) -> Result<(), String> {
    let built = Built::default();
    let prepared = interop::Prepared::default();
    let mut steps = Steps::default();
    steps.add("format", || plain("fmt --all --check"));
    steps.add("circles", || circles::run().map(|()| Done::All));
    steps.add("lints", || plain("clippy --workspace --all-targets --all-features -- -D warnings"));
    steps.add("documentation", || {
        let mut doc = cargo("doc --workspace --no-deps --all-features");
        run_command(doc.env("RUSTDOCFLAGS", "-D warnings")).map(|()| Done::All)
    });
    steps.add("features", features::each);
    steps.add("dependencies", features::dependencies);
    steps.add("minimum Rust", features::minimum_rust);
    steps.add("peers", || interop::prepare(&prepared));
    steps.add("build", || built.get().map(|_| Done::All));
    steps.add("tests", || tests(built.get()?));
    steps
        .add("doc tests", || plain("test --workspace --all-features --doc --no-fail-fast --quiet"));
    // With all features it is the audited one.
    steps.add("the other cryptography", || {
        plain("test -p zyre-zmtp --features curve --lib --test curve --quiet")
    });
    steps.add("chaos", || chaos::run(built.get()?));
    steps.add("chaos with log", || chaos::with_log(built.get()?));
    steps.add("world", || world(built.get()?));
    steps.add("simulations", || simulations(built.get()?));
    steps.add("interoperability", || interop::cases(&prepared, built.get()?));
    steps.keep(names)?;
    steps.run()
}

fn plain(arguments: &str) -> Result<Done, String> {
    run_command(&mut cargo(arguments)).map(|()| Done::All)
}

/// Runs the tests of all executables.
fn tests(programs: &Programs) -> Result<Done, String> {
    let folder = workspace::target().join("xtask/tests");
    let mut tests: Vec<_> =
        programs.tests.iter().filter(|test| test.target != WITH_PEERS).collect();
    tests.sort_by_key(|test| test.target != LONGEST);
    let (mut jobs, mut measuring) = (Vec::new(), Vec::new());
    for test in tests {
        let job = || Job { name: test.to_string(), command: test.command() };
        match MEASURING.iter().find(|(target, _)| *target == test.target) {
            None => jobs.push(job()),
            Some((_, None)) => measuring.push(job()),
            Some((_, Some(name))) => {
                let (mut others, mut only) = (job(), job());
                others.command.args(["--skip", name]);
                only.command.arg(name);
                only.name += " measuring";
                jobs.push(others);
                measuring.push(only);
            }
        }
    }
    let mut results = runner::run(jobs, AT_ONCE, &folder)?;
    for job in measuring {
        let name = job.name.clone();
        let measured = runner::run(vec![job], 1, &folder)?;
        if measured.is_empty() {
            return Err(format!("{name}: there is no such test"));
        }
        results.add(measured);
    }
    results.verdict()
}

/// Runs small worlds of hosts with several networks, where there can be any.
fn world(programs: &Programs) -> Result<Done, String> {
    let possible = programs.command("zyre-tester", "world --possible")?.output();
    let possible = possible.map_err(|error| format!("zyre-tester: {error}"))?;
    if !possible.status.success() {
        let reason = String::from_utf8_lossy(&possible.stderr);
        return Ok(Done::NotNeeded(reason.trim().to_owned()));
    }
    for seed in WORLDS {
        run_command(&mut programs.command("zyre-tester", &format!("{WORLD} --seed {seed}"))?)?;
    }
    Ok(Done::All)
}

/// Simulates the same hour of many nodes with several seeds.
fn simulations(programs: &Programs) -> Result<Done, String> {
    let job = |seed| {
        let arguments = format!("sim --nodes 100 --minutes 1 --seed {seed}");
        let command = programs.command("zyre-tester", &arguments)?;
        Ok(Job { name: format!("seed {seed}"), command })
    };
    let jobs = SEEDS.into_iter().map(job).collect::<Result<_, String>>()?;
    runner::run(jobs, AT_ONCE, &workspace::target().join("xtask/simulations"))?
        .verdict()
        .map(|_| Done::All)
}
