//! `cargo xtask campaign`: long runs in the background, and a record of each to quote from.
//!
//! Each has a directory of its own below `target/campaigns/`: `campaign.json` says what was run, on
//! which commit, and what came of it; the output of each part is beside it. It goes on when the
//! terminal is closed, and when the workspace is built anew.

mod figures;
mod kind;
mod record;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};

use self::kind::{Kind, Part, Programs};
use self::record::{Outcome, Record, State};
use crate::commands::{exists, wait_with_limit};
use crate::machine;
use crate::workspace;

/// The time that a campaign has to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);
/// The time limit of a part, for those that hang.
const LIMIT: Duration = Duration::from_secs(48 * 3600);

/// The options of `cargo xtask campaign`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    task: Task,
    /// The seed. Default: the time
    #[arg(long, global = true)]
    seed: Option<u32>,
    /// How long, where that can be chosen; for fuzzing, of each target
    #[arg(long, global = true, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
}

#[derive(Subcommand)]
enum Task {
    #[command(flatten)]
    Start(Kind),
    /// Lists all campaigns with their figures
    Status,
    /// Stops the running campaigns of this name
    Stop { name: String },
    /// Runs a campaign here: what a campaign in the background does
    #[command(hide = true)]
    Run { directory: PathBuf },
}

/// Starts a campaign, lists all, or stops some.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    match &options.task {
        Task::Start(kind) => start(kind, options),
        Task::Status => {
            status();
            Ok(())
        }
        Task::Stop { name } => stop(name),
        Task::Run { directory } => work(directory),
    }
}

fn directory() -> PathBuf {
    workspace::target().join("campaigns")
}

/// Builds what the campaign needs, and leaves it running.
fn start(kind: &Kind, options: &Options) -> Result<(), String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // The lower half of the seconds is different for each campaign.
    let seed = options.seed.unwrap_or(now.as_secs() as u32);
    let seconds = options.seconds.unwrap_or_else(|| kind.seconds());
    let directory = directory().join(format!("{}-{}", kind.name(), machine::date()));
    fs::create_dir_all(&directory).map_err(|error| describe(&directory, &error))?;
    // Copies, since the next build replaces the originals.
    let programs = Programs::copied(kind, &directory.join("bin"))?;
    let parts = kind.parts(&programs, seconds)?;
    let output = directory.join("output.txt");
    let file = fs::File::create(&output).map_err(|error| describe(&output, &error))?;
    let errors = file.try_clone().map_err(|error| describe(&output, &error))?;

    Record::new(kind.name(), seed, seconds, parts).write(&directory)?;
    let mut command = detached(&programs.xtask);
    command.args(["campaign", "run"]).arg(&directory).current_dir(workspace::root());
    command.stdin(Stdio::null()).stdout(file).stderr(errors);
    let child = command.spawn().map_err(|error| format!("xtask: {error}"))?;
    println!("{} runs as process {} in {}", kind.name(), child.id(), directory.display());
    println!("cargo xtask campaign status | cargo xtask campaign stop {}", kind.name());
    Ok(())
}

/// Returns a command that runs in a session of its own, which no terminal ends; where there is no
/// `setsid`, in a process group.
fn detached(program: &Path) -> Command {
    if exists("setsid") {
        let mut command = Command::new("setsid");
        command.arg(program);
        return command;
    }
    #[cfg_attr(not(unix), expect(unused_mut))]
    let mut command = Command::new(program);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

/// Runs the parts of a campaign one after the other, and notes what comes of them.
fn work(directory: &Path) -> Result<(), String> {
    let mut record = Record::read(directory)?;
    record.process = Some(std::process::id());
    record.write(directory)?;
    let end = Instant::now() + Duration::from_secs(record.seconds);
    for part in record.parts.clone() {
        let mut seed = record.seed;
        loop {
            record.current = Some(part.name(seed));
            record.write(directory)?;
            let outcome = run_part(&part, seed, directory);
            record.results.insert(part.name(seed), outcome);
            seed = seed.wrapping_add(1);
            if !part.is_repeated || Instant::now() > end {
                break;
            }
        }
    }
    let is_good = record.results.values().all(|outcome| outcome.is_good);
    record.end(if is_good { State::Good } else { State::Failed });
    record.write(directory)?;
    // They are large, and the commit says what they were.
    let _ = fs::remove_dir_all(directory.join("bin"));
    Ok(())
}

fn run_part(part: &Part, seed: u32, directory: &Path) -> Outcome {
    let [output, result] =
        ["txt", "json"].map(|ending| directory.join(format!("{}.{ending}", part.name(seed))));
    let begin = Instant::now();
    let status = wait_with_limit(part.command(seed).current_dir(directory), &output, LIMIT);
    Outcome {
        is_good: status.as_ref().is_ok_and(ExitStatus::success),
        exit: status.map_or_else(|error| error.to_string(), |status| status.to_string()),
        seconds: begin.elapsed().as_secs_f64(),
        figures: figures::of(&result, &output),
    }
}

/// Prints what became of all campaigns, the oldest first.
fn status() {
    let mut text = String::new();
    for (directory, record) in all() {
        let name = directory.file_name().unwrap_or_default().display();
        text += &format!("{name}\n{record}");
    }
    if text.is_empty() {
        text = format!("there are no campaigns in {}\n", directory().display());
    }
    // A pipe that is closed, as by `head`, has taken what it wanted.
    let _ = io::stdout().write_all(text.as_bytes());
}

/// Ends the campaigns of this name, with all their processes.
fn stop(name: &str) -> Result<(), String> {
    let mut stopped = 0;
    for (directory, mut record) in all() {
        let full = directory.file_name().unwrap_or_default();
        let (true, Some(process)) = (record.is_running(), record.process) else { continue };
        if record.name != name && full != name {
            continue;
        }
        // The group: what it has started as well.
        let signal = |signal: &str| {
            let _ = Command::new("kill").args([signal, "--", &format!("-{process}")]).status();
        };
        signal("-TERM");
        let deadline = Instant::now() + GRACE;
        while record.is_running() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(50));
        }
        if record.is_running() {
            signal("-KILL");
        }
        record.end(State::Stopped);
        record.write(&directory)?;
        let _ = fs::remove_dir_all(directory.join("bin"));
        println!("stopped {}", full.display());
        stopped += 1;
    }
    if stopped > 0 { Ok(()) } else { Err(format!("no campaign `{name}` is running")) }
}

/// Returns all campaigns, by the time when they began. Those of other versions are not understood.
fn all() -> Vec<(PathBuf, Record)> {
    let entries = fs::read_dir(directory()).into_iter().flatten();
    let directories = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut records: Vec<_> = directories
        .filter(|directory| directory.join(record::FILE).exists())
        .filter_map(|directory| match Record::read(&directory) {
            Ok(record) => Some((directory, record)),
            Err(error) => {
                eprintln!("left out: {error}");
                None
            }
        })
        .collect();
    records.sort_by(|(_, a), (_, b)| a.started.cmp(&b.started));
    records
}

fn describe(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}
