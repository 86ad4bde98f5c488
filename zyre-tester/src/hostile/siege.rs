//! One attack after the other, and what each has done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::attack::{Attack, Done};
use super::good::Peers;
use super::memory::{self, Watch};
use super::report::{Memory, Row, Summary, millis};
use super::target::Target;
use super::victim::{Place, Victim};
use super::{Options, Whom, newcomer, report};

/// How long memory may take to be given back.
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
    whole: Memory,
    messages: u64,
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
        let whole = Memory::default();
        let mut siege = Self { options, place, peers, victim, target, whole, messages: 0 };
        siege.settle_in().await?;
        siege.whole.before = siege.resident();
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
        self.whole.after = self.resident();
        let names = |rows: &[Row], which: fn(&Row) -> bool| {
            rows.iter().filter(|row| which(row)).map(|row| row.attack.clone()).collect::<Vec<_>>()
        };
        let failed = names(&rows, |row| !row.holds);
        let panics = PANICS.load(Ordering::Relaxed);
        let complete = rows.len() == attacks.len();
        self.victim.kill().await;
        Ok(Summary {
            victim: self.options.whom().to_string(),
            holds: failed.is_empty() && panics == 0 && complete,
            attacks: rows.len(),
            skipped: names(&rows, |row| row.skipped.is_some()),
            failed,
            good_peers: super::good::PEERS,
            messages: self.messages,
            seconds: start.elapsed().as_secs_f64(),
            descriptors: self.target.descriptors,
            panics_here: panics,
            memory_kib: self.whole,
            rows,
        })
    }

    async fn attack(&mut self, attack: &Attack) -> Row {
        let start = Instant::now();
        let patience = self.options.patience();
        let mut memory = Memory { before: self.resident(), ..Memory::default() };
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
        memory.after = self.settled(memory).await;
        self.peers.quiesce(patience).await;
        let found = self.peers.found(patience);
        memory.peak = watch.map(|watch| watch.most()).filter(|most| *most > 0);
        self.whole.peak = self.whole.peak.max(memory.peak);
        self.messages += found.messages;

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
            (!memory.is_given_back(), "memory"),
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

    fn resident(&self) -> Option<u64> {
        self.victim.pid.and_then(memory::resident)
    }

    async fn newcomer(&self) -> Result<Option<Duration>, String> {
        let Place { interface, beacon_port, .. } = self.place.clone();
        let meeting = newcomer::meet(interface, beacon_port, self.victim.id, self.victim.echoes);
        self.peers.handle()?.spawn(meeting).await.map_err(|error| error.to_string())?
    }

    /// The memory when enough of it is given back, or after a while.
    async fn settled(&self, mut memory: Memory) -> Option<u64> {
        let pid = self.victim.pid?;
        let deadline = Instant::now() + SETTLE;
        loop {
            memory.after = memory::resident(pid);
            if memory.is_given_back() || Instant::now() > deadline {
                return memory.after;
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
        self.whole.before = None;
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

/// Counts the panics of this process, and says them as ever.
fn count_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        usual(panic);
    }));
}
