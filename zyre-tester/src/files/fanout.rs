//! One publisher, many receivers.
//!
//! The receivers are clients of one process, each with a received folder and a connection of its
//! own. Many processes on a machine with few cores would measure how it switches between them. Bare
//! TCP has one process at each end as well. One receiver that is killed and one that comes late are
//! processes of their own, after the measurement.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::copy::{self, Measured, megabytes};
use super::line::Said;
use super::pair;
use super::place::{Place, partial};
use super::relay::Relay;
use super::tree::{Tree, files_below};
use crate::median::median;
use crate::output::{error_columns, record};
use testkit::size::size;
use testkit::table::{Table, figure};
use testkit::usage::Usage;

/// The most that FILEMQ may take, as a multiple of what bare TCP takes.
const LIMIT: f64 = 1.5;

#[derive(clap::Args)]
pub(super) struct Options {
    /// How many receivers.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..=1000))]
    receivers: u16,
    /// Bytes of the file.
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
    /// Bytes that it had when it was killed.
    had: u64,
    /// Bytes that came over the network after its restart.
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
            record(serde_json::json!({
                "mode": "fanout", "impl": if i == 0 { "filemq" } else { "tcp" },
                "receivers": options.receivers, "size": options.size, "run": run + 1,
                "seconds": measured.seconds,
                "cpu_s": measured.cpu(), "sender_mb": measured.sender.map(megabytes),
                "receivers_mb": measured.receiver.map(megabytes),
            }));
            results[i].push(measured);
        }
    }
    report(options, &results);
    let rest = kill_and_late(options, tree, &prepared, &place)?;
    Ok(tell(options, &rest))
}

fn folders(place: &Place, count: u16) -> Result<Vec<PathBuf>, String> {
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
    let folders = folders(place, options.receivers)?;
    let measured = if filemq {
        copy::filemq(tree, prepared, &place.fresh("published")?, &folders, within)
    } else {
        copy::tcp(tree, prepared, &place.path().join("to"), folders.len(), within)
    };
    place.fresh("to")?;
    measured
}

fn report(options: &Options, results: &[Vec<Measured>; 2]) {
    let [ours, theirs] = results;
    let seconds = |runs: &[Measured]| median(runs.iter().map(|run| run.seconds).collect());
    let ratio = median(ours.iter().zip(theirs).map(|(a, b)| a.seconds / b.seconds).collect());
    let most = |which: fn(&Measured) -> Option<Usage>| {
        ours.iter().filter_map(which).map(megabytes).reduce(f64::max)
    };
    let (sender, receivers) = (most(|run| run.sender), most(|run| run.receiver));
    let cpu = |runs: &[Measured]| median(runs.iter().filter_map(Measured::cpu).collect());
    record(serde_json::json!({
        "mode": "fanout", "receivers": options.receivers, "size": options.size,
        "median_of": ours.len(), "seconds": seconds(ours), "tcp_seconds": seconds(theirs),
        "ratio": ratio, "limit": LIMIT, "holds": ratio.map(|ratio| ratio <= LIMIT),
        "cpu_s": cpu(ours), "tcp_cpu_s": cpu(theirs), "sender_mb": sender, "receivers_mb": receivers,
    }));
    let mut table = Table::new(
        1,
        [
            "work",
            "filemq s",
            "tcp s",
            "/tcp",
            "at most",
            "CPU s",
            "tcp CPU s",
            "server MB",
            "receivers MB",
        ],
    );
    table.add(vec![
        format!("{} bytes to {}", options.size, options.receivers),
        figure(seconds(ours), 3),
        figure(seconds(theirs), 3),
        figure(ratio, 2),
        format!("{LIMIT:.1}"),
        figure(cpu(ours), 2),
        figure(cpu(theirs), 2),
        figure(sender, 1),
        figure(receivers, 1),
    ]);
    eprintln!("\n{}", table.text(error_columns()).trim_end());
}

/// One receiver is killed in mid-transfer and comes back, one comes when all is over.
fn kill_and_late(
    options: &Options,
    tree: Tree,
    prepared: &Path,
    place: &Place,
) -> Result<Rest, String> {
    let within = Duration::from_secs(options.deadline);
    let (published, folders) = (place.fresh("published")?, folders(place, options.receivers)?);
    let (_server, address) = pair::server(&published, None)?;
    let Some((victim, others)) = folders.split_first() else { return Err("no receivers".into()) };
    let mut receivers = pair::receiver("the receivers", others, address, Some(1))?;
    let held = Relay::start(address, options.size / 4 * 3)?;
    let folder = std::slice::from_ref(victim);
    let mut process = pair::receiver("the victim", folder, held.address(), None)?;
    pair::connected(&mut receivers)?;
    pair::connected(&mut process)?;
    let there = published.join("tree");
    std::fs::rename(prepared, &there).map_err(|error| format!("{}: {error}", there.display()))?;
    // One that is stuck does not hold the others up.
    receivers.await_line(within, &Said::Done)?;
    others.iter().try_for_each(|folder| tree.check(&folder.join("tree")))?;
    let had = settled_partial(victim, within)?;
    process.kill();
    drop(held);
    nothing_early(victim)?;
    let relay = Relay::start(address, u64::MAX)?;
    let resumed = receive("the victim, restarted", victim, relay.address(), tree, within)?;
    let came = relay.passed();
    let late = receive("the latecomer", &place.fresh("late")?, address, tree, within)?;
    Ok(Rest { had, came, resumed, late })
}

/// Starts a receiver, and waits until it has all. Returns the seconds that it took.
fn receive(
    name: &str,
    folder: &Path,
    from: SocketAddr,
    tree: Tree,
    within: Duration,
) -> Result<f64, String> {
    let start = Instant::now();
    let mut receiver = pair::receiver(name, &[folder.to_owned()], from, Some(1))?;
    let done = receiver.await_line(within, &Said::Done)?;
    tree.check(&folder.join("tree"))?;
    Ok(done.duration_since(start).as_secs_f64())
}

/// Checks that no file is there before it is complete.
fn nothing_early(folder: &Path) -> Result<(), String> {
    let early = files_below(folder).map_err(|error| error.to_string())?;
    match early.first_key_value() {
        Some((path, _)) => Err(format!("{} is there before it is complete", path.display())),
        None => Ok(()),
    }
}

/// Waits until something of the file is there, and no more comes.
fn settled_partial(folder: &Path, within: Duration) -> Result<u64, String> {
    let (start, mut before) = (Instant::now(), 0);
    while start.elapsed() < within {
        let now = partial(folder);
        if now > 0 && now == before {
            return Ok(now);
        }
        before = now;
        // That no more comes can only be seen by waiting.
        std::thread::sleep(Duration::from_millis(100));
    }
    Err("the one to be killed has received nothing".into())
}

fn tell(options: &Options, rest: &Rest) -> bool {
    let Rest { had, came, resumed, late } = *rest;
    let resumes = came < options.size;
    record(serde_json::json!({
        "mode": "fanout", "killed_had": had, "came_after_restart": came, "size": options.size,
        "resumed_seconds": resumed, "late_seconds": late, "holds": resumes,
    }));
    eprintln!(
        "killed with {had} of {} bytes: {came} came after the restart, in {resumed:.2} s{}",
        options.size,
        if resumes { "" } else { ": IT DID NOT RESUME" }
    );
    eprintln!("one that came late had all after {late:.2} s");
    resumes
}
