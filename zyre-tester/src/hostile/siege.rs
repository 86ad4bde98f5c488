//! One attack after the other, and what each has done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::attack::{Attack, Done};
use super::good::Peers;
use super::report::{ENOUGH, KEPT_DESCRIPTORS, KEPT_MEMORY, Level, Row, Summary, millis};
use super::target::Target;
use super::usage::{Usage, Watch};
use super::victim::{Place, Victim};
use super::{Options, Whom, good, newcomer, report};

/// How long memory and descriptors may take to be given back.
const SETTLE: Duration = Duration::from_secs(12);

/// For so long after an attack is watched what becomes of it.
const AFTER: Duration = Duration::from_millis(500);

/// How long all may take to meet.
const MEET: Duration = Duration::from_secs(15);

/// Panics in this process, where the good peers live.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// A run.
pub(super) struct Siege<'a> {
    options: &'a Options,
    place: Place,
    peers: Peers,
    victim: Victim,
    target: Arc<Target>,
    memory: Level,
    descriptors: Level,
    messages: u64,
    /// How long messages were counted.
    counted: Duration,
}

impl<'a> Siege<'a> {
    /// Starts all but the attacks.
    ///
    /// # Errors
    /// What does not start.
    pub(super) async fn begin(options: &'a Options, descriptors: usize) -> Result<Self, String> {
        count_panics();
        let peers = Peers::start(&options.interface, options.beacon_port).await?;
        let interface = peers.first().ok_or("there are no good peers")?.interface();
        let place = Place {
            interface: options.interface.clone(),
            here: interface.address,
            beacon_port: options.beacon_port,
            descriptors: options.descriptors,
            sabotage: options.sabotage,
        };
        let victim = options.find(&place, &peers).await?;
        let target = Arc::new(Target {
            id: victim.id,
            mailbox: victim.mailbox,
            beacon_port: options.beacon_port,
            broadcast: interface.broadcast,
            here: interface.address,
            elsewhere: options.other_address(interface.is_loopback()),
            good: peers.known(),
            descriptors,
            strangers: AtomicU64::new(0),
        });
        let (memory, descriptors, counted) = Default::default();
        let messages = 0;
        let mut siege =
            Self { options, place, peers, victim, target, memory, descriptors, messages, counted };
        siege.settle_in().await?;
        let usage = siege.usage();
        siege.memory.before = usage.memory;
        siege.descriptors.before = usage.descriptors;
        Ok(siege)
    }

    /// All meet, and begin to talk.
    async fn settle_in(&mut self) -> Result<(), String> {
        let Victim { id, echoes, .. } = self.victim;
        if !self.peers.know(id, echoes, MEET).await {
            return Err("the good peers and the victim do not meet".into());
        }
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

    /// Runs these, and prints what becomes of each.
    pub(super) async fn run(mut self, attacks: &[Attack]) -> Result<Summary, String> {
        let start = Instant::now();
        let mut rows = Vec::new();
        report::head();
        for attack in attacks {
            let row = if attack.elsewhere && self.target.elsewhere.is_none() {
                Row::skipped(attack, "needs a second address (--elsewhere)")
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
        self.memory.after = usage.memory;
        self.descriptors.after = usage.descriptors;
        let names = |rows: &[Row], which: fn(&Row) -> bool| {
            rows.iter().filter(|row| which(row)).map(|row| row.attack.clone()).collect::<Vec<_>>()
        };
        let failed = names(&rows, |row| !row.holds);
        let panics = PANICS.load(Ordering::Relaxed);
        let complete = rows.len() == attacks.len();
        let rates = rows.iter().filter(|row| row.skipped.is_none()).map(|row| row.good.rate);
        let rate_wanted = good::wanted(self.victim.echoes);
        self.victim.kill().await;
        Ok(Summary {
            victim: self.options.whom().to_string(),
            holds: failed.is_empty() && panics == 0 && complete,
            attacks: rows.len(),
            skipped: names(&rows, |row| row.skipped.is_some()),
            failed,
            good_peers: good::PEERS,
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
        let after = self.settled(before).await;
        self.peers.quiesce(patience).await;
        let found = self.peers.found(patience);
        let most = watch.map(|watch| watch.most()).unwrap_or_default();
        let memory = level(before, most, after, |usage| usage.memory);
        let descriptors = level(before, most, after, |usage| usage.descriptors);
        self.memory.peak = self.memory.peak.max(memory.peak);
        self.descriptors.peak = self.descriptors.peak.max(descriptors.peak);
        self.messages += found.messages;
        self.counted += found.time;

        let death = self.victim.death();
        let complaints = self.victim.complaints();
        let hangs = newcomer.is_none() && found.messages == 0;
        let alive = death.is_none() && complaints.is_empty() && !hangs;
        if hangs && death.is_none() {
            notes.push("the victim hangs".into());
        }
        notes.extend(death.map(|death| format!("the victim has died: {death}")));
        notes.extend(complaints);
        let good = report::Good::from(found);
        let wrong = [
            (!came_about, "not as meant"),
            (!alive, "dead"),
            (!attack.full && newcomer.is_none_or(|took| took > patience), "newcomer"),
            (!good.undisturbed, "good peers"),
            (good.slowest_ms > millis(patience), "slow"),
            (good.rate < good::wanted(self.victim.echoes) * ENOUGH, "rate"),
            (!memory.is_given_back(KEPT_MEMORY), "memory"),
            (!descriptors.is_given_back(KEPT_DESCRIPTORS), "descriptors"),
        ];
        let wrong: Vec<_> = wrong.iter().filter_map(|(is, what)| is.then_some(*what)).collect();
        Row {
            attack: attack.name.into(),
            what: attack.what.into(),
            holds: wrong.is_empty(),
            wrong,
            skipped: None,
            alive,
            seconds: start.elapsed().as_secs_f64(),
            newcomer_ms: newcomer.map(millis),
            good,
            memory_kib: memory,
            descriptors,
            notes,
        }
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

    fn usage(&self) -> Usage {
        self.victim.pid.map(Usage::of).unwrap_or_default()
    }

    async fn newcomer(&self) -> Result<Option<Duration>, String> {
        let Place { interface, beacon_port, .. } = self.place.clone();
        let meeting = newcomer::meet(interface, beacon_port, self.victim.id, self.victim.echoes);
        self.peers.handle()?.spawn(meeting).await.map_err(|error| error.to_string())?
    }

    /// What is used when enough is given back, or after a while.
    async fn settled(&self, before: Usage) -> Usage {
        let deadline = Instant::now() + SETTLE;
        loop {
            let now = self.usage();
            let memory = level(before, now, now, |usage| usage.memory);
            let descriptors = level(before, now, now, |usage| usage.descriptors);
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
        let next = self.options.find(&self.place, &self.peers).await?;
        std::mem::replace(&mut self.victim, next).kill().await;
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
        });
        self.settle_in().await
    }
}

impl Options {
    /// The victim that is asked for.
    async fn find(&self, place: &Place, peers: &Peers) -> Result<Victim, String> {
        let lost = Box::new(peers.lost_by_victim());
        match self.whom() {
            Whom::Ours => Victim::ours(place, lost).await,
            Whom::Pyre => Victim::pyre(&self.python(), place, lost).await,
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

/// Of one kind, before, at most, and after.
fn level(before: Usage, most: Usage, after: Usage, of: fn(Usage) -> Option<u64>) -> Level {
    Level { before: of(before), peak: of(most), after: of(after) }
}

/// Counts the panics of this process, and says them as ever.
fn count_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        usual(panic);
    }));
}
