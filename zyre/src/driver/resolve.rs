//! Host names become addresses.

use std::sync::Arc;

use zre_proto::{Endpoint, HostEndpoint, Input};

use super::Driver;

/// Addresses of one name that the engine is told; more than it tries.
const MAX_ADDRESSES: usize = 64;

impl Driver {
    /// Looks up the addresses of a name, as the system does, and tells the engine. That may take as
    /// long as the name service does not answer, and is done by a thread that may wait.
    pub(super) async fn resolve(self: Arc<Self>, endpoint: HostEndpoint) {
        let Some(host) = endpoint.name() else { return };
        let mut ended = self.ended.subscribe();
        let found = tokio::select! {
            found = tokio::net::lookup_host(host) => found,
            _ = ended.wait_for(|ended| *ended) => return,
        };
        let addresses: Vec<Endpoint> = match found {
            Ok(found) => found.take(MAX_ADDRESSES).map(Endpoint::new).collect(),
            Err(error) => {
                tracing::debug!(%endpoint, %error, "not resolved");
                Vec::new()
            }
        };
        self.handle(Input::Resolved { endpoint: &endpoint, addresses: &addresses });
    }
}
