//! A time as seconds and nanoseconds since 1970.

use std::time::{Duration, SystemTime};

const NANOSECONDS_PER_SECOND: u32 = 1_000_000_000;

/// Returns a time as whole seconds since 1970, rounded down, and nanoseconds. One that does not fit is
/// the latest or earliest that does.
pub(crate) fn to_unix(time: SystemTime) -> (i64, u32) {
    let whole = |since: Duration| i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => (whole(since), since.subsec_nanos()),
        Err(before) => match (whole(before.duration()), before.duration().subsec_nanos()) {
            (seconds, 0) => (-seconds, 0),
            (seconds, nanoseconds) => (-seconds - 1, NANOSECONDS_PER_SECOND - nanoseconds),
        },
    }
}

/// Returns the time of these seconds and nanoseconds, if there is such a time and this system can
/// represent it. Windows counts in steps of 100 ns, and the time is rounded down to one.
pub(crate) fn from_unix(seconds: i64, nanoseconds: u32) -> Option<SystemTime> {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let time = match seconds {
        0.. => SystemTime::UNIX_EPOCH.checked_add(whole)?,
        _ => SystemTime::UNIX_EPOCH.checked_sub(whole)?,
    };
    let is_fraction = nanoseconds < NANOSECONDS_PER_SECOND;
    is_fraction.then(|| time.checked_add(Duration::from_nanos(nanoseconds.into())))?
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{from_unix, to_unix};

    #[test]
    fn a_time_is_read_as_it_was_written() {
        for millis in [-86_400_001_i64, -1500, -1000, -1, 0, 1, 999, 1000, 1_600_000_000_123] {
            let since = Duration::from_millis(millis.unsigned_abs());
            let time = match millis {
                0.. => SystemTime::UNIX_EPOCH + since,
                _ => SystemTime::UNIX_EPOCH - since,
            };
            let (whole, fraction) = to_unix(time);
            assert_eq!(from_unix(whole, fraction), Some(time), "{millis}");
        }
        for (whole, fraction) in [(i64::MAX, 999_999_999), (i64::MIN, 0), (0, 1_000_000_000)] {
            // Whatever the system makes of it, it does not panic.
            let read = from_unix(whole, fraction);
            assert!(fraction < 1_000_000_000 || read.is_none());
        }
    }
}
