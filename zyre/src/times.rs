//! The times that can be set.

use std::time::Duration;

use zre_proto::{ActionError, Times};

/// The shortest time from beacon to beacon, and the longest.
const BEACON_INTERVALS: (Duration, Duration) =
    (Duration::from_millis(1), Duration::from_secs(24 * 60 * 60));

/// Returns the time from beacon to beacon that is kept when this one is asked for.
pub(crate) fn beacon_interval(asked: Duration) -> Result<Duration, ActionError> {
    let (shortest, longest) = BEACON_INTERVALS;
    check("beacon interval", asked).map(|()| asked.clamp(shortest, longest))
}

/// Checks when peers are asked and given up.
pub(crate) fn check_liveness(times: &Times) -> Result<(), ActionError> {
    check("evasive timeout", times.evasive_timeout)?;
    check("silent timeout", times.silent_timeout)?;
    check("expired timeout", times.expired_timeout)
}

/// Checks that a time is not zero.
pub(crate) const fn check(what: &'static str, time: Duration) -> Result<(), ActionError> {
    if time.is_zero() { Err(ActionError::ZeroTime(what)) } else { Ok(()) }
}
