//! The network, heard by a thread of its own.

use std::cell::OnceCell;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use zmtp::sync::Mutex;

use super::error::MeterError;
use crate::CollectorEvent;
use crate::collect::{self, CollectError, Options, Place, StoreSink};

/// How many events may wait for the screen: some seconds of a busy network.
const QUEUE: usize = 65_536;

/// How many notices of the program may wait to be shown.
const NOTICES: usize = 16;

/// The thread on the network.
pub(super) struct Live {
    heard: Receiver<CollectorEvent>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<(), CollectError>>>,
    place: String,
}

#[derive(Default)]
struct Shared {
    lost: AtomicU64,
    notices: Mutex<Vec<String>>,
    stop: AtomicBool,
}

impl Live {
    /// Joins the network, and waits until that has worked or failed.
    pub(super) fn start(options: Options, db: Option<PathBuf>) -> Result<Self, MeterError> {
        let (sender, heard) = sync_channel(QUEUE);
        let (begun, place) = sync_channel(1);
        let shared = Arc::new(Shared::default());
        let theirs = shared.clone();
        let thread = thread::Builder::new()
            .name("network".to_owned())
            .spawn(move || listen(&options, db.as_deref(), &theirs, &sender, &begun))
            .map_err(MeterError::Thread)?;
        match place.recv() {
            Ok(place) => Ok(Self { heard, shared, thread: Some(thread), place }),
            Err(_) => Err(join(thread).err().unwrap_or(MeterError::Ended)),
        }
    }

    /// Returns the next event, if one has come.
    pub(super) fn next(&mut self) -> Result<Option<CollectorEvent>, MeterError> {
        match self.heard.try_recv() {
            Ok(event) => Ok(Some(event)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => {
                let thread = self.thread.take();
                Err(thread.and_then(|thread| join(thread).err()).unwrap_or(MeterError::Ended))
            }
        }
    }

    /// Returns the number of lines for which there was no room, since the last call.
    pub(super) fn lost(&self) -> u64 {
        self.shared.lost.swap(0, Ordering::Relaxed)
    }

    /// Takes the notices of the program since the last call.
    pub(super) fn notices(&self) -> Vec<String> {
        mem::take(&mut *self.shared.notices.lock())
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Leaves the network, and stores the rest.
    pub(super) fn end(mut self) -> Result<(), MeterError> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.thread.take().map_or(Ok(()), join)
    }
}

fn join(thread: JoinHandle<Result<(), CollectError>>) -> Result<(), MeterError> {
    match thread.join() {
        Ok(result) => Ok(result?),
        Err(_) => Err(MeterError::Ended),
    }
}

/// The thread's work.
fn listen(
    options: &Options,
    db: Option<&Path>,
    shared: &Arc<Shared>,
    heard: &SyncSender<CollectorEvent>,
    begun: &SyncSender<String>,
) -> Result<(), CollectError> {
    let theirs = shared.clone();
    let store = OnceCell::new();
    let open = || {
        let opened = StoreSink::open(db, options, move |notice| {
            let mut notices = theirs.notices.lock();
            if notices.len() < NOTICES {
                notices.push(notice.to_string());
            }
        })?;
        let store: &StoreSink = store.get_or_init(|| opened);
        Ok(|event: CollectorEvent| {
            store.take(&event);
            let line = matches!(event, CollectorEvent::Line(_));
            if let Err(TrySendError::Full(_)) = heard.try_send(event)
                && line
            {
                shared.lost.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let begin = |place: &Place| {
        // Only the first is waited for.
        let _ = begun.try_send(place.to_string());
    };
    let ended = collect::listen(options, open, begin, &shared.stop);
    if let Some(store) = store.into_inner() {
        store.finish()?;
    }
    ended
}
