//! What ends a command from outside.

use zyre::Node;

/// Waits for Ctrl-C.
pub(crate) async fn interrupted() {
    // Where no signal can be waited for, Ctrl-C ends the process as it does by default.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Stops a node when Ctrl-C comes, which ends its events.
pub(crate) fn stop_when_interrupted(node: &Node) {
    let node = node.clone();
    tokio::spawn(async move {
        interrupted().await;
        node.stop().await;
    });
}
