//! The same work by FILEMQ and by `rsync` with its daemon, in turn.
//!
//! The server of each is there, and has nothing to send at first. The time of FILEMQ is from when the files
//! are renamed into the published directory until the connected receiver says that it has all. The time of
//! `rsync` is that of its client: from its start until it has ended. Then one file changes, and both
//! receivers are started again; the last work is the same change while a receiver of FILEMQ runs, for
//! which `rsync` has to be started again.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child as Process, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use testkit::content::Content;
use testkit::size::size;
use testkit::table::{Table, figure};
use testkit::wait::free_port;

use super::line::Said;
use super::pair;
use super::place::Place;
use super::tree::{AGE, Tree, check_file};
use crate::median::{median, range};
use crate::output::{error_columns, record};

/// How long the daemon may take to start.
const START: Duration = Duration::from_secs(10);

/// Between two looks at a file.
const LOOK: Duration = Duration::from_micros(500);

const WORKS: [&str; 4] = ["large", "small", "one changed, started again", "one changed, running"];

#[derive(clap::Args)]
pub(super) struct Options {
    /// Repeats each, in turn, and gives the medians.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Where. Default: in memory (/dev/shm), where there is such a thing.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Bytes of the large file.
    #[arg(long, default_value = "1GiB", value_parser = size)]
    large: u64,
    /// How many small files there are.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    small: u64,
    /// Bytes of a small file.
    #[arg(long, default_value = "4KiB", value_parser = size)]
    small_size: u64,
    /// How long one copy may take.
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    deadline: u64,
}

/// The seconds that each work took, if it was done.
type Seconds = [Option<f64>; 4];

/// Measures, prints a JSON line for each run and each work, and a table for people.
pub(super) fn run(options: &Options) -> Result<bool, String> {
    let place = Place::new(options.dir.as_deref())?;
    let small = options.small.saturating_mul(options.small_size);
    place.warm(options.large.max(small).saturating_mul(2))?;
    let mut results: [Vec<Seconds>; 2] = Default::default();
    for run in 0..usize::from(options.runs) {
        // Each is first in turn: what runs after another may find a warmer machine.
        for i in (0..2).map(|i| (i + run) % 2) {
            let seconds = if i == 0 { filemq(options, &place)? } else { rsync(options, &place)? };
            let name = if i == 0 { "filemq" } else { "rsync" };
            let line = serde_json::json!({
                "mode": "rsync", "impl": name, "run": run + 1, "works": WORKS, "seconds": seconds,
            });
            record(line);
            results[i].push(seconds);
        }
    }
    report(&results);
    Ok(true)
}

fn report(results: &[Vec<Seconds>; 2]) {
    let head = ["work", "filemq s", "min..max", "rsync s", "min..max", "/rsync", "min..max"];
    let mut table = Table::new(1, head);
    for (work, name) in WORKS.iter().enumerate() {
        let [ours, theirs] = results.each_ref().map(|runs| {
            // A change is one for `rsync`, whether a receiver of FILEMQ runs or not.
            runs.iter().filter_map(|run| run[work].or(run[2])).collect::<Vec<_>>()
        });
        // Of one run each: the machine is not equally busy at all times.
        let ratios: Vec<_> = ours.iter().zip(&theirs).map(|(a, b)| a / b).collect();
        record(serde_json::json!({
            "mode": "rsync", "work": name, "median_of": ours.len(), "seconds": median(ours.clone()),
            "rsync_seconds": median(theirs.clone()), "ratio": median(ratios.clone()),
        }));
        table.add(vec![
            (*name).to_owned(),
            figure(median(ours.clone()), 3),
            range(&ours),
            figure(median(theirs.clone()), 3),
            range(&theirs),
            figure(median(ratios.clone()), 2),
            range(&ratios),
        ]);
    }
    eprintln!("\n{}", table.text(error_columns()).trim_end());
}

const fn large(options: &Options) -> Tree {
    Tree { files: 1, size: options.large, stamp: 1 }
}

const fn small(options: &Options) -> Tree {
    Tree { files: options.small, size: options.small_size, stamp: 2 }
}

/// Replaces a file in the midst of a tree. Returns which one, and what it is now.
fn change(tree: Tree, at: &Path, place: &Place, stamp: u64) -> Result<(PathBuf, Content), String> {
    let relative = Tree::path(tree.files / 2);
    let (path, made) = (at.join(&relative), place.path().join("changed"));
    // Another size: that it is there can be seen from outside.
    let content = Content { stamp, size: tree.size + stamp };
    let wrong = |error: std::io::Error| format!("{}: {error}", path.display());
    content.write(&made, SystemTime::now() - AGE).map_err(wrong)?;
    fs::rename(&made, &path).map_err(wrong)?;
    Ok((relative, content))
}

fn filemq(options: &Options, place: &Place) -> Result<Seconds, String> {
    let within = Duration::from_secs(options.deadline);
    let mut seconds = Seconds::default();
    for (work, tree) in [large(options), small(options)].into_iter().enumerate() {
        let (published, to) = (place.fresh("published")?, place.fresh("to")?);
        let (there, prepared) = (published.join("tree"), place.path().join("prepared"));
        let wrong = |error: std::io::Error| format!("{}: {error}", there.display());
        tree.write(&prepared).map_err(wrong)?;
        let (_server, address) = pair::server(&published, None)?;
        let folder = std::slice::from_ref(&to);
        let mut receiver = pair::receiver("the receiver", folder, address, Some(tree.files))?;
        pair::connected(&mut receiver)?;
        let start = Instant::now();
        fs::rename(&prepared, &there).map_err(wrong)?;
        let done = receiver.await_line(within, &Said::Done)?;
        seconds[work] = Some(done.duration_since(start).as_secs_f64());
        let received = to.join("tree");
        tree.check(&received)?;
        if work == 1 {
            receiver.kill();
            let (relative, content) = change(tree, &there, place, 1)?;
            let start = Instant::now();
            let mut receiver = pair::receiver("the receiver", folder, address, Some(1))?;
            let done = receiver.await_line(within, &Said::Done)?;
            seconds[2] = Some(done.duration_since(start).as_secs_f64());
            check_file(&received.join(relative), content)?;
            let start = Instant::now();
            let (relative, content) = change(tree, &there, place, 2)?;
            let path = received.join(relative);
            while fs::metadata(&path).map_or(true, |there| there.len() != content.size) {
                if start.elapsed() > within {
                    return Err("a change does not come".into());
                }
                sleep(LOOK);
            }
            seconds[3] = Some(start.elapsed().as_secs_f64());
            check_file(&path, content)?;
        }
    }
    place.fresh("to")?;
    Ok(seconds)
}

fn rsync(options: &Options, place: &Place) -> Result<Seconds, String> {
    let mut seconds = Seconds::default();
    for (work, tree) in [large(options), small(options)].into_iter().enumerate() {
        let (published, to) = (place.fresh("published")?, place.fresh("to")?);
        let wrong = |error: std::io::Error| format!("{}: {error}", published.display());
        tree.write(&published).map_err(wrong)?;
        let daemon = Daemon::start(&published, place)?;
        seconds[work] = Some(daemon.copy(&to)?);
        tree.check(&to)?;
        if work == 1 {
            let (relative, content) = change(tree, &published, place, 1)?;
            seconds[2] = Some(daemon.copy(&to)?);
            check_file(&to.join(relative), content)?;
        }
    }
    place.fresh("to")?;
    Ok(seconds)
}

/// `rsync` as a daemon that publishes a directory on loopback. Killed when dropped.
struct Daemon {
    process: Process,
    port: u16,
}

impl Daemon {
    fn start(published: &Path, place: &Place) -> Result<Self, String> {
        let (port, config) = (free_port(), place.path().join("rsyncd.conf"));
        let mut text = "use chroot = no\n".to_owned();
        #[cfg(unix)]
        if let Ok(metadata) = fs::metadata(place.path()) {
            use std::os::unix::fs::MetadataExt as _;
            // Started by root, the daemon would read as another user, who may not.
            if metadata.uid() == 0 {
                text.push_str("uid = 0\ngid = 0\n");
            }
        }
        text.push_str(&format!("[published]\npath = {}\n", published.display()));
        fs::write(&config, text).map_err(|error| format!("{}: {error}", config.display()))?;
        let mut command = Command::new("rsync");
        command.args(["--daemon", "--no-detach", "--address=127.0.0.1"]);
        command.arg(format!("--port={port}")).arg(format!("--config={}", config.display()));
        command.stdin(Stdio::null());
        let process =
            command.spawn().map_err(|error| format!("rsync: {error}; is it installed?"))?;
        let mut daemon = Self { process, port };
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if start.elapsed() > START || daemon.process.try_wait().is_ok_and(|end| end.is_some()) {
                return Err("the rsync daemon does not start".into());
            }
            sleep(LOOK);
        }
        Ok(daemon)
    }

    /// Copies everything. Returns the seconds that it took.
    fn copy(&self, to: &Path) -> Result<f64, String> {
        let mut client = Command::new("rsync");
        client.arg("-a").arg(format!("rsync://127.0.0.1:{}/published/", self.port)).arg(to);
        let start = Instant::now();
        let status = client.status().map_err(|error| format!("rsync: {error}"))?;
        let seconds = start.elapsed().as_secs_f64();
        if status.success() { Ok(seconds) } else { Err(format!("rsync: {status}")) }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
