//! What the system says about this process. Linux only; elsewhere there are no such figures.

use std::fs;

/// Resident memory, in octets.
pub(super) fn memory() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kibibytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// Seconds of CPU that the threads which live now have used.
pub(super) fn cpu() -> Option<f64> {
    let mut nanoseconds = 0.0;
    for thread in fs::read_dir("/proc/self/task").ok()? {
        let path = thread.ok()?.path().join("schedstat");
        // A thread that has just ended has used what it has: nothing to add.
        let Ok(schedstat) = fs::read_to_string(path) else { continue };
        nanoseconds += schedstat.split_whitespace().next()?.parse::<f64>().ok()?;
    }
    Some(nanoseconds / 1e9)
}

/// Lets the process open so many descriptors.
///
/// # Errors
/// It may not; says what to do.
pub(super) fn descriptors(needed: usize) -> Result<(), String> {
    // Where the limit is not known, whoever opens too many will be told.
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if usize::try_from(limit).is_ok_and(|limit| limit < needed) => Err(format!(
            "this takes {needed} descriptors, and the hard limit is {limit} (`ulimit -Hn`)"
        )),
        _ => Ok(()),
    }
}
