//! Which interfaces and addresses a node uses: decided anew at each look at the host.

use std::net::{IpAddr, Ipv4Addr};

use super::choice::InterfaceChoice;
use super::host::{HostAddress, HostInterface};
use super::place::{Audience, OwnAddress, Place};
use super::report::{Interface, UnusedReason};

/// Every broadcast on the loopback interface goes to this address, and stays on the machine.
const LOOPBACK_BROADCAST: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

/// Subnets of one interface that are announced.
const MAX_SUBNETS: usize = 4;

/// Interfaces that are used unless they were asked for by name: each takes two descriptors for
/// nearly every address, and a host of containers has hundreds.
const MAX_INTERFACES: usize = 32;

/// What the application has asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choices {
    /// Only these; all, if there are none.
    pub(crate) only: Vec<InterfaceChoice>,
    pub(crate) except: Vec<InterfaceChoice>,
    /// The node sends no beacons: it can live where nobody would hear one as well.
    pub(crate) silent: bool,
}

/// What a look at the host has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// All interfaces of the host.
    pub(crate) interfaces: Vec<Interface>,
    /// All its addresses.
    pub(crate) host: Vec<OwnAddress>,
    /// The first one is the node's endpoint.
    pub(crate) places: Vec<Place>,
}

impl Selection {
    /// Whether the node finds only nodes of this host.
    pub(crate) fn is_alone(&self) -> bool {
        self.places.iter().all(|place| place.address.is_loopback())
    }
}

impl Choices {
    /// What was asked for, if nothing of it is there.
    pub(crate) fn missing(&self, selection: &Selection) -> Option<&InterfaceChoice> {
        self.only.first().filter(|_| selection.places.is_empty())
    }

    /// Chooses among the interfaces of the host. What is in use and works is kept.
    pub(super) fn select(&self, host: &[HostInterface], in_use: &[Place]) -> Selection {
        let chosen = self.select_with(host, in_use, false);
        if chosen.places.is_empty() && self.is_free() {
            // Alone on this machine, until something appears.
            return self.select_with(host, in_use, true);
        }
        chosen
    }

    /// Whether nothing in particular was asked for.
    pub(crate) fn is_free(&self) -> bool {
        self.only.iter().all(|choice| *choice == InterfaceChoice::Any)
    }

    fn select_with(&self, host: &[HostInterface], in_use: &[Place], alone: bool) -> Selection {
        let mut found: Vec<_> = host
            .iter()
            .map(|interface| match self.unused(interface, alone) {
                Some(why) => Err(why),
                None => self.places(interface, in_use),
            })
            .collect();
        self.leave_out_excess(host, &mut found, in_use);
        let mut selection = Selection::default();
        for (interface, places) in host.iter().zip(found) {
            let (index, is_used) = (interface.index, places.is_ok());
            let own = interface.addresses.iter();
            selection.host.extend(own.map(|address| OwnAddress::new(address, index, is_used)));
            selection.interfaces.push(Interface {
                name: interface.name.clone(),
                addresses: interface.addresses.iter().map(|address| address.ip).collect(),
                prefixes: interface.addresses.iter().map(|address| address.prefix).collect(),
                used: places.iter().flatten().map(|place| place.address).collect(),
                broadcasts: places.iter().flatten().filter_map(Place::broadcast).collect(),
                unused: places.as_ref().err().copied(),
                unsent: None,
            });
            selection.places.extend(places.into_iter().flatten());
        }
        // The endpoint is one that reaches far, and stays where it is as long as that is there.
        let was = in_use.first().map(|place| place.address);
        let order = |place: &Place| {
            (rank(place.address), place.address.is_ipv6(), Some(place.address) != was)
        };
        selection.places.sort_by_key(order);
        selection
    }

    /// Of too many interfaces those are kept that were asked for, then those in use, then those with
    /// an address that reaches farther than the link: mere ports of bridges have none.
    fn leave_out_excess(
        &self,
        host: &[HostInterface],
        found: &mut [Result<Vec<Place>, UnusedReason>],
        in_use: &[Place],
    ) {
        let rank_of = |(number, places): (usize, &Result<Vec<Place>, UnusedReason>)| {
            let places = places.as_ref().ok()?;
            let asked_for = self.only.iter().any(|choice| match choice {
                InterfaceChoice::Any => false,
                choice => choice.means(&host[number]),
            });
            let is_used = in_use.iter().any(|place| place.index == host[number].index);
            let reach = places.iter().map(|place| rank(place.address)).min();
            Some(((!asked_for, !is_used, reach, number), asked_for))
        };
        let mut ranked: Vec<_> = found.iter().enumerate().filter_map(rank_of).collect();
        ranked.sort_unstable();
        for ((.., number), asked_for) in ranked.into_iter().skip(MAX_INTERFACES) {
            if !asked_for {
                found[number] = Err(UnusedReason::TooMany);
            }
        }
    }

    /// Why an interface is not used, whatever its addresses.
    fn unused(&self, interface: &HostInterface, alone: bool) -> Option<UnusedReason> {
        let asked_for = self.only.iter().any(|choice| choice.means(interface));
        if !self.is_free() && !asked_for {
            return Some(UnusedReason::NotChosen);
        }
        if self.except.iter().any(|choice| choice.names(interface)) {
            return Some(UnusedReason::Excepted);
        }
        if interface.is_loopback() {
            return (!asked_for && !alone).then_some(UnusedReason::Loopback);
        }
        if interface.point_to_point && !self.silent {
            return Some(UnusedReason::PointToPoint);
        }
        (!interface.running).then_some(UnusedReason::Down)
    }

    fn places(
        &self,
        interface: &HostInterface,
        in_use: &[Place],
    ) -> Result<Vec<Place>, UnusedReason> {
        // Where one address was asked for, it is only that.
        let whole = self.only.iter().any(|choice| choice.names(interface)) || self.is_free();
        let chosen = |address: &&HostAddress| {
            let meant = |choice: &InterfaceChoice| *choice == InterfaceChoice::Address(address.ip);
            (whole || self.only.iter().any(meant)) && !self.except.iter().any(meant)
        };
        let addresses: Vec<HostAddress> =
            interface.addresses.iter().filter(chosen).copied().collect();
        let place = |address: &HostAddress, announced| Place {
            interface: interface.name.clone(),
            index: interface.index,
            address: address.ip,
            prefix: address.prefix,
            announced,
        };
        let mut places: Vec<Place> = subnets(&addresses, in_use, self.silent)
            .into_iter()
            .map(|(address, announced)| place(address, announced))
            .collect();
        if !interface.is_loopback() {
            let mut by_rank: Vec<&HostAddress> =
                addresses.iter().filter(|address| address.ip.is_ipv6()).collect();
            by_rank.sort_by_key(|address| (rank(address.ip), !is_in_use(address, in_use)));
            by_rank.dedup_by_key(|address| rank(address.ip));
            // All on the link can reach the one that is of the link, whatever else they have.
            let announced = by_rank.pop_if(|_| !self.silent);
            places.extend(announced.map(|address| place(address, Some(Audience::Link))));
            places.extend(by_rank.into_iter().map(|address| place(address, None)));
        }
        if places.is_empty() { Err(UnusedReason::NoAddress) } else { Ok(places) }
    }
}

impl InterfaceChoice {
    /// Whether it names an interface, or all.
    fn names(&self, interface: &HostInterface) -> bool {
        match self {
            Self::Any => !interface.is_loopback(),
            Self::Name(name) => *name == interface.name,
            Self::Address(_) => false,
        }
    }

    /// Whether it names an interface or one of its addresses.
    fn means(&self, interface: &HostInterface) -> bool {
        let has = |ip| interface.addresses.iter().any(|address| address.ip == ip);
        self.names(interface) || matches!(self, Self::Address(ip) if has(*ip))
    }
}

/// One IPv4 address for each subnet, with its broadcast address, unless the node is silent: one that
/// is in use rather than another, and those that were given rather than made up.
fn subnets<'a>(
    addresses: &'a [HostAddress],
    in_use: &[Place],
    silent: bool,
) -> Vec<(&'a HostAddress, Option<Audience>)> {
    let audience = |address: &HostAddress| match silent {
        true => address.ip.is_ipv4().then_some(None),
        false => Some(Some(Audience::Subnet(broadcast(address)?))),
    };
    let mut all: Vec<_> =
        addresses.iter().filter_map(|address| Some((address, audience(address)?))).collect();
    all.sort_by_key(|(address, _)| (rank(address.ip), !is_in_use(address, in_use)));
    let mut chosen: Vec<(&HostAddress, _)> = Vec::new();
    for (address, audience) in all {
        let covered = |(near, _): &(&HostAddress, _)| near.is_near(address.ip);
        if chosen.len() < MAX_SUBNETS && !chosen.iter().any(covered) {
            chosen.push((address, audience));
        }
    }
    chosen
}

fn is_in_use(address: &HostAddress, in_use: &[Place]) -> bool {
    in_use.iter().any(|place| place.address == address.ip)
}

/// How far an address reaches, the farthest first.
const fn rank(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(ip) if ip.is_link_local() => 2,
        IpAddr::V4(_) => 0,
        IpAddr::V6(ip) if ip.is_unicast_link_local() => 2,
        IpAddr::V6(ip) if ip.is_unique_local() => 1,
        IpAddr::V6(_) => 0,
    }
}

/// Where broadcasts to the subnet of an IPv4 address go; `None` if it has no broadcasts.
fn broadcast(address: &HostAddress) -> Option<Ipv4Addr> {
    let IpAddr::V4(ip) = address.ip else { return None };
    if ip.is_loopback() {
        return Some(LOOPBACK_BROADCAST);
    }
    let host = u32::MAX.checked_shr(address.prefix.into()).filter(|bits| *bits > 1)?;
    // Some interfaces are set up without a broadcast address; the prefix tells it as well.
    let computed = Ipv4Addr::from_bits(ip.to_bits() | host);
    Some(address.broadcast.filter(|set| *set != ip).unwrap_or(computed))
}

#[cfg(test)]
impl Choices {
    /// What a look at a host with these interfaces comes to.
    pub(crate) fn example(host: &[(&str, u32, &[&str])]) -> Selection {
        let interface = |(name, index, addresses): &(&str, u32, &[&str])| {
            HostInterface::example(name, *index, addresses)
        };
        let host: Vec<HostInterface> = host.iter().map(interface).collect();
        Self::default().select(&host, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, index: u32, addresses: &[&str]) -> HostInterface {
        HostInterface::example(name, index, addresses)
    }

    fn lo() -> HostInterface {
        interface("lo", 1, &["127.0.0.1/8", "::1/128"])
    }

    fn choose(only: &[&str], except: &[&str], host: &[HostInterface]) -> Selection {
        let choices = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
        let (only, except) = (choices(only), choices(except));
        Choices { only, except, silent: false }.select(host, &[])
    }

    /// Places as text, those that are announced with where.
    fn places(selection: &Selection) -> Vec<String> {
        let place = |place: &Place| match place.announced {
            Some(Audience::Subnet(broadcast)) => format!("{place} to {broadcast}"),
            Some(Audience::Link) => format!("{place} to all"),
            None => place.to_string(),
        };
        selection.places.iter().map(place).collect()
    }

    fn unused(selection: &Selection) -> Vec<(&str, UnusedReason)> {
        let why = |it: &'_ Interface| it.unused;
        selection.interfaces.iter().filter_map(|it| Some((&*it.name, why(it)?))).collect()
    }

    #[test]
    fn all_that_can_be_used_are_used() {
        let host = [
            lo(),
            interface("eth0", 2, &["192.168.1.7/24", "fe80::7/64", "2001:db8::7/64", "fd00::7/64"]),
            interface("wlan0", 3, &["10.0.0.7/8"]),
            HostInterface { running: false, ..interface("docker0", 4, &["172.17.0.1/16"]) },
            HostInterface { point_to_point: true, ..interface("wg0", 5, &["10.9.0.1/24"]) },
            interface("dummy0", 6, &["10.8.0.1/32"]),
        ];
        let selection = choose(&[], &[], &host);
        assert_eq!(
            places(&selection),
            [
                "192.168.1.7 on eth0 to 192.168.1.255",
                "10.0.0.7 on wlan0 to 10.255.255.255",
                "2001:db8::7 on eth0",
                "fd00::7 on eth0",
                "fe80::7 on eth0 to all",
            ]
        );
        assert_eq!(
            unused(&selection),
            [
                ("lo", UnusedReason::Loopback),
                ("docker0", UnusedReason::Down),
                ("wg0", UnusedReason::PointToPoint),
                ("dummy0", UnusedReason::NoAddress),
            ]
        );
        assert_eq!(selection.host.len(), 10);
    }

    #[test]
    fn alone_it_is_the_loopback_interface() {
        for only in [&[][..], &["*"]] {
            let selection = choose(only, &[], &[lo()]);
            assert_eq!(places(&selection), ["127.0.0.1 on lo to 127.255.255.255"]);
        }
        let down = HostInterface { running: false, ..interface("eth0", 2, &["10.0.0.7/8"]) };
        let selection = choose(&[], &[], &[lo(), down.clone()]);
        assert_eq!(places(&selection), ["127.0.0.1 on lo to 127.255.255.255"]);
        assert_eq!(unused(&selection), [("eth0", UnusedReason::Down)]);
        // But not if something else was asked for.
        let asked = choose(&["eth0"], &[], &[lo(), down]);
        assert!(asked.places.is_empty());
        assert_eq!(unused(&asked), [("lo", UnusedReason::NotChosen), ("eth0", UnusedReason::Down)]);
    }

    #[test]
    fn of_too_many_those_are_used_that_lead_somewhere() {
        let port = |index: u32| interface(&format!("veth{index}"), index, &["fe80::7/64"]);
        let mut host: Vec<_> = (2..200).map(port).collect();
        host.push(interface("eth0", 300, &["192.168.1.7/24", "fe80::7/64"]));
        let selection = choose(&[], &[], &host);
        assert_eq!(selection.places.len(), MAX_INTERFACES + 1);
        assert_eq!(places(&selection)[0], "192.168.1.7 on eth0 to 192.168.1.255");
        let left: Vec<_> = unused(&selection);
        assert_eq!(left.len(), host.len() - MAX_INTERFACES);
        assert!(left.iter().all(|(_, why)| *why == UnusedReason::TooMany));
        // What is in use stays, and what was asked for is used.
        host.insert(0, interface("eth9", 1, &["10.0.0.7/8"]));
        let again = Choices::default().select(&host, &selection.places);
        assert_eq!(places(&again), places(&selection));
        let names: Vec<String> = (2..200).map(|index| format!("veth{index}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(choose(&names, &[], &host).places.len(), names.len());
    }

    #[test]
    fn many_addresses_of_an_interface_are_few_places() {
        let addresses: Vec<String> = (0..200)
            .flat_map(|n| [format!("10.0.{n}.7/24"), format!("fd00:{n:x}::7/64")])
            .chain((0..200).map(|n| format!("2001:db8:{n:x}::7/64")))
            .collect();
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let selection = choose(&[], &[], &[interface("eth0", 2, &addresses)]);
        assert_eq!(selection.places.len(), MAX_SUBNETS + 2);
        // But each of them is known as near.
        assert!(selection.host.iter().any(|own| own.is_near("fd00:77::9".parse().unwrap())));
        assert!(!selection.host.iter().any(|own| own.is_near("fd01::9".parse().unwrap())));
    }

    #[test]
    fn the_same_address_on_two_interfaces_is_two_places() {
        let host = [interface("eth0", 2, &["fe80::7/64"]), interface("eth0.5", 3, &["fe80::7/64"])];
        let selection = choose(&[], &[], &host);
        assert_eq!(places(&selection), ["fe80::7 on eth0 to all", "fe80::7 on eth0.5 to all"]);
        assert_ne!(selection.host[0].address, selection.host[1].address);
    }

    #[test]
    fn it_is_limited_by_names_and_addresses() {
        let host = [
            lo(),
            interface("eth0", 2, &["192.168.1.7/24", "192.168.2.7/24", "fe80::7/64"]),
            interface("wlan0", 3, &["10.0.0.7/8"]),
        ];
        let places = |only: &[&str], except: &[&str]| places(&choose(only, except, &host));
        assert_eq!(places(&["wlan0"], &[]), ["10.0.0.7 on wlan0 to 10.255.255.255"]);
        assert_eq!(places(&["lo", "wlan0"], &[]).len(), 2);
        assert_eq!(places(&["192.168.2.7"], &[]), ["192.168.2.7 on eth0 to 192.168.2.255"]);
        assert_eq!(places(&["fe80::7%eth0"], &[]), ["fe80::7 on eth0 to all"]);
        assert_eq!(places(&[], &["eth0"]), ["10.0.0.7 on wlan0 to 10.255.255.255"]);
        assert_eq!(
            places(&["eth0"], &["192.168.1.7"]),
            ["192.168.2.7 on eth0 to 192.168.2.255", "fe80::7 on eth0 to all"]
        );
        assert!(places(&["eth0"], &["eth0"]).is_empty());
        assert!(places(&["eth9"], &[]).is_empty());
    }

    #[test]
    fn a_choice_that_works_is_kept() {
        let of = |addresses: &[&str]| [interface("eth0", 2, addresses)];
        let choices = Choices::default();
        // One of a subnet is enough.
        let first = choices.select(&of(&["10.0.0.7/8"]), &[]);
        let host = of(&["10.0.0.3/8", "10.0.0.7/8", "169.254.3.3/16"]);
        let second = choices.select(&host, &first.places);
        assert_eq!(
            places(&second),
            ["10.0.0.7 on eth0 to 10.255.255.255", "169.254.3.3 on eth0 to 169.254.255.255"]
        );
        // The endpoint stays, also when one comes that the system lists first.
        let wlan = interface("wlan0", 1, &["10.9.0.1/24"]);
        let third = choices.select(&[wlan, host[0].clone()], &second.places);
        assert_eq!(third.places[0].address.to_string(), "10.0.0.7");
        // Unless it reached no farther than the link.
        let link = choices.select(&of(&["fe80::7/64"]), &[]);
        assert_eq!(places(&link), ["fe80::7 on eth0 to all"]);
        let global = choices.select(&of(&["fe80::7/64", "10.0.0.7/8"]), &link.places);
        assert_eq!(global.places[0].address.to_string(), "10.0.0.7");
    }

    #[test]
    fn what_was_asked_for_and_is_not_there_is_told_with_the_reason() {
        let down = HostInterface { running: false, ..interface("eth0", 2, &["10.0.0.7/8"]) };
        let host = [lo(), down];
        let found: Vec<String> = {
            let choices = Choices { only: vec!["eth0".into()], ..Choices::default() };
            let selection = choices.select(&host, &[]);
            assert_eq!(choices.missing(&selection), Some(&"eth0".into()));
            selection.interfaces.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            found,
            [
                "lo (127.0.0.1, ::1; others were asked for)",
                "eth0 (10.0.0.7; it is down, or without a carrier)"
            ]
        );
    }

    #[test]
    fn a_node_that_sends_no_beacons_lives_where_nobody_would_hear_one_as_well() {
        let host = [
            lo(),
            interface("eth0", 2, &["192.168.1.7/24", "192.168.1.8/24", "fe80::7/64"]),
            HostInterface { point_to_point: true, ..interface("wg0", 3, &["10.9.0.1/32"]) },
            HostInterface { running: false, ..interface("eth1", 4, &["10.0.0.1/24"]) },
        ];
        let selection = Choices { silent: true, ..Choices::default() }.select(&host, &[]);
        assert_eq!(
            places(&selection),
            ["192.168.1.7 on eth0", "10.9.0.1 on wg0", "fe80::7 on eth0"]
        );
        assert_eq!(
            unused(&selection),
            [("lo", UnusedReason::Loopback), ("eth1", UnusedReason::Down)]
        );
        assert!(selection.interfaces.iter().all(|it| it.broadcasts.is_empty()));
        let alone = Choices { silent: true, ..Choices::default() }.select(&[lo()], &[]);
        assert_eq!(places(&alone), ["127.0.0.1 on lo"]);
    }

    #[test]
    fn subnets_are_told_apart_by_their_prefix() {
        let address =
            |ip: &str, prefix| HostAddress { ip: ip.parse().unwrap(), prefix, broadcast: None };
        let near =
            |own: &str, prefix, other: &str| address(own, prefix).is_near(other.parse().unwrap());
        assert!(near("10.1.2.3", 8, "10.9.9.9"));
        assert!(!near("10.1.2.3", 16, "10.9.9.9"));
        assert!(near("10.1.2.3", 32, "10.1.2.3") && !near("10.1.2.3", 32, "10.1.2.2"));
        assert!(near("10.1.2.3", 0, "192.168.0.1"));
        assert!(near("fd00::1", 64, "fd00::2") && !near("fd00::1", 64, "fd00:1::2"));
        assert!(near("fd00::1", 0, "::1") && !near("fd00::1", 0, "10.0.0.1"));
        let broadcast = |ip, prefix| broadcast(&address(ip, prefix)).map(|it| it.to_string());
        assert_eq!(broadcast("10.1.2.3", 20).as_deref(), Some("10.1.15.255"));
        assert_eq!(broadcast("10.1.2.3", 31), None);
        assert_eq!(broadcast("fd00::1", 64), None);
    }
}
