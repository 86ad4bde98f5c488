//! Proximity peer-to-peer applications: start a node on a local network and, with no
//! configuration and no server, it finds all others, hears who comes and goes, and sends to one
//! peer or to a group.
//!
//! ```no_run
#![doc = include_str!("../examples/minimal.rs")]
//! ```
//!
//! # A node
//!
//! [`Node::builder`] sets a node up, [`Builder::start`] gives a [`Node`], the handle to act with,
//! and [`Events`], the one stream of what happens. The handle can be cloned into any task or
//! thread: everything that it does returns at once, sending too. When the last handle is dropped
//! the node stops; [`Node::stop`] does it with care.
//!
//! Any number of nodes may live in one process; nothing is global. A node lives on the tokio
//! runtime that it was started in, and stops when that goes. An application without async code starts it
//! by [`Builder::start_blocking`], on a thread of its own, and receives with [`Events::blocking_recv`] or
//! [`Events::recv_timeout`]: it needs no runtime, and no other crate.
//!
//! # Peers and groups
//!
//! A peer is known by its [`PeerId`], which is new for every start of a node unless that keeps a
//! [`State`]; its name is for people and need not be unique. [`Event::Enter`] says that a peer is there and can be sent to,
//! [`Event::Exit`] that it is gone, and why ([`ExitReason`]). Between the two, every message that
//! the peer sends arrives once and in order; if one is lost on the way, the peer exits.
//!
//! The [`Node`] is always ahead of the events: when the application handles an `Enter`, the peer may
//! have gone again, and its `Exit` be queued. So sending to a peer can be refused
//! ([`ActionError::UnknownPeer`]) at any time; that is no reason to stop. What is to be known of a peer
//! after its `Exit` has to be remembered.
//!
//! Names, groups, headers and content are whatever the peer has sent. Before they are printed on a
//! terminal, control characters should be taken out, as `{:?}` does.
//!
//! A group is a name that applications agree on. A node is told of every peer's
//! [`Join`](Event::Join) and [`Leave`](Event::Leave), whatever groups it is in itself; a
//! [`shout`](Node::shout) goes to each peer in the group.
//!
//! What is sent is [`Content`]: text or bytes, as one frame or as a list of frames.
//!
//! # Who leads
//!
//! The members of a group can agree on one of them to do the work that only one should do.
//! [`Builder::contest`] or [`Node::contest`] makes a node a *contester*, a member that is willing to lead;
//! [`Event::Leader`] tells every member who leads now, and [`Node::leader`] answers at any time:
//!
//! ```no_run
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! use zyre::{Event, Node};
//!
//! let (node, mut events) = Node::builder().contest("printers").start().await?;
//! while let Some(event) = events.recv().await {
//!     match event {
//!         Event::Leader { mine: true, .. } => println!("this node leads"),
//!         Event::Leader { leader: Some(peer), .. } => println!("{peer} leads"),
//!         Event::Leader { leader: None, .. } => println!("nobody leads at the moment"),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! `zyre/examples/leader.rs` is a whole program.
//!
//! The contester with the lowest id leads. There is no vote: each node computes the leader from the members
//! that it sees. A new leader is reported once it has been the same for 100 ms; its loss is reported at once,
//! as `None`. A node that is alone in its group leads it. A node that [leaves](Node::leave) the group no
//! longer contests, even if it joins again. With an id that it [keeps](Builder::id) the same node leads
//! again after a restart, and with a low one it always leads.
//!
//! Agreement is *eventual*: all nodes that see each other have the same leader within 100 ms after the last of
//! them has noticed who has come or gone. That takes milliseconds if a node stops, up to a second if it
//! crashes, and up to 30 s if its host vanishes. Until then there can be two leaders:
//!
//! - **While the network is partitioned each part has a leader**, and both do the work. Once it has healed
//!   they agree again.
//! - **A new leader may start while the old one still works**: one node may notice a change before another
//!   does, and a node that has not met anybody yet leads.
//!
//! So this is no lock service. Let the leader do what may be done twice: answer questions, tidy up, announce.
//! Guard what must not happen twice where it happens, for instance by a number that the application
//! increases with each new leader, and a storage that refuses a lower one than before; or by a leader that
//! acts only while it sees more than half of a known number of nodes ([`Node::peers_in`]).
//!
//! C Zyre elects as well, by rounds of messages. Its nodes and those of this library have the same
//! leader in a group, as far as they see the same members: see [`zre_proto::leader`]. That mostly takes
//! milliseconds; a round that was disturbed by another round, a crash or a join is repeated, which takes up
//! to 12 s. Two cases are different:
//!
//! - A node of C Zyre that does not contest hears of contesters of this library only once another node of
//!   C Zyre in the group contests, or with [`Builder::elect_with_everyone`].
//! - If a contester dies in the middle of its round, nodes of C Zyre that do not contest keep waiting for it.
//!   Nodes of this library release them, unless members have gone while the round was counted; then such a
//!   node has no new leader until a contester with a lower id, or more members, come.
//!
//! pyre and zyre.js know no elections, and are told nothing of them.
//!
//! # How nodes find each other
//!
//! Once a second each node sends a beacon, a UDP datagram of 22 bytes on port
//! [5670](BEACON_PORT), with its id and the TCP port of its *mailbox*, on every interface: by IPv4 as
//! a broadcast, by IPv6 to the multicast group `ff02::1`. A node that hears a new one connects to that mailbox by TCP, and both say HELLO: endpoint, name, groups, headers. Two nodes
//! of this library use one connection for both directions, whichever of them has made it: a node
//! whose host lets no connection in, or that is behind NAT, is met as well. With all others there
//! are two connections, one for each direction. This is the ZeroMQ Realtime Exchange protocol,
//! [RFC 36](https://rfc.zeromq.org/spec/36/), over ZeroMQ's transport, so C Zyre, pyre and zyre.js
//! nodes are peers like any other. The crate [`zre_proto`] describes the protocol, and its page
//! [`two_way`](zre_proto::two_way) the one connection.
//!
//! Where beacons do not reach, nodes meet as the next section says.
//!
//! # Without broadcast
//!
//! Clouds, VPNs, guest networks and routers do not forward broadcasts. There a node is told where others are,
//! at the start or while it runs: by endpoints, as this section says, or by [gossip](crate#gossip). All
//! sources may be used together; [`Builder::beacon`] switches beacons off.
//!
//! ```no_run
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! use zyre::{HostEndpoint, Node, PeerId};
//!
//! let server: HostEndpoint = "server.example.org:49152".parse()?;
//! let builder = Node::builder()
//!     .beacon(false)                      // no UDP socket at all
//!     .mailbox_port(49152)                // so that others can be told of it
//!     .require_endpoint(server.clone());  // any node that is there
//! let (node, events) = builder.start().await?;
//!
//! let id: PeerId = "5eed0000000040008000000000000007".parse()?;
//! node.require_peer(id, "10.0.7.1:49152".parse::<HostEndpoint>()?)?; // only this node
//! node.forget_endpoint(server)?; // no more attempts; a peer that is present stays until it goes
//! # Ok(())
//! # }
//! ```
//!
//! `zyre/examples/static_peers.rs` is a whole program.
//!
//! - **It is enough that one of two nodes knows the other**, and can connect to it: the two then share one
//!   connection for both directions. A node behind a firewall or NAT requires one that is not. All nodes may
//!   be given the same list: each recognises its own endpoint by the id that answers there.
//! - **Peers do not tell each other of third nodes.** A node that requires no other, and is required by none,
//!   stays alone. With [gossip](crate#gossip) nodes do tell.
//! - **An endpoint is an address or a host name**, with the port of a mailbox: [`HostEndpoint`]. A name is
//!   looked up at each attempt, and its addresses are tried in turn.
//! - **A peer that is lost is tried again**, once in a [`beacon_interval`](Builder::beacon_interval), a second
//!   by default: it is met within three seconds after the network is whole again, however long that took.
//!   Where no node was ever met the attempts come after 1, 2, 4 … 60 such intervals, and soon after this host
//!   has changed its address.
//! - **A node that cannot be met is reported**, with the reason: [`Event::Unreachable`] for a node,
//!   [`Event::EndpointUnreachable`] for an endpoint. [`Node::required`] shows the state of all.
//! - **A peer that stops** says goodbye on its connection, and the connection of one that crashes ends: neither
//!   [`Exit`](Event::Exit) needs a beacon.
//! - **Nodes of other implementations** are met by their endpoint alone as well, if they can connect back:
//!   they answer HELLO. Where nodes say another endpoint than the one that was dialled, as behind a port
//!   forwarding, and two have the same address, they are asked who they are before they enter.
//!
//! The id in [`Node::require_peer`] makes sure that the node is the one that is meant, as long as none
//! pretends to be it. With an endpoint alone, any node that is there is met.
//!
//! # Gossip
//!
//! Where no broadcast gets through, nodes need not all know where all others are: it is enough that
//! they know one, the *hub*. Each that connects to it is told of all others, and all others of it:
//!
//! ```no_run
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! use std::net::SocketAddr;
//! use zyre::{HostEndpoint, Node};
//!
//! // On a host that the others can reach:
//! let everywhere: SocketAddr = "0.0.0.0:5999".parse()?;
//! let hub = Node::builder().gossip_listen(everywhere).start().await?;
//! // On all others, before or after it:
//! let there: HostEndpoint = "hub.example.org:5999".parse()?;
//! let node = Node::builder().gossip_connect(there).start().await?;
//! # Ok(())
//! # }
//! ```
//!
//! `zyre/examples/gossip.rs` is a whole program.
//!
//! - **A hub is a node like any other**, and may be a client of other hubs: what one knows, all hear.
//!   It only tells where nodes are; what they say to each other does not go through it. If it fails
//!   those that have met stay together, and nobody new is found until it is back; so have two, with
//!   every node connected to both.
//! - **Gossip and beacons go together**: a hub also tells of those that it has met by their beacons.
//!   [`Builder::beacon(false)`](Builder::beacon) is gossip alone.
//! - **It is enough that one of two can connect to the other.** What is told of a node is where its
//!   mailbox is, as seen from the hub; or what it [advertises](Builder::advertise). Host names and
//!   link-local addresses are not told; of a peer that was met at one of these, another address is.
//! - **What is told is a rumour.** Only the node's own HELLO makes it a peer. A rumour that does not
//!   lead to its node is passed on for a minute and tried for five, and
//!   [`Event::Unreachable`] says so once. Who has gone is told to nobody any more.
//! - **Who is lost is looked for** where it was: once a second for ten minutes, then ever more rarely for a
//!   day. So a network that was cut for longer than [`expired_timeout`](Builder::expired_timeout)
//!   heals within three seconds.
//! - **A hub that cannot be reached** is tried again and again, at least once in four seconds, its name looked up
//!   each time. [`Event::HubUnreachable`] says so once, [`Node::gossip`] shows how it is with all.
//! - **C Zyre** nodes that gossip (`zyre_gossip_bind`, `zyre_gossip_connect`) are hubs and clients like
//!   any other, if they have a numeric endpoint (`zyre_set_endpoint`). The protocol is described in
//!   [`zre_proto::gossip`].
//!
//! A hub takes [`Limits::gossip_clients`] clients, and knows of twice [`Limits::peers`] nodes. Whoever can
//! connect to it can tell it anything: it makes nodes try an address, and does nothing else.
//!
//! # Networks and interfaces
//!
//! A node lives on all interfaces of its host that can be used, by IPv4 and IPv6, and follows them
//! while it runs: interfaces that come and go, lose their carrier, or change their addresses. It has
//! one mailbox, at the same port everywhere if that is free. A peer that is heard on several networks
//! is one peer; if the one by which it was met goes, it is met by another. What it is told as the
//! node's endpoint, and as that of its services, is always the address by which *that* peer reaches
//! it.
//!
//! | interface | is used |
//! |---|---|
//! | up, with a carrier, and with an address of a subnet | yes: one IPv4 address of each subnet, four at most; for IPv6 the link-local address is announced, and the mailbox is open at a global and a unique local one as well |
//! | loopback | if it was asked for, or if there is no other |
//! | down, or without a carrier | as soon as it is up |
//! | point to point, as most VPNs, or with an address of no subnet | not with beacons, for nobody would hear them, though [`Node::require_peer`] connects; [without](Builder::beacon) they are |
//! | not chosen by [`Builder::interface`], or excepted by [`Builder::except`] | no |
//!
//! [`Node::interfaces`] shows what is used, and why the others are not. Of several addresses in one
//! subnet one that is in use is kept.
//!
//! # Ports
//!
//! What a firewall has to let in, for all others to reach a node. Where two of this library meet, and
//! one of them can connect to the other, what that one needs is enough for both.
//!
//! | port | for | set by |
//! |---|---|---|
//! | 5670/udp | beacons | [`Builder::beacon_port`] |
//! | the first free one from 49152/tcp up | the mailbox: presence and messages | [`Builder::mailbox_port`] |
//! | the first free one from 49152/tcp up, mostly 49153 | the file server, if the node [shares](crate#files) | `Builder::file_port` |
//! | as given, tcp | a [gossip hub](crate#gossip), only where it is | [`Builder::gossip_listen`] |
//! | one that the system chooses, tcp | a [collector](crate#watching-a-network), only where it is | `zyre-logger collect --log-port` |
//!
//! So 5670/udp and a few ports from 49152/tcp up, two for each node of the host, are enough. Behind a
//! port forwarding [`Builder::advertise`] tells others the port of the mailbox outside, and
//! `Builder::advertise_file_port` that of the file server.
//!
//! # When things go wrong
//!
//! | what | how the application sees it |
//! |---|---|
//! | a peer stops | `Exit`, [`Goodbye`](ExitReason::Goodbye), within 50 ms on an idle local network |
//! | a peer's process dies | `Exit`, [`LinkLost`](ExitReason::LinkLost), within a second |
//! | a peer's host vanishes | [`Evasive`](Event::Evasive) after 5 s, [`Silent`](Event::Silent) after 6 s, `Exit`, [`Expired`](ExitReason::Expired), after 30 s |
//! | what is sent to a peer does not arrive, though it is heard | as if its host had vanished |
//! | a peer does not read what it is sent | [`whisper`](Node::whisper) is refused with [`Full`](ActionError::Full) while 1,000 messages or 16 MiB wait for it; a [`shout`](Node::shout) ends it, [`Overflow`](ExitReason::Overflow), if that lasts for 5 s or twice as much waits; others notice nothing |
//! | this application does not take its events | peers are made to wait once 10,000 events or 64 MiB are queued; nothing that has arrived is lost |
//! | a node is heard or required, and cannot be met | [`Unreachable`](Event::Unreachable) or [`EndpointUnreachable`](Event::EndpointUnreachable), with the reason |
//! | a gossip hub cannot be reached | [`HubUnreachable`](Event::HubUnreachable), then [`HubReached`](Event::HubReached); nodes that have met notice nothing |
//! | the file server of a peer cannot be reached | `FileServerUnreachable`, then `FileServerReached` |
//! | of a secure node: a peer has the name of another key that was here before | `KeyChanged`, after its `Enter` |
//! | another node uses this one's id | [`IdInUse`](Event::IdInUse) on both, if they hear each other's beacons |
//! | the network is cut and comes back | `Exit` when TCP or silence tells; `Enter` with the first beacon |
//! | somebody sends garbage | nothing; counted in [`Stats`] |
//!
//! The limits, and the times after which a peer that is not heard is asked and given up, can be set:
//! [`Builder`], [`Limits`]; the times also while the node runs, such as
//! [`set_expired_timeout`](Node::set_expired_timeout). Unless the node is a secure one everybody on the
//! network can listen, and speak in anybody's name.
//!
//! # Watching a network
//!
//! Most failures of a network can only be understood by what happened on two nodes side by side. So
//! a node can keep a log and send it to collectors, with hardly any cost and never waiting:
//!
//! ```no_run
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! use zyre::{Level, Node};
//!
//! let (node, events) = Node::builder().logging(Level::Info).start().await?;
//! node.log(Level::Warning, "the disk is nearly full");
//! node.set_logging(None); // And on again at any time.
//! # Ok(())
//! # }
//! ```
//!
//! A collector is a peer that announces in its header `X-ZRELOG` where it collects; `zyre-logger` is
//! one, with a database and a live screen. A node that meets it connects there by itself, and goes on
//! without it when it is gone. Lines say who has come and gone, who has joined and left a group, what
//! has gone wrong, and, if [asked for](Builder::log_messages), which messages were sent and received,
//! without their content. With the feature `tracing-layer` the application's own `tracing` events
//! travel the same way. What could not be sent is counted in [`LogStats`].
//!
//! Everybody on the network can collect; of a secure node, everybody whom it trusts.
//!
#![cfg_attr(
    feature = "curve",
    doc = "
# Security

[`Builder::secure`] makes a node a *secure* one. What it says is read by nobody but its peers, and its
peers are those that it [trusts](Trust), each known by its [`PublicKey`]: the key is the peer. Everything
else about a peer, its id, name and headers, is what the owner of that key says.

```no_run
# async fn f(words: &str) -> Result<(), Box<dyn std::error::Error>> {
use zyre::{Identity, NetworkKey, Node, Trust};

// Once, on the first machine: the words are for the others.
let network = NetworkKey::generate()?;
network.save(\"home.network\")?;
println!(\"{}\", *network.words());

// On each machine.
let identity = Identity::load_or_create(\"alice.key\")?;
let network: NetworkKey = words.parse()?;
let (node, events) = Node::builder().secure(identity, Trust::network(network)).start().await?;
# Ok(())
# }
```

| [`Trust`] | whom a node has to do with | for |
|---|---|---|
| [`network`](Trust::network) | all who have the same twelve words | a room, a home, a team: the normal way |
| [`only`](Trust::only), [`file`](Trust::file) | the keys in a list | machines that somebody administers; nodes of the C library |
| [`ask`](Trust::ask) | those that its user has let in, by key or by six [words](PublicKey::words) read aloud | people who meet |
| [`anyone`](Trust::anyone) | whoever comes | keeping out those who only listen |

There is no default, and no mixed mode: secure nodes and others do not hear each other.
[`Node::trust`] and [`Node::distrust`] hold at once; [`Event::Stranger`] tells of those who ask to be let in.

What others can do, who are on the same network: *L* may forge datagrams and addresses and be on the way
between two nodes; *T* is trusted, and evil.

| what they try | |
|---|---|
| *L* reads content, names, groups or headers | no |
| *L* enters, or gets what is meant for another, by forged beacons | no: nobody is connected to whose key is not trusted, and a connection is up only when the key is proved |
| *L* speaks as another, changes, repeats, reorders or leaves out messages | no; what is cut is noticed |
| *L* sends peers away by forged goodbyes | no: the peer is asked, on its connection |
| *T* speaks as another peer, takes its id, or cuts its connection | no: an id belongs to the key that greeted in its name |
| *T* lies in its own name, tells others what it hears, sends without end | yes, within the limits; [`Node::distrust`] ends it |
| *L* sees who is there, by key, id and address, and how much is said when | yes. The key is the same every day, so a device can be recognised |
| *L* cuts connections, or keeps nodes from meeting by jamming | yes; what handshakes and beacons cost is bounded |
| somebody steals a key file | is that node from then on, until it is distrusted; what was recorded before stays unreadable |
| somebody stores recordings until there are quantum computers | can read them then |

Nodes of the C library are peers, if each has the key of the other in its list: the library speaks CURVE
as that does, with its certificate files ([`Identity`]), beacons and header `X-PUBLICKEY`. A secure network is
as strong as its weakest node.

The same identity and trust cover all that a node opens: its mailbox, its file server and the calls of
others to it, its gossip hub. What it dials itself it dials with the key that has to be there: a file
server and a collector with the key that their peer has proved, whatever a header says, and a gossip hub
with the key that it is given with (`tcp://host:port|key`). When trust ends, so do all connections with
that key, a file in the middle of its way as well; what is on its way in buffers by then, at most 1 MB,
may still arrive. A service of the application takes connections in the same way by
[`Node::service_mechanism`]. What such a node tells a collector nobody else reads, but a peer that is
trusted can write lines in the name of another into the log of a collector.

People go by names, and anybody who is trusted can take any name: [`Event::KeyChanged`] says so when a peer
enters by a name that another key had before.

Which cryptography is used, and who has looked at it, is said in `SECURITY.md`.
"
)]
//!
#![cfg_attr(
    feature = "files",
    doc = "
# Files

With [`Builder::share`] a node publishes files: what is in its shared folder and what
[`Node::publish`] adds goes to all peers that share files, or to the members of a group, including
those that join later, or to one peer; patterns leave out what is not meant for others. What others publish is stored in the received
folder, complete and verified, each peer's in a folder named by its name, and [`Event::Deliver`] reports it; the peer that has published it
hears [`Event::Confirmed`]. [`Event::Receiving`] and [`Event::Sending`] report the progress of
transfers. Between two nodes of this library it is enough that one can connect to the other, and each
knows who the other is by a [ticket](zre_proto::ticket) that it has given it; a node of another
implementation is known by its address. A file server that cannot be reached is told by
[`Event::FileServerUnreachable`]. What cannot be written or read now, because the disk is full or permission is missing, is
tried again until it can: [`Event::Refused`], [`Event::Retried`] and [`Event::Omitted`] tell of that,
and [`Event::Rejected`] on the other side. Files travel on connections of their own (FILEMQ, the crate
[`filemq`]), so a large one delays no message. [`Builder::publishing`] is a node that only sends,
[`Builder::receive`] one that only receives.

Peers know files again by the id of the node that has sent them. With a [`State`] a node has the same
id after a restart: nothing is sent again that is there, a transfer that was cut goes on, and what a
folder has lost meanwhile is deleted. What a node without a shared folder does not publish any more
stays where it is.

With [`Builder::accept`] the node takes only what the application wants: each file is an
[`Event::Offered`], of which nothing is sent before [`Node::accept`]. [`Node::offers`] lists what a peer
has, which can be fetched later as well. The peer that has published a file hears
[`Event::Declined`]. Without it everything is accepted: then the list has what is not there yet, which can be
paused, cancelled or declined all the same.
"
)]
//!
//! # Features
//!
//! - `curve`, on by default: secure nodes, `Builder::secure`. Without it no cryptography is compiled.
//! - `files`: file sharing.
//! - `options`: the options of the command line for secure nodes, in the module `options`.
//! - `zeromq`: [`Content`] converts from and to `zeromq::ZmqMessage`.
//! - `tracing-layer`: `Node::tracing_layer`.

mod beacon;
mod beacon_watch;
mod blocking;
mod builder;
mod connection_info;
mod driver;
mod error;
mod event;
mod events;
#[cfg(feature = "files")]
mod files;
mod flow;
#[cfg(feature = "files")]
mod folder_names;
mod gossip;
mod ignored_nodes;
mod interface;
mod limits;
mod location;
mod log;
mod mailbox;
mod mechanism;
mod network;
mod network_settings;
mod node;
#[cfg(feature = "options")]
pub mod options;
mod ports;
mod private_file;
mod pulse;
#[cfg(feature = "curve")]
mod secure;
#[cfg(not(feature = "curve"))]
#[path = "insecure.rs"]
mod secure;
mod state;
mod stats;
mod times;
mod trust_change;

/// The version of this library, such as `0.1.0`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The program in the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

pub use beacon_watch::{BeaconWatch, HeardBeacon};
pub use builder::{BEACON_PORT, Builder};
pub use connection_info::ConnectionInfo;
#[cfg(feature = "files")]
pub use error::ShareError;
pub use error::StartError;
pub use event::Event;
pub use events::{Events, TryRecvError};
#[cfg(feature = "files")]
pub use filemq::{
    Accept, Fate, OfferError, OfferId, OfferState, Omission, OmittedFiles, ReceivedLimits, Refusal,
};
#[cfg(feature = "files")]
pub use files::Offer;
#[cfg(feature = "files")]
pub use files::publish::Publish;
#[cfg(feature = "files")]
pub use files::recipient::Recipient;
pub use flow::Room;
pub use gossip::{GossipError, GossipStatus, Hub, HubState};
pub use interface::{Interface, InterfaceChoice, UnusedReason};
pub use limits::Limits;
pub use node::Node;
#[cfg(feature = "curve")]
pub use secure::{
    Identity, KeyFileError, KeyWords, NETWORK_BEACON_PORT, NetworkKey, ParsePublicKeyError,
    PublicKey, Trust, WordsError,
};
pub use state::{State, StateError};
pub use stats::{LogStats, NetworkStats, Stats};
pub use zmtp::Printable;
pub use zre_proto::log::Level;
pub use zre_proto::{
    ActionError, Content, Endpoint, ExitReason, Headers, HostEndpoint, LinkKind, Liveness,
    ParseEndpointError, ParseHostEndpointError, ParseIdError, PeerId, PeerInfo, RequirementInfo,
    Stats as ProtocolStats, UnreachableReason, gossip::Stats as GossipStats,
};
