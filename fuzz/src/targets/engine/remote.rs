//! Peers, as they are at the other end.

use zre_proto::ConnId;

/// The number of speakers in the name of one peer: itself, and others that claim to be it.
pub(super) const SPEAKERS: usize = 3;

/// A connection on which a peer can speak.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) id: ConnId,
    pub(super) two_way: bool,
    /// The sequence of what was said last on it.
    pub(super) last: u16,
    /// Joins and leaves that were said on it.
    pub(super) status: u8,
    /// It has said HELLO, or may have, when it was already heard.
    pub(super) greets_again: bool,
    /// The engine cannot send on it any more.
    pub(super) broken: bool,
    /// The engine has closed it: nothing more comes from it.
    pub(super) closed: bool,
}

impl Conn {
    pub(super) const fn new(id: ConnId, two_way: bool) -> Self {
        Self { id, two_way, last: 0, status: 0, greets_again: false, broken: false, closed: false }
    }

    pub(super) const fn count(&mut self) -> u8 {
        self.status = self.status.wrapping_add(1);
        self.status
    }
}

/// All connections in the name of one peer.
#[derive(Debug, Default)]
pub(super) struct Remote {
    conns: [Option<Conn>; SPEAKERS],
}

impl Remote {
    /// The connection of a speaker that can be spoken on: a new one, for one direction, if there is
    /// none, or it was closed.
    pub(super) fn open(&mut self, speaker: usize, last_conn: &mut u64) -> &mut Conn {
        let conn = &mut self.conns[speaker];
        if conn.as_ref().is_none_or(|conn| conn.closed) {
            *last_conn += 1;
            *conn = Some(Conn::new(ConnId::Accepted(*last_conn), false));
        }
        conn.as_mut().expect("just made")
    }

    /// A speaker has this connection from now on. It has no other one.
    pub(super) fn connect(&mut self, speaker: usize, conn: Conn) {
        self.conns[speaker] = Some(conn);
    }

    /// The connection is gone.
    pub(super) const fn lose(&mut self, speaker: usize) -> Option<Conn> {
        self.conns[speaker].take()
    }

    /// The connection of a speaker.
    pub(super) const fn conn_mut(&mut self, speaker: usize) -> Option<&mut Conn> {
        self.conns[speaker].as_mut()
    }

    /// The remote of a connection.
    pub(super) fn speaker(&self, conn: ConnId) -> Option<usize> {
        self.conns.iter().position(|it| it.as_ref().is_some_and(|it| it.id == conn))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Conn> {
        self.conns.iter().flatten()
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Conn> {
        self.conns.iter_mut().flatten()
    }
}
