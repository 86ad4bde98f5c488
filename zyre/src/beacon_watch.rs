//! Hears beacons without being a node: for tools that diagnose a network.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};

use zre_proto::PeerId;

use crate::beacon::{BeaconListener, Heard};
use crate::interface::{Choices, links};

/// Hears the beacons of all nodes that use a port, on all networks of this host, and sends nothing.
///
/// ```no_run
/// # async fn f() -> std::io::Result<()> {
/// let mut watch = zyre::BeaconWatch::open(zyre::BEACON_PORT)?;
/// loop {
///     let heard = watch.next().await;
///     println!("{} at {}, mailbox port {}", heard.peer, heard.source, heard.mailbox_port);
/// }
/// # }
/// ```
pub struct BeaconWatch {
    listener: BeaconListener,
    /// Beacons that came together.
    waiting: VecDeque<Heard>,
}

/// A beacon that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeardBeacon {
    /// The node that it speaks of.
    pub peer: PeerId,
    /// Where it has come from.
    pub source: SocketAddr,
    /// The TCP port of the node's mailbox, at that address; 0: the node says goodbye.
    pub mailbox_port: u16,
    /// Whether it is that of a secure node.
    pub is_secure: bool,
    /// The key that it tells.
    #[cfg(feature = "curve")]
    pub key: Option<crate::PublicKey>,
    /// The index of the interface that it came in by, if the system tells.
    pub interface: Option<u32>,
    /// The address that it was sent to, mostly a broadcast or multicast address, if the system tells.
    pub destination: Option<IpAddr>,
}

impl BeaconWatch {
    /// Begins to hear beacons that are sent to this UDP port, also where nodes of this host use it. To be
    /// called inside a tokio runtime.
    ///
    /// # Errors
    /// Errors of the kernel: for instance if a program has the port that does not share it.
    ///
    /// # Panics
    /// Outside of a tokio runtime, or in one that was built without I/O.
    pub fn open(port: u16) -> io::Result<Self> {
        let mut listener = BeaconListener::bind(port)?;
        let places = Choices::default().look(&[])?.places;
        // An interface on which no group can be joined has no multicast to hear.
        listener.listen_on(&links(&places));
        Ok(Self { listener, waiting: VecDeque::new() })
    }

    /// Waits for the next beacon. Safe to cancel: no beacon is lost.
    pub async fn next(&mut self) -> HeardBeacon {
        loop {
            if let Some(heard) = self.waiting.pop_front() {
                return heard.into();
            }
            self.waiting.extend(self.listener.next().await);
        }
    }
}

impl From<Heard> for HeardBeacon {
    fn from(heard: Heard) -> Self {
        let Heard { beacon, source, interface, destination } = heard;
        Self {
            peer: beacon.peer,
            source,
            mailbox_port: beacon.port,
            is_secure: beacon.public_key.is_some(),
            #[cfg(feature = "curve")]
            key: beacon.public_key.and_then(|key| key.try_into().ok()),
            interface,
            destination,
        }
    }
}

impl std::fmt::Debug for BeaconWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BeaconWatch").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}
