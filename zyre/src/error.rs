//! Why a node cannot start.

use std::io;
#[cfg(feature = "files")]
use std::net::IpAddr;
use std::net::SocketAddr;
#[cfg(feature = "files")]
use std::path::PathBuf;
#[cfg(feature = "files")]
use std::sync::Arc;

use thiserror::Error;
use zre_proto::ActionError;

use crate::InterfaceChoice;

/// A node could not be started; nothing is left running.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no interface of this name or address, or it cannot be used.
    #[error("no usable interface {choice}; there are: {found}")]
    NoInterface {
        /// What was asked for.
        choice: InterfaceChoice,
        /// All interfaces, each with the reason why it is not used.
        found: String,
    },
    /// There is no interface of this name, which looks like an address and is none.
    #[error("{text} is not an IP address; there are: {found}")]
    InvalidAddress {
        /// What was asked for.
        text: String,
        /// All interfaces, as in [`NoInterface`](Self::NoInterface).
        found: String,
    },
    /// The port that was asked for as mailbox is taken. Without
    /// [`mailbox_port`](crate::Builder::mailbox_port) the node finds a free one.
    #[error("mailbox port {port} is in use on {interface}")]
    PortInUse {
        /// The port.
        port: u16,
        /// The interface's name.
        interface: String,
    },
    /// The port that was asked for as file server is taken. Without
    /// [`file_port`](crate::Builder::file_port) the node finds a free one.
    #[cfg(feature = "files")]
    #[error("file server port {port} is in use on {address}; choose another one, or none")]
    FilePortInUse {
        /// The port.
        port: u16,
        /// The address.
        address: IpAddr,
    },
    /// The port of the beacon, of the advertised endpoint, or of the file server there, is 0.
    #[error("the port of the {0} cannot be 0")]
    PortZero(&'static str),
    /// The mailbox cannot be opened, for instance because no descriptor or port is free.
    #[error("the mailbox cannot be opened at {address}: {source}")]
    Mailbox {
        /// The address that was tried, the last one if there were several.
        address: SocketAddr,
        /// Why it cannot be opened.
        source: io::Error,
    },
    /// The beacon port cannot be opened. Something that does not share the port may have it.
    #[error("beacon port {port} (UDP) cannot be opened: {source}")]
    Beacon {
        /// The port.
        port: u16,
        /// Why it cannot be opened.
        source: io::Error,
    },
    /// The file with the keys that are trusted cannot be used.
    #[cfg(feature = "curve")]
    #[error("the list of trusted keys: {0}")]
    Trust(#[source] crate::KeyFileError),
    /// The system does not tell its interfaces.
    #[error("the interfaces of this machine cannot be listed: {0}")]
    Interfaces(#[source] io::Error),
    /// The shared folder cannot be created or read.
    #[cfg(feature = "files")]
    #[error(
        "the shared folder {} cannot be used: {source}; choose one that can be created and read",
        .path.display()
    )]
    SharedFolder {
        /// The folder.
        path: PathBuf,
        /// Why it cannot be used.
        source: io::Error,
    },
    /// The received folder cannot be created or written, or another client uses it.
    #[cfg(feature = "files")]
    #[error(
        "the received folder {} cannot be used: {source}; choose one that can be created and \
         written, and that no other node or client uses",
        .path.display()
    )]
    ReceivedFolder {
        /// The folder.
        path: PathBuf,
        /// Why it cannot be used.
        source: io::Error,
    },
    /// The file server cannot be opened, for instance because no descriptor or port is free.
    #[cfg(feature = "files")]
    #[error("the file server cannot be opened on {address}: {source}")]
    FileServer {
        /// The address that was tried.
        address: IpAddr,
        /// Why it cannot be opened.
        source: io::Error,
    },
    /// Gossip is not possible as it was asked for.
    #[error(transparent)]
    Gossip(#[from] crate::GossipError),
    /// A name, header, group or time is not possible.
    #[error(transparent)]
    Action(#[from] ActionError),
    /// `start` was called outside of a tokio runtime. Without one there is
    /// [`start_blocking`](crate::Builder::start_blocking).
    #[error("a node starts inside a tokio runtime, or by start_blocking")]
    NoRuntime,
    /// [`start_blocking`](crate::Builder::start_blocking) could not start a runtime and a thread for the
    /// node.
    #[error("a runtime for the node cannot be started: {0}")]
    Runtime(#[source] io::Error),
}

/// A file was not published or not taken back; nothing has changed.
#[cfg(feature = "files")]
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ShareError {
    /// The node was started without [`Builder::share`](crate::Builder::share),
    /// [`receive`](crate::Builder::receive) and [`publishing`](crate::Builder::publishing).
    #[error("this node shares no files; start it with Builder::share or Builder::publishing")]
    NotSharing,
    /// The name is no path on the network.
    #[error(transparent)]
    Name(#[from] filemq::PathError),
    /// `/` is not the name of a file.
    #[error("/ cannot be the name of a file")]
    RootName,
    /// The file or folder has no name of its own that could be its name on the network.
    #[error("{} has no name that others could see; name it", .path.display())]
    NoName {
        /// The file or folder.
        path: PathBuf,
    },
    /// Something else is published under this name, or under one that is a part of it.
    #[error("{name} is the name of {} already; choose another name", .holder.display())]
    NameTaken {
        /// The name that cannot be used.
        name: Arc<str>,
        /// What is published under it: a file, or a folder that has such a file in it.
        holder: PathBuf,
    },
    /// A pattern of files to leave out is not valid, or there are too many.
    #[error("{pattern:?} cannot be left out: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it, and in which file.
        reason: String,
    },
    /// A group without a name has no members.
    #[error("a group has a name")]
    EmptyGroupName,
    /// No group can have a name of this length, so there would be no members.
    #[error("the name of a group has at most 255 bytes, not {bytes}")]
    GroupNameTooLong {
        /// How many bytes the name has.
        bytes: usize,
    },
    /// A file or folder cannot be read: what was to be published, or something in it.
    #[error("{} cannot be published: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why it cannot be published.
        source: io::Error,
    },
}

#[cfg(feature = "files")]
impl From<filemq::PublishError> for ShareError {
    fn from(error: filemq::PublishError) -> Self {
        use filemq::PublishError::{NameTaken, Pattern, RootName, Unreadable};
        match error {
            Unreadable { path, source } => Self::Io { path, source },
            Pattern { pattern, reason } => Self::Pattern { pattern, reason },
            NameTaken { name, holder } => Self::NameTaken { name: name.as_str().into(), holder },
            RootName => Self::RootName,
            // What a later version of the crate says.
            other => Self::Io { path: PathBuf::new(), source: io::Error::other(other) },
        }
    }
}
