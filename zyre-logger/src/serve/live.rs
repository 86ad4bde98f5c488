//! The collector, on a thread of its own.

use std::cell::OnceCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::error::ServeError;
use super::options::Options;
use super::scene::Scene;
use crate::collect::{self, CollectError, Place, StoreSink};
use crate::{CollectorEvent, say};

/// Bytes of a recording that goes with the program, unless it is told otherwise.
const TEMPORARY: u64 = 256 << 20;

/// The thread.
pub(super) struct Live {
    thread: JoinHandle<Result<(), CollectError>>,
    stop: Arc<AtomicBool>,
}

impl Live {
    /// Joins the network, opens the recording, and waits until that has worked or failed.
    pub(super) fn start(
        options: &Options,
        path: &Path,
        is_temporary: bool,
        scene: &Arc<Scene>,
    ) -> Result<Self, ServeError> {
        let mut options = options.collect.clone();
        if is_temporary {
            options.max_size.get_or_insert(TEMPORARY);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (begun, place) = sync_channel(1);
        let (path, scene, stops) = (path.to_owned(), scene.clone(), stop.clone());
        let thread = thread::Builder::new()
            .name("network".to_owned())
            .spawn(move || listen(&options, &path, &scene, &begun, &stops))
            .map_err(ServeError::Thread)?;
        match place.recv() {
            Ok(()) => Ok(Self { thread, stop }),
            Err(_) => Err(join(thread).err().unwrap_or(ServeError::Ended)),
        }
    }

    /// Returns whether the collector has ended by itself.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Leaves the network, and stores the rest.
    pub(super) fn end(self) -> Result<(), ServeError> {
        self.stop.store(true, Ordering::Relaxed);
        join(self.thread)
    }
}

fn join(thread: JoinHandle<Result<(), CollectError>>) -> Result<(), ServeError> {
    match thread.join() {
        Ok(result) => Ok(result?),
        Err(_) => Err(ServeError::Ended),
    }
}

/// The thread's work.
fn listen(
    options: &collect::Options,
    path: &Path,
    scene: &Arc<Scene>,
    begun: &SyncSender<()>,
    stop: &AtomicBool,
) -> Result<(), CollectError> {
    // Opened when the node runs: a wrong option must not leave an empty file.
    let opened = OnceCell::new();
    let open = || {
        let theirs = Arc::clone(scene);
        let store = StoreSink::open(Some(path), options, move |notice| {
            say(&notice);
            theirs.notice(notice.to_string());
        })?;
        let store = opened.get_or_init(|| store);
        Ok(|event: CollectorEvent| {
            store.take(&event);
            if event == CollectorEvent::Dropped {
                scene.count_foreign();
            }
        })
    };
    let begin = |place: &Place| {
        scene.set_place(place.to_string());
        // Only the first is waited for.
        let _ = begun.try_send(());
    };
    let ended = collect::listen(options, open, begin, stop);
    if let Some(store) = opened.into_inner() {
        store.finish()?;
    }
    ended
}
