//! Which programs of this machine hear beacons, where the system tells: on Linux, and of other users only
//! to root.

use std::fs;
use std::path::Path;

use zyre::Printable;

/// A program that has the port open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pid: u32,
    name: String,
    /// The files that it has open.
    pub(super) open: u64,
    /// How many it may have.
    pub(super) limit: Option<u64>,
}

impl Holder {
    /// Returns what it is called.
    pub(super) fn program(&self) -> String {
        format!("{} (process {})", Printable::new(&self.name), self.pid)
    }
}

/// Returns the programs that have this UDP port open, without this one.
pub(super) fn holders(port: u16) -> Vec<Holder> {
    let sockets: Vec<String> = ["/proc/self/net/udp", "/proc/self/net/udp6"]
        .iter()
        .flat_map(|table| sockets(&fs::read_to_string(table).unwrap_or_default(), port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    if sockets.is_empty() {
        return Vec::new();
    }
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.flatten().filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| *pid != std::process::id()).filter_map(|pid| holder(pid, &sockets)).collect()
}

fn holder(pid: u32, sockets: &[String]) -> Option<Holder> {
    let directory = Path::new("/proc").join(pid.to_string());
    let files: Vec<_> = fs::read_dir(directory.join("fd")).ok()?.flatten().collect();
    let is_it = |target: &Path| sockets.iter().any(|socket| target == Path::new(socket));
    let has = files.iter().any(|file| fs::read_link(file.path()).is_ok_and(|it| is_it(&it)));
    has.then(|| Holder {
        pid,
        name: fs::read_to_string(directory.join("comm")).unwrap_or_default().trim().to_owned(),
        open: files.len() as u64,
        limit: limit(&fs::read_to_string(directory.join("limits")).unwrap_or_default()),
    })
}

/// Returns the inodes of the sockets on a port, from `/proc/net/udp`.
fn sockets(table: &str, port: u16) -> Vec<u64> {
    let line = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (_, local) = columns.get(1)?.rsplit_once(':')?;
        let is_it = u16::from_str_radix(local, 16).ok()? == port;
        columns.get(9)?.parse().ok().filter(|_| is_it)
    };
    table.lines().filter_map(line).collect()
}

/// Returns how many files a process may open, from `/proc/PID/limits`.
fn limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_found_by_their_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   \
                     uid  timeout inode ref pointer drops\n  \
                     123: 00000000:1626 00000000:0000 07 00000000:00000000 00:00000000 00000000     \
                     0        0 777 2 0000000000000000 0\n  \
                     124: 00000000:1627 00000000:0000 07 00000000:00000000 00:00000000 00000000     \
                     0        0 778 2 0000000000000000 0\n";
        assert_eq!(sockets(table, 5670), [777]);
        assert_eq!(sockets(table, 1), [] as [u64; 0]);
    }

    #[test]
    fn the_limit_is_the_soft_one() {
        let limits = "Limit  Soft Limit  Hard Limit  Units\n\
                      Max open files            1024                 4096                 files\n";
        assert_eq!(limit(limits), Some(1024));
        assert_eq!(limit("Max open files unlimited unlimited files"), None);
    }
}
