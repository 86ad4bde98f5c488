//! What a process uses: memory, descriptors, threads and processor time.
//!
//! The figures are from `/proc`, so only Linux has them.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// The length of a tick of the kernel's clock for programs: the same on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// What a process uses at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory, in bytes.
    pub memory: u64,
    /// The most resident memory that it has ever had, in bytes.
    pub peak_memory: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
    /// Processor time so far, in steps of 10 ms, with that of children that were waited for.
    pub cpu: Duration,
}

impl Usage {
    /// Returns what a process uses; `None` if it is gone, may not be looked at, or this is not
    /// Linux.
    pub fn of(pid: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let number = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.strip_prefix(':')?.split_whitespace().next()?.parse().ok()
        };
        // After the state: ten numbers, then the times of the program, the kernel for it, and the
        // same two for children.
        let stat = stat(pid)?;
        let ticks =
            stat.split_whitespace().skip(11).take(4).filter_map(|n| n.parse::<u32>().ok()).sum();
        Some(Self {
            memory: number("VmRSS")? * 1024,
            peak_memory: number("VmHWM")? * 1024,
            descriptors: descriptors(pid)?,
            threads: number("Threads")?,
            cpu: TICK.saturating_mul(ticks),
        })
    }

    /// Returns what this process uses.
    pub fn of_this_process() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// Returns the larger of each figure.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            memory: self.memory.max(other.memory),
            peak_memory: self.peak_memory.max(other.peak_memory),
            descriptors: self.descriptors.max(other.descriptors),
            threads: self.threads.max(other.threads),
            cpu: self.cpu.max(other.cpu),
        }
    }
}

/// Returns the processor time, to the nanosecond, of those threads of this process that live now.
pub fn cpu_of_living_threads() -> Option<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir("/proc/self/task").ok()? {
        // A thread that has ended meanwhile has nothing to add.
        let Ok(schedstat) = fs::read_to_string(thread.ok()?.path().join("schedstat")) else {
            continue;
        };
        nanoseconds += schedstat.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanoseconds))
}

/// Returns whether a process runs; also `true` where the system does not tell.
pub fn is_running(pid: u32) -> bool {
    if !Path::new("/proc/self/stat").exists() {
        return true;
    }
    stat(pid).is_some_and(|stat| !stat.starts_with(['Z', 'X']))
}

/// The fields of `/proc/PID/stat` from the state on: after the name, which may hold anything but
/// ends with the last bracket.
fn stat(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned())
}

fn descriptors(pid: u32) -> Option<u64> {
    let folder = format!("/proc/{pid}/fd");
    // Kernels since 6.2 tell the number as the size; reading thousands of names takes its time.
    match fs::metadata(&folder).ok()?.len() {
        0 => {
            let listed = u64::try_from(fs::read_dir(&folder).ok()?.count()).ok()?;
            // One of ours is that of the folder itself.
            Some(listed - u64::from(pid == std::process::id()))
        }
        number => Some(number),
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs::File;
    use std::process::{Command, Stdio};
    use std::time::Instant;

    use super::*;
    use crate::wait::DEADLINE;

    #[test]
    fn open_files_are_counted() {
        // Other tests of this process open and close some as well.
        const MANY: u64 = 200;
        const OTHERS: u64 = 50;
        let count = || Usage::of_this_process().unwrap().descriptors;
        let before = count();
        let files: Vec<_> = (0..MANY).map(|_| File::open("/dev/null").unwrap()).collect();
        let during = count();
        assert!(during + OTHERS >= before + MANY, "{before}, then {during}");
        drop(files);
        let after = count();
        assert!(after <= before + OTHERS, "{before}, {during}, then {after}");
    }

    #[test]
    fn memory_that_is_written_is_counted() {
        const MANY: u64 = 64 << 20;
        let before = Usage::of_this_process().unwrap();
        let held = vec![1_u8; usize::try_from(MANY).unwrap()];
        let during = Usage::of_this_process().unwrap();
        assert!(during.memory >= before.memory + MANY * 9 / 10, "{before:?}, then {during:?}");
        assert!(during.peak_memory >= during.memory, "{during:?}");
        drop(held);
    }

    #[test]
    fn computing_is_counted() {
        let (before, start) = (Usage::of_this_process().unwrap().cpu, Instant::now());
        let precise = cpu_of_living_threads().unwrap();
        // Threads of other tests end meanwhile and take theirs with them: this one makes up for it.
        while Usage::of_this_process().unwrap().cpu < before + 3 * TICK
            || cpu_of_living_threads().unwrap() <= precise
        {
            assert!(start.elapsed() < DEADLINE, "it computes and nothing is counted");
        }
    }

    #[test]
    fn of_a_process_that_is_gone_nothing_is_told() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        assert!(is_running(pid) && Usage::of(pid).is_some());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_running(pid));
        assert_eq!(Usage::of(pid), None);
    }
}
