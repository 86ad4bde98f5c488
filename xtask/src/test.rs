//! `cargo xtask test`: everything that has to pass.

mod beside;
mod runner;

use std::path::PathBuf;

use self::beside::Beside;
use self::runner::Job;
use crate::browser;
use crate::chaos;
use crate::circles;
use crate::commands::{cargo, run as run_command};
use crate::features;
use crate::interop;
use crate::links;
use crate::package;
use crate::programs::{Built, Programs, Test};
use crate::python;
use crate::report::{Done, Steps};
use crate::workspace;

/// The tests that take longest: they begin first, in this order, so that none is the last one to run
/// and keeps the others waiting.
const LONGEST: [&str; 5] = ["hostile", "links", "faults", "scenarios", "files"];
/// What a step does that needs nothing of the others.
type Check = fn() -> Result<Done, String>;

/// The steps that need a compiler and no quiet: they run beside the tests, if all steps run.
const BESIDE: [(&str, Check); 7] = [
    ("lints", lints),
    ("features", features::each),
    ("documentation", documentation),
    ("doc tests", doc_tests),
    ("the other cryptography", other_cryptography),
    ("package", package::with_program),
    ("python lints", python::lints),
];
/// The tests that measure, by target, and by name if not all of the target do: they run after the
/// others, on a machine that does nothing else.
const MEASURING: [(&str, Option<&str>); 3] =
    [("timing", None), ("faults", Some("delays_nobody")), ("links", Some("meet_"))];
/// The tests that have a step of their own.
const OWN_STEP: [&str; 2] = ["interop", "browser"];
/// The number of programs that run at once. Most of them wait most of the time.
const AT_ONCE: usize = 3;
/// A world that is small enough for every test run: with a gossip hub, peers that are required, and
/// beacons; and one that carries none, and falls apart.
const WORLD: &str = "world --hosts 6 --seconds 20";
const WORLDS: [u64; 2] = [5, 6];
/// The seeds of the simulations.
const SEEDS: [u64; 3] = [1, 2, 3];
/// One of secure nodes, and of those that lie to them.
const SECURE: &str = "sim --nodes 40 --minutes 1 --secure --lie-rate 2 --seed 4";

/// Runs the steps of these names, or all, and prints a summary.
pub(crate) fn run(names: &[String]) -> Result<(), String> {
    let built = Built::default();
    let beside = Beside::default();
    let all = names.is_empty();
    let prepared = interop::Prepared::default();
    let mut steps = Steps::default();
    steps.add("format", || plain("fmt --all --check"));
    steps.add("circles", || circles::run().map(|()| Done::All));
    steps.add("dependencies", features::dependencies);
    steps.add("peers", || interop::prepare(&prepared));
    steps.add("build", || built.get().map(|_| Done::All));
    steps.add("tests", || {
        let programs = built.get()?;
        if all {
            beside.start(&BESIDE.map(|(name, _)| name));
        }
        tests(programs)
    });
    steps.add("simulations", || simulations(built.get()?));
    steps.add("interoperability", || interop::cases(&prepared, built.get()?));
    steps.add("world", || world(built.get()?));
    steps.add("chaos", || chaos::run(built.get()?));
    steps.add("chaos with log", || chaos::with_log(built.get()?));
    steps.add("python", || python::test(&prepared, &built));
    if all {
        steps.add("checks beside these", || beside.finish());
    } else {
        for (name, check) in BESIDE {
            steps.add(name, check);
        }
    }
    steps.add("measuring tests", || measuring_tests(built.get()?));
    steps.add("browser", || browser::test(built.get()?));
    steps.keep(names)?;
    steps.run()
}

fn lints() -> Result<Done, String> {
    plain("clippy --workspace --all-targets --all-features -- -D warnings")
}

/// Builds the documentation of all crates, and checks its links.
fn documentation() -> Result<Done, String> {
    let mut doc = cargo("doc --workspace --no-deps --all-features");
    run_command(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    links::check().map(|()| Done::All)
}

fn doc_tests() -> Result<Done, String> {
    plain("test --workspace --all-features --doc --no-fail-fast --quiet")
}

/// Runs the tests of the cryptography that a build with all features does not take.
fn other_cryptography() -> Result<Done, String> {
    plain("test -p zyre-zmtp --features curve --lib --test curve --quiet")
}

fn plain(arguments: &str) -> Result<Done, String> {
    run_command(&mut cargo(arguments)).map(|()| Done::All)
}

/// Runs the tests of all executables, but for those that measure.
fn tests(programs: &Programs) -> Result<Done, String> {
    let mut tests: Vec<&Test> =
        programs.tests.iter().filter(|test| !OWN_STEP.contains(&&*test.target)).collect();
    let rank =
        |test: &&Test| LONGEST.iter().position(|it| *it == test.target).unwrap_or(usize::MAX);
    tests.sort_by_key(rank);
    let mut jobs = Vec::new();
    for test in tests {
        let mut command = test.command();
        match MEASURING.iter().find(|(target, _)| *target == test.target) {
            Some((_, None)) => continue,
            Some((_, Some(name))) => drop(command.args(["--skip", name])),
            None => {}
        }
        jobs.push(Job { name: test.to_string(), command });
    }
    runner::run(jobs, AT_ONCE, &outputs())?.verdict()
}

/// Runs the tests that measure, one at a time.
fn measuring_tests(programs: &Programs) -> Result<Done, String> {
    let mut results = runner::Results::default();
    for (target, name) in MEASURING {
        let mut command = programs.test(target)?;
        command.args(name);
        let job = Job { name: format!("{target} measuring"), command };
        let measured = runner::run(vec![job], 1, &outputs())?;
        if measured.is_empty() {
            return Err(format!("{target}: there is no test that measures"));
        }
        results.add(measured);
    }
    results.verdict()
}

/// Returns the folder with what tests print.
fn outputs() -> PathBuf {
    workspace::target().join("xtask/tests")
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

/// Simulates the same minute of many nodes with several seeds, and one of secure nodes.
fn simulations(programs: &Programs) -> Result<Done, String> {
    let plain = SEEDS.map(|seed| format!("sim --nodes 100 --minutes 1 --seed {seed}"));
    let job = |arguments: String| {
        let command = programs.command("zyre-tester", &arguments)?;
        Ok(Job { name: arguments, command })
    };
    let all = plain.into_iter().chain([SECURE.to_owned()]);
    let jobs = all.map(job).collect::<Result<_, String>>()?;
    runner::run(jobs, AT_ONCE, &workspace::target().join("xtask/simulations"))?
        .verdict()
        .map(|_| Done::All)
}
