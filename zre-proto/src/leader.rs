//! The leader of a group: computed by every member, not voted. An extension of this implementation, of
//! which this page is the specification.
//!
//! Members of a group may *contest* in it. Of those that do, the one with the lowest id leads, as 16
//! bytes. Every member knows the other members by ZRE itself, so all that it has to be told is who
//! contests: there are no rounds, and nothing can be lost or wait for an answer.
//!
//! # What is on the wire
//!
//! A node that knows this extension says so in HELLO, by a header:
//!
//! ```text
//! X-ZYRE = *VCHAR                     ; the version of its library
//! ```
//!
//! A node that contests in a group says so to each member that has said this, by one message of the
//! C library:
//!
//! ```text
//! ELECT group challenger              ; challenger: its own id, as 32 upper-case digits
//! ```
//!
//! 1. It says so when it begins to contest, and when a member joins the group or says HELLO: once on
//!    each link, and again when the member has left the group and joined it again.
//! 2. A member that has said so contests until it leaves the group (LEAVE), or is gone. There is no
//!    other way to end it.
//! 3. ELECT with the id of another node than its sender says nothing about contesting.
//! 4. ELECT about a group that the sender or the receiver is not in is ignored.
//!
//! # What the application is told
//!
//! The leader is the lowest of the contesters that are present, this node included. Another leader
//! is told when it has been the same for 100 ms; that there is none, at once when the leader is lost.
//! So after a crash all know the new leader 100 ms after they have noticed, and a node that is alone
//! leads.
//!
//! Agreement is eventual. While the network is cut each side has a leader. While some have noticed
//! a crash and others have not, they have different ones. That is no lock: what must not happen
//! twice needs more than a leader.
//!
//! # With nodes of the C library
//!
//! Those elect by rounds of ELECT and LEADER in which every member takes part. So this node takes
//! part in them, whether or not it contests: it passes on, echoes and tells as their algorithm wants
//! it. Where it leads as far as it knows, it begins a round itself. Rounds may begin while members
//! come and go, so it does more than the algorithm asks for, that they end, and with the leader that
//! it has computed:
//!
//! - A round that has not ended after 500 ms is told again to all voters, and after 1.5 s it is told
//!   that it has ended. A voter that has begun another round meanwhile, because it has noticed a
//!   crash later than others, joins it again. If some have not answered after 3 s it is begun again,
//!   three times at most. That such a round has ended is told once more, and once for each member that
//!   has gone in the last minute: voters wait for as many words as they count members, and count those
//!   that have crashed until they notice.
//! - When members have come or gone, or a voter has begun a round of its own, and nothing of the kind
//!   has happened for 300 ms since, one more round is begun: one that has run while voters were still
//!   meeting each other may have ended for some of them only. Not if voters have told a lower leader.
//! - Where this node leads and a member comes that is not known to vote, a round is begun with the
//!   voters, as if it were one: they tell it.
//! - If they have had a higher leader than the lowest contester for 250 ms, a round of the lowest is
//!   begun, three times at most.
//! - A node of the C library shows that it contests by the rounds that it begins with its own id.
//!
//! No other implementation knows ELECT and LEADER, and most end a link on which one comes. So they
//! are sent to nodes with the header `X-ZYRE`, and to those that have sent one themselves. Nodes of
//! the C library that contest speak first, when they hear of a member. One that never contests hears of
//! contesters of this implementation from others of the C library in the group; where there are none, not
//! at all, unless the application asks for [`elect_with_everyone`](crate::Config::elect_with_everyone).
//!
//! One case remains that nothing on the wire mends. A voter counts words, and its round ends with the one
//! that makes them as many as the members. If members go while it counts it may have more already. Then
//! it has no new leader until the contester of a lower round comes, or more members do; or, if it
//! contests itself, until any member joins or crashes.
//!
//! A voter can make this node send a message to every other voter: 256 times a second at most in
//! each group.

/// The header by which a node says that it computes who leads. Its value is the version of the
/// library.
pub const HEADER: &str = "X-ZYRE";
