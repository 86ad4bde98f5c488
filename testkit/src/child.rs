//! A child process and the transcript of what it says: commands in, reports out.

use std::ops::{Deref, DerefMut};
use std::process::{Command, ExitStatus};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::failure::Result;
use crate::process::{Heard, Process};
use crate::transcript::{Line, Mark, Seen, Transcript};
use crate::wait::DEADLINE;

/// A child process and the transcript of what it says. A report is a line of standard output that
/// is a JSON object. Killed when dropped.
#[derive(Debug)]
pub struct Child {
    process: Process,
    who: Arc<str>,
    transcript: Arc<Transcript>,
}

impl Child {
    /// Starts a process, with a transcript of its own.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(name: &str, command: &mut Command) -> Result<Self> {
        Self::start_in(&Transcript::new(), name, command)
    }

    /// Starts a process that shares a transcript with others; each needs a name of its own.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_in(
        transcript: &Arc<Transcript>,
        name: &str,
        command: &mut Command,
    ) -> Result<Self> {
        let who: Arc<str> = name.into();
        let (speaker, log) = (Arc::clone(&who), Arc::clone(transcript));
        let process = Process::start_with_errors(name, command, move |heard| {
            let line = match heard {
                Heard::Output(text) => match serde_json::from_str::<Value>(&text) {
                    Ok(report) if report.is_object() => Line::Report(report),
                    _ => Line::Text(text),
                },
                Heard::Error(text) => Line::Text(text),
                Heard::End => Line::End,
            };
            log.add(&speaker, line);
        })?;
        Ok(Self { process, who, transcript: Arc::clone(transcript) })
    }

    /// Returns the transcript.
    pub const fn transcript(&self) -> &Arc<Transcript> {
        &self.transcript
    }

    /// Gives it a command. Returns the place in the transcript before that.
    ///
    /// # Errors
    /// It takes no more commands.
    pub fn tell(&self, command: &str) -> Result<Mark> {
        let mark = self.transcript.add(&self.who, Line::Command(command.to_owned()));
        self.process.say(command).map(|()| mark)
    }

    /// Waits for a report after the mark that has the fields of `pattern`.
    ///
    /// # Errors
    /// It does not come within [`DEADLINE`], or the process has ended.
    pub async fn expect(&self, after: Mark, pattern: &Value) -> Result<Seen> {
        self.transcript.expect(&self.who, after, pattern, DEADLINE).await
    }

    /// As [`expect`](Self::expect), for threads.
    ///
    /// # Errors
    /// The report does not come within [`DEADLINE`], or the process has ended.
    pub fn blocking_expect(&self, after: Mark, pattern: &Value) -> Result<Seen> {
        self.transcript.blocking_expect(&self.who, after, pattern, DEADLINE)
    }

    /// Gives it a command, and waits for the report whose `event` is the first word of that.
    ///
    /// # Errors
    /// It does not come within [`DEADLINE`], or the process has ended.
    pub async fn ask(&self, command: &str) -> Result<Seen> {
        let mark = self.tell(command)?;
        self.expect(mark, &answer(command)).await
    }

    /// As [`ask`](Self::ask), for threads.
    ///
    /// # Errors
    /// The report does not come within [`DEADLINE`], or the process has ended.
    pub fn blocking_ask(&self, command: &str) -> Result<Seen> {
        let mark = self.tell(command)?;
        self.blocking_expect(mark, &answer(command))
    }

    /// Returns the reports after the mark that have the fields of `pattern`.
    pub fn reports(&self, after: Mark, pattern: &Value) -> Vec<Seen> {
        self.transcript.reports(&self.who, after, pattern)
    }

    /// Waits until it has printed a line, other than a report, of which `read` makes something;
    /// returns that. Lines that came before count.
    ///
    /// # Errors
    /// It does not come within [`DEADLINE`], or the process has ended.
    pub fn blocking_text<T>(&self, read: impl FnMut(&str) -> Option<T>) -> Result<T> {
        self.transcript.blocking_text(&self.who, DEADLINE, read)
    }

    /// Returns what it has printed so far besides reports.
    pub fn texts(&self) -> String {
        self.transcript.texts(&self.who)
    }

    /// Waits until it has ended; returns how, and what it has printed besides reports.
    ///
    /// # Errors
    /// It has not within [`DEADLINE`].
    pub fn blocking_end(&mut self) -> Result<(ExitStatus, String)> {
        let said = self.transcript.blocking_end(&self.who, DEADLINE)?;
        Ok((self.process.blocking_wait(DEADLINE)?, said))
    }

    /// Kills it (SIGKILL), and says so in the transcript; returns the place before that.
    pub fn kill(&mut self) -> Mark {
        let mark = self.transcript.add(&self.who, Line::Command("(kill -9)".to_owned()));
        self.process.kill();
        mark
    }
}

fn answer(command: &str) -> Value {
    json!({ "event": command.split(' ').next() })
}

impl Deref for Child {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Child {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wait::blocking_until;

    /// A shell that reads commands of its own.
    fn shell() -> Child {
        Child::start("shell", &mut Command::new("sh")).unwrap()
    }

    #[tokio::test]
    async fn it_is_asked_and_answers() {
        // What it is told comes back.
        let child = Child::start("cat", &mut Command::new("cat")).unwrap();
        let word = r#"{"event":"one","n":1}"#;
        let start = child.tell(word).unwrap();
        assert_eq!(
            child.blocking_expect(start, &json!({ "event": "one" })).unwrap().report["n"],
            1
        );
        assert_eq!(child.expect(start, &json!({ "n": 1 })).await.unwrap().report["event"], "one");
        child.say("no report").unwrap();
        child.order(&json!({ "event": "two" })).unwrap();
        child.expect(start, &json!({ "event": "two" })).await.unwrap();
        assert_eq!(child.reports(start, &json!({})).len(), 2);
    }

    #[test]
    fn one_that_ends_is_not_waited_for_and_its_errors_are_told() {
        let mut child = shell();
        child.say("echo 'all is lost' >&2; exit 3").unwrap();
        let failure = child.blocking_expect(child.transcript().start(), &json!({})).unwrap_err();
        assert!(failure.to_string().contains("ended"), "{failure}");
        assert!(failure.to_string().contains("all is lost"), "{failure}");
        let (status, said) = child.blocking_end().unwrap();
        assert_eq!((status.code(), &*said), (Some(3), "all is lost\n"));
        assert_eq!(child.status(), Some(status));
    }

    #[test]
    fn one_that_stands_still_says_nothing_until_it_is_resumed() {
        let child = shell();
        child.blocking_ask("echo '{\"event\":\"echo\"}'").unwrap();
        child.suspend();
        let state = |wanted: &str| {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
            stat.contains(wanted)
        };
        if cfg!(target_os = "linux") {
            blocking_until("the stop", || state(") T "));
        }
        let mark = child.tell("echo '{\"event\":\"late\"}'").unwrap();
        let (late, little) = (json!({ "event": "late" }), Duration::from_millis(50));
        let waited = child.transcript().blocking_expect("shell", mark, &late, little);
        assert!(waited.is_err(), "{waited:?}");
        child.resume();
        child.blocking_expect(mark, &late).unwrap();
    }

    #[test]
    fn it_is_killed_when_dropped_and_ends_with_its_input() {
        let mut child = shell();
        child.end_input();
        assert!(child.blocking_wait(DEADLINE).unwrap().success());
        let child = shell();
        let pid = child.id();
        drop(child);
        assert!(!crate::usage::is_running(pid) || cfg!(not(target_os = "linux")));
    }
}
