//! What peers say.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::Engine;
use crate::message::{Command, DecodeError, Hello, Message};
use crate::peer::{Claim, Held, Life, Peer, Presence, Quiet};
use crate::sequence::{self, Sequence, status_follows};
use crate::{ConnId, Content, Endpoint, Event, ExitReason, Headers, Output, PeerId};

/// Where a message came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) conn: ConnId,
    pub(super) source: IpAddr,
    /// The peer that it stands against, which was asked and has not answered.
    pub(super) tested: Option<PeerId>,
}

impl Engine {
    pub(super) fn message(
        &mut self,
        now: Instant,
        id: PeerId,
        origin: Origin,
        header: &[u8],
        content: Content,
    ) {
        if id == self.config.id {
            self.stats.own += 1;
            return;
        }
        if origin.tested.is_none() {
            if let Some(against) = self.claims_more(origin.conn) {
                return self.claim(now, against, id, origin, (header, content));
            }
            if self.is_claim(id, origin.conn) {
                return self.claim(now, id, id, origin, (header, content));
            }
        }
        let (sequence, command) = match Message::decode(header, &self.config.message_limits) {
            Ok(Message { sequence, command: Command::Hello(hello) }) => {
                if let Some(against) = self.is_taken(id, origin, &hello) {
                    if origin.tested.is_some() {
                        // Another one than it was put to the test against.
                        self.stats.intruding += 1;
                        return;
                    }
                    return self.claim(now, against, id, origin, (header, content));
                }
                self.stats.hellos_received += 1;
                return self.hello(now, id, origin, sequence, &hello);
            }
            Ok(message) => (message.sequence, Some(message.command)),
            Err(DecodeError::UnknownId { sequence, .. }) => (sequence, None),
            Err(DecodeError::Signature | DecodeError::Version(_)) => {
                self.stats.foreign += 1;
                return;
            }
            Err(DecodeError::Truncated | DecodeError::TooLarge) => {
                self.stats.malformed += 1;
                return self.reject(now, id, origin.conn);
            }
        };
        let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.presence().is_some()) else {
            self.stats.before_hello += 1;
            return;
        };
        if let Some(close) = take_over(peer, origin.conn, sequence) {
            self.claims.forget(close);
            self.outputs.push_back(Output::CloseMailbox { conn: close });
            if close == origin.conn {
                self.stats.intruding += 1;
                return;
            }
        }
        let was_quiet = peer.hear(now);
        let (Life::Ready(presence) | Life::Leaving { presence, .. }) = &mut peer.life else {
            return;
        };
        if !presence.received.accept(sequence) {
            return self.end(now, id, ExitReason::SequenceGap);
        }
        peer.sent.wrap_like(presence.received);
        if was_quiet {
            self.reschedule(id);
        }
        self.command(now, id, command, content);
        self.check_held(now, id);
    }

    /// A command in its place in the sequence, from a peer that is present.
    fn command(
        &mut self,
        now: Instant,
        id: PeerId,
        command: Option<Command<'_>>,
        content: Content,
    ) {
        match command {
            Some(Command::Whisper) => {
                let Some(name) = self.name_of(id) else { return };
                self.peer_event(id, Event::Whisper { peer: id, name, content });
            }
            Some(Command::Shout { group }) => self.shouted(id, group, content),
            Some(Command::Join { group, status }) => self.joined(now, id, group, status),
            Some(Command::Leave { group, status }) => self.left(now, id, group, status),
            Some(Command::Ping) => self.send(id, Command::PingOk),
            Some(Command::PingOk) => {
                self.answered(now, id);
                self.proved(id);
            }
            Some(Command::Goodbye) => self.end(now, id, ExitReason::Goodbye),
            // Elections are for applications of the C library that ask for them. We take no part.
            Some(Command::Elect { .. } | Command::Leader { .. }) | None => self.stats.unused += 1,
            // HELLO went its own way.
            Some(Command::Hello(_)) => {}
        }
    }

    fn name_of(&self, id: PeerId) -> Option<Arc<str>> {
        Some(self.peers.get(id)?.presence()?.name.clone())
    }

    fn shouted(&mut self, id: PeerId, group: &[u8], content: Content) {
        let Some(group) = self.own.groups.get(&*String::from_utf8_lossy(group)).cloned() else {
            self.stats.not_member += 1;
            return;
        };
        let Some(name) = self.name_of(id) else { return };
        self.peer_event(id, Event::Shout { peer: id, name, group, content });
    }

    /// Counts a join or leave. False: the counts differ, and the peer was ended.
    fn count_status(&mut self, now: Instant, id: PeerId, status: u8) -> bool {
        let Some(Life::Ready(presence) | Life::Leaving { presence, .. }) =
            self.peers.get_mut(id).map(|peer| &mut peer.life)
        else {
            return false;
        };
        if !status_follows(presence.status, status) {
            self.end(now, id, ExitReason::StatusMismatch);
            return false;
        }
        presence.status = status;
        true
    }

    fn joined(&mut self, now: Instant, id: PeerId, group: &[u8], status: u8) {
        if self.count_status(now, id, status) {
            self.add_to_group(now, id, &String::from_utf8_lossy(group));
        }
    }

    fn add_to_group(&mut self, now: Instant, id: PeerId, group: &str) {
        let Some(Life::Ready(presence) | Life::Leaving { presence, .. }) =
            self.peers.get_mut(id).map(|peer| &mut peer.life)
        else {
            return;
        };
        // A second JOIN changes nothing but the count.
        if presence.groups.contains(group) {
            return;
        }
        // Nobody may be in more groups than a HELLO can list, or JOINs would fill our memory.
        if presence.groups.len() >= self.config.message_limits.entries {
            self.stats.malformed += 1;
            return self.end(now, id, ExitReason::Rejected);
        }
        let Some(group) = self.groups.join(group, id) else { return };
        presence.groups.insert(group.clone());
        let name = presence.name.clone();
        self.peer_event(id, Event::Join { peer: id, name, group });
    }

    fn left(&mut self, now: Instant, id: PeerId, group: &[u8], status: u8) {
        if !self.count_status(now, id, status) {
            return;
        }
        let Some(Life::Ready(presence) | Life::Leaving { presence, .. }) =
            self.peers.get_mut(id).map(|peer| &mut peer.life)
        else {
            return;
        };
        let Some(group) = self.groups.leave(&String::from_utf8_lossy(group), id) else { return };
        presence.groups.remove(&group);
        let name = presence.name.clone();
        self.peer_event(id, Event::Leave { peer: id, name, group });
    }

    /// Nobody may fill our memory before our link to it is up.
    fn check_held(&mut self, now: Instant, id: PeerId) {
        let held = self.peers.get(id).and_then(Peer::presence).and_then(|p| p.held.as_ref());
        let limits = (self.config.max_held_events, self.config.max_held_octets);
        if held.is_some_and(|held| held.since_hello() > limits.0 || held.octets > limits.1) {
            self.stats.overflows += 1;
            self.end(now, id, ExitReason::Overflow);
        }
    }

    /// The answer to our PING: nothing that was claimed about the peer is true.
    fn proved(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if let Life::Ready(presence) = &mut peer.life
            && let Some(doubt) = presence.doubt.take()
            && doubt.claim == Claim::LostUs
        {
            // In time. One that comes late says nothing about the HELLO that went out meanwhile.
            peer.regreeted = 0;
            if peer.up {
                self.release(id);
            }
        }
    }

    /// A message that breaks the protocol: ends its sender if it came on the sender's connection,
    /// else only the connection.
    fn reject(&mut self, now: Instant, id: PeerId, conn: ConnId) {
        if self.peers.get(id).is_some_and(|peer| peer.conn == Some(conn)) {
            self.end(now, id, ExitReason::Rejected);
        } else {
            self.close_mailbox(conn);
        }
    }

    /// The peer that is present where a HELLO says that its sender is.
    fn is_taken(&self, id: PeerId, origin: Origin, hello: &Hello<'_>) -> Option<PeerId> {
        let endpoint = Endpoint::announced(hello.endpoint, origin.source)?;
        let (there, peer) = self.peers.at(endpoint)?;
        (there != id && origin.tested != Some(there) && peer.can_be_asked()).then_some(there)
    }

    /// HELLO, the one message that needs no sequence before it.
    fn hello(
        &mut self,
        now: Instant,
        id: PeerId,
        origin: Origin,
        sequence: u16,
        hello: &Hello<'_>,
    ) {
        let endpoint = Endpoint::announced(hello.endpoint, origin.source);
        if endpoint == Some(self.config.endpoint) {
            self.stats.own += 1;
            return;
        }
        if sequence != sequence::HELLO {
            self.stats.malformed += 1;
            return self.reject(now, id, origin.conn);
        }
        if matches!(self.peers.get(id).map(|peer| &peer.life), Some(Life::Leaving { .. })) {
            // Back before its EXIT.
            if let Some(peer) = self.peers.get_mut(id) {
                peer.conn = peer.conn.filter(|conn| *conn != origin.conn);
            }
            self.finish_leaving(now, id);
        }
        if !self.peers.contains(id) {
            let Some(endpoint) = endpoint else {
                self.stats.malformed += 1;
                return self.reject(now, id, origin.conn);
            };
            if !self.make_room(now, id, endpoint, Proof::Hello) {
                return;
            }
            self.connect(now, id, endpoint);
        }
        self.greeted_by(now, id, origin.conn, endpoint, hello);
    }

    /// A valid HELLO from a peer that we have a link to.
    fn greeted_by(
        &mut self,
        now: Instant,
        id: PeerId,
        conn: ConnId,
        endpoint: Option<Endpoint>,
        hello: &Hello<'_>,
    ) {
        let times = self.config.times;
        let Some(peer) = self.peers.get_mut(id) else { return };
        let known = matches!(peer.life, Life::Ready(_));
        let moved = endpoint.filter(|endpoint| *endpoint != peer.endpoint);
        let since = now.saturating_duration_since(peer.greeted);
        if since > times.greeting.saturating_add(peer.proof(Claim::LostUs, &times)) {
            peer.regreeted = 0;
        }
        let answer = std::mem::replace(&mut peer.unanswered, false);
        let doubtful = answer || peer.regreeted > 0;
        if let Some(old) = peer.conn.replace(conn).filter(|old| *old != conn) {
            self.claims.forget(old);
            self.outputs.push_back(Output::CloseMailbox { conn: old });
        }
        if !known {
            match moved {
                // The beacon that led us elsewhere may have been forged.
                Some(endpoint) if !peer.up => {
                    self.evict(now, id, endpoint, Proof::Hello);
                    self.relink(now, id, moved);
                    self.no_answer_due(id);
                }
                Some(_) => peer.alternative = moved,
                None => {}
            }
            return self.enter(now, id, hello, true);
        }
        self.leave_all(id, ExitReason::Restarted);
        if doubtful && moved.is_none() {
            // It may answer a HELLO of ours that crossed with another of its own. To greet back
            // then could go on forever, so first see whether it knows us.
            self.enter(now, id, hello, false);
            self.doubt(now, id, Claim::LostUs);
        } else {
            if let Some(endpoint) = moved {
                self.evict(now, id, endpoint, Proof::Hello);
            }
            self.relink(now, id, moved);
            self.enter(now, id, hello, true);
        }
    }

    /// Our HELLO is itself the answer to one.
    fn no_answer_due(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.unanswered = false;
        }
    }

    /// The application hears of the peer, and of every group it is in: now if the peer `knows_us`
    /// and our link is up, else when that is so.
    fn enter(&mut self, now: Instant, id: PeerId, hello: &Hello<'_>, knows_us: bool) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let name: Arc<str> = String::from_utf8_lossy(hello.name).into();
        let mut headers = Headers::new();
        for (name, value) in &hello.headers {
            // Of two equal names the first counts, as in the C library.
            headers.entry(text(name)).or_insert_with(|| text(value));
        }
        let headers = Arc::new(headers);
        let mut received = Sequence::START;
        received.next();
        peer.life = Life::Ready(Presence {
            name: name.clone(),
            headers: headers.clone(),
            groups: BTreeSet::new(),
            status: hello.status,
            received,
            quiet: Quiet::No,
            doubt: None,
            held: (!(peer.up && knows_us)).then(Held::default),
        });
        peer.hear(now);
        let endpoint = peer.endpoint;
        self.peer_event(id, Event::Enter { peer: id, name, headers, endpoint });
        for group in &hello.groups {
            self.add_to_group(now, id, &String::from_utf8_lossy(group));
        }
        if let Some(Life::Ready(Presence { held: Some(held), .. })) =
            self.peers.get_mut(id).map(|peer| &mut peer.life)
        {
            // HELLO has limits of its own.
            held.of_hello = held.events.len();
        }
        self.reschedule(id);
    }
}

/// How well it is known that a node is at an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// A beacon says so, which anybody can send.
    Beacon,
    /// A connection from there says so.
    Hello,
}

/// A message on another connection than the last one: the peer has reconnected, as libzmq does by
/// itself, or somebody uses its name. It takes over if it continues the sequence, or if there is
/// nothing to take over. Returns the connection to close.
fn take_over(peer: &mut Peer, conn: ConnId, sequence: u16) -> Option<ConnId> {
    if peer.conn == Some(conn) {
        return None;
    }
    let continues = peer.presence().is_some_and(|presence| presence.received.expects(sequence));
    if peer.conn.is_some() && !continues {
        return Some(conn);
    }
    peer.conn.replace(conn)
}
