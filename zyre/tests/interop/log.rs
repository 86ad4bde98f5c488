//! Everything that the peers of one case said and were told, in the order in which it happened.

use std::fmt::{self, Write as _};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How many lines a failure shows from the beginning and from the end of the log.
const SHOWN: usize = 120;

/// Why a case failed. Its `Debug` form is the text for people, because that is what the test
/// runner prints.
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The same failure with everything that had been logged.
    pub(crate) fn with(self, log: &Log) -> Self {
        Self(format!("{}\n{log}", self.0))
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// What one line of the log is.
pub(crate) enum Line {
    /// A command written to the peer.
    Command(String),
    /// A JSON event that the peer printed.
    Event(Value),
    /// Anything else that the peer printed, on either output.
    Text(String),
    /// The peer closed its standard output: it has ended.
    Ended,
}

struct Entry {
    at: Duration,
    who: String,
    line: Line,
}

/// A place in the log and the time at which the log had reached it.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    index: usize,
    pub(crate) at: Duration,
}

impl Mark {
    /// The beginning of the log.
    pub(crate) const START: Self = Self { index: 0, at: Duration::ZERO };
}

/// An event that was waited for.
pub(crate) struct Seen {
    pub(crate) at: Duration,
    pub(crate) event: Value,
}

/// The log of one case.
pub(crate) struct Log {
    start: Instant,
    entries: Mutex<Vec<Entry>>,
    grown: Condvar,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), entries: Mutex::new(Vec::new()), grown: Condvar::new() }
    }

    /// The time since the case began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line and returns the place just before it.
    pub(crate) fn add(&self, who: &str, line: Line) -> Mark {
        let mut entries = self.entries();
        let mark = Mark { index: entries.len(), at: self.elapsed() };
        entries.push(Entry { at: mark.at, who: who.to_owned(), line });
        self.grown.notify_all();
        mark
    }

    /// All events of a peer that match the pattern, so far.
    pub(crate) fn all(&self, who: &str, pattern: &Value) -> Vec<Value> {
        let entries = self.entries();
        let of_peer = entries.iter().filter(|entry| entry.who == who);
        of_peer.filter_map(|entry| entry.line.matching(pattern)).cloned().collect()
    }

    /// Waits until the peer prints, after the mark, an event that matches the pattern. Fails as
    /// soon as the peer has ended or crashed.
    pub(crate) fn wait(
        &self,
        who: &str,
        after: Mark,
        pattern: &Value,
        within: Duration,
    ) -> Result<Seen, Failure> {
        let deadline = Instant::now() + within;
        let mut next = after.index;
        let mut entries = self.entries();
        if entries.iter().take(next).any(|entry| entry.who == who && entry.line.is_last()) {
            return Err(Failure(format!("{who} had ended and cannot print {pattern}")));
        }
        loop {
            for entry in entries.iter().skip(next).filter(|entry| entry.who == who) {
                if let Some(event) = entry.line.matching(pattern) {
                    return Ok(Seen { at: entry.at, event: event.clone() });
                }
                if entry.line.is_last() {
                    return Err(Failure(format!("{who} ended instead of printing {pattern}")));
                }
            }
            next = entries.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Failure(format!("{who} did not print {pattern} within {within:?}")));
            }
            entries =
                self.grown.wait_timeout(entries, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The first event of any peer that matches the pattern, with the name of that peer.
    pub(crate) fn find(&self, pattern: &Value) -> Option<(String, Value)> {
        let entries = self.entries();
        entries.iter().find_map(|entry| {
            entry.line.matching(pattern).map(|event| (entry.who.clone(), event.clone()))
        })
    }
}

impl Line {
    fn matching(&self, pattern: &Value) -> Option<&Value> {
        match self {
            Self::Event(event) if matches(event, pattern) => Some(event),
            _ => None,
        }
    }

    fn is_last(&self) -> bool {
        match self {
            Self::Ended => true,
            Self::Event(event) => event["event"] == "CRASHED",
            Self::Command(_) | Self::Text(_) => false,
        }
    }
}

/// Whether the value has everything that the pattern has. Objects may have more; anything else
/// must be equal.
fn matches(value: &Value, pattern: &Value) -> bool {
    match (value, pattern) {
        (Value::Object(value), Value::Object(pattern)) => pattern
            .iter()
            .all(|(key, wanted)| value.get(key).is_some_and(|found| matches(found, wanted))),
        _ => value == pattern,
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {:8.3} s  {:<16} ", self.at.as_secs_f64(), self.who)?;
        match &self.line {
            Line::Command(text) => write!(f, "> {text}"),
            Line::Event(event) => write!(f, "< {event}"),
            Line::Text(text) => write!(f, "| {text}"),
            Line::Ended => f.write_str("# ended"),
        }
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries();
        let left_out = entries.len().saturating_sub(2 * SHOWN);
        for (index, entry) in entries.iter().enumerate() {
            if left_out > 0 && index == SHOWN {
                writeln!(f, "  … {left_out} lines left out …")?;
            }
            if index < SHOWN || index >= SHOWN + left_out {
                writeln!(f, "{entry}")?;
            }
        }
        f.write_char('\n')
    }
}

#[test]
fn a_pattern_asks_for_some_fields() {
    let event = serde_json::json!({ "event": "ENTER", "headers": { "A": "1", "B": "2" } });
    assert!(matches(&event, &serde_json::json!({ "event": "ENTER" })));
    assert!(matches(&event, &serde_json::json!({ "headers": { "B": "2" } })));
    assert!(!matches(&event, &serde_json::json!({ "headers": { "B": "3" } })));
    assert!(!matches(&event, &serde_json::json!({ "event": "ENTER", "name": "x" })));
    let several = serde_json::json!({ "content": ["a", "b"] });
    assert!(!matches(&several, &serde_json::json!({ "content": ["a"] })));
}

#[test]
fn nobody_waits_for_a_peer_that_has_ended() {
    let log = Log::new();
    log.add("a", Line::Event(serde_json::json!({ "event": "JOIN" })));
    log.add("a", Line::Ended);
    let (join, leave) = (serde_json::json!({ "event": "JOIN" }), serde_json::json!({}));
    let hour = Duration::from_secs(3600);
    assert!(log.wait("a", Mark::START, &join, hour).is_ok());
    let end = log.add("a", Line::Command("leave".to_owned()));
    assert!(log.wait("a", end, &leave, hour).is_err());
}
