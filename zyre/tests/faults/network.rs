//! Networks of hosts: network namespaces, joined by bridges in a namespace of their own. What
//! happens in them stays in them.

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The bridge that hosts are plugged into, and the one they are moved to when they are cut off.
const NEAR: &str = "near";
const FAR: &str = "far";

/// How the namespaces of these tests are called; the id of the process follows.
const PREFIX: &str = "zyre-faults-";

/// Runs `ip`. The error is what it said.
fn try_ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split_whitespace()).output();
    let output = output.map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`ip {arguments}`: {}", said.trim()))
}

fn ip(arguments: &str) {
    try_ip(arguments).unwrap();
}

/// Whether hosts and bridges can be made here; if not, why not.
pub(crate) fn possible() -> Result<(), String> {
    static POSSIBLE: OnceLock<Result<(), String>> = OnceLock::new();
    let try_it = || {
        remove_leftovers();
        can_add(&["type bridge", "type veth peer name y"])
    };
    POSSIBLE.get_or_init(try_it).clone()
}

/// Whether interfaces of these kinds can be made here; if not, why not.
pub(crate) fn can_add(kinds: &[&str]) -> Result<(), String> {
    let name = namespace_name();
    try_ip(&format!("netns add {name}"))?;
    let add = |(n, kind): (usize, &&str)| try_ip(&format!("-n {name} link add x{n} {kind}"));
    let tried = kinds.iter().enumerate().try_for_each(add);
    try_ip(&format!("netns del {name}")).and(tried)
}

/// What is left of runs that were killed.
fn remove_leftovers() {
    let output = Command::new("ip").args(["netns", "list"]).output();
    let list = output.map(|output| output.stdout).unwrap_or_default();
    for name in String::from_utf8_lossy(&list).lines().filter_map(|line| line.split(' ').next()) {
        let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = try_ip(&format!("netns del {name}"));
        }
    }
}

fn namespace_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{PREFIX}{}-{count}", std::process::id())
}

/// One broadcast domain, removed when dropped.
pub(crate) struct Network {
    namespace: String,
    /// The namespaces of the hosts that were made here.
    hosts: RefCell<Vec<String>>,
    /// The first three octets of all addresses.
    prefix: [u8; 3],
    last_address: RefCell<u8>,
}

impl Network {
    pub(crate) fn new() -> Self {
        Self::with_prefix([10, 77, 0])
    }

    pub(crate) fn with_prefix(prefix: [u8; 3]) -> Self {
        let namespace = namespace_name();
        ip(&format!("netns add {namespace}"));
        let (hosts, last_address) = Default::default();
        let network = Self { namespace, hosts, prefix, last_address };
        for bridge in [NEAR, FAR] {
            network.ip(&format!("link add {bridge} type bridge"));
            network.ip(&format!("link set {bridge} up"));
        }
        network
    }

    /// Runs `ip` where the bridges are.
    fn ip(&self, arguments: &str) {
        ip(&format!("-n {} {arguments}", self.namespace));
    }

    /// A host with nothing but loopback.
    pub(crate) fn bare_host(&self, name: &str) -> Host {
        let namespace = namespace_name();
        ip(&format!("netns add {namespace}"));
        self.hosts.borrow_mut().push(namespace.clone());
        let host = Host { name: name.to_owned(), namespace };
        host.ip("link set lo up");
        host
    }

    /// A host on the network, with the interface `eth0`.
    pub(crate) fn host(&self, name: &str) -> Host {
        let host = self.bare_host(name);
        self.plug(&host, "eth0");
        host
    }

    pub(crate) fn hosts<const N: usize>(&self, names: [&str; N]) -> [Host; N] {
        names.map(|name| self.host(name))
    }

    /// Connects a host by a new interface, which gets the next address.
    pub(crate) fn plug(&self, host: &Host, interface: &str) -> Ipv4Addr {
        let port = format!("{}-{interface}", host.name);
        let peer = format!("peer name {interface} netns {}", host.namespace);
        self.ip(&format!("link add {port} type veth {peer}"));
        self.ip(&format!("link set {port} master {NEAR} up"));
        let address = self.next_address();
        host.set_address(interface, address);
        host.ip(&format!("link set {interface} up"));
        address
    }

    pub(crate) fn next_address(&self) -> Ipv4Addr {
        let mut last = self.last_address.borrow_mut();
        *last += 1;
        let [a, b, c] = self.prefix;
        Ipv4Addr::new(a, b, c, *last)
    }

    /// Cuts these hosts off: they reach each other, and nobody else. Their links stay up, and
    /// what is sent to the others is lost without an answer.
    pub(crate) fn cut_off(&self, hosts: &[&Host]) {
        self.attach(hosts, FAR);
    }

    /// Undoes [`cut_off`](Self::cut_off).
    pub(crate) fn heal(&self, hosts: &[&Host]) {
        self.attach(hosts, NEAR);
    }

    fn attach(&self, hosts: &[&Host], bridge: &str) {
        for host in hosts {
            self.ip(&format!("link set {}-eth0 master {bridge}", host.name));
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in self.hosts.borrow().iter().chain([&self.namespace]) {
            // Also while a test panics: the next run removes what stays.
            let _ = try_ip(&format!("netns del {namespace}"));
        }
    }
}

/// A host: a network namespace.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) name: String,
    namespace: String,
}

impl Host {
    /// Runs `ip` on the host.
    pub(crate) fn ip(&self, arguments: &str) {
        ip(&format!("-n {} {arguments}", self.namespace));
    }

    pub(crate) fn set_address(&self, interface: &str, address: Ipv4Addr) {
        self.ip(&format!("addr add {address}/24 brd + dev {interface}"));
    }

    /// The same command, to be run on the host, with no more than so many open files if given.
    pub(crate) fn command(&self, inner: &Command, files: Option<u64>) -> Command {
        let mut outer = Command::new("ip");
        outer.args(["netns", "exec", &self.namespace]);
        if let Some(files) = files {
            outer.args(["sh", "-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")]);
        }
        outer.arg(inner.get_program()).args(inner.get_args());
        outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        outer
    }
}
