//! Messages of peers: decodes them, checks their sequence, and hands them on.

use std::time::Instant;

use super::Engine;
use crate::challenges::Origin;
use crate::message::{Command, DecodeError, Message};
use crate::peer::{Liveness, Peer};
use crate::{ConnId, Content, Event, ExitReason, Output, PeerId};

impl Engine {
    pub(super) fn receive(
        &mut self,
        now: Instant,
        origin: Origin,
        header: &[u8],
        content: Content,
    ) {
        let Origin { peer: id, conn, prevails_over, .. } = origin;
        if id == self.config.id {
            self.stats.own += 1;
            return;
        }
        // Most messages come where their peer is heard, while nobody is put to the test.
        if !self.is_undisputed(id, conn) {
            if matches!(conn, ConnId::Dialled(_))
                && !self.is_two_way(id, conn)
                && self.challenges.challenged_peer(conn).is_none()
            {
                // A ROUTER has nothing to say, nor has a connection that was given up.
                self.stats.unused += 1;
                return;
            }
            if self.is_usurping(now, id, conn) {
                return self.close(conn);
            }
            if prevails_over.is_none() {
                let against = self.challenges.challenged_peer(conn);
                if let Some(against) = against.or_else(|| self.is_challenge(id, conn).then_some(id))
                {
                    return self.challenge(now, against, origin, header, content);
                }
            }
        }
        match Message::decode(header, &self.config.message_limits) {
            Ok(Message { sequence, command: Command::Hello(hello) }) => {
                let Some(against) = self.conflict(origin, &hello) else {
                    self.stats.hellos_received += 1;
                    self.receive_hello(now, origin, sequence, &hello);
                    if self.peers.get(id).and_then(Peer::presence).is_none() {
                        // It was not taken.
                        self.keys.release(now, id);
                    }
                    return;
                };
                if prevails_over.is_some() {
                    // It was put to the test against another peer.
                    self.stats.intruding += 1;
                    return;
                }
                self.challenge(now, against, origin, header, content);
            }
            Ok(Message { sequence, command }) => {
                self.receive_in_sequence(now, origin, sequence, Some(command), content);
            }
            Err(DecodeError::UnknownId { sequence, .. }) => {
                self.receive_in_sequence(now, origin, sequence, None, content);
            }
            Err(DecodeError::Signature | DecodeError::Version(_)) => self.stats.foreign += 1,
            Err(DecodeError::Truncated | DecodeError::TooLarge) => {
                self.stats.malformed += 1;
                self.reject(now, id, conn);
            }
        }
    }

    /// Whether a connection is the one on which a peer is heard, and no other has challenged any.
    fn is_undisputed(&self, id: PeerId, conn: ConnId) -> bool {
        let heard = |peer: &Peer| {
            let may_speak = peer.outgoing.two_way || matches!(conn, ConnId::Accepted(_));
            peer.incoming.conn == Some(conn) && may_speak
        };
        self.challenges.is_empty() && self.peers.get(id).is_some_and(heard)
    }

    /// A message other than HELLO; `None` if it is of a kind that is not known.
    fn receive_in_sequence(
        &mut self,
        now: Instant,
        origin: Origin,
        sequence: u16,
        command: Option<Command<'_>>,
        content: Content,
    ) {
        let id = origin.peer;
        let waits = |peer: &Peer| {
            peer.incoming.conn != Some(origin.conn) && self.spares.contains(id, origin.conn)
        };
        let has_greeted = |peer: &&mut Peer| peer.presence().is_some() && !waits(peer);
        let Some(peer) = self.peers.get_mut(id).filter(has_greeted) else {
            self.stats.before_hello += 1;
            if self.is_two_way(id, origin.conn) {
                // Nobody says anything but HELLO on it first.
                self.reject(now, id, origin.conn);
            }
            return;
        };
        let reconnected = peer.incoming.conn.is_none();
        if let Some(close) = adopt_connection(peer, origin.conn, sequence) {
            self.challenges.forget(close);
            self.tickets.forget(close);
            self.keys.forget(close);
            self.outputs.push_back(Output::Close { conn: close });
            if close == origin.conn {
                self.stats.intruding += 1;
                return;
            }
        }
        let Some(presence) = peer.presence_mut() else { return };
        if !presence.received.accept(sequence) {
            return self.end(now, id, ExitReason::SequenceGap);
        }
        let received = presence.received;
        let (was_quiet, held) = (presence.liveness != Liveness::Present, presence.held.is_some());
        peer.outgoing.sequence.wrap_like(received);
        peer.hear_word(now);
        let answers = command == Some(Command::PingOk);
        let presence = if reconnected || answers || was_quiet {
            if reconnected {
                self.release_if_it_knows_us(now, id);
            }
            if answers {
                // Before it is welcomed back: it is the answer to what was sent as well.
                self.ping_answered(now, id);
            }
            if was_quiet {
                self.welcome_back(now, id);
            }
            self.peers.get_mut(id).and_then(Peer::presence_mut)
        } else {
            peer.presence_mut()
        };
        let Some(presence) = presence else { return };
        match command {
            Some(Command::Whisper) => {
                let name = presence.name.clone();
                presence.tell(Event::Whisper { peer: id, name, content }, &mut self.outputs);
            }
            Some(Command::Shout { group }) => {
                let Some(group) = self.local.group(&String::from_utf8_lossy(group)).cloned() else {
                    self.stats.not_member += 1;
                    return;
                };
                let name = presence.name.clone();
                presence.tell(Event::Shout { peer: id, name, group, content }, &mut self.outputs);
            }
            Some(command) => self.dispatch(now, id, command),
            None => self.stats.unused += 1,
        }
        if held {
            self.check_held(now, id);
        }
    }

    /// A command without content, in its place in the sequence, from a peer that has said HELLO.
    fn dispatch(&mut self, now: Instant, id: PeerId, command: Command<'_>) {
        match command {
            Command::Join { group, status } => self.receive_join(now, id, group, status),
            Command::Leave { group, status } => self.receive_leave(now, id, group, status),
            Command::Ping => self.answer_ping(now, id),
            Command::PingOk => self.settle_suspicion(now, id),
            Command::Goodbye => self.end(now, id, ExitReason::Goodbye),
            Command::Elect { group, challenger } => self.receive_elect(now, id, group, challenger),
            Command::Leader { group, leader } => self.receive_leader(now, id, group, leader),
            // They went their own way.
            Command::Hello(_) | Command::Whisper | Command::Shout { .. } => {}
        }
    }

    /// Nobody may fill our memory before our link to it is up.
    fn check_held(&mut self, now: Instant, id: PeerId) {
        let held = self.peers.get(id).and_then(Peer::presence).and_then(|it| it.held.as_ref());
        let limits = (self.config.max_held_events, self.config.max_held_bytes);
        if held.is_some_and(|held| held.since_hello() > limits.0 || held.bytes > limits.1) {
            self.stats.overflows += 1;
            self.end(now, id, ExitReason::Overflow);
        }
    }
}

/// A message on another connection than the last one: the peer has reconnected, as libzmq does by
/// itself, or another node uses its name. It is adopted if it continues the sequence, or if there
/// is no other. Returns the connection to close.
fn adopt_connection(peer: &mut Peer, conn: ConnId, sequence: u16) -> Option<ConnId> {
    if peer.incoming.conn == Some(conn) {
        return None;
    }
    if peer.outgoing.two_way {
        // That is the connection, until it ends.
        return Some(conn);
    }
    let continues = peer.presence().is_some_and(|presence| presence.received.expects(sequence));
    if peer.incoming.conn.is_some() && !continues {
        return Some(conn);
    }
    peer.incoming.conn.replace(conn)
}
