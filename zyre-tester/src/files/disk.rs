//! Operations of the disk that fail, at both ends of a transfer.
//!
//! ```text
//!  faults    which operations fail, how often, and with which error: one file system for each end
//!  world     a directory that changes, a session of each side, and a received folder; no sockets,
//!            no threads, and a clock that is set forward
//!  verdict   what has to hold, and what was told
//! ```
//!
//! A schedule is one seed: files come, change and go, operations fail, connections are lost, and the
//! folder is opened anew. At every moment each name in the received folder has to hold a state that
//! was published under it. If anything is missing, some reason must have been told. When
//! nothing fails any more the folder has to become what is published, except for what was refused
//! forever, and nothing unfinished may be left.

mod faults;
mod verdict;
mod whims;
mod world;

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde_json::json;

use self::world::World;
use super::place::Place;
use crate::output::record;

/// The options of `files disk`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// How many schedules, with one seed after the other.
    #[arg(long, default_value_t = 10_000)]
    schedules: u64,
    /// The first seed. Default: by chance.
    #[arg(long)]
    seed: Option<u32>,
    /// Where. Default: in memory (/dev/shm), where there is such a thing.
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// How many schedules are played between two lines about how many there were.
const PROGRESS: u64 = 500;

/// What schedules amount to.
#[derive(Default)]
struct Figures {
    faults: AtomicU64,
    refusals: AtomicU64,
    deliveries: AtomicU64,
}

/// Plays schedules. Success means that nothing was found.
pub(super) fn run(options: &Options) -> Result<bool, String> {
    let first = u64::from(options.seed.unwrap_or_else(rand::random));
    let place = Place::new(options.dir.as_deref())?;
    let (next, figures) = (AtomicU64::new(0), Figures::default());
    let work = || {
        let mut findings = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= options.schedules {
                return findings;
            }
            if number > 0 && number.is_multiple_of(PROGRESS) {
                eprintln!("{number} schedules");
            }
            let seed = first + number;
            let directory = place.path().join(seed.to_string());
            match World::play(seed, &directory) {
                Ok(played) => {
                    figures.faults.fetch_add(played.faults, Ordering::Relaxed);
                    figures.refusals.fetch_add(played.refusals, Ordering::Relaxed);
                    figures.deliveries.fetch_add(played.deliveries, Ordering::Relaxed);
                }
                Err(finding) => {
                    // At once: a run of hours may be cut off.
                    eprintln!("files disk --schedules 1 --seed {seed}: {finding}");
                    findings.push((seed, finding));
                }
            }
            let _ = std::fs::remove_dir_all(&directory);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let findings = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let results =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|it| resume_unwind(it)));
        results.flatten().collect::<Vec<_>>()
    });
    let [faults, refusals, deliveries] = [&figures.faults, &figures.refusals, &figures.deliveries]
        .map(|n| n.load(Ordering::Relaxed));
    let line = json!({
        "schedules": options.schedules, "seed": first, "faults": faults, "refusals": refusals,
        "deliveries": deliveries, "findings": findings.len(),
    });
    record(line);
    eprintln!(
        "{} schedules from seed {first}: {faults} faults, {refusals} refusals, {deliveries} deliveries, {} \
         findings",
        options.schedules,
        findings.len(),
    );
    Ok(findings.is_empty() && deliveries > 0)
}
