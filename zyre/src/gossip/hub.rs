//! A hub that the node connects to, and connects to again whenever the connection ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use zmtp::Mechanism;
use zmtp::net::{Backoff, Error, Established};
use zre_proto::HostEndpoint;
use zre_proto::gossip::{ConnId, Remote};

use super::connection::{Closed, Connection, News, QUEUE};
use crate::driver::resolve;

/// The pauses between two attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A connection of this time has lasted.
const LASTING: Duration = Duration::from_secs(5);

/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;

/// A hub that is not reached for this long is told of: mostly all are started at the same time.
const UNREACHABLE_AFTER: Duration = Duration::from_secs(2);

/// What connects to one hub.
pub(super) struct Connector {
    /// The hub's number.
    pub(super) hub: usize,
    pub(super) endpoint: HostEndpoint,
    pub(super) config: zmtp::Config,
    pub(super) news: mpsc::Sender<News>,
    /// Numbers connections.
    pub(super) last_conn: Arc<AtomicU64>,
}

impl Connector {
    /// Keeps up a connection to the hub, as long as the node lives.
    pub(super) async fn run(self) {
        let hub = self.hub;
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut lost_at = Instant::now();
        loop {
            let began = Instant::now();
            let why = match self.connect().await {
                Ok(established) => {
                    let closed = self.carry(established).await;
                    if began.elapsed() >= LASTING {
                        backoff.reset();
                    }
                    if closed.heard {
                        lost_at = Instant::now();
                    }
                    closed.why
                }
                Err(why) => why,
            };
            let lasts = lost_at.elapsed() >= UNREACHABLE_AFTER;
            if self.news.send(News::HubFailed { hub, why, lasts }).await.is_err() {
                return;
            }
            sleep(backoff.next_pause()).await;
        }
    }

    /// Connects to the first of the hub's addresses that answers as a hub.
    async fn connect(&self) -> Result<Established, String> {
        let addresses = resolve::addresses(&self.endpoint).await;
        let addresses =
            addresses.map_err(|error| format!("its name cannot be looked up: {error}"))?;
        let mut failed = String::new();
        for address in addresses.into_iter().take(MAX_ADDRESSES) {
            match zmtp::net::connect(address, &self.config, QUEUE).await {
                Ok(established) => return Ok(established),
                Err(error) => failed = format!("{address}: {}", self.reason(&error)),
            }
        }
        Err(failed)
    }

    /// Says why there is no connection.
    fn reason(&self, error: &Error) -> String {
        let is_secure = self.config.mechanism != Mechanism::Null;
        match error {
            Error::Protocol(zmtp::Error::Denied) => "this node does not trust its key".into(),
            // So a handshake ends that cannot succeed: nobody is told why.
            Error::Closed if is_secure => {
                format!("{error}; it may have another key, or not trust this node")
            }
            error => error.to_string(),
        }
    }

    async fn carry(&self, established: Established) -> Closed {
        let conn = ConnId(self.last_conn.fetch_add(1, Ordering::Relaxed));
        let (open, connection) = Connection::new(conn, Remote::Hub, established);
        let news = News::Up { open, hub: Some(self.hub) };
        if self.news.send(news).await.is_err() {
            return Closed::default();
        }
        connection.run(&self.news).await
    }
}
