//! What the application is told.

#[cfg(all(test, feature = "serde"))]
mod serialized;
mod text;

#[cfg(feature = "files")]
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(feature = "files")]
use filemq::{Fate, OfferId, OmittedFiles, Refusal};
use zre_proto::{Content, Endpoint, ExitReason, Headers, HostEndpoint, PeerId, UnreachableReason};

#[cfg(feature = "files")]
use crate::files::Offer;

/// Something that has happened on the network.
///
/// For every peer: `Enter`, then any number of `Join`, `Leave`, `Whisper`, `Shout`, `Evasive`,
/// `Silent` and `Returned`, then `Exit`. None of them comes outside `Enter` … `Exit`, and between
/// the two every message that the peer sent comes once and in order. Only `Unreachable` and
/// `EndpointUnreachable` are about nodes that are not present.
///
/// Displayed as a line for people: of names and messages as much as is fit for a terminal.
#[cfg_attr(
    feature = "files",
    doc = "
With the feature `files` there are `Offered`, `Withdrawn`, `Deliver`, `Retract`, `Refused`, `Retried`,
`Receiving`, `Sending`, `Sent`, `Confirmed`, `Declined`, `Rejected`, `FileServerUnreachable` and
`FileServerReached` as well. They tell of connections of their own, so they may come a little after the
peer's `Exit`. `Published`, `Omitted`, `FolderUnusable` and `FolderUsable` are about this
node's own folders."
)]
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(tag = "event", rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Event {
    /// A peer is present and can be sent to.
    Enter {
        /// The peer.
        peer: PeerId,
        /// Its name for people.
        name: Arc<str>,
        /// What it says about itself.
        headers: Arc<Headers>,
        /// The endpoint of its mailbox.
        endpoint: Endpoint,
        /// The key that the peer has proved, if this node is a secure one.
        #[cfg(feature = "curve")]
        key: Option<crate::PublicKey>,
    },
    /// The peer that has just entered has another key than the last one of its name had: another person
    /// uses that name, or the same person has a new key. Comes right after `Enter`. A name is
    /// what its owner says, and two may have the same, so this is no error; but people go by names, and
    /// where they do, show it.
    ///
    /// An id needs no such event: it is that of its key. Names are compared as long as the node lives, the
    /// 1,024 that were heard last.
    #[cfg(feature = "curve")]
    KeyChanged {
        /// The peer.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
        /// The key that had the name before.
        before: crate::PublicKey,
        /// The key that this peer has proved.
        key: crate::PublicKey,
    },
    /// A stranger is heard, or has connected, and the node [asks](crate::Trust::ask): it says that it has
    /// this key. Told once in a second at most, and of 16 strangers in a minute.
    #[cfg(feature = "curve")]
    Stranger {
        /// Its key. [`Node::trust`](crate::Node::trust) lets it in.
        key: crate::PublicKey,
        /// Where it is.
        address: std::net::SocketAddr,
    },
    /// The file with the keys that are [trusted](crate::Trust::file) cannot be read, or has a line that
    /// is no key. What it said before holds. Told once, until it can be used again.
    #[cfg(feature = "curve")]
    TrustFileUnusable {
        /// What is wrong, and where.
        error: Arc<str>,
    },
    /// A peer is gone. If it comes back there is a new `Enter`.
    Exit {
        /// The peer.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
        /// Why it is gone.
        reason: ExitReason,
    },
    /// A peer is in a group. Follows `Enter` for each group it was already in. The group's
    /// name is what the peer sent, with bytes that are not UTF-8 replaced: it may be longer than
    /// 255 bytes, and then cannot be shouted to.
    Join {
        /// The peer.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
        /// The group.
        group: Arc<str>,
    },
    /// A peer has left a group. `Exit` leaves all groups without a `Leave` for each.
    Leave {
        /// The peer.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
        /// The group.
        group: Arc<str>,
    },
    /// A peer has sent a message to this node alone.
    Whisper {
        /// The sender.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
        /// The message.
        content: Content,
    },
    /// A peer has sent a message to a group that this node is in.
    Shout {
        /// The sender.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
        /// The group.
        group: Arc<str>,
        /// The message.
        content: Content,
    },
    /// Nothing was heard from a peer for
    /// [`evasive_timeout`](crate::Builder::evasive_timeout); it is asked by PING.
    Evasive {
        /// The peer.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
    },
    /// A peer has not answered the PING within
    /// [`silent_timeout`](crate::Builder::silent_timeout).
    Silent {
        /// The peer.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
    },
    /// A peer that was evasive or silent is back. Comes once, before the message that told of it.
    Returned {
        /// The peer.
        peer: PeerId,
        /// Its name.
        name: Arc<str>,
    },
    /// A node is heard of, and cannot be met. Comes once for each node and reason, outside of
    /// `Enter` … `Exit`; if the node can be met after all, there is an `Enter`. Show it: mostly a
    /// person has to do something about it.
    Unreachable {
        /// The node.
        peer: PeerId,
        /// Where it was looked for: an endpoint that it or others have told.
        endpoint: Endpoint,
        /// Why it cannot be met, and what can be done.
        why: UnreachableReason,
    },
    /// Nobody can be met at an endpoint that the application [requires](crate::Node::require_endpoint)
    /// without an id; or the host name of one that it requires does not resolve. It is tried again and
    /// again. Comes once for each endpoint and reason, until a node is met there. Show it, but for
    /// [`OwnNode`](UnreachableReason::OwnNode), if all nodes are given the same list.
    EndpointUnreachable {
        /// The endpoint.
        endpoint: HostEndpoint,
        /// Why nobody can be met there, and what can be done.
        why: UnreachableReason,
    },
    /// Another member leads a group that this node is in, or nobody does any more. See
    /// [`Builder::contest`](crate::Builder::contest). Told when the leader has been the same for
    /// 100 ms, and at once when it is lost. `leader` is this node, or a peer between its `Join` and
    /// its `Leave` or `Exit`.
    Leader {
        /// The group.
        group: Arc<str>,
        /// The leader; `None` while there is none.
        leader: Option<PeerId>,
        /// Whether that is this node.
        mine: bool,
    },
    /// A peer has a file for this node, which has started with [`Accept::Ask`](crate::Accept::Ask):
    /// nothing of it is sent before the application calls [`Node::accept`](crate::Node::accept). Told
    /// once of each state of a file, also if the peer comes back; again after `Withdrawn`, with what was
    /// decided before, and when it is gone from the received folder by other hands.
    ///
    /// Peers of other implementations do not wait: they have begun to send the file, and nothing else of
    /// theirs is read until it is decided, so decide soon.
    #[cfg(feature = "files")]
    Offered {
        /// The peer that has published it.
        peer: PeerId,
        /// The file.
        offer: Offer,
    },
    /// An offer holds no more: the file has changed, and is offered anew, or it is gone, or is not for
    /// this node any more.
    #[cfg(feature = "files")]
    Withdrawn {
        /// The peer that had published it.
        peer: PeerId,
        /// Which offer.
        id: OfferId,
        /// Its name on the network.
        name: Arc<str>,
    },
    /// A file that a peer has published is here, complete.
    #[cfg(feature = "files")]
    Deliver {
        /// The peer that has published it.
        peer: PeerId,
        /// Its name on the network, such as `/photos/a.jpg`.
        name: Arc<str>,
        /// Where it is: in the received folder, also if it was
        /// [to be put elsewhere](crate::Node::accept_as) and could not be moved there.
        #[cfg_attr(feature = "serde", serde(serialize_with = "as_text"))]
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// A peer has taken back a file, and it is gone here.
    #[cfg(feature = "files")]
    Retract {
        /// The peer that had published it.
        peer: PeerId,
        /// Its name on the network.
        name: Arc<str>,
        /// Where it was.
        #[cfg_attr(feature = "serde", serde(serialize_with = "as_text"))]
        path: PathBuf,
    },
    /// A file that a peer has published was not accepted. If the reason may [pass](Fate::Passing) it
    /// is tried again until it is accepted, and `Retried` or `Deliver` tell of that; show it all the
    /// same, for mostly a person has to do something about it.
    #[cfg(feature = "files")]
    Refused {
        /// The peer that has published it.
        peer: PeerId,
        /// Its name on the network.
        name: Arc<str>,
        /// Why it was not accepted.
        reason: Refusal,
        /// Whether it may be accepted later.
        fate: Fate,
    },
    /// A file that was refused for a passing reason is being received now.
    #[cfg(feature = "files")]
    Retried {
        /// The peer that has published it.
        peer: PeerId,
        /// Its name on the network.
        name: Arc<str>,
    },
    /// A folder or a file of this node is published. Told when that is so, and again when the number
    /// of its files changes, at most once a second. Not told of a folder that is empty from the start.
    #[cfg(feature = "files")]
    Published {
        /// Its name on the network; `/` is the shared folder.
        name: Arc<str>,
        /// How many files it has.
        files: usize,
        /// How many bytes they have.
        bytes: u64,
    },
    /// Some files of this node are not published: hidden ones, for instance, or those that cannot be
    /// read. Told once for each reason, and again when their number changes, at most once a second.
    #[cfg(feature = "files")]
    Omitted {
        /// The published folder; `/` is the shared folder, and stands for all of them if files cannot
        /// be read.
        name: Arc<str>,
        /// Why, and how many.
        omitted: OmittedFiles,
    },
    /// The received folder cannot be used: it was removed, for instance, or its disk is gone. Nothing
    /// is received until `FolderUsable`. Show it: mostly a person has to do something about it.
    #[cfg(feature = "files")]
    FolderUnusable {
        /// What the operating system says.
        why: Arc<str>,
    },
    /// The received folder can be used again. If it is another one, all files come again.
    #[cfg(feature = "files")]
    FolderUsable,
    /// The file server of a peer cannot be reached, and the peer has not called either, for two seconds:
    /// files of the peer do not come. Comes once for each peer and reason, until `FileServerReached` or
    /// the peer's `Exit`. It is tried again and again: show it, for mostly a person has to do something
    /// about it, such as to open a port.
    #[cfg(feature = "files")]
    FileServerUnreachable {
        /// The peer.
        peer: PeerId,
        /// Where its file server is looked for.
        endpoint: Endpoint,
        /// Why it was not reached. Show it by [`Printable`](crate::Printable) only.
        why: Arc<str>,
    },
    /// The file server of a peer that could not be reached is connected.
    #[cfg(feature = "files")]
    FileServerReached {
        /// The peer.
        peer: PeerId,
    },
    /// A file is coming in; told about ten times a second.
    #[cfg(feature = "files")]
    Receiving {
        /// The peer that sends it.
        peer: PeerId,
        /// Its name on the network.
        name: Arc<str>,
        /// Bytes received so far.
        bytes: u64,
        /// Bytes in all, if the peer tells.
        total: Option<u64>,
        /// Bytes per second since the transfer began.
        rate: u64,
    },
    /// A file is going out; told about ten times a second, and not while the application does not
    /// take its events.
    #[cfg(feature = "files")]
    Sending {
        /// The peer that receives it.
        peer: PeerId,
        /// Its name on the network.
        name: Arc<str>,
        /// Bytes handed to the network so far.
        bytes: u64,
        /// Bytes in all.
        total: Option<u64>,
        /// Bytes per second since the transfer began.
        rate: u64,
    },
    /// A file was sent to its end. This does not tell whether the peer has it. Not told while the
    /// application does not take its events.
    #[cfg(feature = "files")]
    Sent {
        /// The peer that it was sent to.
        peer: PeerId,
        /// Its name on the network.
        name: Arc<str>,
        /// Its size in bytes.
        size: u64,
        /// Whether the peer has still to say what has become of it, as peers of this library do:
        /// `Confirmed`, `Rejected` or `Declined`, unless the file changes or the peer exits before.
        receipt_follows: bool,
    },
    /// A peer has said that it has a file: whole, verified, and under its name. Also told of files
    /// that it has from before, when it is met or the file is published again.
    #[cfg(feature = "files")]
    Confirmed {
        /// The peer that has it.
        peer: PeerId,
        /// Its name on the network.
        name: Arc<str>,
        /// Its size in bytes.
        size: u64,
        /// Whether the peer has it from before, so that it was not sent.
        already: bool,
    },
    /// A peer does not want a file of this node, or has no place for it: it is not sent, or was broken
    /// off. Told again when the peer comes back and still does not want it.
    #[cfg(feature = "files")]
    Declined {
        /// The peer that does not want it.
        peer: PeerId,
        /// Its name on the network.
        name: Arc<str>,
        /// What the peer says; may be empty. Show it by [`Printable`](crate::Printable) only.
        reason: Arc<str>,
    },
    /// A peer has said that it does not accept a file of this node.
    #[cfg(feature = "files")]
    Rejected {
        /// The peer that does not accept it.
        peer: PeerId,
        /// Its name on the network.
        name: Arc<str>,
        /// What the peer says. Show it by [`Printable`](crate::Printable) only.
        reason: Arc<str>,
        /// Whether the peer tries again by itself; `Confirmed` comes when that has succeeded.
        fate: Fate,
    },
    /// Another node uses the id of this one: its beacon was heard. The two do not meet, and their
    /// peers know only one of them. Comes once. Show it: a person has to give one of the two an id
    /// of its own; see [`Builder::id`](crate::Builder::id).
    IdInUse {
        /// Where the other one is.
        endpoint: Endpoint,
    },
    /// A [gossip hub](crate::Builder::gossip_connect) cannot be reached, or does not answer, for two
    /// seconds. Comes once, until it is reached. It is tried again and again: show it, for mostly a
    /// person has to do something about it.
    HubUnreachable {
        /// Its endpoint, as it was given.
        hub: HostEndpoint,
        /// Why it was not reached.
        why: Arc<str>,
    },
    /// A gossip hub that could not be reached has answered.
    HubReached {
        /// Its endpoint, as it was given.
        hub: HostEndpoint,
    },
    /// This node has another endpoint: the address of the first of its interfaces has changed, or is
    /// gone. Peers that it has met there may exit and enter again.
    Moved {
        /// The new endpoint of its mailbox.
        endpoint: Endpoint,
    },
    /// This node has stopped. The last event of all; peers that were present get no `Exit`.
    Stop,
}

impl Event {
    /// Returns the message of a `Whisper` or a `Shout`.
    pub const fn content(&self) -> Option<&Content> {
        match self {
            Self::Whisper { content, .. } | Self::Shout { content, .. } => Some(content),
            _ => None,
        }
    }

    /// Returns the peer that the event is about, for `Unreachable` the node that is no peer; `None`
    /// for events that are about no single node.
    pub const fn peer(&self) -> Option<PeerId> {
        match self {
            Self::Enter { peer, .. }
            | Self::Exit { peer, .. }
            | Self::Join { peer, .. }
            | Self::Leave { peer, .. }
            | Self::Whisper { peer, .. }
            | Self::Shout { peer, .. }
            | Self::Evasive { peer, .. }
            | Self::Silent { peer, .. }
            | Self::Returned { peer, .. }
            | Self::Unreachable { peer, .. } => Some(*peer),
            #[cfg(feature = "curve")]
            Self::KeyChanged { peer, .. } => Some(*peer),
            #[cfg(feature = "files")]
            Self::Offered { peer, .. }
            | Self::Withdrawn { peer, .. }
            | Self::Declined { peer, .. }
            | Self::Deliver { peer, .. }
            | Self::Retract { peer, .. }
            | Self::Refused { peer, .. }
            | Self::Retried { peer, .. }
            | Self::FileServerUnreachable { peer, .. }
            | Self::FileServerReached { peer }
            | Self::Receiving { peer, .. }
            | Self::Sending { peer, .. }
            | Self::Sent { peer, .. }
            | Self::Confirmed { peer, .. }
            | Self::Rejected { peer, .. } => Some(*peer),
            #[cfg(feature = "files")]
            Self::Published { .. }
            | Self::Omitted { .. }
            | Self::FolderUnusable { .. }
            | Self::FolderUsable => None,
            #[cfg(feature = "curve")]
            Self::Stranger { .. } | Self::TrustFileUnusable { .. } => None,
            Self::EndpointUnreachable { .. }
            | Self::Leader { .. }
            | Self::IdInUse { .. }
            | Self::HubUnreachable { .. }
            | Self::HubReached { .. }
            | Self::Moved { .. }
            | Self::Stop => None,
        }
    }
}

/// What is not UTF-8 is replaced: an event can always be written.
#[cfg(all(feature = "files", feature = "serde"))]
fn as_text<S: serde::Serializer>(path: &std::path::Path, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&path.display())
}

impl From<zre_proto::Event> for Event {
    fn from(event: zre_proto::Event) -> Self {
        use zre_proto::Event as Protocol;
        match event {
            Protocol::Enter { peer, name, headers, endpoint } => Self::Enter {
                peer,
                name,
                headers,
                endpoint,
                #[cfg(feature = "curve")]
                key: endpoint.key().and_then(|key| key.try_into().ok()),
            },
            Protocol::Exit { peer, name, reason } => Self::Exit { peer, name, reason },
            Protocol::Join { peer, name, group } => Self::Join { peer, name, group },
            Protocol::Leave { peer, name, group } => Self::Leave { peer, name, group },
            Protocol::Whisper { peer, name, content } => Self::Whisper { peer, name, content },
            Protocol::Shout { peer, name, group, content } => {
                Self::Shout { peer, name, group, content }
            }
            Protocol::Evasive { peer, name } => Self::Evasive { peer, name },
            Protocol::Silent { peer, name } => Self::Silent { peer, name },
            Protocol::Returned { peer, name } => Self::Returned { peer, name },
            Protocol::Unreachable { peer, endpoint, why } => {
                Self::Unreachable { peer, endpoint, why }
            }
            Protocol::EndpointUnreachable { endpoint, why } => {
                Self::EndpointUnreachable { endpoint, why }
            }
            Protocol::Leader { group, leader, mine } => Self::Leader { group, leader, mine },
            Protocol::Moved { endpoint } => Self::Moved { endpoint },
            Protocol::Stop => Self::Stop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_the_engine_keeps_all_that_it_tells() {
        let (peer, name) = (PeerId::new([7; 16]), Arc::<str>::from("n"));
        let returned = zre_proto::Event::Returned { peer, name: Arc::clone(&name) };
        let event = Event::from(returned);
        assert_eq!(event, Event::Returned { peer, name });
        assert_eq!((event.peer(), event.content()), (Some(peer), None));
        let endpoint: Endpoint = "tcp://10.0.0.1:49152".parse().unwrap();
        let why = UnreachableReason::NoHello;
        let event = Event::from(zre_proto::Event::Unreachable { peer, endpoint, why });
        assert_eq!(event, Event::Unreachable { peer, endpoint, why });
        assert_eq!((event.peer(), event.content()), (Some(peer), None));
    }
}
