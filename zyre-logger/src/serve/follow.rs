//! The thread that reads the recording, as it grows or as time is played.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::scene::{Clock, READ, Scene};
use crate::Store;
use crate::picture::Picture;
use crate::store::{Item, Position, StoreError};

/// How often it is looked whether there is more.
const POLL: Duration = Duration::from_millis(100);

/// How long it is waited after a failure.
const PAUSE: Duration = Duration::from_millis(500);

/// Where to begin, and how time passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    /// The moment to begin at, or how many of the last lines are read.
    pub(super) begin: Begin,
    /// Nothing that came later is shown.
    pub(super) to: Option<i64>,
    /// How many times as fast as it was it is played; `None` as fast as can be.
    pub(super) times: Option<f64>,
    /// Whether it goes on by itself.
    pub(super) is_live: bool,
}

/// Where to begin.
#[derive(Clone, Copy, Debug)]
pub(super) enum Begin {
    /// With the first line.
    First,
    /// At a moment.
    At(i64),
    /// With the last lines.
    Last(i64),
}

/// Reads until `stop` is set.
pub(super) fn run(scene: &Scene, course: Course, stop: &AtomicBool) {
    let mut position = None;
    while !stop.load(Ordering::Relaxed) {
        if let Err(error) = read(scene, course, &mut position, stop) {
            scene.notice(format!("cannot read the recording, trying again: {error}"));
            thread::sleep(PAUSE);
        }
    }
}

fn read(
    scene: &Scene,
    course: Course,
    position: &mut Option<Position>,
    stop: &AtomicBool,
) -> Result<(), StoreError> {
    let store = Store::open(&scene.path)?;
    let mut place = match *position {
        Some(place) => place,
        None => begin(scene, &store, course, stop)?,
    };
    *position = Some(place);
    let (first, last) = ids(&store)?;
    let mut is_reading = true;
    while !stop.load(Ordering::Relaxed) {
        let mut items = store.tape(place, READ)?;
        let count = items.len();
        let until = if course.times.is_some() { Some(scene.now()) } else { course.to };
        if let Some(until) = until {
            let later = items.iter().position(|(_, item)| item.at() > until);
            items.truncate(later.unwrap_or(items.len()));
        }
        scene.apply(&items);
        if let Some((last, _)) = items.last() {
            place = *last;
            *position = Some(place);
        }
        if items.is_empty() || items.len() < count {
            if std::mem::take(&mut is_reading) {
                scene.set_reading(None);
                if course.is_live {
                    scene.set_clock(Clock::Real);
                }
            }
            thread::sleep(POLL);
        } else if is_reading && course.times.is_none() {
            let share = (place.line - first) as f64 / (last - first).max(1) as f64;
            // A file that grows as fast as it is read is live.
            if share > 1.0 && course.is_live {
                scene.set_clock(Clock::Real);
            }
            scene.set_reading(Some(share.clamp(0.0, 1.0)));
        }
    }
    Ok(())
}

/// Takes in who was there before what is read begins.
fn begin(
    scene: &Scene,
    store: &Store,
    course: Course,
    stop: &AtomicBool,
) -> Result<Position, StoreError> {
    let line = match course.begin {
        Begin::First => 0,
        Begin::At(moment) => store.line_before(moment)?,
        Begin::Last(lines) => ids(store)?.1.saturating_sub(lines).max(0),
    };
    let (mut picture, mut place) = (Picture::default(), Position::default());
    while line > 0 && !stop.load(Ordering::Relaxed) {
        let items = store.membership_tape(place, line, READ)?;
        let Some((last, _)) = items.last() else { break };
        place = *last;
        items.iter().for_each(|(_, item)| drop(picture.apply(item)));
    }
    picture.begin_counting();
    place.line = line;
    scene.begin(picture, place);
    if let Some(times) = course.times {
        let (first, last) = store.span()?.unwrap_or((0, 0));
        let from = match course.begin {
            Begin::At(moment) => moment,
            _ => store.tape(place, 1)?.first().map_or(first, |(_, item)| Item::at(item)),
        };
        let to = course.to.unwrap_or(last).min(last).max(from);
        scene.set_clock(Clock::Played { from, since: Instant::now(), times, to });
    }
    Ok(place)
}

/// Returns the ids of the first line and of the last one.
fn ids(store: &Store) -> Result<(i64, i64), StoreError> {
    let sql = "SELECT coalesce((SELECT min(id) FROM events), 0), coalesce((SELECT max(id) FROM events), 0)";
    Ok(store.connection().query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}
