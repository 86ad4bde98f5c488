//! A peer made by hand.

use std::io;

use tokio::task::JoinSet;
use tokio::time::timeout;
use zre_proto::PeerId;

use super::connection::Connection;
use super::dealer::Route;
use super::mailbox::Mailbox;
use crate::wire::{self, HELLO, Hello, PING, PING_OK};

/// Where a peer says that it is whose mailbox is not needed. Nobody listens there.
const NOWHERE: &str = "tcp://127.0.0.1:9";

/// A peer made by hand: it has said HELLO, and has been greeted. It says nothing more, and reads
/// nothing, unless it is told to.
#[derive(Debug)]
pub struct Ghost {
    /// Its id.
    pub id: PeerId,
    /// Its connection to the node.
    pub dealer: Connection,
    /// The endpoint that it claims.
    pub endpoint: String,
    route: Route,
    hearing: Hearing,
    /// Whether it has heard the node's HELLO.
    greeted: bool,
    sequence: u16,
    /// Reads what the node sends, if asked to; ends with the ghost.
    reading: JoinSet<()>,
}

/// Where a ghost hears the node.
#[derive(Debug)]
enum Hearing {
    /// On the node's link to its mailbox.
    Link(Connection),
    /// On its own connection, which carries both directions.
    Dealer,
    /// What the node says is forgotten.
    Drained,
}

impl Ghost {
    /// Meets a node.
    ///
    /// # Errors
    /// If the node does not greet it in time.
    pub async fn meet(route: Route, id: PeerId) -> io::Result<Self> {
        Self::meet_with(route, id, |_| {}).await
    }

    /// Meets a node with a HELLO that is bent a little, though not so that it may not answer.
    ///
    /// # Errors
    /// If the node does not greet it in time.
    pub async fn meet_with(
        route: Route,
        id: PeerId,
        bend: impl FnOnce(&mut Hello) + Send,
    ) -> io::Result<Self> {
        Self::meet_at(route, Mailbox::open(route.from, route.patience)?, id, bend).await
    }

    /// Meets a node with a mailbox whose kernel takes little: soon the node cannot send any more.
    ///
    /// # Errors
    /// If the node does not greet it in time.
    pub async fn meet_with_small_mailbox(route: Route, id: PeerId) -> io::Result<Self> {
        Self::meet_at(route, Mailbox::open_small(route.from, route.patience)?, id, |_| {}).await
    }

    async fn meet_at(
        route: Route,
        mailbox: Mailbox,
        id: PeerId,
        bend: impl FnOnce(&mut Hello) + Send,
    ) -> io::Result<Self> {
        let mailbox = mailbox.secured(route.secure.map(|secure| secure.keys));
        let mut dealer = route.greet(&id.routing_id()).await?;
        let endpoint = format!("tcp://{}", mailbox.address);
        let mut hello = Hello::new(&endpoint);
        bend(&mut hello);
        dealer.send(&[&hello.encode()]).await;
        let hearing = Hearing::Link(mailbox.greet().await?);
        let (greeted, reading) = (false, JoinSet::new());
        Ok(Self { id, dealer, endpoint, route, hearing, greeted, sequence: 1, reading })
    }

    /// Meets a node on one connection for both directions. It has no mailbox.
    ///
    /// # Errors
    /// If the node does not greet it in time, or does not know such connections.
    pub async fn meet_two_way(route: Route, id: PeerId) -> io::Result<Self> {
        Self::meet_two_way_with(route, id, |_| {}).await
    }

    /// Meets a node on one connection for both directions, with a HELLO that is bent a little.
    ///
    /// # Errors
    /// If the node does not greet it in time, or does not know such connections.
    pub async fn meet_two_way_with(
        route: Route,
        id: PeerId,
        bend: impl FnOnce(&mut Hello) + Send,
    ) -> io::Result<Self> {
        let mut dealer = route.greet_two_way(id).await?;
        let Some(node) = dealer.other().filter(|_| dealer.is_two_way()) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let mut hello = Hello::new(NOWHERE);
        bend(&mut hello);
        let speaks_first = id < node;
        if speaks_first {
            dealer.send(&[&hello.encode()]).await;
        }
        if wire::number(&dealer.read().await?) != Some(HELLO) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if !speaks_first {
            dealer.send(&[&hello.encode()]).await;
        }
        let (endpoint, hearing) = (NOWHERE.into(), Hearing::Dealer);
        let (greeted, reading) = (true, JoinSet::new());
        Ok(Self { id, dealer, endpoint, route, hearing, greeted, sequence: 1, reading })
    }

    /// Reads the next message from the node.
    ///
    /// # Errors
    /// If none comes in time.
    pub async fn read(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let message = match &mut self.hearing {
            Hearing::Link(link) => link.read().await,
            Hearing::Dealer => self.dealer.read().await,
            Hearing::Drained => Err(io::ErrorKind::NotConnected.into()),
        }?;
        self.greeted |= wire::number(&message) == Some(HELLO);
        Ok(message)
    }

    /// Takes what the node sends from now on, and forgets it.
    pub fn drain(&mut self) {
        match std::mem::replace(&mut self.hearing, Hearing::Drained) {
            Hearing::Link(link) => drop(self.reading.spawn(link.draining())),
            Hearing::Dealer => drop(self.reading.spawn(self.dealer.draining())),
            Hearing::Drained => {}
        }
    }

    /// Returns the header of the next message in the sequence.
    pub fn header(&mut self, id: u8, fields: &[u8]) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        wire::header(id, self.sequence, fields)
    }

    /// Counts a message that was sent past the sequence.
    pub const fn skip(&mut self) {
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// Sends a message in its place in the sequence. Returns `false` if nobody reads any more.
    pub async fn send(&mut self, id: u8, fields: &[u8], content: &[&[u8]]) -> bool {
        let header = self.header(id, fields);
        let frames: Vec<&[u8]> = [&[&header[..]], content].concat();
        self.dealer.send(&frames).await
    }

    /// Returns whether the node still takes it for a peer: it answers a PING. It is not asked before
    /// its HELLO is there: until then it could not answer.
    pub async fn is_heard(&mut self) -> bool {
        while !self.greeted {
            if self.read().await.is_err() {
                return false;
            }
        }
        if !self.send(PING, &[], &[]).await {
            return false;
        }
        let patience = self.route.patience;
        let answered = async {
            while let Ok(frames) = self.read().await {
                if wire::number(&frames) == Some(PING_OK) {
                    return true;
                }
            }
            false
        };
        timeout(patience, answered).await.unwrap_or(false)
    }
}
