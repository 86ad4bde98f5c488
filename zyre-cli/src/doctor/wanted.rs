//! What is found of the node that the user has named.

use std::net::{IpAddr, SocketAddr};

use zyre::PeerId;

use super::evidence::Evidence;
use super::finding::{Cause, Finding};
use super::neighbours;
use super::reach::Reach;
use super::target::Target;

/// Looks for the node that the user has named. What is wrong with it, if it is heard of, is found with
/// all others.
pub(super) fn findings(evidence: &Evidence) -> Vec<Finding> {
    let Some(target) = &evidence.target else { return Vec::new() };
    if is_heard_of(evidence, target) {
        return Vec::new();
    }
    if !target.has_place() {
        return vec![Finding::problem(
            Cause::Nobody,
            format!("nobody called {} is heard, and no machine has that name", target.text),
            "start zyre doctor there as well, or name its address: zyre doctor ADDRESS",
        )];
    }
    target.addresses.iter().flat_map(|address| at(evidence, target, *address)).collect()
}

/// Whether there is more of it than a place.
fn is_heard_of(evidence: &Evidence, target: &Target) -> bool {
    let is_it = |at: IpAddr| target.addresses.contains(&at);
    let by_name = |name: &String| *name == target.text;
    let heard = evidence.heard.values().flatten().any(|it| is_it(it.at.ip()));
    heard
        || evidence.colleagues.values().any(|(_, from)| is_it(*from))
        || evidence.met.values().any(by_name)
}

fn at(evidence: &Evidence, target: &Target, address: IpAddr) -> Option<Finding> {
    let places = target.places().into_iter().filter(|place| place.ip() == address);
    let tried: Vec<(SocketAddr, &Reach)> =
        places.filter_map(|at| Some((at, evidence.reach.get(&at)?))).collect();
    let name = &target.text;
    let answers = tried.iter().find(|(_, reach)| **reach == Reach::Answers);
    if let Some((at, _)) = answers {
        return Some(unheard(evidence, *at));
    }
    if let Some((at, _)) = tried.iter().find(|(_, reach)| **reach == Reach::Mute) {
        return Some(Finding::problem(
            Cause::NoDescriptors,
            format!("what listens at {at} says nothing"),
            "the program there hangs, or may open no more files: start it again with a higher limit \
             (ulimit -n 4096)",
        ));
    }
    if tried.iter().any(|(_, reach)| reach.is_connected() || **reach == Reach::Refused) {
        return Some(Finding::problem(
            Cause::NoNode,
            format!("{name} is reached, and no node is found there"),
            "start the program there; if it runs, name its port: zyre doctor HOST:PORT",
        ));
    }
    if tried.iter().any(|(_, reach)| **reach == Reach::NoRoute) {
        return Some(Finding::problem(
            Cause::NoRoute,
            format!("this machine has no way to {address}"),
            "give both machines addresses of one subnet, or routes to each other",
        ));
    }
    Some(silent(evidence, address))
}

/// A node answers there, and its beacons do not arrive.
fn unheard(evidence: &Evidence, at: SocketAddr) -> Finding {
    let met = evidence.met.keys().find(|id| !evidence.heard.contains_key(*id));
    let who = met.map(|id: &PeerId| evidence.met[id].as_str()).unwrap_or("a node");
    Finding::problem(
        Cause::UdpDropped,
        format!(
            "{who} at {at} can be connected to, and its beacons do not arrive: it sends them to \
             another port than {}, or something drops them",
            evidence.beacon_port
        ),
        format!(
            "start zyre doctor there as well, and it will be known which; let UDP port {} through \
             both firewalls. Without beacons: --require {at}",
            evidence.beacon_port
        ),
    )
}

/// Nothing comes back from there.
fn silent(evidence: &Evidence, address: IpAddr) -> Finding {
    let near = evidence.network_of(address).is_some();
    let neighbour = match address {
        IpAddr::V4(address) if near => neighbours::is_there(address),
        _ => None,
    };
    let others = evidence.router_is_there == Some(true) || !evidence.met.is_empty();
    match (neighbour, others) {
        (Some(true), _) => Finding::problem(
            Cause::TcpInDropped,
            format!("{address} is there, and lets no connection in"),
            "let TCP ports 49152 and the next ones in through the firewall of that machine",
        ),
        (Some(false), true) => Finding::problem(
            Cause::ClientIsolation,
            format!(
                "{address} does not answer at all, not even where it is on this network, and others on \
                 it do: it is off, or the access point keeps its clients apart"
            ),
            "if it is on, switch off client isolation (AP isolation, guest mode) in the access point, \
             or put both on a cable",
        ),
        _ => Finding::problem(
            Cause::HostSilent,
            format!("{address} does not answer at all"),
            "look whether it is on, and on this network; if it is, a firewall drops everything there",
        ),
    }
}
