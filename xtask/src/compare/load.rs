//! The loads, and how each is measured.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::side::Side;
use crate::commands::wait_with_limit;
use crate::workspace;

/// How long one run may take.
const LIMIT: Duration = Duration::from_secs(180);

/// Bytes of the file that is copied.
const FILE: u64 = 1 << 30;

/// A load.
pub(super) struct Load {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    /// Whether more is better, as of a rate.
    pub(super) more_is_better: bool,
    work: Work,
}

enum Work {
    /// `zyre-tester bench` with these arguments, this often, and the figure that counts.
    Bench { arguments: &'static str, count: u64, figure: &'static str },
    /// A file copied by `track`.
    Track,
}

const fn rate(name: &'static str, arguments: &'static str, count: u64) -> Load {
    let work = Work::Bench { arguments, count, figure: "msgs_per_s" };
    Load { name, unit: "messages/s", more_is_better: true, work }
}

/// A time or an amount of memory: less is better.
const fn cost(
    name: &'static str,
    unit: &'static str,
    arguments: &'static str,
    count: u64,
    figure: &'static str,
) -> Load {
    Load { name, unit, more_is_better: false, work: Work::Bench { arguments, count, figure } }
}

/// All loads. Each takes a second or a few.
pub(super) const LOADS: &[Load] = &[
    rate("whisper-32", "whisper --size 32", 1_000_000),
    rate("whisper-back", "whisper-back --size 32", 1_000_000),
    rate("whisper-both", "whisper-both --size 32", 500_000),
    rate("whisper-1k", "whisper --size 1024", 500_000),
    rate("whisper-64k", "whisper --size 65536", 20_000),
    cost("round-trip", "us", "rtt --size 32", 20_000, "p50_us"),
    rate("shout-50", "shout --size 32 --peers 50", 20_000),
    cost("mesh-50", "ms", "mesh --nodes 50 --seconds 1", 0, "full_mesh_ms"),
    cost("mesh-50-mem", "MiB", "mesh --nodes 50 --seconds 1", 0, "rss_mb"),
    cost("newcomer-50", "ms", "discovery --nodes 50", 0, "full_mesh_ms"),
    Load { name: "track-1g", unit: "s", more_is_better: false, work: Work::Track },
];

impl Load {
    /// Returns whether a side can run the load: earlier revisions have not all of them.
    pub(super) fn is_known_to(&self, side: &Side) -> bool {
        match self.work {
            Work::Bench { arguments, .. } => side.has_benchmark(arguments),
            Work::Track => true,
        }
    }

    /// Runs the load once, and returns the figure.
    pub(super) fn run(&self, side: &Side, short: bool) -> Result<f64, String> {
        let share = if short { 100 } else { 1 };
        match self.work {
            Work::Bench { arguments, count, figure } => {
                bench(side, arguments, count / share, figure)
            }
            Work::Track => track(side, FILE / share),
        }
    }
}

fn bench(side: &Side, arguments: &str, count: u64, figure: &str) -> Result<f64, String> {
    let output = workspace::target().join("compare/output.txt");
    let mut command = side.tester();
    command.arg("bench").args(arguments.split_whitespace());
    if count > 0 {
        command.args(["--count", &count.to_string()]);
    }
    let status = wait_with_limit(&mut command, &output, LIMIT);
    let status = status.map_err(|error| format!("zyre-tester: {error}"))?;
    let written = fs::read_to_string(&output).unwrap_or_default();
    if !status.success() {
        return Err(format!("ended with {status}: {written}"));
    }
    read(&written, figure).ok_or_else(|| format!("no {figure} in: {written}"))
}

/// Reads a figure from what a benchmark prints: a line of JSON for each run, and a table.
fn read(output: &str, figure: &str) -> Option<f64> {
    let lines = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| line[figure].as_f64()).next_back().filter(|value| *value > 0.0)
}

/// Returns the seconds that a copy takes, from the start of the program until the file is there.
fn track(side: &Side, size: u64) -> Result<f64, String> {
    let place = Place::new()?;
    let [from, to] = ["from", "to"].map(|name| place.0.join(name));
    let describe = |error: std::io::Error| format!("{}: {error}", place.0.display());
    fs::create_dir(&from).and_then(|()| fs::create_dir(&to)).map_err(describe)?;
    fill(&from.join("file"), size).map_err(describe)?;
    let mut command = side.track();
    command.args(["--eager", "--quiet"]).args([&from, &to]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let mut tracker = Killed(command.spawn().map_err(|error| format!("track: {error}"))?);
    let copy = to.join("file");
    // It gets its name when it is whole.
    while !fs::metadata(&copy).is_ok_and(|copy| copy.len() == size) {
        if let Some(status) = tracker.0.try_wait().map_err(describe)? {
            return Err(format!("track ended with {status}"));
        }
        if begin.elapsed() > LIMIT {
            return Err(format!("track takes longer than {} s", LIMIT.as_secs()));
        }
        // The precision of the figure.
        thread::sleep(Duration::from_millis(1));
    }
    Ok(begin.elapsed().as_secs_f64())
}

/// Writes a file in which no two pieces are the same.
fn fill(path: &Path, size: u64) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    let mut piece = vec![0x5a; 1 << 20];
    for number in 0..size.div_ceil(1 << 20) {
        piece[..8].copy_from_slice(&number.to_le_bytes());
        file.write_all(&piece)?;
    }
    file.set_len(size)
}

/// A process that is killed when dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A directory that is removed when dropped: in memory, so that no disk is measured, if there is
/// such a place.
struct Place(PathBuf);

impl Place {
    fn new() -> Result<Self, String> {
        let memory = Path::new("/dev/shm");
        let around =
            if memory.is_dir() { memory.to_owned() } else { workspace::target().join("compare") };
        let place = around.join(format!("xtask-compare-{}", std::process::id()));
        fs::create_dir(&place).map_err(|error| format!("{}: {error}", place.display()))?;
        Ok(Self(place))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_of_a_benchmark_is_read_from_its_line() {
        let output = "{\"impl\":\"zyre\",\"run\":1,\"msgs_per_s\":12}\n\nwork  msgs/s\nx  12\n";
        assert_eq!(read(output, "msgs_per_s"), Some(12.0));
        assert_eq!(read(output, "p50_us"), None);
        assert_eq!(read("{\"msgs_per_s\":null}", "msgs_per_s"), None);
    }
}
