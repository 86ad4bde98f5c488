//! One of the two nodes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use zyre::{Endpoint, Node, StartError, Stats};

use super::entry::Fact;
use super::journal::Journal;
use super::plan::NodePlan;
use super::ports::Ports;
use super::role::Role;

/// How long a port may still be in use,
const PATIENCE: Duration = Duration::from_secs(2);
/// and how often it is tried.
const LOOK: Duration = Duration::from_millis(5);

/// A node, and the task that hears what its application is told.
pub(super) struct Member {
    role: Role,
    node: Node,
    hearing: JoinHandle<()>,
}

impl Member {
    /// Starts a node that announces that it is at the relay.
    ///
    /// # Errors
    /// It cannot start.
    pub(super) async fn start(
        role: Role,
        plan: &NodePlan,
        ports: &Ports,
        relay: SocketAddr,
        journal: &Arc<Journal>,
    ) -> Result<Self, String> {
        let builder = Node::builder()
            .id(plan.id)
            .name(role.name())
            .interface(Ipv4Addr::LOCALHOST)
            .beacon_port(ports.beacon)
            .beacon_interval(plan.beacon_interval)
            .mailbox_port(ports.mailbox(role).port())
            .advertise_everywhere(Endpoint::new(relay));
        let begun = Instant::now();
        let (node, mut events) = loop {
            match builder.clone().start().await {
                Ok(started) => break started,
                // The node of the run before has ended, but its task may not have closed all.
                Err(StartError::PortInUse { .. }) if begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(LOOK).await;
                }
                Err(error) => return Err(format!("the {role} cannot start: {error}")),
            }
        };
        journal.add(Fact::Started(role));
        let journal = Arc::clone(journal);
        let hearing = tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                journal.add(Fact::Told(role, event.into()));
            }
        });
        Ok(Self { role, node, hearing })
    }

    /// Says who it is to the other one. What is refused is not heard there.
    pub(super) fn whisper(&self, to: &Self) {
        let _ = self.node.whisper(to.node.id(), self.words());
    }

    /// Returns what it whispers.
    pub(super) fn words(&self) -> &'static str {
        match self.role {
            Role::Chooser => "from the chooser",
            Role::Follower => "from the follower",
        }
    }

    pub(super) fn stats(&self) -> Stats {
        self.node.stats()
    }

    /// Ends the node at once.
    pub(super) async fn end(self) {
        self.node.abort();
        // It ends with the last event.
        let _ = self.hearing.await;
    }
}
