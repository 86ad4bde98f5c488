//! Points in time: what users write, and what they read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;

/// Returns the time of the clock, in microseconds since 1970.
pub fn now() -> i64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(passed.as_micros()).unwrap_or(i64::MAX)
}

/// Parses a length of time as users write it: `90s`, `10m`, `1h 30m`, `30d`. A day has 24 hours.
///
/// # Errors
/// A text for the user.
pub fn parse_length(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no length of time, such as 90s, 10m, 2h or 30d");
    let span: Span = text.parse().map_err(|_| wrong())?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    Duration::try_from(length).map_err(|_| wrong())
}

/// Parses a moment as users write it into microseconds since 1970: RFC 3339
/// (`2026-03-01T12:00:00Z`), the same without a zone in local time (`2026-03-01 12:00`), or a
/// length of time before `now` (`10m`).
///
/// # Errors
/// A text for the user.
pub fn parse_moment(text: &str, now: i64) -> Result<i64, String> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment.as_microsecond());
    }
    if let Ok(local) = text.parse::<DateTime>()
        && let Ok(zoned) = local.to_zoned(TimeZone::system())
    {
        return Ok(zoned.timestamp().as_microsecond());
    }
    let ago = text.strip_suffix("ago").unwrap_or(text).trim();
    let ago = parse_length(ago).map_err(|_| {
        format!(
            "{text:?} is no moment: a time such as 2026-03-01T12:00:00Z, or how long ago, such as 10m"
        )
    })?;
    Ok(now.saturating_sub(i64::try_from(ago.as_micros()).unwrap_or(i64::MAX)))
}

/// Parses a moment as users write it, seen from now; see [`parse_moment`].
///
/// # Errors
/// A text for the user.
pub fn parse(text: &str) -> Result<i64, String> {
    parse_moment(text, now())
}

/// Formats local time to the millisecond, for tables.
pub fn local(microseconds: i64) -> String {
    format(microseconds, &TimeZone::system(), "%Y-%m-%d %H:%M:%S%.3f")
}

/// Formats the local time of day to the second, for narrow screens.
pub fn time_of_day(microseconds: i64) -> String {
    format(microseconds, &TimeZone::system(), "%H:%M:%S")
}

/// Formats RFC 3339 in UTC to the microsecond, for programs.
pub fn utc(microseconds: i64) -> String {
    format(microseconds, &TimeZone::UTC, "%Y-%m-%dT%H:%M:%S%.6fZ")
}

fn format(microseconds: i64, zone: &TimeZone, format: &str) -> String {
    // What nodes say may be out of any calendar.
    Timestamp::from_microsecond(microseconds).map_or_else(
        |_| microseconds.to_string(),
        |moment| moment.to_zoned(zone.clone()).strftime(format).to_string(),
    )
}

/// Formats a length of time in microseconds: `350 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`.
pub fn length(microseconds: i64) -> String {
    let seconds = microseconds / SECOND;
    match seconds {
        ..1 => format!("{} ms", microseconds / 1000),
        1..100 => format!("{:.1} s", microseconds as f64 / 1e6),
        100..6000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_that_users_write() {
        let noon = 1_772_366_400 * SECOND;
        assert_eq!(parse_moment("2026-03-01T12:00:00Z", 0), Ok(noon));
        assert_eq!(parse_moment("2026-03-01T13:00:00.5+01:00", 0), Ok(noon + SECOND / 2));
        assert_eq!(parse_moment("10m", noon), Ok(noon - 600 * SECOND));
        assert_eq!(parse_moment("2h ago", noon), Ok(noon - 7200 * SECOND));
        assert_eq!(parse_length("30d"), Ok(Duration::from_secs(30 * 86_400)));
        for wrong in ["", "yesterday", "10", "-5m", "2026-13-01T00:00:00Z"] {
            assert!(parse_moment(wrong, noon).is_err(), "{wrong}");
        }
        assert_eq!(utc(noon + 1), "2026-03-01T12:00:00.000001Z");
        assert_eq!(utc(i64::MAX), i64::MAX.to_string());
    }

    #[test]
    fn lengths_that_users_read() {
        let seconds = |s: i64| length(s * SECOND);
        assert_eq!(length(350_000), "350 ms");
        assert_eq!([seconds(4), seconds(200), seconds(7500)], ["4.0 s", "3 min 20 s", "2 h 5 min"]);
    }
}
