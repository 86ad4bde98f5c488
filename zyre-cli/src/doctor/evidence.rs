//! What the doctor has seen, without what it means.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use zyre::{HeardBeacon, Interface, PeerId};

use super::colleague::Word;
use super::reach::Reach;
use super::sighting::{Sighting, place};
use super::target::Target;

/// Of this many places and doctors is remembered what they have said: anybody can make up more.
const MAX_PLACES: usize = 256;
const MAX_COLLEAGUES: usize = 32;

/// What the doctor has seen.
pub(super) struct Evidence {
    /// The id of its node.
    pub(super) own: PeerId,
    /// The TCP port of its mailbox.
    pub(super) mailbox_port: u16,
    pub(super) beacon_port: u16,
    /// Whether beacons are sent and heard.
    pub(super) has_beacons: bool,
    pub(super) is_secure: bool,
    /// Whether the user has chosen interfaces.
    pub(super) is_limited: bool,
    pub(super) interfaces: Vec<Interface>,
    /// From where its own beacons have come back.
    pub(super) own_heard: BTreeSet<IpAddr>,
    /// The beacons of others, by node.
    pub(super) heard: BTreeMap<PeerId, Vec<Sighting>>,
    /// Those of them that have said goodbye.
    pub(super) left: BTreeSet<PeerId>,
    /// What has become of connections.
    pub(super) reach: BTreeMap<SocketAddr, Reach>,
    /// Nodes that have connected to this one.
    pub(super) callers: BTreeSet<PeerId>,
    /// Nodes that were met, with what they are called.
    pub(super) met: BTreeMap<PeerId, String>,
    /// Other doctors, and where they are.
    pub(super) colleagues: BTreeMap<PeerId, (Word, IpAddr)>,
    /// Whether other doctors can be heard.
    pub(super) has_post: bool,
    pub(super) target: Option<Target>,
    /// Whether the router of this machine's network is there.
    pub(super) router_is_there: Option<bool>,
}

impl Evidence {
    /// Notes a beacon; returns where its mailbox is, if that is new.
    pub(super) fn hear(
        &mut self,
        heard: &HeardBeacon,
        port: u16,
        now: Instant,
    ) -> Option<SocketAddr> {
        if heard.peer == self.own {
            if port == self.beacon_port {
                self.own_heard.insert(heard.source.ip());
            }
            return None;
        }
        if heard.mailbox_port == 0 {
            self.left.insert(heard.peer);
            return None;
        }
        self.left.remove(&heard.peer);
        let places: usize = self.heard.values().map(Vec::len).sum();
        let at = place(heard);
        let sightings = self.heard.entry(heard.peer).or_default();
        let known = sightings.iter().position(|it| it.at == at && it.beacon_port == port);
        if let Some(known) = known {
            sightings[known].note(heard, now);
            return None;
        }
        if places >= MAX_PLACES {
            return None;
        }
        let mut sighting = Sighting::new(heard, port);
        sighting.note(heard, now);
        sightings.push(sighting);
        Some(at)
    }

    /// Notes what another doctor says; returns whether it is a new one.
    pub(super) fn listen(&mut self, word: Word, from: IpAddr) -> bool {
        if word.id == self.own {
            return false;
        }
        let is_new = !self.colleagues.contains_key(&word.id);
        if is_new && self.colleagues.len() >= MAX_COLLEAGUES {
            return false;
        }
        self.colleagues.insert(word.id, (word, from));
        is_new
    }

    /// Returns what this doctor has to say to others.
    pub(super) fn word(&self) -> Word {
        let is_colleague = |id: &&PeerId| self.colleagues.contains_key(id);
        let heard = || self.heard.keys();
        let colleagues = heard().filter(is_colleague);
        let others = heard().filter(|id| !is_colleague(id));
        let mailboxes: Vec<SocketAddr> = self.mailboxes_of_colleagues().collect();
        let reach = |at: &SocketAddr| Some((*at, self.reach.get(at)?.as_str().to_owned()));
        Word {
            id: self.own,
            beacon_port: self.beacon_port,
            is_secure: self.is_secure,
            mailbox_port: self.mailbox_port,
            networks: self.networks().collect(),
            hears_itself: !self.own_heard.is_empty(),
            hears: colleagues.chain(others).copied().collect(),
            reaches: mailboxes.iter().filter_map(reach).collect(),
        }
    }

    /// Returns the addresses at which the node lives, with how many bits their subnets share.
    pub(super) fn networks(&self) -> impl Iterator<Item = (IpAddr, u8)> {
        let used = self.interfaces.iter().flat_map(|it| it.used.iter().map(move |ip| (it, *ip)));
        used.filter_map(|(interface, ip)| Some((ip, interface.prefix(ip)?)))
    }

    /// Returns the address of this machine on whose subnet another one is.
    pub(super) fn network_of(&self, other: IpAddr) -> Option<(IpAddr, u8)> {
        self.networks().find(|(own, bits)| is_near(*own, *bits, other))
    }

    /// Returns whether an address is one of this machine.
    pub(super) fn is_here(&self, address: IpAddr) -> bool {
        self.interfaces.iter().any(|it| it.addresses.contains(&address))
    }

    /// Returns the nodes that are here, or have told more than that they are going.
    pub(super) fn nodes(&self) -> BTreeSet<PeerId> {
        let here = |id: &&PeerId| !self.left.contains(*id);
        let heard = self.heard.keys().filter(here);
        let met = self.met.keys().filter(here);
        heard.chain(met).chain(self.colleagues.keys()).copied().collect()
    }

    /// Returns where the mailboxes of other doctors are, as seen from here.
    pub(super) fn mailboxes_of_colleagues(&self) -> impl Iterator<Item = SocketAddr> {
        self.colleagues.values().map(|(word, from)| SocketAddr::new(*from, word.mailbox_port))
    }

    /// Returns where other doctors may be.
    pub(super) fn addresses(&self) -> BTreeSet<SocketAddr> {
        let heard = self.heard.values().flatten().map(|it| it.at);
        let colleagues = self.mailboxes_of_colleagues();
        let target = self.target.iter().flat_map(Target::places);
        let all = heard.chain(colleagues).chain(target);
        all.filter(|at| !self.is_here(at.ip())).collect()
    }
}

/// Returns whether two addresses are of one subnet.
pub(super) fn is_near(own: IpAddr, bits: u8, other: IpAddr) -> bool {
    let same = |own: u128, other: u128, rest: u32| own.checked_shr(rest) == other.checked_shr(rest);
    match (own, other) {
        (IpAddr::V4(own), IpAddr::V4(other)) => {
            let rest = 32_u32.saturating_sub(bits.into());
            same(own.to_bits().into(), other.to_bits().into(), rest)
        }
        (IpAddr::V6(own), IpAddr::V6(other)) => {
            same(own.to_bits(), other.to_bits(), 128_u32.saturating_sub(bits.into()))
        }
        _ => false,
    }
}
