//! The processes, and who of them is killed when.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use testkit::wait::free_port;

use super::finding::{Finding, Rule};
use super::options::{Options, Sabotage};
use super::publication::Publication;
use super::received::ReceivedFolder;
use super::stage::{LARGE, Stage, Who};
use super::summary::Summary;
use crate::files::child::Child;
use crate::files::line::{Order, Said};
use crate::files::pair;
use crate::files::place::Place;

/// Then it is enough.
const FINDINGS: usize = 10;

/// Between two looks while all is to settle.
const LOOK: Duration = Duration::from_millis(50);

/// How long a moment in the midst of a large file is waited for.
const HUNT: Duration = Duration::from_millis(150);

/// What a kill takes besides waiting, about.
const WORK: f64 = 0.1;

pub(super) struct KillRun {
    options: Options,
    chance: StdRng,
    publication: Publication,
    directory: std::path::PathBuf,
    address: SocketAddr,
    sender: Child,
    receivers: Vec<Receiver>,
    summary: Summary,
}

struct Receiver {
    process: Child,
    received: ReceivedFolder,
    connected: bool,
}

impl KillRun {
    /// Starts all processes.
    pub(super) fn open(options: &Options, seed: u64, place: &Place) -> Result<Self, String> {
        let (directory, workshop) = (place.fresh("published")?, place.fresh("workshop")?);
        let mut publication = Publication::new(directory.clone(), workshop, seed, options.largest);
        publication.change().map_err(|error| format!("{}: {error}", directory.display()))?;
        let chance = StdRng::seed_from_u64(seed.rotate_left(17));
        let (sender, address) = pair::server(&directory, Some(free_address()))?;
        let mut receivers = Vec::new();
        for i in 0..options.receivers {
            let name = format!("receiver {i}");
            let path = place.path().join(format!("received-{i}"));
            let process = pair::receiver(&name, std::slice::from_ref(&path), address, None)?;
            receivers.push(Receiver {
                process,
                received: ReceivedFolder::new(name, path),
                connected: false,
            });
        }
        let summary = Summary { seed, wanted: options.kills, ..Summary::default() };
        let options = options.clone();
        Ok(Self { options, chance, publication, directory, address, sender, receivers, summary })
    }

    /// Kills until it is done, or enough was found.
    pub(super) fn run(mut self) -> Summary {
        let start = Instant::now();
        if let Err(failure) = self.kills(start) {
            self.summary.failure = Some(failure);
        }
        self.summary.seconds = start.elapsed().as_secs_f64();
        self.summary.published = self.publication.made();
        for receiver in &self.receivers {
            self.summary.looked.files += receiver.received.looked.files;
            self.summary.looked.bytes += receiver.received.looked.bytes;
        }
        self.summary
    }

    fn kills(&mut self, start: Instant) -> Result<(), String> {
        let deadline = start + Duration::from_secs(self.options.deadline);
        for kill in 1..=self.options.kills {
            if Instant::now() > deadline {
                return Err(format!("not done within {} s", self.options.deadline));
            }
            self.kill(kill)?;
            self.summary.done = kill;
            if kill.is_multiple_of(self.options.settle) || kill == self.options.kills {
                self.settle()?;
                eprintln!("{kill} kills, {:.1} s", start.elapsed().as_secs_f64());
            }
            if self.summary.findings.len() >= FINDINGS {
                return Err("enough was found".into());
            }
        }
        Ok(())
    }

    /// Lets the transfer go on: at which moment a process is killed is chance.
    fn pause(&mut self, most: f64) {
        std::thread::sleep(Duration::from_secs_f64(self.chance.random_range(0.0..=most)));
    }

    fn change(&mut self) -> Result<(), String> {
        self.publication.change().map_err(|error| format!("cannot publish: {error}"))
    }

    /// Something is published, and a process dies soon after, and comes back.
    fn kill(&mut self, number: u32) -> Result<(), String> {
        self.pause(((self.options.pace - WORK) * 2.0).max(0.0));
        for _ in 0..self.chance.random_range(1..3) {
            self.change()?;
        }
        match self.chance.random_range(0..4) {
            // At the very beginning of what this has begun.
            0 => self.pause(0.015),
            1 => self.pause(0.1),
            _ => self.await_large(),
        }
        let who = match self.chance.random_range(0..20) {
            0 => Who::Both,
            1..=9 => Who::Sender,
            _ => Who::Receiver,
        };
        let victim = self.chance.random_range(0..self.receivers.len());
        self.hear();
        self.find_dead();
        if who != Who::Receiver {
            self.sender.kill();
        }
        if who != Who::Sender {
            self.receivers[victim].process.kill();
        }
        if self.options.sabotage.is_some() && number.is_multiple_of(5) {
            self.sabotage();
        }
        self.look(false)?;
        self.summary.kills.add(who, self.stage(who, victim));
        // Also while a process is away.
        if self.chance.random_ratio(1, 3) {
            self.change()?;
        }
        if who != Who::Receiver {
            self.start_sender()?;
        }
        if who != Who::Sender {
            self.start_receiver(victim)?;
        }
        Ok(())
    }

    /// Returns how far the transfers were that a kill has cut off.
    fn stage(&self, who: Who, victim: usize) -> Stage {
        let all = self.receivers.iter().enumerate();
        all.filter(|(i, _)| who == Who::Sender || *i == victim)
            .map(|(_, receiver)| {
                Stage::of(&receiver.received, &self.publication, receiver.connected)
            })
            .max()
            .unwrap_or(Stage::Idle)
    }

    /// Waits until some of a large file has come somewhere, but not for long: there may be none.
    fn await_large(&mut self) {
        let enough = self.chance.random_range(LARGE..=LARGE.max(self.options.largest / 2));
        let start = Instant::now();
        let unfinished = |receiver: &Receiver| receiver.received.unfinished() >= enough;
        while start.elapsed() < HUNT && !self.receivers.iter().any(unfinished) {
            // Only the disk tells, and shortly after is when it is killed.
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// At its old address, or at another, which the receivers are told.
    fn start_sender(&mut self) -> Result<(), String> {
        let moves = self.chance.random_ratio(1, 2);
        let at = if moves { free_address() } else { self.address };
        (self.sender, self.address) = pair::server(&self.directory, Some(at))?;
        if moves {
            let order = Order::Connect(self.address);
            self.receivers.iter_mut().for_each(|receiver| receiver.process.order(&order));
        }
        Ok(())
    }

    fn start_receiver(&mut self, which: usize) -> Result<(), String> {
        let receiver = &mut self.receivers[which];
        let folder = std::slice::from_ref(&receiver.received.path);
        receiver.process = pair::receiver(&receiver.received.name, folder, self.address, None)?;
        receiver.connected = false;
        Ok(())
    }

    /// What the receivers have said.
    fn hear(&mut self) {
        for receiver in &mut self.receivers {
            for said in receiver.process.heard() {
                match said {
                    Said::Connected => receiver.connected = true,
                    Said::Disconnected { .. } => receiver.connected = false,
                    Said::Refused { name, reason } => {
                        self.summary
                            .refused
                            .push(format!("{}: {name}: {reason}", receiver.received.name));
                    }
                    _ => {}
                }
            }
        }
    }

    /// Notes processes that have ended by themselves.
    fn find_dead(&mut self) {
        let all = self
            .receivers
            .iter_mut()
            .map(|receiver| (receiver.received.name.as_str(), &mut receiver.process));
        for (whose, process) in all.chain([("the sender", &mut self.sender)]) {
            if let Some(status) = process.ended() {
                let (whose, what) = (whose.to_owned(), status.to_string());
                self.summary.findings.push(Finding {
                    rule: Rule::Ended,
                    whose,
                    name: String::new(),
                    what,
                });
            }
        }
    }

    /// Looks at what is in the folders.
    fn look(&mut self, all: bool) -> Result<(), String> {
        for Receiver { received: folder, .. } in &mut self.receivers {
            let found = folder.look(&self.publication, all);
            let found = found.map_err(|error| format!("{}: {error}", folder.path.display()))?;
            for finding in &found {
                println!(
                    "{}",
                    serde_json::json!({ "kill": self.summary.done + 1, "finding": finding })
                );
            }
            self.summary.findings.extend(found);
        }
        Ok(())
    }

    /// Waits until every folder is what is published.
    fn settle(&mut self) -> Result<(), String> {
        let start = Instant::now();
        loop {
            self.hear();
            self.look(false)?;
            let folders = self.receivers.iter().map(|receiver| &receiver.received);
            let unsettled: Vec<_> =
                folders.flat_map(|folder| folder.unsettled(&self.publication)).collect();
            if unsettled.is_empty() {
                break;
            }
            if start.elapsed() > self.options.patience() {
                for finding in &unsettled {
                    println!(
                        "{}",
                        serde_json::json!({ "kill": self.summary.done, "finding": finding })
                    );
                }
                self.summary.findings.extend(unsettled);
                return Err(format!(
                    "not settled {:?} after the last kill",
                    self.options.patience()
                ));
            }
            std::thread::sleep(LOOK);
        }
        let (times, longest) = &mut self.summary.settled;
        *times += 1;
        *longest = longest.max(start.elapsed().as_secs_f64());
        self.find_dead();
        // What was looked at before has to be so still.
        self.look(true)
    }

    /// Spoils a file that was delivered.
    fn sabotage(&mut self) {
        let Some(name) = self.publication.some() else { return };
        let path = self.receivers[0].received.path.join(name);
        let Ok(mut content) = std::fs::read(&path) else { return };
        match self.options.sabotage {
            Some(Sabotage::Partial) => content.truncate(content.len() / 2),
            Some(Sabotage::Wrong) => {
                if let Some(byte) = content.last_mut() {
                    *byte ^= 1;
                }
            }
            None => return,
        }
        let _ = std::fs::write(&path, content);
    }
}

/// An address where nobody listens. Its port is below those that the system gives to connections,
/// or a receiver in search of the sender would get hold of it now and then.
fn free_address() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, free_port()).into()
}
