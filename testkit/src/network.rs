//! Networks of hosts: each host is a network namespace, and each network has one more, with bridges
//! that the hosts are plugged into.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::ops::Deref;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::namespace::Namespace;
use crate::wait::DEADLINE;

/// The bridge that hosts are plugged into, and the one that they are moved to when they are cut
/// off.
const NEAR: &str = "near";
const FAR: &str = "far";

/// A broadcast domain. Removed when dropped.
#[derive(Debug)]
pub struct Network {
    namespace: Namespace,
    /// The first three bytes of all addresses.
    prefix: [u8; 3],
    last_address: Cell<u8>,
}

/// A host: a network namespace with a name. It stays as long as a clone of it lives.
#[derive(Clone, Debug)]
pub struct Host {
    /// The name, for messages.
    pub name: String,
    namespace: Arc<Namespace>,
}

/// A home network, with one host behind a router that hides it.
///
/// All homes are alike: the host has the address 10.77.0.1 in each.
#[derive(Debug)]
pub struct Home {
    /// The host.
    pub host: Host,
    /// The router: [`masquerade`](Host::masquerade)s what leaves by `wan`.
    pub router: Host,
    /// The router's address outside, from which all comes that the host sends there.
    pub outside: Ipv4Addr,
    _network: Network,
}

impl Home {
    /// The address of the host, in each home.
    pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
}

impl Network {
    /// Makes a network with the addresses 10.77.0.0/24.
    ///
    /// # Errors
    /// It cannot be made: see [`possible`](crate::namespace::possible).
    pub fn new() -> Result<Self> {
        Self::with_prefix([10, 77, 0])
    }

    /// Makes a network of which all addresses begin with these three bytes.
    ///
    /// # Errors
    /// It cannot be made: see [`possible`](crate::namespace::possible).
    pub fn with_prefix(prefix: [u8; 3]) -> Result<Self> {
        let namespace = Namespace::new()?;
        for bridge in [NEAR, FAR] {
            namespace.ip(&format!("link add {bridge} type bridge"))?;
            namespace.ip(&format!("link set {bridge} up"))?;
        }
        Ok(Self { namespace, prefix, last_address: Cell::default() })
    }

    /// Makes a host on the network, with the interface `eth0`.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn host(&self, name: &str) -> Result<Host> {
        let host = Host::new(name)?;
        self.plug(&host, "eth0")?;
        Ok(host)
    }

    /// Makes hosts on the network, each with the interface `eth0`.
    ///
    /// # Errors
    /// They cannot be made.
    pub fn hosts(&self, names: &[&str]) -> Result<Vec<Host>> {
        names.iter().map(|name| self.host(name)).collect()
    }

    /// Makes a home, whose router is connected to this network, and whose host is called `name`, of
    /// at most eight characters. The addresses of this network must not begin with 10.77.0.
    ///
    /// # Errors
    /// It cannot be made, or there is no `nft`.
    pub fn home(&self, name: &str) -> Result<Home> {
        let network = Self::new()?;
        let host = network.host(name)?;
        let router = network.host(&format!("{name}-r"))?;
        let outside = self.plug(&router, "wan")?;
        host.ip("route add default via 10.77.0.2")?;
        router.masquerade("wan")?;
        Ok(Home { host, router, outside, _network: network })
    }

    /// Connects a host by a new interface, which gets the next address; returns that.
    ///
    /// # Errors
    /// The host has such an interface already, or it cannot be made.
    pub fn plug(&self, host: &Host, interface: &str) -> Result<Ipv4Addr> {
        self.connect(host, interface)?;
        let address = self.next_address();
        host.add_address(interface, address)?;
        host.ip(&format!("link set {interface} up"))?;
        host.await_carrier(interface)?;
        Ok(address)
    }

    /// Connects a host by a new interface, which has no address and is down.
    ///
    /// # Errors
    /// The host has such an interface already, or it cannot be made.
    pub fn connect(&self, host: &Host, interface: &str) -> Result<()> {
        let port = port(host, interface);
        let peer = format!("peer name {interface} netns {}", host.namespace.name());
        self.namespace.ip(&format!("link add {port} type veth {peer}"))?;
        self.namespace.ip(&format!("link set {port} master {NEAR} up"))
    }

    /// Pulls the cable of a host's interface, which keeps its addresses and loses its carrier; or
    /// puts it back.
    ///
    /// # Errors
    /// The host has no such interface on this network.
    pub fn set_cable(&self, host: &Host, interface: &str, plugged: bool) -> Result<()> {
        let state = if plugged { "up" } else { "down" };
        self.namespace.ip(&format!("link set {} {state}", port(host, interface)))
    }

    /// Returns an address that no host has had.
    pub fn next_address(&self) -> Ipv4Addr {
        self.last_address.set(self.last_address.get() + 1);
        let [a, b, c] = self.prefix;
        Ipv4Addr::new(a, b, c, self.last_address.get())
    }

    /// Keeps an interface of a host apart from all others that are kept apart, as an access point does that
    /// isolates its clients: it reaches those that are not.
    ///
    /// # Errors
    /// The host has no such interface on this network.
    pub fn isolate(&self, host: &Host, interface: &str) -> Result<()> {
        let port = port(host, interface);
        self.namespace.ip(&format!("link set dev {port} type bridge_slave isolated on"))
    }

    /// Drops what is sent to a UDP port between the hosts of this network, and tells nobody.
    ///
    /// # Errors
    /// There is no `nft`, or the kernel has no such rules.
    pub fn drop_udp(&self, port: u16) -> Result<()> {
        self.namespace.nft(&format!(
            "table bridge silence {{
                chain forward {{
                    type filter hook forward priority filter
                    udp dport {port} drop
                }}
            }}"
        ))
    }

    /// Cuts off the `eth0` of these hosts: they reach each other, and nobody else. Their links stay
    /// up, and what is sent to the others is lost without an answer.
    ///
    /// # Errors
    /// A host has no `eth0` on this network.
    pub fn cut_off(&self, hosts: &[&Host]) -> Result<()> {
        hosts.iter().try_for_each(|host| self.set_apart(host, "eth0", true))
    }

    /// Undoes [`cut_off`](Self::cut_off).
    ///
    /// # Errors
    /// A host has no `eth0` on this network.
    pub fn heal(&self, hosts: &[&Host]) -> Result<()> {
        hosts.iter().try_for_each(|host| self.set_apart(host, "eth0", false))
    }

    /// Puts an interface of a host on one of the two sides of a network that has fallen apart, or
    /// back. Its link stays up, and what is sent to the other side is lost without an answer.
    ///
    /// # Errors
    /// The host has no such interface on this network.
    pub fn set_apart(&self, host: &Host, interface: &str, apart: bool) -> Result<()> {
        let bridge = if apart { FAR } else { NEAR };
        self.namespace.ip(&format!("link set {} master {bridge}", port(host, interface)))
    }
}

/// The other end of a host's interface.
fn port(host: &Host, interface: &str) -> String {
    format!("{}-{interface}", host.name)
}

impl Host {
    /// Makes a host with nothing but loopback. On one network each needs a name of its own, of at
    /// most ten characters.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(name: &str) -> Result<Self> {
        let namespace = Namespace::new()?;
        namespace.ip("link set lo up")?;
        Ok(Self { name: name.to_owned(), namespace: Arc::new(namespace) })
    }

    /// Gives an interface one more address, of a network of 24 bits.
    ///
    /// # Errors
    /// It has this address already, or there is no such interface.
    pub fn add_address(&self, interface: &str, address: Ipv4Addr) -> Result<()> {
        self.ip(&format!("addr add {address}/24 brd + dev {interface}"))
    }

    /// Waits until an interface has a carrier, which it has a moment after it is up at both ends.
    ///
    /// # Errors
    /// It gets none, or there is no such interface.
    pub fn await_carrier(&self, interface: &str) -> Result<()> {
        let mut show = Command::new("ip");
        show.args(["-o", "link", "show", interface]);
        let end = Instant::now() + DEADLINE;
        while Instant::now() < end {
            let output = self.command(&show).output();
            let output = output.map_err(|error| Failure::new(format!("ip: {error}")))?;
            if String::from_utf8_lossy(&output.stdout).contains("state UP") {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(Failure::new(format!("{} has no carrier on {interface}", self.name)))
    }

    /// Drops what would open a TCP connection to it, without an answer: a firewall that lets
    /// nothing in. The connections that it opens itself pass, and so does UDP.
    ///
    /// # Errors
    /// There is no `nft`, or the kernel has no such rules.
    pub fn drop_connections(&self) -> Result<()> {
        self.nft(
            "table inet firewall {
                chain input {
                    type filter hook input priority filter
                    iifname != lo meta l4proto tcp ct state new drop
                }
            }",
        )
    }

    /// Drops what comes in and is no answer, beacons included: a firewall that also hears nothing.
    /// Neighbours find it, or it could not speak either.
    ///
    /// # Errors
    /// There is no `nft`, or the kernel has no such rules.
    pub fn drop_unasked(&self) -> Result<()> {
        self.nft(
            "table inet firewall {
                chain input {
                    type filter hook input priority filter
                    iifname lo accept
                    ct state established,related accept
                    meta l4proto ipv6-icmp accept
                    drop
                }
            }",
        )
    }

    /// Drops TCP packets of more than `bytes`, with their header, that come in, and tells nobody: a
    /// path through which large packets do not get.
    ///
    /// # Errors
    /// There is no `nft`, or the kernel has no such rules.
    pub fn drop_larger(&self, bytes: u16) -> Result<()> {
        self.nft(&format!(
            "table inet path {{
                chain input {{
                    type filter hook input priority filter
                    meta l4proto tcp ip length > {bytes} drop
                }}
            }}"
        ))
    }

    /// Makes it a router that hides behind its address on the interface `outside` all that it
    /// forwards there, and lets nobody in from there but to
    /// [forwarded ports](Self::forward_port): a home router.
    ///
    /// # Errors
    /// There is no `nft`, or the kernel has no such rules.
    pub fn masquerade(&self, outside: &str) -> Result<()> {
        self.sysctl("net.ipv4.ip_forward", "1")?;
        self.nft(&format!(
            "table ip nat {{
                chain post {{
                    type nat hook postrouting priority srcnat
                    oifname {outside} masquerade
                }}
                chain forward {{
                    type filter hook forward priority filter
                    ct status dnat accept
                    iifname {outside} ct state new drop
                }}
            }}"
        ))
    }

    /// Lets what comes to a TCP port by the interface `outside` go to this host instead.
    ///
    /// # Errors
    /// There is no `nft`, or the kernel has no such rules.
    pub fn forward_port(&self, outside: &str, port: u16, to: Ipv4Addr) -> Result<()> {
        self.nft(&format!(
            "table ip forwarding {{
                chain pre {{
                    type nat hook prerouting priority dstnat
                    iifname {outside} tcp dport {port} dnat to {to}
                }}
            }}"
        ))
    }

    /// Loses `percent` of what comes in by an interface, from now on.
    ///
    /// # Errors
    /// There is no `nft`, or the kernel has no such rules.
    pub fn lose(&self, interface: &str, percent: u8) -> Result<()> {
        let which = match percent {
            100.. => String::new(),
            _ => format!("numgen random mod 100 < {percent}"),
        };
        self.nft(&format!(
            "table netdev loss_{interface}
            delete table netdev loss_{interface}
            table netdev loss_{interface} {{
                chain in {{
                    type filter hook ingress device {interface} priority 0
                    {which} drop
                }}
            }}"
        ))
    }

    /// Drops all beacons that come in by an interface, as on a network that carries broadcast and
    /// multicast only for ARP and neighbour discovery.
    ///
    /// # Errors
    /// There is no `nft`, or the kernel has no such rules.
    pub fn drop_beacons(&self, interface: &str, port: u16) -> Result<()> {
        self.nft(&format!(
            "table netdev silence_{interface} {{
                chain in {{
                    type filter hook ingress device {interface} priority 0
                    udp dport {port} drop
                }}
            }}"
        ))
    }

    /// Counts from now on the TCP segments by which it tries to open connections, those included
    /// that are sent again: see [`attempts`](Self::attempts).
    ///
    /// # Errors
    /// There is no `nft`, or the kernel has no such rules.
    pub fn count_attempts(&self) -> Result<()> {
        self.nft(
            "table inet attempts {
                counter syn {}
                chain output {
                    type filter hook output priority filter
                    tcp flags & (syn | ack) == syn counter name syn
                }
            }",
        )
    }

    /// Returns how many were counted since [`count_attempts`](Self::count_attempts).
    ///
    /// # Errors
    /// They are not counted.
    pub fn attempts(&self) -> Result<u64> {
        let mut list = Command::new("nft");
        list.args(["-j", "list", "counter", "inet", "attempts", "syn"]);
        let output = self.command(&list).output();
        let output = output.map_err(|error| Failure::new(format!("nft: {error}")))?;
        // The first object tells of the program.
        let listed: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let packets = listed["nftables"][1]["counter"]["packets"].as_u64();
        packets.ok_or_else(|| Failure::new(format!("{} does not count", self.name)))
    }

    /// Sends no more than this by an interface, from now on.
    ///
    /// # Errors
    /// There is no such interface.
    pub fn limit_rate(&self, interface: &str, kilobits: u32) -> Result<()> {
        let shape = format!("tbf rate {kilobits}kbit burst 32kb latency 400ms");
        self.tc(&format!("qdisc replace dev {interface} root {shape}"))
    }
}

impl Deref for Host {
    type Target = Namespace;

    fn deref(&self) -> &Namespace {
        &self.namespace
    }
}
