//! The network: who is where, what can reach what, and how long it takes.
//!
//! It changes only between windows of time; while nodes run they read it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use zre_proto::{Beacon, Endpoint, PeerId, PublicKey};

use super::chance::Chance;
use super::lie::Claim;
use super::segment::NodeRef;
use super::site::{Site, Told, Wall};
use super::time::{MILLI, Micros};

/// The first port of mailboxes.
pub(super) const FIRST_PORT: u16 = 0xC000;

/// TCP sends again after this, and after twice this, and so on.
const RESEND: Micros = 200 * MILLI;
/// So often at most: then it is through.
const RESENDS: u32 = 4;
/// What one message takes on a slow way, shortest and longest.
const SLOW: (Micros, Micros) = (100 * MILLI, 1500 * MILLI);

/// What the network is like.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// One way, shortest and longest.
    pub(super) delay: (Micros, Micros),
    /// Datagrams and segments lost, in parts of a million.
    pub(super) loss: u32,
    /// Datagrams doubled.
    pub(super) doubled: u32,
    /// Datagrams that take up to two seconds longer, and so overtake nothing any more.
    pub(super) late: u32,
    /// When TCP gives up a host that does not answer.
    pub(super) tcp_timeout: (Micros, Micros),
}

/// What is at one host.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) generation: u8,
    pub(super) life: u32,
    pub(super) port: u16,
    /// A process listens.
    pub(super) alive: bool,
    /// The host is cut off or without power: nothing comes from it or to it.
    pub(super) vanished: bool,
    /// Its beacon, and its goodbye, in the table of datagrams.
    pub(super) beacon: u32,
    pub(super) goodbye: u32,
    pub(super) site: Site,
    /// What connections to it and from it prove, if its nodes are secure ones.
    pub(super) key: Option<PublicKey>,
    /// What the one there says of himself, if it is not true.
    pub(super) claim: Option<Claim>,
}

/// A datagram and where it comes from.
#[derive(Clone, Debug)]
pub(super) struct Datagram {
    pub(super) bytes: Vec<u8>,
    pub(super) slot: u32,
    pub(super) source: IpAddr,
}

/// Hosts that do not reach the others.
#[derive(Clone, Debug)]
pub(super) struct Partition {
    pub(super) fault: u32,
    /// For each host, on which side it is.
    pub(super) side: Vec<bool>,
}

/// Whether something can pass, one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Open,
    /// Not now.
    Blocked,
    /// One of the two addresses is no more.
    Never,
}

/// What becomes of an attempt to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// The host will answer.
    Open,
    /// It is refused on its way.
    Refused,
    /// Nothing comes back.
    Silence,
}

/// The network.
pub(super) struct Net {
    pub(super) terms: Terms,
    pub(super) base: Instant,
    /// Those of nodes, and behind them those of liars.
    pub(super) places: Vec<Place>,
    /// Hosts of nodes.
    pub(super) honest: u32,
    pub(super) datagrams: Vec<Datagram>,
    pub(super) partitions: Vec<Partition>,
    /// Pairs whose connections stall, and the fault that does it.
    pub(super) stalls: BTreeMap<(u32, u32), u32>,
    /// From one host to another, what is sent on connections is swallowed.
    pub(super) holes: BTreeMap<(u32, u32), u32>,
    /// Pairs between which every message takes long.
    pub(super) slow: BTreeMap<(u32, u32), u32>,
    /// One node does not trust the key of another.
    pub(super) distrusts: BTreeMap<(u32, u32), u32>,
    /// Faults that last.
    pub(super) lasting: BTreeSet<u32>,
}

impl Net {
    pub(super) fn new(terms: Terms, honest: u32, liars: u32) -> Self {
        let hosts = (honest + liars) as usize;
        Self {
            terms,
            base: Instant::now(),
            places: vec![Place { port: FIRST_PORT, ..Place::default() }; hosts],
            honest,
            datagrams: Vec::new(),
            partitions: Vec::new(),
            stalls: BTreeMap::new(),
            holes: BTreeMap::new(),
            slow: BTreeMap::new(),
            distrusts: BTreeMap::new(),
            lasting: BTreeSet::new(),
        }
    }

    pub(super) fn instant(&self, at: Micros) -> Instant {
        self.base + Duration::from_micros(at)
    }

    pub(super) fn micros(&self, at: Instant) -> Micros {
        at.saturating_duration_since(self.base).as_nanos().div_ceil(1000) as Micros
    }

    pub(super) fn place(&self, slot: u32) -> &Place {
        &self.places[slot as usize]
    }

    /// The address of a host.
    pub(super) const fn address(slot: u32, generation: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(10, generation, (slot >> 8) as u8, slot as u8))
    }

    /// Where the mailbox of a host is.
    pub(super) fn endpoint(&self, slot: u32) -> Endpoint {
        let place = self.place(slot);
        Endpoint::new(SocketAddr::new(Self::address(slot, place.generation), place.port))
    }

    /// Where a host tells another that it is.
    pub(super) fn told(&self, slot: u32, asker: u32) -> Endpoint {
        let outside = IpAddr::V4(Ipv4Addr::new(172, 16, (slot >> 8) as u8, slot as u8));
        let nowhere = Endpoint::new(SocketAddr::new(outside, self.place(slot).port));
        match self.place(slot).site.nat {
            None => self.endpoint(slot),
            Some(Told::Nowhere) => nowhere,
            Some(Told::Another) => self.next_open(slot).map_or(nowhere, |at| self.endpoint(at)),
            Some(Told::Asker) => self.endpoint(asker),
        }
    }

    /// Where a host tells another that it is, on a connection from or to this address of its own.
    pub(super) fn told_on(&self, me: NodeRef, asker: u32) -> Endpoint {
        let place = self.place(me.slot);
        if place.site.nat.is_some() {
            return self.told(me.slot, asker);
        }
        Endpoint::new(SocketAddr::new(Self::address(me.slot, me.generation), place.port))
    }

    /// Whether another host tells to be where this one is.
    pub(super) fn is_disputed(&self, slot: u32) -> bool {
        let hosts = 0..self.honest;
        let tells = |host: u32| self.place(host).site.nat == Some(Told::Another);
        hosts.into_iter().any(|host| tells(host) && self.next_open(host) == Some(slot))
    }

    /// A host near this one that tells where and who it is.
    fn next_open(&self, slot: u32) -> Option<u32> {
        let hosts = self.honest;
        let others = (1..hosts).map(|step| (slot + step) % hosts);
        let open = |site: &Site| site.nat.is_none() && !site.mute;
        others.into_iter().find(|other| open(&self.place(*other).site))
    }

    /// The host with this address, if there is one now or ever was, and the port.
    pub(super) fn host(&self, endpoint: Endpoint) -> Option<(NodeRef, u16)> {
        let SocketAddr::V4(address) = endpoint.address() else { return None };
        let [_, generation, high, low] = address.ip().octets();
        let slot = u32::from(u16::from_be_bytes([high, low]));
        let place = self.places.get(slot as usize)?;
        Some((NodeRef { slot, life: place.life, generation }, address.port()))
    }

    /// Gives a host its datagrams, after it has started or moved.
    pub(super) fn announce(&mut self, slot: u32, peer: PeerId) {
        let place = self.place(slot);
        let (generation, port) = (place.generation, place.port);
        let public_key = place.claim.map_or(place.key, |claim| claim.announced);
        let mut table = |port| {
            let bytes = Beacon { peer, port, public_key }.encode();
            let source = Self::address(slot, generation);
            self.datagrams.push(Datagram { bytes, slot, source });
            self.datagrams.len() as u32 - 1
        };
        let (beacon, goodbye) = (table(port), table(0));
        let place = &mut self.places[slot as usize];
        (place.beacon, place.goodbye) = (beacon, goodbye);
    }

    /// The key of the nodes at a host; `None`: they are no secure ones, or there is no such host.
    pub(super) fn key(&self, slot: u32) -> Option<PublicKey> {
        self.places.get(slot as usize).and_then(|place| place.key)
    }

    /// Whether the one at a host is no node of the network, or says what is not true.
    pub(super) fn is_liar(&self, slot: u32) -> bool {
        slot >= self.honest
    }

    /// Whether there is a liar at a host that says nothing.
    pub(super) fn is_mute(&self, slot: u32) -> bool {
        self.place(slot).claim.is_some_and(|claim| claim.lie.is_mute())
    }

    /// Whether the network connects one host with another.
    pub(super) fn connects(&self, from: u32, to: u32) -> bool {
        !self.place(from).vanished
            && !self.place(to).vanished
            && self.partitions.iter().all(|p| p.side[from as usize] == p.side[to as usize])
    }

    /// Whether beacons of one host reach another.
    pub(super) fn hears(&self, from: u32, to: u32) -> bool {
        !self.place(from).site.quiet && !self.place(to).site.quiet && self.connects(from, to)
    }

    /// Whether what one end of a connection sends reaches the other.
    pub(super) fn reach(&self, from: NodeRef, to: NodeRef) -> Reach {
        let (one, other) = (from.slot, to.slot);
        if self.place(one).generation != from.generation
            || self.place(other).generation != to.generation
        {
            Reach::Never
        } else if !self.connects(one, other)
            || (!self.stalls.is_empty() && self.stalls.contains_key(&pair(one, other)))
            || (!self.holes.is_empty() && self.holes.contains_key(&(one, other)))
        {
            Reach::Blocked
        } else {
            Reach::Open
        }
    }

    /// Whether a connection works in both directions.
    pub(super) fn works(&self, here: NodeRef, there: NodeRef) -> bool {
        self.reach(here, there) == Reach::Open && self.reach(there, here) == Reach::Open
    }

    /// What becomes of an attempt to connect to a host.
    pub(super) fn entry(&self, from: NodeRef, to: NodeRef) -> Entry {
        if !self.works(from, to) {
            return Entry::Silence;
        }
        match self.place(to.slot).site.wall {
            Some(Wall::Drop) => Entry::Silence,
            Some(Wall::Reject) => Entry::Refused,
            None => Entry::Open,
        }
    }

    /// Whether a node can connect to another where that one is told to be.
    pub(super) fn can_dial(&self, from: u32, to: u32) -> bool {
        self.place(to).site.lets_in() && self.connects(from, to)
    }

    /// Whether two hosts can meet, as long as nothing disturbs them.
    pub(super) fn can_meet(&self, one: u32, other: u32) -> bool {
        self.place(one).site.can_meet(&self.place(other).site)
    }

    /// Pairs that can meet, each counted twice.
    pub(super) fn pairs_that_can_meet(&self) -> i64 {
        let hosts = self.honest;
        let met = |one: u32| (one + 1..hosts).filter(|other| self.can_meet(one, *other)).count();
        (0..hosts).map(|one| 2 * met(one) as i64).sum()
    }

    /// Whether a connection of the two carries both directions.
    pub(super) fn is_two_way(&self, one: u32, other: u32) -> bool {
        self.place(one).site.is_two_way(&self.place(other).site)
    }

    /// Whether the process at the other end of a connection is the one of then.
    pub(super) fn lives(&self, me: NodeRef) -> bool {
        let place = self.place(me.slot);
        place.alive && place.life == me.life
    }

    pub(super) const fn datagram_delay(&self, chance: &mut Chance) -> Micros {
        chance.between(self.terms.delay)
    }

    /// What TCP needs for one way: a loss costs time.
    pub(super) fn segment_delay(&self, chance: &mut Chance) -> Micros {
        let mut delay = chance.between(self.terms.delay);
        let mut resends = 0;
        while resends < RESENDS && chance.hit(self.terms.loss) {
            delay += RESEND << resends;
            resends += 1;
        }
        delay
    }

    /// How long a message takes on the wire between two hosts; mostly it is too short to count.
    pub(super) fn wire_time(&self, one: u32, other: u32, chance: &mut Chance) -> Micros {
        let slow = !self.slow.is_empty() && self.slow.contains_key(&pair(one, other));
        if slow { chance.between(SLOW) } else { 0 }
    }
}

/// Two hosts in the order of their numbers.
pub(super) fn pair(one: u32, other: u32) -> (u32, u32) {
    (one.min(other), one.max(other))
}
