//! A peer's life.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sequence::Sequence;
use crate::timers::after;
use crate::{ConnId, Endpoint, Event, ExitReason, Headers, LinkId, PeerId, Times};

/// The wait for a proof is doubled so many times at most: who has really lost us waits as long.
const LONGEST_PROOF: u32 = 3;

/// What the engine knows of one peer.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Where our link to it goes. Changed by `Peers::place`, which keeps the index.
    pub(crate) endpoint: Endpoint,
    /// Where it is as well, by what it says. Tried when the link is lost, or it does not answer.
    pub(crate) alternative: Option<Endpoint>,
    /// Our link to it: DEALER to its ROUTER.
    pub(crate) link: LinkId,
    /// Whether the link is connected.
    pub(crate) up: bool,
    /// The sequence of what we send on the link.
    pub(crate) sent: Sequence,
    /// PINGs sent on the link.
    pub(crate) asked: u32,
    /// And those of them that it has answered.
    pub(crate) answered: u32,
    /// When the HELLO of this link was sent.
    pub(crate) greeted: Instant,
    /// Whether that HELLO may still be answered by one of its own.
    pub(crate) unanswered: bool,
    /// How many HELLOs in a row were sent for want of a proof that it knows us.
    pub(crate) regreeted: u32,
    /// Its connection to our mailbox.
    pub(crate) conn: Option<ConnId>,
    /// When it lost the last one. One that is present has to come back: until then nothing that it
    /// says arrives, though its beacons may, and the link may seem to hold.
    pub(crate) cut: Instant,
    /// When anything was last heard from it.
    pub(crate) heard: Instant,
    pub(crate) life: Life,
}

/// How far a peer is.
#[derive(Debug)]
pub(crate) enum Life {
    /// We have said HELLO; it has not. The application does not know of it.
    Greeting,
    /// It has said HELLO. The application knows it from the moment that our link is up.
    Ready(Presence),
    /// The link to it is lost; its mailbox connection may still bring what it had sent before.
    Leaving { presence: Presence, reason: ExitReason, deadline: Instant },
}

/// What HELLO and the messages after it have told of a peer.
#[derive(Debug)]
pub(crate) struct Presence {
    pub(crate) name: Arc<str>,
    pub(crate) headers: Arc<Headers>,
    pub(crate) groups: BTreeSet<Arc<str>>,
    pub(crate) status: u8,
    /// The sequence of what it sends us.
    pub(crate) received: Sequence,
    pub(crate) quiet: Quiet,
    pub(crate) doubt: Option<Doubt>,
    /// What the application will hear when our link is up and the peer knows us; until then it does
    /// not know the peer, for it could not answer.
    pub(crate) held: Option<Held>,
}

/// Events that wait for a link.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) events: Vec<Event>,
    /// So many of them are from HELLO.
    pub(crate) of_hello: usize,
    /// What their content takes in memory, in octets.
    pub(crate) octets: usize,
}

impl Held {
    pub(crate) fn push(&mut self, event: Event) {
        if let Some(content) = event.content() {
            self.octets += content.octets() + size_of_val(content.frames());
        }
        self.events.push(event);
    }

    /// Events that came after HELLO.
    pub(crate) const fn since_hello(&self) -> usize {
        self.events.len() - self.of_hello
    }
}

/// How long a peer has been quiet, in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quiet {
    No,
    /// PING was sent at this time.
    Evasive(Instant),
    Silent,
}

/// Something that anybody may have claimed about a peer. PING-OK in time proves it wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Doubt {
    pub(crate) claim: Claim,
    pub(crate) deadline: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// A goodbye beacon: it is gone.
    Gone,
    /// The beacon of another node on its endpoint: it was replaced.
    Replaced,
    /// A beacon from another endpoint: it has moved there.
    Moved,
    /// A second HELLO soon after our own: it has lost us, unless the two merely crossed.
    LostUs,
}

/// How alive a peer seems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Liveness {
    /// Heard of within [`Times::evasive`](crate::Times::evasive).
    Active,
    /// Quiet, and asked by PING.
    Evasive,
    /// Has not answered the PING.
    Silent,
}

/// A peer that is present: what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// Its id.
    pub id: PeerId,
    /// Its name for people.
    pub name: Arc<str>,
    /// What it says about itself.
    pub headers: Arc<Headers>,
    /// Where its mailbox is.
    pub endpoint: Endpoint,
    /// The groups it is in, in the order of their names.
    pub groups: Vec<Arc<str>>,
    /// How alive it seems.
    pub liveness: Liveness,
}

impl Peer {
    /// What it has told of itself since its HELLO.
    pub(crate) const fn presence(&self) -> Option<&Presence> {
        match &self.life {
            Life::Greeting => None,
            Life::Ready(presence) | Life::Leaving { presence, .. } => Some(presence),
        }
    }

    /// Whether the application knows it: between ENTER and EXIT.
    pub(crate) fn is_present(&self) -> bool {
        self.presence().is_some_and(|presence| presence.held.is_none())
    }

    /// Whether it is present and would answer a PING, if it lives.
    pub(crate) fn can_be_asked(&self) -> bool {
        self.up && matches!(&self.life, Life::Ready(presence) if presence.held.is_none())
    }

    /// When something has to be done about it, if nothing is heard before.
    pub(crate) fn deadline(&self, times: &Times) -> Instant {
        match &self.life {
            Life::Greeting => after(self.greeted, times.greeting),
            Life::Leaving { deadline, .. } => *deadline,
            Life::Ready(presence) => {
                let expired = after(self.heard, times.expired);
                let quiet = match presence.quiet {
                    Quiet::No => expired.min(after(self.heard, times.evasive)),
                    Quiet::Evasive(since) => expired.min(after(since, times.silent)),
                    Quiet::Silent => expired,
                };
                let cut = self.conn.is_none().then(|| after(self.cut, times.greeting));
                let doubt = presence.doubt.map(|doubt| doubt.deadline);
                [doubt, cut].into_iter().flatten().fold(quiet, Instant::min)
            }
        }
    }

    /// What is being put to the test about it.
    pub(crate) fn doubt(&self) -> Option<Doubt> {
        self.presence()?.doubt
    }

    /// How long to wait for a PING-OK that proves a claim wrong. For the proof that it knows us,
    /// longer each time that none has come: a round trip may take longer than we think.
    pub(crate) fn proof(&self, claim: Claim, times: &Times) -> Duration {
        match claim {
            Claim::LostUs => times.proof.saturating_mul(1 << self.regreeted.min(LONGEST_PROOF)),
            Claim::Gone | Claim::Replaced => times.proof,
            // Nothing is lost by waiting, but a peer that does not read just now.
            Claim::Moved => times.greeting,
        }
    }

    /// Something was heard from it. True: it had been quiet, and its deadline may be earlier now.
    pub(crate) fn hear(&mut self, now: Instant) -> bool {
        self.heard = now;
        let Life::Ready(presence) = &mut self.life else { return false };
        std::mem::replace(&mut presence.quiet, Quiet::No) != Quiet::No
    }

    /// What an application may know of it.
    pub(crate) fn info(&self, id: PeerId) -> Option<PeerInfo> {
        let presence = self.presence().filter(|presence| presence.held.is_none())?;
        Some(PeerInfo {
            id,
            name: presence.name.clone(),
            headers: presence.headers.clone(),
            endpoint: self.endpoint,
            groups: presence.groups.iter().cloned().collect(),
            liveness: match presence.quiet {
                Quiet::No => Liveness::Active,
                Quiet::Evasive(_) => Liveness::Evasive,
                Quiet::Silent => Liveness::Silent,
            },
        })
    }
}
