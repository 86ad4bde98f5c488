//! What both sides wait for.

use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;
use zmtp::net::Outbox;

/// How long a last word may take.
const LAST_WORD: Duration = Duration::from_secs(1);

/// What came of it; for ever, if nothing is going on.
pub(super) async fn finished<T>(task: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    match task {
        Some(task) => task.await,
        None => pending().await,
    }
}

/// Until then; for ever, if there is no such time.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

/// Until the kernel has taken what is queued, which `writer` writes; not for long.
pub(super) async fn last_word(
    outbox: &Outbox,
    mut writer: Pin<&mut impl Future<Output = io::Error>>,
) {
    let written = async {
        tokio::select! {
            _ = &mut writer => {}
            () = outbox.drained() => {}
        }
    };
    let _ = timeout(LAST_WORD, written).await;
}
