//! A beacon, and where it has come from.

use std::net::{IpAddr, SocketAddr};

use zre_proto::Beacon;

/// A beacon that was heard.
pub(crate) struct Heard {
    pub(crate) beacon: Beacon,
    pub(crate) source: SocketAddr,
    /// The index of the interface that it came in by, if the system tells.
    pub(crate) interface: Option<u32>,
    /// Where it was sent, if the system tells.
    pub(crate) destination: Option<IpAddr>,
}
