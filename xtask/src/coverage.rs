//! `cargo xtask coverage`: which lines of the protocol crates the tests reach.
//!
//! The compiler counts what runs, and cargo-llvm-cov makes a report. The build has its own
//! directory, because everything in it is counted.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::commands::{answer, cargo, exists, run as run_command};
use crate::workspace;

/// The crates that a remote talks to.
const CRATES: [&str; 2] = ["zmtp", "zre-proto"];
/// The least share of the lines of each crate that must be reached, in percent.
const LEAST: f64 = 99.0;
/// Of these files every line must be reached: a mistake there lets an attacker in.
const WHOLE: &str = "zmtp/src/mechanism/";
/// Runs their own tests and the replay of what fuzzing has found. Doc tests run as well, but are
/// not counted.
const TESTS: &str = "test --all-features --package zyre-zmtp --package zre-proto --package fuzz";

/// The versions of LLVM whose tools read what the compiler writes.
const VERSIONS: std::ops::Range<u32> = 19..40;
const NO_COMMAND: &str = "cargo-llvm-cov is missing. Install it with
    cargo install cargo-llvm-cov --locked";
const NO_TOOLS: &str =
    "llvm-cov and llvm-profdata are missing, version 19 or later. Install them with
    rustup component add llvm-tools
or from the system's packages, on Debian
    apt-get install llvm-19
Those elsewhere are named by LLVM_COV and LLVM_PROFDATA.";

/// How often each counted line of a file was run.
type Lines = BTreeMap<usize, u64>;

/// Runs the tests and prints a table.
///
/// # Errors
/// Too few lines were reached, or a tool is missing.
pub(crate) fn run(json: Option<&Path>) -> Result<(), String> {
    answer(&mut cargo("llvm-cov --version")).ok_or(NO_COMMAND)?;
    let mut environment = tools()?;
    let directory = workspace::target().join("coverage");
    environment.push(("CARGO_TARGET_DIR".to_owned(), directory.display().to_string()));
    let shown =
        answer(cargo("llvm-cov show-env --sh --no-cfg-coverage").envs(environment.iter().cloned()));
    environment.extend(shown.ok_or("cargo llvm-cov show-env fails")?.lines().filter_map(variable));
    let step = |arguments: &str| {
        let mut command = cargo(arguments);
        command.envs(environment.iter().cloned());
        command
    };
    // A program built from an earlier source would be asked about lines that are others now.
    run_command(&mut step("llvm-cov clean --workspace"))?;
    run_command(&mut step(TESTS))?;
    let file = directory.join("lcov.info");
    run_command(step("llvm-cov report --lcov --output-path").arg(&file))?;
    let report = fs::read_to_string(&file);
    let report = report.map_err(|error| format!("{}: {error}", file.display()))?;
    let files = parse(&report, &workspace::root());
    if let Some(file) = json {
        let percents = CRATES.map(|krate| {
            let (all, reached) = counts(&files, krate);
            (krate, json!({"lines": all, "covered": reached, "percent": percent(all, reached)}))
        });
        fs::write(file, format!("{:#}\n", Value::from_iter(percents)))
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    print(&files)
}

/// Returns variables that tell cargo-llvm-cov where the tools of LLVM are; none if it finds them.
fn tools() -> Result<Vec<(String, String)>, String> {
    let given = ["LLVM_COV", "LLVM_PROFDATA"].iter().all(|name| env::var_os(name).is_some());
    let libraries = answer(Command::new("rustc").arg("--print=target-libdir")).unwrap_or_default();
    let component = Path::new(&libraries).with_file_name("bin").join("llvm-cov");
    if given || component.with_extension(env::consts::EXE_EXTENSION).is_file() {
        return Ok(Vec::new());
    }
    let both = |version: &u32| {
        ["llvm-cov", "llvm-profdata"].iter().all(|tool| exists(&format!("{tool}-{version}")))
    };
    let version = VERSIONS.rev().find(both).ok_or(NO_TOOLS)?;
    let tool = |name: &str, tool| (name.to_owned(), format!("{tool}-{version}"));
    Ok(vec![tool("LLVM_COV", "llvm-cov"), tool("LLVM_PROFDATA", "llvm-profdata")])
}

/// Reads a line `export NAME='value'`.
fn variable(line: &str) -> Option<(String, String)> {
    let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
    let unquoted = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
    Some((name.to_owned(), unquoted.unwrap_or(value).to_owned()))
}

/// Reads a report in lcov format: the sources of our crates, by their paths in the workspace.
///
/// Lines of tests are left out, because a test that runs says nothing.
fn parse(report: &str, root: &Path) -> BTreeMap<String, Lines> {
    let mut files: BTreeMap<String, Lines> = BTreeMap::new();
    let mut current: Option<(String, usize)> = None;
    for line in report.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            let inside = Path::new(path).strip_prefix(root).ok();
            let name = inside.map(|inside| inside.to_string_lossy().replace('\\', "/"));
            let name = name.filter(|name| is_counted(name));
            current = name.map(|name| (name, end(&fs::read_to_string(path).unwrap_or_default())));
        } else if let Some(counted) = line.strip_prefix("DA:")
            && let Some((name, end)) = &current
            && let Some((line, count)) = counted.split_once(',')
            && let (Ok(line), Ok(count)) = (line.parse(), count.parse())
            && line < *end
        {
            files.entry(name.clone()).or_default().insert(line, count);
        }
    }
    files
}

fn is_counted(name: &str) -> bool {
    let source =
        |krate: &&str| name.strip_prefix(*krate).is_some_and(|inside| inside.starts_with("/src/"));
    CRATES.iter().any(source) && !name.ends_with("/tests.rs")
}

/// Returns the line at which the tests of a source begin.
fn end(source: &str) -> usize {
    let lines: Vec<&str> = source.lines().collect();
    let tests = |two: &[&str]| two[0] == "#[cfg(test)]" && two[1].starts_with("mod tests");
    lines.windows(2).position(tests).map_or(usize::MAX, |index| index + 1)
}

/// Prints each file and each crate.
///
/// # Errors
/// Too few lines of a crate were reached.
fn print(files: &BTreeMap<String, Lines>) -> Result<(), String> {
    println!("\n{:<34} {:>6} {:>8} {:>8}  not covered", "file", "lines", "covered", "percent");
    let mut failed = Vec::new();
    for krate in CRATES {
        for (name, lines) in of_crate(files, krate) {
            println!("{}{}", row(name, lines.len(), covered(lines)), missing(lines));
        }
        let partial = of_crate(files, krate)
            .filter(|(name, lines)| name.starts_with(WHOLE) && covered(lines) < lines.len());
        failed.extend(partial.map(|(name, lines)| format!("{name} lacks{}", missing(lines))));
        let (all, reached) = counts(files, krate);
        println!("{}\n", row(krate, all, reached));
        if percent(all, reached) < LEAST {
            failed.push(format!("{krate} has {:.1} %", percent(all, reached)));
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(format!(
        "too few lines are covered, {LEAST} % is the least, and all of {WHOLE}: {}",
        failed.join(", ")
    ))
}

fn of_crate<'a>(
    files: &'a BTreeMap<String, Lines>,
    krate: &'a str,
) -> impl Iterator<Item = (&'a String, &'a Lines)> {
    let is_in =
        move |name: &str| name.strip_prefix(krate).is_some_and(|rest| rest.starts_with('/'));
    files.iter().filter(move |(name, _)| is_in(name))
}

/// Returns how many lines the files of a crate have, and how many of these were reached.
fn counts(files: &BTreeMap<String, Lines>, krate: &str) -> (usize, usize) {
    let counts = of_crate(files, krate).map(|(_, lines)| (lines.len(), covered(lines)));
    counts.fold((0, 0), |(all, reached), (lines, covered)| (all + lines, reached + covered))
}

fn covered(lines: &Lines) -> usize {
    lines.values().filter(|count| **count > 0).count()
}

fn row(name: &str, lines: usize, covered: usize) -> String {
    format!("{name:<34} {lines:>6} {covered:>8} {:>8.1}", percent(lines, covered))
}

/// Returns 0 if there are no lines: then the report lacks what we look for.
fn percent(lines: usize, covered: usize) -> f64 {
    100.0 * covered as f64 / lines.max(1) as f64
}

/// Returns the lines that were not run, as ranges.
fn missing(lines: &Lines) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    let mut open = false;
    for (line, count) in lines {
        match ranges.last_mut().filter(|_| open) {
            Some((_, last)) if *count == 0 => *last = *line,
            _ if *count == 0 => ranges.push((*line, *line)),
            _ => {}
        }
        open = *count == 0;
    }
    let range = |(first, last)| {
        if first == last { format!("  {first}") } else { format!("  {first}-{last}") }
    };
    ranges.into_iter().map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_for_the_sources_of_our_crates_only() {
        let report = "SF:/ours/zmtp/src/a.rs\nFN:1,f\nDA:1,5\nDA:2,0\nDA:4,0\nDA:5,1\nDA:9,0\n\
                      LF:5\nLH:2\nend_of_record\nSF:/ours/zmtp/tests/a.rs\nDA:1,0\nend_of_record\n\
                      SF:/other/zmtp/src/b.rs\nDA:1,0\nend_of_record\n\
                      SF:/ours/zre-proto/src/log/tests.rs\nDA:1,0\nend_of_record\n";
        let files = parse(report, Path::new("/ours"));
        assert_eq!(files.keys().collect::<Vec<_>>(), ["zmtp/src/a.rs"]);
        let lines = &files["zmtp/src/a.rs"];
        assert_eq!(lines.len(), 5);
        assert_eq!(missing(lines), "  2-4  9");
    }

    #[test]
    fn the_tests_of_a_source_do_not_count() {
        assert_eq!(end("fn a() {}\n\n#[cfg(test)]\nmod tests {\n"), 3);
        assert_eq!(end("#[cfg(test)]\nfn helper() {}\n"), usize::MAX);
    }

    #[test]
    fn too_little_is_an_error_also_nothing_at_all() {
        let file = |krate: &str, covered| {
            let lines = (0..100).map(|line| (line, u64::from(line < covered))).collect();
            (format!("{krate}/src/lib.rs"), lines)
        };
        assert!(print(&[file("zmtp", 99), file("zre-proto", 99)].into()).is_ok());
        let error = print(&[file("zmtp", 98), file("zre-proto", 99)].into()).unwrap_err();
        assert!(error.ends_with(": zmtp has 98.0 %"), "{error}");
        assert!(print(&[file("zmtp", 99)].into()).is_err());
        let (_, lines) = file("zmtp", 99);
        let mechanism = ("zmtp/src/mechanism/curve.rs".to_owned(), lines);
        let error =
            print(&[file("zmtp", 100), file("zre-proto", 99), mechanism].into()).unwrap_err();
        assert!(error.ends_with(": zmtp/src/mechanism/curve.rs lacks  99"), "{error}");
    }

    #[test]
    fn variables_are_read_as_a_shell_would() {
        let pair = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
        assert_eq!(variable("export A='b c=d'"), pair("A", "b c=d"));
        assert_eq!(variable("export A=1"), pair("A", "1"));
        assert_eq!(variable("info: something"), None);
    }
}
