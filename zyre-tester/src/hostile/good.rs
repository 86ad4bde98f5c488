//! The good peers: ten nodes that talk to the victim and to each other all the time, and must not
//! notice anything. They have a runtime of their own, so that the attacker does not hold them up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use testkit::attacks::{GROUP, Good};
use testkit::file_flow::Folders;
use tokio::runtime::{Handle, Runtime};
use tokio::time::Instant;
use zyre::{Node, PeerId};

use super::flow::Found;
use super::member::Member;
use super::secrets::Secrets;
use super::shared::{Friend, PEERS, Shared};

/// The good peers. Dropping them stops them.
pub(super) struct Peers {
    runtime: Own,
    nodes: Vec<Node>,
    shared: Arc<Shared>,
}

impl Peers {
    /// Starts them. The first shares these folders.
    ///
    /// # Errors
    /// What went wrong.
    pub(super) async fn start(
        interface: &str,
        beacon_port: u16,
        secrets: Option<&Secrets>,
        folders: &Folders,
    ) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map(|runtime| Own(Some(runtime)))
            .map_err(|error| format!("no runtime for the good peers: {error}"))?;
        let handle = runtime.handle()?;
        let mut members = Vec::new();
        for number in 0..PEERS {
            let builder = Node::builder().name(format!("good {number}")).join("good");
            let builder = builder.interface(interface).beacon_port(beacon_port);
            // The first exchanges files with the victim as well.
            let builder = match number {
                0 => builder.share(&folders.shared, &folders.received),
                _ => builder,
            };
            let builder = match secrets {
                Some(secrets) => secrets.secure(number, builder)?,
                None => builder,
            };
            let started = handle.spawn(builder.start()).await;
            let started = started.map_err(|error| error.to_string())?;
            members.push(started.map_err(|error| format!("a good peer: {error}"))?);
        }
        let mates = members.iter().map(|(node, _)| node.id()).collect();
        let shared = Arc::new(Shared::new(mates));
        let nodes = members.iter().map(|(node, _)| node.clone()).collect();
        for (number, (node, events)) in members.into_iter().enumerate() {
            let member = Member::new(number, node, Arc::clone(&shared));
            handle.spawn(member.live(events));
        }
        Ok(Self { runtime, nodes, shared })
    }

    /// A node that is on the same interface as the victim.
    pub(super) fn first(&self) -> Option<&Node> {
        self.nodes.first()
    }

    /// Where something can run that the attacker must not hold up.
    ///
    /// # Errors
    /// Nowhere: they are about to stop.
    pub(super) fn handle(&self) -> Result<Handle, String> {
        self.runtime.handle()
    }

    /// What an attacker knows of them.
    pub(super) fn known(&self) -> Vec<Good> {
        let known = |(node, said): (&Node, &Arc<AtomicU64>)| {
            let mailbox = node.endpoint().address();
            Good { id: node.id(), mailbox, said: Arc::clone(said) }
        };
        self.nodes.iter().zip(&self.shared.said).map(known).collect()
    }

    /// From now on they talk to this one.
    pub(super) fn talk_to(&self, id: PeerId, echoes: bool) {
        *self.shared.victim() = Some(Friend { id, echoes });
        self.shared.flow().forget();
    }

    /// For a while they talk to nobody.
    pub(super) fn hush(&self) {
        *self.shared.victim() = None;
    }

    /// The id of the node at this address, by what it says of itself.
    ///
    /// # Errors
    /// No such node is met.
    pub(super) async fn who_is_at(
        &self,
        mailbox: SocketAddr,
        within: Duration,
    ) -> Result<PeerId, String> {
        let deadline = Instant::now() + within;
        let first = self.first().ok_or("there are no good peers")?;
        let is_there =
            |id: &PeerId| first.peer(*id).is_some_and(|info| info.endpoint.address() == mailbox);
        loop {
            if let Some(id) = first.peers().into_iter().find(is_there) {
                return Ok(id);
            }
            if Instant::now() > deadline {
                return Err(format!(
                    "no node at {mailbox} is heard: is it on this interface, with this beacon \
                     port? --id tells who it is"
                ));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until all know each other and this one, and it is in its group if it has one.
    pub(super) async fn know(&self, id: PeerId, grouped: bool, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        let knows = |node: &Node| {
            let peers = node.peers();
            let mates = self.shared.mates.iter().all(|m| *m == node.id() || peers.contains(m));
            mates && peers.contains(&id) && (!grouped || node.peers_in(GROUP).contains(&id))
        };
        while !self.nodes.iter().all(knows) {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        true
    }

    /// Waits until nothing is late, but not longer than it takes to be late.
    pub(super) async fn quiesce(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let usual = Duration::from_millis(50);
        while self.shared.flow().late(usual) > 0 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What was found since this was last asked.
    pub(super) fn found(&self, patience: Duration) -> Found {
        self.shared.flow().take(patience)
    }

    /// The victim says that it has lost a peer. It counts if that is one of these.
    pub(super) fn lost_by_victim(&self) -> impl Fn(PeerId, &str) + Send + 'static {
        let shared = Arc::clone(&self.shared);
        move |id, why| {
            if let Some(number) = shared.mates.iter().position(|mate| *mate == id) {
                shared.flow().exit(format!("the victim lost good {number}: {why}"));
            }
        }
    }
}

/// A runtime that may be dropped by a task of another one.
struct Own(Option<Runtime>);

impl Own {
    fn handle(&self) -> Result<Handle, String> {
        let handle = self.0.as_ref().map(|runtime| runtime.handle().clone());
        handle.ok_or_else(|| "the runtime of the good peers has ended".into())
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
