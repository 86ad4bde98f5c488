//! Which node was where, and when.

/// A node at an endpoint, from when to when, as the collector's own node saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInterval {
    /// The correlation id of the endpoint.
    pub correlation: u16,
    /// The endpoint, such as `tcp://192.168.1.7:49152`.
    pub endpoint: String,
    /// The id, 32 hexadecimal digits. New for every start of a node.
    pub peer: String,
    /// The name for people.
    pub name: String,
    /// When it entered, in microseconds since 1970.
    pub first: i64,
    /// When it was last known to be there.
    pub last: i64,
}

impl NodeInterval {
    /// Returns how far a moment is from the interval; 0 within it.
    pub(crate) const fn distance(&self, at: i64) -> i64 {
        if at < self.first {
            self.first.saturating_sub(at)
        } else if at > self.last {
            at.saturating_sub(self.last)
        } else {
            0
        }
    }

    /// Returns the address of its endpoint, without the port.
    pub(crate) fn host(&self) -> &str {
        host(&self.endpoint)
    }
}

/// Returns the address of an endpoint as lines have it: without the port, and bare.
pub(crate) fn host(endpoint: &str) -> &str {
    let address = endpoint.strip_prefix("tcp://").unwrap_or(endpoint);
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let bare = host.trim_matches(['[', ']']);
    bare.split_once('%').map_or(bare, |(bare, _scope)| bare)
}

#[cfg(test)]
mod tests {
    use super::NodeInterval;

    #[test]
    fn the_host_is_an_address_as_lines_have_it() {
        for (endpoint, host) in [
            ("tcp://10.0.0.1:49152", "10.0.0.1"),
            ("tcp://[fd00::1]:49152", "fd00::1"),
            ("tcp://[fe80::1%3]:49152", "fe80::1"),
        ] {
            let (name, peer) = Default::default();
            let endpoint = endpoint.to_owned();
            let interval = NodeInterval { correlation: 0, endpoint, peer, name, first: 0, last: 0 };
            assert_eq!(interval.host(), host);
        }
    }
}
