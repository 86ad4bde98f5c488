//! The kinds of campaigns, and what each runs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::commands::{answer, cargo, run};
use crate::peers;
use crate::workspace;

/// The UDP port of the beacons of chaos: not that of `cargo xtask test`, which may run beside it.
const PORT: &str = "27671";
/// How long one world changes.
const WORLD_SECONDS: u64 = 300;
/// What stands in a command for the seed, and for the file with the result.
const SEED: &str = "{seed}";
const RESULT: &str = "{result}";

/// The kinds of campaigns.
#[derive(Subcommand)]
pub(super) enum Kind {
    /// Breaks the nodes on purpose, and checks that the tester notices
    Mutants,
    /// Fuzzes a target, or all in turn
    Fuzz {
        #[arg(default_value = "all")]
        target: String,
    },
    /// Lets a hundred real nodes come and go
    Chaos,
    /// Runs all attacks
    Hostile,
    /// Kills senders and receivers of files, again and again
    Kills,
    /// Kills senders and receivers in the midst of large files, 1,000 times
    Resume,
    /// Lets operations of the disk fail while files are shared, 10,000 schedules at a time
    Disk,
    /// Simulates with one seed after the other
    Sim,
    /// Plays random networks of hosts, with one seed after the other
    World,
    /// The same with nodes of pyre among ours
    WorldPyre,
    /// Measures which lines of the protocol crates the tests reach
    Coverage,
}

/// The programs that a campaign runs.
pub(super) struct Programs {
    pub(super) xtask: PathBuf,
    tester: PathBuf,
}

/// A command, and what it is called in the record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Part {
    name: String,
    command: Vec<String>,
    /// Whether it is run with one seed after the other until the time is up.
    pub(super) is_repeated: bool,
}

impl Part {
    /// Returns the name of the run with this seed.
    pub(super) fn name(&self, seed: u32) -> String {
        if self.is_repeated { format!("{}-{seed}", self.name) } else { self.name.clone() }
    }

    /// Returns the command of the run with this seed, which writes its result to `name.json`.
    pub(super) fn command(&self, seed: u32) -> Command {
        let mut command = Command::new(&self.command[0]);
        let result = format!("{}.json", self.name(seed));
        for word in &self.command[1..] {
            command.arg(word.replace(SEED, &seed.to_string()).replace(RESULT, &result));
        }
        command
    }
}

impl Kind {
    /// Returns the name as it is given on the command line.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Mutants => "mutants",
            Self::Fuzz { .. } => "fuzz",
            Self::Chaos => "chaos",
            Self::Hostile => "hostile",
            Self::Kills => "kills",
            Self::Resume => "resume",
            Self::Disk => "disk",
            Self::Sim => "sim",
            Self::World => "world",
            Self::WorldPyre => "world-pyre",
            Self::Coverage => "coverage",
        }
    }

    /// Returns how long it takes, if nothing is said about that.
    pub(super) const fn seconds(&self) -> u64 {
        match self {
            Self::Chaos => 300,
            Self::World => 7 * WORLD_SECONDS,
            Self::WorldPyre => 3 * WORLD_SECONDS,
            _ => 600,
        }
    }

    const fn needs_tester(&self) -> bool {
        match self {
            Self::Chaos | Self::Hostile | Self::Kills | Self::Resume | Self::Disk => true,
            Self::Sim | Self::World | Self::WorldPyre => true,
            Self::Mutants | Self::Fuzz { .. } | Self::Coverage => false,
        }
    }

    /// Returns what is run, in order.
    pub(super) fn parts(&self, programs: &Programs, seconds: u64) -> Result<Vec<Part>, String> {
        let part = |name: &str, program: &Path, arguments: &str, is_repeated: bool| {
            let mut command = vec![program.display().to_string()];
            command.extend(arguments.split_whitespace().map(str::to_owned));
            Part { name: name.to_owned(), command, is_repeated }
        };
        let xtask = |arguments: &str| vec![part(self.name(), &programs.xtask, arguments, false)];
        let tester = |arguments: &str| vec![part(self.name(), &programs.tester, arguments, false)];
        let repeated = |arguments: &str| vec![part("seed", &programs.tester, arguments, true)];
        let world = || {
            let run = format!("--hosts 30 --seconds {WORLD_SECONDS}");
            format!("world {run} --seed {SEED} --json {RESULT}")
        };
        Ok(match self {
            Self::Mutants => xtask("mutants --json {result}"),
            Self::Coverage => xtask("coverage --json {result}"),
            Self::Fuzz { target } => {
                let arguments = format!("--seconds {seconds} --seed {SEED}");
                let fuzz = |target: String| {
                    part(&target, &programs.xtask, &format!("fuzz {target} {arguments}"), false)
                };
                targets(target)?.into_iter().map(fuzz).collect()
            }
            Self::Chaos => tester(&format!(
                "chaos --nodes 100 --seconds {seconds} --seed {SEED} --port {PORT} --json {RESULT}"
            )),
            Self::Hostile => tester("hostile --json {result}"),
            Self::Kills => repeated("files kills --seed {seed}"),
            Self::Resume => tester("files resume --kills 1000 --seed {seed}"),
            Self::Disk => tester("files disk --schedules 10000 --seed {seed}"),
            Self::World => repeated(&world()),
            Self::WorldPyre => vec![with_python(part("seed", &programs.tester, &world(), true))?],
            Self::Sim => repeated("sim --nodes 100 --minutes 10 --seed {seed} --json {result}"),
        })
    }
}

/// Adds to the command of a world where a Python with pyre is, and makes that if need be.
fn with_python(part: Part) -> Result<Part, String> {
    let peers = peers::prepare()?;
    if !peers.has_python() {
        return Err(peers.left_out().unwrap_or_else(|| "there is no pyre".into()));
    }
    Ok(with_python_at(part, &peers.directory.join("venv/bin/python")))
}

fn with_python_at(mut part: Part, python: &Path) -> Part {
    part.command.extend(["--python".to_owned(), python.display().to_string()]);
    part
}

/// Returns the fuzz targets that are meant.
fn targets(target: &str) -> Result<Vec<String>, String> {
    let list = answer(&mut cargo("run --quiet --package fuzz -- --list"));
    let list = list.ok_or("cannot list the fuzz targets")?;
    let mut targets = list.lines().filter_map(|line| line.split_whitespace().next());
    if target == "all" {
        return Ok(targets.map(str::to_owned).collect());
    }
    let found = targets.find(|name| *name == target);
    Ok(vec![found.ok_or_else(|| format!("there is no fuzz target `{target}`"))?.to_owned()])
}

impl Programs {
    /// Builds the programs that are needed, and copies them to `directory`.
    pub(super) fn copied(kind: &Kind, directory: &Path) -> Result<Self, String> {
        let describe = |error: std::io::Error| format!("{}: {error}", directory.display());
        fs::create_dir_all(directory).map_err(describe)?;
        let xtask = directory.join("xtask");
        fs::copy(env::current_exe().map_err(describe)?, &xtask).map_err(describe)?;
        let tester = directory.join("zyre-tester");
        if kind.needs_tester() {
            run(&mut cargo("build --release -p zyre-tester"))?;
            let built = workspace::target().join("release/zyre-tester");
            fs::copy(built, &tester).map_err(describe)?;
        }
        Ok(Self { xtask, tester })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worlds_are_played_with_one_seed_after_the_other() {
        let programs = Programs { xtask: "xtask".into(), tester: "zyre-tester".into() };
        let parts = Kind::World.parts(&programs, Kind::World.seconds()).unwrap();
        assert!(Kind::World.needs_tester() && parts.len() == 1 && parts[0].is_repeated);
        for seed in [5, 6] {
            let command = parts[0].command(seed);
            let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
            let expected =
                format!("world --hosts 30 --seconds 300 --seed {seed} --json seed-{seed}.json");
            assert_eq!(words.join(" "), expected);
        }
        let pyre = with_python_at(parts[0].clone(), Path::new("python")).command(5);
        assert_eq!(pyre.get_args().last().unwrap(), "python");
    }
}
