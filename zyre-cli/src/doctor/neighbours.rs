//! What the system knows of the neighbours of this machine, where it tells: on Linux.

use std::fs;
use std::net::Ipv4Addr;

/// Returns the router to which all goes that is not for a network of this machine.
pub(super) fn gateway() -> Option<Ipv4Addr> {
    default_route(&fs::read_to_string("/proc/self/net/route").ok()?)
}

/// Returns whether a neighbour has said where it is, after it was sent something; `None` if nobody has
/// asked, or the system does not tell.
pub(super) fn is_there(neighbour: Ipv4Addr) -> Option<bool> {
    entry(&fs::read_to_string("/proc/self/net/arp").ok()?, neighbour)
}

fn default_route(table: &str) -> Option<Ipv4Addr> {
    table.lines().find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (destination, gateway) = (columns.get(1)?, columns.get(2)?);
        let gateway = u32::from_str_radix(gateway, 16).ok()?;
        // As the bytes stand in memory.
        let gateway = Ipv4Addr::from(gateway.to_ne_bytes());
        (*destination == "00000000" && !gateway.is_unspecified()).then_some(gateway)
    })
}

fn entry(table: &str, neighbour: Ipv4Addr) -> Option<bool> {
    /// The entry has an address.
    const COMPLETE: u32 = 2;
    table.lines().find_map(|line| {
        let mut columns = line.split_whitespace();
        let is_it = columns.next()?.parse::<Ipv4Addr>().ok()? == neighbour;
        let flags = columns.nth(1)?.strip_prefix("0x")?;
        let flags = u32::from_str_radix(flags, 16).ok()?;
        is_it.then_some(flags & COMPLETE != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_is_there_if_its_entry_is_complete() {
        let table = "IP address       HW type     Flags       HW address            Mask     Device\n\
                     10.77.0.3        0x1         0x2         b2:5c:be:8d:8c:1b     *        eth0\n\
                     10.77.0.2        0x1         0x0         00:00:00:00:00:00     *        eth0\n";
        let there = |last| entry(table, Ipv4Addr::new(10, 77, 0, last));
        assert_eq!([there(3), there(2), there(9)], [Some(true), Some(false), None]);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn the_default_route_leads_to_the_router() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n\
                     eth0\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n\
                     eth0\t00000000\tFE004D0A\t0003\t0\t0\t0\t00000000\n";
        assert_eq!(default_route(table), Some(Ipv4Addr::new(10, 77, 0, 254)));
        assert_eq!(default_route(""), None);
    }
}
