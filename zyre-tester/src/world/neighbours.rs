//! Room for the neighbours of all hosts.
//!
//! Linux has one table of neighbours (ARP) and one of IPv6 for all namespaces together, of 1,024
//! entries by default. In a world of thirty hosts there are more, and with a full table hosts do not
//! reach each other for half a minute at a time.

use std::fs;

use testkit::failure::{Failure, Result};

/// The limits of a table, from that up to which nothing is removed to that beyond which nothing is
/// added.
const LIMITS: [&str; 3] = ["gc_thresh1", "gc_thresh2", "gc_thresh3"];

/// Entries of each table for a pair of hosts: some have several addresses, and other worlds may be
/// played at the same time.
const ENTRIES_OF_A_PAIR: u64 = 16;

/// Raises the limits of both tables of this machine, if they are too low for this number of hosts.
/// Returns what was done, for people.
///
/// # Errors
/// They are too low and cannot be raised.
pub(super) fn make_room(hosts: usize) -> Result<Option<String>> {
    let hosts = hosts as u64;
    let needed = hosts * hosts * ENTRIES_OF_A_PAIR;
    let mut raised = None;
    for family in ["ipv4", "ipv6"] {
        let path = |limit: &str| format!("/proc/sys/net/{family}/neigh/default/{limit}");
        let most = path(LIMITS[2]);
        let text =
            fs::read_to_string(&most).map_err(|error| Failure::new(format!("{most}: {error}")))?;
        if text.trim().parse::<u64>().is_ok_and(|most| most >= needed) {
            continue;
        }
        for (limit, part) in LIMITS.iter().zip([4, 2, 1]).rev() {
            let path = path(limit);
            fs::write(&path, (needed / part).to_string()).map_err(|error| {
                let needs =
                    format!("this world needs {needed} neighbours in the tables of the kernel");
                Failure::new(format!("{needs}, and {path} cannot be raised: {error}"))
            })?;
        }
        raised = Some(format!("the kernel's tables of neighbours now have room for {needed}"));
    }
    Ok(raised)
}
