//! `cargo xtask fuzz`: runs one fuzz target, guided by the branches that it reaches.
//!
//! libFuzzer needs a compiler that counts these branches. cargo-fuzz uses nightly for that, but
//! what it asks for is a pass of LLVM, and the flags used here are stable. The build has its own
//! directory, because everything in it is counted.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::commands::{answer, cargo, run as run_command};
use crate::workspace;

/// Counters at every edge, a table of their places, and reports of comparisons, so that a magic
/// number is not left to chance.
const FLAGS: [&str; 8] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "-Cdebug-assertions=on",
];

/// Limits of libFuzzer for one input: seconds and MiB.
const BOUNDS: [&str; 2] = ["-timeout=25", "-rss_limit_mb=512"];
/// The limit of bytes of an input. Much is said in less.
const LONGEST: &str = "-max_len=1024";

/// The options of `cargo xtask fuzz`.
#[derive(Args)]
pub(crate) struct Options {
    /// The target to run
    #[arg(required_unless_present = "list")]
    target: Option<String>,
    /// List the targets
    #[arg(long)]
    list: bool,
    /// Stop after this many seconds
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// The seed; 0 takes another one each time
    #[arg(long, default_value_t = 0)]
    seed: u32,
    /// Afterwards keep up to this many inputs that reach something new
    #[arg(long, default_value_t = 0)]
    keep: usize,
}

/// Runs a target, or lists the targets.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let Some(target) = options.target.as_ref().filter(|_| !options.list) else {
        return run_command(&mut cargo("run --quiet --package fuzz -- --list"));
    };
    let fuzzer = Fuzzer::prepare(target)?;
    fuzzer.search(options)?;
    if options.keep > 0 { fuzzer.keep(options.keep) } else { Ok(()) }
}

/// One target, and where its inputs are.
struct Fuzzer {
    program: PathBuf,
    target: String,
    /// In the repository: inputs that are kept.
    kept: PathBuf,
    /// Below the target directory: what earlier runs have found, and seeds.
    found: PathBuf,
    seeds: PathBuf,
}

impl Fuzzer {
    fn prepare(target: &str) -> Result<Self, String> {
        let directory = workspace::target().join("fuzz");
        let host = answer(Command::new("rustc").arg("--print=host-tuple")).ok_or("no rustc")?;
        // With a target named, build scripts are not built with these flags.
        let mut build = cargo(&format!("build --release --package fuzz --target {host}"));
        build.env("CARGO_TARGET_DIR", &directory).env("RUSTFLAGS", FLAGS.join(" "));
        run_command(&mut build)?;
        let fuzzer = Self {
            program: directory.join(host).join("release/fuzz"),
            target: target.to_owned(),
            kept: workspace::root().join("fuzz/corpus").join(target),
            found: directory.join("found").join(target),
            seeds: directory.join("seeds").join(target),
        };
        [&fuzzer.kept, &fuzzer.found, &fuzzer.seeds].into_iter().try_for_each(|folder| {
            fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
        })?;
        Ok(fuzzer)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("FUZZ_TARGET", &self.target).env("FUZZ_SEEDS", &self.seeds).args(BOUNDS);
        command
    }

    /// Looks for inputs that break a promise. The first one ends the search and is kept.
    fn search(&self, options: &Options) -> Result<(), String> {
        let before = self.broken()?;
        let mut command = self.command();
        command
            .arg(format!("-max_total_time={}", options.seconds))
            .arg(format!("-seed={}", options.seed))
            .arg(format!("-artifact_prefix={}/", self.kept.display()))
            .args([LONGEST, "-len_control=0", "-print_final_stats=1"])
            .args([&self.found, &self.kept, &self.seeds]);
        let Err(error) = run_command(&mut command) else { return Ok(()) };
        let new: Vec<PathBuf> = self.broken()?.difference(&before).cloned().collect();
        let Some(input) = new.first() else { return Err(error) };
        self.shrink(input);
        Err(format!(
            "a promise was broken: see it by\n    cargo run -p fuzz -- {} {}",
            self.target,
            input.display()
        ))
    }

    /// Returns the inputs that libFuzzer has written because they broke something.
    fn broken(&self) -> Result<BTreeSet<PathBuf>, String> {
        let broken = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            ["crash-", "oom-", "timeout-"].iter().any(|prefix| name.starts_with(prefix))
        };
        Ok(files(&self.kept)?.into_iter().filter(broken).collect())
    }

    /// Makes an input as small as possible within a minute. If that fails it stays as it is.
    fn shrink(&self, input: &Path) {
        let smaller = self.seeds.with_extension("smaller");
        let mut command = self.command();
        command
            .args(["-minimize_crash=1", "-max_total_time=60"])
            .arg(format!("-exact_artifact_path={}", smaller.display()))
            .arg(input);
        // Its exit status says nothing: what it finds breaks as well.
        let _ = run_command(&mut command);
        if fs::metadata(&smaller).is_ok_and(|smaller| smaller.len() > 0) {
            let _ = fs::rename(&smaller, input);
        }
    }

    /// Keeps the inputs that reach most beyond the kept ones and the seeds.
    fn keep(&self, most: usize) -> Result<(), String> {
        let chosen = self.seeds.with_extension("chosen");
        let _ = fs::remove_dir_all(&chosen);
        let known: Vec<PathBuf> =
            [files(&self.seeds)?, files(&self.kept)?].into_iter().flatten().collect();
        fs::create_dir_all(&chosen).map_err(|error| format!("{}: {error}", chosen.display()))?;
        known.iter().try_for_each(|path| copy(path, &chosen))?;
        let mut command = self.command();
        command.args([LONGEST, "-set_cover_merge=1", "-use_counters=0"]);
        run_command(command.args([&chosen, &self.found]))?;

        let is_known =
            |path: &Path| known.iter().any(|known| known.file_name() == path.file_name());
        let mut new = files(&chosen)?;
        new.retain(|path| !is_known(path));
        // It writes first what reaches most.
        new.sort_by_key(|path| fs::metadata(path).and_then(|data| data.modified()).ok());
        new.iter().take(most).try_for_each(|path| copy(path, &self.kept))?;
        println!("kept {} of {} in {}", most.min(new.len()), new.len(), self.kept.display());
        Ok(())
    }
}

fn copy(path: &Path, folder: &Path) -> Result<(), String> {
    let to = folder.join(path.file_name().unwrap_or_default());
    fs::copy(path, to).map(drop).map_err(|error| format!("{}: {error}", path.display()))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
    });
    entries.map_err(|error| format!("{}: {error}", folder.display()))
}
