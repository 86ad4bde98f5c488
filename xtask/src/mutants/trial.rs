//! One run of the tester with what was built.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::list::{Catch, Run};
use crate::commands::{cargo, wait_with_limit};

/// How long a build may take, the first one included.
const BUILD: Duration = Duration::from_secs(900);
/// How long a run may take.
const RUN: Duration = Duration::from_secs(120);

/// What came of a run.
pub(super) enum Outcome {
    Nothing,
    /// By what has caught them: what was told first.
    Violations(BTreeMap<Catch, String>),
    Panic(String),
    /// Neither of these.
    Odd(String),
}

/// Builds the tester in the copied workspace. An error if that does not compile.
pub(super) fn build(directory: &Path, output: &Path) -> Result<(), String> {
    let mut build = cargo("build --release --package zyre-tester");
    build.current_dir(directory.join("workspace"));
    build.env("CARGO_TARGET_DIR", directory.join("target"));
    // Only little changes from one to the next: a few seconds instead of a minute.
    build.env("CARGO_INCREMENTAL", "1").env("CARGO_PROFILE_RELEASE_DEBUG", "false");
    build.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256");
    // A mutant may well leave something unused.
    build.env("RUSTFLAGS", "--cap-lints=warn");
    let status = wait_with_limit(&mut build, output, BUILD).map_err(|error| error.to_string())?;
    let wrong = || format!("does not compile: {}", output.display());
    status.success().then_some(()).ok_or_else(wrong)
}

/// Runs the tester. An error if it cannot be run.
pub(super) fn run(run: &Run, directory: &Path, output: &Path) -> Result<Outcome, String> {
    let told = |error: std::io::Error| format!("zyre-tester: {error}");
    let result = directory.join("result.json");
    fs::write(&result, "").map_err(told)?;
    let tester = format!("target/release/zyre-tester{}", env::consts::EXE_SUFFIX);
    let mut command = Command::new(directory.join(tester));
    command.args(run.arguments.split_whitespace());
    for fault in run.faults {
        command.args(["--fault", fault]);
    }
    command.arg("--json").arg(&result);
    let status = wait_with_limit(&mut command, output, RUN).map_err(told)?;
    if status.success() {
        return Ok(Outcome::Nothing);
    }
    let written = fs::read_to_string(&result).map_err(told)?;
    let violations = violations(&serde_json::from_str(&written).unwrap_or_default());
    if !violations.is_empty() {
        return Ok(Outcome::Violations(violations));
    }
    let printed = fs::read(output).map_err(told)?;
    let printed = String::from_utf8_lossy(&printed);
    let panic = printed.lines().find(|line| line.contains("panicked at"));
    Ok(panic.map_or_else(
        || Outcome::Odd(format!("ended with {status} and no violation")),
        |panic| Outcome::Panic(panic.to_owned()),
    ))
}

/// Returns the violations in the tester's JSON: by what has caught them, what was told first.
fn violations(result: &Value) -> BTreeMap<Catch, String> {
    /// Characters of what is told.
    const SHOWN: usize = 70;
    let mut found = BTreeMap::new();
    if let (rule, Some(what)) = (&result["rule"], result["what"].as_str()) {
        let number = rule.as_u64().and_then(|number| u8::try_from(number).ok());
        let catch = number.map(Catch::Rule).or_else(|| rule.is_string().then_some(Catch::Meeting));
        found.extend(catch.map(|catch| (catch, what.chars().take(SHOWN).collect())));
    }
    if let (Some(attack), Some(false)) = (result["attack"].as_str(), result["holds"].as_bool()) {
        let wrong = result["notes"][0].as_str().unwrap_or_default();
        let what = format!("{attack}: {wrong}").chars().take(SHOWN).collect();
        found.insert(Catch::Attack, what);
    }
    let inside: Vec<&Value> = match result {
        Value::Array(values) => values.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    };
    for (catch, what) in inside.into_iter().flat_map(violations) {
        found.entry(catch).or_insert(what);
    }
    found
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Violations(violations) => {
                let each = violations.iter().map(|(catch, what)| format!("{catch} {what}"));
                f.write_str(&each.collect::<Vec<_>>().join("; "))
            }
            Self::Panic(line) => write!(f, "panic: {line}"),
            Self::Odd(what) => f.write_str(what),
        }
    }
}
