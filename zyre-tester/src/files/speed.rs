//! One large file, and many small ones.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::copy::{self, Measured, megabytes};
use super::place::Place;
use super::tree::Tree;
use crate::median::{median, range};
use crate::output::{error_columns, record};
use testkit::size::size;
use testkit::table::{Table, figure};
use testkit::usage::Usage;

/// What neither process may have in memory, in MB.
const MEMORY: f64 = 64.0;

#[derive(clap::Args)]
pub(super) struct Options {
    /// Repeats each, in turn, and gives the medians.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Where. Default: in memory (/dev/shm), where there is such a thing.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Bytes of the large file; 0 leaves it out.
    #[arg(long, default_value = "1GiB", value_parser = size)]
    large: u64,
    /// How many small files there are; 0 leaves them out.
    #[arg(long, default_value_t = 10_000)]
    small: u64,
    /// Bytes of a small file.
    #[arg(long, default_value = "4KiB", value_parser = size)]
    small_size: u64,
    /// How long one copy may take.
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    deadline: u64,
    /// Beside the same in the clear: at most twice its time.
    #[arg(long)]
    secure: bool,
}

/// How files are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Filemq,
    Secure,
    Cp,
    Tcp,
    Tar,
}

/// What is copied, and how long it may take.
struct Work {
    name: String,
    tree: Tree,
    ways: [Way; 3],
    /// The most that FILEMQ may take, as a multiple of what this takes.
    limit: (Way, f64),
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Self::Filemq => "filemq",
            Self::Secure => "secure filemq",
            Self::Cp => "cp",
            Self::Tcp => "tcp",
            Self::Tar => "tar",
        }
    }

    fn measure(
        self,
        tree: Tree,
        prepared: &Path,
        place: &Place,
        within: Duration,
    ) -> Result<Measured, String> {
        let to = place.fresh("to")?;
        let measured = match self {
            Self::Filemq | Self::Secure => {
                let published = place.fresh("published")?;
                let copy = if self == Self::Secure { copy::secure_filemq } else { copy::filemq };
                copy(tree, prepared, &published, std::slice::from_ref(&to), within)
            }
            Self::Cp => copy::cp(tree, prepared, &to),
            Self::Tcp => copy::tcp(tree, prepared, &to, 1, within),
            Self::Tar => copy::tar(tree, prepared, &to, within),
        };
        // Not before the next begins: it is memory, mostly.
        place.fresh("to")?;
        measured.map_err(|error| format!("{}: {error}", self.name()))
    }
}

/// Measures, prints a JSON line for each run and each median, and a table for people.
pub(super) fn run(options: &Options) -> Result<bool, String> {
    let place = Place::new(options.dir.as_deref())?;
    let mut table = Table::new(
        1,
        [
            "work",
            "filemq s",
            "min..max",
            "cp s",
            "/cp",
            "rival",
            "rival s",
            "/rival",
            "at most",
            "CPU s",
            "rival CPU s",
            "server MB",
            "client MB",
        ],
    );
    let mut good = true;
    for work in works(options) {
        let prepared = place.path().join("prepared");
        work.tree.write(&prepared).map_err(|error| format!("{}: {error}", prepared.display()))?;
        place.warm(work.tree.files.saturating_mul(work.tree.size).saturating_mul(2))?;
        let mut results: [Vec<Option<Measured>>; 3] = Default::default();
        for run in 0..usize::from(options.runs) {
            // Each is first in turn: what runs after another may find a warmer machine.
            for i in (0..3).map(|i| (i + run) % 3) {
                let within = Duration::from_secs(options.deadline);
                let measured = work.ways[i].measure(work.tree, &prepared, &place, within);
                if let Err(error) = &measured {
                    eprintln!("{}: {error}", work.name);
                    good = false;
                }
                let measured = measured.ok();
                say(&work, work.ways[i], run, measured);
                results[i].push(measured);
            }
        }
        table.add(row(&work, &results));
        std::fs::remove_dir_all(&prepared).map_err(|error| error.to_string())?;
    }
    eprintln!("\n{}", table.text(error_columns()).trim_end());
    Ok(good)
}

fn works(options: &Options) -> Vec<Work> {
    let ours = if options.secure { Way::Secure } else { Way::Filemq };
    let beside = |other| if options.secure { Way::Filemq } else { other };
    let large = Work {
        name: format!("1 x {}", bytes(options.large)),
        tree: Tree { files: 1, size: options.large, stamp: 1 },
        ways: [ours, Way::Cp, beside(Way::Tcp)],
        limit: (beside(Way::Tcp), 2.0),
    };
    let small = Work {
        name: format!("{} x {}", options.small, bytes(options.small_size)),
        tree: Tree { files: options.small, size: options.small_size, stamp: 2 },
        ways: [ours, Way::Cp, beside(Way::Tar)],
        limit: (beside(Way::Tar), if options.secure { 2.0 } else { 5.0 }),
    };
    let wanted = [(options.large > 0).then_some(large), (options.small > 0).then_some(small)];
    wanted.into_iter().flatten().collect()
}

fn bytes(size: u64) -> String {
    match size {
        0..1024 => format!("{size} B"),
        1024..1_048_576 => format!("{} KiB", size >> 10),
        1_048_576..1_073_741_824 => format!("{} MiB", size >> 20),
        _ => format!("{} GiB", size >> 30),
    }
}

fn say(work: &Work, way: Way, run: usize, measured: Option<Measured>) {
    let Tree { files, size, .. } = work.tree;
    let line = serde_json::json!({
        "mode": "files", "impl": way.name(), "files": files, "size": size, "run": run + 1,
        "seconds": measured.map(|measured| measured.seconds),
        "mb_per_s": measured.map(|measured| work.tree.bytes() as f64 / 1e6 / measured.seconds),
        "sender_cpu_s": measured.and_then(|measured| measured.sender).map(|usage| usage.cpu.as_secs_f64()),
        "receiver_cpu_s": measured.and_then(|measured| measured.receiver).map(|usage| usage.cpu.as_secs_f64()),
        "sender_mb": measured.and_then(|measured| measured.sender).map(megabytes),
        "receiver_mb": measured.and_then(|measured| measured.receiver).map(megabytes),
    });
    record(line);
}

fn row(work: &Work, results: &[Vec<Option<Measured>>; 3]) -> Vec<String> {
    let seconds = |runs: &[Option<Measured>]| -> Vec<f64> {
        runs.iter().flatten().map(|measured| measured.seconds).collect()
    };
    // Of one run each: the machine is not equally busy at all times.
    let ratio = |rival: usize| {
        let pairs = results[0].iter().zip(&results[rival]);
        median(
            pairs
                .filter_map(|(ours, theirs)| {
                    Some(ours.as_ref()?.seconds / theirs.as_ref()?.seconds)
                })
                .collect(),
        )
    };
    let ours = seconds(&results[0]);
    let most = |which: fn(&Measured) -> Option<Usage>| {
        results[0].iter().flatten().filter_map(which).map(megabytes).reduce(f64::max)
    };
    let cpu = |i: usize| median(results[i].iter().flatten().filter_map(Measured::cpu).collect());
    let (server, client) = (most(|measured| measured.sender), most(|measured| measured.receiver));
    let (rival, limit) = work.limit;
    let line = serde_json::json!({
        "mode": "files", "files": work.tree.files, "size": work.tree.size, "median_of": ours.len(),
        "seconds": median(ours.clone()), "cp_seconds": median(seconds(&results[1])),
        "rival": rival.name(), "rival_seconds": median(seconds(&results[2])),
        "ratio_cp": ratio(1), "ratio": ratio(2), "limit": limit,
        "cpu_s": cpu(0), "rival_cpu_s": cpu(2), "server_mb": server, "client_mb": client, "memory_limit_mb": MEMORY,
        "holds": ratio(2).map(|ratio| ratio <= limit && [server, client].iter().flatten().all(|&most| most < MEMORY)),
    });
    record(line);
    vec![
        work.name.clone(),
        figure(median(ours.clone()), 3),
        range(&ours),
        figure(median(seconds(&results[1])), 3),
        figure(ratio(1), 2),
        rival.name().to_owned(),
        figure(median(seconds(&results[2])), 3),
        figure(ratio(2), 2),
        format!("{limit:.1}"),
        figure(cpu(0), 2),
        figure(cpu(2), 2),
        figure(server, 1),
        figure(client, 1),
    ]
}
