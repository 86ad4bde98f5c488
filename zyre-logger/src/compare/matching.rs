//! Finds for each ENTER and EXIT that was told the line that was recorded.

use std::collections::BTreeMap;

use super::{Comparison, History, Life, Told};
use crate::clean::clean;
use crate::moment::{SECOND, utc};
use crate::store::{COLUMNS, StoreError, read_record};
use crate::{Directory, LogEvent, Meaning, Record, Store};

/// How far the clocks of two processes of one machine may be apart: chaos looks at the time of day once,
/// its nodes with each line.
const SKEW: i64 = 10_000;

/// So shortly before its process is killed a node may start and not be heard of.
const KILLED: i64 = 2 * SECOND;

/// Two correlation ids: of a node, and of a peer.
type Pair = (u16, u16);

/// ENTERs and EXITs of a file by pair, in order of arrival.
pub(super) struct Rows {
    by_pair: BTreeMap<Pair, Vec<Record>>,
    directory: Directory,
    pub(super) left_out: usize,
}

impl Rows {
    /// Reads those that nodes of the history may have recorded.
    pub(super) fn read(store: &Store, history: &History) -> Result<Self, StoreError> {
        let directory = store.directory()?;
        let sql = format!("SELECT {COLUMNS} FROM events WHERE event IN (?, ?) ORDER BY id");
        let mut statement = store.connection().prepare(&sql)?;
        let numbers = [LogEvent::Enter, LogEvent::Exit].map(u8::from);
        let mut rows = Self { by_pair: BTreeMap::new(), directory, left_out: 0 };
        for stored in statement.query_map(numbers, read_record)? {
            let record = stored?.record;
            if rows.is_foreign(history, &record) {
                rows.left_out += 1;
            } else {
                rows.by_pair.entry((record.node, record.peer)).or_default().push(record);
            }
        }
        Ok(rows)
    }

    /// Whether a line is that of a node that the file knows and the history does not: a collector.
    fn is_foreign(&self, history: &History, record: &Record) -> bool {
        if history.lives.iter().any(|life| life.correlation == record.node) {
            return false;
        }
        match self.directory.resolve(record.node, record.received, None) {
            Meaning::Node(sighting) => !history.unborn.contains(&sighting.name),
            _ => false,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_pair.values().map(Vec::len).sum()
    }
}

/// Compares pair by pair.
pub(super) fn compare(history: &History, mut rows: Rows, comparison: &mut Comparison) {
    let mut told: BTreeMap<Pair, Vec<(&Life, &Told)>> = BTreeMap::new();
    for life in &history.lives {
        for one in &life.told {
            told.entry((life.correlation, one.correlation)).or_default().push((life, one));
        }
    }
    for (pair, mut told) in told {
        // Those that need not have come get what the others leave.
        told.sort_by_key(|(life, one)| (history.excuse(life, one.at).is_some(), one.at));
        let recorded = rows.by_pair.remove(&pair).unwrap_or_default();
        for record in of_pair(history, &told, &recorded, comparison) {
            surplus(history, &rows.directory, record, comparison);
        }
    }
    for record in rows.by_pair.values().flatten() {
        surplus(history, &rows.directory, record, comparison);
    }
}

/// Gives each ENTER and EXIT its line, for those who are one pair by their correlation ids: these
/// are used again, with the ports. Returns the lines that nobody was told.
fn of_pair<'a>(
    history: &History,
    told: &[(&Life, &Told)],
    recorded: &'a [Record],
    comparison: &mut Comparison,
) -> Vec<&'a Record> {
    let mut free = vec![true; recorded.len()];
    // For each node and peer, where its next line may be: they come in order.
    let mut next: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (life, one) in told {
        let next = next.entry((&life.id, &one.peer)).or_default();
        let found = (*next..recorded.len())
            .find(|place| free[*place] && is_same(life, one, &recorded[*place]));
        let Some(place) = found else {
            comparison.miss(history, life, one);
            continue;
        };
        free[place] = false;
        *next = place + 1;
        comparison.same += 1;
        let others = told.iter().filter(|(other, it)| other.id != life.id || it.peer != one.peer);
        let mut others = others.filter(|(other, it)| is_same(other, it, &recorded[place]));
        comparison.ambiguous += usize::from(others.next().is_some());
    }
    recorded.iter().zip(free).filter_map(|(record, free)| free.then_some(record)).collect()
}

/// Whether a line may be the one about what was told: by its text, and its time, which has seconds
/// only. It cannot have come before its node, or it is of another one that was there earlier.
fn is_same(life: &Life, told: &Told, record: &Record) -> bool {
    let time = i64::try_from(record.time).unwrap_or(i64::MAX).saturating_mul(SECOND);
    record.event == told.event
        && record.data == told.data
        && record.received >= life.start - SKEW
        && time <= told.at + SKEW
        && time > life.earliest(told.at) - SECOND
}

/// A line that nobody was told: nobody may have lived to hear it.
fn surplus(history: &History, directory: &Directory, record: &Record, comparison: &mut Comparison) {
    let from = i64::try_from(record.time).unwrap_or(i64::MAX).saturating_mul(SECOND);
    // Any moment of that second, and before it has arrived.
    let until = from.saturating_add(SECOND).min(record.received);
    let dying = |life: &Life| {
        let last = life.dying();
        last.is_some_and(|last| until >= *last.start() && from <= last.end() + SKEW)
    };
    let untold = history.lives.iter().filter(|life| life.correlation == record.node).any(dying);
    let unborn = matches!(
        directory.resolve(record.node, record.received, None),
        Meaning::Node(sighting) if history.unborn.contains(&sighting.name)
    );
    if untold || (unborn && history.kills.range(from - KILLED..=until + KILLED).next().is_some()) {
        comparison.untold += 1;
        return;
    }
    let Record { received, node, peer, event, data, .. } = record;
    let node = clean(&directory.name(*node, *received, None)).into_owned();
    let peer = clean(&directory.name(*peer, *received, None)).into_owned();
    let (at, data) = (utc(*received), clean(data));
    comparison.surplus.push(format!("{at} {node} {event} {peer}, {data}"));
}
