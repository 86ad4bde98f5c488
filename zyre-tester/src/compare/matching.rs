//! Finds for each ENTER and EXIT that was told the line that was recorded.

use std::collections::BTreeMap;

use zyre::Printable;
use zyre_logger::moment::{SECOND, utc};
use zyre_logger::store::StoreError;
use zyre_logger::{Directory, LogEvent, Record, Resolution, Store};

use super::comparison::Comparison;
use super::history::{History, Life, Told};

/// How far the clocks of two processes of one machine may be apart: chaos looks at the time of day
/// once, its nodes with each line.
const SKEW: i64 = 10_000;

/// So shortly before its process is killed a node may start and not be heard of.
const KILLED: i64 = 2 * SECOND;

/// Two correlation ids: of a node, and of a peer.
type Pair = (u16, u16);

/// ENTERs and EXITs of a file by pair, in order of arrival.
struct Rows {
    by_pair: BTreeMap<Pair, Vec<Record>>,
    directory: Directory,
    left_out: usize,
}

impl Rows {
    /// Reads those that nodes of the history may have recorded.
    fn read(store: &Store, history: &History) -> Result<Self, StoreError> {
        let directory = store.directory()?;
        let mut rows = Self { by_pair: BTreeMap::new(), directory, left_out: 0 };
        for record in store.after(0, usize::MAX)?.into_iter().map(|stored| stored.record) {
            if !matches!(record.event, LogEvent::Enter | LogEvent::Exit) {
                continue;
            }
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
            Resolution::Node(interval) => !history.unborn.contains(&interval.name),
            _ => false,
        }
    }

    fn len(&self) -> usize {
        self.by_pair.values().map(Vec::len).sum()
    }
}

/// Compares what was collected with what was told.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn compare(store: &Store, history: &History) -> Result<Comparison, StoreError> {
    let rows = Rows::read(store, history)?;
    let mut comparison = Comparison {
        told: history.lives.iter().map(|life| life.told.len()).sum(),
        recorded: rows.len(),
        left_out: rows.left_out,
        dropped: history.lives.iter().map(|life| life.dropped).sum(),
        lost: store.lost(0, i64::MAX)?,
        ..Comparison::default()
    };
    compare_pairs(history, rows, &mut comparison);
    Ok(comparison)
}

fn compare_pairs(history: &History, mut rows: Rows, comparison: &mut Comparison) {
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
        Resolution::Node(interval) if history.unborn.contains(&interval.name)
    );
    if untold || (unborn && history.kills.range(from - KILLED..=until + KILLED).next().is_some()) {
        comparison.untold += 1;
        return;
    }
    let Record { received, node, peer, event, data, .. } = record;
    let node = Printable::new(&directory.name(*node, *received, None)).to_string();
    let peer = Printable::new(&directory.name(*peer, *received, None)).to_string();
    let (at, data) = (utc(*received), Printable::new(data));
    comparison.surplus.push(format!("{at} {node} {event} {peer}, {data}"));
}
