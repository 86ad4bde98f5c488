//! What happens to a world.

use std::fmt;
use std::net::Ipv4Addr;

use rand::RngExt;
use rand::rngs::StdRng;

use super::kind::Kind;
use super::sources::By;
use super::topology::{Host, Topology};
use super::ways::told;

/// Something that happens to a host, by its place among all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) host: usize,
    pub(super) what: What,
}

/// What happens. Interfaces are told by their place at the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A node starts.
    Start,
    /// It stops, and says goodbye.
    Stop,
    /// It is killed.
    Crash,
    /// An interface is switched on or off.
    Switch(usize, bool),
    /// Its cable is plugged in or pulled.
    Cable(usize, bool),
    /// It has these IPv4 addresses instead.
    Renumber(usize, Vec<Ipv4Addr>),
    /// It is on the one side of its network, which has fallen apart, or again on the other one.
    Apart(usize, bool),
}

impl Change {
    /// Chooses what happens next, by chance. Half of the time something is mended, if anything is
    /// broken: else soon nobody would meet anybody.
    pub(super) fn random(rng: &mut StdRng, topology: &mut Topology) -> Self {
        let mut broken = broken(topology);
        if !broken.is_empty() && rng.random_ratio(1, 2) {
            return broken.swap_remove(rng.random_range(0..broken.len()));
        }
        let index = rng.random_range(0..topology.hosts.len());
        let host = &topology.hosts[index];
        let place = rng.random_range(0..host.ports.len());
        let port = &host.ports[place];
        let (network, may_lose) = (port.network, port.v6 && !port.v4.is_empty());
        // A guest does not follow all that happens to the interface that it lives on.
        let guest = (place == 0).then_some(host.kind).filter(|kind| !kind.is_ours());
        let what = match rng.random_range(0..10) {
            0 | 1 if host.runs => What::Stop,
            2 | 3 if host.runs => What::Crash,
            0..4 => What::Start,
            4 | 5 if guest.is_none() => What::Switch(place, !port.up),
            4..8 => What::Cable(place, !port.plugged),
            _ => match guest {
                None => What::Renumber(place, addresses(rng, topology, network, may_lose)),
                Some(Kind::Old) => What::Renumber(place, vec![topology.address(network, false)]),
                Some(_) => What::Cable(place, !port.plugged),
            },
        };
        Self { host: index, what }
    }

    /// Makes it so.
    pub(super) fn apply(&self, topology: &mut Topology) {
        if self.what == What::Start {
            self.tell_addresses(topology);
        }
        let host = &mut topology.hosts[self.host];
        match &self.what {
            What::Start => {
                host.runs = true;
                // Those that it does not have any more, nobody has heard of.
                host.has_moved = host.ports.iter().any(|port| port.v4.len() > 1);
            }
            What::Stop | What::Crash => host.runs = false,
            What::Switch(place, up) => {
                host.ports[*place].up = *up;
                host.route_last(*place);
            }
            What::Cable(place, plugged) => host.ports[*place].plugged = *plugged,
            What::Renumber(place, v4) => {
                host.ports[*place].v4.clone_from(v4);
                host.route_last(*place);
                host.has_moved = true;
            }
            What::Apart(place, apart) => host.ports[*place].apart = *apart,
        }
    }

    /// The node is told where others are now.
    fn tell_addresses(&self, topology: &mut Topology) {
        let hosts = &mut topology.hosts;
        let mut sources = hosts[self.host].sources.clone();
        for contact in sources.hubs.iter_mut().chain(&mut sources.required) {
            let address = told(&hosts[self.host], &hosts[contact.host]);
            contact.address = address.filter(|_| contact.by == By::Address);
        }
        hosts[self.host].sources = sources;
    }

    /// Says it in a few words.
    pub(super) fn describe(&self, topology: &Topology) -> String {
        let host = &topology.hosts[self.host];
        format!("{}: {}", host.name, Described { what: &self.what, host })
    }
}

/// What would mend something.
fn broken(topology: &Topology) -> Vec<Change> {
    let mut all = Vec::new();
    for (index, host) in topology.hosts.iter().enumerate() {
        let ports = host.ports.iter().enumerate();
        let down = ports.clone().filter(|(_, port)| !port.up);
        let pulled = ports.filter(|(_, port)| !port.plugged);
        let start = (!host.runs).then_some(What::Start);
        let what = start
            .into_iter()
            .chain(down.map(|(place, _)| What::Switch(place, true)))
            .chain(pulled.map(|(place, _)| What::Cable(place, true)));
        all.extend(what.map(|what| Change { host: index, what }));
    }
    all
}

/// New addresses: mostly one, of the first subnet of the network.
fn addresses(
    rng: &mut StdRng,
    topology: &mut Topology,
    network: usize,
    may_lose: bool,
) -> Vec<Ipv4Addr> {
    let mut new = |second| topology.address(network, second);
    match rng.random_range(0..20) {
        0 => vec![new(true)],
        1..4 => vec![new(false), new(true)],
        4 if may_lose => Vec::new(),
        _ => vec![new(false)],
    }
}

struct Described<'a> {
    what: &'a What,
    host: &'a Host,
}

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |place: usize| &self.host.ports[place].name;
        match self.what {
            What::Start => f.write_str("node starts"),
            What::Stop => f.write_str("node stops"),
            What::Crash => f.write_str("node is killed"),
            What::Switch(place, up) => {
                write!(f, "{} goes {}", name(*place), if *up { "up" } else { "down" })
            }
            What::Cable(place, true) => write!(f, "cable of {} plugged in", name(*place)),
            What::Cable(place, false) => write!(f, "cable of {} pulled", name(*place)),
            What::Apart(place, true) => write!(f, "{} is cut off", name(*place)),
            What::Apart(place, false) => write!(f, "{} is no longer cut off", name(*place)),
            What::Renumber(place, v4) => write!(f, "{} now has {v4:?}", name(*place)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_seed_decides_what_happens_and_everything_does() {
        let run = |seed| {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut topology = Topology::random(&mut rng, 6, 20);
            let mut told = Vec::new();
            for _ in 0..300 {
                let change = Change::random(&mut rng, &mut topology);
                let before = topology.clone();
                change.apply(&mut topology);
                assert_ne!(before, topology, "{change:?} changes something");
                told.push(change.describe(&topology));
            }
            told
        };
        let told = run(1);
        assert_eq!(told, run(1));
        assert_ne!(told, run(2));
        for what in
            ["starts", "stops", "killed", "goes up", "goes down", "plugged", "pulled", "has"]
        {
            assert!(told.iter().any(|line| line.contains(what)), "{what}");
        }
    }
}
