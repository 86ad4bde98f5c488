//! Where and how nodes are started.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use zmtp::sync::Mutex;

use super::circle::{Circle, NetworkKeys};
use super::clock::Clock;
use super::kinds::Kind;
use super::protocol::{Report, Tally};

/// Where and how nodes of this process are started.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) interface: String,
    pub(super) port: u16,
    /// Nodes record a log.
    pub(super) logged: bool,
    /// Nodes find each other by a gossip hub, at this address.
    pub(super) hub: Option<SocketAddr>,
    /// The network keys, if there are secure nodes.
    pub(super) network_keys: Option<NetworkKeys>,
    /// There are nodes of the release before.
    pub(super) mixed: bool,
    pub(super) clock: Clock,
    pub(super) reports: Sender<Report>,
    /// Messages of all nodes of this process since they were last told of.
    pub(super) tally: Arc<Mutex<Tally>>,
}

impl Setting {
    pub(super) fn report(&self, report: Report) {
        // Nobody listens any more: the process ends.
        let _ = self.reports.send(report);
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Tally)) {
        count(&mut self.tally.lock());
    }
}

/// One node to be.
pub(super) struct Birth {
    pub(super) slot: usize,
    pub(super) name: String,
    pub(super) seed: u64,
    pub(super) kind: Kind,
    pub(super) circle: Circle,
    /// Drops some events before they are checked, to show that the checks see it.
    pub(super) sabotaged: bool,
}
