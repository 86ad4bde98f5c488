//! The specification of tickets, by which a server knows a client, and of calls, in which a server
//! dials. An extension of this implementation.
//!
//! A FILEMQ client connects to a server, which knows of it what it says itself, and its address. Where
//! the client's host lets connections in and the server's does not, nothing comes. Two sides that know
//! more of each other than FILEMQ tells, because they have met elsewhere, need not leave it at that.
//! Both have to know by then that the other one can: to others nothing of this is said.
//!
//! # Tickets
//!
//! Each side has given the other a [`Ticket`](crate::Ticket): 16 random bytes for that remote alone,
//! by a way that is not FILEMQ's (two nodes of ZRE, for instance, in HELLO). A client shows the one
//! that the server has given it, in the options of its first ICANHAZ; until then the server sends
//! nothing but OHAI-OK.
//!
//! ```text
//! TICKET = 32HEXDIG                      ; lower case
//! ```
//!
//! A client with a ticket is the one that the server has given it to, at any address. If the server has
//! not given the ticket, or it is not valid any more, SRSLY says so and the connection is closed; the
//! client comes again, perhaps with another ticket. For a client without a
//! ticket the application decides which one it is; it gets at least what is published for everyone.
//!
//! # Calls
//!
//! A server *calls* a client: it connects to where the client's own file server listens, and is the
//! server on that connection. In READY (RFC 37, "Connection Metadata") it says:
//!
//! ```text
//! Socket-Type     = "DEALER"
//! Identity        = its own
//! X-FILEMQ-Role   = "server"
//! X-FILEMQ-Ticket = 16OCTET              ; what the one that is called has given it
//! ```
//!
//! The remote that is called says nothing to a caller that it does not know, or from which it wants
//! nothing: it closes the connection. Otherwise it begins as any client, with OHAI; and in ICANHAZ
//! it shows its own ticket, without which the caller does not take it for the one that it has
//! called.
//!
//! # Which side dials
//!
//! For the files of one server and one client there is one connection. Both may dial; the one that has
//! dialled before, where they have met, knows the way and dials at once, the other one only if nothing
//! has come for three seconds, and both ever more rarely if that fails. A server calls only while it
//! does not serve the client. So a client that is called while it has a connection takes the new one:
//! the server has lost the other.
//!
//! # What is not promised
//!
//! Tickets protect from attackers that are not on the way. An attacker that reads along on a
//! connection that is not secured ([`Way::mechanism`](crate::Way::mechanism)) reads the files, and
//! can use the tickets.

/// The name of the property by which a server that calls says so.
pub const ROLE: &str = "X-FILEMQ-Role";

/// Its value.
pub const SERVER: &str = "server";

/// The name of the property with the caller's ticket.
pub const TICKET: &str = "X-FILEMQ-Ticket";
