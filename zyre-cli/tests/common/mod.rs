//! The command `zyre` as a child process: lines in, lines out.

#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use std::ops::Deref;
use std::process::{Command, ExitStatus, Output};

use serde_json::json;
use testkit::child::Child;
use testkit::process::{Process, Signal};

const ZYRE: &str = env!("CARGO_BIN_EXE_zyre");

/// What names the home of a user, on one system or another.
const HOMES: [&str; 3] = ["HOME", "XDG_STATE_HOME", "LOCALAPPDATA"];

/// A running command. Killed when dropped.
pub(crate) struct Program(Child);

impl Program {
    /// Starts the command with these arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self(Child::start("zyre", &mut command(arguments)).unwrap())
    }

    /// Starts the command with these arguments, as a user with this home.
    pub(crate) fn start_at_home(home: &str, arguments: &[&str]) -> Self {
        let mut command = command(arguments);
        for variable in HOMES {
            command.env(variable, home);
        }
        Self(Child::start("zyre", &mut command).unwrap())
    }

    /// Gives it a line.
    pub(crate) fn say(&self, line: &str) {
        self.0.say(line).unwrap();
    }

    /// Waits for a line that contains all these parts, unless it came already.
    pub(crate) fn sees(&self, parts: &[&str]) -> String {
        let fits = |line: &str| parts.iter().all(|part| line.contains(part));
        let line = self.0.blocking_text(|line| fits(line).then(|| line.to_owned()));
        line.unwrap_or_else(|failure| panic!("no {parts:?}: {failure}"))
    }

    /// Waits until this, which is `zyre peer`, has met a node of this name; returns its id.
    pub(crate) fn meets(&self, name: &str) -> String {
        let enter = json!({ "event": "ENTER", "name": name });
        let seen = self.0.blocking_expect(self.0.transcript().start(), &enter).unwrap();
        seen.report["peer"].as_str().unwrap().to_owned()
    }

    /// Waits until this, which is `zyre peer`, has told of an event with these fields, and returns it.
    pub(crate) fn tells(&self, fields: &serde_json::Value) -> serde_json::Value {
        self.0.blocking_expect(self.0.transcript().start(), fields).unwrap().report
    }

    /// How many lines so far contain this.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.0.texts().lines().filter(|line| line.contains(part)).count()
    }

    /// How many objects with these fields it has printed so far.
    pub(crate) fn count_reports(&self, fields: &serde_json::Value) -> usize {
        self.0.reports(self.0.transcript().start(), fields).len()
    }

    /// All lines so far.
    pub(crate) fn transcript(&self) -> String {
        self.0.texts()
    }

    /// Interrupts it, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        self.0.signal(Signal::Interrupt);
    }

    /// Ends its input, and waits until it has ended and all its lines are here.
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.0.end_input();
        self.0.blocking_end().unwrap().0
    }

    /// Kills it, as a crash would.
    pub(crate) fn crash(&mut self) {
        self.0.kill();
    }
}

impl Deref for Program {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.0
    }
}

/// Returns the command with these arguments, in a home of its own.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(ZYRE);
    let home = concat!(env!("CARGO_TARGET_TMPDIR"), "/home");
    for variable in HOMES {
        command.env(variable, home);
    }
    command.args(arguments);
    command
}

/// Runs the command with arguments with which it ends by itself, at the latest at the end of its
/// input.
pub(crate) fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// Returns a UDP port for the beacons of one test, as an argument.
pub(crate) fn free_port() -> String {
    testkit::wait::free_port().to_string()
}
