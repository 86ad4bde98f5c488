//! The handle of a node.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use zmtp::sync::Mutex;
use zre_proto::{
    Action, ActionError, Content, Endpoint, Engine, HostEndpoint, PeerId, PeerInfo, RequirementInfo,
};

use crate::Level;
use crate::blocking;
use crate::connection_info::ConnectionInfo;
use crate::driver::Driver;
use crate::flow::Room;
use crate::gossip::{Gossip, GossipError, GossipStatus};
use crate::interface::Interface;
use crate::pulse::Patience;
use crate::stats::Stats;
use crate::{mechanism, secure};

/// A node on the network. Clones are handles of the same node; it stops when the last is dropped.
///
/// All functions but [`stop`](Self::stop) and those that wait until a peer is ready return at once,
/// and may be called from async code and from plain threads alike. Sending never waits: what a peer
/// does not take at once is queued for it. When much is queued, a WHISPER is refused: to send
/// more than a network carries, wait until the peer is [`ready`](Self::ready).
#[derive(Clone)]
pub struct Node {
    shared: Arc<Shared>,
}

/// What the handles of a node share. The node's own tasks do not have it.
struct Shared {
    id: PeerId,
    name: String,
    driver: Arc<Driver>,
    gossip: Gossip,
    /// Of threads that send.
    patience: Mutex<Patience>,
    #[cfg(feature = "files")]
    files: Option<crate::files::Files>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.driver.stop_now();
    }
}

impl Node {
    pub(crate) fn new(
        id: PeerId,
        name: String,
        driver: Arc<Driver>,
        gossip: Gossip,
        #[cfg(feature = "files")] files: Option<crate::files::Files>,
    ) -> Self {
        let shared = Shared {
            id,
            name,
            driver,
            gossip,
            patience: Mutex::default(),
            #[cfg(feature = "files")]
            files,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the node's id: new for every start, unless [`Builder::state`](crate::Builder::state) or
    /// [`id`](crate::Builder::id) gave it one.
    pub fn id(&self) -> PeerId {
        self.shared.id
    }

    /// Returns the node's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Returns where peers reach the node's mailbox; the first of several
    /// [`endpoints`](Self::endpoints). Changes with the addresses of the host.
    pub fn endpoint(&self) -> Endpoint {
        self.ask(Engine::endpoint)
    }

    /// Returns all endpoints of the node's mailbox, the first of them being
    /// [`endpoint`](Self::endpoint), unless another one is advertised.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.shared.driver.location().endpoints()
    }

    /// Returns the interfaces of this host, those that the node uses and the others, with the reason
    /// why not, as they were when it last looked: it looks whenever the host tells of a change and
    /// every ten seconds, and with every beacon where the host does not tell.
    pub fn interfaces(&self) -> Vec<Interface> {
        self.shared.driver.location().report()
    }

    /// Returns the connections of the node that are up, for diagnosis: which nodes it has reached, and
    /// which nodes have reached it.
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        self.shared.driver.connections()
    }

    /// Returns the node's key, if it is a secure one.
    #[cfg(feature = "curve")]
    pub fn key(&self) -> Option<crate::PublicKey> {
        self.shared.driver.gate().and_then(|gate| gate.key().try_into().ok())
    }

    /// Returns the key that a peer has proved; `None` if it is not present, or this node is not a
    /// secure one.
    #[cfg(feature = "curve")]
    pub fn peer_key(&self, peer: PeerId) -> Option<crate::PublicKey> {
        self.peer(peer)?.endpoint.key()?.try_into().ok()
    }

    /// Trusts a key from now on, also if it was distrusted before. Nothing happens on a node that is
    /// not a secure one.
    #[cfg(feature = "curve")]
    pub fn trust(&self, key: crate::PublicKey) {
        if let Some(gate) = self.shared.driver.gate() {
            gate.trust(key);
        }
    }

    /// Trusts the first key that is heard from now on, or was asked about lately, and has these words.
    /// Nothing happens on a node that is not a secure one.
    #[cfg(feature = "curve")]
    pub fn trust_words(&self, words: crate::KeyWords) {
        if let Some(gate) = self.shared.driver.gate() {
            gate.await_words(words);
        }
    }

    /// Does not trust a key any more, whatever else speaks for it: all peers that have it exit at once,
    /// with [`Distrusted`](crate::ExitReason::Distrusted), and nobody with it is let in. In a
    /// [network](crate::Trust::network) its owner may come with a new key. To shut a member
    /// out, make a new network key. Nothing happens on a node that is not a secure one.
    #[cfg(feature = "curve")]
    pub fn distrust(&self, key: crate::PublicKey) {
        if let Some(gate) = self.shared.driver.gate() {
            gate.distrust(key);
            self.shared.driver.end_all_of(key);
        }
    }

    /// Joins a group: all peers are told, and SHOUTs to the group arrive. Nothing happens if the
    /// node is in it. Group names are case sensitive.
    ///
    /// # Errors
    /// [`EmptyGroupName`](ActionError::EmptyGroupName), [`TooLong`](ActionError::TooLong),
    /// [`TooManyEntries`](ActionError::TooManyEntries),
    /// [`HelloTooLarge`](ActionError::HelloTooLarge), [`Stopped`](ActionError::Stopped).
    pub fn join(&self, group: &str) -> Result<(), ActionError> {
        self.act(Action::Join(group))
    }

    /// Leaves a group: all peers are told, SHOUTs to the group are no longer heard, and the node does
    /// not contest in it any more. Nothing happens if the node is not in it.
    ///
    /// # Errors
    /// [`EmptyGroupName`](ActionError::EmptyGroupName), [`TooLong`](ActionError::TooLong),
    /// [`Stopped`](ActionError::Stopped).
    pub fn leave(&self, group: &str) -> Result<(), ActionError> {
        self.act(Action::Leave(group))
    }

    /// Contests in a group, and joins it if the node is not in it: of all members that contest, the
    /// one with the lowest id leads, until it leaves the group or is gone.
    /// [`Event::Leader`](crate::Event::Leader) tells who that is; nothing else happens if the node
    /// contests already. To contest no more, [`leave`](Self::leave) the group, and join it again. What
    /// to rely on, and what not: [*Who leads*](crate::guide::who_leads).
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub fn contest(&self, group: &str) -> Result<(), ActionError> {
        self.act(Action::Contest(group))
    }

    /// Returns who leads a group, this node or a peer, as the last
    /// [`Event::Leader`](crate::Event::Leader) about it says; `None` if nobody does, and of a group
    /// that this node is not in.
    pub fn leader(&self, group: &str) -> Option<PeerId> {
        self.ask(|engine| engine.leader(group))
    }

    /// Sends to one peer. `Ok` means accepted: the peer gets it unless it EXITs before.
    ///
    /// # Errors
    /// [`Full`](ActionError::Full) if the queue to the peer is full;
    /// [`ready`](Self::ready) waits for that.
    /// [`UnknownPeer`](ActionError::UnknownPeer), [`NoFrames`](ActionError::NoFrames),
    /// [`ContentTooLarge`](ActionError::ContentTooLarge), [`Stopped`](ActionError::Stopped).
    pub fn whisper(&self, peer: PeerId, content: impl Into<Content>) -> Result<(), ActionError> {
        self.act(Action::Whisper { peer, content: content.into() })
    }

    /// Sends to all peers in a group; the node itself need not be in it, and does not hear it.
    /// A group without members is no error. A member that does not take what is shouted is ended
    /// with [`ExitReason::Overflow`](crate::ExitReason::Overflow), so that all others hear
    /// everything: see [`Limits::link_messages`](crate::Limits::link_messages). To shout
    /// much, wait until the group is ready: [`ready_in`](Self::ready_in).
    ///
    /// # Errors
    /// [`EmptyGroupName`](ActionError::EmptyGroupName), [`TooLong`](ActionError::TooLong),
    /// [`NoFrames`](ActionError::NoFrames), [`ContentTooLarge`](ActionError::ContentTooLarge),
    /// [`Stopped`](ActionError::Stopped).
    pub fn shout(&self, group: &str, content: impl Into<Content>) -> Result<(), ActionError> {
        self.act(Action::Shout { group, content: content.into() })
    }

    /// Returns what can be whispered to a peer now, before it is [`Full`](ActionError::Full); `None`
    /// if it is not present.
    pub fn room(&self, peer: PeerId) -> Option<Room> {
        self.shared.driver.room(peer)
    }

    /// Waits until a peer takes a message of that many bytes. One that is larger than all that may
    /// wait for a peer ([`Limits::link_bytes`](crate::Limits::link_bytes)) is taken when nothing
    /// waits.
    ///
    /// Nothing is reserved: another thread may be faster. Ask again when a WHISPER is refused:
    ///
    /// ```no_run
    /// # async fn send(node: &zyre::Node, peer: zyre::PeerId, large: Vec<zyre::Content>)
    /// #     -> Result<(), zyre::ActionError> {
    /// for content in large {
    ///     node.ready(peer, content.byte_len()).await?;
    ///     node.whisper(peer, content)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`UnknownPeer`](ActionError::UnknownPeer) when the peer is gone,
    /// [`Stopped`](ActionError::Stopped).
    pub async fn ready(&self, peer: PeerId, bytes: usize) -> Result<(), ActionError> {
        self.shared.driver.ready(peer, bytes).await
    }

    /// Like [`ready`](Self::ready), and blocks the thread.
    ///
    /// # Errors
    /// As `ready`.
    ///
    /// # Panics
    /// In async code.
    #[track_caller]
    pub fn blocking_ready(&self, peer: PeerId, bytes: usize) -> Result<(), ActionError> {
        blocking::forbid_async();
        self.shared.driver.blocking_ready(peer, bytes)
    }

    /// Waits until every member of a group takes a message of that many bytes, but for none longer
    /// than [`Limits::stall_timeout`](crate::Limits::stall_timeout): one that does not read holds up
    /// nobody, and the next SHOUT ends it. A group without members is ready.
    ///
    /// # Errors
    /// [`Stopped`](ActionError::Stopped).
    pub async fn ready_in(&self, group: &str, bytes: usize) -> Result<(), ActionError> {
        self.shared.driver.ready_in(group, bytes).await
    }

    /// Like [`ready_in`](Self::ready_in), and blocks the thread.
    ///
    /// # Errors
    /// As `ready_in`.
    ///
    /// # Panics
    /// In async code.
    #[track_caller]
    pub fn blocking_ready_in(&self, group: &str, bytes: usize) -> Result<(), ActionError> {
        blocking::forbid_async();
        self.shared.driver.blocking_ready_in(group, bytes)
    }

    /// Returns the peers that are present, in the order of their ids.
    pub fn peers(&self) -> Vec<PeerId> {
        self.ask(|engine| engine.peers().collect())
    }

    /// Returns the peers in a group, in the order of their ids. This node is not among them.
    pub fn peers_in(&self, group: &str) -> Vec<PeerId> {
        self.ask(|engine| engine.peers_in(group).collect())
    }

    /// Returns the groups this node is in, in the order of their names.
    pub fn own_groups(&self) -> Vec<Arc<str>> {
        self.ask(|engine| engine.own_groups().cloned().collect())
    }

    /// Returns the groups that peers are in, in the order of their names.
    pub fn peer_groups(&self) -> Vec<Arc<str>> {
        self.ask(|engine| engine.peer_groups().cloned().collect())
    }

    /// Returns what is known of a peer: its name, headers, endpoint, groups, and how alive it
    /// seems; `None` if it is not present.
    pub fn peer(&self, id: PeerId) -> Option<PeerInfo> {
        self.ask(|engine| engine.peer(id))
    }

    /// Returns what is known of all peers that are present, in the order of their ids, all as of one
    /// moment. Where there are many peers, or they have many headers and groups, that costs more than
    /// [`peers`](Self::peers).
    pub fn peers_info(&self) -> Vec<PeerInfo> {
        self.ask(|engine| engine.peers_info().collect())
    }

    /// Sets what the node says about itself. Peers that it meets from now on will see it; those
    /// that it has met will not.
    ///
    /// # Errors
    /// [`TooLong`](ActionError::TooLong), [`TooManyEntries`](ActionError::TooManyEntries),
    /// [`HelloTooLarge`](ActionError::HelloTooLarge), [`Stopped`](ActionError::Stopped).
    pub fn set_header(&self, name: &str, value: &str) -> Result<(), ActionError> {
        self.act(Action::SetHeader { name, value })
    }

    /// Says where a service of this node is, in a header like [`set_header`](Self::set_header): each
    /// peer is told `tcp://`, the address by which it reaches this node, and this port. The service
    /// has to listen at the addresses of all [`endpoints`](Self::endpoints).
    ///
    /// # Errors
    /// As `set_header`.
    pub fn set_service(&self, name: &str, port: u16) -> Result<(), ActionError> {
        self.act(Action::SetServiceHeader { name, port })
    }

    /// Returns how a service of the application takes connections over ZMTP as this node does: on a secure
    /// node only from peers that it trusts, each known by its key. Peers are told by
    /// [`set_service`](Self::set_service) where the service is, and connect to it with the key that they
    /// know of this node.
    pub fn service_mechanism(&self) -> zmtp::Mechanism {
        mechanism::of_server(self.shared.driver.gate())
    }

    /// Returns whether a connection of such a service may go on: on a secure node the key that was proved
    /// on it may have lost the node's trust since.
    pub fn still_lets_in(&self, remote: &zmtp::PeerInfo) -> bool {
        self.shared.driver.still_lets_in(secure::proved(remote))
    }

    /// Sets how long a peer may not be heard until it is EVASIVE, from now on, as
    /// [`Builder::evasive_timeout`](crate::Builder::evasive_timeout) does from the start. How long
    /// peers were not heard before does not count any more.
    ///
    /// # Errors
    /// [`ZeroTime`](ActionError::ZeroTime), [`Stopped`](ActionError::Stopped).
    pub fn set_evasive_timeout(&self, time: Duration) -> Result<(), ActionError> {
        self.shared.driver.change_times(|times| times.evasive_timeout = time)
    }

    /// Sets how long a PING may be without answer until the peer is SILENT, from now on, as
    /// [`set_evasive_timeout`](Self::set_evasive_timeout) does.
    ///
    /// # Errors
    /// As `set_evasive_timeout`.
    pub fn set_silent_timeout(&self, time: Duration) -> Result<(), ActionError> {
        self.shared.driver.change_times(|times| times.silent_timeout = time)
    }

    /// Sets how long a peer may not be heard until it is given up, from now on, as
    /// [`set_evasive_timeout`](Self::set_evasive_timeout) does.
    ///
    /// # Errors
    /// As `set_evasive_timeout`.
    pub fn set_expired_timeout(&self, time: Duration) -> Result<(), ActionError> {
        self.shared.driver.change_times(|times| times.expired_timeout = time)
    }

    /// Sets the time from beacon to beacon, as
    /// [`Builder::beacon_interval`](crate::Builder::beacon_interval) does from the start. If it is
    /// another one, the next beacon is sent at once.
    ///
    /// # Errors
    /// As `set_evasive_timeout`.
    pub fn set_beacon_interval(&self, interval: Duration) -> Result<(), ActionError> {
        self.shared.driver.set_beacon_interval(interval)
    }

    /// Connects to a node that no beacon tells of, and again whenever it is not there, until it is
    /// [forgotten](Self::forget_peer). Nothing happens if it is required there already. Of several
    /// addresses of one node, and the addresses of a host name, those are used at which it is; a name
    /// is resolved for each attempt. A node with another id at that endpoint is not met.
    ///
    /// Where it was met before it is tried once in a
    /// [`beacon_interval`](crate::Builder::beacon_interval); where it never was, after 1, 2, 4 … 60
    /// such times. If it cannot be met the application hears why:
    /// [`Unreachable`](crate::Event::Unreachable), or, if the name does not resolve,
    /// [`EndpointUnreachable`](crate::Event::EndpointUnreachable).
    ///
    /// # Errors
    /// [`OwnPeer`](ActionError::OwnPeer), [`TooManyPeers`](ActionError::TooManyPeers),
    /// [`TooManyRequired`](ActionError::TooManyRequired), [`Stopped`](ActionError::Stopped).
    pub fn require_peer(
        &self,
        peer: PeerId,
        endpoint: impl Into<HostEndpoint>,
    ) -> Result<(), ActionError> {
        self.act(Action::RequireEndpoint { endpoint: endpoint.into(), peer: Some(peer) })
    }

    /// Connects to any node at an endpoint, and again whenever no node is met there, until the
    /// endpoint is [forgotten](Self::forget_endpoint). Nothing happens if it is required already. Of
    /// the addresses of a host name the first is used where anybody is; it is resolved for each
    /// attempt. It is tried as often as [`require_peer`](Self::require_peer) does.
    ///
    /// A node of this library says in the handshake who it is. Any other is the one that answers HELLO
    /// and says that it is at that endpoint, or answers from its address. When it has gone, or has
    /// come back with another id, the node that is there then is met.
    ///
    /// If nobody can be met the application hears why, once for each reason:
    /// [`EndpointUnreachable`](crate::Event::EndpointUnreachable). The node's own endpoint is one of the
    /// reasons, so that all nodes may be given the same list.
    ///
    /// ```no_run
    /// # fn f(node: &zyre::Node) -> Result<(), Box<dyn std::error::Error>> {
    /// use zyre::HostEndpoint;
    ///
    /// node.require_endpoint("server.example.org:49152".parse::<HostEndpoint>()?)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`TooManyRequired`](ActionError::TooManyRequired), [`Stopped`](ActionError::Stopped).
    pub fn require_endpoint(&self, endpoint: impl Into<HostEndpoint>) -> Result<(), ActionError> {
        self.act(Action::RequireEndpoint { endpoint: endpoint.into(), peer: None })
    }

    /// Takes back all that was required of a node by its id: it is not tried again. If it is present
    /// it stays until it goes. Nothing happens if it is not required. Where an endpoint is required at
    /// which it is, it is met again.
    ///
    /// # Errors
    /// [`Stopped`](ActionError::Stopped).
    pub fn forget_peer(&self, peer: PeerId) -> Result<(), ActionError> {
        self.act(Action::ForgetPeer(peer))
    }

    /// Takes back all that was required at an endpoint, with an id or without: it is not tried
    /// again. A peer that is present stays until it goes. Nothing happens if it is not required. A
    /// name and its address are two endpoints.
    ///
    /// # Errors
    /// [`Stopped`](ActionError::Stopped).
    pub fn forget_endpoint(&self, endpoint: impl Into<HostEndpoint>) -> Result<(), ActionError> {
        self.act(Action::ForgetEndpoint(&endpoint.into()))
    }

    /// Returns what is required, at the start and since, and how far it is with each.
    pub fn required(&self) -> Vec<RequirementInfo> {
        self.ask(|engine| engine.required().collect())
    }

    /// Makes the node a gossip hub at one more address, as
    /// [`Builder::gossip_listen`](crate::Builder::gossip_listen) does from the start. Returns the
    /// address, with its port.
    ///
    /// # Errors
    /// See [`GossipError`].
    pub fn gossip_listen(
        &self,
        address: impl Into<std::net::SocketAddr>,
    ) -> Result<std::net::SocketAddr, GossipError> {
        self.check_runs()?;
        self.shared.gossip.listen(&self.shared.driver, address.into())
    }

    /// Connects to one more gossip hub, as
    /// [`Builder::gossip_connect`](crate::Builder::gossip_connect) does from the start. Nothing
    /// happens if the node was given the same endpoint before.
    ///
    /// # Errors
    /// See [`GossipError`].
    pub fn gossip_connect(&self, hub: impl Into<HostEndpoint>) -> Result<(), GossipError> {
        self.check_runs()?;
        self.shared.gossip.connect(&self.shared.driver, hub.into())
    }

    /// Returns how gossip is: where this node listens, its clients, and which hubs are connected.
    pub fn gossip(&self) -> GossipStatus {
        self.shared.gossip.status()
    }

    fn check_runs(&self) -> Result<(), GossipError> {
        if self.ask(Engine::is_stopped) { Err(GossipError::Stopped) } else { Ok(()) }
    }

    /// Publishes a file, or a folder with all that is in it: each peer that shares files gets it,
    /// also one that comes later, and gets it again when it changes. Returns a
    /// [`Publish`](crate::Publish), which takes the recipients and the name, and publishes when it
    /// is awaited. A file is read when it is sent, not copied.
    ///
    /// It is complete when everything is known to be readable: a folder is looked through before, and
    /// each file opened. What cannot be read later is tried again, which [`Event::Omitted`] tells, as
    /// it does of hidden files and others that are not published.
    ///
    /// A name belongs to what was published under it first. Publishing the same file or folder under
    /// its name again changes the recipients, and what is left out.
    ///
    /// ```no_run
    /// # async fn publish(node: &zyre::Node, alice: zyre::PeerId) -> Result<(), zyre::ShareError> {
    /// node.publish("talk.pdf").await?; // To everybody, as `/talk.pdf`.
    /// node.publish("photos").to("holiday").ignore("*.tmp").await?; // To members of a group.
    /// node.publish("key").to(alice).named("/for-alice/key").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When it is awaited; see [`ShareError`](crate::ShareError).
    ///
    /// [`Event::Omitted`]: crate::Event::Omitted
    #[cfg(feature = "files")]
    pub fn publish(&self, path: impl Into<std::path::PathBuf>) -> crate::Publish {
        let pulse = Arc::clone(&self.shared.driver.pulse);
        crate::Publish::new(self.shared.files.clone(), pulse, path.into())
    }

    /// Takes back what was published under `name`: it is deleted where it has arrived. Returns
    /// `false` if nothing was published under that name.
    ///
    /// # Errors
    /// See [`ShareError`](crate::ShareError).
    #[cfg(feature = "files")]
    pub async fn retract(&self, name: &str) -> Result<bool, crate::ShareError> {
        self.files()?.retract(name).await
    }

    /// Like [`retract`](Self::retract), and blocks the thread.
    ///
    /// # Errors
    /// As `retract`.
    ///
    /// # Panics
    /// In async code.
    #[cfg(feature = "files")]
    #[track_caller]
    pub fn blocking_retract(&self, name: &str) -> Result<bool, crate::ShareError> {
        blocking::block_on(&self.shared.driver.pulse, self.retract(name))
    }

    /// Returns what a peer has on offer now, in the order of names: what is not decided, was put off, or
    /// is on its way. An offer holds until the file changes or is gone, so a file can be fetched later.
    /// With [`Accept::All`](crate::Accept::All) everything is accepted without a question: these are the
    /// files that are not there yet, which can be declined, paused or cancelled if the peer is a node of
    /// this library.
    #[cfg(feature = "files")]
    pub fn offers(&self, peer: PeerId) -> Vec<crate::Offer> {
        self.shared.files.as_ref().map(|files| files.offers.list(peer)).unwrap_or_default()
    }

    /// Accepts a file on offer: it is fetched as soon as there is room for it. What was decided about a
    /// file holds until it changes, also if the peer goes and comes back, as long as the node lives.
    ///
    /// # Errors
    /// See [`OfferError`](crate::OfferError).
    #[cfg(feature = "files")]
    pub fn accept(&self, offer: crate::OfferId) -> Result<(), crate::OfferError> {
        self.offered()?.accept(offer)
    }

    /// Accepts a file on offer, which is moved to `path` when it has come: outside the received folder it
    /// is no concern of the node any more, neither updated nor deleted. If it cannot be moved by then it
    /// stays in the received folder; [`Event::Deliver`](crate::Event::Deliver) says where it is. If the
    /// process is killed before, it stays there too, and counts as delivered: the next one is not told of it.
    ///
    /// The place is kept when the file is paused, or accepted again without one; [`cancel`](Self::cancel)
    /// and [`decline`](Self::decline) forget it. A file that was moved is not offered again until it
    /// changes.
    ///
    /// # Errors
    /// See [`OfferError`](crate::OfferError): for instance if there is something at `path`.
    #[cfg(feature = "files")]
    pub fn accept_as(
        &self,
        offer: crate::OfferId,
        path: impl AsRef<std::path::Path>,
    ) -> Result<(), crate::OfferError> {
        self.offered()?.accept_as(offer, path.as_ref())
    }

    /// Declines a file on offer: it is not sent, or broken off. The peer is told the reason, of which 255
    /// bytes count, and the file is not offered again until it changes.
    ///
    /// # Errors
    /// See [`OfferError`](crate::OfferError).
    #[cfg(feature = "files")]
    pub fn decline(&self, offer: crate::OfferId, reason: &str) -> Result<(), crate::OfferError> {
        self.offered()?.decline(offer, reason)
    }

    /// Puts a file on offer off: it is not sent, or broken off. The offer holds, and what has come of the
    /// file is kept if that is worthwhile; of each peer that is so for one file.
    ///
    /// # Errors
    /// See [`OfferError`](crate::OfferError).
    #[cfg(feature = "files")]
    pub fn pause(&self, offer: crate::OfferId) -> Result<(), crate::OfferError> {
        self.offered()?.pause(offer)
    }

    /// Takes back what was decided about a file on offer: it is not sent, or broken off, and what has
    /// come of it is dropped. The offer holds.
    ///
    /// # Errors
    /// See [`OfferError`](crate::OfferError).
    #[cfg(feature = "files")]
    pub fn cancel(&self, offer: crate::OfferId) -> Result<(), crate::OfferError> {
        self.offered()?.cancel(offer)
    }

    /// A node that shares nothing has no offers.
    #[cfg(feature = "files")]
    fn offered(&self) -> Result<&crate::files::Offers, crate::OfferError> {
        let files = self.shared.files.as_ref();
        files.map(|files| &files.offers).ok_or(crate::OfferError::Gone)
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

    /// Records a line of the application's own, if logging is on for its level. At most 255 bytes
    /// travel; longer text is cut.
    pub fn log(&self, level: Level, text: impl Into<String>) {
        self.shared.driver.log.log(level, || text.into());
    }

    /// A layer for [`tracing_subscriber`] by which the application's own `tracing` events become
    /// lines of the log: ERROR, WARN and INFO, as `target: message field=value`, if logging is on
    /// for their level. DEBUG and TRACE are not taken, nor what the crates of this library say.
    /// When the node has stopped it does nothing.
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
        crate::log::layer::layer(&self.shared.driver.log)
    }

    /// Returns what was counted since the start.
    pub fn stats(&self) -> Stats {
        let network = self.shared.driver.network_stats();
        let log = self.shared.driver.log.stats();
        Stats { protocol: self.ask(Engine::stats), network, log }
    }

    /// Returns what the node counts, and how many peers it has, in the text format of Prometheus, for
    /// an application that serves it to the monitoring of its users.
    ///
    /// ```no_run
    /// # fn f(node: zyre::Node) {
    /// let body = node.metrics();
    /// let headers = [("Content-Type", zyre::metrics::CONTENT_TYPE)];
    /// # }
    /// ```
    #[cfg(feature = "metrics")]
    pub fn metrics(&self) -> String {
        let log = self.shared.driver.log.stats();
        self.shared.driver.metrics(log)
    }

    /// Stops the node, for all its handles. What was accepted for sending is sent, to each peer as
    /// long as it takes some every second, for up to ten seconds; then peers are told goodbye. The
    /// last event is [`Event::Stop`](crate::Event::Stop).
    ///
    /// Once begun it goes on, even if this future is dropped. Stopping twice waits for the same
    /// end.
    ///
    /// Dropping the last handle stops the node as well, but what the kernel does not take at once
    /// is lost.
    pub async fn stop(&self) {
        self.shared.driver.stop().await;
    }

    /// Like [`stop`](Self::stop), and blocks the thread.
    ///
    /// # Panics
    /// In async code; and if the node lives on a current-thread runtime that no thread drives, so that it
    /// would never end.
    #[track_caller]
    pub fn blocking_stop(&self) {
        blocking::block_on(&self.shared.driver.pulse, self.stop());
    }

    /// Ends the node at once and without a goodbye, for all its handles, as if its process had been
    /// killed: what is queued is lost, and peers see their connections to it end. The last event is
    /// [`Event::Stop`](crate::Event::Stop). For tests of what becomes of the others.
    pub fn abort(&self) {
        self.shared.driver.abort();
    }

    /// Tells when the node has ended.
    pub(crate) fn ended(&self) -> tokio::sync::watch::Receiver<bool> {
        self.shared.driver.ended()
    }

    fn act(&self, action: Action<'_>) -> Result<(), ActionError> {
        self.check_runtime()?;
        self.shared.driver.act(action)
    }

    /// Of a plain thread: whether anything will come of what it wants. In async code a runtime is driven.
    fn check_runtime(&self) -> Result<(), ActionError> {
        let pulse = &self.shared.driver.pulse;
        let is_over = pulse.has_to_be_driven()
            && Handle::try_current().is_err()
            && self.shared.patience.lock().is_over(pulse)
            && !self.ask(Engine::is_stopped);
        if is_over { Err(ActionError::NotDriven) } else { Ok(()) }
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
