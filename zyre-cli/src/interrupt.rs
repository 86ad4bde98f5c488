//! What ends a command from outside.

use std::sync::LazyLock;

use tokio::sync::watch;
use zyre::Node;

/// Whether the command has to end.
static END: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

/// The exit status of a command that is ended a second time, because it has not ended the first.
const IMPATIENT: i32 = 130;

/// Begins to wait for what ends a command. Signals that come before it waits are not lost.
pub(crate) fn watch() {
    let mut signals = Signals::open();
    tokio::spawn(async move {
        signals.next().await;
        end();
        signals.next().await;
        std::process::exit(IMPATIENT);
    });
}

/// Ends the command as a signal does: nobody reads its output any more.
pub(crate) fn end() {
    END.send_replace(true);
}

/// Waits for Ctrl-C, for SIGTERM, for SIGHUP unless it was ignored from the start, as by `nohup`,
/// or for the end of the output.
pub(crate) async fn interrupted() {
    // The sender is never dropped.
    let _ = END.subscribe().wait_for(|end| *end).await;
}

/// Stops a node when the command has to end, which ends its events.
pub(crate) fn stop_when_interrupted(node: &Node) {
    let node = node.clone();
    tokio::spawn(async move {
        interrupted().await;
        node.stop().await;
    });
}

#[cfg(unix)]
use self::unix::Signals;

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::future::poll_fn;
    use std::task::Poll;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// The signals that ask a program to end.
    pub(super) struct Signals(Vec<Signal>);

    impl Signals {
        pub(super) fn open() -> Self {
            let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
            if !is_ignored(SignalKind::hangup()) {
                kinds.push(SignalKind::hangup());
            }
            // One that cannot be waited for ends the process as it does by default.
            Self(kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect())
        }

        /// Waits for the next of them.
        pub(super) async fn next(&mut self) {
            poll_fn(|context| {
                let mut came = false;
                for signal in &mut self.0 {
                    came |= matches!(signal.poll_recv(context), Poll::Ready(Some(())));
                }
                if came { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
    }

    /// Returns whether a signal was ignored when the program was started, where the system tells.
    fn is_ignored(kind: SignalKind) -> bool {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 1)
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn open() -> Self {
        Self
    }

    async fn next(&mut self) {
        // Where no signal can be waited for, Ctrl-C ends the process as it does by default.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
