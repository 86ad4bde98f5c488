//! Network namespaces: what happens to the network in one stays in it.
//!
//! Making one takes Linux, root and `ip` (iproute2); rules in one take `nft` (nftables).

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::failure::{Failure, Result};
use crate::process::wrap;

/// How all namespaces of ours are called; the id of the process that has made it follows, and a
/// number.
const PREFIX: &str = "testkit-";

/// A network namespace. Removed when dropped, also by a panic; what is left of a process that was
/// killed is removed by the next that asks whether namespaces are [`possible`].
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

/// Returns whether hosts and bridges can be made here.
///
/// # Errors
/// They cannot; says why not.
pub fn possible() -> Result<()> {
    static POSSIBLE: OnceLock<Result<()>> = OnceLock::new();
    let try_it = || {
        remove_leftovers();
        can_add(&["type bridge", "type veth peer name y"])
    };
    POSSIBLE.get_or_init(try_it).clone()
}

/// Returns whether interfaces of these kinds, as `ip link add` takes them, can be made here.
///
/// # Errors
/// They cannot; says why not.
pub fn can_add(kinds: &[&str]) -> Result<()> {
    let namespace = Namespace::new()?;
    let mut numbered = kinds.iter().enumerate();
    numbered.try_for_each(|(n, kind)| namespace.ip(&format!("link add x{n} {kind}")))
}

/// Returns a command that runs `inner` in a new network namespace of its own, with `lo` up, for
/// which a user namespace is enough.
///
/// # Errors
/// There can be no such namespace; says what it takes.
pub fn unshared(inner: &Command) -> Result<Command> {
    const SCRIPT: &str = "ip link set lo up && exec \"$0\" \"$@\"";
    let shell = |flags: &str| {
        let mut command = Command::new("unshare");
        command.args([flags, "sh", "-c", SCRIPT]);
        command
    };
    let possible = |flags: &&str| {
        shell(flags).arg("true").output().is_ok_and(|output| output.status.success())
    };
    let Some(flags) = ["-n", "-rn"].into_iter().find(possible) else {
        let needs = "no `unshare -n` with `ip` here (it takes root, or user namespaces)";
        return Err(Failure::new(needs));
    };
    let mut outer = shell(flags);
    wrap(&mut outer, inner);
    Ok(outer)
}

impl Namespace {
    /// Makes a namespace, without any interface that is up.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{count}", std::process::id());
        run("ip", &format!("netns add {name}"), "")?;
        Ok(Self { name })
    }

    /// Returns the name by which `ip netns` knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `ip` in it.
    ///
    /// # Errors
    /// What `ip` says.
    pub fn ip(&self, arguments: &str) -> Result<()> {
        run("ip", &format!("-n {} {arguments}", self.name), "")
    }

    /// Runs `tc` in it: `qdisc add dev eth0 root tbf rate 1mbit burst 16kb latency 50ms`.
    ///
    /// # Errors
    /// What `tc` says.
    pub fn tc(&self, arguments: &str) -> Result<()> {
        run("tc", &format!("-n {} {arguments}", self.name), "")
    }

    /// Has `nft` read these rules in it.
    ///
    /// # Errors
    /// What `nft` says.
    pub fn nft(&self, rules: &str) -> Result<()> {
        run("ip", &format!("netns exec {} nft -f -", self.name), rules)
    }

    /// Sets a parameter of the kernel in it: `net.ipv4.ip_forward`.
    ///
    /// # Errors
    /// There is none of this name, or it takes no such value.
    pub fn sysctl(&self, name: &str, value: &str) -> Result<()> {
        let file = format!("/proc/sys/{}", name.replace('.', "/"));
        run("ip", &format!("netns exec {} tee {file}", self.name), value)
    }

    /// Has the programs that [`command`](Self::command) starts in it from now on look up names in
    /// this text, with lines as in `/etc/hosts`; also those that run, if there was a text before.
    ///
    /// # Errors
    /// The text cannot be written, which takes root.
    pub fn set_hosts(&self, text: &str) -> Result<()> {
        let directory = self.files();
        let wrong = |error: std::io::Error| {
            Failure::new(format!("{}/hosts cannot be written: {error}", directory.display()))
        };
        std::fs::create_dir_all(&directory).map_err(wrong)?;
        // Not replaced: it is mounted where the programs read it.
        std::fs::write(directory.join("hosts"), text).map_err(wrong)
    }

    /// What `ip netns exec` shows to programs instead of the files of the same names in `/etc`.
    fn files(&self) -> PathBuf {
        Path::new("/etc/netns").join(&self.name)
    }

    /// Runs `inner` on a thread of its own that is in it. A socket that is made there stays
    /// in it, and can be taken out.
    ///
    /// # Errors
    /// It cannot be entered; that takes Linux and root.
    ///
    /// # Panics
    /// `inner` does.
    pub fn enter<T: Send>(&self, inner: impl FnOnce() -> T + Send) -> Result<T> {
        let run = || enter(&self.name).map(|()| inner());
        std::thread::scope(|scope| scope.spawn(run).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Returns a command that runs `inner` in it.
    pub fn command(&self, inner: &Command) -> Command {
        let mut outer = Command::new("ip");
        outer.args(["netns", "exec", &self.name]);
        wrap(&mut outer, inner);
        outer
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // What stays is removed by the next run.
        let _ = run("ip", &format!("netns del {}", self.name), "");
        let _ = std::fs::remove_dir_all(self.files());
    }
}

/// Moves this thread into a namespace.
#[cfg(target_os = "linux")]
fn enter(name: &str) -> Result<()> {
    use std::os::fd::AsFd as _;

    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

    let wrong = |error| Failure::new(format!("{name} cannot be entered: {error}"));
    let file = std::fs::File::open(Path::new("/run/netns").join(name)).map_err(wrong)?;
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(|error| wrong(error.into()))
}

#[cfg(not(target_os = "linux"))]
fn enter(name: &str) -> Result<()> {
    Err(Failure::new(format!("{name} cannot be entered: that takes Linux")))
}

/// Runs a program with words as arguments, and `input`.
fn run(program: &str, arguments: &str, input: &str) -> Result<()> {
    let wrong = |error: std::io::Error| Failure::new(format!("{program}: {error}"));
    let mut command = Command::new(program);
    command.args(arguments.split_whitespace());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(wrong)?;
    // One that does not read its input says why.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().map_err(wrong)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("`{program} {arguments}`: {}", said.trim())))
}

/// Removes what is left of processes that were killed.
fn remove_leftovers() {
    let output = Command::new("ip").args(["netns", "list"]).output();
    let list = output.map(|output| output.stdout).unwrap_or_default();
    for name in String::from_utf8_lossy(&list).lines().filter_map(|line| line.split(' ').next()) {
        let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            drop(Namespace { name: name.to_owned() });
        }
    }
}
