//! Where a mailbox can be reached.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use thiserror::Error;

/// The address of a node's mailbox, written `tcp://address:port`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint(SocketAddr);

impl Endpoint {
    /// The endpoint at this address and port.
    pub const fn new(address: SocketAddr) -> Self {
        Self(address)
    }

    /// The address and port.
    pub const fn address(&self) -> SocketAddr {
        self.0
    }

    /// What a HELLO that came from `source` announces as its sender's endpoint.
    ///
    /// Deployed nodes announce host names, `*` and `0.0.0.0` as well as addresses. Those are
    /// replaced by the address the HELLO came from, which is the one place where a node without
    /// name service can look. `None` without a usable port.
    pub fn announced(text: &[u8], source: IpAddr) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let endpoint = text.parse().or_else(|_| {
            let (_, port) = text.strip_prefix("tcp://").ok_or(())?.rsplit_once(':').ok_or(())?;
            Ok::<_, ()>(Self(SocketAddr::new(source, port.parse().map_err(|_| ())?)))
        });
        let mut address = endpoint.ok()?.0;
        if address.ip().is_unspecified() {
            address.set_ip(source);
        }
        (address.port() != 0).then_some(Self(address))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tcp://{}", self.0)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self(address)
    }
}

/// The text is not an endpoint of the form `tcp://address:port`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("an endpoint is tcp://ADDRESS:PORT with a numeric address, not {0:?}")]
pub struct ParseEndpointError(String);

impl FromStr for Endpoint {
    type Err = ParseEndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("tcp://")
            .and_then(|address| address.parse().ok())
            .map(Self)
            .ok_or_else(|| ParseEndpointError(text.chars().take(280).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announced_endpoints_of_deployed_nodes() {
        let source = IpAddr::from([10, 0, 0, 7]);
        let announced = |text: &str| {
            Endpoint::announced(text.as_bytes(), source).map(|endpoint| endpoint.to_string())
        };
        let at = |text: &str| Some(text.to_owned());
        assert_eq!(announced("tcp://10.77.0.1:49152"), at("tcp://10.77.0.1:49152"));
        assert_eq!(announced("tcp://laptop.local:49152"), at("tcp://10.0.0.7:49152"));
        assert_eq!(announced("tcp://0.0.0.0:49152"), at("tcp://10.0.0.7:49152"));
        assert_eq!(announced("tcp://*:49152"), at("tcp://10.0.0.7:49152"));
        assert_eq!(announced("tcp://[fe80::1]:7"), at("tcp://[fe80::1]:7"));
        for bad in ["", "nonsense", "tcp://", "tcp://10.0.0.1", "tcp://a:0", "tcp://a:65536"] {
            assert_eq!(announced(bad), None, "{bad}");
        }
        assert_eq!(Endpoint::announced(b"tcp://\xff:1", source), None);
    }
}
