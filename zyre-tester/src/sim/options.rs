//! What can be asked for.

use std::path::{Path, PathBuf};

use clap::Parser;

use super::faults::{Fault, Kind, Rates, Shares};
use super::net::Terms;
use super::quantity;
use super::rules::{MINUTE, Rules, Sabotage};
use super::run::{LIARS, Setup, rest};
use super::time::{MILLI, Micros, SECOND};
use super::trace::Trace;

/// Hosts that there are numbers for.
const HOSTS: u32 = 65_536;
/// No delay is shorter: it is also the window in which nodes run side by side.
const SHORTEST: Micros = 100;
/// The number of nodes from which on it pays to have more than one thread.
const MANY: u32 = 150;

/// A network of virtual nodes in virtual time.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Nodes.
    #[arg(long, default_value_t = 100)]
    nodes: u32,
    /// Virtual minutes.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// All chance follows from it.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Datagrams and TCP segments that are lost; of TCP, a loss costs time.
    #[arg(long, default_value = "1%", value_parser = quantity::share)]
    loss: u32,
    /// How long everything takes one way.
    #[arg(long, default_value = "2..20ms", value_parser = quantity::range)]
    delay: (Micros, Micros),
    /// Datagrams that arrive twice.
    #[arg(long, default_value = "1%", value_parser = quantity::share)]
    duplicate: u32,
    /// Datagrams that arrive up to two seconds late.
    #[arg(long, default_value = "0.5%", value_parser = quantity::share)]
    late: u32,
    /// The network falls in two at AT, for FOR: `60s,20s`. May be given more than once.
    #[arg(long, value_name = "AT,FOR", value_parser = quantity::when)]
    partition: Vec<(Micros, Micros)>,
    /// Nodes that end, per node and minute: a third stops, crashes, or vanishes with its host each.
    /// Another node is started in its place.
    #[arg(long, default_value_t = 0.2)]
    crash_rate: f64,
    /// Hosts that get another address, per node and minute.
    #[arg(long, default_value_t = 0.05)]
    move_rate: f64,
    /// Pairs whose connections break, per node and minute.
    #[arg(long, default_value_t = 0.1)]
    break_rate: f64,
    /// Pairs whose connections stall for 1 to 20 s, per node and minute.
    #[arg(long, default_value_t = 0.1)]
    stall_rate: f64,
    /// Ways from one node to another on which connections bring nothing, for 1 to 50 s, per node
    /// and minute.
    #[arg(long, default_value_t = 0.05)]
    hole_rate: f64,
    /// Pairs between which every message takes up to 1.5 s, for 1 to 20 s, per node and minute.
    #[arg(long, default_value_t = 0.05)]
    slow_rate: f64,
    /// Applications that take no events for 1 to 50 s, per node and minute.
    #[arg(long, default_value_t = 0.05)]
    sleep_rate: f64,
    /// Processes that do not run for 1 to 50 s, per node and minute.
    #[arg(long, default_value_t = 0.05)]
    suspend_rate: f64,
    /// Hosts that let no connection in.
    #[arg(long, default_value = "5%", value_parser = quantity::share)]
    walls: u32,
    /// Hosts behind NAT: where they tell to be is nobody, or another node, or the one that asks.
    #[arg(long, default_value = "5%", value_parser = quantity::share)]
    nats: u32,
    /// Hosts that beacons do not reach. Their nodes are told where the others are.
    #[arg(long, default_value = "5%", value_parser = quantity::share)]
    quiet: u32,
    /// Nodes that know no two-way connections, as all did before; half of them do not tell their
    /// ids when others connect.
    #[arg(long, default_value = "20%", value_parser = quantity::share)]
    plain: u32,
    /// All nodes are secure ones, each with a key of its own; and there are some that lie about who they
    /// are.
    #[arg(long)]
    secure: bool,
    /// Nodes that do not trust the key of another one for 1 to 20 s, per node and minute; of secure
    /// nodes.
    #[arg(long, default_value_t = 0.2)]
    distrust_rate: f64,
    /// Liars, for 1 to 20 s each, per node and minute; of secure nodes.
    #[arg(long, default_value_t = 0.5)]
    lie_rate: f64,
    /// No faults by chance: all rates are zero, and all hosts can be reached.
    #[arg(long)]
    calm: bool,
    /// One fault, such as `12s crash 3 for 5s same`, `20s break 1 2`. May be given more than once.
    #[arg(long, value_name = "FAULT")]
    fault: Vec<Fault>,
    /// When TCP gives up a host that does not answer.
    #[arg(long, default_value = "15..60s", value_parser = quantity::range)]
    tcp_timeout: (Micros, Micros),
    /// JOINs that are followed by a SHOUT.
    #[arg(long, default_value = "5%", value_parser = quantity::share)]
    shouts: u32,
    /// Nodes start within this time.
    #[arg(long, default_value = "1s", value_parser = quantity::time)]
    spread: Micros,
    /// Nodes say nothing to each other.
    #[arg(long)]
    silent: bool,
    /// Only until all nodes see all others.
    #[arg(long)]
    until_mesh: bool,
    /// Threads. The result does not depend on it.
    #[arg(long)]
    threads: Option<usize>,
    /// Seconds to spend on making the scenario of a violation shorter.
    #[arg(long, default_value_t = 60)]
    pub(super) shrink: u64,
    /// Two nodes, `3,17`: what their engines are told of each other and do about each other, line
    /// by line, on standard error.
    #[arg(long, value_name = "NODE,NODE", value_parser = quantity::two)]
    trace: Option<(u32, u32)>,
    /// Options from a file: a JSON object with the names of these options. What is given on the
    /// command line counts more.
    #[arg(long)]
    pub(super) file: Option<PathBuf>,
    /// The result for machines, to this file; `-` for standard output.
    #[arg(long)]
    pub(super) json: Option<PathBuf>,
    /// How cost grows with the number of nodes.
    #[arg(long)]
    pub(super) table: bool,
    /// The numbers of nodes of the table.
    #[arg(long, value_delimiter = ',', default_value = "10,50,100,200,500,1000,2000")]
    pub(super) sizes: Vec<u32>,
    /// The network that the table compares with.
    #[arg(long, default_value = "54Mbit", value_parser = quantity::capacity)]
    pub(super) capacity: f64,
    /// Breaks something on purpose.
    #[arg(long, hide = true)]
    sabotage: Option<Sabotage>,
}

/// The options of a file and of the command line together.
#[derive(clap::Parser)]
#[command(args_override_self = true)]
struct Together {
    #[command(flatten)]
    options: Options,
}

impl Options {
    /// The options in a file, and those of the command line on top.
    pub(super) fn from_file(file: &Path) -> Result<Self, String> {
        let wrong = |what: String| format!("{}: {what}", file.display());
        let text = std::fs::read_to_string(file).map_err(|e| wrong(e.to_string()))?;
        let json: serde_json::Value =
            serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        let fields = json.as_object().ok_or_else(|| wrong("is no JSON object".into()))?;
        let mut words = vec!["sim".to_owned()];
        for (name, value) in fields {
            let mut add = |value: &serde_json::Value| match value {
                serde_json::Value::Bool(true) => words.push(format!("--{name}")),
                serde_json::Value::Bool(false) | serde_json::Value::Null => {}
                serde_json::Value::String(text) => words.push(format!("--{name}={text}")),
                other => words.push(format!("--{name}={other}")),
            };
            match value {
                serde_json::Value::Array(values) => values.iter().for_each(add),
                one => add(one),
            }
        }
        words.extend(std::env::args().skip_while(|word| word != "sim").skip(1));
        let together = Together::try_parse_from(words).map_err(|e| wrong(e.to_string()))?;
        Ok(together.options)
    }

    /// What is to be simulated.
    pub(super) fn setup(&self) -> Result<Setup, String> {
        if !(1..=HOSTS - LIARS).contains(&self.nodes) {
            return Err(format!("there can be 1 to {} nodes", HOSTS - LIARS));
        }
        if !(self.minutes > 0.0 && self.minutes <= 60.0 * 24.0 * 365.0) {
            return Err("the minutes must be more than none, and less than a year".into());
        }
        if self.delay.0 < SHORTEST {
            return Err("the shortest delay is 0.1ms".into());
        }
        let end = (self.minutes * MINUTE as f64) as Micros;
        let rules = Rules {
            seed: self.seed,
            chat: !self.silent,
            ledger: true,
            // A violation is run again, with the history of its pair.
            history: if self.nodes > 50 { 0 } else { 50 },
            shouts: self.shouts,
            end,
            rest: rest(end),
            sabotage: self.sabotage,
            trace: Trace(self.trace),
        };
        Ok(Setup {
            nodes: self.nodes,
            plain: self.plain,
            secure: self.secure,
            terms: self.terms(),
            rules,
            spread: self.spread,
            threads: self.threads(self.nodes),
            until_mesh: self.until_mesh,
            until_violation: false,
            cut: end,
            watched: None,
        })
    }

    pub(super) const fn terms(&self) -> Terms {
        Terms {
            delay: self.delay,
            loss: self.loss,
            doubled: self.duplicate,
            late: self.late,
            tcp_timeout: self.tcp_timeout,
        }
    }

    pub(super) fn threads(&self, nodes: u32) -> usize {
        let there = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = self.threads.unwrap_or_else(|| if nodes < MANY { 1 } else { there().min(8) });
        threads.clamp(1, nodes.max(1) as usize)
    }

    /// What goes wrong, and when. Chance leaves the beginning and the end alone.
    pub(super) fn faults(&self, setup: &Setup) -> Result<Vec<Fault>, String> {
        let mut faults = self.fault.clone();
        for (cut, (at, lasts)) in (1..).zip(&self.partition) {
            faults.push(Fault { at: *at, kind: Kind::Partition { lasts: *lasts, cut } });
        }
        if let Some(fault) =
            faults.iter().find(|f| f.kind.slots().iter().any(|slot| *slot >= self.nodes))
        {
            return Err(format!("{fault}: the nodes are 0 to {}", self.nodes - 1));
        }
        let of_keys = |kind: &Kind| matches!(kind, Kind::Distrust { .. } | Kind::Lie { .. });
        if !self.secure && faults.iter().any(|fault| of_keys(&fault.kind)) {
            return Err("only secure nodes have keys".into());
        }
        if faults.iter().any(|f| matches!(f.kind.slots()[..], [one, other] if one == other)) {
            return Err("a pair is two nodes".into());
        }
        if !self.calm && !self.until_mesh {
            let rates = Rates {
                crash: self.crash_rate,
                moves: self.move_rate,
                breaks: self.break_rate,
                stalls: self.stall_rate,
                holes: self.hole_rate,
                slow: self.slow_rate,
                sleeps: self.sleep_rate,
                suspensions: self.suspend_rate,
                distrusts: if self.secure { self.distrust_rate } else { 0.0 },
                lies: if self.secure { self.lie_rate } else { 0.0 },
            };
            let shares = Shares { walls: self.walls, nats: self.nats, quiet: self.quiet };
            let end = setup.rules.end;
            let from = (5 * SECOND).min(end / 10) / MILLI * MILLI;
            faults.extend(rates.faults(self.seed, self.nodes, from, rest_from(end)));
            faults.extend(shares.faults(self.seed, self.nodes, end));
        }
        faults.sort();
        Ok(faults)
    }

    /// The options that make this run again, without its faults.
    pub(super) fn again(&self) -> String {
        let ms = |time: Micros| format!("{}ms", time as f64 / MILLI as f64);
        let percent = |share: u32| format!("{}%", f64::from(share) / 1e4);
        let mut words = format!(
            "--nodes {} --minutes {} --seed {} --loss {} --delay {}..{} --duplicate {} --late {} \
             --tcp-timeout {}..{} --shouts {} --spread {} --plain {}",
            self.nodes,
            self.minutes,
            self.seed,
            percent(self.loss),
            ms(self.delay.0),
            ms(self.delay.1),
            percent(self.duplicate),
            percent(self.late),
            ms(self.tcp_timeout.0),
            ms(self.tcp_timeout.1),
            percent(self.shouts),
            ms(self.spread),
            percent(self.plain),
        );
        if self.secure {
            words.push_str(" --secure");
        }
        if self.silent {
            words.push_str(" --silent");
        }
        words
    }
}

/// From here on chance lets nothing go wrong, so that all can be well at the end.
fn rest_from(end: Micros) -> Micros {
    end.saturating_sub((super::health::SETTLE + 2 * super::rules::HUSH).min(end / 2))
}
