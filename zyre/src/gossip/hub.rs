//! A hub that the node connects to, and connects to again whenever the connection ends.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use zmtp::net::{Backoff, Established};
use zre_proto::gossip::{ConnId, Remote};

use super::connection::{Closed, Connection, News, QUEUE};

/// The pauses between two attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A connection of this time has lasted.
const LASTING: Duration = Duration::from_secs(5);

/// How long a name may take to be looked up.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;

/// A hub that is not reached for this long is told of: mostly all are started at the same time.
const UNREACHABLE_AFTER: Duration = Duration::from_secs(2);

/// Where a hub is: `tcp://host:port`, with an address or a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HubEndpoint {
    host: String,
    port: u16,
}

impl FromStr for HubEndpoint {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (host, port) =
            text.strip_prefix("tcp://").and_then(|it| it.rsplit_once(':')).ok_or(())?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or(())?;
        let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        if bare.is_some_and(|bare| !is_ipv6(bare)) || bare.is_none() && host.contains(['[', ']']) {
            return Err(());
        }
        let host = bare.unwrap_or(host);
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let is_name = !host.is_empty() && host.len() <= 253 && host.bytes().all(is_name);
        let is_unspecified = host.parse().is_ok_and(|ip: IpAddr| ip.is_unspecified());
        if is_unspecified || !is_name && !is_ipv6(host) {
            return Err(());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

/// Whether text is an IPv6 address, with a scope or without.
fn is_ipv6(text: &str) -> bool {
    let (address, scope) = text.split_once('%').unwrap_or((text, "0"));
    address.parse::<std::net::Ipv6Addr>().is_ok() && !scope.is_empty()
}

impl fmt::Display for HubEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "tcp://[{host}]:{port}")
        } else {
            write!(f, "tcp://{host}:{port}")
        }
    }
}

impl HubEndpoint {
    /// The addresses that are behind it just now.
    async fn addresses(&self) -> Result<Vec<SocketAddr>, String> {
        let looked_up = tokio::net::lookup_host((&*self.host, self.port));
        let failed =
            |error: &dyn fmt::Display| format!("{} cannot be looked up: {error}", self.host);
        match timeout(LOOKUP_TIMEOUT, looked_up).await {
            Ok(Ok(addresses)) => {
                let addresses: Vec<_> = addresses.take(MAX_ADDRESSES).collect();
                if addresses.is_empty() { Err(failed(&"it has no address")) } else { Ok(addresses) }
            }
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => Err(failed(&"no name server has answered")),
        }
    }
}

/// What connects to one hub.
pub(super) struct Connector {
    /// The hub's number.
    pub(super) hub: usize,
    pub(super) endpoint: HubEndpoint,
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
        let mut failed = String::new();
        for address in self.endpoint.addresses().await? {
            match zmtp::net::connect(address, &self.config, QUEUE).await {
                Ok(established) => return Ok(established),
                Err(error) => failed = format!("{address}: {error}"),
            }
        }
        Err(failed)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_has_an_address_or_a_name_and_a_port() {
        for text in [
            "tcp://10.0.0.1:5670",
            "tcp://hub.example.org:5670",
            "tcp://localhost:1",
            "tcp://[2001:db8::1]:5670",
            "tcp://[fe80::1%eth0]:5670",
        ] {
            let hub: HubEndpoint = text.parse().unwrap();
            assert_eq!(hub.to_string(), text);
        }
        let bare: HubEndpoint = "tcp://2001:db8::1:5670".parse().unwrap();
        assert_eq!(bare.to_string(), "tcp://[2001:db8::1]:5670");
        for text in [
            "",
            "hub:5670",
            "udp://hub:5670",
            "tcp://hub",
            "tcp://:5670",
            "tcp://hub:0",
            "tcp://hub:65536",
            "tcp://hub:*",
            "tcp://*:5670",
            "tcp://0.0.0.0:5670",
            "tcp://[::]:5670",
            "tcp://[hub]:5670",
            "tcp://[::1:5670",
            "tcp://a b:5670",
            "tcp://a/b:5670",
        ] {
            assert!(text.parse::<HubEndpoint>().is_err(), "{text}");
        }
    }
}
