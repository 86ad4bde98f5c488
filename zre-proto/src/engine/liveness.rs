//! How peers fall silent, and how it is found out what is the matter with them.

use std::time::{Duration, Instant};

use super::Engine;
use crate::message::Command;
use crate::peer::{Liveness, Peer, PeerState, Presence, Probe, Suspicion};
use crate::timers::after;
use crate::{ConnId, Content, Event, ExitReason, PeerId, Times, UnreachableReason};

/// A deadline that is handled this late means that the node was suspended, or starved.
const SUSPENDED_AFTER: Duration = Duration::from_secs(1);

/// While the mailbox is not read, deadlines of peers are put off by this.
const PAUSED_EXTENSION: Duration = Duration::from_secs(1);

/// PINGs that came before our link was up, and are answered when it is; more than anybody needs.
const MAX_LATE_ANSWERS: u32 = 16;

/// While it is not read, peers are not told more often that this node lives, whatever is set.
const MIN_CALL_INTERVAL: Duration = Duration::from_millis(100);

impl Engine {
    /// Asks the peer whether a suspicion is right: it is, unless PING-OK comes in time.
    pub(super) fn suspect(&mut self, now: Instant, id: PeerId, suspicion: Suspicion) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let deadline = after(now, peer.probe_timeout(suspicion, &self.config.times));
        let Some(presence) = peer.ready_mut() else { return };
        // One question at a time, and the more urgent one; a sign that is repeated does not put off
        // its answer.
        let less_urgent =
            |open: Suspicion| open == Suspicion::Moved && suspicion != Suspicion::Moved;
        if presence.suspicion().is_none_or(less_urgent) {
            presence.probe = Some(Probe { suspicion, deadline });
            self.ping(now, id);
            self.reschedule(now, id);
        }
    }

    /// The peer has answered our PING: nothing that was suspected is right.
    pub(super) fn settle_suspicion(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let Some(probe) = peer.ready_mut().and_then(|presence| presence.probe.take()) else {
            return;
        };
        if probe.suspicion == Suspicion::Misled {
            peer.outgoing.is_guessed = false;
            return self.release_held(now, id);
        }
        if probe.suspicion == Suspicion::LostUs {
            // In time. An answer that comes late says nothing about the HELLO that went out
            // meanwhile.
            peer.regreeted = 0;
            self.release_held(now, id);
        }
    }

    pub(super) fn ping(&mut self, now: Instant, id: PeerId) {
        self.stats.pings_sent += 1;
        self.send(now, id, Command::Ping, Content::none());
    }

    /// Answers a PING: now, or when our link is up.
    pub(super) fn answer_ping(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if peer.outgoing.is_up() {
            self.send(now, id, Command::PingOk, Content::none());
        } else {
            peer.unanswered_pings = peer.unanswered_pings.saturating_add(1).min(MAX_LATE_ANSWERS);
        }
    }

    /// Our link is up: answers the PINGs that came before.
    pub(super) fn answer_late(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        for _ in 0..std::mem::take(&mut peer.unanswered_pings) {
            self.send(now, id, Command::PingOk, Content::none());
        }
    }

    /// Something was heard of a peer.
    pub(super) fn hear(&mut self, now: Instant, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.hear(now);
            self.welcome_back(now, id);
        }
    }

    /// Tells the application if a peer was evasive or silent, and is neither now.
    pub(super) fn welcome_back(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if peer.has_returned(now, &self.config.times) {
            if let Some(Presence { name, held: None, .. }) = peer.presence() {
                let name = name.clone();
                self.event(Event::Returned { peer: id, name });
            }
            // Its deadline may be earlier now.
            self.reschedule(now, id);
        }
    }

    /// Bytes have moved on a connection. While they arrive on a peer's own one, no question is
    /// decided against it: the answer may be behind them. While the kernel takes more of what
    /// waits, the peer takes it, and the question may be behind that.
    pub(super) fn progress(
        &mut self,
        now: Instant,
        id: PeerId,
        conn: ConnId,
        received: bool,
        sent: bool,
    ) {
        let until = after(now, self.config.times.probe_timeout);
        let Some(peer) = self.peers.get_mut(id) else { return };
        let received = received && peer.incoming.conn == Some(conn);
        let sent = sent && peer.outgoing.conn == Some(conn);
        if !received && !sent {
            return;
        }
        if sent {
            peer.outgoing.put_off_answer(now);
        }
        if received {
            peer.last_word = now;
        }
        let probe = peer.ready_mut().and_then(|presence| presence.probe.as_mut());
        if let Some(probe) = probe {
            probe.deadline = probe.deadline.max(until);
        }
        self.challenges.postpone_against(id, until);
        // What the kernel has taken was acknowledged by the peer's.
        self.hear(now, id);
        self.reschedule(now, id);
    }

    pub(super) fn pause(&mut self, now: Instant, paused: bool) {
        self.paused = paused;
        if paused {
            self.call_at = Some(after(now, self.call_interval()));
        } else {
            self.call_at = None;
            self.extend_deadlines(now);
        }
    }

    /// Tells all that were sent a HELLO, while nothing of them is read, that this node lives: nobody
    /// is asked anything by it, and it is an answer to what they have asked. Some have greeted
    /// back, and know this node, without having been read.
    fn call(&mut self, now: Instant) {
        if self.call_at.is_some_and(|at| at <= now) {
            self.call_at = Some(after(now, self.call_interval()));
            self.send_to_all(now, &Command::PingOk);
        }
    }

    /// Other times hold from now on. Counted from before, a peer might be given up by them that
    /// nobody has asked.
    pub(super) fn set_times(&mut self, now: Instant, times: Times) {
        self.config.times = times;
        self.extend_deadlines(now);
        if self.call_at.is_some() {
            self.call_at = Some(after(now, self.call_interval()));
        }
    }

    fn call_interval(&self) -> Duration {
        self.config.times.ask_after().max(MIN_CALL_INTERVAL)
    }

    /// Gives peers time if this node was suspended: nobody could be heard.
    pub(super) fn extend_deadlines_if_suspended(&mut self, now: Instant) {
        if self.next_deadline().is_some_and(|next| now > next + SUSPENDED_AFTER) {
            self.extend_deadlines(now);
        }
    }

    /// We have not listened for a while, and what peers said meanwhile is only now being read; or
    /// they had other times. They get the time to be heard.
    fn extend_deadlines(&mut self, now: Instant) {
        let times = self.config.times;
        self.challenges.postpone(after(now, times.probe_timeout));
        self.requirements.postpone(after(now, times.expired_timeout));
        for peer in self.peers.iter_mut() {
            peer.hear_word(now);
            peer.outgoing.put_off_answer(now);
            peer.candidates.postpone(now);
            peer.outgoing.greeted_at = now;
            peer.outgoing.rivalled_since = peer.outgoing.rivalled_since.map(|_| now);
            peer.incoming.disconnected_at = now;
            let suspicion = peer.presence().and_then(|presence| presence.suspicion());
            let timeout = suspicion.map(|suspicion| peer.probe_timeout(suspicion, &times));
            match &mut peer.state {
                PeerState::Greeting => {}
                PeerState::Ready(presence) => {
                    // It is not back before it is heard.
                    presence.evasive_since = now;
                    if let (Some(probe), Some(timeout)) = (&mut presence.probe, timeout) {
                        probe.deadline = after(now, timeout);
                    }
                }
                PeerState::Leaving { deadline, .. } => {
                    *deadline = after(now, times.drain_timeout);
                }
            }
        }
        let ids: Vec<PeerId> = self.peers.iter().map(|(id, _)| id).collect();
        for id in ids {
            self.reschedule(now, id);
        }
    }

    /// A deadline that has passed already is due now: one that is handled late would mean that this
    /// node was suspended.
    pub(super) fn reschedule(&mut self, now: Instant, id: PeerId) {
        match self.peers.get(id).and_then(|peer| peer.deadline(&self.config.times)) {
            Some(deadline) => self.timers.set(&id, deadline.max(now)),
            None => self.timers.clear(&id),
        }
    }

    /// Hearing of a peer that is connected does not move its deadline, which is computed anew when
    /// it comes.
    pub(super) fn reschedule_if_absent(&mut self, now: Instant, id: PeerId) {
        if self.peers.get(id).is_some_and(|peer| !peer.is_connected()) {
            self.reschedule(now, id);
        }
    }

    /// Does what is due.
    pub(super) fn pass_deadlines(&mut self, now: Instant) {
        self.extend_deadlines_if_suspended(now);
        self.call(now);
        // What is heard of a challenge that is over may be followed by something that is due.
        for _ in 0..2 {
            while let Some(id) = self.timers.pop(now) {
                self.pass_deadline(now, id);
            }
            self.pass_challenges(now);
            self.accept_challenges(now);
        }
        self.pass_requirements(now);
        self.elections.touch_due(now);
    }

    fn pass_deadline(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get(id) else { return };
        // Hearing from a peer does not move its deadline in the timers.
        let Some(deadline) = peer.deadline(&self.config.times) else { return };
        if deadline > now {
            return self.timers.set(&id, deadline);
        }
        match &peer.state {
            _ if self.paused => self.timers.set(&id, now + PAUSED_EXTENSION),
            PeerState::Leaving { reason, .. } => self.end(now, id, *reason),
            PeerState::Greeting if peer.outgoing.is_up() => self.unanswered(now, id),
            PeerState::Greeting => self.unmet(now, id),
            PeerState::Ready(_) => self.overdue(now, id),
        }
    }

    /// A peer has not answered our HELLO for long.
    fn unanswered(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let endpoint = peer.endpoint;
        if now >= peer.gives_up_at(&self.config.times) {
            if let Some(endpoint) = endpoint {
                self.tell_unreachable(id, endpoint, UnreachableReason::NoHello);
            }
            return self.end(now, id, ExitReason::LinkLost);
        }
        if peer.outgoing.rivalled_since.take().is_some() && !self.is_rivalled(id) {
            // It was closed, as one does that has heard the HELLO.
            return self.reschedule(now, id);
        }
        if let Some(peer) = self.peers.get_mut(id) {
            peer.outgoing.answer_is_late = true;
        }
        self.take_better_spare(now, id);
        self.dial(now, id);
        self.reschedule(now, id);
    }

    /// Something is due about a node that is not connected.
    fn unmet(&mut self, now: Instant, id: PeerId) {
        let times = self.config.times;
        while let Some(conn) =
            self.peers.get(id).and_then(|peer| peer.candidates.unanswered(now, &times))
        {
            // It has to speak first, and does not.
            self.close(conn);
            self.lost_unused(now, id, conn, UnreachableReason::NoHello);
        }
        // What was claimed long ago is not dialled any more.
        self.forget_if_of_no_use(now, id, false);
        self.dial(now, id);
        self.reschedule(now, id);
    }

    /// A peer that has said HELLO has let a deadline pass.
    fn overdue(&mut self, now: Instant, id: PeerId) {
        let times = self.config.times;
        let Some(peer) = self.peers.get_mut(id) else { return };
        let unheard_since = peer.incoming.conn.is_none().then_some(peer.incoming.disconnected_at);
        let quiet_since = peer.quiet_since();
        let expired = now >= peer.expires_at(&times);
        let asks = peer.outgoing.is_up()
            && !peer.was_asked()
            && now >= after(quiet_since, times.ask_after());
        let missed_at = peer.missed_at(&times);
        let Some(presence) = peer.ready_mut() else { return };
        if let Some(probe) = &mut presence.probe
            && probe.suspicion == Suspicion::Moved
            && probe.deadline <= now
            && let Some(later) = missed_at.filter(|missed_at| *missed_at > now)
        {
            probe.deadline = later;
            return self.reschedule(now, id);
        }
        if let Some(probe) = presence.probe.take_if(|probe| probe.deadline <= now) {
            return self.suspicion_confirmed(now, id, probe.suspicion);
        }
        if expired {
            return self.end(now, id, ExitReason::Expired);
        }
        if unheard_since.is_some_and(|since| now >= after(since, times.greeting_timeout)) {
            return self.end(now, id, ExitReason::LinkLost);
        }
        if asks {
            peer.ask(now);
            self.ping(now, id);
            return self.reschedule(now, id);
        }
        let (name, present) = (presence.name.clone(), presence.held.is_none());
        let event = match presence.liveness {
            Liveness::Present => {
                presence.liveness = Liveness::Evasive;
                presence.evasive_since = now;
                Event::Evasive { peer: id, name }
            }
            Liveness::Evasive | Liveness::Silent => {
                presence.liveness = Liveness::Silent;
                Event::Silent { peer: id, name }
            }
        };
        // Before ENTER it is of no use, and later it would be out of date.
        if present {
            self.event(event);
        }
        self.reschedule(now, id);
    }

    /// The peer has not answered in time.
    fn suspicion_confirmed(&mut self, now: Instant, id: PeerId, suspicion: Suspicion) {
        match suspicion {
            Suspicion::Gone => self.end(now, id, ExitReason::Goodbye),
            // Of a node to which the link does not lead nobody has heard yet.
            Suspicion::Replaced | Suspicion::Misled => self.end(now, id, ExitReason::Replaced),
            Suspicion::Moved | Suspicion::Left => self.end(now, id, ExitReason::LinkLost),
            Suspicion::LostUs => {
                self.peers.get_mut(id).into_iter().for_each(|peer: &mut Peer| peer.regreeted += 1);
                self.relink(now, id, None);
                self.reschedule(now, id);
            }
        }
    }
}
