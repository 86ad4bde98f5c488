//! The processes, and who of them is killed when.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::super::child::Child;
use super::super::line::{Order, Said};
use super::super::pair;
use super::super::place::Place;
use super::finding::{Finding, Rule};
use super::inbox::Inbox;
use super::publication::Publication;
use super::stage::{LARGE, Stage, Who};
use super::summary::Summary;
use super::{Options, Sabotage};

/// Below those that systems give to connections that go out: a receiver in search of the sender
/// would get hold of its port now and then.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Then it is enough.
const FINDINGS: usize = 10;

/// Between two looks while all is to settle.
const LOOK: Duration = Duration::from_millis(50);

/// How long a moment in the midst of a large file is waited for.
const HUNT: Duration = Duration::from_millis(150);

/// What a kill takes besides waiting, about.
const WORK: f64 = 0.1;

pub(super) struct Arena {
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
    inbox: Inbox,
    connected: bool,
}

impl Arena {
    /// Starts all processes.
    pub(super) fn open(options: &Options, seed: u64, place: &Place) -> Result<Self, String> {
        let (directory, workshop) = (place.fresh("published")?, place.fresh("workshop")?);
        let mut publication = Publication::new(directory.clone(), workshop, seed, options.largest);
        publication.change().map_err(|error| format!("{}: {error}", directory.display()))?;
        let mut chance = StdRng::seed_from_u64(seed.rotate_left(17));
        let (sender, address) = pair::server(&directory, Some(free_port(&mut chance)?))?;
        let mut receivers = Vec::new();
        for i in 0..options.receivers {
            let name = format!("receiver {i}");
            let path = place.path().join(format!("inbox-{i}"));
            let process = pair::receiver(&name, std::slice::from_ref(&path), address, None)?;
            receivers.push(Receiver { process, inbox: Inbox::new(name, path), connected: false });
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
            self.summary.looked.files += receiver.inbox.looked.files;
            self.summary.looked.octets += receiver.inbox.looked.octets;
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

    fn pause(&mut self, most: f64) {
        std::thread::sleep(Duration::from_secs_f64(self.chance.random_range(0.0..=most)));
    }

    fn change(&mut self) -> Result<(), String> {
        self.publication.change().map_err(|error| format!("cannot publish: {error}"))
    }

    /// Something is published, and somebody dies soon after, and comes back.
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
        let mut stages =
            self.receivers.iter().enumerate().filter(|(i, _)| who == Who::Sender || *i == victim);
        let stage = |(_, receiver): (usize, &Receiver)| {
            Stage::of(&receiver.inbox, &self.publication, receiver.connected)
        };
        let stage = stages.by_ref().map(stage).max().unwrap_or(Stage::Idle);
        self.summary.kills.add(who, stage);
        // Also while somebody is away.
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

    /// Waits until some of a large file has come somewhere, but not for long: there may be none.
    fn await_large(&mut self) {
        let enough = self.chance.random_range(LARGE..=LARGE.max(self.options.largest / 2));
        let start = Instant::now();
        let unfinished = |receiver: &Receiver| receiver.inbox.unfinished() >= enough;
        while start.elapsed() < HUNT && !self.receivers.iter().any(unfinished) {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// At its old address, or at another, which the receivers are told.
    fn start_sender(&mut self) -> Result<(), String> {
        let moves = self.chance.random_ratio(1, 2);
        let at = if moves { free_port(&mut self.chance)? } else { self.address };
        (self.sender, self.address) = pair::server(&self.directory, Some(at))?;
        if moves {
            let order = Order::Connect(self.address);
            self.receivers.iter_mut().for_each(|receiver| receiver.process.order(&order));
        }
        Ok(())
    }

    fn start_receiver(&mut self, which: usize) -> Result<(), String> {
        let receiver = &mut self.receivers[which];
        let inbox = std::slice::from_ref(&receiver.inbox.path);
        receiver.process = pair::receiver(&receiver.inbox.name, inbox, self.address, None)?;
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
                            .push(format!("{}: {name}: {reason}", receiver.inbox.name));
                    }
                    _ => {}
                }
            }
        }
    }

    /// Who has ended by itself.
    fn find_dead(&mut self) {
        let all = self
            .receivers
            .iter_mut()
            .map(|receiver| (receiver.inbox.name.as_str(), &mut receiver.process));
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

    /// Looks at what is in the inboxes.
    fn look(&mut self, all: bool) -> Result<(), String> {
        for Receiver { inbox, .. } in &mut self.receivers {
            let found = inbox.look(&self.publication, all);
            let found = found.map_err(|error| format!("{}: {error}", inbox.path.display()))?;
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

    /// Waits until every inbox is what is published.
    fn settle(&mut self) -> Result<(), String> {
        let start = Instant::now();
        loop {
            self.hear();
            self.look(false)?;
            let inboxes = self.receivers.iter().map(|receiver| &receiver.inbox);
            let unsettled: Vec<_> =
                inboxes.flat_map(|inbox| inbox.unsettled(&self.publication)).collect();
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
        let path = self.receivers[0].inbox.path.join(name);
        let Ok(mut content) = std::fs::read(&path) else { return };
        match self.options.sabotage {
            Some(Sabotage::Partial) => content.truncate(content.len() / 2),
            Some(Sabotage::Wrong) => {
                if let Some(octet) = content.last_mut() {
                    *octet ^= 1;
                }
            }
            None => return,
        }
        let _ = std::fs::write(&path, content);
    }
}

/// Nobody listens there. That may change before we do: then the run fails, and says so.
fn free_port(chance: &mut StdRng) -> Result<SocketAddr, String> {
    for _ in 0..1000 {
        let address = SocketAddr::from(([127, 0, 0, 1], chance.random_range(PORTS)));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err("no free port".into())
}
