//! The figures of a recording.

use super::sessions::{Pairing, Sessions};
use super::tally::{Tallies, Tally};
use crate::query::Filter;
use crate::store::StoreError;
use crate::{Store, text};

/// The figures of a node.
#[derive(Clone, Debug)]
pub struct NodeStats {
    /// Its name, or `#` and a correlation id; fit for a terminal.
    pub name: String,
    /// How long others saw it.
    pub sessions: Sessions,
    /// What it did.
    pub tally: Tally,
}

/// The figures of a part of a recording.
#[derive(Debug)]
pub struct Stats {
    /// The first and the last moment, in microseconds since 1970.
    pub time: (i64, i64),
    /// Lines in all.
    pub lines: u64,
    /// Lines that the collector has lost.
    pub lost: u64,
    /// The nodes, by name.
    pub nodes: Vec<NodeStats>,
    /// The groups, by name; fit for a terminal.
    pub groups: Vec<(String, Tally)>,
    /// Lines by kind of event, in equal parts of the time.
    pub parts: Vec<[u64; 7]>,
}

impl Stats {
    /// Reads the lines from `since` to `until`; without these, all lines of the file.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn read(store: &Store, since: Option<i64>, until: Option<i64>) -> Result<Self, StoreError> {
        let directory = store.directory()?;
        let (first, last) = store.span()?.unwrap_or((0, 0));
        let time = (since.unwrap_or(first).max(first), until.unwrap_or(last).min(last));
        let (mut tallies, mut pairing) = (Tallies::new(time.0, time.1), Pairing::default());
        let filter = Filter { since, until, ..Filter::default() };
        filter.run(store, &directory, 0, None, |stored| {
            tallies.take(stored, &directory);
            pairing.take(stored, &directory);
            true
        })?;

        let mut sessions = pairing.finish();
        for key in sessions.keys() {
            tallies.nodes.entry(key.clone()).or_default();
        }
        let named = |key: &str| {
            let interval = directory.all().find(|interval| interval.peer == key);
            text::name(interval.map_or(key, |interval| &interval.name))
        };
        let node = |(key, tally): (String, Tally)| NodeStats {
            name: named(&key),
            sessions: sessions.remove(&key).unwrap_or_default(),
            tally,
        };
        let mut nodes: Vec<NodeStats> = tallies.nodes.into_iter().map(node).collect();
        // Stable: of equal names the id decides.
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        let groups = tallies.groups.into_iter();
        Ok(Self {
            time,
            lines: tallies.lines,
            lost: store.lost(time.0, time.1)?,
            nodes,
            groups: groups.map(|(name, tally)| (text::name(&name), tally)).collect(),
            parts: tallies.parts,
        })
    }

    /// Returns the length of the time, in seconds.
    pub(super) fn seconds(&self) -> f64 {
        (self.time.1.saturating_sub(self.time.0)).max(1) as f64 / 1e6
    }
}
