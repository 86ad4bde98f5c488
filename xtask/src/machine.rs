//! The machine that we run on: its clock, and how busy it is.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::commands::answer;

/// Returns the time for use in file names, such as `20260131T235959Z`.
pub(crate) fn date() -> String {
    answer(Command::new("date").args(["-u", "+%Y%m%dT%H%M%SZ"])).unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.as_secs().to_string()
    })
}

/// Returns how many processes want to run, on average over the last minute, where that is known.
pub(crate) fn load_average() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}
