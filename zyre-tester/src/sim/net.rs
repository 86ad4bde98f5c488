//! The network: who is where, what can reach what, and how long it takes.
//!
//! It changes only between windows of time; while nodes run they read it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use zre_proto::{Beacon, Endpoint, PeerId};

use super::chance::Chance;
use super::queue::{MILLI, Micros};
use super::segment::Party;

/// TCP sends again after this, and after twice this, and so on.
const RESEND: Micros = 200 * MILLI;
/// So often at most: then it is through.
const RESENDS: u32 = 4;

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
}

/// A datagram and where it comes from.
#[derive(Clone, Debug)]
pub(super) struct Datagram {
    pub(super) octets: Vec<u8>,
    pub(super) source: IpAddr,
}

/// Hosts that do not reach the others.
#[derive(Clone, Debug)]
pub(super) struct Partition {
    pub(super) fault: u32,
    /// For each host, on which side it is.
    pub(super) side: Vec<bool>,
}

/// Whether something can pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Open,
    /// Not now.
    Blocked,
    /// One of the two addresses is no more.
    Never,
}

/// The network.
pub(super) struct Net {
    pub(super) terms: Terms,
    pub(super) base: Instant,
    pub(super) places: Vec<Place>,
    pub(super) datagrams: Vec<Datagram>,
    pub(super) partitions: Vec<Partition>,
    /// Pairs whose connections stall, and the fault that does it.
    pub(super) stalls: BTreeMap<(u32, u32), u32>,
    /// Faults that last.
    pub(super) lasting: BTreeSet<u32>,
}

impl Net {
    pub(super) fn new(terms: Terms, nodes: u32) -> Self {
        Self {
            terms,
            base: Instant::now(),
            places: vec![Place::default(); nodes as usize],
            datagrams: Vec::new(),
            partitions: Vec::new(),
            stalls: BTreeMap::new(),
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

    /// The host with this address, if there is one now or ever was, and the port.
    pub(super) fn host(&self, endpoint: Endpoint) -> Option<(Party, u16)> {
        let SocketAddr::V4(address) = endpoint.address() else { return None };
        let [_, generation, high, low] = address.ip().octets();
        let slot = u32::from(u16::from_be_bytes([high, low]));
        let place = self.places.get(slot as usize)?;
        Some((Party { slot, life: place.life, generation }, address.port()))
    }

    /// Gives a host its datagrams, after it has started or moved.
    pub(super) fn announce(&mut self, slot: u32, peer: PeerId) {
        let place = self.place(slot);
        let (generation, port) = (place.generation, place.port);
        let mut table = |port| {
            let octets = Beacon { peer, port, public_key: None }.encode();
            self.datagrams.push(Datagram { octets, source: Self::address(slot, generation) });
            self.datagrams.len() as u32 - 1
        };
        let (beacon, goodbye) = (table(port), table(0));
        let place = &mut self.places[slot as usize];
        (place.beacon, place.goodbye) = (beacon, goodbye);
    }

    /// Whether datagrams of one host reach another.
    pub(super) fn hears(&self, from: u32, to: u32) -> bool {
        !self.place(from).vanished
            && !self.place(to).vanished
            && self.partitions.iter().all(|p| p.side[from as usize] == p.side[to as usize])
    }

    /// Whether a connection between the two works.
    pub(super) fn reach(&self, from: Party, to: Party) -> Reach {
        if self.place(from.slot).generation != from.generation
            || self.place(to.slot).generation != to.generation
        {
            Reach::Never
        } else if !self.hears(from.slot, to.slot)
            || (!self.stalls.is_empty() && self.stalls.contains_key(&pair(from.slot, to.slot)))
        {
            Reach::Blocked
        } else {
            Reach::Open
        }
    }

    /// Whether the process at the other end of a connection is the one of then.
    pub(super) fn lives(&self, party: Party) -> bool {
        let place = self.place(party.slot);
        place.alive && place.life == party.life
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
}

/// Two hosts in the order of their numbers.
pub(super) fn pair(one: u32, other: u32) -> (u32, u32) {
    (one.min(other), one.max(other))
}
