//! What processes have said and were told, in the order in which it happened.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Notify;

use crate::failure::{Failure, Result};

/// The number of entries that are shown of each end.
const SHOWN: usize = 120;

#[derive(Debug)]
struct Entry {
    at: Instant,
    /// The process that it is about.
    who: Arc<str>,
    line: Line,
}

/// What an entry says.
#[derive(Debug, PartialEq)]
pub(crate) enum Line {
    /// The process was told this.
    Command(String),
    /// The process has printed this JSON object.
    Report(Value),
    /// The process has printed this, on either output.
    Text(String),
    /// The process has ended its standard output.
    End,
}

/// A place in a transcript, and when it had got so far.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    index: usize,
    /// When the transcript had got so far.
    pub at: Instant,
}

/// A report that was waited for.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When it was heard.
    pub at: Instant,
    /// The report.
    pub report: Value,
    /// The place after it.
    pub after: Mark,
}

/// What processes have said and were told.
#[derive(Debug)]
pub struct Transcript {
    start: Mark,
    entries: Mutex<Vec<Entry>>,
    grown: Condvar,
    notify: Notify,
}

impl Transcript {
    /// Begins a transcript.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Mark { index: 0, at: Instant::now() },
            entries: Mutex::default(),
            grown: Condvar::new(),
            notify: Notify::new(),
        })
    }

    /// Returns the beginning.
    pub const fn start(&self) -> Mark {
        self.start
    }

    /// Returns the place that it has got to.
    pub fn mark(&self) -> Mark {
        Mark { index: self.entries().len(), at: Instant::now() }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an entry, and returns the place before it.
    pub(crate) fn add(&self, who: &Arc<str>, line: Line) -> Mark {
        let mut entries = self.entries();
        let mark = Mark { index: entries.len(), at: Instant::now() };
        entries.push(Entry { at: mark.at, who: Arc::clone(who), line });
        drop(entries);
        self.grown.notify_all();
        self.notify.notify_waiters();
        mark
    }

    /// Waits until `who` prints, after the mark, a report that has the fields of `pattern`.
    ///
    /// # Errors
    /// It does not `within` this time, or has ended.
    pub async fn expect(
        &self,
        who: &str,
        after: Mark,
        pattern: &Value,
        within: Duration,
    ) -> Result<Seen> {
        let mut search = Search::new(who, pattern, after);
        let searching = async {
            loop {
                let mut grown = std::pin::pin!(self.notify.notified());
                grown.as_mut().enable();
                let found = search.go_on(&self.entries());
                match found {
                    Some(found) => return found,
                    None => grown.await,
                }
            }
        };
        match tokio::time::timeout(within, searching).await {
            Ok(found) => found,
            Err(_) => Err(search.late(&self.entries(), within)),
        }
    }

    /// As [`expect`](Self::expect), for threads.
    ///
    /// # Errors
    /// The report does not come `within` this time, or the process has ended.
    pub fn blocking_expect(
        &self,
        who: &str,
        after: Mark,
        pattern: &Value,
        within: Duration,
    ) -> Result<Seen> {
        let (mut search, mut found) = (Search::new(who, pattern, after), None);
        let entries = self.blocking_while(within, |entries| {
            found = search.go_on(entries);
            found.is_none()
        });
        found.unwrap_or_else(|| Err(search.late(&entries, within)))
    }

    /// Waits until a process has printed a line, other than a report, of which `read` makes
    /// something; returns that. All lines count, also those that came before.
    ///
    /// # Errors
    /// It does not `within` this time, or has ended.
    pub fn blocking_text<T>(
        &self,
        who: &str,
        within: Duration,
        mut read: impl FnMut(&str) -> Option<T>,
    ) -> Result<T> {
        let (mut found, mut seen, mut has_ended) = (None, 0, false);
        let entries = self.blocking_while(within, |entries| {
            for entry in entries[seen..].iter().filter(|entry| &*entry.who == who) {
                has_ended |= entry.line.is_last();
                if let (None, Line::Text(text)) = (&found, &entry.line) {
                    found = read(text);
                }
            }
            seen = entries.len();
            found.is_none() && !has_ended
        });
        found.ok_or_else(|| {
            let what =
                if has_ended { "before its end".into() } else { format!("within {within:?}") };
            Failure::new(format!("{who} has not said it {what}") + &last_words(&entries, who))
        })
    }

    /// Waits until a process has ended its output; returns what it has printed besides reports.
    ///
    /// # Errors
    /// It has not `within` this time.
    pub fn blocking_end(&self, who: &str, within: Duration) -> Result<String> {
        let is_end = |entry: &Entry| &*entry.who == who && entry.line == Line::End;
        let entries = self.blocking_while(within, |entries| !entries.iter().any(is_end));
        if !entries.iter().any(is_end) {
            let what = format!("{who} has not ended within {within:?}");
            return Err(Failure::new(what + &last_words(&entries, who)));
        }
        Ok(entries.iter().filter_map(|entry| entry.text_of(who)).collect())
    }

    fn blocking_while(
        &self,
        within: Duration,
        mut goes_on: impl FnMut(&[Entry]) -> bool,
    ) -> MutexGuard<'_, Vec<Entry>> {
        let waited =
            self.grown.wait_timeout_while(self.entries(), within, |entries| goes_on(entries));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Returns what a process has printed so far besides reports.
    pub fn texts(&self, who: &str) -> String {
        self.entries().iter().filter_map(|entry| entry.text_of(who)).collect()
    }

    /// Returns the first report of any process that has the fields of `pattern`, and whose it is.
    pub fn find(&self, pattern: &Value) -> Option<(Arc<str>, Value)> {
        let entries = self.entries();
        let mut found = entries.iter().enumerate().filter_map(|(index, entry)| {
            let seen = entry.matching(index, pattern)?;
            Some((Arc::clone(&entry.who), seen.report))
        });
        found.next()
    }

    /// Returns the reports of a process after the mark that have the fields of `pattern`.
    pub fn reports(&self, who: &str, after: Mark, pattern: &Value) -> Vec<Seen> {
        let entries = self.entries();
        let found =
            entries.iter().enumerate().skip(after.index).filter(|(_, entry)| &*entry.who == who);
        found.filter_map(|(index, entry)| entry.matching(index, pattern)).collect()
    }
}

/// One process is waited for.
struct Search<'a> {
    who: &'a str,
    pattern: &'a Value,
    /// The place of the first entry that can be what is waited for.
    after: usize,
    /// How many entries were looked at.
    seen: usize,
    has_ended: bool,
}

impl<'a> Search<'a> {
    const fn new(who: &'a str, pattern: &'a Value, after: Mark) -> Self {
        Self { who, pattern, after: after.index, seen: 0, has_ended: false }
    }

    /// Looks at what has been added; `None` if it has to go on.
    fn go_on(&mut self, entries: &[Entry]) -> Option<Result<Seen>> {
        let Self { who, pattern, .. } = *self;
        for (index, entry) in entries.iter().enumerate().skip(self.seen) {
            if &*entry.who != who {
                continue;
            }
            self.has_ended |= entry.line.is_last();
            if index >= self.after
                && let Some(found) = entry.matching(index, pattern)
            {
                return Some(Ok(found));
            }
        }
        self.seen = entries.len();
        self.has_ended.then(|| {
            let what = format!("{who} has ended and has not printed {pattern}");
            Err(Failure::new(what + &last_words(entries, who)))
        })
    }

    fn late(&self, entries: &[Entry], within: Duration) -> Failure {
        let Self { who, pattern, .. } = self;
        let what = format!("{who} has not printed {pattern} within {within:?}");
        Failure::new(what + &last_words(entries, who))
    }
}

impl Entry {
    /// The line and its end, if this process has printed it and it is no report.
    fn text_of(&self, who: &str) -> Option<String> {
        match &self.line {
            Line::Text(text) if &*self.who == who => Some(text.clone() + "\n"),
            _ => None,
        }
    }

    fn matching(&self, index: usize, pattern: &Value) -> Option<Seen> {
        match &self.line {
            Line::Report(report) if matches(report, pattern) => {
                let after = Mark { index: index + 1, at: self.at };
                Some(Seen { at: self.at, report: report.clone(), after })
            }
            _ => None,
        }
    }
}

impl Line {
    fn is_last(&self) -> bool {
        match self {
            Self::End => true,
            Self::Report(report) => report["event"] == "CRASHED",
            Self::Command(_) | Self::Text(_) => false,
        }
    }
}

/// Returns whether `value` has all that `pattern` has. Objects may have more fields; anything else
/// must be equal.
pub fn matches(value: &Value, pattern: &Value) -> bool {
    match (value, pattern) {
        (Value::Object(value), Value::Object(pattern)) => pattern
            .iter()
            .all(|(key, wanted)| value.get(key).is_some_and(|found| matches(found, wanted))),
        _ => value == pattern,
    }
}

/// What a process has said of late.
fn last_words(entries: &[Entry], who: &str) -> String {
    /// Enough for a panic with its backtrace.
    const MOST: usize = 150;
    let mut last: Vec<_> =
        entries.iter().rev().filter(|entry| &*entry.who == who).take(MOST).collect();
    last.reverse();
    last.into_iter().map(|entry| format!("\n    {}", entry.line)).collect()
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(text) => write!(f, "> {text}"),
            Self::Report(report) => write!(f, "< {report}"),
            Self::Text(text) => write!(f, "| {text}"),
            Self::End => f.write_str("# ended"),
        }
    }
}

/// The beginning and the end of what was said, an entry to a line.
impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries();
        let left_out = entries.len().saturating_sub(2 * SHOWN);
        for (index, Entry { at, who, line }) in entries.iter().enumerate() {
            if left_out > 0 && index == SHOWN {
                writeln!(f, "  … {left_out} lines left out …")?;
            }
            if index < SHOWN || index >= SHOWN + left_out {
                let seconds = at.duration_since(self.start.at).as_secs_f64();
                writeln!(f, "  {seconds:8.3} s  {who:<16} {line}")?;
            }
        }
        f.write_char('\n')
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_pattern_asks_for_some_fields() {
        let event = json!({ "event": "ENTER", "headers": { "A": "1", "B": "2" } });
        assert!(matches(&event, &json!({ "event": "ENTER" })));
        assert!(matches(&event, &json!({ "headers": { "B": "2" } })));
        assert!(!matches(&event, &json!({ "headers": { "B": "3" } })));
        assert!(!matches(&event, &json!({ "event": "ENTER", "name": "x" })));
        let several = json!({ "content": ["a", "b"] });
        assert!(!matches(&several, &json!({ "content": ["a"] })));
    }

    #[tokio::test]
    async fn nobody_waits_for_a_process_that_has_ended() {
        let (log, a) = (Transcript::new(), "a".into());
        log.add(&a, Line::Report(json!({ "event": "JOIN" })));
        log.add(&a, Line::End);
        let (join, leave) = (json!({ "event": "JOIN" }), json!({}));
        assert!(log.blocking_expect("a", log.start(), &join, HOUR).is_ok());
        assert!(log.expect("a", log.start(), &join, HOUR).await.is_ok());
        let end = log.add(&a, Line::Command("leave".to_owned()));
        assert!(log.blocking_expect("a", end, &leave, HOUR).is_err());
        let failure = log.expect("a", end, &leave, HOUR).await.unwrap_err();
        assert!(failure.to_string().contains("> leave"), "{failure}");
    }

    #[tokio::test]
    async fn what_comes_later_is_seen_and_what_was_before_the_mark_is_not() {
        let (log, a) = (Transcript::new(), "a".into());
        let report = |n: u8| Line::Report(json!({ "n": n }));
        log.add(&a, report(1));
        let mark = log.mark();
        let later = Arc::clone(&log);
        let thread = std::thread::spawn(move || {
            later.add(&"b".into(), report(2));
            later.add(&"a".into(), report(3));
        });
        let seen = log.expect("a", mark, &json!({}), HOUR).await.unwrap();
        assert_eq!(seen.report["n"], 3);
        assert_eq!(log.blocking_expect("b", mark, &json!({}), HOUR).unwrap().report["n"], 2);
        assert_eq!(log.reports("a", log.start(), &json!({})).len(), 2);
        let nothing = log.blocking_expect("a", seen.after, &json!({}), Duration::ZERO);
        assert!(nothing.is_err(), "{nothing:?}");
        thread.join().unwrap();
    }
}
