//! What the application requires: nodes whose id it does not know, and hosts that it knows by name.
//!
//! An endpoint without an id is *scouted*: a connection is made to find out who is there. A mailbox
//! of this implementation tells whose it is in the handshake. Any other gets HELLO, and the node that
//! answers by connecting to ours is the one. From then on the connection is that of a peer like any
//! other. When the peer is gone the endpoint is scouted anew, for another node may be there now.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Engine;
use super::discovery::Evidence;
use crate::candidates::Source;
use crate::message::Command;
use crate::peer::{Peer, PeerState};
use crate::requirements::{Key, RequirementInfo, Scout, State};
use crate::timers::after;
use crate::{
    ActionError, ConnId, Content, Endpoint, Event, ExitReason, HostEndpoint, Loss, Output, PeerId,
    PublicKey, UnreachableReason,
};

/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;

/// While the mailbox is not read, nobody is given up for not answering.
const PAUSED_EXTENSION: Duration = Duration::from_secs(1);

impl Engine {
    /// The application wants a node to be met at an endpoint: this one, or any that is there.
    pub(super) fn require(
        &mut self,
        now: Instant,
        peer: Option<PeerId>,
        endpoint: HostEndpoint,
    ) -> Result<(), ActionError> {
        if peer == Some(self.config.id) {
            return Err(ActionError::OwnPeer);
        }
        if endpoint.key().is_some() != self.config.key.is_some() {
            let is_secure = self.config.key.is_some();
            return Err(if is_secure { ActionError::NoKey } else { ActionError::UselessKey });
        }
        if let Some(id) = peer
            && self.keys.is_another_s(now, id, endpoint.key())
        {
            return Err(ActionError::AnotherKey(id));
        }
        let key = (endpoint, peer);
        if self.is_required(&key) {
            return Ok(());
        }
        let limit = self.config.max_required;
        if self.requirements.len() + self.required_candidates().count() >= limit {
            return Err(ActionError::TooManyRequired { limit });
        }
        if let (Some(id), Some(endpoint)) = (peer, key.0.endpoint()) {
            let limit = self.config.max_peers;
            if !self.peers.contains(id) && !self.make_room(now, Evidence::Claim) {
                return Err(ActionError::TooManyPeers { limit });
            }
            self.claim(now, id, endpoint, Source::Required, None);
        } else {
            self.requirements.insert(now, key);
            self.pass_requirements(now);
        }
        Ok(())
    }

    fn is_required(&self, key: &Key) -> bool {
        let (endpoint, peer) = (key.0.endpoint(), key.1);
        let candidate = |(id, required)| peer == Some(id) && endpoint == Some(required);
        self.requirements.contains(key) || self.required_candidates().any(candidate)
    }

    fn required_candidates(&self) -> impl Iterator<Item = (PeerId, Endpoint)> {
        let of = |(id, peer): (PeerId, &Peer)| {
            peer.candidates.required().map(move |endpoint| (id, endpoint)).collect::<Vec<_>>()
        };
        self.peers.iter().flat_map(of)
    }

    /// Returns what the application requires, what it has required with an id and a numeric address
    /// first.
    pub fn required(&self) -> impl Iterator<Item = RequirementInfo> {
        let is_present = |id| self.peers.get(id).is_some_and(Peer::is_present);
        let problem = |id| self.unreachable.iter().find(|(told, _)| *told == id).map(|it| it.1);
        let candidates = self.required_candidates().map(move |(id, endpoint)| RequirementInfo {
            endpoint: endpoint.into(),
            peer: Some(id),
            is_present: is_present(id),
            problem: problem(id),
        });
        let others = self.requirements.iter().map(move |((endpoint, _), it)| RequirementInfo {
            endpoint: endpoint.clone(),
            peer: it.peer,
            is_present: it.peer.is_some_and(is_present),
            problem: it.problem.or_else(|| it.peer.and_then(problem)),
        });
        candidates.chain(others)
    }

    /// The application does not want this node any more, wherever it has required it.
    pub(super) fn forget_peer(&mut self, now: Instant, id: PeerId) {
        self.requirements.extract(|(_, peer)| *peer == Some(id));
        self.forget_dials(now, id, |_, _| true);
    }

    /// The application does not want anybody any more at this endpoint.
    pub(super) fn forget_endpoint(&mut self, now: Instant, forgotten: &HostEndpoint) {
        let numeric = forgotten.endpoint();
        let candidates = self.required_candidates().filter(|(_, at)| Some(*at) == numeric);
        let mut peers: Vec<PeerId> = candidates.map(|(id, _)| id).collect();
        for requirement in self.requirements.extract(|(endpoint, _)| endpoint == forgotten) {
            if let State::Scouted(scout, _) = requirement.state {
                self.close(scout.conn);
            }
            peers.extend(requirement.peer);
        }
        for id in peers {
            self.forget_dials(now, id, |source, at| match numeric {
                Some(numeric) => at == numeric,
                None => source == Source::Found,
            });
        }
    }

    /// A node is not dialled any more where the application wanted that. One that is met stays.
    fn forget_dials(&mut self, now: Instant, id: PeerId, which: impl Fn(Source, Endpoint) -> bool) {
        let Some(peer) = self.peers.get(id) else { return };
        let dials: Vec<ConnId> = peer.candidates.dials_of_application(&which).collect();
        for conn in dials {
            self.abandon_dial(id, conn);
        }
        if let Some(peer) = self.peers.get_mut(id) {
            peer.candidates.forget_application(which);
        }
        self.end_if_hopeless(now, id, ExitReason::LinkLost);
        self.release(now, id, None);
        self.forget_if_of_no_use(now, id, false);
        self.reschedule_if_absent(now, id);
    }

    /// Tries what is due, and gives up what has not answered.
    pub(super) fn pass_requirements(&mut self, now: Instant) {
        while let Some(key) = self.requirements.due(now) {
            self.seek(now, &key);
        }
    }

    fn seek(&mut self, now: Instant, key: &Key) {
        let Some(requirement) = self.requirements.get_mut(key) else { return };
        if let State::Scouted(scout, _) = &requirement.state {
            let conn = scout.conn;
            if self.paused {
                return self.requirements.postpone(after(now, PAUSED_EXTENSION));
            }
            self.close(conn);
            return self.scout_lost(now, conn, Loss::Ended);
        }
        let known = requirement.peer;
        if let Some(id) = known.filter(|id| self.is_connected(*id)) {
            return self.found(now, key, id, None);
        }
        if let Some(endpoint) = key.0.endpoint() {
            return self.look_at(now, key, [endpoint].into());
        }
        if let Some(requirement) = self.requirements.get_mut(key) {
            requirement.state = State::Resolving;
            self.outputs.push_back(Output::Resolve { endpoint: key.0.clone() });
        }
    }

    /// A name has these addresses; none, if it does not resolve.
    pub(super) fn resolved(&mut self, now: Instant, name: &HostEndpoint, addresses: &[Endpoint]) {
        let mut different = VecDeque::new();
        for address in addresses {
            let address = address.with_key(name.key());
            if different.len() < MAX_ADDRESSES && !different.contains(&address) {
                different.push_back(address);
            }
        }
        for key in self.requirements.resolving(name) {
            if different.is_empty() {
                self.not_met(now, &key, Duration::ZERO, UnreachableReason::NoName);
            } else {
                self.look_at(now, &key, different.clone());
            }
        }
    }

    fn look_at(&mut self, now: Instant, key: &Key, addresses: VecDeque<Endpoint>) {
        let Some(id) = key.1 else { return self.scout(now, key, addresses, None) };
        let room = self.peers.contains(id) || self.make_room(now, Evidence::Claim);
        if room && !self.peers.contains(id) {
            self.peers.insert(id, Peer::new(now));
        }
        let is_met = self.requirements.get_mut(key).is_some_and(|it| it.is_met);
        if let Some(peer) = self.peers.get_mut(id) {
            for address in addresses {
                peer.candidates.claim(now, address, Source::Found, None, false);
                if is_met {
                    peer.candidates.expect(address);
                }
            }
        }
        self.dial(now, id);
        self.reschedule_if_absent(now, id);
        self.found(now, key, id, None);
    }

    /// Finds out who is at the first of these addresses where nobody is dialled or linked to. Why
    /// nobody was met at those before is told if there is none.
    fn scout(
        &mut self,
        now: Instant,
        key: &Key,
        mut addresses: VecDeque<Endpoint>,
        failed: Option<(Duration, UnreachableReason)>,
    ) {
        while let Some(endpoint) = addresses.pop_front() {
            if let Some((id, peer)) = self.peers.at(endpoint) {
                if matches!(peer.state, PeerState::Ready(_)) && peer.outgoing.is_up() {
                    return self.found(now, key, id, Some(endpoint));
                }
                // It will be seen who is there.
                continue;
            }
            if self.requirements.is_scouted(endpoint) || !self.make_room(now, Evidence::Claim) {
                continue;
            }
            let Some(requirement) = self.requirements.get_mut(key) else { return };
            self.last_dial += 1;
            let conn = ConnId::Dialled(self.last_dial);
            let failed_before = requirement.is_brief();
            let scout = Box::new(Scout::new(now, conn, endpoint));
            endpoint.key().into_iter().for_each(|key| self.keys.keep(conn, key));
            requirement.state = State::Scouted(scout, addresses);
            self.stats.dials += 1;
            self.outputs.push_back(Output::Scout { conn, endpoint, failed_before });
            return;
        }
        if let Some((taken, why)) = failed {
            return self.not_met(now, key, taken, why);
        }
        let pause = self.config.times.retry_interval;
        self.requirements.get_mut(key).into_iter().for_each(|it| it.wait(now, pause));
    }

    fn not_met(&mut self, now: Instant, key: &Key, taken: Duration, why: UnreachableReason) {
        let times = self.config.times;
        let Some(requirement) = self.requirements.get_mut(key) else { return };
        if requirement.fail(now, taken, why, &times) {
            self.event(Event::EndpointUnreachable { endpoint: key.0.clone(), why });
        }
    }

    /// It is known who is there, and that node is dealt with: by a dial to where it was found, if it
    /// is not met yet.
    fn found(&mut self, now: Instant, key: &Key, id: PeerId, at: Option<Endpoint>) {
        let Some(requirement) = self.requirements.get_mut(key) else { return };
        requirement.peer = Some(id);
        requirement.state = State::Known(at);
        if self.peers.get(id).is_some_and(Peer::is_present) {
            self.requirements.met(id);
        }
        // Addresses that have failed before may have to wait.
        self.release(now, id, None);
    }

    fn is_connected(&self, id: PeerId) -> bool {
        self.peers.get(id).is_some_and(|peer| peer.is_connected() || peer.presence().is_some())
    }

    /// A node may have gone, or it was not reached for this reason: the endpoint where it was found is
    /// tried again, unless it is being dialled there.
    pub(super) fn release(&mut self, now: Instant, id: PeerId, why: Option<UnreachableReason>) {
        if self.is_connected(id) {
            return;
        }
        let times = self.config.times;
        let dials = self.peers.get(id).into_iter().flat_map(|peer| peer.candidates.dials());
        let dialled: Vec<Endpoint> = dials.map(|(_, endpoint)| endpoint).collect();
        for it in self.requirements.undialled(id, &dialled) {
            match why {
                Some(why) => drop(it.fail(now, Duration::ZERO, why, &times)),
                None => it.put_off(now, &times),
            }
        }
    }

    /// A scout has reached a mailbox that tells whose it is.
    pub(super) fn identified(
        &mut self,
        now: Instant,
        id: PeerId,
        conn: ConnId,
        two_way: bool,
        own_endpoint: Endpoint,
    ) {
        let taken = self.requirements.take_scout(now, |scout| scout.conn == conn);
        let Some((key, scout, taken, addresses)) = taken else { return };
        if id == self.config.id {
            self.stats.own += 1;
            self.close(conn);
            let own = Some((taken, UnreachableReason::OwnNode));
            return self.scout(now, &key, addresses, own);
        }
        if !self.peers.contains(id) && self.make_room(now, Evidence::Connection) {
            self.peers.insert(id, Peer::new(now));
        }
        if self.is_usurping(now, id, conn) {
            self.close(conn);
            let another = Some((taken, UnreachableReason::AnotherNode));
            return self.scout(now, &key, addresses, another);
        }
        let times = self.config.times;
        if let Some(peer) = self.peers.get_mut(id) {
            let is_met = peer.outgoing.two_way && peer.can_be_asked();
            peer.candidates.claim(now, scout.endpoint, Source::Found, None, is_met);
            // A second link to one mailbox is of no use.
            if two_way || !(peer.outgoing.is_up() || peer.is_leaving()) {
                peer.candidates.dial(now, scout.endpoint, conn, &times);
            }
        }
        if self.peers.get(id).and_then(|peer| peer.candidates.dialled_by(conn)).is_some() {
            self.peers.place(id, scout.endpoint);
            self.connected(now, id, conn, two_way, own_endpoint);
        } else {
            self.close(conn);
        }
        self.found(now, &key, id, Some(scout.endpoint));
    }

    /// A scout has reached a mailbox that does not tell whose it is: says HELLO, which its node will
    /// answer.
    pub(super) fn scout_up(&mut self, now: Instant, conn: ConnId, own_endpoint: Endpoint) {
        let answer_due = after(now, self.config.times.expired_timeout);
        let Some(scout) = self.requirements.scout_mut(conn) else { return };
        scout.outgoing.open(now, conn, false);
        scout.answer_due = Some(answer_due);
        self.stats.hellos_sent += 1;
        let endpoint = own_endpoint.wire_form();
        let own_headers = self.local.own_headers(own_endpoint, self.tickets.of(conn));
        let hello = Command::Hello(self.local.hello(&endpoint, &self.config.name, &own_headers));
        let content = Content::none();
        self.stats.sent += scout.outgoing.send(now, hello, content, &mut self.outputs);
    }

    /// A scout is no more.
    pub(super) fn scout_lost(&mut self, now: Instant, conn: ConnId, why: Loss) {
        self.forget_conn(conn);
        let taken = self.requirements.take_scout(now, |scout| scout.conn == conn);
        let Some((key, _, taken, addresses)) = taken else { return };
        self.stats.dials_failed += 1;
        let why = match why {
            Loss::Failed(why) => why,
            Loss::Ended | Loss::Left | Loss::Overflow => UnreachableReason::NoHello,
        };
        self.scout(now, &key, addresses, Some((taken, why)));
    }

    /// A node is dialled where a scout is: the scout makes room.
    pub(super) fn replace_scout(&mut self, now: Instant, id: PeerId, endpoint: Endpoint) {
        let taken = self.requirements.take_scout(now, |scout| scout.endpoint == endpoint);
        let Some((key, scout, ..)) = taken else { return };
        self.close(scout.conn);
        if let Some(requirement) = self.requirements.get_mut(&key) {
            requirement.peer = Some(id);
            requirement.state = State::Known(Some(endpoint));
        }
    }

    /// A node has greeted to which we have no link. If it has probably answered the HELLO of a scout,
    /// that becomes our link to it.
    pub(super) fn adopt_scout(
        &mut self,
        now: Instant,
        id: PeerId,
        announced: Option<Endpoint>,
        source: Option<SocketAddr>,
        key: Option<PublicKey>,
    ) {
        let peer = self.peers.get(id);
        if peer.is_some_and(|peer| peer.outgoing.is_up()) {
            return;
        }
        // Of one that is said to be elsewhere, and says so itself, the address is no sign.
        let elsewhere = peer.zip(announced).is_some_and(|(peer, at)| peer.candidates.contains(at));
        let source = source.filter(|_| !elsewhere).map(Endpoint::new);
        let Some((conn, is_certain)) = self.requirements.answered_by(id, announced, source, key)
        else {
            return;
        };
        let taken = self.requirements.take_scout(now, |scout| scout.conn == conn);
        let Some((key, scout, ..)) = taken else { return };
        if !self.peers.contains(id) && self.make_room(now, Evidence::Connection) {
            self.peers.insert(id, Peer::new(now));
        }
        self.abandon_dials(id);
        let Some(peer) = self.peers.get_mut(id) else {
            self.close(conn);
            let pause = self.config.times.retry_interval;
            return self.requirements.get_mut(&key).into_iter().for_each(|it| it.wait(now, pause));
        };
        let endpoint = scout.endpoint;
        peer.candidates.claim(now, endpoint, Source::Found, None, false);
        peer.outgoing = scout.outgoing;
        peer.outgoing.is_guessed = !is_certain;
        if let Some(old) = peer.endpoint.replace(endpoint) {
            self.peers.leave(id, old);
        }
        self.peers.place(id, endpoint);
        self.outputs.push_back(Output::Identified { conn, peer: id });
        self.answer_late(now, id);
        self.found(now, &key, id, Some(endpoint));
    }

    /// This node is somewhere else now: what is required, or looked for, may be reached from there.
    pub(super) fn hope(&mut self, now: Instant) {
        let times = self.config.times;
        self.requirements.hope(now, &times);
        let is_looked_for =
            |(_, peer): &(PeerId, &Peer)| !peer.is_present() && peer.candidates.any_lasting();
        let looked_for = self.peers.iter().filter(is_looked_for);
        let looked_for: Vec<PeerId> = looked_for.map(|(id, _)| id).collect();
        for id in looked_for {
            let peer = self.peers.get_mut(id).into_iter();
            peer.for_each(|peer| peer.candidates.hope(now, &times));
            self.reschedule_if_absent(now, id);
        }
    }
}
