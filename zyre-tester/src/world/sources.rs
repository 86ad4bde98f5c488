//! How nodes find each other: by beacons, by gossip, or because their application knows where
//! others are.

use std::fmt;
use std::net::Ipv4Addr;

/// Where hubs listen.
pub(super) const GOSSIP_PORT: u16 = 5999;

/// The mailbox of a node that others are told of by its address alone. Not one of the ports that the
/// system gives to connections.
pub(super) const MAILBOX_PORT: u16 = 20_000;

/// How a node finds others. Default: by beacons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sources {
    /// Whether it sends beacons, and hears those of others.
    pub(super) beacon: bool,
    /// Whether others may connect to it for gossip.
    pub(super) is_hub: bool,
    /// The hubs that it connects to.
    pub(super) hubs: Vec<Contact>,
    /// Those that it requires from the start.
    pub(super) required: Vec<Contact>,
    /// Whether it is told of each node that lives outside of its home, as soon as that starts or
    /// moves.
    pub(super) told_of_all: bool,
}

/// A host of which a node is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contact {
    /// Its place among all.
    pub(super) host: usize,
    pub(super) by: By,
    /// The address that the node was told when it started, if it was told one.
    pub(super) address: Option<Ipv4Addr>,
}

/// What a node is told of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The id of the node there, and its endpoint; again, as soon as there is another.
    Id,
    /// The address that the host has when the node that is told starts.
    Address,
    /// The name of the host, which leads to all addresses that it has.
    Name,
}

impl Default for Sources {
    fn default() -> Self {
        let (hubs, required) = (Vec::new(), Vec::new());
        Self { beacon: true, is_hub: false, hubs, required, told_of_all: false }
    }
}

impl Sources {
    /// Returns those of a node that nobody is told of, and that is told of nobody.
    pub(super) fn none() -> Self {
        Self { beacon: false, ..Self::default() }
    }

    /// Leaves it with the other sources: secure nodes do not gossip yet.
    pub(super) fn give_up_gossip(&mut self) {
        self.is_hub = false;
        self.hubs.clear();
    }

    /// Returns whether it is told that the node on a host is at the address that it has now.
    pub(super) fn tell_of(&self, host: usize) -> bool {
        self.told_of_all || self.required.iter().any(|it| it.host == host && it.by == By::Id)
    }

    /// Forgets the hosts of which `is_gone` says so.
    pub(super) fn forget(&mut self, is_gone: impl Fn(usize) -> bool) {
        self.hubs.retain(|contact| !is_gone(contact.host));
        self.required.retain(|contact| !is_gone(contact.host));
    }

    /// Returns the names of the sources that it has.
    pub(super) fn kinds(&self) -> Vec<&'static str> {
        let requires = |by| self.required.iter().any(|contact| contact.by == by);
        let all = [
            ("beacons", self.beacon),
            ("a gossip hub of its own", self.is_hub),
            ("other gossip hubs", !self.hubs.is_empty()),
            ("peers by id", requires(By::Id) || self.told_of_all),
            ("peers by endpoint", requires(By::Address)),
            ("peers by host name", requires(By::Name)),
        ];
        all.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect()
    }
}

impl Contact {
    pub(super) const fn new(host: usize, by: By) -> Self {
        Self { host, by, address: None }
    }
}

impl fmt::Display for Sources {
    /// `, no beacons, gossip hub, connects to h1 by name, requires h2 by id`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.beacon {
            f.write_str(", no beacons")?;
        }
        if self.is_hub {
            f.write_str(", gossip hub")?;
        }
        for contact in &self.hubs {
            write!(f, ", connects to {contact}")?;
        }
        for contact in &self.required {
            write!(f, ", requires {contact}")?;
        }
        if self.told_of_all { f.write_str(", told of all outside") } else { Ok(()) }
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "h{} by ", self.host)?;
        match (self.by, self.address) {
            (By::Id, _) => f.write_str("id"),
            (By::Address, None) => f.write_str("address"),
            (By::Address, Some(address)) => write!(f, "address {address}"),
            (By::Name, _) => f.write_str("name"),
        }
    }
}
