//! The handle of a node.

use std::fmt;
use std::sync::Arc;

use zre_proto::{Action, Content, Endpoint, Engine, Input, PeerId, PeerInfo, Refused};

use crate::driver::Driver;
use crate::interface::Interface;
use crate::network::NetworkStats;
use crate::{Builder, Events, Level, LogStats, StartError};

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
    #[cfg(feature = "files")]
    files: Option<crate::files::Files>,
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
    /// The log.
    pub log: LogStats,
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

    pub(crate) fn new(
        id: PeerId,
        name: String,
        driver: Arc<Driver>,
        #[cfg(feature = "files")] files: Option<crate::files::Files>,
    ) -> Self {
        let shared = Shared {
            id,
            name,
            driver,
            #[cfg(feature = "files")]
            files,
        };
        Self { shared: Arc::new(shared) }
    }

    /// The node's id: new for every start, unless [`Builder::id`] was given one.
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

    /// Publishes a file, or a folder with all that is in it, to everybody: each peer that shares
    /// files gets it, those who come later too, and it is sent again when it changes. `name` is what
    /// it is called on the network, as in `/photos/a.jpg`; publishing a name again replaces it. It is
    /// read when it is sent, not copied. Returns when it is known to be readable; a folder is looked
    /// through before.
    ///
    /// # Errors
    /// See [`ShareError`](crate::ShareError).
    #[cfg(feature = "files")]
    pub async fn publish(
        &self,
        path: impl AsRef<std::path::Path>,
        name: &str,
    ) -> Result<(), crate::ShareError> {
        self.files()?.publish(path.as_ref(), name, filemq::Audience::Everyone).await
    }

    /// Like [`publish`](Self::publish), but only to members of a group: those who join later get it
    /// then, those who have left get no changes any more, and keep what they have. This node need not
    /// be in the group.
    ///
    /// Who is a member is what a peer says of itself; this is no secret kept from others on the
    /// network.
    ///
    /// # Errors
    /// See [`ShareError`](crate::ShareError).
    #[cfg(feature = "files")]
    pub async fn publish_to(
        &self,
        group: &str,
        path: impl AsRef<std::path::Path>,
        name: &str,
    ) -> Result<(), crate::ShareError> {
        let audience = filemq::Audience::Tagged(group.into());
        self.files()?.publish(path.as_ref(), name, audience).await
    }

    /// Takes back what was published under `name`: it is gone at those who have it. False: nothing was.
    ///
    /// # Errors
    /// See [`ShareError`](crate::ShareError).
    #[cfg(feature = "files")]
    pub async fn retract(&self, name: &str) -> Result<bool, crate::ShareError> {
        self.files()?.retract(name).await
    }

    #[cfg(feature = "files")]
    fn files(&self) -> Result<&crate::files::Files, crate::ShareError> {
        self.shared.files.as_ref().ok_or(crate::ShareError::NotSharing)
    }

    /// Records in the log what is of this level or more urgent, from now on; `None`: nothing, and
    /// nothing is sent to collectors. Does nothing on a node that has stopped. See
    /// [`Builder::logging`](crate::Builder::logging).
    pub fn set_logging(&self, level: Option<Level>) {
        self.shared.driver.set_logging(level);
    }

    /// Records every message that is sent and received as well, or not. See
    /// [`Builder::log_messages`](crate::Builder::log_messages).
    pub fn set_log_messages(&self, messages: bool) {
        self.shared.driver.log.set_messages(messages);
    }

    /// Records a line of the application's own, if logging is on for its level. At most 255 octets
    /// travel; longer text is cut.
    pub fn log(&self, level: Level, text: impl Into<String>) {
        self.shared.driver.log.say(level, || text.into());
    }

    /// A layer for [`tracing_subscriber`] by which the application's own `tracing` events become
    /// lines of the log: ERROR, WARN and INFO, as `target: message field=value`, if logging is on for
    /// their level. DEBUG and TRACE are not taken, nor what the crates of this library say. When the
    /// node has stopped it does nothing.
    ///
    /// ```no_run
    /// use tracing_subscriber::layer::SubscriberExt;
    /// use tracing_subscriber::util::SubscriberInitExt;
    ///
    /// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
    /// let (node, _events) = zyre::Node::builder().logging(zyre::Level::Info).start().await?;
    /// tracing_subscriber::registry().with(node.tracing_layer()).init();
    /// tracing::warn!(free = 17, "the disk is nearly full");
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tracing-layer")]
    pub fn tracing_layer<S>(&self) -> impl tracing_subscriber::Layer<S> + Send + Sync + use<S>
    where
        S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    {
        crate::log::layer(&self.shared.driver.log)
    }

    /// What was counted since the start.
    pub fn stats(&self) -> Stats {
        let network = self.shared.driver.network_stats();
        let log = self.shared.driver.log.stats();
        Stats { protocol: self.ask(Engine::stats), network, log }
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
