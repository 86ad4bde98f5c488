//! What is found on this machine alone: interfaces, and whether its own beacons come back.

use std::collections::BTreeSet;
use std::fs;

use zyre::{Interface, UnusedReason};

use super::evidence::Evidence;
use super::finding::{Cause, Finding, Severity};

/// Looks at the interfaces, used and unused.
pub(super) fn interfaces(evidence: &Evidence) -> Vec<Finding> {
    let is_alone = evidence.interfaces.iter().filter(|it| it.is_used()).all(Interface::is_loopback);
    // Alone on purpose there is nothing to mend.
    let is_bad = is_alone && !evidence.is_limited;
    let mut findings: Vec<Finding> =
        evidence.interfaces.iter().filter_map(|it| interface(it, is_bad)).collect();
    findings.extend(without_address(&evidence.interfaces).into_iter().map(|name| {
        unused(
            Cause::NoAddress,
            format!("{name} is not used: it has no address"),
            "give it one: start DHCP, or set it by hand",
            is_bad,
        )
    }));
    if is_bad && findings.iter().all(|it| it.severity != Severity::Problem) {
        findings.push(Finding::problem(
            Cause::NoInterface,
            "this machine has no network: only nodes on it are found",
            "connect it to a network",
        ));
    }
    findings
}

fn interface(interface: &Interface, is_bad: bool) -> Option<Finding> {
    let name = &interface.name;
    let (cause, remedy) = match interface.unused {
        None => return Some(Finding::fine(used(interface))),
        Some(UnusedReason::Loopback) => return None,
        Some(UnusedReason::Down) => (
            Cause::InterfaceDown,
            format!("plug in its cable, join the Wi-Fi, or switch it on: ip link set {name} up"),
        ),
        Some(UnusedReason::PointToPoint) => (
            Cause::PointToPoint,
            "beacons do not get through it: name the others by --no-beacon --require HOST:PORT, or \
             let all connect to one hub by --gossip-connect HOST:PORT"
                .to_owned(),
        ),
        Some(UnusedReason::NoAddress) => {
            (Cause::NoAddress, "give it an address of a subnet with others".to_owned())
        }
        Some(_) => (Cause::Unused, "name it by --interface to use it".to_owned()),
    };
    let why = interface.unused.map(|why| why.to_string()).unwrap_or_default();
    let addresses: Vec<String> = interface.addresses.iter().map(ToString::to_string).collect();
    let what = format!("{name} ({}) is not used: {why}", addresses.join(", "));
    Some(unused(cause, what, &remedy, is_bad))
}

fn unused(cause: Cause, what: String, remedy: &str, is_bad: bool) -> Finding {
    let finding = Finding::problem(cause, what, remedy);
    let severity =
        if is_bad && cause != Cause::Unused { Severity::Problem } else { Severity::Note };
    Finding { severity, ..finding }
}

fn used(interface: &Interface) -> String {
    let used = interface.used.iter().map(|address| {
        let bits = interface.prefix(*address).unwrap_or_default();
        format!("{address}/{bits}")
    });
    let used: Vec<String> = used.collect();
    format!("{} is used: {}", interface.name, used.join(", "))
}

/// Returns the interfaces that have no address, where the system tells.
fn without_address(interfaces: &[Interface]) -> BTreeSet<String> {
    /// Flags of an interface, in `/sys/class/net`: it is up; it is the loopback interface.
    const UP: u32 = 1;
    const LOOPBACK: u32 = 8;
    let Ok(names) = fs::read_dir("/sys/class/net") else { return BTreeSet::new() };
    let is_up = |name: &str| {
        let flags = fs::read_to_string(format!("/sys/class/net/{name}/flags")).unwrap_or_default();
        let flags = flags.trim().strip_prefix("0x").unwrap_or_default();
        u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & (UP | LOOPBACK) == UP)
    };
    let names = names.flatten().filter_map(|it| it.file_name().into_string().ok());
    // A port of a bridge has none, and needs none.
    let is_port = |name: &str| fs::exists(format!("/sys/class/net/{name}/master")).unwrap_or(true);
    names
        .filter(|name| interfaces.iter().all(|it| it.name != *name))
        .filter(|name| is_up(name) && !is_port(name))
        .collect()
}

/// Looks whether the beacons of this machine come back to it, on each interface and by each family.
pub(super) fn own_beacons(evidence: &Evidence) -> Vec<Finding> {
    if !evidence.has_beacons {
        return Vec::new();
    }
    let used = evidence.interfaces.iter().filter(|it| it.is_used());
    used.flat_map(|interface| own_beacons_on(evidence, interface)).collect()
}

fn own_beacons_on(evidence: &Evidence, interface: &Interface) -> Vec<Finding> {
    let (name, port) = (&interface.name, evidence.beacon_port);
    if let Some(why) = &interface.unsent {
        return vec![Finding::problem(
            Cause::UdpDropped,
            format!("beacons cannot be sent on {name}: {why}"),
            format!("let UDP port {port} out through the firewall of this machine"),
        )];
    }
    let comes_back = |is_v4: bool| {
        let mut its = interface.used.iter().filter(|address| address.is_ipv4() == is_v4);
        its.any(|address| evidence.own_heard.contains(address))
    };
    let v4 = (!interface.broadcasts.is_empty()).then(|| ("IPv4", comes_back(true)));
    let v6 = interface.used.iter().any(|it| it.is_ipv6() && !it.is_loopback());
    let v6 = v6.then(|| ("IPv6", comes_back(false)));
    let families: Vec<_> = v4.into_iter().chain(v6).collect();
    let missing = families.iter().filter(|(_, comes_back)| !comes_back);
    let missing: Vec<&str> = missing.map(|(family, _)| *family).collect();
    if missing.is_empty() {
        return vec![Finding::fine(format!(
            "beacons of this machine are sent, and come back to it, on {name}, UDP port {port}"
        ))];
    }
    let by = missing.join(" and ");
    let finding = Finding::problem(
        Cause::UdpDropped,
        format!(
            "beacons of this machine do not come back to it on {name} by {by}: a firewall drops them"
        ),
        format!("let UDP port {port} in through the firewall of this machine"),
    );
    // By the other family others are heard.
    let severity = if missing.len() < families.len() { Severity::Note } else { Severity::Problem };
    vec![Finding { severity, ..finding }]
}
