//! What a person sees while it runs: one line that changes on a terminal, else a line now and then.

use std::io::Write;
use std::time::Duration;

use super::findings::Finding;
use crate::output;

/// How often the line of a terminal changes.
const LIVE: Duration = Duration::from_millis(200);

/// How often a line is written to what is no terminal.
const LOGGED: Duration = Duration::from_secs(5);

/// The number of violations that are shown in full while it runs; the JSON has more.
const SHOWN: usize = 20;

/// Where people look.
#[derive(Debug)]
pub(super) struct Screen {
    live: bool,
    next: Duration,
    /// Messages when the rate was last computed, when that was, and the rate.
    rate: (u64, Duration, f64),
    shown: usize,
}

/// How things stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) up: usize,
    pub(super) received: u64,
    pub(super) enters: u64,
    pub(super) exits: u64,
    pub(super) violations: u64,
    pub(super) phase: &'static str,
}

impl Screen {
    pub(super) fn new() -> Self {
        let live = output::columns().is_some();
        Self { live, next: Duration::ZERO, rate: (0, Duration::ZERO, 0.0), shown: 0 }
    }

    /// Shows how things stand, if it is time to.
    pub(super) fn show(&mut self, now: Duration, standing: &Standing) {
        if now < self.next {
            return;
        }
        self.next = now + if self.live { LIVE } else { LOGGED };
        let (before, since, _) = self.rate;
        let passed = now.saturating_sub(since).as_secs_f64();
        if passed >= 1.0 {
            let more = standing.received.saturating_sub(before);
            self.rate = (standing.received, now, more as f64 / passed);
        }
        let Standing { up, enters, exits, violations, phase, .. } = standing;
        // What matters most comes first: a narrow terminal has no room for the rest.
        let line = format!(
            "{:6.1} s {up:4} up  {violations} violations {:7.0} messages/s {enters:6} ENTER {exits:6} \
             EXIT  {phase}",
            now.as_secs_f64(),
            self.rate.2,
        );
        if let Some(columns) = output::columns().filter(|_| self.live) {
            // One column stays free: a line that fills the last one goes on below.
            print!("\r{:.*}\x1b[K", columns.saturating_sub(1), line);
            // A terminal that is gone is no reason to stop.
            let _ = std::io::stdout().flush();
        } else {
            println!("{}", line.trim_end());
        }
    }

    /// Shows what was found.
    pub(super) fn report(&mut self, findings: &[Finding]) {
        for finding in findings {
            self.shown += 1;
            if self.shown > SHOWN {
                continue;
            }
            self.clear();
            let Finding { rule, name, at, node, peer, what, histories } = finding;
            println!(
                "VIOLATION of ({rule}) {name} at {at:.3} s\n  node {node}, peer {peer}\n  {what}"
            );
            for (name, lines) in histories {
                println!("  what {name} saw:");
                for line in lines {
                    println!("    {line}");
                }
            }
        }
    }

    /// The line that changes makes room for others.
    pub(super) fn clear(&self) {
        if self.live {
            print!("\r\x1b[K");
        }
    }
}
