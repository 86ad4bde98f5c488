//! Kills in the midst of a large file: what is sent a second time.
//!
//! One file after the other is published. While it is on its way its sender, its receiver, or both
//! are killed and started again, once or more, until the receiver has it whole. A relay counts
//! what comes from the sender. What is on the disk of the receiver has not to be sent again, so all in
//! all hardly more may come than the files have bytes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use testkit::content::Content;
use testkit::size::size;
use testkit::wait::free_port;

use super::child::Child;
use super::pair;
use super::place::{Place, partial};
use super::relay::Relay;
use super::tree::{AGE, check_file};
use crate::output::record;

/// Between two looks how far a file is.
const LOOK: Duration = Duration::from_micros(200);

/// What of a file that was on the disk may come again after a restart, for it is sent by the piece.
const PIECE: u64 = 1 << 20;

/// The options of `files resume`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// How many kills.
    #[arg(long, default_value_t = 1000)]
    kills: u32,
    /// Decides who is killed where. Default: by chance.
    #[arg(long)]
    seed: Option<u64>,
    /// Bytes of a file.
    #[arg(long, default_value = "64MiB", value_parser = size)]
    size: u64,
    /// How often a file is cut off at most.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    cuts: u32,
    /// The most bytes that may be sent, as a multiple of those of the files.
    #[arg(long, default_value_t = 1.1)]
    at_most: f64,
    /// How long one file may take.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    patience: u64,
    /// How long all may take.
    #[arg(long, default_value_t = 7200, value_name = "SECONDS")]
    deadline: u64,
    /// Where. Default: in memory (/dev/shm), where there is such a thing.
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// What has been done and counted.
#[derive(Debug, Default)]
struct Figures {
    files: u64,
    sender: u32,
    receiver: u32,
    both: u32,
    /// Moments that came too late: the file was there.
    late: u32,
    sent: u64,
    /// The most of one file that was sent, as a multiple of its bytes.
    worst: f64,
    /// What came after the last kill of each file though it was on the disk, of all and of one.
    again: u64,
    most_again: u64,
}

impl Figures {
    const fn kills(&self) -> u32 {
        self.sender + self.receiver + self.both
    }
}

struct ResumeRun {
    options: Options,
    chance: StdRng,
    seed: u64,
    published: PathBuf,
    workshop: PathBuf,
    received: PathBuf,
    relay: Relay,
    address: SocketAddr,
    sender: Child,
    receiver: Child,
    figures: Figures,
}

/// Kills. Success means that each file has come whole, and little of it twice.
pub(super) fn run(options: &Options) -> Result<bool, String> {
    let seed = options.seed.unwrap_or_else(rand::random);
    let place = Place::new(options.dir.as_deref())?;
    let mut run = ResumeRun::open(options, seed, &place)?;
    let start = Instant::now();
    let failure = run.files(start).err();
    let figures = &run.figures;
    let needed = figures.files * options.size;
    let ratio = if needed == 0 { f64::INFINITY } else { figures.sent as f64 / needed as f64 };
    let holds = failure.is_none() && ratio <= options.at_most && figures.most_again <= PIECE;
    let seconds = start.elapsed().as_secs_f64();
    record(serde_json::json!({
        "mode": "resume", "seed": seed, "size": options.size, "cuts": options.cuts,
        "seconds": seconds, "files": figures.files, "kills": figures.kills(),
        "sender": figures.sender, "receiver": figures.receiver, "both": figures.both,
        "too_late": figures.late, "sent": figures.sent, "needed": needed, "ratio": ratio,
        "worst_ratio": figures.worst, "sent_again": figures.again,
        "most_sent_again": figures.most_again, "failure": failure, "holds": holds,
    }));
    eprintln!(
        "{} kills in {} files, {seconds:.1} s, seed {seed}: {ratio:.3} of what was needed was sent, \
         of one file {:.3} at most",
        figures.kills(),
        figures.files,
        figures.worst
    );
    if let Some(failure) = failure {
        eprintln!("FAILURE {failure}; what was left is in {}", place.keep().display());
    }
    Ok(holds)
}

impl ResumeRun {
    fn open(options: &Options, seed: u64, place: &Place) -> Result<Self, String> {
        let (published, workshop) = (place.fresh("published")?, place.fresh("workshop")?);
        let received = place.fresh("received")?;
        let at = (Ipv4Addr::LOCALHOST, free_port()).into();
        let (sender, address) = pair::server(&published, Some(at))?;
        let relay = Relay::start(address, u64::MAX)?;
        let receiver = receiver(&received, &relay)?;
        let (options, chance) = (options.clone(), StdRng::seed_from_u64(seed));
        let figures = Figures::default();
        Ok(Self {
            options,
            chance,
            seed,
            published,
            workshop,
            received,
            relay,
            address,
            sender,
            receiver,
            figures,
        })
    }

    fn files(&mut self, start: Instant) -> Result<(), String> {
        let deadline = start + Duration::from_secs(self.options.deadline);
        while self.figures.kills() < self.options.kills {
            if Instant::now() > deadline {
                return Err(format!("not done within {} s", self.options.deadline));
            }
            self.file()?;
            if self.figures.files.is_multiple_of(50) {
                eprintln!("{} kills, {:.1} s", self.figures.kills(), start.elapsed().as_secs_f64());
            }
        }
        Ok(())
    }

    /// Publishes a file, kills while it is on its way, and waits until it is there.
    fn file(&mut self) -> Result<(), String> {
        let size = self.options.size;
        let name = format!("file {}", self.figures.files);
        let content = Content { stamp: self.seed ^ (self.figures.files << 32), size };
        let patience = Instant::now() + Duration::from_secs(self.options.patience);
        let (made, there) = (self.workshop.join("file"), self.received.join(&name));
        let wrong = |error: std::io::Error| format!("{name}: {error}");
        content.write(&made, SystemTime::now() - AGE).map_err(wrong)?;
        let before = self.relay.passed();
        std::fs::rename(&made, self.published.join(&name)).map_err(wrong)?;
        let (mut at_kill, mut had) = (before, 0);
        let left = self.options.kills - self.figures.kills();
        for _ in 0..self.chance.random_range(1..=self.options.cuts.min(left)) {
            // Any of what is still to come.
            let rest = size.saturating_sub(had);
            let moment = self.relay.passed() + self.chance.random_range(0..=rest);
            let far = || self.relay.passed() >= moment || there.exists();
            await_until(patience, &name, far)?;
            if there.exists() {
                self.figures.late += 1;
                break;
            }
            self.kill()?;
            (at_kill, had) = (self.relay.passed(), partial(&self.received));
            self.restart()?;
        }
        await_until(patience, &name, || there.exists())?;
        check_file(&there, content)?;
        let (sent, last) = (self.relay.passed() - before, self.relay.passed() - at_kill);
        let again = last.saturating_sub(size.saturating_sub(had));
        self.figures.files += 1;
        self.figures.sent += sent;
        self.figures.worst = self.figures.worst.max(sent as f64 / size.max(1) as f64);
        self.figures.again += again;
        self.figures.most_again = self.figures.most_again.max(again);
        std::fs::remove_file(self.published.join(&name)).map_err(wrong)?;
        await_until(patience, &name, || !there.exists())
    }

    fn kill(&mut self) -> Result<(), String> {
        let (sender, receiver) = match self.chance.random_range(0..20) {
            0..=8 => (true, false),
            9..=17 => (false, true),
            _ => (true, true),
        };
        for (name, process) in
            [("the sender", &mut self.sender), ("the receiver", &mut self.receiver)]
        {
            if let Some(status) = process.ended() {
                return Err(format!("{name} has ended by itself: {status}"));
            }
        }
        let count = match (sender, receiver) {
            (true, false) => &mut self.figures.sender,
            (false, _) => &mut self.figures.receiver,
            (true, true) => &mut self.figures.both,
        };
        *count += 1;
        if sender {
            self.sender.kill();
        }
        if receiver {
            self.receiver.kill();
        }
        Ok(())
    }

    /// Starts again what was killed, at the place where it was.
    fn restart(&mut self) -> Result<(), String> {
        if self.sender.ended().is_some() {
            (self.sender, _) = pair::server(&self.published, Some(self.address))?;
        }
        if self.receiver.ended().is_some() {
            self.receiver = receiver(&self.received, &self.relay)?;
        }
        Ok(())
    }
}

fn receiver(folder: &Path, relay: &Relay) -> Result<Child, String> {
    pair::receiver("the receiver", &[folder.to_owned()], relay.address(), None)
}

fn await_until(deadline: Instant, name: &str, is_so: impl Fn() -> bool) -> Result<(), String> {
    while !is_so() {
        if Instant::now() > deadline {
            return Err(format!("{name}: it takes too long"));
        }
        // Only the disk and the relay tell.
        std::thread::sleep(LOOK);
    }
    Ok(())
}
