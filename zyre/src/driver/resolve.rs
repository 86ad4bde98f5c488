//! Host names become addresses.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use zre_proto::{Endpoint, HostEndpoint, Input};

use super::Driver;

/// Addresses of one name that are told; more than are tried.
const MAX_ADDRESSES: usize = 64;

/// How long a name may take to be looked up.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the address of an endpoint; if it has a name, the addresses that the system knows of it
/// just now, the best first.
///
/// # Errors
/// The name has no address, or no name server answers.
pub(crate) async fn addresses(endpoint: &HostEndpoint) -> io::Result<Vec<SocketAddr>> {
    let Some(host) = endpoint.name() else {
        return Ok(endpoint.endpoint().map(|it| it.address()).into_iter().collect());
    };
    let failed = |kind, why: &str| Err(io::Error::new(kind, why));
    match timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host(host)).await {
        Ok(found) => {
            let addresses: Vec<_> = found?.take(MAX_ADDRESSES).collect();
            if addresses.is_empty() {
                return failed(io::ErrorKind::NotFound, "the name has no address");
            }
            Ok(addresses)
        }
        Err(_) => failed(io::ErrorKind::TimedOut, "no name server has answered"),
    }
}

impl Driver {
    /// Looks up the addresses of a name, and tells the engine.
    pub(super) async fn resolve(self: Arc<Self>, endpoint: HostEndpoint) {
        let mut ended = self.ended.subscribe();
        let found = tokio::select! {
            found = addresses(&endpoint) => found,
            _ = ended.wait_for(|ended| *ended) => return,
        };
        let addresses: Vec<Endpoint> = match found {
            Ok(found) => found.into_iter().map(Endpoint::new).collect(),
            Err(error) => {
                tracing::debug!(%endpoint, %error, "not resolved");
                Vec::new()
            }
        };
        self.handle(Input::Resolved { endpoint: &endpoint, addresses: &addresses });
    }
}
