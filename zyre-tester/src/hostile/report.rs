//! The table, a row at a time, and the same for machines.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use testkit::attacks::Attack;
use testkit::file_flow::FilesFound;

use super::flow::Found;
use crate::output;

/// The columns of the whole table. A narrower terminal gets a shorter one.
const WIDE: usize = 128;
/// The columns of the name of an attack.
const NAME: usize = 30;

/// What the victim may have in memory more than before an attack, in KiB.
pub(super) const KEPT_MEMORY: u64 = 10 * 1024;

/// And how many descriptors more.
pub(super) const KEPT_DESCRIPTORS: u64 = 4;

/// Of the messages that good peers are meant to exchange, so much is enough: in a short time one
/// more or less makes a difference.
const ENOUGH: f64 = 0.9;

/// How long a good file may take, in ms. One second of it is the rest that a file has before it is
/// published.
const SLOWEST_FILE_MS: f64 = 8000.0;

/// What an attack has come to.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) attack: String,
    pub(super) what: String,
    pub(super) holds: bool,
    /// What does not hold.
    pub(super) wrong: Vec<&'static str>,
    /// Not run, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) skipped: Option<String>,
    pub(super) alive: bool,
    /// How long the whole took.
    pub(super) seconds: f64,
    /// From the start of a fresh node to the victim's answer.
    pub(super) newcomer_ms: Option<f64>,
    pub(super) good: Good,
    pub(super) files: Files,
    pub(super) memory_kib: Level,
    pub(super) descriptors: Level,
    pub(super) notes: Vec<String>,
}

/// The good peers during the attack.
#[derive(Debug, Default, Serialize)]
pub(super) struct Good {
    pub(super) undisturbed: bool,
    #[serde(flatten)]
    found: Found,
    /// Messages a second.
    pub(super) rate: f64,
    pub(super) slowest_ms: f64,
}

/// Files that a good peer and the victim have exchanged during the attack.
#[derive(Debug, Default, Serialize)]
pub(super) struct Files {
    whole: u64,
    slowest_ms: f64,
    /// How many have not come, or not as they were.
    wrong: usize,
}

impl From<&FilesFound> for Files {
    fn from(found: &FilesFound) -> Self {
        let slowest_ms = millis(found.slowest);
        Self { whole: found.whole, slowest_ms, wrong: found.wrong.len() }
    }
}

/// What the victim has, of one kind.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Level {
    pub(super) before: Option<u64>,
    pub(super) peak: Option<u64>,
    pub(super) after: Option<u64>,
}

impl Level {
    /// After an attack there is no more than before, but for so much that may be kept; so too if
    /// nobody can tell.
    pub(super) fn is_given_back(&self, but: u64) -> bool {
        match (self.before, self.after) {
            (Some(before), Some(after)) => after <= before + but,
            _ => true,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |number: Option<u64>| number.map_or_else(|| "-".into(), |n| n.to_string());
        write!(f, "{}/{}/{}", text(self.before), text(self.peak), text(self.after))
    }
}

impl From<Found> for Good {
    fn from(found: Found) -> Self {
        Self {
            undisturbed: found.is_good(),
            rate: found.rate(),
            slowest_ms: millis(found.slowest),
            found,
        }
    }
}

impl Row {
    /// Of an attack that cannot be run here.
    pub(super) fn skipped(attack: &Attack, why: &str) -> Self {
        Self {
            attack: attack.name.into(),
            what: attack.what.into(),
            holds: true,
            wrong: Vec::new(),
            skipped: Some(why.into()),
            alive: true,
            seconds: 0.0,
            newcomer_ms: None,
            good: Good::default(),
            files: Files::default(),
            memory_kib: Level::default(),
            descriptors: Level::default(),
            notes: Vec::new(),
        }
    }

    /// Finds what does not hold. `full`: the attack leaves no place for a newcomer, by right.
    pub(super) fn judge(&mut self, came_about: bool, full: bool, patience: Duration, rate: f64) {
        let patience = millis(patience);
        let newcomer_late = self.newcomer_ms.is_none_or(|took| took > patience);
        let wrong = [
            (!came_about, "not as meant"),
            (!self.alive, "dead"),
            (!full && newcomer_late, "newcomer"),
            (!self.good.undisturbed, "good peers"),
            (self.good.slowest_ms > patience, "slow"),
            (self.good.rate < rate * ENOUGH, "rate"),
            (self.files.wrong > 0 || self.files.slowest_ms > SLOWEST_FILE_MS, "files"),
            (!self.memory_kib.is_given_back(KEPT_MEMORY), "memory"),
            (!self.descriptors.is_given_back(KEPT_DESCRIPTORS), "descriptors"),
        ];
        self.wrong = wrong.iter().filter_map(|(is, what)| is.then_some(*what)).collect();
        self.holds = self.wrong.is_empty();
    }

    /// One line, and further ones for what is to be known besides.
    pub(super) fn print(&self) {
        if let Some(why) = &self.skipped {
            println!("{:<30} skipped: {why}", self.attack);
            return;
        }
        if is_narrow() {
            return self.print_short();
        }
        let Level { before, peak, after } = self.memory_kib;
        let newcomer = self.newcomer_ms.map_or_else(|| "none".into(), |ms| format!("{ms:.0}"));
        println!(
            "{:<30} {:<5} {:>6}  {:<31} {:>5.0} {:>6.0}  {:>7} {:>7} {:>7} {:>13}  {}{}",
            self.attack,
            if self.alive { "yes" } else { "NO" },
            newcomer,
            self.good.found.describe(),
            self.good.rate,
            self.good.slowest_ms,
            mebibytes(before),
            mebibytes(peak),
            mebibytes(after),
            self.descriptors.to_string(),
            if self.holds { String::new() } else { format!("FAILS ({})  ", self.wrong.join(", ")) },
            self.notes.first().map_or("", String::as_str),
        );
        self.more(1).for_each(|note| println!("{:<30} {note}", ""));
    }

    /// The same for a narrow terminal: what is right takes no room.
    fn print_short(&self) {
        let figures = [
            if self.alive { "yes".to_owned() } else { "NO".to_owned() },
            self.newcomer_ms.map_or_else(|| "none".into(), |ms| format!("{ms:.0}")),
            format!("{:.0}", self.good.rate),
            format!("{:.0}", self.good.slowest_ms),
            mebibytes(self.memory_kib.after),
        ];
        print_narrow(&self.attack, figures);
        if !self.holds {
            let what = format!(
                "  FAILS: {}; good peers: {}",
                self.wrong.join(", "),
                self.good.found.describe()
            );
            output::lines(what, 4);
        }
        self.more(0).for_each(|note| output::lines(format_args!("  {note}"), 4));
    }

    /// Notes from this one on, and what the good peers have found.
    fn more(&self, first: usize) -> impl Iterator<Item = &String> {
        /// The number that is shown; the JSON has all.
        const SHOWN: usize = 2;
        let found = self.good.found.exits.iter().chain(&self.good.found.wrong);
        self.notes.iter().skip(first).chain(found).take(SHOWN)
    }
}

/// A line of the short table; two, if the terminal is narrower still.
fn print_narrow(name: &str, [alive, newcomer, rate, slowest, memory]: [String; 5]) {
    let figures = format!("{alive:<5} {newcomer:>8} {rate:>8} {slowest:>7} {memory:>6}");
    if output::columns().is_some_and(|columns| columns < NAME + 1 + figures.len()) {
        println!("{name}\n{figures}");
    } else {
        println!("{name:<NAME$} {figures}");
    }
}

/// Whether the table has to be a short one.
fn is_narrow() -> bool {
    output::columns().is_some_and(|columns| columns < WIDE)
}

/// Above the first row.
pub(super) fn head() {
    if is_narrow() {
        output::lines("Times in ms, memory in MiB, messages of good peers a second.", 2);
        let heads = ["alive", "newcomer", "messages", "slowest", "memory"];
        print_narrow("attack", heads.map(str::to_owned));
        return;
    }
    println!(
        "{:<30} {:<5} {:>6}  {:<31} {:>5} {:>6}  {:>7} {:>7} {:>7} {:>13}",
        "", "", "new-", "good peers", "per", "slow-", "memory", "", "", "descriptors"
    );
    println!(
        "{:<30} {:<5} {:>6}  {:<31} {:>5} {:>6}  {:>7} {:>7} {:>7} {:>13}",
        "attack",
        "alive",
        "comer",
        "undisturbed",
        "sec.",
        "est",
        "before",
        "peak",
        "after",
        "b/p/a"
    );
}

/// What a run has come to.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) victim: String,
    pub(super) holds: bool,
    pub(super) attacks: usize,
    pub(super) failed: Vec<String>,
    pub(super) skipped: Vec<String>,
    pub(super) good_peers: usize,
    pub(super) messages: u64,
    /// Messages a second while attacks went on; of the attack with the fewest; and how many were
    /// meant to be.
    pub(super) rate: f64,
    pub(super) rate_least: f64,
    pub(super) rate_wanted: f64,
    pub(super) seconds: f64,
    /// The attacker's limit.
    pub(super) attacker_descriptors: usize,
    /// Panics of good peers and of the attacker.
    pub(super) panics_here: u64,
    /// At the beginning, if the first victim has lived to the end; at most; at the end.
    pub(super) memory_kib: Level,
    pub(super) descriptors: Level,
    pub(super) rows: Vec<Row>,
}

impl Summary {
    pub(super) fn print(&self) {
        let Level { before, peak, after } = self.memory_kib;
        println!();
        let sentence = |text: fmt::Arguments<'_>| output::lines(text, 2);
        sentence(format_args!(
            "{} attacks on {} in {:.0} s, {} good messages between {} good peers: {}",
            self.attacks,
            self.victim,
            self.seconds,
            self.messages,
            self.good_peers,
            if self.holds { "all hold".into() } else { format!("{} FAIL", self.failed.len()) },
        ));
        sentence(format_args!(
            "memory in MiB, times in ms; whole run: {} before, {} at most, {} after",
            mebibytes(before),
            mebibytes(peak),
            mebibytes(after),
        ));
        sentence(format_args!(
            "descriptors: {}; good messages a second: {:.0} of {:.0}, {:.0} in the worst attack",
            self.descriptors, self.rate, self.rate_wanted, self.rate_least,
        ));
        if self.panics_here > 0 {
            sentence(format_args!("{} panics in the process of the good peers", self.panics_here));
        }
        if !self.skipped.is_empty() {
            sentence(format_args!("skipped: {}", self.skipped.join(" ")));
        }
        if !self.failed.is_empty() {
            sentence(format_args!("failed: {}", self.failed.join(" ")));
        }
    }
}

pub(super) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn mebibytes(kibibytes: Option<u64>) -> String {
    kibibytes.map_or_else(|| "-".into(), |kib| format!("{:.1}", kib as f64 / 1024.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_seen() {
        let level = |after| Level { before: Some(30), peak: Some(4000), after };
        assert!(level(Some(34)).is_given_back(KEPT_DESCRIPTORS));
        assert!(!level(Some(35)).is_given_back(KEPT_DESCRIPTORS));
        assert!(level(None).is_given_back(KEPT_DESCRIPTORS), "nobody can tell");
        assert_eq!(level(Some(35)).to_string(), "30/4000/35");
    }
}
