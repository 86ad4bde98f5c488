//! One end of a connection, and all those of a node.

use zre_proto::{ConnId, Content, Header, Input, Loss, PeerId, PublicKey};

use crate::sim::driver::link_messages;
use crate::sim::segment::NodeRef;
use crate::sim::time::Micros;

/// What the kernel takes of a connection that does not move.
const KERNEL: usize = 256 * 1024;

/// How far a connection is, at this end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Its handshake is not over. Nothing is sent.
    Opening,
    Up,
    /// Nothing can be sent any more, as the engine knows; what comes is still read.
    Broken,
    /// Closed or lost, as the engine knows.
    Ended,
}

/// One end of a connection.
#[derive(Debug)]
pub(super) struct Conn {
    /// The node that was dialled, or that has connected; `None` while it is not known who is there.
    pub(super) peer: Option<PeerId>,
    /// The other end, and the connection's number there; of a dial, once it is up.
    pub(super) other: NodeRef,
    pub(super) there: Option<ConnId>,
    /// Where it was dialled to.
    pub(super) port: u16,
    /// What the other end has proved, or has to prove.
    pub(super) key: Option<PublicKey>,
    /// Our address when it was opened.
    pub(super) generation: u8,
    pub(super) stage: Stage,
    pub(super) two_way: bool,
    pub(super) opened: Micros,
    /// When it was opened; later, when the last thing on it arrives: nothing overtakes.
    pub(super) last: Micros,
    /// What could not be sent yet.
    pub(super) waiting: Vec<(Header, Content)>,
    /// Whether something was said on it at this end: then it is no stranger's any more.
    pub(super) spoke: bool,
    /// Whether bytes have come since the engine was last told.
    pub(super) received: bool,
}

/// What the engine is told of a connection that is lost.
pub(super) const fn lost(peer: Option<PeerId>, conn: ConnId, why: Loss) -> Input<'static> {
    match peer {
        Some(peer) => Input::Lost { peer, conn, why },
        None => Input::ScoutLost { conn, why },
    }
}

impl Conn {
    /// Lets a message wait. Returns `true` if there is no room, and it was dropped.
    pub(super) fn queue(&mut self, header: Header, content: Content) -> bool {
        if self.waiting.len() >= link_messages() {
            let size =
                |(header, content): &(Header, Content)| header.len() + content.byte_len() + 4;
            let mut room = KERNEL;
            let taken = self.waiting.iter().map(size).take_while(|size| {
                let fits = *size <= room;
                room = room.saturating_sub(*size);
                fits
            });
            if self.waiting.len() - taken.count() >= link_messages() {
                return true;
            }
        }
        self.waiting.push((header, content));
        false
    }

    pub(super) const fn is_up(&self) -> bool {
        matches!(self.stage, Stage::Up)
    }

    pub(super) const fn is_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended)
    }
}

/// The connections of one process, from the first on: dialled ones as the engine numbers them, and
/// accepted ones.
#[derive(Debug, Default)]
pub(super) struct Conns {
    dialled: Vec<Conn>,
    accepted: Vec<Conn>,
}

impl Conns {
    pub(super) fn reserve(&mut self, number: usize) {
        self.dialled.reserve(number);
        self.accepted.reserve(number);
    }

    /// Adds a connection that the engine has numbered: without gaps, from 1 on.
    pub(super) fn dial(&mut self, id: ConnId, conn: Conn) {
        self.dialled.push(conn);
        debug_assert_eq!(id, ConnId::Dialled(self.dialled.len() as u64), "a gap");
    }

    /// Adds a connection of another node. Returns its number.
    pub(super) fn accept(&mut self, conn: Conn) -> ConnId {
        self.accepted.push(conn);
        ConnId::Accepted(self.accepted.len() as u64)
    }

    /// A connection that has not ended.
    pub(super) fn get(&self, id: ConnId) -> Option<&Conn> {
        let (all, number) = match id {
            ConnId::Dialled(number) => (&self.dialled, number),
            ConnId::Accepted(number) => (&self.accepted, number),
        };
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        all.get(index).filter(|conn| !conn.is_ended())
    }

    /// A connection that has not ended.
    pub(super) fn get_mut(&mut self, id: ConnId) -> Option<&mut Conn> {
        let (all, number) = match id {
            ConnId::Dialled(number) => (&mut self.dialled, number),
            ConnId::Accepted(number) => (&mut self.accepted, number),
        };
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        all.get_mut(index).filter(|conn| !conn.is_ended())
    }

    /// Those that have not ended, dialled ones first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ConnId, &Conn)> {
        let dialled = (1..).map(ConnId::Dialled).zip(&self.dialled);
        let accepted = (1..).map(ConnId::Accepted).zip(&self.accepted);
        dialled.chain(accepted).filter(|(_, conn)| !conn.is_ended())
    }

    /// Those that have not ended and for which this is true, dialled ones first.
    pub(super) fn those(&self, which: impl Fn(&Conn) -> bool) -> Vec<ConnId> {
        self.iter().filter(|(_, conn)| which(conn)).map(|(id, _)| id).collect()
    }
}
