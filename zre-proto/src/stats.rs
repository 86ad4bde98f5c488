//! What an engine counts.

/// What an engine has counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Messages sent, of any kind, to any peer.
    pub sent: u64,
    /// Messages received, of any kind, good or bad.
    pub received: u64,
    /// HELLOs sent.
    pub hellos_sent: u64,
    /// HELLOs received.
    pub hellos_received: u64,
    /// PINGs sent.
    pub pings_sent: u64,
    /// Connections that this node has tried to make.
    pub dials: u64,
    /// Of these, those that have led to nothing.
    pub dials_failed: u64,
    /// Times that a peer has entered on a two-way connection.
    pub two_way: u64,
    /// Beacons, connections and messages ignored because they carry our own id.
    pub own: u64,
    /// Claims where a node is, and goodbyes, ignored because it is a secure one and this node is not, or
    /// the other way round.
    pub other_security: u64,
    /// Claims, goodbyes, connections and HELLOs ignored on a secure node: they came in the name of an
    /// id that belongs to another key, or told another key than was proved.
    pub key_conflicts: u64,
    /// Times that a new peer was ignored because the limit of peers was reached.
    pub candidates_refused: u64,
    /// Messages dropped: not ZRE, or another version.
    pub foreign: u64,
    /// Messages dropped: cut short, beyond a limit, or a HELLO with a wrong sequence number or no
    /// usable endpoint. Ends the peer if it came on the peer's connection, else that connection.
    pub malformed: u64,
    /// Messages dropped: their sender has not said HELLO.
    pub before_hello: u64,
    /// Connections closed on which something was said, and messages dropped: they came in the name
    /// of a peer that is heard on another one, or said that they are where another peer is.
    pub intruding: u64,
    /// Two-way connections closed on which nothing was said, in the name of a peer that is heard on
    /// another one. Dials that cross leave such, and so does another node that uses the peer's id.
    pub spares_refused: u64,
    /// Messages skipped: of a kind that this version does not know, or of no use: about an election
    /// that this node or the sender is not part of, or with an id that is none.
    pub unused: u64,
    /// Times that nodes of the C library have told another leader of a group than this node's for
    /// more than a second: they know of other members. What this node tells its application stands.
    pub leaders_disputed: u64,
    /// SHOUTs dropped: this node is not in the group.
    pub not_member: u64,
    /// Peers ended because the queue to them, or the events held before their ENTER, exceeded a
    /// limit.
    pub overflows: u64,
}
