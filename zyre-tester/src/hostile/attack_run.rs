//! One attack after the other, and what each has done.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use testkit::attacks::{Attack, Done, GossipTarget, SecureTarget, Target};
use testkit::usage::Usage;
use testkit::wire::mailbox::Mailbox;
use zyre::Endpoint;

use super::files::Homes;
use super::good::Peers;
use super::options::{Options, Whom};
use super::report::{KEPT_DESCRIPTORS, KEPT_MEMORY, Level, Row, Summary, millis};
use super::secrets::Secrets;
use super::shared::{self, wanted};
use super::victim::{Place, Victim};
use super::watch::Watch;
use super::{newcomer, report};

/// How long memory and descriptors may take to be given back.
const SETTLE: Duration = Duration::from_secs(12);

/// How long the victim is watched after an attack.
const AFTER: Duration = Duration::from_millis(500);

/// How long the victim may take to come to the attacker's gossip hub, each time that it is waited for.
const HUB_PATIENCE: Duration = Duration::from_secs(2);

/// How often an attack is repeated of which memory is kept, until it keeps no more.
const MOST_ROUNDS: usize = 3;

/// How long all may take to meet.
const MEET: Duration = Duration::from_secs(15);

/// How the names of attacks begin that are for secure nodes.
const SECURE: &str = "secure-";

/// How the names of attacks begin that come about with secure nodes as well.
const OF_SECURE: [&str; 3] = [SECURE, "gossip-", "file-"];

/// Panics in this process, where the good peers live.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// A run.
pub(super) struct AttackRun<'a> {
    options: &'a Options,
    place: Place,
    peers: Peers,
    homes: Homes,
    /// Of secure nodes.
    secrets: Option<Secrets>,
    victim: Victim,
    target: Arc<Target>,
    /// The gossip hub that victims connect to.
    lies: Arc<Mailbox>,
    memory: Level,
    descriptors: Level,
    messages: u64,
    /// How long messages were counted.
    counted: Duration,
}

impl<'a> AttackRun<'a> {
    /// Starts all but the attacks.
    ///
    /// # Errors
    /// What does not start.
    pub(super) async fn begin(options: &'a Options, descriptors: usize) -> Result<Self, String> {
        count_panics();
        let homes = Homes::make()?;
        let secrets = options.secure.then(Secrets::draw).transpose()?;
        let Options { interface, beacon_port, .. } = options;
        let peers = Peers::start(interface, *beacon_port, secrets.as_ref(), &homes.good).await?;
        let good = peers.first().ok_or("there are no good peers")?;
        let interface = good.interfaces().into_iter().find(|it| !it.broadcasts.is_empty());
        let interface = interface.ok_or("the good peers have no interface that can broadcast")?;
        let here = good.endpoint().address().ip();
        let IpAddr::V4(here) = here else { return Err(format!("{here} is no IPv4 address")) };
        let broadcast = interface.broadcasts.first().copied().unwrap_or(Ipv4Addr::BROADCAST);
        let lies = Mailbox::open(here, HUB_PATIENCE).map_err(|error| format!("no hub: {error}"))?;
        let insider = secrets.as_ref().map(Secrets::insider);
        let lies = Arc::new(lies.secured(insider));
        let key = insider.map(|insider| zre_proto::PublicKey::new(insider.public));
        let hub = Endpoint::from(lies.address).with_key(key);
        let place = Place {
            gossip_hub: hub.into(),
            trusted: secrets.as_ref().map(Secrets::trusted),
            home: homes.of_victim(),
            interface: options.interface.clone(),
            here,
            beacon_port: options.beacon_port,
            descriptors: options.descriptors,
            sabotage: options.sabotage,
        };
        let victim = options.find(&place, &peers).await?;
        let target = Arc::new(Target {
            id: victim.id,
            mailbox: victim.mailbox,
            beacon_port: options.beacon_port,
            broadcast,
            here,
            elsewhere: options.other_address(interface.is_loopback()),
            good: peers.known(),
            descriptors,
            strangers: AtomicU64::new(0),
            gossip: victim.gossip.map(|hub| GossipTarget { hub, lies: Arc::clone(&lies) }),
            files: None,
            secure: secure_target(secrets.as_ref(), &victim),
        });
        let (memory, descriptors, counted) = Default::default();
        let messages = 0;
        let mut run = Self {
            options,
            place,
            peers,
            homes,
            secrets,
            victim,
            target,
            lies,
            memory,
            descriptors,
            messages,
            counted,
        };
        run.settle_in().await?;
        let usage = run.usage();
        run.memory.before = usage.map(kibibytes);
        run.descriptors.before = usage.map(open_descriptors);
        Ok(run)
    }

    /// All meet, and begin to talk.
    async fn settle_in(&mut self) -> Result<(), String> {
        let Victim { id, echoes, .. } = self.victim;
        if !self.peers.know(id, echoes, MEET).await {
            return Err("the good peers and the victim do not meet".into());
        }
        self.share_files().await?;
        self.peers.talk_to(id, echoes);
        // What a program needs once, it keeps: that is not the attacks' doing.
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.peers.quiesce(self.options.patience()).await;
        let found = self.peers.found(self.options.patience());
        if found.is_good() {
            return Ok(());
        }
        Err(format!("the good peers do not get on before any attack: {}", found.describe()))
    }

    /// A good peer and the victim begin to exchange files, if it is one of ours.
    async fn share_files(&mut self) -> Result<(), String> {
        if self.options.whom() != Whom::Ours {
            return Ok(());
        }
        let good = self.peers.first().ok_or("there are no good peers")?;
        let files = self.homes.begin(good, self.victim.id).await?;
        if let Some(target) = Arc::get_mut(&mut self.target) {
            target.files = Some(files);
        }
        Ok(())
    }

    /// Runs these, and prints what becomes of each.
    pub(super) async fn run(mut self, attacks: &[Attack]) -> Result<Summary, String> {
        let start = Instant::now();
        let mut rows = Vec::new();
        report::head();
        for attack in attacks {
            let row = if attack.elsewhere && self.target.elsewhere.is_none() {
                Row::skipped(attack, "needs a second address (--elsewhere)")
            } else if attack.name.starts_with(SECURE) && !self.options.secure {
                Row::skipped(attack, "needs a secure node (--secure)")
            } else {
                self.attack(attack).await
            };
            row.print();
            let again = row.alive && (row.holds || self.recovered().await);
            rows.push(row);
            if again {
                continue;
            }
            if !self.victim.is_ours_to_start() {
                println!("The target is gone or of no use: the other attacks are not run.");
                break;
            }
            self.another_victim().await?;
        }
        let usage = self.usage();
        self.memory.after = usage.map(kibibytes);
        self.descriptors.after = usage.map(open_descriptors);
        let names = |rows: &[Row], which: fn(&Row) -> bool| {
            rows.iter().filter(|row| which(row)).map(|row| row.attack.clone()).collect::<Vec<_>>()
        };
        let failed = names(&rows, |row| !row.holds);
        let panics = PANICS.load(Ordering::Relaxed);
        let complete = rows.len() == attacks.len();
        let rates = rows.iter().filter(|row| row.skipped.is_none()).map(|row| row.good.rate);
        let rate_wanted = wanted(self.victim.echoes);
        self.victim.kill();
        Ok(Summary {
            victim: self.options.whom().to_string(),
            holds: failed.is_empty() && panics == 0 && complete,
            attacks: rows.len(),
            skipped: names(&rows, |row| row.skipped.is_some()),
            failed,
            good_peers: shared::PEERS,
            messages: self.messages,
            rate: self.messages as f64 / self.counted.as_secs_f64().max(f64::MIN_POSITIVE),
            rate_least: rates.reduce(f64::min).unwrap_or_default(),
            rate_wanted,
            seconds: start.elapsed().as_secs_f64(),
            attacker_descriptors: self.target.descriptors,
            panics_here: panics,
            memory_kib: self.memory,
            descriptors: self.descriptors,
            rows,
        })
    }

    async fn attack(&mut self, attack: &Attack) -> Row {
        let start = Instant::now();
        let patience = self.options.patience();
        let before = self.usage();
        self.homes.found();
        let watch = self.victim.pid.zip(self.peers.handle().ok());
        let watch = watch.map(|(pid, on)| Watch::begin(pid, &on));
        let (came_about, Done { note, held }) = self.carry_out(attack).await;
        let mut notes = vec![note];
        let newcomer = self.newcomer().await.unwrap_or_else(|error| {
            notes.push(format!("no newcomer could be started: {error}"));
            None
        });
        drop(held);
        tokio::time::sleep(AFTER).await;
        let (kept, after) = self.given_back(attack, before).await;
        if kept != before {
            notes.push("what the heap keeps is no more when it is repeated".into());
        }
        let before = kept;
        self.peers.quiesce(patience).await;
        let found = self.peers.found(patience);
        let files = self.homes.found();
        notes.extend(files.wrong.iter().cloned());
        let most = watch.and_then(|watch| watch.most());
        let memory = level(before, most, after, kibibytes);
        let descriptors = level(before, most, after, open_descriptors);
        self.memory.peak = self.memory.peak.max(memory.peak);
        self.descriptors.peak = self.descriptors.peak.max(descriptors.peak);
        self.messages += found.messages;
        self.counted += found.time;

        let hangs = newcomer.is_none() && found.messages == 0;
        let alive = self.is_alive(hangs, &mut notes);
        let mut row = Row {
            attack: attack.name.into(),
            what: attack.what.into(),
            holds: false,
            wrong: Vec::new(),
            skipped: None,
            alive,
            seconds: start.elapsed().as_secs_f64(),
            newcomer_ms: newcomer.map(millis),
            good: report::Good::from(found),
            files: report::Files::from(&files),
            memory_kib: memory,
            descriptors,
            notes,
        };
        // A secure node does not hear what is not for it, and so some attacks do not come about.
        let has_to = OF_SECURE.iter().any(|kind| attack.name.starts_with(kind));
        let came_about = came_about || (self.options.secure && !has_to);
        row.judge(came_about, attack.full, patience, wanted(self.victim.echoes));
        row
    }

    /// Returns whether the victim lives, and notes what speaks against it.
    fn is_alive(&self, hangs: bool, notes: &mut Vec<String>) -> bool {
        let death = self.victim.death();
        let complaints = self.victim.complaints();
        let alive = death.is_none() && complaints.is_empty() && !hangs;
        if hangs && death.is_none() {
            notes.push("the victim hangs".into());
        }
        notes.extend(death.map(|death| format!("the victim has died: {death}")));
        notes.extend(complaints);
        alive
    }

    /// Whether it came about, and what it did. In a task of its own: what it does wrong is its own
    /// affair.
    async fn carry_out(&self, attack: &Attack) -> (bool, Done) {
        let mut running = tokio::spawn((attack.run)(Arc::clone(&self.target)));
        let done = |note| Done { note, held: Vec::new() };
        match tokio::time::timeout(self.options.bound(), &mut running).await {
            Ok(Ok(Ok(did))) => (true, did),
            Ok(Ok(Err(error))) => (false, done(error)),
            Ok(Err(error)) => (false, done(format!("the attack broke off: {error}"))),
            Err(_) => {
                running.abort();
                (true, done(format!("ended after {:.0} s", self.options.seconds)))
            }
        }
    }

    fn usage(&self) -> Option<Usage> {
        self.victim.pid.and_then(Usage::of)
    }

    async fn newcomer(&self) -> Result<Option<Duration>, String> {
        let Place { interface, beacon_port, .. } = self.place.clone();
        let Victim { id, echoes, .. } = self.victim;
        let secure = self.options.secure;
        let meeting = newcomer::meet(interface, beacon_port, id, echoes, secure);
        self.peers.handle()?.spawn(meeting).await.map_err(|error| error.to_string())?
    }

    /// What is used before and after the attack. What a heap keeps of it is no leak if the same attack
    /// takes no more of it another time: then that is what there was before.
    async fn given_back(
        &self,
        attack: &Attack,
        before: Option<Usage>,
    ) -> (Option<Usage>, Option<Usage>) {
        let given_back =
            |before, after| level(before, after, after, kibibytes).is_given_back(KEPT_MEMORY);
        let after = self.settled(before).await;
        if given_back(before, after) {
            return (before, after);
        }
        let of = |usage: Option<Usage>| usage.map_or(0, kibibytes);
        // A leak takes as much again.
        let more = of(after).saturating_sub(of(before)) / 2;
        let mut last = after;
        for _ in 0..MOST_ROUNDS {
            drop(self.carry_out(attack).await);
            tokio::time::sleep(AFTER).await;
            let again = self.settled(last).await;
            if of(again) <= of(last) + more {
                return (again, again);
            }
            last = again;
        }
        (before, last)
    }

    /// What is used when enough is given back, or after a while.
    async fn settled(&self, before: Option<Usage>) -> Option<Usage> {
        let deadline = Instant::now() + SETTLE;
        loop {
            let now = self.usage();
            let memory = level(before, now, now, kibibytes);
            let descriptors = level(before, now, now, open_descriptors);
            let settled =
                memory.is_given_back(KEPT_MEMORY) && descriptors.is_given_back(KEPT_DESCRIPTORS);
            if settled || Instant::now() > deadline {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether all have found together again after something went wrong.
    async fn recovered(&self) -> bool {
        let Victim { id, echoes, .. } = self.victim;
        if !self.peers.know(id, echoes, MEET).await {
            return false;
        }
        self.peers.talk_to(id, echoes);
        tokio::time::sleep(AFTER).await;
        self.peers.found(self.options.patience()).messages > 0
    }

    /// The last victim is of no use any more.
    async fn another_victim(&mut self) -> Result<(), String> {
        self.peers.hush();
        // It has not lived through the whole run.
        self.memory.before = None;
        self.descriptors.before = None;
        self.homes.next()?;
        self.place.home = self.homes.of_victim();
        let next = self.options.find(&self.place, &self.peers).await?;
        std::mem::replace(&mut self.victim, next).kill();
        let Target { beacon_port, broadcast, here, elsewhere, descriptors, .. } = *self.target;
        let strangers = AtomicU64::new(self.target.strangers.load(Ordering::Relaxed));
        let (id, mailbox) = (self.victim.id, self.victim.mailbox);
        let good = self.peers.known();
        self.target = Arc::new(Target {
            id,
            mailbox,
            beacon_port,
            broadcast,
            here,
            elsewhere,
            good,
            descriptors,
            strangers,
            gossip: self
                .victim
                .gossip
                .map(|hub| GossipTarget { hub, lies: Arc::clone(&self.lies) }),
            files: None,
            secure: secure_target(self.secrets.as_ref(), &self.victim),
        });
        self.settle_in().await
    }
}

impl Options {
    /// The victim that is asked for.
    async fn find(&self, place: &Place, peers: &Peers) -> Result<Victim, String> {
        let lost = Box::new(peers.lost_by_victim());
        match self.whom() {
            Whom::Ours => Victim::ours(place, lost),
            Whom::Pyre => Victim::pyre(&self.python(), place, lost),
            Whom::Elsewhere(mailbox) => {
                let id = match self.id {
                    Some(id) => id,
                    None => peers.who_is_at(mailbox, MEET).await?,
                };
                Ok(Victim::elsewhere(id, mailbox, self.pid, self.echoes))
            }
        }
    }
}

/// What an attacker may know and have of a secure victim.
fn secure_target(secrets: Option<&Secrets>, victim: &Victim) -> Option<SecureTarget> {
    secrets.zip(victim.key).map(|(secrets, key)| secrets.target(key))
}

/// Returns one figure before, at most, and after.
fn level(
    before: Option<Usage>,
    most: Option<Usage>,
    after: Option<Usage>,
    of: fn(Usage) -> u64,
) -> Level {
    Level { before: before.map(of), peak: most.map(of), after: after.map(of) }
}

const fn kibibytes(usage: Usage) -> u64 {
    usage.memory / 1024
}

const fn open_descriptors(usage: Usage) -> u64 {
    usage.descriptors
}

/// Counts the panics of this process, and says them as ever.
fn count_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        usual(panic);
    }));
}
