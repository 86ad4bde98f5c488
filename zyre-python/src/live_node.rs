//! A node that was started, and its events.

use std::pin::pin;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use zyre::{ActionError, Builder, Event, Events, PeerId};

use crate::bell::Bell;
use crate::errors;
use crate::process::Process;
use crate::waiting::{self, SLICE};

/// The longest time that nodes have to stop when the interpreter ends.
const TIME_TO_STOP: Duration = Duration::from_secs(2);

/// What a SHOUT takes of the room for a peer, beyond what a WHISPER of that size takes.
const SHOUT_BYTES: usize = 512;

/// All nodes, to stop them when the interpreter ends. Locked with the interpreter's lock held only, so
/// that no other thread has it during a fork.
static NODES: Mutex<Vec<Weak<LiveNode>>> = Mutex::new(Vec::new());

/// A node that was started, and its events.
pub(crate) struct LiveNode {
    pub(crate) node: zyre::Node,
    /// Locked with the interpreter's lock held only, and never while something is waited for.
    events: Mutex<Events>,
    bell: Arc<Bell>,
    waker: Waker,
    process: Process,
    stall_timeout: Duration,
}

impl LiveNode {
    /// Starts a node.
    ///
    /// # Errors
    /// `StartError`, or what a signal handler raises.
    pub(crate) fn start(
        py: Python<'_>,
        builder: Builder,
        stall_timeout: Duration,
    ) -> PyResult<Arc<Self>> {
        let started = waiting::apart(py, move || builder.start_blocking())?;
        let (node, events) =
            started.map_err(|error| errors::StartError::new_err(error.to_string()))?;
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        let (events, process) = (Mutex::new(events), Process::current());
        let live = Arc::new(Self { node, events, bell, waker, process, stall_timeout });
        let mut nodes = nodes();
        nodes.retain(|node| node.strong_count() > 0);
        nodes.push(Arc::downgrade(&live));
        Ok(live)
    }

    pub(crate) const fn process(&self) -> Process {
        self.process
    }

    /// Returns the number of a descriptor that is readable as long as there are events.
    pub(crate) fn descriptor(&self) -> PyResult<i32> {
        Ok(self.bell.descriptor()?)
    }

    /// Makes the descriptor unreadable until the bell rings.
    pub(crate) fn clear(&self) {
        self.bell.clear();
    }

    /// Returns the next event if there is one. Otherwise the bell rings when there is.
    ///
    /// # Errors
    /// `Stopped`: there is none ever again.
    pub(crate) fn try_event(&self) -> PyResult<Option<Event>> {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        self.poll(&mut events)
    }

    /// Returns the events that are there, up to `most`.
    ///
    /// # Errors
    /// As of [`try_event`](Self::try_event), if there is none.
    pub(crate) fn try_events(&self, most: usize) -> PyResult<Vec<Event>> {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = Vec::new();
        while batch.len() < most {
            match self.poll(&mut events) {
                Ok(Some(event)) => batch.push(event),
                Ok(None) => break,
                Err(stopped) if batch.is_empty() => return Err(stopped),
                Err(_) => break,
            }
        }
        Ok(batch)
    }

    /// Waits until `look` finds something, for at most `timeout`. Returns `None` if it does not.
    ///
    /// # Errors
    /// Those of `look`, and what a signal handler raises.
    pub(crate) fn wait<T>(
        &self,
        py: Python<'_>,
        timeout: Option<Duration>,
        look: impl Fn(&Self) -> PyResult<Option<T>>,
    ) -> PyResult<Option<T>> {
        if let Some(found) = look(self)? {
            return Ok(Some(found));
        }
        wait(py, &self.bell, timeout, || look(self))
    }

    /// Waits until a peer takes a message of that many bytes, for at most `timeout`. Returns whether it
    /// does.
    ///
    /// # Errors
    /// `UnknownPeer`, `Stopped`, and what a signal handler raises.
    pub(crate) fn ready(
        &self,
        py: Python<'_>,
        peer: PeerId,
        bytes: usize,
        timeout: Option<Duration>,
    ) -> PyResult<bool> {
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        let mut ready = pin!(self.node.ready(peer, bytes));
        let mut look = || match ready.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => done.map(Some).map_err(errors::refused),
            Poll::Pending => Ok(None),
        };
        Ok(wait(py, &bell, timeout, &mut look)?.is_some())
    }

    /// Waits until all members of a group take a message of that many bytes, for none longer than it may
    /// stall.
    ///
    /// # Errors
    /// `Stopped`, and what a signal handler raises.
    pub(crate) fn ready_in(&self, py: Python<'_>, group: &str, bytes: usize) -> PyResult<()> {
        let deadline = Instant::now() + self.stall_timeout;
        let bytes = bytes.saturating_add(SHOUT_BYTES);
        for peer in self.node.peers_in(group) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.ready(py, peer, bytes, Some(left)) {
                // A member that is gone is no longer waited for.
                Err(gone) if gone.is_instance_of::<errors::UnknownPeer>(py) => {}
                waited => drop(waited?),
            }
        }
        Ok(())
    }

    fn poll(&self, events: &mut Events) -> PyResult<Option<Event>> {
        let mut context = Context::from_waker(&self.waker);
        let polled = match events.poll_recv(&mut context) {
            // It may have rung between: then the descriptor stays readable.
            Poll::Pending if self.bell.clear() => {
                let again = events.poll_recv(&mut context);
                if again.is_ready() {
                    self.bell.ring();
                }
                again
            }
            polled => polled,
        };
        match polled {
            Poll::Ready(Some(event)) => Ok(Some(event)),
            Poll::Ready(None) => Err(errors::refused(ActionError::Stopped)),
            Poll::Pending => Ok(None),
        }
    }
}

/// Waits until `look` finds something. The bell rings when it may.
fn wait<T>(
    py: Python<'_>,
    bell: &Bell,
    timeout: Option<Duration>,
    mut look: impl FnMut() -> PyResult<Option<T>>,
) -> PyResult<Option<T>> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let rings = bell.rings();
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(None);
        }
        let time = left.map_or(SLICE, |left| left.min(SLICE));
        waiting::slice(py, || bell.wait(rings, time))?;
    }
}

fn nodes() -> MutexGuard<'static, Vec<Weak<LiveNode>>> {
    NODES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stops all nodes, and sends back all threads that wait: the interpreter ends.
#[pyfunction]
#[pyo3(name = "_stop_all")]
pub(crate) fn stop_all(py: Python<'_>) {
    let nodes: Vec<Arc<LiveNode>> = nodes().iter().filter_map(Weak::upgrade).collect();
    // Those of the parent process stay as they are.
    let nodes: Vec<_> = nodes.into_iter().filter(forget_foreign).collect();
    let (tell, told) = channel();
    for live in &nodes {
        let (node, tell) = (live.node.clone(), tell.clone());
        let stop = move || {
            node.blocking_stop();
            // Nobody hears it if it has taken too long.
            let _ = tell.send(());
        };
        // Without a thread it stops when it is dropped.
        drop(thread::Builder::new().name("zyre-stop".to_owned()).spawn(stop));
    }
    drop(tell);
    let end = Instant::now() + TIME_TO_STOP;
    py.detach(move || {
        let left = || end.saturating_duration_since(Instant::now());
        while told.recv_timeout(left()).is_ok() {}
    });
    waiting::end(py, || nodes.iter().for_each(|live| live.bell.ring()));
}

/// Returns whether a node belongs to this process; the memory of another one is left as it is.
fn forget_foreign(live: &Arc<LiveNode>) -> bool {
    let is_own = live.process.is_current();
    if !is_own {
        std::mem::forget(Arc::clone(live));
    }
    is_own
}
