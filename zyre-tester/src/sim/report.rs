//! What a person, and a machine, are told.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::Instant;

use console::Term;
use serde_json::{Value, json};

use super::counts::{COMMANDS, Counts};
use super::identity;
use super::options::Options;
use super::quantity::seconds;
use super::run::{Outcome, Setup, Watch};
use super::shrink::Shrunk;
use super::time::{Micros, SECOND};
use crate::output;
use testkit::ledger::Violation;

/// The columns of a name, before its value.
const NAME_COLUMNS: usize = 22;

/// The number of violations that are printed.
const SHOWN: usize = 10;

/// A line that shows how far a run is.
pub(super) struct Live {
    end: Micros,
    started: Instant,
    terminal: bool,
}

impl Live {
    pub(super) fn new(end: Micros) -> Self {
        Self { end, started: Instant::now(), terminal: std::io::stderr().is_terminal() }
    }

    /// Takes the line away.
    pub(super) fn clear(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}

impl Watch for Live {
    fn progress(&mut self, now: Micros, present: i64, violations: usize) {
        if !self.terminal {
            return;
        }
        let (now, end) = (now / SECOND, self.end / SECOND);
        let speed = now as f64 / self.started.elapsed().as_secs_f64();
        let line = format!(
            "{now} of {end} virtual seconds, {violations} violations, {speed:.0} times real time, \
             {present} pairs see each other"
        );
        let columns = Term::stderr().size().1;
        // One column stays free: a line that fills the last one goes on below.
        eprint!("\r{:.*}\x1b[K", usize::from(columns.saturating_sub(1)), line);
        // A progress line that cannot be written is not missed.
        let _ = std::io::stderr().flush();
    }
}

/// The summary.
pub(super) fn print(options: &Options, setup: &Setup, outcome: &Outcome) {
    let counts = &outcome.counts;
    let wall = outcome.wall.as_secs_f64();
    let row = |name: &str, value: String| {
        output::lines(format_args!("{name:<NAME_COLUMNS$}{value}"), NAME_COLUMNS);
    };
    row("seed", options.seed.to_string());
    row("digest", format!("{:016x}", outcome.digest.0));
    row(
        "nodes",
        format!("{} ({} processes, {} faults)", setup.nodes, counts.nodes, outcome.faults),
    );
    let speed = outcome.time as f64 / SECOND as f64 / wall;
    row("virtual time", format!("{} in {wall:.1} s ({speed:.0} times)", seconds(outcome.time)));
    let rate = counts.inputs as f64 / wall / 1e6;
    row("engine inputs", format!("{} ({rate:.2} million/s)", counts.inputs));
    row("full mesh", outcome.mesh.map_or_else(|| "never".into(), seconds));
    row(
        "beacons",
        format!(
            "{} sent, {} heard, {} lost",
            counts.beacons, counts.beacons_heard, counts.beacons_lost
        ),
    );
    row(
        "connections",
        format!(
            "{} dialled, {} in vain; {:.2} for each pair at the end",
            counts.dials,
            counts.dials_failed,
            counts.connections_of_a_pair()
        ),
    );
    let kinds = (1..COMMANDS.len()).map(|k| format!("{} {}", COMMANDS[k], counts.messages[k]));
    row("messages", kinds.collect::<Vec<_>>().join(", "));
    row(
        "ENTER",
        format!(
            "{}, {} on two-way connections, {:.3} HELLOs each",
            counts.enters,
            counts.two_way,
            counts.hellos_of_an_enter()
        ),
    );
    row("EXIT", reasons(&counts.exits));
    row("UNREACHABLE", reasons(&counts.unreachable));
    row(
        "EVASIVE",
        format!("{}, SILENT {}, back {}", counts.evasive, counts.silent, counts.returned),
    );
    row("dropped by engines", dropped(counts));
    if setup.secure {
        row(
            "ignored",
            format!(
                "{} beacons of others, {} claims without a key, {} with another",
                counts.strangers, counts.other_security, counts.key_conflicts
            ),
        );
    }
    row("agreements checked", outcome.agreed.to_string());
    row("leaders checked", outcome.led.to_string());
    row("violations", outcome.violations.len().to_string());
    print_violations(outcome);
}

fn print_violations(outcome: &Outcome) {
    if outcome.interrupted {
        println!("interrupted");
    }
    for violation in outcome.violations.iter().take(SHOWN) {
        println!("  {}", line(violation));
    }
    if outcome.violations.len() > SHOWN {
        println!("  ... and {} more", outcome.violations.len() - SHOWN);
    }
}

fn reasons(counted: &BTreeMap<&'static str, u64>) -> String {
    let reasons: Vec<String> = counted.iter().map(|(why, n)| format!("{why} {n}")).collect();
    if reasons.is_empty() { "none".into() } else { reasons.join(", ") }
}

fn dropped(counts: &Counts) -> String {
    format!(
        "before HELLO {}, intruding {}, malformed {}, overflows {}, refused whispers {}",
        counts.before_hello, counts.intruding, counts.malformed, counts.overflows, counts.refused
    )
}

fn line(violation: &Violation) -> String {
    let at = violation.at.as_secs_f64();
    let (node, peer) = (identity::name(violation.node), identity::name(violation.peer));
    format!("{at:.6} s  node {node}, peer {peer}  {}: {}", violation.rule, violation.what)
}

/// The shortest scenario that shows a violation.
pub(super) fn print_shrunk(options: &Options, setup: &Setup, shrunk: &Shrunk) {
    let violation = &shrunk.violation;
    let Shrunk { before, runs, complete, .. } = shrunk;
    println!();
    println!("The shortest prefix that still shows it (seed {}):", setup.rules.seed);
    println!("  {}", line(violation));
    let faults = shrunk.faults.len();
    let more = if *complete { "" } else { "; there was no time to try all" };
    println!("  {faults} of {before} faults are needed, as {runs} runs have shown{more}:");
    shrunk.faults.iter().for_each(|fault| println!("    {fault}"));
    println!("  Again: zyre-tester sim {} --calm{}", options.again(), fault_options(shrunk));
    let (node, peer) = (identity::name(violation.node), identity::name(violation.peer));
    println!("  What node {node} has seen of {peer}:");
    violation.history.iter().for_each(|entry| println!("    {entry}"));
    println!("  What node {peer} has seen of {node}:");
    shrunk.other_side.iter().for_each(|entry| println!("    {entry}"));
}

fn fault_options(shrunk: &Shrunk) -> String {
    shrunk.faults.iter().map(|fault| format!(" --fault '{fault}'")).collect()
}

fn violation_json(violation: &Violation) -> Value {
    json!({
        "at_us": violation.at.as_micros() as u64,
        "rule": violation.rule.number(),
        "rule_name": violation.rule.name(),
        "node": identity::name(violation.node),
        "peer": identity::name(violation.peer),
        "what": violation.what,
        "history": violation.history,
    })
}

/// The same for machines.
pub(super) fn json(setup: &Setup, outcome: &Outcome, shrunk: Option<&Shrunk>) -> Value {
    let counts = &outcome.counts;
    let by_command = |numbers: &[u64; COMMANDS.len()]| {
        let pairs = COMMANDS.iter().zip(numbers).skip(1);
        pairs.map(|(name, n)| ((*name).to_owned(), json!(n))).collect::<serde_json::Map<_, _>>()
    };
    let shrunk = shrunk.map(|shrunk| {
        json!({
            "faults": shrunk.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "violation": violation_json(&shrunk.violation),
            "other_side": shrunk.other_side,
            "complete": shrunk.complete,
        })
    });
    json!({
        "seed": setup.rules.seed,
        "digest": format!("{:016x}", outcome.digest.0),
        "nodes": setup.nodes,
        "processes": counts.nodes,
        "faults": outcome.faults,
        "virtual_s": outcome.time as f64 / SECOND as f64,
        "wall_s": outcome.wall.as_secs_f64(),
        "inputs": counts.inputs,
        "full_mesh_ms": outcome.mesh.map(|at| at as f64 / 1e3),
        "beacons": counts.beacons,
        "beacons_heard": counts.beacons_heard,
        "beacons_lost": counts.beacons_lost,
        "segments": counts.segments,
        "dials": counts.dials,
        "dials_failed": counts.dials_failed,
        "accepted": counts.accepted,
        "connections_of_a_pair": counts.connections_of_a_pair(),
        "two_way": counts.two_way,
        "hellos_of_an_enter": counts.hellos_of_an_enter(),
        "progress": counts.progress,
        "messages": by_command(&counts.messages),
        "bytes": by_command(&counts.bytes),
        "messages_all": counts.all_messages(),
        "bytes_all": counts.all_bytes(),
        "enters": counts.enters,
        "exits": counts.exits,
        "unreachable": counts.unreachable,
        "evasive": counts.evasive,
        "silent": counts.silent,
        "returned": counts.returned,
        "strangers": counts.strangers,
        "other_security": counts.other_security,
        "key_conflicts": counts.key_conflicts,
        "agreed": outcome.agreed,
        "led": outcome.led,
        "interrupted": outcome.interrupted,
        "violations": outcome.violations.iter().map(violation_json).collect::<Vec<_>>(),
        "shrunk": shrunk,
    })
}
