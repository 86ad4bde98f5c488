//! What a node counts.

/// What a node has counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Messages and peers.
    pub protocol: zre_proto::Stats,
    /// Beacons and connections.
    pub network: NetworkStats,
    /// The log.
    pub log: LogStats,
}

/// What was counted on the sockets of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetworkStats {
    /// Beacons heard, own ones included.
    pub beacons: u64,
    /// Beacons, and what gossip has told, of nodes that a secure node does not trust.
    pub strangers: u64,
    /// Beacons that could not be sent.
    pub beacons_unsent: u64,
    /// Connections to the mailbox whose handshake was good.
    pub connections: u64,
    /// Of these, closed at once because their routing id is not that of a ZRE node.
    pub connections_foreign: u64,
    /// Of these, closed because they broke the transport protocol or a limit.
    pub connections_broken: u64,
    /// Of these, closed because they brought no HELLO in the time of a handshake, or were the
    /// oldest of too many that had brought none.
    pub connections_idle: u64,
    /// Connections whose handshake failed, took too long, or had to make room for another.
    pub handshakes_failed: u64,
}

/// What was counted about the log of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogStats {
    /// Lines that were recorded.
    pub recorded: u64,
    /// Lines that were lost because collectors do not read as fast as lines are recorded. A line
    /// that is lost for two collectors counts twice.
    pub dropped: u64,
    /// Collectors that lines go to now.
    pub collectors: usize,
}
