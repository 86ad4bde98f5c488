//! The library for threads: a node with a runtime of its own, and waiting for a future.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};

use crate::StartError;
use crate::pulse::{Patience, Pulse, SLICE};

/// Starts something on a thread of its own, with a runtime that lives until that has ended, and returns
/// it. `start` also returns what tells of the end.
///
/// # Errors
/// Those of `start`, and [`StartError::Runtime`].
///
/// # Panics
/// In async code.
#[track_caller]
pub(crate) fn start_apart<T, F>(start: impl FnOnce() -> F + Send + 'static) -> Result<T, StartError>
where
    T: Send + 'static,
    F: Future<Output = Result<(T, watch::Receiver<bool>), StartError>>,
{
    forbid_async();
    let (tell, told) = sync_channel(1);
    let live = move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let _ = tell.send(Err(StartError::Runtime(error)));
                return;
            }
        };
        runtime.block_on(async {
            let started = match start().await {
                Ok((started, mut ended)) => {
                    // The calling thread waits for it.
                    let _ = tell.send(Ok(started));
                    let _ = ended.wait_for(|ended| *ended).await;
                    return;
                }
                Err(error) => Err(error),
            };
            let _ = tell.send(started);
        });
    };
    thread::Builder::new().name("zyre".to_owned()).spawn(live).map_err(StartError::Runtime)?;
    let ended = || Err(StartError::Runtime(io::Error::other("the thread of the node has ended")));
    told.recv().unwrap_or_else(|_| ended())
}

/// Panics in async code, as tokio's blocking functions do: the thread that would wait may be the one that
/// is waited for.
#[track_caller]
pub(crate) fn forbid_async() {
    // One of them: it does not wait, for the value is there.
    let (sender, receiver) = oneshot::channel();
    let _ = sender.send(());
    let _ = receiver.blocking_recv();
}

/// Blocks the thread until a future is ready that needs the runtime of the node.
///
/// # Panics
/// In async code, and if the runtime is not driven.
#[track_caller]
pub(crate) fn block_on<T>(pulse: &Arc<Pulse>, future: impl Future<Output = T>) -> T {
    forbid_async();
    let _runtime = pulse.enter();
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut patience = Patience::default();
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
        if patience.is_over(pulse) {
            not_driven();
        }
        thread::park_timeout(SLICE);
    }
}

/// Says why nothing will ever come.
///
/// # Panics
/// Always.
#[track_caller]
#[expect(clippy::panic, reason = "as tokio does where a thread would wait for itself")]
pub(crate) fn not_driven() -> ! {
    panic!("{}", crate::pulse::NOT_DRIVEN)
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
