//! How fast a recording is played.

use std::str::FromStr;

/// How fast a recording is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// This many times as fast as it was.
    Times(f64),
    /// At once, to the end; there it stays.
    Max,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let times = text.strip_suffix('x').unwrap_or(text).parse::<f64>().ok();
        let times = times.filter(|times| (0.01..=100_000.0).contains(times));
        times
            .map(Self::Times)
            .ok_or_else(|| format!("{text:?} is no speed, such as 1x, 10x (up to 100000x), or max"))
    }
}
