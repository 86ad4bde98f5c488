//! Two-way connections: one TCP connection for both directions, between two nodes that know how.
//! An extension of this implementation; this page is its specification.
//!
//! ZRE makes two connections for each pair of nodes, one each way. So a node whose host lets no
//! connection in cannot be met, though it could connect to everybody, and each pair costs twice. A
//! node that knows this extension says so in the handshake of ZMTP. Everybody else ignores it, and
//! is met as ever.
//!
//! # What is on the wire
//!
//! A node announces a property in READY, with its DEALERs and with its ROUTER (RFC 37, "Connection
//! Metadata"; under a mechanism that encrypts, only there):
//!
//! ```text
//! X-ZRE-Two-Way = "1"
//! Identity      = %x01 16OCTET        ; the node's id, with the ROUTER as well
//! ```
//!
//! A connection is *two-way* if both READYs have the property, with this value, and an identity of
//! this form; not with another first octet, which some nodes of ZRE write. Then both ends know who
//! the other is before anything is said. A node that finds its own id at the other end closes the
//! connection. On a two-way connection both ends send ZRE messages, each with a sequence of its own
//! that begins with HELLO, number 1; frames and messages are those of ZRE.
//!
//! # Who speaks first
//!
//! Of two nodes the one whose id is smaller, as 16 octets, is the *chooser*, the other the
//! *follower*. Both dial as they please.
//!
//! 1. On a two-way connection nobody says anything before the chooser's HELLO.
//! 2. The chooser takes the first two-way connection with a node that is up, dialled or accepted.
//!    It says HELLO on it, and gives up its dials to that node.
//! 3. The follower answers the first HELLO, on the same connection, with its own. It gives up its
//!    dials to that node, and closes every other two-way connection with it. Now it has met the
//!    chooser; and the chooser has met it when the answer comes.
//! 4. From then on this connection is both directions, until it ends; it is never exchanged for
//!    another one. A second HELLO on it, any other first message than HELLO, and a HELLO of the
//!    follower that is no answer, are errors: the connection is closed.
//! 5. If it ends before the answer has come, the chooser takes the next that is up, or dials again.
//!    It waits for the answer for as long as it lets any peer be silent (30 s), since the follower
//!    may have met it already. If there is no answer for 10 s and there is another connection, it
//!    takes that: a follower that has heard HELLO would not have made it.
//! 6. A follower that is not spoken to within 10 s on a connection that it has dialled closes that,
//!    and dials again later. On one that it has accepted it waits as for any stranger's HELLO.
//! 7. The end of the connection is the end of both directions: the peer is gone when everything is
//!    read that it has brought.
//!
//! # While they have met
//!
//! Another two-way connection in the name of a peer that is present is a challenge by being there:
//! the peer is sent PING on the connection that it has. If it answers, the new one is closed. If
//! that connection ends, or nothing comes on it for 800 ms, the new one takes its place, as in
//! rules 2 and 3. Nothing else is said or believed because of it.
//!
//! Of the connections in one name that nothing was said on a node keeps four; then the oldest that it
//! has accepted makes room, for anybody can be silent in another's name. A HELLO on a connection of
//! one direction, in the name of a follower that was greeted and has not answered, is a challenge to
//! it as well.
//!
//! A node that does not read stops reading only. What it sends goes on, and no direction waits for
//! the other.
//!
//! # The end
//!
//! A node that stops says what it has to say, then GOODBYE; it shuts down its direction, reads and
//! drops until the other's end has come, for a second at most, and closes. Closed with unread
//! bytes, TCP would throw away what it has accepted for sending.
//!
//! # What is not promised
//!
//! Without encryption, who connects first in the name of a node that was *not met yet* gets both
//! directions of it. With two connections it gets one, and the other for a forged beacon. A peer
//! that is present is protected by the challenge.

/// The name of the property.
pub const PROPERTY: &str = "X-ZRE-Two-Way";

/// Its value.
pub const VALUE: &str = "1";
