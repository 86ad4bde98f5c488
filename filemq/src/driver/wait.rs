//! Futures that both sides wait for.

use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;
use zmtp::net::SendQueue;

/// How long sending the last messages may take.
const LAST_WORD_TIMEOUT: Duration = Duration::from_secs(1);

/// Waits for the task and returns its result; waits forever if there is none.
pub(super) async fn finished<T>(task: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    match task {
        Some(task) => task.await,
        None => pending().await,
    }
}

/// Waits until the deadline; waits forever if there is none.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

/// Waits until the kernel has taken what is queued and `writer` sends, but not for long.
pub(super) async fn last_word(
    queue: &SendQueue,
    mut writer: Pin<&mut impl Future<Output = io::Error>>,
) {
    let written = async {
        tokio::select! {
            _ = &mut writer => {}
            () = queue.drained() => {}
        }
    };
    let _ = timeout(LAST_WORD_TIMEOUT, written).await;
}
