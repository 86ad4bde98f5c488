//! The options of every command that starts a node.

use std::net::SocketAddr;

use clap::Args;
use zyre::{Builder, Node};

/// Where a node meets others.
#[derive(Args)]
pub(crate) struct Network {
    /// Interface: a name, or one address of it. May be given several times. Default: all but
    /// loopback.
    #[arg(long, value_name = "NAME|ADDRESS")]
    interface: Vec<String>,
    /// Interface to keep off. May be given several times.
    #[arg(long, value_name = "NAME|ADDRESS")]
    except: Vec<String>,
    /// UDP port of the beacon; only nodes with the same port meet.
    #[arg(long, default_value_t = zyre::BEACON_PORT)]
    port: u16,
    /// Be a gossip hub at this address: others connect to it and are told of all. May be given
    /// several times.
    #[arg(long, value_name = "ADDRESS:PORT")]
    gossip_listen: Vec<SocketAddr>,
    /// Connect to a gossip hub, which tells of nodes that no beacon reaches. May be given several
    /// times.
    #[arg(long, value_name = "tcp://HOST:PORT")]
    gossip_connect: Vec<String>,
}

impl Network {
    /// Returns the builder of a node on this network.
    pub(crate) fn builder(&self) -> Builder {
        let mut builder = Node::builder().beacon_port(self.port);
        for interface in &self.interface {
            builder = builder.interface(interface.as_str());
        }
        for interface in &self.except {
            builder = builder.except(interface.as_str());
        }
        for address in &self.gossip_listen {
            builder = builder.gossip_listen(*address);
        }
        for hub in &self.gossip_connect {
            builder = builder.gossip_connect(hub);
        }
        builder
    }

    /// Returns whether the user chose an interface.
    pub(crate) fn has_interface(&self) -> bool {
        !self.interface.is_empty()
    }
}
