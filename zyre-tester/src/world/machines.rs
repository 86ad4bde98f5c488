//! The hosts of a topology, as namespaces.

use testkit::failure::Result;
use testkit::network::{Host as Machine, Network};
use zyre::BEACON_PORT;

use super::change::{Change, What};
use super::topology::{Firewall, Host, Port, Topology, gateway, is_of_first_subnet};

/// Networks and hosts. Removed when dropped.
pub(super) struct Machines {
    /// Those of the homes come last.
    networks: Vec<Network>,
    _routers: Vec<Machine>,
    hosts: Vec<Machine>,
}

impl Machines {
    /// Makes all hosts.
    ///
    /// # Errors
    /// They cannot be made: see [`possible`](testkit::namespace::possible).
    pub(super) fn new(topology: &Topology) -> Result<Self> {
        let networks = (0..topology.networks + topology.homes.len())
            .map(|network| Network::with_prefix(topology.prefix(network)))
            .collect::<Result<Vec<_>>>()?;
        let mut routers = Vec::new();
        for (number, home) in topology.homes.iter().enumerate() {
            let router = Machine::new(&format!("r{number}"))?;
            let ends =
                [("lan", topology.networks + number, gateway()), ("wan", home.outer, home.outside)];
            for (interface, network, address) in ends {
                networks[network].connect(&router, interface)?;
                router.add_address(interface, address)?;
                router.ip(&format!("link set {interface} up"))?;
            }
            router.masquerade("wan")?;
            routers.push(router);
        }
        let mut new = Self { networks, _routers: routers, hosts: Vec::new() };
        for host in &topology.hosts {
            let machine = new.make(host)?;
            new.hosts.push(machine);
        }
        new.name(topology)?;
        Ok(new)
    }

    /// Returns the host at this place.
    pub(super) fn host(&self, place: usize) -> &Machine {
        &self.hosts[place]
    }

    fn make(&self, host: &Host) -> Result<Machine> {
        let machine = Machine::new(&host.name)?;
        for port in &host.ports {
            self.connect(&machine, port)?;
            route_out(&machine, host, port)?;
        }
        match host.firewall {
            Firewall::Open => {}
            Firewall::NoConnections => machine.drop_connections()?,
            Firewall::Closed => machine.drop_unasked()?,
        }
        Ok(machine)
    }

    fn connect(&self, machine: &Machine, port: &Port) -> Result<()> {
        let name = &port.name;
        self.networks[port.network].connect(machine, name)?;
        if !port.v6 {
            machine.sysctl(&format!("net.ipv6.conf.{name}.disable_ipv6"), "1")?;
        }
        if let Some(mtu) = port.mtu {
            machine.ip(&format!("link set {name} mtu {mtu}"))?;
        }
        if let Some(rate) = port.kilobits {
            machine.limit_rate(name, rate)?;
        }
        port.v4.iter().try_for_each(|address| machine.add_address(name, *address))?;
        machine.ip(&format!("link set {name} up"))?;
        if port.loss > 0 {
            machine.lose(name, port.loss)?;
        }
        if !port.carries_beacons {
            machine.drop_beacons(name, BEACON_PORT)?;
        }
        Ok(())
    }

    /// Has all hosts know the names of all others, and the addresses that these have now.
    fn name(&self, topology: &Topology) -> Result<()> {
        let mut text = String::new();
        for host in &topology.hosts {
            for address in host.ports.iter().flat_map(|port| &port.v4) {
                text += &format!("{address} {}\n", host.name);
            }
        }
        self.hosts.iter().try_for_each(|machine| machine.set_hosts(&text))
    }

    /// Makes a change, if it is one of the network.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn apply(&self, change: &Change, topology: &Topology) -> Result<()> {
        let (machine, host) = (&self.hosts[change.host], &topology.hosts[change.host]);
        match &change.what {
            What::Start | What::Stop | What::Crash => Ok(()),
            What::Switch(place, up) => {
                let state = if *up { "up" } else { "down" };
                let port = &host.ports[*place];
                machine.ip(&format!("link set {} {state}", port.name))?;
                route_out(machine, host, port)
            }
            What::Cable(place, plugged) => {
                let port = &host.ports[*place];
                self.networks[port.network].set_cable(machine, &port.name, *plugged)
            }
            What::Renumber(place, addresses) => {
                let port = &host.ports[*place];
                let name = &port.name;
                machine.ip(&format!("-4 addr flush dev {name}"))?;
                addresses.iter().try_for_each(|address| machine.add_address(name, *address))?;
                route_out(machine, host, port)?;
                self.name(topology)
            }
            What::Apart(place, apart) => {
                let port = &host.ports[*place];
                self.networks[port.network].set_apart(machine, &port.name, *apart)
            }
        }
    }
}

/// Routes what leaves a home to its router, as long as there is an address for that: the kernel
/// drops a route with its interface or address.
fn route_out(machine: &Machine, host: &Host, port: &Port) -> Result<()> {
    let possible = port.up && port.v4.iter().any(|address| is_of_first_subnet(*address));
    if host.outer.is_none() || !possible {
        return Ok(());
    }
    machine.ip(&format!("route replace default via {} dev {}", gateway(), port.name))
}
