//! A node and its network: times, static peers, gossip, interfaces, trust, the log, and what is counted.

use std::net::SocketAddr;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use zyre::{GossipError, HubState};

use crate::errors;
use crate::from_python::{Id, Place, Seconds};
use crate::node::Node;
use crate::records::{make, record};
use crate::secure::PublicKey;
use crate::settings::level;
use crate::to_python::ToPython as _;

fn gossip_failed(error: GossipError) -> PyErr {
    match error {
        GossipError::Stopped => errors::stopped(),
        error => errors::GossipError::new_err(error.to_string()),
    }
}

#[pymethods]
impl Node {
    /// Where peers reach the node's mailbox.
    #[getter]
    fn endpoint(&self) -> PyResult<String> {
        Ok(self.node()?.endpoint().to_string())
    }

    /// All endpoints of the node's mailbox.
    #[getter]
    fn endpoints<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.node()?.endpoints().to_python(py)
    }

    /// Returns the interfaces of this host, those that the node uses and the others, with the reason.
    fn interfaces<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let interfaces = self.node()?.interfaces();
        let record = |it: &zyre::Interface| {
            record!(
                py,
                "Interface",
                it,
                [name, addresses, prefixes, used, broadcasts, unused, unsent]
            )
        };
        interfaces.iter().map(record).collect()
    }

    /// Returns the connections of the node that are up.
    fn connections<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let connections = self.node()?.connections();
        let record =
            |it: &zyre::ConnectionInfo| record!(py, "Connection", it, [peer, remote, dialled]);
        connections.iter().map(record).collect()
    }

    /// Sets how long a peer may not be heard until it is evasive, in seconds.
    fn set_evasive_timeout(&self, seconds: Seconds) -> PyResult<()> {
        self.node()?.set_evasive_timeout(seconds.0).map_err(errors::refused)
    }

    /// Sets how long an evasive peer may not answer until it is silent, in seconds.
    fn set_silent_timeout(&self, seconds: Seconds) -> PyResult<()> {
        self.node()?.set_silent_timeout(seconds.0).map_err(errors::refused)
    }

    /// Sets how long a peer may not be heard until it is given up, in seconds.
    fn set_expired_timeout(&self, seconds: Seconds) -> PyResult<()> {
        self.node()?.set_expired_timeout(seconds.0).map_err(errors::refused)
    }

    /// Sets the time from beacon to beacon, in seconds.
    fn set_beacon_interval(&self, seconds: Seconds) -> PyResult<()> {
        self.node()?.set_beacon_interval(seconds.0).map_err(errors::refused)
    }

    /// Connects to a node that no beacon tells of, again and again: to the one with this id if it is given,
    /// or else to any node at the endpoint, `host:port`.
    #[pyo3(signature = (endpoint, peer=None))]
    fn require(&self, endpoint: Place, peer: Option<Id>) -> PyResult<()> {
        let node = self.node()?;
        let required = match peer {
            Some(peer) => node.require_peer(peer.0, endpoint.0),
            None => node.require_endpoint(endpoint.0),
        };
        required.map_err(errors::refused)
    }

    /// Takes back what was required at an endpoint, or of a peer. Who is present stays.
    #[pyo3(signature = (*, endpoint=None, peer=None))]
    fn forget(&self, endpoint: Option<Place>, peer: Option<Id>) -> PyResult<()> {
        let node = self.node()?;
        match (endpoint, peer) {
            (Some(endpoint), None) => node.forget_endpoint(endpoint.0),
            (None, Some(peer)) => node.forget_peer(peer.0),
            _ => return Err(PyTypeError::new_err("forget takes an endpoint or a peer")),
        }
        .map_err(errors::refused)
    }

    /// Returns what is required, and how far it is with each.
    fn required<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let required = self.node()?.required();
        let record = |it: &zyre::RequirementInfo| {
            record!(py, "Requirement", it, [endpoint, peer, is_present, problem])
        };
        required.iter().map(record).collect()
    }

    /// Makes the node a gossip hub at one more address, `ip:port`. Returns the address, with its port.
    fn gossip_listen(&self, address: &str) -> PyResult<String> {
        let address: SocketAddr = address.parse().map_err(errors::value)?;
        let bound = self.node()?.gossip_listen(address).map_err(gossip_failed)?;
        Ok(bound.to_string())
    }

    /// Connects to one more gossip hub, `host:port`.
    fn gossip_connect(&self, hub: Place) -> PyResult<()> {
        self.node()?.gossip_connect(hub.0).map_err(gossip_failed)
    }

    /// Returns how gossip is: where this node listens, its clients, and which hubs are connected.
    fn gossip<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let status = self.node()?.gossip();
        let hub = |hub: &zyre::Hub| {
            let (address, problem) = match &hub.state {
                HubState::Connected(address) => (Some(*address), None),
                HubState::Connecting(problem) => (None, problem.clone()),
                _ => (None, None),
            };
            let fields = PyDict::new(py);
            fields.set_item("endpoint", hub.endpoint.to_string())?;
            fields.set_item("address", address.to_python(py)?)?;
            fields.set_item("problem", problem.to_python(py)?)?;
            make(py, "Hub", &fields)
        };
        let hubs = status.hubs.iter().map(hub).collect::<PyResult<Vec<_>>>()?;
        let fields = PyDict::new(py);
        fields.set_item("listening", status.listening.to_python(py)?)?;
        fields.set_item("clients", status.clients)?;
        fields.set_item("hubs", hubs)?;
        fields.set_item("tuples", status.tuples)?;
        let stats = record!(
            py,
            "GossipStats",
            status.stats,
            [received, sent, tuples, useless, own, refused, unused, malformed]
        )?;
        fields.set_item("stats", stats)?;
        make(py, "Gossip", &fields)
    }

    /// The node's key, if it is a secure one.
    #[getter]
    fn key(&self) -> PyResult<Option<PublicKey>> {
        Ok(self.node()?.key().map(PublicKey::from))
    }

    /// Returns the key that a peer has proved; `None` if it is not present, or this node is not a secure one.
    fn peer_key(&self, peer: Id) -> PyResult<Option<PublicKey>> {
        Ok(self.node()?.peer_key(peer.0).map(PublicKey::from))
    }

    /// Trusts a key from now on, also if it was distrusted before.
    fn trust(&self, key: PublicKey) -> PyResult<()> {
        self.node()?.trust(key.get());
        Ok(())
    }

    /// Trusts the first key that is heard from now on, or was asked about lately, and has these six words.
    fn trust_words(&self, words: &str) -> PyResult<()> {
        self.node()?.trust_words(words.parse().map_err(errors::value)?);
        Ok(())
    }

    /// Does not trust a key any more: all peers that have it exit at once.
    fn distrust(&self, key: PublicKey) -> PyResult<()> {
        self.node()?.distrust(key.get());
        Ok(())
    }

    /// Records in the log what is of this level (`"error"`, `"warning"`, `"info"`) or more urgent, for
    /// collectors on the network; `None`: nothing.
    fn set_logging(&self, level: Option<&str>) -> PyResult<()> {
        self.node()?.set_logging(level.map(self::level).transpose()?);
        Ok(())
    }

    /// Records a line of the application's own, if logging is on for its level.
    fn log(&self, level: &str, text: String) -> PyResult<()> {
        self.node()?.log(self::level(level)?, text);
        Ok(())
    }

    /// Returns what was counted since the start.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let stats = self.node()?.stats();
        let protocol = record!(
            py,
            "ProtocolStats",
            stats.protocol,
            [
                sent,
                received,
                hellos_sent,
                hellos_received,
                pings_sent,
                dials,
                dials_failed,
                two_way,
                own,
                other_security,
                key_conflicts,
                candidates_refused,
                foreign,
                malformed,
                before_hello,
                intruding,
                spares_refused,
                unused,
                leaders_disputed,
                not_member,
                overflows
            ]
        )?;
        let network = record!(
            py,
            "NetworkStats",
            stats.network,
            [
                beacons,
                strangers,
                beacons_unsent,
                connections,
                connections_foreign,
                connections_broken,
                connections_idle,
                handshakes_failed
            ]
        )?;
        let log = record!(py, "LogStats", stats.log, [recorded, dropped, collectors])?;
        let fields = PyDict::new(py);
        fields.set_item("protocol", protocol)?;
        fields.set_item("network", network)?;
        fields.set_item("log", log)?;
        make(py, "Stats", &fields)
    }
}

/// An address of this host: the interface, the address, the mask and the broadcast address, if it has one.
type HostAddress = (String, String, String, Option<String>);

/// Returns the addresses of this host.
#[pyfunction]
#[pyo3(name = "_host_addresses")]
pub(crate) fn host_addresses() -> PyResult<Vec<HostAddress>> {
    let found = if_addrs::get_if_addrs()?.into_iter().map(|interface| match interface.addr {
        if_addrs::IfAddr::V4(it) => {
            let broadcast = it.broadcast.map(|broadcast| broadcast.to_string());
            (interface.name, it.ip.to_string(), it.netmask.to_string(), broadcast)
        }
        if_addrs::IfAddr::V6(it) => {
            (interface.name, it.ip.to_string(), it.netmask.to_string(), None)
        }
    });
    Ok(found.collect())
}
