//! Calling a client: the server dials, again and again, while the client is not served.

use std::sync::Weak;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use zmtp::net::Backoff;

use super::callee::Callee;
use super::shared::ServerShared;
use super::{connection, limits};
use crate::driver::call;

/// The pauses between attempts to call.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

/// A connection of this time has lasted: the next pause is the shortest again.
const LASTING: Duration = Duration::from_secs(10);

/// Calls a client whenever it is not served, until the server is gone.
pub(super) async fn run(shared: Weak<ServerShared>, callee: Callee) {
    let Callee { name, identity, way } = callee;
    let Some((served, own)) =
        shared.upgrade().map(|it| (it.served.clone(), it.options.identity.clone()))
    else {
        return;
    };
    let (mut pauses, mut wait) = (PAUSES, way.patience);
    loop {
        served.until(&name, false).await;
        if timeout(wait, served.until(&name, true)).await.is_ok() {
            continue;
        }
        let since = Instant::now();
        let (transport, queue) = (limits::transport(), limits::queue());
        match call::dial(own.clone(), &way, transport, queue).await {
            Ok(established) => {
                let Some(shared) = shared.upgrade() else { return };
                connection::serve(shared, established, Some(identity.clone())).await;
            }
            Err(error) => {
                tracing::debug!(client = %name, address = %way.address, %error, "not called");
            }
        }
        if since.elapsed() > LASTING {
            pauses.reset();
        }
        wait = pauses.next_pause().max(way.patience);
    }
}
