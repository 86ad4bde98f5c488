//! Where a mailbox can be reached, as people write it.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

use crate::endpoint::split_key;
use crate::{Endpoint, PublicKey};

/// The longest host name (RFC 1035).
const MAX_NAME: usize = 253;

/// An endpoint with a numeric address or a host name: `host:port`, or `tcp://host:port`; of a secure
/// node with its key, `host:port|key`. A link-local
/// address whose scope is told by the name of an interface, `[fe80::1%eth0]:port`, counts as a name:
/// only this host knows which address that is.
///
/// ```
/// # use zre_proto::HostEndpoint;
/// let named: HostEndpoint = "server.example.org:49152".parse()?;
/// assert_eq!(named.to_string(), "tcp://server.example.org:49152");
/// assert_eq!(named.name(), Some(("server.example.org", 49152)));
/// let numeric: HostEndpoint = "10.0.0.7:49152".parse()?;
/// assert_eq!(numeric.endpoint(), Some("tcp://10.0.0.7:49152".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostEndpoint(Host);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Host {
    Address(Endpoint),
    Name(Arc<str>, u16, Option<PublicKey>),
}

impl HostEndpoint {
    /// Returns the endpoint, if its address is numeric.
    pub const fn endpoint(&self) -> Option<Endpoint> {
        match &self.0 {
            Host::Address(endpoint) => Some(*endpoint),
            Host::Name(..) => None,
        }
    }

    /// Returns the host name and the port, if the address is not numeric.
    pub fn name(&self) -> Option<(&str, u16)> {
        match &self.0 {
            Host::Address(_) => None,
            Host::Name(name, port, _) => Some((name, *port)),
        }
    }

    /// Returns the key that has to be proved there. Every endpoint of a secure node has one.
    pub const fn key(&self) -> Option<PublicKey> {
        match &self.0 {
            Host::Address(endpoint) => endpoint.key(),
            Host::Name(_, _, key) => *key,
        }
    }
}

/// Whether a text can be the name of a host. Digits and dots alone are a mistyped address.
fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_label = |label: &str| !label.is_empty() && label.len() <= 63;
    let labels = text.strip_suffix('.').unwrap_or(text);
    text.len() <= MAX_NAME
        && text.bytes().all(fits)
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && labels.split('.').all(is_label)
}

/// A link-local address with the name of an interface behind it. No other address has a scope that
/// would have to be told.
fn scoped(host: &str) -> Option<&str> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let (address, interface) = bare.split_once('%')?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_name = !interface.is_empty() && bare.len() <= MAX_NAME && interface.bytes().all(fits);
    let is_local = address.parse().is_ok_and(|address: Ipv6Addr| address.is_unicast_link_local());
    (is_local && is_name).then_some(bare)
}

impl fmt::Display for HostEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Host::Address(endpoint) => return endpoint.fmt(f),
            Host::Name(name, port, _) if name.contains(':') => write!(f, "tcp://[{name}]:{port}")?,
            Host::Name(name, port, _) => write!(f, "tcp://{name}:{port}")?,
        }
        self.key().map_or(Ok(()), |key| write!(f, "|{key}"))
    }
}

impl fmt::Debug for HostEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Endpoint> for HostEndpoint {
    fn from(endpoint: Endpoint) -> Self {
        Self(Host::Address(endpoint))
    }
}

impl From<SocketAddr> for HostEndpoint {
    fn from(address: SocketAddr) -> Self {
        Endpoint::new(address).into()
    }
}

/// The text is not an endpoint of the form `host:port` or `tcp://host:port`, with or without `|key`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "an endpoint is HOST:PORT or tcp://HOST:PORT, with the address or the name of a host, and a port \
     from 1 to 65535, for a secure node HOST:PORT|KEY; not {0:?}"
)]
pub struct ParseHostEndpointError(String);

impl FromStr for HostEndpoint {
    type Err = ParseHostEndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.strip_prefix("tcp://").unwrap_or(text);
        let parse = || {
            let (bare, key) = split_key(bare)?;
            if let Ok(endpoint) = format!("tcp://{bare}").parse::<Endpoint>() {
                let address = endpoint.address();
                let is_somewhere = address.port() != 0 && !address.ip().is_unspecified();
                return is_somewhere.then(|| endpoint.with_key(key).into());
            }
            let (name, port) = bare.rsplit_once(':')?;
            let port = port.parse().ok().filter(|port| *port != 0)?;
            if let Some(scoped) = scoped(name) {
                return Some(Self(Host::Name(scoped.into(), port, key)));
            }
            // Names are the same in upper and lower case.
            is_name(name).then(|| Self(Host::Name(name.to_ascii_lowercase().into(), port, key)))
        };
        let quoted = || text.chars().take(280).collect();
        parse().ok_or_else(|| ParseHostEndpointError(quoted()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_are_read_with_and_without_a_scheme() {
        for (text, told) in [
            ("10.0.0.7:49152", "tcp://10.0.0.7:49152"),
            ("tcp://10.0.0.7:49152", "tcp://10.0.0.7:49152"),
            ("[fd00::1]:7", "tcp://[fd00::1]:7"),
            ("tcp://fd00::1:7", "tcp://[fd00::1]:7"),
            ("[fe80::1%3]:7", "tcp://[fe80::1%3]:7"),
            ("[fe80::1%Eth0]:7", "tcp://[fe80::1%Eth0]:7"),
            ("tcp://fe80::1%Eth0:7", "tcp://[fe80::1%Eth0]:7"),
            ("localhost:49152", "tcp://localhost:49152"),
            ("tcp://Server-1.Example.org.:1", "tcp://server-1.example.org.:1"),
            ("4you.example:65535", "tcp://4you.example:65535"),
        ] {
            let endpoint: HostEndpoint = text.parse().unwrap();
            assert_eq!(endpoint.to_string(), told);
            assert_eq!(told.parse(), Ok(endpoint), "{told}");
        }
    }

    #[test]
    fn an_endpoint_has_an_address_or_a_name() {
        let numeric: HostEndpoint = "10.0.0.7:49152".parse().unwrap();
        assert_eq!(numeric.endpoint(), "tcp://10.0.0.7:49152".parse().ok());
        assert_eq!(numeric.name(), None);
        let named: HostEndpoint = "a.b:7".parse().unwrap();
        assert_eq!((named.endpoint(), named.name()), (None, Some(("a.b", 7))));
        let scoped: HostEndpoint = "[fe80::1%eth0]:7".parse().unwrap();
        assert_eq!((scoped.endpoint(), scoped.name()), (None, Some(("fe80::1%eth0", 7))));
        assert_eq!(HostEndpoint::from(numeric.endpoint().unwrap()), numeric);
    }

    #[test]
    fn an_endpoint_of_a_secure_node_has_its_key() {
        let key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
        for host in ["tcp://10.0.0.7:1", "tcp://a.b:1", "tcp://[fe80::1%eth0]:1"] {
            let text = format!("{host}|{key}");
            let endpoint: HostEndpoint = text.parse().unwrap();
            assert_eq!((endpoint.key(), endpoint.to_string()), (key.parse().ok(), text));
        }
    }

    #[test]
    fn what_can_be_no_endpoint_is_refused_with_a_short_word() {
        let long = format!("{}:1", "a.".repeat(200));
        let label = format!("{}.org:1", "a".repeat(64));
        for bad in [
            "",
            "tcp://",
            "host",
            "host:",
            "host:0",
            "10.0.0.7:0",
            "host:65536",
            "host:port",
            ":49152",
            "*:49152",
            "0.0.0.0:1",
            "[::]:1",
            "[hub]:1",
            "[::1:1",
            "[fe80::1%]:1",
            "[fe80::1%a b]:1",
            "[::%eth0]:1",
            "[fd00::1%eth0]:1",
            "[ff02::1%eth0]:1",
            "10.0.0.7%eth0:1",
            "10.0.0.300:1",
            "10.0.0:1",
            "a b:1",
            "a..b:1",
            ".a:1",
            "udp://host:1",
            "tcp://tcp://host:1",
            "h\u{f6}st:1",
            "host:1|",
            "host:1|key",
            "user@host:1",
            "host/path:1",
            &long,
            &label,
        ] {
            let error = bad.parse::<HostEndpoint>().unwrap_err();
            assert!(error.to_string().len() < 1000, "{bad}");
        }
    }
}
