//! Whether this process may open enough descriptors.

/// Lets the process open this number of descriptors.
///
/// # Errors
/// It may not; says what to do.
pub(super) fn allow(needed: usize) -> Result<(), String> {
    // Where the limit is not known, opening too many will fail.
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if usize::try_from(limit).is_ok_and(|limit| limit < needed) => Err(format!(
            "this takes {needed} descriptors, and the hard limit is {limit} (`ulimit -Hn`)"
        )),
        _ => Ok(()),
    }
}
