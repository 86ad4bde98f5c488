//! `zyre-logger serve`: the network as a page for browsers, and as numbers for monitoring.
//!
//! ```text
//!  network ── collector ── writer ──> recording ── tape ──> follow: Scene ──┬─> stream: all browsers
//!                                     (SQLite)                 picture      ├─> /api, /metrics
//!                                         ^────── looks back ── keyframes ──┘
//! ```
//!
//! What is shown is always read from a recording, also while it is written: so live and played again are
//! the same by construction. Without `--db` the recording is a file of its own that goes with the program.
//!
//! The interface for programs, all of it read only, `GET`:
//!
//! | path | what |
//! |---|---|
//! | `/healthz` | `ok`, if the program works |
//! | `/metrics` | numbers in the text format of Prometheus |
//! | `/api/picture.json?at=T` | who is there, groups, traffic, warnings, transfers; now or at a moment |
//! | `/api/node.json?id=ID&at=T` | one node: headers, groups, peers, its last lines |
//! | `/api/sessions.json?from=T&to=T` | who was there from when to when, and why they went |
//! | `/api/rates.json?from=T&to=T` | lines by event, messages by group, lines by node, over time |
//! | `/api/events` | server-sent events: `picture` (the whole), `delta` (what has changed), `lost` (how many of them this browser has missed; a `picture` follows) |
//!
//! Moments `T` are microseconds since 1970. Rates are per second, over the last ten seconds that are over.

mod access;
mod answer;
mod bins;
mod connection;
mod error;
mod follow;
mod history;
mod keyframes;
mod lines;
mod live;
mod options;
mod page;
mod routes;
mod scene;
mod server;
mod stream;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use self::access::Access;
use self::follow::{Begin, Course};
use self::live::Live;
use self::scene::Scene;
use crate::Store;
use crate::speed::Speed;

pub use error::ServeError;
pub use options::Options;

/// How many of the last lines a collector begins with, unless it is told otherwise.
const PAST: i64 = 1_000_000;

/// Serves until `stop` is set.
///
/// # Errors
/// See [`ServeError`].
pub fn run(options: &Options, stop: &AtomicBool) -> Result<(), ServeError> {
    let access = Arc::new(Access::new(options)?);
    // Before anything else: it is what fails most.
    let listener = server::bind(options.listen)?;
    // Removed when it is dropped.
    let mut folder = None;
    let (path, mode) = match (&options.db, options.replay) {
        (Some(path), Some(_)) => (path.clone(), "recording"),
        (None, Some(_)) => return Err(ServeError::Asked("a recording is played from --db FILE")),
        (Some(path), None) => (path.clone(), "live"),
        (None, None) => {
            let made = tempfile::Builder::new().prefix("zyre-logger-").tempdir();
            let made = made.map_err(ServeError::Folder)?;
            let path = made.path().join("live.db");
            folder = Some(made);
            (path, "live")
        }
    };
    let scene = Arc::new(Scene::new(path.clone(), mode));
    let live = match mode {
        "live" => Some(Live::start(options, &path, folder.is_some(), &scene)?),
        _ => {
            // It says so at once if the file is none.
            drop(Store::open(&path)?);
            scene.set_place(file_name(&path));
            None
        }
    };
    let ending = Arc::new(AtomicBool::new(false));
    let follower = follower(options, &scene, &ending)?;
    let served = server::run(listener, &access, &scene, || {
        stop.load(Ordering::Relaxed) || live.as_ref().is_some_and(Live::has_ended)
    });
    ending.store(true, Ordering::Relaxed);
    let ended = live.map_or(Ok(()), Live::end);
    let _ = follower.join();
    served?;
    ended
}

/// Starts the thread that reads the recording.
fn follower(
    options: &Options,
    scene: &Arc<Scene>,
    ending: &Arc<AtomicBool>,
) -> Result<thread::JoinHandle<()>, ServeError> {
    let is_live = options.replay.is_none();
    let begin = match options.from {
        Some(moment) => Begin::At(moment),
        None if is_live => Begin::Last(PAST),
        None => Begin::First,
    };
    let times = match options.replay {
        Some(Speed::Times(times)) => Some(times),
        Some(Speed::Max) | None => None,
    };
    let course = Course { begin, to: options.to, times, is_live };
    let (scene, ending) = (scene.clone(), ending.clone());
    thread::Builder::new()
        .name("follow".to_owned())
        .spawn(move || follow::run(&scene, course, &ending))
        .map_err(ServeError::Thread)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
