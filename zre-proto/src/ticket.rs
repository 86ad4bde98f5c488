//! Tickets: what a node gives each peer in HELLO, by which it knows the peer again elsewhere. An
//! extension of this implementation.
//!
//! A peer is known on the connection on which it has said HELLO. On another one, to a service of the
//! node, it could only be known by its address, which may be that of many (a NAT), another one of its
//! host, or one that another host has taken. So HELLO may carry a header that is made for this one
//! peer and this one connection, and the peer shows it where it comes to the service:
//!
//! ```text
//! X-FILEMQ-TICKET = 32HEXDIG           ; lower case, 16 bytes, random
//! ```
//!
//! It is valid as long as the connection on which that HELLO was said is the one on which the peer is
//! spoken to. Others ignore the header. A node that gives tickets takes them as well, and the
//! specification of the service says what that means.
//!
//! # What is not promised
//!
//! Unless the nodes are secure ones HELLO is not encrypted: an attacker on the way between two nodes
//! can use a ticket, as it can read the files that are sent for it, and change them. An attacker that
//! is not on that way cannot, at any address and under any name. The 16 bytes are compared in
//! constant time, are no header that the application is told, and are printed nowhere. Between secure
//! nodes nobody reads along, and a ticket is of use with the key that it was given to, and no other:
//! [`Engine::key_of`](crate::Engine::key_of).

use std::fmt;

use uuid::Uuid;

/// The name of the header.
pub const HEADER: &str = "X-FILEMQ-TICKET";

/// Bytes of its value.
pub(crate) const HEX_LEN: usize = 32;

/// What a node has given a peer, to be known again by.
#[derive(Clone, Copy)]
pub struct Ticket([u8; 16]);

impl Ticket {
    /// The ticket of these bytes, which nobody can guess.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The ticket's bytes. They are a secret of two nodes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Returns the ticket as HELLO has it.
    pub(crate) fn to_hex(self) -> String {
        Uuid::from_bytes(self.0).simple().to_string()
    }

    /// Reads the value of the header; `None` if it is not that of a ticket.
    pub(crate) fn from_hex(digits: &[u8]) -> Option<Self> {
        let are_digits = digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if digits.len() != HEX_LEN || !are_digits {
            return None;
        }
        Some(Self(Uuid::try_parse_ascii(digits).ok()?.into_bytes()))
    }
}

impl PartialEq for Ticket {
    /// Compares in a time that does not tell how much is equal.
    fn eq(&self, other: &Self) -> bool {
        let differences = self.0.iter().zip(&other.0).fold(0, |seen, (a, b)| seen | (a ^ b));
        std::hint::black_box(differences) == 0
    }
}

impl Eq for Ticket {}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::Ticket;

    #[test]
    fn a_ticket_is_read_as_it_was_written_and_not_printed() {
        let ticket = Ticket::new([0xa5; 16]);
        assert_eq!(ticket.to_hex(), "a5".repeat(16));
        assert_eq!(Ticket::from_hex(ticket.to_hex().as_bytes()), Some(ticket));
        assert_eq!(format!("{ticket:?}"), "Ticket(..)");
        let mut other = [0xa5; 16];
        other[15] = 0xa4;
        assert_ne!(Ticket::new(other), ticket);
    }

    #[test]
    fn what_is_no_ticket_is_not_read() {
        for text in ["", "a5", &"A5".repeat(16), &"g5".repeat(16), &"a5".repeat(17)] {
            assert_eq!(Ticket::from_hex(text.as_bytes()), None, "{text}");
        }
    }
}
