//! Where a mailbox can be reached.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::str::FromStr;

use thiserror::Error;

use crate::PublicKey;

/// Where a node's mailbox is, written `tcp://address:port`; of a secure node with the key that has
/// to be proved there, `tcp://address:port|key`.
///
/// Two endpoints with one address and different keys are different ones: the node that is reached by
/// the one does not answer by the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    address: SocketAddr,
    key: Option<PublicKey>,
}

impl Endpoint {
    /// The endpoint at this address and port.
    ///
    /// Two are the same if they are reached in the same way: an IPv4 address is not an IPv6 one in
    /// disguise, and only a link-local address has a scope.
    pub fn new(address: SocketAddr) -> Self {
        let port = address.port();
        let address = match (address.ip().to_canonical(), address) {
            (IpAddr::V6(ip), SocketAddr::V6(address)) if is_link_local(&ip) => {
                SocketAddrV6::new(ip, port, 0, address.scope_id()).into()
            }
            (ip, _) => SocketAddr::new(ip, port),
        };
        Self { address, key: None }
    }

    /// The same address, where this key has to be proved; `None`: none has.
    #[must_use]
    pub const fn with_key(self, key: Option<PublicKey>) -> Self {
        Self { key, ..self }
    }

    /// The address and port.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The key that has to be proved there. Every endpoint of a secure node has one.
    pub const fn key(&self) -> Option<PublicKey> {
        self.key
    }

    /// Whether it means something on one link only.
    pub(crate) const fn is_link_local(&self) -> bool {
        match &self.address {
            SocketAddr::V6(address) => is_link_local(address.ip()),
            SocketAddr::V4(_) => false,
        }
    }

    /// What a HELLO that came from `source` announces as its sender's endpoint.
    ///
    /// Deployed nodes announce host names, `*` and `0.0.0.0` as well as addresses. Those are
    /// replaced by the address the HELLO came from, which is the one place where a node without
    /// name service can look. C Zyre writes IPv6 addresses without brackets, and link-local ones
    /// without a scope, which would be of no use to anybody else: what counts is the interface by
    /// which the HELLO came, the scope of `source`. `None` without a usable port.
    pub fn announced(text: &[u8], source: SocketAddr) -> Option<Self> {
        let (host, port) = split(std::str::from_utf8(text).ok()?)?;
        let source_ip = source.ip().to_canonical();
        let ip = match address(host) {
            Some((ip, _scope)) if !ip.is_unspecified() => ip,
            _ => source_ip,
        };
        (port != 0).then(|| Self::new(SocketAddr::new(ip, port)).on_the_link_of(source))
    }

    /// This endpoint as a node sees it that knows it from `neighbour`: a link-local address gets
    /// the scope of the other, which says on which of our interfaces it is.
    #[must_use]
    pub fn on_the_link_of(self, neighbour: SocketAddr) -> Self {
        match (self.address, neighbour) {
            (SocketAddr::V6(mut own), SocketAddr::V6(other)) if is_link_local(own.ip()) => {
                own.set_scope_id(other.scope_id());
                Self { address: own.into(), ..self }
            }
            _ => self,
        }
    }

    /// The text by which other nodes can reach it, of all implementations. A scope is for us alone,
    /// and C Zyre can only add its own to a link-local address without brackets. A key has a header
    /// of its own.
    pub fn wire_form(&self) -> String {
        match self.address {
            SocketAddr::V6(own) if is_link_local(own.ip()) => {
                format!("tcp://{}:{}", own.ip(), own.port())
            }
            SocketAddr::V6(own) => format!("tcp://[{}]:{}", own.ip(), own.port()),
            SocketAddr::V4(own) => format!("tcp://{own}"),
        }
    }
}

/// What stands before the key of an endpoint, and the key, if there is one.
pub(crate) fn split_key(text: &str) -> Option<(&str, Option<PublicKey>)> {
    match text.split_once('|') {
        Some((text, key)) => Some((text, Some(PublicKey::from_z85(key.as_bytes())?))),
        None => Some((text, None)),
    }
}

/// Host and port of an endpoint. An IPv6 address may stand in brackets or not, so the port is what
/// follows the last colon.
fn split(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.strip_prefix("tcp://")?.rsplit_once(':')?;
    Some((host, port.parse().ok()?))
}

/// The numeric address of a host, with or without brackets, and the scope behind it.
fn address(host: &str) -> Option<(IpAddr, Option<&str>)> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let (bare, scope) = match bare.split_once('%') {
        Some((bare, scope)) => (bare, Some(scope)),
        None => (bare, None),
    };
    let ip: IpAddr = bare.parse().ok()?;
    let fits = ip.is_ipv6() || (bare == host && scope.is_none());
    fits.then(|| (ip.to_canonical(), scope))
}

/// Whether an address says nothing without the interface that it belongs to.
const fn is_link_local(ip: &Ipv6Addr) -> bool {
    ip.is_unicast_link_local()
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tcp://{}", self.address)?;
        self.key.map_or(Ok(()), |key| write!(f, "|{key}"))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::new(address)
    }
}

/// The text is not an endpoint of the form `tcp://address:port` or `tcp://address:port|key`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "an endpoint is tcp://ADDRESS:PORT with a numeric address and scope, or tcp://ADDRESS:PORT|KEY, \
     not {0:?}"
)]
pub struct ParseEndpointError(String);

impl FromStr for Endpoint {
    type Err = ParseEndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (text, key) = split_key(text)?;
            let (host, port) = split(text)?;
            let (ip, scope) = address(host)?;
            let address = match (ip, scope) {
                (IpAddr::V6(ip), Some(scope)) => {
                    SocketAddrV6::new(ip, port, 0, scope.parse().ok()?).into()
                }
                (ip, _) => SocketAddr::new(ip, port),
            };
            Some(Self::new(address).with_key(key))
        };
        parse().ok_or_else(|| ParseEndpointError(text.chars().take(280).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announced_endpoints_of_deployed_nodes() {
        let source = SocketAddr::from(([10, 0, 0, 7], 1));
        let announced = |text: &str| {
            Endpoint::announced(text.as_bytes(), source).map(|endpoint| endpoint.to_string())
        };
        let at = |text: &str| Some(text.to_owned());
        assert_eq!(announced("tcp://10.77.0.1:49152"), at("tcp://10.77.0.1:49152"));
        assert_eq!(announced("tcp://laptop.local:49152"), at("tcp://10.0.0.7:49152"));
        assert_eq!(announced("tcp://0.0.0.0:49152"), at("tcp://10.0.0.7:49152"));
        assert_eq!(announced("tcp://[::]:49152"), at("tcp://10.0.0.7:49152"));
        assert_eq!(announced("tcp://*:49152"), at("tcp://10.0.0.7:49152"));
        assert_eq!(announced("tcp://fd00:88::1:49152"), at("tcp://[fd00:88::1]:49152"));
        assert_eq!(announced("tcp://[fd00:88::1]:49152"), at("tcp://[fd00:88::1]:49152"));
        assert_eq!(announced("tcp://::ffff:10.0.0.8:7"), at("tcp://10.0.0.8:7"));
        for bad in ["", "nonsense", "tcp://", "tcp://10.0.0.1", "tcp://a:0", "tcp://a:65536"] {
            assert_eq!(announced(bad), None, "{bad}");
        }
        assert_eq!(Endpoint::announced(b"tcp://\xff:1", source), None);
    }

    #[test]
    fn link_local_endpoints_are_where_they_are_heard() {
        let source = "[fe80::7%3]:50000".parse().unwrap();
        let forms = ["fe80::7", "[fe80::7]", "fe80::7%veth0", "[fe80::7%veth0]", "fe80::7%9"];
        for form in forms {
            let announced = Endpoint::announced(format!("tcp://{form}:49152").as_bytes(), source);
            assert_eq!(announced.map(|it| it.to_string()).unwrap(), "tcp://[fe80::7%3]:49152");
        }
        // By the other family the link is not known.
        let source = ([10, 0, 0, 7], 1).into();
        let announced = Endpoint::announced(b"tcp://fe80::7:49152", source).unwrap();
        assert_eq!(announced.to_string(), "tcp://[fe80::7]:49152");
        // A mapped address of a node without IPv6.
        let source = "[::ffff:10.0.0.7]:1".parse().unwrap();
        let announced = Endpoint::announced(b"tcp://*:49152", source).unwrap();
        assert_eq!(announced.to_string(), "tcp://10.0.0.7:49152");
    }

    #[test]
    fn what_is_written_can_be_read_by_all() {
        for (endpoint, wire) in [
            ("tcp://10.0.0.7:49152", "tcp://10.0.0.7:49152"),
            ("tcp://[fd00:88::1]:49152", "tcp://[fd00:88::1]:49152"),
            ("tcp://fd00:88::1:49152", "tcp://[fd00:88::1]:49152"),
            ("tcp://[fe80::7%3]:49152", "tcp://fe80::7:49152"),
        ] {
            assert_eq!(endpoint.parse::<Endpoint>().unwrap().wire_form(), wire);
        }
        let scoped: Endpoint = "tcp://[fe80::7%3]:49152".parse().unwrap();
        assert_eq!(scoped.to_string(), "tcp://[fe80::7%3]:49152");
        for bad in
            ["tcp://[10.0.0.7]:1", "tcp://10.0.0.7%3:1", "tcp://[fe80::7%eth0]:1", "tcp://a:1"]
        {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_endpoint_of_a_secure_node_has_its_key() {
        let key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
        let text = format!("tcp://10.0.0.7:49152|{key}");
        let endpoint: Endpoint = text.parse().unwrap();
        assert_eq!(endpoint.key(), key.parse().ok());
        assert_eq!(
            (endpoint.to_string(), endpoint.wire_form()),
            (text, "tcp://10.0.0.7:49152".to_owned())
        );
        let plain = endpoint.with_key(None);
        assert_eq!((plain.key(), plain.address()), (None, endpoint.address()));
        assert_ne!(plain, endpoint);
        for bad in ["|", "|x", &format!("|{key}|"), &format!("|{key}|{key}")] {
            assert!(format!("tcp://10.0.0.7:49152{bad}").parse::<Endpoint>().is_err(), "{bad}");
        }
    }
}
