//! `cargo xtask test`: everything that has to pass.

use crate::chaos;
use crate::commands::{cargo, run as run_command};
use crate::interop;
use crate::report::Report;

/// Runs all steps, also after one has failed, and prints a summary.
pub(crate) fn run() -> Result<(), String> {
    let mut report = Report::default();
    report.step("format", || plain("fmt --all --check"));
    report
        .step("lints", || plain("clippy --workspace --all-targets --all-features -- -D warnings"));
    report.step("documentation", || {
        let mut doc = cargo("doc --workspace --no-deps --all-features");
        run_command(doc.env("RUSTDOCFLAGS", "-D warnings")).map(|()| None)
    });
    report.step("tests", || plain("test --workspace --all-features --no-fail-fast"));
    report.step("chaos", || {
        plain("run --release -p zyre-tester -- chaos --nodes 20 --seconds 20 --port 23456")
    });
    report.step("chaos with log", chaos::with_log);
    for seed in [1, 2, 3] {
        report.step(&format!("simulation {seed}"), || {
            plain(&format!(
                "run --release -p zyre-tester -- sim --nodes 100 --minutes 1 --seed {seed}"
            ))
        });
    }
    interop::steps(&mut report);
    report.finish()
}

fn plain(arguments: &str) -> Result<Option<String>, String> {
    run_command(&mut cargo(arguments)).map(|()| None)
}
