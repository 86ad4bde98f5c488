//! One publisher, many receivers.
//!
//! The receivers are clients of one process, each with an inbox and a connection of its own. Many
//! processes on a machine with few cores would measure how it switches between them. Bare TCP has one
//! process at each end as well. One receiver that is killed and one that comes late are processes of
//! their own, after the measurement.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::copy::{self, Measured};
use super::line::Said;
use super::pair;
use super::place::Place;
use super::relay::Relay;
use super::sheet::{Sheet, cell};
use super::size::size;
use super::tree::{Tree, files_below};
use super::usage::Usage;
use crate::median::median;

/// FILEMQ may take so many times what bare TCP takes.
const LIMIT: f64 = 1.5;

#[derive(clap::Args)]
pub(super) struct Options {
    /// How many receivers.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..=1000))]
    receivers: u16,
    /// Octets of the file.
    #[arg(long, default_value = "100MB", value_parser = size)]
    size: u64,
    /// Repeats the measurement, in turn with bare TCP, and gives the medians.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Where. Default: in memory (/dev/shm), where there is such a thing.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// How long one copy may take.
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    deadline: u64,
}

/// What came of the receiver that was killed, and of the one that came late.
struct Rest {
    /// Octets that it had when it was killed.
    had: u64,
    /// Octets that came over the network after its restart.
    came: u64,
    /// From the restart to the end.
    resumed: f64,
    /// From its start to the end.
    late: f64,
}

/// Measures and tries, prints JSON lines, and a table for people.
pub(super) fn run(options: &Options) -> Result<bool, String> {
    let place = Place::new(options.dir.as_deref())?;
    let tree = Tree { files: 1, size: options.size, stamp: 3 };
    let prepared = place.path().join("prepared");
    tree.write(&prepared).map_err(|error| format!("{}: {error}", prepared.display()))?;
    // What the receivers write, and half as much for the processes.
    place.warm(options.size.saturating_mul(u64::from(options.receivers)).saturating_mul(3) / 2)?;
    let mut results: [Vec<Measured>; 2] = Default::default();
    for run in 0..usize::from(options.runs) {
        for i in (0..2).map(|i| (i + run) % 2) {
            let measured = measure(options, i == 0, tree, &prepared, &place)?;
            println!(
                "{}",
                serde_json::json!({
                    "mode": "fanout", "impl": if i == 0 { "filemq" } else { "tcp" },
                    "receivers": options.receivers, "size": options.size, "run": run + 1,
                    "seconds": measured.seconds,
                    "cpu_s": measured.cpu(), "sender_mb": measured.sender.map(|usage| usage.memory),
                    "receivers_mb": measured.receiver.map(|usage| usage.memory),
                })
            );
            results[i].push(measured);
        }
    }
    report(options, &results);
    let rest = kill_and_late(options, tree, &prepared, &place)?;
    Ok(tell(options, &rest))
}

fn inboxes(place: &Place, count: u16) -> Result<Vec<PathBuf>, String> {
    let to = place.fresh("to")?;
    Ok((0..count).map(|i| to.join(i.to_string())).collect())
}

fn measure(
    options: &Options,
    filemq: bool,
    tree: Tree,
    prepared: &Path,
    place: &Place,
) -> Result<Measured, String> {
    let within = Duration::from_secs(options.deadline);
    let inboxes = inboxes(place, options.receivers)?;
    let measured = if filemq {
        copy::filemq(tree, prepared, &place.fresh("published")?, &inboxes, within)
    } else {
        copy::tcp(tree, prepared, &place.path().join("to"), inboxes.len(), within)
    };
    place.fresh("to")?;
    measured
}

fn report(options: &Options, results: &[Vec<Measured>; 2]) {
    let [ours, theirs] = results;
    let seconds = |runs: &[Measured]| median(runs.iter().map(|run| run.seconds).collect());
    let ratio = median(ours.iter().zip(theirs).map(|(a, b)| a.seconds / b.seconds).collect());
    let most = |which: fn(&Measured) -> Option<Usage>| {
        ours.iter().filter_map(which).map(|usage| usage.memory).reduce(f64::max)
    };
    let (sender, receivers) = (most(|run| run.sender), most(|run| run.receiver));
    let cpu = |runs: &[Measured]| median(runs.iter().filter_map(Measured::cpu).collect());
    println!(
        "{}",
        serde_json::json!({
            "mode": "fanout", "receivers": options.receivers, "size": options.size,
            "median_of": ours.len(), "seconds": seconds(ours), "tcp_seconds": seconds(theirs),
            "ratio": ratio, "limit": LIMIT, "holds": ratio.map(|ratio| ratio <= LIMIT),
            "cpu_s": cpu(ours), "tcp_cpu_s": cpu(theirs), "sender_mb": sender, "receivers_mb": receivers,
        })
    );
    let mut sheet = Sheet::new(&[
        "work",
        "filemq s",
        "tcp s",
        "/tcp",
        "at most",
        "CPU s",
        "tcp CPU s",
        "server MB",
        "receivers MB",
    ]);
    sheet.add(vec![
        format!("{} octets to {}", options.size, options.receivers),
        cell(seconds(ours), 3),
        cell(seconds(theirs), 3),
        cell(ratio, 2),
        format!("{LIMIT:.1}"),
        cell(cpu(ours), 2),
        cell(cpu(theirs), 2),
        cell(sender, 1),
        cell(receivers, 1),
    ]);
    eprint!("\n{sheet}");
}

/// One receiver is killed in mid-transfer and comes back, one comes when all is over.
fn kill_and_late(
    options: &Options,
    tree: Tree,
    prepared: &Path,
    place: &Place,
) -> Result<Rest, String> {
    let within = Duration::from_secs(options.deadline);
    let (published, inboxes) = (place.fresh("published")?, inboxes(place, options.receivers)?);
    let (_server, address) = pair::server(&published, None)?;
    let Some((victims, others)) = inboxes.split_first() else { return Err("no receivers".into()) };
    let mut receivers = pair::receiver("the receivers", others, address, Some(1))?;
    let held = Relay::start(address, options.size / 4 * 3)?;
    let victims = std::slice::from_ref(victims);
    let mut victim = pair::receiver("the victim", victims, held.address(), None)?;
    pair::connected(&mut receivers)?;
    pair::connected(&mut victim)?;
    let there = published.join("tree");
    std::fs::rename(prepared, &there).map_err(|error| format!("{}: {error}", there.display()))?;
    // One that is stuck does not hold the others up.
    receivers.await_line(within, &Said::Done)?;
    others.iter().try_for_each(|inbox| tree.check(&inbox.join("tree")))?;
    let had = settled_partial(&victims[0], within)?;
    victim.kill();
    drop(held);
    let early = files_below(&victims[0]).map_err(|error| error.to_string())?;
    if let Some((path, _)) = early.first_key_value() {
        return Err(format!("{} is there before it is complete", path.display()));
    }
    let (start, relay) = (Instant::now(), Relay::start(address, u64::MAX)?);
    let mut victim = pair::receiver("the victim, restarted", victims, relay.address(), Some(1))?;
    let resumed = victim.await_line(within, &Said::Done)?.duration_since(start).as_secs_f64();
    tree.check(&victims[0].join("tree"))?;
    let came = relay.passed();
    let (start, inbox) = (Instant::now(), place.fresh("late")?);
    let mut late = pair::receiver("the latecomer", std::slice::from_ref(&inbox), address, Some(1))?;
    let late = late.await_line(within, &Said::Done)?.duration_since(start).as_secs_f64();
    tree.check(&inbox.join("tree"))?;
    Ok(Rest { had, came, resumed, late })
}

/// Waits until something of the file is there, and no more comes.
fn settled_partial(inbox: &Path, within: Duration) -> Result<u64, String> {
    let (start, mut before) = (Instant::now(), 0);
    while start.elapsed() < within {
        let now = partial(inbox);
        if now > 0 && now == before {
            return Ok(now);
        }
        before = now;
        std::thread::sleep(Duration::from_millis(100));
    }
    Err("the one to be killed has received nothing".into())
}

/// Octets of unfinished files.
fn partial(inbox: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(inbox.join(".filemq/partial")) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

fn tell(options: &Options, rest: &Rest) -> bool {
    let Rest { had, came, resumed, late } = *rest;
    let resumes = came < options.size;
    println!(
        "{}",
        serde_json::json!({
            "mode": "fanout", "killed_had": had, "came_after_restart": came, "size": options.size,
            "resumed_seconds": resumed, "late_seconds": late, "holds": resumes,
        })
    );
    eprintln!(
        "killed with {had} of {} octets: {came} came after the restart, in {resumed:.2} s{}",
        options.size,
        if resumes { "" } else { ": IT DID NOT RESUME" }
    );
    eprintln!("one that came late had all after {late:.2} s");
    resumes
}
