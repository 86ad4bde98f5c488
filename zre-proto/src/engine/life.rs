//! How peers come, fall silent, and go.

use std::time::{Duration, Instant};

use super::Engine;
use super::messages::Proof;
use crate::message::{Command, Hello};
use crate::peer::{Claim, Doubt, Life, Peer, Presence, Quiet};
use crate::sequence::Sequence;
use crate::timers::after;
use crate::{ConnId, Endpoint, Event, ExitReason, LinkId, Output, PeerId};

/// A required peer is not tried more often than this, whatever is set.
pub(super) const SHORTEST_RETRY: Duration = Duration::from_millis(1);

/// A deadline that is handled so late means that this node was suspended, or starved.
pub(super) const LATE: Duration = Duration::from_secs(1);

/// While the mailbox is not read, deadlines of peers are put off by so much.
const PAUSED: Duration = Duration::from_secs(1);

impl Engine {
    /// Discovery says that a node is at an endpoint.
    pub(super) fn candidate(&mut self, now: Instant, id: PeerId, endpoint: Endpoint) {
        if id == self.config.id || endpoint == self.config.endpoint {
            self.stats.own += 1;
            return;
        }
        if let Some(peer) = self.peers.get_mut(id) {
            // Anybody can send a beacon: it must not cut a link that works.
            peer.alternative = (endpoint != peer.endpoint).then_some(endpoint);
            let moved = peer.alternative.is_some() && peer.can_be_asked();
            if let Life::Ready(presence) = &mut peer.life
                && !moved
            {
                // It is where it was.
                presence.doubt.take_if(|doubt| doubt.claim == Claim::Moved);
            }
            self.hear(now, id);
            if moved {
                self.doubt(now, id, Claim::Moved);
            }
        } else if self.make_room(now, id, endpoint, Proof::Beacon) {
            self.connect(now, id, endpoint);
        }
    }

    /// Whether there is room for a new peer at this endpoint.
    pub(super) fn make_room(
        &mut self,
        now: Instant,
        id: PeerId,
        endpoint: Endpoint,
        proof: Proof,
    ) -> bool {
        if !self.evict(now, id, endpoint, proof) {
            return false;
        }
        if self.peers.len() < self.config.max_peers {
            return true;
        }
        // Beacons are cheap to forge. Who has said HELLO goes before those that have not.
        let greeting = |(_, peer): &(PeerId, &Peer)| matches!(peer.life, Life::Greeting);
        let waiting = self.peers.iter().filter(greeting).min_by_key(|(_, peer)| peer.greeted);
        match waiting.map(|(id, _)| id) {
            Some(oldest) if proof == Proof::Hello => {
                self.end(now, oldest, ExitReason::Replaced);
                true
            }
            _ => {
                self.stats.candidates_refused += 1;
                false
            }
        }
    }

    /// Another peer at this endpoint goes: at once if its link is not up or the proof is good,
    /// else if it does not answer. Whether the endpoint is free now.
    pub(super) fn evict(
        &mut self,
        now: Instant,
        id: PeerId,
        endpoint: Endpoint,
        proof: Proof,
    ) -> bool {
        let there = self.peers.at(endpoint).filter(|(old, _)| *old != id);
        let Some((old, peer)) = there else { return true };
        if proof == Proof::Beacon && peer.up && matches!(peer.life, Life::Ready(_)) {
            self.doubt(now, old, Claim::Replaced);
            return false;
        }
        self.end(now, old, ExitReason::Replaced);
        true
    }

    /// Opens a link to a new peer and says HELLO on it.
    pub(super) fn connect(&mut self, now: Instant, id: PeerId, endpoint: Endpoint) {
        self.peers.insert(
            id,
            Peer {
                endpoint,
                alternative: None,
                link: LinkId(self.last_link),
                up: false,
                sent: Sequence::START,
                greeted: now,
                asked: 0,
                answered: 0,
                unanswered: false,
                regreeted: 0,
                conn: None,
                cut: now,
                heard: now,
                life: Life::Greeting,
            },
        );
        self.open_link(now, id, endpoint);
        self.reschedule(id);
    }

    /// A new link instead of the one there is, to where the peer is now.
    pub(super) fn relink(&mut self, now: Instant, id: PeerId, moved: Option<Endpoint>) {
        let Some(peer) = self.peers.get(id) else { return };
        let (link, endpoint) = (peer.link, moved.unwrap_or(peer.endpoint));
        self.outputs.push_back(Output::CloseLink { link });
        self.open_link(now, id, endpoint);
    }

    fn open_link(&mut self, now: Instant, id: PeerId, endpoint: Endpoint) {
        self.peers.place(id, endpoint);
        let Some(peer) = self.peers.get_mut(id) else { return };
        self.last_link += 1;
        peer.link = LinkId(self.last_link);
        peer.up = false;
        peer.sent = Sequence::START;
        (peer.asked, peer.answered) = (0, 0);
        peer.greeted = now;
        peer.unanswered = true;
        self.outputs.push_back(Output::Connect { peer: id, link: peer.link, endpoint });
        self.say_hello(id);
    }

    fn say_hello(&mut self, id: PeerId) {
        self.stats.hellos_sent += 1;
        let endpoint = self.config.endpoint.to_string();
        let name = self.config.name.clone();
        let groups: Vec<_> = self.own.groups.iter().cloned().collect();
        let headers = self.own.headers.clone();
        let hello = Hello {
            endpoint: endpoint.as_bytes(),
            groups: groups.iter().map(|group| group.as_bytes()).collect(),
            status: self.own.status,
            name: name.as_bytes(),
            headers: headers.iter().map(|(k, v)| (k.as_bytes(), v.as_bytes())).collect(),
        };
        self.send(id, Command::Hello(hello));
    }

    /// A goodbye beacon is a claim, not a fact: anybody can send one.
    pub(super) fn goodbye_beacon(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get(id) else { return };
        match peer.life {
            Life::Ready(_) if peer.up => self.doubt(now, id, Claim::Gone),
            Life::Ready(_) | Life::Greeting => self.end(now, id, ExitReason::Goodbye),
            // Its end is on the way, and now there is a better word for it.
            Life::Leaving { .. } => self.set_leaving_reason(id, ExitReason::Goodbye),
        }
    }

    fn set_leaving_reason(&mut self, id: PeerId, better: ExitReason) {
        if let Some(Life::Leaving { reason, .. }) = self.peers.get_mut(id).map(|p| &mut p.life) {
            *reason = better;
        }
    }

    /// Asks the peer whether a claim about it is true: it is, unless PING-OK comes in time.
    pub(super) fn doubt(&mut self, now: Instant, id: PeerId, claim: Claim) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let deadline = after(now, peer.proof(claim, &self.config.times));
        let Life::Ready(presence) = &mut peer.life else { return };
        // One question at a time, and the more urgent one; a claim that is repeated does not put off
        // its answer.
        let settled = |open: Doubt| open.claim == Claim::Moved && claim != Claim::Moved;
        if presence.doubt.is_none_or(settled) {
            presence.doubt = Some(Doubt { claim, deadline });
            self.ping(id);
            self.reschedule(id);
        }
    }

    pub(super) fn ping(&mut self, id: PeerId) {
        self.stats.pings_sent += 1;
        if let Some(peer) = self.peers.get_mut(id) {
            peer.asked = peer.asked.saturating_add(1);
        }
        self.send(id, Command::Ping);
    }

    pub(super) fn link_up(&mut self, id: PeerId, link: LinkId) {
        let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.link == link) else { return };
        peer.up = true;
        let probing =
            |presence: &Presence| presence.doubt.is_some_and(|doubt| doubt.claim == Claim::LostUs);
        if !peer.presence().is_some_and(probing) {
            self.release(id);
        }
    }

    /// Nothing stands between the application and the peer any more.
    pub(super) fn release(&mut self, id: PeerId) {
        if let Some(Life::Ready(presence)) = self.peers.get_mut(id).map(|peer| &mut peer.life)
            && let Some(held) = presence.held.take()
        {
            self.outputs.extend(held.events.into_iter().map(Output::Event));
        }
    }

    pub(super) fn link_lost(&mut self, now: Instant, id: PeerId, link: LinkId, overflow: bool) {
        let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.link == link) else { return };
        if overflow {
            self.stats.overflows += 1;
            return self.end(now, id, ExitReason::Overflow);
        }
        peer.up = false;
        let Life::Ready(presence) = &mut peer.life else {
            if matches!(peer.life, Life::Greeting) {
                self.end(now, id, ExitReason::LinkLost);
            }
            return;
        };
        let reason = match presence.doubt.take().map(|doubt| doubt.claim) {
            // It said HELLO and then its old mailbox went: it has restarted, and waits for ours.
            Some(Claim::LostUs) => {
                self.relink(now, id, None);
                return self.reschedule(id);
            }
            Some(Claim::Gone) => ExitReason::Goodbye,
            Some(Claim::Replaced) => ExitReason::Replaced,
            Some(Claim::Moved) | None => ExitReason::LinkLost,
        };
        if peer.conn.is_none() || presence.held.is_some() {
            return self.end(now, id, reason);
        }
        let deadline = after(now, self.config.times.drain);
        let life = std::mem::replace(&mut peer.life, Life::Greeting);
        if let Life::Ready(presence) = life {
            peer.life = Life::Leaving { presence, reason, deadline };
        }
        self.reschedule(id);
    }

    pub(super) fn mailbox_lost(&mut self, now: Instant, id: PeerId, conn: ConnId) {
        self.claims.forget(conn);
        let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.conn == Some(conn)) else {
            return;
        };
        peer.conn = None;
        peer.cut = now;
        self.claims.concede(id);
        if matches!(peer.life, Life::Leaving { .. }) {
            self.finish_leaving(now, id);
        } else {
            self.reschedule(id);
        }
    }

    pub(super) fn finish_leaving(&mut self, now: Instant, id: PeerId) {
        if let Some(Life::Leaving { reason, .. }) = self.peers.get(id).map(|peer| &peer.life) {
            self.end(now, id, *reason);
        }
    }

    /// The peer goes, with both its connections: so the other side learns of it at once as well.
    pub(super) fn end(&mut self, now: Instant, id: PeerId, reason: ExitReason) {
        self.leave_all(id, reason);
        self.timers.clear(id);
        let Some(peer) = self.peers.remove(id) else { return };
        self.claims.concede(id);
        self.outputs.push_back(Output::CloseLink { link: peer.link });
        if let Some(conn) = peer.conn {
            self.close_mailbox(conn);
        }
        if let Some(moved) = peer.alternative.filter(|_| reason == ExitReason::LinkLost) {
            // The old place is dead, and it has been heard from another one.
            if self.make_room(now, id, moved, Proof::Beacon) {
                return self.connect(now, id, moved);
            }
        }
        if self.required.contains_key(&id) {
            self.timers.set(id, after(now, self.config.times.retry.max(SHORTEST_RETRY)));
        }
    }

    /// The application hears that the peer is gone, if it knew of it.
    pub(super) fn leave_all(&mut self, id: PeerId, reason: ExitReason) {
        let Some(presence) = self.peers.get(id).and_then(Peer::presence) else { return };
        for group in &presence.groups {
            self.groups.leave(group, id);
        }
        if presence.held.is_none() {
            let name = presence.name.clone();
            self.event(Event::Exit { peer: id, name, reason });
        }
    }

    /// An event that is of no use later.
    fn present_event(&mut self, id: PeerId, event: Event) {
        if self.peers.get(id).is_some_and(Peer::is_present) {
            self.event(event);
        }
    }

    pub(super) fn pause(&mut self, now: Instant, paused: bool) {
        self.paused = paused;
        if !paused {
            self.give_time(now);
        }
    }

    /// We have not listened for a while. What peers said meanwhile is only now being read: they
    /// get the time to be heard.
    pub(super) fn give_time(&mut self, now: Instant) {
        let times = self.config.times;
        self.claims.put_off(after(now, times.proof));
        for peer in self.peers.iter_mut() {
            peer.hear(now);
            (peer.greeted, peer.cut) = (now, now);
            let proof = peer.doubt().map(|doubt| peer.proof(doubt.claim, &times));
            match &mut peer.life {
                Life::Ready(Presence { doubt: Some(doubt), .. }) => {
                    doubt.deadline = after(now, proof.unwrap_or(times.proof));
                }
                Life::Leaving { deadline, .. } => *deadline = after(now, times.drain),
                _ => {}
            }
        }
        let ids: Vec<PeerId> = self.peers.ids().collect();
        for id in ids {
            self.reschedule(id);
        }
    }

    pub(super) fn reschedule(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get(id) {
            self.timers.set(id, peer.deadline(&self.config.times));
        }
    }

    pub(super) fn time(&mut self, now: Instant) {
        if self.next_deadline().is_some_and(|next| now > next + LATE) {
            self.give_time(now);
        }
        while let Some(id) = self.timers.pop(now) {
            self.due(now, id);
        }
    }

    fn due(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get(id) else {
            if let Some(&endpoint) = self.required.get(&id) {
                self.timers.set(id, after(now, self.config.times.retry.max(SHORTEST_RETRY)));
                self.candidate(now, id, endpoint);
            }
            return;
        };
        let deadline = peer.deadline(&self.config.times);
        if deadline > now {
            return self.timers.set(id, deadline);
        }
        match &peer.life {
            _ if self.paused => self.timers.set(id, now + PAUSED),
            Life::Leaving { reason, .. } => self.end(now, id, *reason),
            Life::Greeting => self.end(now, id, ExitReason::LinkLost),
            Life::Ready(_) => self.quiet(now, id),
        }
    }

    /// A peer that is present has let a deadline pass.
    fn quiet(&mut self, now: Instant, id: PeerId) {
        let times = self.config.times;
        let Some(peer) = self.peers.get_mut(id) else { return };
        let Life::Ready(presence) = &mut peer.life else { return };
        if let Some(doubt) = presence.doubt.take_if(|doubt| doubt.deadline <= now) {
            match doubt.claim {
                Claim::Gone => return self.end(now, id, ExitReason::Goodbye),
                Claim::Replaced => return self.end(now, id, ExitReason::Replaced),
                Claim::Moved => return self.end(now, id, ExitReason::LinkLost),
                Claim::LostUs => {
                    peer.regreeted += 1;
                    self.relink(now, id, None);
                }
            }
            return self.reschedule(id);
        }
        if now >= after(peer.heard, times.expired) {
            return self.end(now, id, ExitReason::Expired);
        }
        if peer.conn.is_none() && now >= after(peer.cut, times.greeting) {
            return self.end(now, id, ExitReason::LinkLost);
        }
        let name = presence.name.clone();
        if presence.quiet == Quiet::No {
            presence.quiet = Quiet::Evasive(now);
            self.ping(id);
            self.present_event(id, Event::Evasive { peer: id, name });
        } else {
            presence.quiet = Quiet::Silent;
            self.present_event(id, Event::Silent { peer: id, name });
        }
        self.reschedule(id);
    }
}
