//! The threads that run the nodes, in windows of time.
//!
//! Nothing passes between two nodes in less than the shortest delay. So in a window of that length
//! every node can be run by itself, in any order and on any thread, and what it has sent is handed
//! over between two windows. What comes out does not depend on the number of threads.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use zmtp::sync::Mutex;

use super::net::Net;
use super::node::{Node, World};
use super::post::{Parcel, Post};
use super::rules::Rules;
use super::time::Micros;

/// Nodes that one thread runs: those whose number divided by the number of shards leaves the
/// shard's.
pub(super) struct Shard {
    pub(super) nodes: Vec<Node>,
    /// When something happens next to each: side by side, for they are looked at in every window.
    nexts: Vec<Micros>,
    /// Peers between ENTER and EXIT, all nodes together.
    present: i64,
}

/// All nodes, and who runs them.
pub(super) struct Workers {
    pub(super) rules: Rules,
    net: RwLock<Net>,
    shards: Vec<Mutex<Shard>>,
    /// What was sent, by the shard of the sender and of the receiver.
    post: Vec<Vec<Mutex<Parcel>>>,
    gate: Gate,
    until: AtomicU64,
}

impl Workers {
    pub(super) fn new(net: Net, rules: Rules, threads: usize) -> Self {
        let nodes = net.places.len() as u32;
        let of = |shard: usize| (0..nodes).filter(move |slot| *slot as usize % threads == shard);
        let shard = |shard| Shard {
            nodes: of(shard).map(|slot| Node::empty(slot, &rules)).collect(),
            nexts: of(shard).map(|_| Micros::MAX).collect(),
            present: 0,
        };
        let shards = (0..threads).map(|number| Mutex::new(shard(number))).collect();
        let parcels = || (0..threads).map(|_| Mutex::default()).collect();
        let post = (0..threads).map(|_| parcels()).collect();
        let gate = Gate::new(threads);
        Self { rules, net: RwLock::new(net), shards, post, gate, until: AtomicU64::new(0) }
    }

    pub(super) fn net(&self) -> RwLockReadGuard<'_, Net> {
        self.net.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn net_mut(&self) -> RwLockWriteGuard<'_, Net> {
        self.net.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn shard(&self, number: usize) -> MutexGuard<'_, Shard> {
        self.shards[number].lock()
    }

    pub(super) const fn threads(&self) -> usize {
        self.shards.len()
    }

    /// All shards at once, to look at nodes side by side.
    pub(super) fn all(&self) -> All<'_> {
        All((0..self.threads()).map(|number| self.shard(number)).collect())
    }

    /// Works on one node, between two windows.
    pub(super) fn at<R>(
        &self,
        slot: u32,
        work: impl FnOnce(&mut Node, &mut World<'_>) -> R,
    ) -> Option<R> {
        let threads = self.threads();
        let net = self.net();
        let mut post = Post::new(threads);
        let mut world = World { net: &net, rules: &self.rules, post: &mut post };
        let number = slot as usize % threads;
        let mut shard = self.shard(number);
        let done = shard.work(slot as usize / threads, |node| work(node, &mut world));
        drop(shard);
        for (to, parcel) in post.0.iter_mut().enumerate() {
            self.shard(to).take(parcel, threads);
        }
        done
    }

    /// When something happens next, and how many peers are between ENTER and EXIT.
    pub(super) fn next(&self) -> (Micros, i64) {
        let mut sum = (Micros::MAX, 0);
        for number in 0..self.threads() {
            let shard = self.shard(number);
            let next = shard.nexts.iter().copied().min().unwrap_or(Micros::MAX);
            sum = (sum.0.min(next), sum.1 + shard.present);
        }
        sum
    }

    /// Runs all nodes until then. Called by the thread that leads.
    pub(super) fn step(&self, until: Micros) {
        let _alarm = Alarm(&self.gate);
        self.until.store(until, Ordering::Release);
        self.gate.pass();
        self.run(0);
        self.gate.pass();
        self.sort(0);
        self.gate.pass();
    }

    /// What the other threads do, until there is no more.
    pub(super) fn work(&self, number: usize) {
        let _alarm = Alarm(&self.gate);
        while self.gate.pass() {
            self.run(number);
            self.gate.pass();
            self.sort(number);
            self.gate.pass();
        }
    }

    /// The other threads end.
    pub(super) fn dismiss(&self) {
        self.gate.open.store(true, Ordering::Release);
    }

    /// Runs the nodes of one shard.
    fn run(&self, number: usize) {
        let until = self.until.load(Ordering::Acquire);
        let net = self.net();
        let mut post =
            Post(self.post[number].iter().map(|p| std::mem::take(&mut *p.lock())).collect());
        let mut world = World { net: &net, rules: &self.rules, post: &mut post };
        let mut shard = self.shard(number);
        for number in 0..shard.nodes.len() {
            if shard.nexts[number] < until {
                shard.work(number, |node| node.run(until, &mut world));
            }
        }
        for (to, parcel) in post.0.into_iter().enumerate() {
            *self.post[number][to].lock() = parcel;
        }
    }

    /// Hands over what was sent to the nodes of one shard.
    fn sort(&self, number: usize) {
        let mut shard = self.shard(number);
        for from in &self.post {
            shard.take(&mut from[number].lock(), self.threads());
        }
    }
}

impl Shard {
    fn take(&mut self, parcel: &mut Parcel, threads: usize) {
        for (to, entry) in parcel.entries.drain(..) {
            let to = to as usize / threads;
            self.nexts[to] = self.nexts[to].min(entry.at);
            self.nodes[to].queue.push(entry);
        }
        for (at, tie, segment) in parcel.segments.drain(..) {
            let to = segment.to.slot as usize / threads;
            self.nexts[to] = self.nexts[to].min(at);
            self.nodes[to].queue.push_segment(at, tie, segment);
        }
    }

    /// Works on one node.
    fn work<R>(&mut self, number: usize, work: impl FnOnce(&mut Node) -> R) -> Option<R> {
        let node = self.nodes.get_mut(number)?;
        let before = node.app.present;
        let done = work(node);
        self.present += node.app.present - before;
        self.nexts[number] = node.queue.next().unwrap_or(Micros::MAX);
        Some(done)
    }
}

/// All nodes, to be looked at.
pub(super) struct All<'a>(Vec<MutexGuard<'a, Shard>>);

impl All<'_> {
    pub(super) fn node(&self, slot: u32) -> &Node {
        &self.0[slot as usize % self.0.len()].nodes[slot as usize / self.0.len()]
    }

    pub(super) fn node_mut(&mut self, slot: u32) -> &mut Node {
        let shards = self.0.len();
        &mut self.0[slot as usize % shards].nodes[slot as usize / shards]
    }
}

/// Where threads wait for each other: for so short a time that sleeping would take longer.
struct Gate {
    threads: usize,
    waiting: AtomicUsize,
    passed: AtomicUsize,
    /// Nobody waits any more.
    open: AtomicBool,
}

impl Gate {
    const fn new(threads: usize) -> Self {
        Self {
            threads,
            waiting: AtomicUsize::new(0),
            passed: AtomicUsize::new(0),
            open: AtomicBool::new(false),
        }
    }

    /// Waits for all others. False: there is nothing to wait for any more.
    fn pass(&self) -> bool {
        const SPINS: u32 = 2_000;
        let passed = self.passed.load(Ordering::Acquire);
        if self.waiting.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.waiting.store(0, Ordering::Release);
            self.passed.store(passed + 1, Ordering::Release);
            return true;
        }
        let mut spins = 0;
        while self.passed.load(Ordering::Acquire) == passed {
            if self.open.load(Ordering::Acquire) {
                return false;
            }
            spins += 1;
            if spins < SPINS {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
        true
    }
}

/// Lets nobody wait for a thread that has panicked.
struct Alarm<'a>(&'a Gate);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.open.store(true, Ordering::Release);
        }
    }
}
