//! What is known of other nodes, in the order in which it has become known.

use std::collections::BTreeMap;
use std::time::Instant;

use super::io::{Config, ConnId};
use super::tuple::Tuple;
use crate::PeerId;

/// All tuples. Each change gives its tuple a new version, so who has been told up to a version has
/// to be told of those with a later one: a client costs one number, however slow it is.
#[derive(Debug)]
pub(super) struct Table {
    entries: BTreeMap<PeerId, Entry>,
    /// The same by their versions.
    order: BTreeMap<u64, PeerId>,
    last_version: u64,
}

#[derive(Debug)]
struct Entry {
    tuple: Tuple,
    standing: Standing,
    /// The connection that has told it, if it was one.
    from: Option<ConnId>,
    version: u64,
}

/// What a tuple is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The node has said HELLO to this one, and is here.
    Present,
    /// Others say so, since then.
    Rumour(Instant),
    /// The node was present until then.
    Gone(Instant),
}

/// What has become of a tuple that was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Pass it on, and look for the node.
    New,
    /// Look for the node, and do not pass it on: it is no news, or not credible, since the node has
    /// gone, or has told another endpoint.
    Again,
    /// The node is present, and is there.
    Present,
    /// There is no room for it.
    NoRoom,
}

impl Table {
    pub(super) const fn new() -> Self {
        Self { entries: BTreeMap::new(), order: BTreeMap::new(), last_version: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// A remote tells of a node.
    pub(super) fn hear(
        &mut self,
        now: Instant,
        tuple: Tuple,
        from: ConnId,
        config: &Config,
    ) -> Heard {
        if let Some(known) = self.entries.get_mut(&tuple.peer) {
            let (there, told) = (known.tuple.endpoint, tuple.endpoint);
            return match known.standing {
                Standing::Present if there.address() == told.address() => {
                    known.tuple.endpoint = there.with_key(there.key().or_else(|| told.key()));
                    Heard::Present
                }
                _ => Heard::Again,
            };
        }
        let told = |entry: &&Entry| entry.from == Some(from) && !entry.is_present();
        let of_this = self.entries.values().filter(told).count();
        if of_this >= (config.max_tuples / 2).max(1) || !self.make_room(now, config) {
            return Heard::NoRoom;
        }
        self.put(tuple, Standing::Rumour(now), Some(from));
        Heard::New
    }

    /// A node is present. Returns whether that is new to the table.
    pub(super) fn enter(&mut self, now: Instant, mut tuple: Tuple, config: &Config) -> bool {
        if let Some(known) = self.entries.get_mut(&tuple.peer) {
            let (there, met_at) = (known.tuple.endpoint, tuple.endpoint);
            if there.address() == met_at.address() {
                tuple.endpoint = met_at.with_key(met_at.key().or_else(|| there.key()));
                if there == tuple.endpoint && known.is_passed_on(now, config) {
                    return std::mem::replace(&mut known.standing, Standing::Present)
                        != Standing::Present;
                }
            }
        } else if !self.make_room(now, config) {
            return false;
        }
        self.put(tuple, Standing::Present, None);
        true
    }

    /// Of the nodes that were present those that `stays` says no to have gone.
    pub(super) fn retain_present(&mut self, now: Instant, stays: impl Fn(PeerId) -> bool) {
        for (peer, entry) in &mut self.entries {
            if entry.is_present() && !stays(*peer) {
                entry.standing = Standing::Gone(now);
            }
        }
    }

    /// The first tuple with a later version for this connection, and its version;
    /// if there is none, the latest version.
    pub(super) fn next_for(
        &self,
        now: Instant,
        conn: ConnId,
        after: u64,
        config: &Config,
        fits: impl Fn(&Tuple) -> bool,
    ) -> (u64, Option<&Tuple>) {
        for (version, peer) in self.order.range(after + 1..) {
            let Some(entry) = self.entries.get(peer) else { continue };
            if entry.from != Some(conn) && entry.is_passed_on(now, config) && fits(&entry.tuple) {
                return (*version, Some(&entry.tuple));
            }
        }
        (self.last_version, None)
    }

    /// All nodes that are not present.
    pub(super) fn absent(&self) -> impl Iterator<Item = Tuple> {
        self.entries.values().filter(|entry| !entry.is_present()).map(|entry| entry.tuple)
    }

    /// The latest version.
    pub(super) const fn version(&self) -> u64 {
        self.last_version
    }

    /// Forgets what is not remembered any longer. Returns when there may be more.
    pub(super) fn forget_old(&mut self, now: Instant, config: &Config) -> Option<Instant> {
        let end = |entry: &Entry| entry.since()?.checked_add(config.memory_time);
        let order = &mut self.order;
        self.entries.retain(|_, entry| {
            let stays = end(entry).is_none_or(|at| at > now);
            if !stays {
                order.remove(&entry.version);
            }
            stays
        });
        self.entries.values().filter_map(end).min()
    }

    fn put(&mut self, tuple: Tuple, standing: Standing, from: Option<ConnId>) {
        self.last_version += 1;
        let version = self.last_version;
        self.order.insert(version, tuple.peer);
        let entry = Entry { tuple, standing, from, version };
        if let Some(old) = self.entries.insert(tuple.peer, entry) {
            self.order.remove(&old.version);
        }
    }

    /// Whether there is room for one more: what is not passed on any more goes, the oldest first.
    fn make_room(&mut self, now: Instant, config: &Config) -> bool {
        if self.entries.len() < config.max_tuples {
            return true;
        }
        let disposable = self.entries.iter().filter(|(_, it)| !it.is_passed_on(now, config));
        let oldest = disposable.min_by_key(|(_, entry)| entry.since()).map(|(peer, _)| *peer);
        let Some(entry) = oldest.and_then(|oldest| self.entries.remove(&oldest)) else {
            return false;
        };
        self.order.remove(&entry.version);
        true
    }
}

impl Entry {
    const fn is_present(&self) -> bool {
        matches!(self.standing, Standing::Present)
    }

    /// Since when it is a rumour, or its node gone.
    const fn since(&self) -> Option<Instant> {
        match self.standing {
            Standing::Present => None,
            Standing::Rumour(since) | Standing::Gone(since) => Some(since),
        }
    }

    /// Whether others are told.
    fn is_passed_on(&self, now: Instant, config: &Config) -> bool {
        match self.standing {
            Standing::Present => true,
            Standing::Rumour(since) => now.saturating_duration_since(since) < config.fresh_time,
            Standing::Gone(_) => false,
        }
    }
}
