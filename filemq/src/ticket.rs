//! Tickets: by which two sides of this implementation know each other.

use std::fmt;

use crate::hex;

/// Bytes of a ticket.
const LEN: usize = 16;

/// A secret by which a remote is known: a server that has given it to one remote alone knows that
/// remote at any address. This crate does not bring it there. See
/// [`calls`](crate::calls).
#[derive(Clone, Copy)]
pub struct Ticket([u8; LEN]);

impl Ticket {
    /// Returns the ticket of these bytes, which nobody can guess.
    #[must_use]
    pub const fn new(bytes: [u8; LEN]) -> Self {
        Self(bytes)
    }

    /// Returns the ticket's bytes. They are a secret of two sides.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; LEN] {
        &self.0
    }

    /// Returns the ticket as the options of ICANHAZ have it: 32 lower-case hexadecimal digits.
    pub(crate) fn to_hex(self) -> String {
        hex::to_digits(&self.0)
    }

    /// Reads the value of the option; `None` if it is not that of a ticket.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let is_upper = text.bytes().any(|digit| digit.is_ascii_uppercase());
        hex::from_digits(text).filter(|_| !is_upper).map(Self)
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
        let mut bytes = [0xa5; 16];
        bytes[0] = 7;
        let ticket = Ticket::new(bytes);
        assert_eq!(ticket.to_hex(), format!("07{}", "a5".repeat(15)));
        assert_eq!(Ticket::from_hex(&ticket.to_hex()), Some(ticket));
        assert_eq!(format!("{ticket:?}"), "Ticket(..)");
        assert_ne!(Ticket::new([0xa5; 16]), ticket);
    }

    #[test]
    fn what_is_no_ticket_is_not_read() {
        let signed = format!("+{}", "a5".repeat(16));
        for text in ["", "a5", &"A5".repeat(16), &"g5".repeat(16), &signed, &signed[..32]] {
            assert_eq!(Ticket::from_hex(text), None, "{text}");
        }
    }
}
