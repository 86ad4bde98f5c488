//! What is written down about a campaign.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::figures;
use super::kind::Part;
use crate::commands::answer;
use crate::git;
use crate::machine;

/// The file with the record, in the directory of the campaign.
pub(super) const FILE: &str = "campaign.json";

/// What a campaign is, and what has come of it.
#[derive(Deserialize, Serialize)]
pub(super) struct Record {
    pub(super) name: String,
    commit: String,
    /// Whether something was not committed.
    is_dirty: bool,
    pub(super) seed: u32,
    pub(super) seconds: u64,
    pub(super) parts: Vec<Part>,
    /// The process that runs the parts; it leads a group with all the others.
    pub(super) process: Option<u32>,
    pub(super) state: State,
    /// The part that runs.
    pub(super) current: Option<String>,
    pub(super) started: String,
    ended: Option<String>,
    /// By the name of the part, with its seed if it is repeated.
    pub(super) results: BTreeMap<String, Outcome>,
}

/// How a campaign stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Running,
    Good,
    Failed,
    Stopped,
}

/// What came of a part.
#[derive(Deserialize, Serialize)]
pub(super) struct Outcome {
    /// The exit status, or why there is none.
    pub(super) exit: String,
    pub(super) is_good: bool,
    pub(super) seconds: f64,
    pub(super) figures: Value,
}

impl Record {
    /// Returns the record of a campaign that begins now.
    pub(super) fn new(name: &str, seed: u32, seconds: u64, parts: Vec<Part>) -> Self {
        let commit = git::commit().unwrap_or_default();
        Self {
            name: name.to_owned(),
            commit: commit.trim_end_matches('+').to_owned(),
            is_dirty: commit.ends_with('+'),
            seed,
            seconds,
            parts,
            process: None,
            state: State::Running,
            current: None,
            started: machine::date(),
            ended: None,
            results: BTreeMap::new(),
        }
    }

    /// Reads the record of the campaign in `directory`.
    pub(super) fn read(directory: &Path) -> Result<Self, String> {
        let file = directory.join(FILE);
        let describe = |error: &dyn fmt::Display| format!("{}: {error}", file.display());
        let text = fs::read_to_string(&file).map_err(|error| describe(&error))?;
        serde_json::from_str(&text).map_err(|error| describe(&error))
    }

    /// Writes the record; at no time is there half of one.
    pub(super) fn write(&self, directory: &Path) -> Result<(), String> {
        let [file, new] = [FILE, "campaign.new"].map(|name| directory.join(name));
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        fs::write(&new, text + "\n")
            .and_then(|()| fs::rename(&new, &file))
            .map_err(|error| format!("{}: {error}", file.display()))
    }

    /// Notes that the campaign is over.
    pub(super) fn end(&mut self, state: State) {
        self.ended = Some(machine::date());
        self.current = None;
        self.state = state;
    }

    /// Returns whether its process is there. It may have been killed, and not been able to say so.
    pub(super) fn is_running(&self) -> bool {
        let Some(process) = self.process.filter(|_| self.state == State::Running) else {
            return false;
        };
        let command = answer(Command::new("ps").args(["-o", "args=", "-p", &process.to_string()]));
        command.is_some_and(|command| command.contains("campaign run"))
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Running if self.is_running() => "running",
            State::Running => "lost: its process is gone",
            State::Good => "good",
            State::Failed => "FAILED",
            State::Stopped => "stopped",
        };
        let ended = self.ended.as_deref().unwrap_or("-");
        let dirty = if self.is_dirty { " with changes" } else { "" };
        writeln!(f, "  {state}; commit {}{dirty}, seed {}", self.commit, self.seed)?;
        writeln!(f, "  from {} to {ended}", self.started)?;
        for (name, outcome) in &self.results {
            writeln!(f, "  {name}: {} after {:.0} s", outcome.exit, outcome.seconds)?;
            // Of repetitions the failed ones are of interest.
            if self.results.len() < 20 || !outcome.is_good {
                for line in figures::lines(&outcome.figures) {
                    writeln!(f, "    {line}")?;
                }
            }
        }
        if let Some(current) = &self.current {
            writeln!(f, "  {current}: runs")?;
        }
        Ok(())
    }
}
