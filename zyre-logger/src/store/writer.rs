//! The thread that writes.

use std::fmt;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::entry::Entry;
use super::error::StoreError;
use super::file::Store;
use super::prune::Bounds;
use crate::moment::now;
use crate::text::with_causes;

/// A batch is written when it has `BATCH` entries, or its first one is `BATCH_TIME` old.
const BATCH: usize = 1_000;
const BATCH_TIME: Duration = Duration::from_millis(100);

/// How many entries may wait: 13 seconds of 5,000 a second, at most some 30 MB.
const QUEUE: usize = 65_536;

/// How often the bounds of the file are looked at.
const PRUNE: Duration = Duration::from_secs(10);

/// How long the thread waits after a failure, and how often it tries once it has to end.
const PAUSE: Duration = Duration::from_millis(500);
const LAST_TRIES: u32 = 5;

/// What the user has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// Lines came faster than they could be written.
    Lost(u64),
    /// Writing failed; it is tried again.
    Failing(String),
    /// Writing works again.
    Recovered,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(lines) => {
                write!(f, "LOST {lines} lines: they came faster than the disk takes them")
            }
            Self::Failing(why) => write!(f, "cannot write, trying again: {why}"),
            Self::Recovered => f.write_str("writing again"),
        }
    }
}

/// Hands entries to the thread; never waits.
#[derive(Clone, Debug)]
pub struct Sender {
    sender: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
}

impl Sender {
    /// Hands an entry over. Without room, or after the end, it is lost; lines are counted then.
    pub fn send(&self, entry: Entry) {
        let (Err(TrySendError::Full(entry)) | Err(TrySendError::Disconnected(entry))) =
            self.sender.try_send(entry)
        else {
            return;
        };
        match entry {
            Entry::Record(_) => self.lost.fetch_add(1, Ordering::Relaxed),
            Entry::Lost { lines, .. } => self.lost.fetch_add(lines, Ordering::Relaxed),
            // Nodes that are there are told of again and again.
            Entry::Seen(_) => 0,
            // One that is missed is as bad as a line that is.
            Entry::Change(_) => self.lost.fetch_add(1, Ordering::Relaxed),
        };
    }
}

/// A thread that writes to a file, a batch at a time.
#[derive(Debug)]
pub struct Writer {
    sender: Sender,
    ending: Arc<AtomicBool>,
    thread: JoinHandle<Result<u64, StoreError>>,
}

impl Writer {
    /// Opens the file and starts the thread. `notify` is called by the thread; it should be short.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn start(
        path: &Path,
        bounds: Bounds,
        notify: impl Fn(Notice) + Send + 'static,
    ) -> Result<Self, StoreError> {
        Self::with_queue(path, bounds, QUEUE, notify)
    }

    /// As [`start`](Self::start), with room for `queue` entries.
    fn with_queue(
        path: &Path,
        bounds: Bounds,
        queue: usize,
        notify: impl Fn(Notice) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let store = Store::create(path)?;
        let (sender, receiver) = sync_channel(queue);
        let (lost, ending) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let work = Work {
            path: path.to_owned(),
            store,
            bounds,
            receiver,
            lost: lost.clone(),
            ending: ending.clone(),
            notify: Box::new(notify),
            written: 0,
            failing: false,
        };
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || work.run())
            .map_err(|error| {
                let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOMEM);
                rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
            })?;
        Ok(Self { sender: Sender { sender, lost }, ending, thread })
    }

    /// Returns a sender of entries to the thread.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Writes what is queued, and ends once all other senders are dropped. Returns how many lines
    /// were written.
    ///
    /// # Errors
    /// [`StoreError::Sql`] if the last of it could not be written.
    pub fn finish(self) -> Result<u64, StoreError> {
        self.ending.store(true, Ordering::Relaxed);
        drop(self.sender);
        // A thread that has panicked has said so.
        self.thread.join().unwrap_or(Ok(0))
    }
}

/// The state of the thread.
struct Work {
    path: PathBuf,
    store: Store,
    bounds: Bounds,
    receiver: Receiver<Entry>,
    lost: Arc<AtomicU64>,
    /// Whether the end is near: then writing is not tried for ever any more.
    ending: Arc<AtomicBool>,
    notify: Box<dyn Fn(Notice) + Send>,
    written: u64,
    failing: bool,
}

impl Work {
    fn run(mut self) -> Result<u64, StoreError> {
        let mut batch = Vec::with_capacity(BATCH + 1);
        let mut prune = Instant::now();
        loop {
            let ended = self.collect(&mut batch);
            self.add_losses(&mut batch);
            if !batch.is_empty() {
                self.write(&batch)?;
                batch.clear();
            }
            if ended {
                return Ok(self.written);
            }
            if Instant::now() >= prune {
                let more = self.prune();
                // The queue comes first: what is left is removed after the next batch.
                prune = Instant::now() + if more { Duration::ZERO } else { PRUNE };
            }
        }
    }

    /// Fills a batch. Returns whether nothing will come any more.
    fn collect(&self, batch: &mut Vec<Entry>) -> bool {
        let mut wait = BATCH_TIME;
        let mut deadline = None;
        while batch.len() < BATCH {
            match self.receiver.recv_timeout(wait) {
                Ok(entry) => batch.push(entry),
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => return true,
            }
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + BATCH_TIME);
            wait = deadline.saturating_duration_since(Instant::now());
        }
        false
    }

    fn add_losses(&self, batch: &mut Vec<Entry>) {
        let lines = self.lost.swap(0, Ordering::Relaxed);
        if lines > 0 {
            (self.notify)(Notice::Lost(lines));
            batch.push(Entry::Lost { at: now(), lines });
        }
    }

    /// Writes a batch, however long that takes; only at the end it is given up.
    fn write(&mut self, batch: &[Entry]) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            match self.store.write(batch) {
                Ok(()) => break,
                Err(error) if tries >= LAST_TRIES => return Err(error),
                Err(error) => {
                    if !mem::replace(&mut self.failing, true) {
                        let why = format!("{}: {}", self.path.display(), with_causes(&error));
                        (self.notify)(Notice::Failing(why));
                    }
                    tries += u32::from(self.ending.load(Ordering::Relaxed));
                    std::thread::sleep(PAUSE);
                }
            }
        }
        if mem::take(&mut self.failing) {
            (self.notify)(Notice::Recovered);
        }
        let lines = batch.iter().filter(|entry| matches!(entry, Entry::Record(_))).count();
        self.written += lines as u64;
        Ok(())
    }

    /// Prunes one step. Returns whether there is more to do.
    fn prune(&mut self) -> bool {
        match self.store.prune(&self.bounds, now()) {
            Ok(pruned) => pruned.more,
            // Writing will say so.
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
