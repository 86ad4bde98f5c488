//! The options of every command that starts a node.

use std::error::Error;
use std::net::SocketAddr;
use std::str::FromStr;

use clap::Args;
use zyre::{BEACON_PORT, Builder, HostEndpoint, Level, NETWORK_BEACON_PORT, Node, PeerId, Trust};

use crate::security::Security;

/// Where a node meets others.
#[derive(Args)]
pub(crate) struct Network {
    /// Interface: a name, or one address of it. May be given several times. Default: all but
    /// loopback. In the environment they are separated by commas.
    #[arg(long, value_name = "NAME|ADDRESS", env = "ZYRE_INTERFACE", value_delimiter = ',')]
    interface: Vec<String>,
    /// Interface to keep off. May be given several times.
    #[arg(long, value_name = "NAME|ADDRESS")]
    except: Vec<String>,
    /// UDP port of the beacon; only nodes with the same port meet. Default: 5670, and 5669 with
    /// `--network`.
    #[arg(long, env = "ZYRE_PORT")]
    port: Option<u16>,
    /// Send no beacons and hear none: meet only those that one of both has been told of.
    #[arg(long)]
    no_beacon: bool,
    /// Meet any node at this endpoint, or only the node with this id; an address or a host name. May
    /// be given several times.
    #[arg(long, value_name = "[ID@]HOST:PORT[|KEY]")]
    require: Vec<Required>,
    /// TCP port of the mailbox, to which others connect. Default: the first free one from 49152 up.
    #[arg(long, value_name = "PORT")]
    mailbox: Option<u16>,
    /// Be a gossip hub at this address: others connect to it and are told of all. May be given
    /// several times.
    #[arg(long, value_name = "ADDRESS:PORT")]
    gossip_listen: Vec<SocketAddr>,
    /// Connect to a gossip hub, `HOST:PORT`, which tells of nodes that no beacon reaches; to a secure
    /// one by its key, `HOST:PORT|KEY`. May be given several times.
    #[arg(long, value_name = "HUB")]
    gossip_connect: Vec<HostEndpoint>,
    /// Keep no log for collectors, such as `zyre-logger meter`.
    #[arg(long)]
    no_log: bool,
    #[command(flatten)]
    security: Security,
}

/// An endpoint that is required, and the id that has to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Required {
    endpoint: HostEndpoint,
    peer: Option<PeerId>,
}

impl FromStr for Required {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (peer, endpoint) = match text.split_once('@') {
            Some((id, endpoint)) => {
                let peer = id.parse::<PeerId>().map_err(|error| error.to_string())?;
                (Some(peer), endpoint)
            }
            None => (None, text),
        };
        let endpoint = endpoint.parse::<HostEndpoint>().map_err(|error| error.to_string())?;
        Ok(Self { endpoint, peer })
    }
}

impl Network {
    /// Returns the builder of a node on this network.
    pub(crate) fn builder(&self) -> Result<Builder, Box<dyn Error>> {
        self.builder_that_trusts(None)
    }

    /// Returns the builder of a node on this network that trusts others besides.
    pub(crate) fn builder_that_trusts(
        &self,
        more: Option<Trust>,
    ) -> Result<Builder, Box<dyn Error>> {
        let mut builder = Node::builder().beacon(!self.no_beacon);
        if let Some((identity, trust)) = self.security.read(more)? {
            builder = builder.secure(identity, trust);
        }
        if !self.no_log {
            builder = builder.logging(Level::Info);
        }
        if let Some(port) = self.port {
            builder = builder.beacon_port(port);
        }
        for interface in &self.interface {
            builder = builder.interface(interface.as_str());
        }
        for interface in &self.except {
            builder = builder.except(interface.as_str());
        }
        if let Some(port) = self.mailbox {
            builder = builder.mailbox_port(port);
        }
        for Required { endpoint, peer } in self.require.clone() {
            builder = match peer {
                Some(peer) => builder.require_peer(peer, endpoint),
                None => builder.require_endpoint(endpoint),
            };
        }
        for address in &self.gossip_listen {
            builder = builder.gossip_listen(*address);
        }
        for hub in self.gossip_connect.clone() {
            builder = builder.gossip_connect(hub);
        }
        Ok(builder)
    }

    /// Returns the UDP port of the beacon.
    pub(crate) fn beacon_port(&self) -> u16 {
        let default = if self.security.has_network() { NETWORK_BEACON_PORT } else { BEACON_PORT };
        self.port.unwrap_or(default)
    }

    /// Returns whether beacons are sent and heard.
    pub(crate) const fn has_beacons(&self) -> bool {
        !self.no_beacon
    }

    /// Returns whether the node is a secure one.
    pub(crate) const fn is_secure(&self) -> bool {
        self.security.is_asked_for()
    }

    /// Returns whether the user chose an interface.
    pub(crate) fn has_interface(&self) -> bool {
        !self.interface.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_may_come_with_an_id() {
        const ID: &str = "5eed0000000040008000000000000007";
        let endpoint: HostEndpoint = "host.example:7".parse().unwrap();
        let peer = Some(ID.parse().unwrap());
        let with_id = format!("{ID}@host.example:7").parse();
        assert_eq!(with_id, Ok(Required { endpoint: endpoint.clone(), peer }));
        assert_eq!("tcp://host.example:7".parse(), Ok(Required { endpoint, peer: None }));
        for wrong in ["", "host", "7@host:7", "@host:7", &format!("{ID}@")] {
            assert!(wrong.parse::<Required>().is_err(), "{wrong}");
        }
    }
}
