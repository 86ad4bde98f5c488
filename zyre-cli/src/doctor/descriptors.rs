//! How many files programs may open: each connection of a node is one.

use std::io;

use super::finding::{Cause, Finding};
use super::port_holders::Holder;

/// With fewer a node is soon alone.
const FEW: u64 = 256;

/// How many percent of what a program may open are nearly all.
const NEARLY_ALL: u64 = 95;

/// Returns whether there are no descriptors left, in this process or in the system.
pub(super) fn is_lack(error: &io::Error) -> bool {
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    cfg!(unix) && matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}

/// Says what it means that a node could not even start.
pub(super) fn none_left(error: &dyn std::error::Error) -> Finding {
    Finding::problem(
        Cause::NoDescriptors,
        format!(
            "a node cannot start, for this shell lets its programs open too few files: {error}"
        ),
        "raise the limit: ulimit -n 4096",
    )
}

/// Looks at the limit of this shell.
pub(super) fn limit() -> Option<Finding> {
    let soft = soft_limit()?;
    let peers = zyre::Limits::for_descriptors(soft).peer_connections / 2;
    (soft < FEW).then(|| {
        Finding::problem(
            Cause::NoDescriptors,
            format!(
                "programs of this shell may open {soft} files: a node meets {peers} others at most, \
                 or fewer if it has files of its own"
            ),
            "raise the limit before the program is started: ulimit -n 4096",
        )
    })
}

/// Looks at the programs that hear beacons on this machine.
pub(super) fn of_holders(holders: &[Holder]) -> Vec<Finding> {
    let exhausted = holders
        .iter()
        .filter(|holder| holder.limit.is_some_and(|limit| holder.open * 100 >= limit * NEARLY_ALL));
    let finding = |holder: &Holder| {
        Finding::problem(
            Cause::NoDescriptors,
            format!(
                "{} has {} of {} files open that it may open: it meets nobody any more",
                holder.program(),
                holder.open,
                holder.limit.unwrap_or_default()
            ),
            "start it again with a higher limit: ulimit -n 4096",
        )
    };
    exhausted.map(finding).collect()
}

#[cfg(unix)]
fn soft_limit() -> Option<u64> {
    rlimit::Resource::NOFILE.get_soft().ok()
}

#[cfg(not(unix))]
const fn soft_limit() -> Option<u64> {
    None
}
