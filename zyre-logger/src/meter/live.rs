//! The network, heard by a thread of its own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::MeterError;
use crate::Heard;
use crate::collect::{self, CollectError, Options, Place, Stored};

/// So much may wait for the screen: some seconds of a busy network.
const QUEUE: usize = 65_536;

/// So many words of the program may wait to be shown.
const NOTICES: usize = 16;

/// The thread.
pub(super) struct Live {
    heard: Receiver<Heard>,
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
        let thread = std::thread::Builder::new()
            .name("network".to_owned())
            .spawn(move || listen(&options, db.as_ref(), &theirs, &sender, &begun))
            .map_err(MeterError::Terminal)?;
        match place.recv() {
            Ok(place) => Ok(Self { heard, shared, thread: Some(thread), place }),
            Err(_) => Err(join(thread).err().unwrap_or(MeterError::Ended)),
        }
    }

    /// What has come, if anything has.
    pub(super) fn next(&mut self) -> Result<Option<Heard>, MeterError> {
        match self.heard.try_recv() {
            Ok(heard) => Ok(Some(heard)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => {
                let thread = self.thread.take();
                Err(thread.and_then(|thread| join(thread).err()).unwrap_or(MeterError::Ended))
            }
        }
    }

    /// Lines for which there was no room, since the last time.
    pub(super) fn lost(&self) -> u64 {
        self.shared.lost.swap(0, Ordering::Relaxed)
    }

    /// What the program has to say, since the last time.
    pub(super) fn notices(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Leaves the network; what is to be stored is stored.
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
    db: Option<&PathBuf>,
    shared: &Arc<Shared>,
    heard: &SyncSender<Heard>,
    begun: &SyncSender<String>,
) -> Result<(), CollectError> {
    let theirs = shared.clone();
    let stored = Stored::open(db, options, move |notice| {
        let mut notices = theirs.notices.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.len() < NOTICES {
            notices.push(notice.to_string());
        }
    })?;
    let sink = |one: Heard| {
        stored.take(&one);
        let line = matches!(one, Heard::Line(_));
        if let Err(TrySendError::Full(_)) = heard.try_send(one)
            && line
        {
            shared.lost.fetch_add(1, Ordering::Relaxed);
        }
    };
    let begin = |place: &Place| {
        // Only the first is waited for; nobody reads more.
        let _ = begun.try_send(place.to_string());
    };
    let stop = collect::stopped(&shared.stop);
    let ended = collect::runtime()?.block_on(collect::listen(options, sink, begin, stop));
    stored.finish()?;
    ended
}
