//! Who finds others in which way: decided by chance, for a topology that is made.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, IteratorRandom as _};

use super::sources::{By, Contact, Sources};
use super::topology::{Firewall, Host, Topology};

/// At most one host in this many is a hub, but any world may have one.
const HOSTS_PER_HUB: usize = 4;

/// Most hubs that a node connects to, and most peers that it requires.
const MOST_CONTACTS: usize = 2;

/// Gives all nodes their sources. Some networks carry no beacons, some nodes use none, and most nodes
/// that hear none have another source.
pub(super) fn assign(rng: &mut StdRng, topology: &mut Topology) {
    for network in 0..topology.networks {
        let is_silent = rng.random_ratio(1, 3);
        let ports = topology.hosts.iter_mut().flat_map(|host| &mut host.ports);
        let there = ports.filter(|port| port.network == network);
        there.for_each(|port| port.carries_beacons = !is_silent);
    }
    let hubs = hubs(rng, topology);
    for place in 0..topology.hosts.len() {
        let beacon = rng.random_ratio(3, 4);
        let host = &topology.hosts[place];
        let hears = beacon && host.ports.iter().any(|port| port.carries_beacons);
        let mut sources = Sources { beacon, ..Sources::default() };
        sources.is_hub = hubs.contains(&place);
        let gossips = !sources.is_hub && rng.random_ratio(if hears { 1 } else { 3 }, 4);
        // A hub connects to hubs before it only: so they are chains, and no more.
        let others: Vec<usize> =
            hubs.iter().copied().filter(|hub| !sources.is_hub || *hub < place).collect();
        let count = match (sources.is_hub, gossips) {
            (true, _) => usize::from(rng.random_ratio(2, 3)),
            (false, true) => rng.random_range(1..=MOST_CONTACTS),
            (false, false) => 0,
        };
        let by = [By::Name, By::Address];
        sources.hubs = contacts(rng, &near(topology, place, &others), count, &by);
        if rng.random_ratio(if hears { 1 } else { 2 }, 4) {
            let others: Vec<usize> = (0..topology.hosts.len()).filter(|it| *it != place).collect();
            let by: &[By] = &[By::Id, By::Address, By::Name];
            let count = rng.random_range(1..=MOST_CONTACTS);
            sources.required = contacts(rng, &near(topology, place, &others), count, by);
        }
        // In another home the same address belongs to another host.
        let is_home = |contact: &Contact| topology.hosts[contact.host].outer.is_some();
        sources.required.retain(|contact| !is_home(contact));
        sources.told_of_all =
            host.outer.is_some() && (sources.hubs.is_empty() || rng.random_ratio(1, 2));
        topology.hosts[place].sources = sources;
    }
}

/// Chooses the hosts of hubs: such as others can connect to.
fn hubs(rng: &mut StdRng, topology: &Topology) -> Vec<usize> {
    let most = (topology.hosts.len() / HOSTS_PER_HUB).max(1);
    let count = rng.random_range(0..=most);
    let can_be_one = |host: &Host| {
        let has_v4 = host.ports.iter().any(|port| !port.v4.is_empty());
        host.outer.is_none() && host.firewall == Firewall::Open && has_v4
    };
    let places = topology.hosts.iter().enumerate().filter(|(_, host)| can_be_one(host));
    let mut hubs = places.map(|(place, _)| place).sample(rng, count);
    // Sampling leaves them in no order that is told.
    hubs.sort_unstable();
    hubs
}

/// Those of the hosts that this one reaches by IPv4, as far as networks go; if there are none, all of
/// them. Addresses of IPv6 are those of links here, of which nobody can tell others.
fn near(topology: &Topology, place: usize, hosts: &[usize]) -> Vec<usize> {
    let host = &topology.hosts[place];
    let own = || host.ports.iter().filter(|port| !port.v4.is_empty());
    let is_near = |other: &usize| {
        let mut there = topology.hosts[*other].ports.iter().filter(|port| !port.v4.is_empty());
        there.any(|port| {
            host.outer == Some(port.network) || own().any(|own| own.network == port.network)
        })
    };
    let near: Vec<usize> = hosts.iter().copied().filter(is_near).collect();
    if near.is_empty() { hosts.to_vec() } else { near }
}

/// Chooses some of these hosts, and how a node is told of them.
fn contacts(rng: &mut StdRng, hosts: &[usize], count: usize, by: &[By]) -> Vec<Contact> {
    let mut chosen = hosts.iter().copied().sample(rng, count);
    chosen.sort_unstable();
    let contact = |host| Some(Contact::new(host, *by.choose(rng)?));
    chosen.into_iter().filter_map(contact).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;

    use super::*;

    #[test]
    fn every_source_occurs_and_a_seed_decides_which() {
        let (mut kinds, mut lines, mut chains) = (BTreeSet::new(), String::new(), 0);
        let (mut silent, mut unheard) = (0, 0);
        for seed in 0..50 {
            let make = || {
                let mut rng = StdRng::seed_from_u64(seed);
                let mut topology = Topology::random(&mut rng, 8, 0);
                assign(&mut rng, &mut topology);
                topology
            };
            let topology = make();
            assert_eq!(topology, make());
            for host in &topology.hosts {
                kinds.extend(host.sources.kinds());
                lines += &host.sources.to_string();
                chains += usize::from(host.sources.is_hub && !host.sources.hubs.is_empty());
                silent += usize::from(host.ports.iter().all(|port| !port.carries_beacons));
                unheard += usize::from(host.sources.kinds().is_empty());
                let hubs = host.sources.hubs.iter().map(|contact| &topology.hosts[contact.host]);
                assert!(hubs.into_iter().all(|hub| hub.sources.is_hub));
            }
        }
        assert_eq!(kinds.len(), 6, "{kinds:?}");
        assert!(chains > 3 && silent > 50, "{chains} chains, {silent} on silent networks");
        assert!(unheard < 40, "{unheard} of 400 have no source");
        for part in ["no beacons", "gossip hub", "by name", "by address", "by id", "told of all"] {
            assert!(lines.contains(part), "{part}");
        }
    }
}
