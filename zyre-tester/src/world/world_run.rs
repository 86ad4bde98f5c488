//! A run: changes come, then all is quiet, again and again.

mod accounts;
mod objections;
mod starts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use testkit::failure::Result;
use testkit::transcript::Transcript;

use super::change::{Change, What};
use super::guests::Guests;
use super::kind::Kind;
use super::last_words::LastWords;
use super::lateness::Lateness;
use super::machines::Machines;
use super::member::Member;
use super::moment::{Difference, Moment, Other, Patience};
use super::options::Options;
use super::partition::Partition;
use super::secrets::Secrets;
use super::summary::Summary;
use super::topology::Topology;
use super::truth::{Memory, Truth};

/// How often nodes are asked at a quiet moment.
const ASK: Duration = Duration::from_millis(500);

/// No node knows the truth before it has noticed what has changed: it looks at its host, and is
/// heard, once a second.
const NOTICE: Duration = Duration::from_millis(2500);

/// Of what is slow the last lines are told.
const LAST: usize = 8;

/// What lasts longer is told.
const SLOW: Duration = Duration::from_secs(4);

/// One in this number of quiet moments is long; and the last one.
const LONG: u32 = 3;

/// After one in this number of quiet moments a network falls apart.
const PARTITION: u32 = 3;

/// How long the truth has to stay known.
const STAY: Duration = Duration::from_secs(3);

/// How long it is waited for the truth that comes too late, to tell what is late from what never
/// comes.
const AT_LAST: Duration = Duration::from_secs(90);

/// Changes between two quiet moments, for each host.
const CHANGES: std::ops::RangeInclusive<usize> = 1..=12;

/// A quiet moment, by what has come before, and what is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quiet {
    Short,
    /// Long enough for nodes to part; and that all stays so is seen.
    Long,
    /// A network has fallen apart.
    Parted,
    /// It is whole again.
    Healed,
}

/// A world that runs.
pub(super) struct WorldRun {
    topology: Topology,
    /// Of which nodes each may have heard, and what is true therefore.
    memory: Memory,
    truth: Truth,
    machines: Machines,
    /// The keys, if the nodes are secure ones.
    secrets: Option<Secrets>,
    /// Which nodes knew each other at the last quiet moment at which no network was split.
    acquainted: BTreeSet<(usize, usize)>,
    /// The nodes, by the places of their hosts.
    members: BTreeMap<usize, Member>,
    /// Those that stop, with the places of their hosts.
    leaving: Vec<(usize, Member)>,
    last_words: Vec<LastWords>,
    /// The hosts whose networks have changed since the last quiet moment, and those of which more
    /// has changed than addresses.
    disturbed: BTreeSet<usize>,
    unsettled: BTreeSet<usize>,
    /// How many nodes each host has had.
    lives: Vec<u32>,
    /// What all nodes there have been are called, by their ids, and what they are.
    names: BTreeMap<String, (String, Kind)>,
    guests: Guests,
    transcript: Arc<Transcript>,
    rng: StdRng,
    options: Options,
    pub(super) summary: Summary,
    /// What has happened since the last quiet moment.
    changes: Vec<String>,
    patience: Patience,
}

impl WorldRun {
    /// Makes all hosts.
    ///
    /// # Errors
    /// They cannot be made.
    pub(super) fn new(
        options: &Options,
        topology: Topology,
        guests: Guests,
        seed: u64,
    ) -> Result<Self> {
        let expired = Duration::from_secs(options.expired);
        let mut patience = Patience::new(expired);
        if options.sabotage.is_some() {
            // It is seen at the first quiet moment, when nothing has failed that is tried again late.
            patience.meet_told = patience.meet;
        }
        let machines = Machines::new(&topology)?;
        let memory = Memory::default();
        let hosts = topology.hosts.len();
        Ok(Self {
            secrets: options.secure.then(|| Secrets::draw(hosts)).transpose()?,
            truth: Truth::of(&topology, &memory),
            memory,
            acquainted: BTreeSet::new(),
            lives: vec![0; topology.hosts.len()],
            names: BTreeMap::new(),
            guests,
            topology,
            machines,
            members: BTreeMap::new(),
            leaving: Vec::new(),
            last_words: Vec::new(),
            disturbed: BTreeSet::new(),
            unsettled: BTreeSet::new(),
            transcript: Transcript::new(),
            // The topology has taken its chance from the seed itself.
            rng: StdRng::seed_from_u64(seed.wrapping_add(1)),
            options: options.clone(),
            summary: Summary::default(),
            changes: Vec::new(),
            patience,
        })
    }

    /// Lets all nodes start, and then things change for this long. Ends early if something is
    /// wrong.
    ///
    /// # Errors
    /// If something cannot be done; what is wrong with the nodes is in the summary.
    pub(super) fn run(&mut self) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(self.options.seconds);
        for host in 0..self.topology.hosts.len() {
            self.change(&Change { host, what: What::Start })?;
        }
        self.quiet(Quiet::Short);
        while self.summary.wrong.is_empty() && Instant::now() < end {
            for _ in 0..self.rng.random_range(CHANGES) {
                let change = Change::random(&mut self.rng, &mut self.topology);
                self.change(&change)?;
                sleep(Duration::from_millis(self.rng.random_range(0..1500)));
            }
            let is_last = Instant::now() >= end;
            let is_long = is_last || self.summary.quiet_moments.is_multiple_of(LONG);
            self.quiet(if is_long { Quiet::Long } else { Quiet::Short });
            if self.summary.wrong.is_empty() && self.rng.random_ratio(1, PARTITION) {
                self.part_and_heal()?;
            }
        }
        self.members.values().for_each(|member| self.summary.count(member));
        Ok(())
    }

    /// Some cannot reach others for longer than a peer is waited for. Then all is as before, and
    /// soon every node knows again the nodes that it knew.
    fn part_and_heal(&mut self) -> Result<()> {
        let partition = Partition::random(&mut self.rng, &self.topology);
        if partition.is_empty() {
            return Ok(());
        }
        self.summary.partitions += 1;
        for (apart, quiet) in [(true, Quiet::Parted), (false, Quiet::Healed)] {
            partition.changes(apart).try_for_each(|change| self.change(&change))?;
            self.quiet(quiet);
            if !self.summary.wrong.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Returns all that was said.
    pub(super) fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    fn seconds(&self) -> f64 {
        self.transcript.start().at.elapsed().as_secs_f64()
    }

    fn change(&mut self, change: &Change) -> Result<()> {
        let line = format!("{:8.3} s {}", self.seconds(), change.describe(&self.topology));
        println!("{line}");
        self.changes.push(line);
        self.summary.changes += 1;
        change.apply(&mut self.topology);
        self.machines.apply(change, &self.topology)?;
        if !matches!(change.what, What::Renumber(..)) {
            self.unsettled.insert(change.host);
        }
        if matches!(change.what, What::Start | What::Stop | What::Crash) {
            self.memory.forget(change.host);
        }
        self.memory.note(&self.topology);
        match change.what {
            What::Start => self.start(change.host),
            What::Stop => {
                if let Some(member) = self.members.remove(&change.host) {
                    // One that has died by itself is found when it is waited for.
                    let _ = member.stop();
                    self.summary.count(&member);
                    self.leaving.push((change.host, member));
                }
            }
            What::Crash => {
                if let Some(mut member) = self.members.remove(&change.host) {
                    if member.crash() {
                        self.summary.wrong.push(format!("{} has died by itself", member.name));
                    }
                    self.summary.count(&member);
                    self.objections(&member);
                }
            }
            What::Switch(..) | What::Cable(..) | What::Renumber(..) | What::Apart(..) => {
                self.disturbed.insert(change.host);
            }
        }
        self.tell();
        Ok(())
    }

    /// Waits until a node that was told to stop has ended.
    fn wait_for_end(&mut self, host: usize, mut member: Member) {
        match member.stopped() {
            Ok(()) => self.last_words.push(LastWords::of(&member, host)),
            Err(error) => self.summary.wrong.push(error.to_string()),
        }
        self.objections(&member);
    }

    /// Nothing changes: soon every node knows the truth; and if this is a long moment, that stays
    /// so.
    fn quiet(&mut self, quiet: Quiet) {
        self.truth = Truth::of(&self.topology, &self.memory);
        let (began, changed) = (Instant::now(), self.seconds());
        for (host, member) in std::mem::take(&mut self.leaving) {
            self.wait_for_end(host, member);
        }
        for member in self.members.values().filter(|member| member.kind == Kind::Pyre) {
            // One that has died is found when it is asked.
            let _ = member.shout();
        }
        let least = match quiet {
            Quiet::Short | Quiet::Healed => NOTICE,
            Quiet::Long | Quiet::Parted => self.patience.part,
        };
        let parted = match quiet {
            Quiet::Healed => std::mem::take(&mut self.acquainted),
            Quiet::Short | Quiet::Long | Quiet::Parted => BTreeSet::new(),
        };
        let (mut late, mut slowest) = (Lateness::default(), None);
        loop {
            let moment = self.ask();
            let differences = moment.differences(&self.topology, &self.truth);
            let lasted = began.elapsed();
            let settled = |host| !self.unsettled.contains(&host);
            let of = (&self.topology, &self.truth);
            let may_last = |it: &Difference| it.may_last(of, settled, &parted, &self.patience);
            late.note(&differences, lasted, may_last);
            self.summary.note(&differences, quiet == Quiet::Healed, lasted);
            if quiet != Quiet::Parted {
                self.acquainted = moment.acquainted();
            }
            let is_missing = |it: &&Difference| matches!(it.other, Other::Missing(_));
            let missing = differences.iter().find(is_missing);
            if let Some(difference) = missing.or_else(|| differences.first()) {
                slowest = Some((difference.clone(), lasted));
            }
            // What is never known is not waited for where that is meant.
            let hopeless = self.options.sabotage.is_some() && late.is_late();
            if hopeless || lasted > AT_LAST || differences.is_empty() && lasted > least {
                break;
            }
            sleep(ASK);
        }
        for (difference, lasted) in late.take() {
            self.object(&difference, lasted);
        }
        if quiet == Quiet::Long && self.summary.wrong.is_empty() {
            self.stay();
            self.settle();
        }
        self.judge_last_words();
        self.all_objections();
        self.summary.quiet_moments += 1;
        let [meet, told, perhaps] = self.truth.counts();
        println!(
            "{:8.3} s quiet since {changed:.3} s, {meet} pairs can meet, {told} of them without \
             beacons, {perhaps} more perhaps",
            self.seconds()
        );
        if let Some((what, until)) = slowest.filter(|(_, until)| *until > SLOW) {
            let stories = self.stories(&what, LAST);
            let what = what.describe(&self.topology, &self.truth) + &stories;
            println!("    after {:.1} s still: {what}", until.as_secs_f64());
        }
        if self.summary.wrong.is_empty() {
            self.changes.clear();
        } else {
            self.summary.changes_before.append(&mut self.changes);
        }
    }

    /// Asks all nodes for the peers that they know.
    fn ask(&mut self) -> Moment {
        let mut moment = Moment::default();
        let asked: Vec<_> = self.members.iter().map(|(place, it)| (*place, it.ask())).collect();
        for (place, asked) in asked {
            let Some(member) = self.members.get_mut(&place) else { continue };
            match asked.and_then(|asked| member.answer(&asked)) {
                Ok(answer) => {
                    moment.known.insert(place, answer);
                    moment.ids.insert(member.id.clone(), place);
                }
                Err(error) => {
                    let name = &member.name;
                    self.summary.wrong.push(format!("{name} does not answer: {error}"));
                    self.members.remove(&place);
                }
            }
        }
        moment
    }

    /// While nothing changes nobody goes, and nobody is called evasive.
    fn stay(&mut self) {
        let mark = self.transcript.mark();
        sleep(STAY);
        let ids: BTreeSet<&String> = self.members.values().map(|it| &it.id).collect();
        let mut wrong = Vec::new();
        for member in self.members.values().filter(|member| member.kind.is_ours()) {
            for id in &ids {
                let story = member.story(id, mark);
                let bad = |line: &&String| !line.contains("UNREACHABLE") && !line.contains("wrong");
                let bad: Vec<_> = story.iter().filter(bad).cloned().collect();
                if !bad.is_empty() {
                    let (name, other) = (&member.name, self.name_of(id));
                    wrong.push(format!("{name} and {other}, with no change: {}", bad.join(", ")));
                }
            }
        }
        self.summary.wrong.append(&mut wrong);
        let differences = self.ask().differences(&self.topology, &self.truth);
        for difference in &differences {
            self.object(difference, Duration::ZERO);
        }
    }
}
