//! How what is sent gets from one host to another.

use std::fmt;
use std::net::Ipv4Addr;

use super::topology::{Firewall, Host, Port, are_of_one_subnet, is_of_first_subnet};

/// Two interfaces by which two hosts can send to each other.
pub(super) enum Way<'a> {
    /// Between these addresses.
    Ipv4 { network: usize, from: Ipv4Addr, to: Ipv4Addr, carries_beacons: bool },
    /// Each by the address that it has given itself.
    Ipv6 { network: usize, from: &'a Port, to: &'a Port },
}

impl Way<'_> {
    /// Whether what is sent to `host` is answered. By IPv6 each interface answers for itself.
    fn is_answered(&self, host: &Host) -> bool {
        match self {
            Self::Ipv4 { network, from, .. } => host.answers(*network, *from),
            Self::Ipv6 { .. } => true,
        }
    }

    const fn carries_beacons(&self) -> bool {
        match self {
            Self::Ipv4 { carries_beacons, .. } => *carries_beacons,
            Self::Ipv6 { from, .. } => from.carries_beacons,
        }
    }
}

impl fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4 { network, from, to, .. } => write!(f, "on net{network} {from} and {to}"),
            Self::Ipv6 { network, from, to } => {
                write!(f, "on net{network} IPv6 of {} and {}", from.name, to.name)
            }
        }
    }
}

/// By IPv6 all on a link reach each other; by IPv4 those of one subnet. Beacons also
/// get into the other subnets of the network, but nobody there can answer.
fn ways<'a>(a: &'a Host, b: &'a Host) -> impl Iterator<Item = Way<'a>> {
    let ipv6 = a.kind.is_ours() && b.kind.is_ours();
    links(a, b).flat_map(move |(from, to)| {
        let (network, carries_beacons) = (from.network, from.carries_beacons);
        let pairs = from.v4.iter().flat_map(|one| to.v4.iter().map(move |other| (*one, *other)));
        let near = pairs.filter(|(one, other)| are_of_one_subnet(*one, *other));
        let v4 = near.map(move |(from, to)| Way::Ipv4 { network, from, to, carries_beacons });
        let v6 = (ipv6 && from.v6 && to.v6).then_some(Way::Ipv6 { network, from, to });
        v4.chain(v6)
    })
}

/// The interfaces of two hosts that are on one side of one network.
fn links<'a>(a: &'a Host, b: &'a Host) -> impl Iterator<Item = (&'a Port, &'a Port)> {
    let pairs = a.lived_on().flat_map(|ours| b.lived_on().map(move |theirs| (ours, theirs)));
    pairs.filter(|(ours, theirs)| ours.is_beside(theirs))
}

/// Returns in words how two hosts reach each other.
pub(super) fn paths(a: &Host, b: &Host) -> Vec<String> {
    let paths = ways(a, b).map(|way| way.to_string());
    paths.chain(out_of_home(a, b)).chain(out_of_home(b, a)).collect()
}

/// Whether `a` hears the beacons of `b` by a way on which `b` answers.
pub(super) fn hears(a: &Host, b: &Host) -> bool {
    heard_by(a, b).next().is_some()
}

/// Whether it does so by IPv4.
pub(super) fn hears_by_ipv4(a: &Host, b: &Host) -> bool {
    heard_by(a, b).any(|way| matches!(way, Way::Ipv4 { .. }))
}

/// The ways by which `a` hears the beacons of `b`, and on which `b` answers.
fn heard_by<'a>(a: &'a Host, b: &'a Host) -> impl Iterator<Item = Way<'a>> {
    let all = listens_to(a, b).then(|| ways(a, b));
    all.into_iter().flatten().filter(|way| way.carries_beacons() && way.is_answered(b))
}

/// Whether `a` may hear the beacons of `b`, be it by a way on which nothing goes back.
pub(super) fn may_hear(a: &Host, b: &Host) -> bool {
    listens_to(a, b) && links(a, b).any(|(port, _)| port.carries_beacons)
}

fn listens_to(a: &Host, b: &Host) -> bool {
    a.sources.beacon && b.sources.beacon && a.firewall != Firewall::Closed
}

/// Whether `a` can dial `b`, if it knows all addresses of it.
pub(super) fn can_dial(a: &Host, b: &Host) -> bool {
    let by_network = || ways(a, b).any(|way| way.is_answered(b));
    b.firewall == Firewall::Open && (by_network() || out_of_home(a, b).is_some())
}

/// Whether `a` can dial `b` by this IPv4 address, if it knows no more of it: the route of `a` to it
/// leads there, by whatever interface it was told.
pub(super) fn leads(a: &Host, b: &Host, address: Ipv4Addr) -> bool {
    if b.firewall != Firewall::Open {
        return false;
    }
    let to = |way: Way<'_>| match way {
        Way::Ipv4 { network, from, to, .. } => {
            to == address && b.answers(network, from) && a.answers(network, to)
        }
        Way::Ipv6 { .. } => false,
    };
    ways(a, b).any(to) || outside(a, b).any(|(_, to)| to == address)
}

/// Whether `b` can dial `a` back where a connection to this address of `b` begins.
pub(super) fn leads_back(a: &Host, b: &Host, address: Ipv4Addr) -> bool {
    let from = a.lived_on().flat_map(|port| port.v4.iter().copied());
    let mut near = from.filter(|own| are_of_one_subnet(*own, address)).peekable();
    near.peek().is_some() && near.all(|own| leads(b, a, own))
}

/// The IPv4 addresses by which `a` may know `b`, which it has met: it tells others one of them.
/// None, if it may know none. By beacons it also hears of addresses of other subnets.
pub(super) fn known_as(a: &Host, b: &Host) -> Vec<Ipv4Addr> {
    let near = ways(a, b).filter_map(|way| match way {
        Way::Ipv4 { to, .. } => Some(to),
        Way::Ipv6 { .. } => None,
    });
    let by_router = outside(a, b).map(|(_, to)| to).chain(outside(b, a).map(|(from, _)| from));
    let mut all: Vec<_> = near.chain(by_router).collect();
    if !all.is_empty() && may_hear(a, b) {
        all.extend(links(a, b).flat_map(|(_, theirs)| theirs.v4.iter().copied()));
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether the routes of a host lead to a network by an interface that is dead, and two others of
/// it are there: what it begins at one of them may be answered to the other one.
pub(super) fn is_torn(host: &Host) -> bool {
    let alive = |network| host.working().filter(|port| port.network == network).count();
    let mut dead = host.ports.iter().filter(|port| port.up && !port.plugged);
    dead.any(|port| alive(port.network) > 1)
}

/// How `a` gets out of its home, if it is in one, to `b`. There is no way back, and no
/// beacon passes.
fn out_of_home(a: &Host, b: &Host) -> Option<String> {
    let outer = a.outer?;
    let (_, address) = outside(a, b).next()?;
    Some(format!("through a router to net{outer} {address}"))
}

/// The addresses between which `a` gets out of its home to `b`, if it is in one.
fn outside<'a>(a: &'a Host, b: &'a Host) -> impl Iterator<Item = (Ipv4Addr, Ipv4Addr)> {
    let first = |port: &'a Port| port.v4.iter().copied().filter(|it| is_of_first_subnet(*it));
    let from = a.working().filter(|port| !port.apart).flat_map(first);
    from.flat_map(move |from| {
        let there = move |port: &&Port| a.outer == Some(port.network) && !port.apart;
        let to = b.working().filter(there).flat_map(first);
        let answered = move |to: &Ipv4Addr| a.outer.is_some_and(|outer| b.answers(outer, *to));
        to.filter(answered).map(move |to| (from, to))
    })
}

/// The address of `b` that a node on `a` is told, if it has any: one on a network of both that works,
/// if there is one; to a node in a home one outside of it.
pub(super) fn told(a: &Host, b: &Host) -> Option<Ipv4Addr> {
    let is_common = |port: &Port| a.ports.iter().any(|own| own.network == port.network);
    // A router leads to the first subnet of one network.
    let is_possible = |port: &Port, address: Ipv4Addr| {
        a.outer.is_none_or(|outer| port.network == outer && is_of_first_subnet(address))
    };
    let addresses = b.ports.iter().flat_map(|port| {
        let rank = (!port.works(), !is_common(port));
        let possible = port.v4.iter().filter(move |address| is_possible(port, **address));
        possible.map(move |address| (rank, *address))
    });
    addresses.min_by_key(|(rank, _)| *rank).map(|(_, address)| address)
}
