//! What a process has used. Linux only; elsewhere there are no such figures.

/// Ticks of the kernel's clock for programs, a second: the same on every Linux.
const TICKS: f64 = 100.0;

/// What a process has used so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// The most that it has had in memory, in MB (10^6 octets).
    pub(super) memory: f64,
    /// Seconds of processor time.
    pub(super) cpu: f64,
}

impl Usage {
    pub(super) fn of(pid: u32) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name, which may hold anything but ends with the last bracket: state, ten numbers,
        // then the time in the program and that in the kernel; children that were waited for after it.
        let (_, rest) = stat.rsplit_once(") ")?;
        let ticks: f64 =
            rest.split_whitespace().skip(11).take(4).filter_map(|n| n.parse::<f64>().ok()).sum();
        Some(Self { memory: kibibytes * 1024.0 / 1e6, cpu: ticks / TICKS })
    }
}
