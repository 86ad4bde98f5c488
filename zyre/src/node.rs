//! The handle of a node.

use std::fmt;
use std::sync::Arc;

use zre_proto::{Action, Content, Endpoint, Engine, Input, PeerId, PeerInfo, Refused};

use crate::driver::Driver;
use crate::interface::Interface;
use crate::network::NetworkStats;
use crate::{Builder, Events, StartError};

/// A node on the network. Clones are handles of the same node; it stops when the last is dropped.
///
/// All functions but [`stop`](Self::stop) return at once, and may be called from async code and
/// from plain threads alike. Sending never waits: what a peer does not take at once is queued for
/// it, and a peer whose queue is full is given up (see [`Limits`](crate::Limits)).
#[derive(Clone)]
pub struct Node {
    shared: Arc<Shared>,
}

/// What the handles of a node share. The node's own tasks do not have it.
struct Shared {
    id: PeerId,
    name: String,
    driver: Arc<Driver>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.driver.stop_now();
    }
}

/// What a node has counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Messages and peers.
    pub protocol: zre_proto::Stats,
    /// Beacons and connections.
    pub network: NetworkStats,
}

impl Node {
    /// Sets up a node.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Starts a node with all defaults. Short for `Node::builder().start()`.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start() -> Result<(Self, Events), StartError> {
        Self::builder().start().await
    }

    pub(crate) fn new(id: PeerId, name: String, driver: Arc<Driver>) -> Self {
        Self { shared: Arc::new(Shared { id, name, driver }) }
    }

    /// The node's id: new for every start.
    pub fn id(&self) -> PeerId {
        self.shared.id
    }

    /// The node's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Where peers reach the node's mailbox. Changes when the node moves to another interface.
    pub fn endpoint(&self) -> Endpoint {
        self.ask(Engine::endpoint)
    }

    /// The interface that the node is on now.
    pub fn interface(&self) -> Interface {
        self.shared.driver.interface()
    }

    /// Joins a group: all peers are told, and SHOUTs to the group arrive. Nothing happens if the
    /// node is in it. Group names are case sensitive.
    ///
    /// # Errors
    /// [`TooLong`](Refused::TooLong), [`HelloTooLarge`](Refused::HelloTooLarge),
    /// [`Stopped`](Refused::Stopped).
    pub fn join(&self, group: &str) -> Result<(), Refused> {
        self.act(Action::Join(group))
    }

    /// Leaves a group: all peers are told, and SHOUTs to the group are no longer heard. Nothing
    /// happens if the node is not in it.
    ///
    /// # Errors
    /// [`TooLong`](Refused::TooLong), [`Stopped`](Refused::Stopped).
    pub fn leave(&self, group: &str) -> Result<(), Refused> {
        self.act(Action::Leave(group))
    }

    /// Sends to one peer. `Ok` means accepted: the peer gets it unless it EXITs before.
    ///
    /// # Errors
    /// [`UnknownPeer`](Refused::UnknownPeer), [`NoFrames`](Refused::NoFrames),
    /// [`ContentTooLarge`](Refused::ContentTooLarge), [`Stopped`](Refused::Stopped).
    pub fn whisper(&self, peer: PeerId, content: impl Into<Content>) -> Result<(), Refused> {
        self.act(Action::Whisper { peer, content: content.into() })
    }

    /// Sends to all peers in a group; the node itself need not be in it, and does not hear it.
    /// A group without members is no error.
    ///
    /// # Errors
    /// [`TooLong`](Refused::TooLong), [`NoFrames`](Refused::NoFrames),
    /// [`ContentTooLarge`](Refused::ContentTooLarge), [`Stopped`](Refused::Stopped).
    pub fn shout(&self, group: &str, content: impl Into<Content>) -> Result<(), Refused> {
        self.act(Action::Shout { group, content: content.into() })
    }

    /// The peers that are present, in the order of their ids.
    pub fn peers(&self) -> Vec<PeerId> {
        self.ask(|engine| engine.peers().collect())
    }

    /// The peers in a group, in the order of their ids. This node is not among them.
    pub fn peers_in(&self, group: &str) -> Vec<PeerId> {
        self.ask(|engine| engine.peers_in(group).collect())
    }

    /// The groups this node is in, in the order of their names.
    pub fn own_groups(&self) -> Vec<Arc<str>> {
        self.ask(|engine| engine.own_groups().cloned().collect())
    }

    /// The groups that peers are in, in the order of their names.
    pub fn peer_groups(&self) -> Vec<Arc<str>> {
        self.ask(|engine| engine.peer_groups().cloned().collect())
    }

    /// What is known of a peer: its name, headers, endpoint, groups, and how alive it seems.
    /// `None` if it is not present.
    pub fn peer(&self, id: PeerId) -> Option<PeerInfo> {
        self.ask(|engine| engine.peer(id))
    }

    /// Sets what the node says about itself. Peers that it meets from now on will see it; those
    /// that it has met will not.
    ///
    /// # Errors
    /// [`TooLong`](Refused::TooLong), [`HelloTooLarge`](Refused::HelloTooLarge),
    /// [`Stopped`](Refused::Stopped).
    pub fn set_header(&self, name: &str, value: &str) -> Result<(), Refused> {
        self.act(Action::SetHeader { name, value })
    }

    /// Connects to a node that no beacon tells of, and again whenever it is not there, until this
    /// node stops.
    ///
    /// # Errors
    /// [`OwnPeer`](Refused::OwnPeer), [`TooManyPeers`](Refused::TooManyPeers),
    /// [`Stopped`](Refused::Stopped).
    pub fn require_peer(&self, peer: PeerId, endpoint: Endpoint) -> Result<(), Refused> {
        self.act(Action::Require { peer, endpoint })
    }

    /// What was counted since the start.
    pub fn stats(&self) -> Stats {
        let network = self.shared.driver.network_stats();
        Stats { protocol: self.ask(Engine::stats), network }
    }

    /// Stops the node, for all its handles. What was accepted for sending is sent, for up to a
    /// second; then peers are told goodbye. The last event is [`Event::Stop`](crate::Event::Stop).
    ///
    /// Once begun it goes on, even if this future is dropped. Stopping twice waits for the same
    /// end.
    ///
    /// Dropping the last handle stops the node as well, but what the kernel does not take at once
    /// is lost.
    pub async fn stop(&self) {
        self.shared.driver.stop().await;
    }

    /// Ends the node at once and without a word, for all its handles, as if its process had been
    /// killed: what is queued is lost, and peers see their connections to it end. The last event is
    /// [`Event::Stop`](crate::Event::Stop). For tests of what becomes of the others.
    pub fn abort(&self) {
        self.shared.driver.abort();
    }

    fn act(&self, action: Action<'_>) -> Result<(), Refused> {
        self.shared.driver.handle(Input::Action(action))
    }

    fn ask<R>(&self, question: impl FnOnce(&Engine) -> R) -> R {
        self.shared.driver.ask(question)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("id", &self.id()).field("name", &self.name()).finish()
    }
}
