//! Quantities as people write them: `5%`, `1..50ms`, `20s`, `54Mbit`.

use super::time::{MILLI, Micros, SECOND};

/// A time: `50ms`, `20s`, `1.5m`; without a unit, seconds.
pub(super) fn time(text: &str) -> Result<Micros, String> {
    let units = [("us", 1), ("ms", MILLI), ("s", SECOND), ("m", 60 * SECOND)];
    let found = units.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, *size)));
    let (number, size) = found.unwrap_or((text, SECOND));
    let number: f64 = number.trim().parse().map_err(|_| format!("{text:?} is no time"))?;
    if !(0.0..1e9).contains(&number) {
        return Err(format!("{text:?} is no time"));
    }
    Ok((number * size as f64).round() as Micros)
}

/// A range of times: `1..50ms`, `15s..1m`; one time is a range as well.
pub(super) fn range(text: &str) -> Result<(Micros, Micros), String> {
    let Some((from, to)) = text.split_once("..") else {
        let one = time(text)?;
        return Ok((one, one));
    };
    let unit = to.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let bare = from.chars().all(|c| c.is_ascii_digit() || c == '.');
    let from = time(&if bare { format!("{from}{unit}") } else { from.to_owned() })?;
    let to = time(to)?;
    if from > to { Err(format!("{text:?} ends before it begins")) } else { Ok((from, to)) }
}

/// A share: `5%` or `0.05`, in parts of a million.
pub(super) fn share(text: &str) -> Result<u32, String> {
    let (number, whole) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let number: f64 = number.trim().parse().map_err(|_| format!("{text:?} is no share"))?;
    let share = number / whole;
    if (0.0..=1.0).contains(&share) {
        Ok((share * 1e6).round() as u32)
    } else {
        Err(format!("{text:?} is not between 0 and 100%"))
    }
}

/// When, and for how long: `60s,20s`.
pub(super) fn when(text: &str) -> Result<(Micros, Micros), String> {
    let (at, lasts) = text.split_once(',').ok_or_else(|| format!("{text:?} is not AT,FOR"))?;
    Ok((time(at)?, time(lasts)?))
}

/// Two numbers: `3,17`.
pub(super) fn two(text: &str) -> Result<(u32, u32), String> {
    let numbers =
        text.split_once(',').map(|(one, other)| (one.trim().parse(), other.trim().parse()));
    match numbers {
        Some((Ok(one), Ok(other))) => Ok((one, other)),
        _ => Err(format!("{text:?} is not NUMBER,NUMBER")),
    }
}

/// Bits per second: `54Mbit`, `1Gbit`.
pub(super) fn capacity(text: &str) -> Result<f64, String> {
    let units = [("Gbit", 1e9), ("Mbit", 1e6), ("kbit", 1e3), ("bit", 1.0)];
    let found = units.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, *size)));
    let (number, size) = found.unwrap_or((text, 1e6));
    let number: f64 = number.trim().parse().map_err(|_| format!("{text:?} is no capacity"))?;
    if number > 0.0 { Ok(number * size) } else { Err(format!("{text:?} is no capacity")) }
}

/// A time for people.
pub(super) fn seconds(time: Micros) -> String {
    format!("{:.3} s", time as f64 / SECOND as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_people_write_them() {
        assert_eq!(time("50ms"), Ok(50 * MILLI));
        assert_eq!(time("1.5m"), Ok(90 * SECOND));
        assert_eq!(time("7"), Ok(7 * SECOND));
        assert_eq!(range("1..50ms"), Ok((MILLI, 50 * MILLI)));
        assert_eq!(range("15s..1m"), Ok((15 * SECOND, 60 * SECOND)));
        assert_eq!(share("5%"), Ok(50_000));
        assert_eq!(share("0.05"), Ok(50_000));
        assert_eq!(when("60s,20s"), Ok((60 * SECOND, 20 * SECOND)));
        assert_eq!(capacity("54Mbit"), Ok(54e6));
        assert!(time("soon").is_err() && share("101%").is_err() && range("5..1ms").is_err());
    }
}
