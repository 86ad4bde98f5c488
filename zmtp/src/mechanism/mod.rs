//! Security mechanisms (RFC 37, "Authentication and Confidentiality").
//!
//! A mechanism says what the two sides exchange between the greetings and READY, and how frames
//! are wrapped from then on: the receiving side of that lives in the
//! [`Connection`](crate::Connection), the sending side in the [`Encoder`](crate::Encoder) that
//! `Event::Ready` hands out. NULL wraps nothing. CURVE (RFC 25) has its place here.

pub(crate) mod null;

/// The mechanism that a connection uses. Both sides must want the same one: there is no downgrade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mechanism {
    /// No authentication, no confidentiality (RFC 37, "The NULL Security Mechanism").
    #[default]
    Null,
}

impl Mechanism {
    /// The name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
        }
    }

    /// The name as it stands in the greeting, filled up with zeros.
    pub(crate) fn padded(self) -> [u8; 20] {
        let mut padded = [0; 20];
        for (to, from) in padded.iter_mut().zip(self.name().bytes()) {
            *to = from;
        }
        padded
    }
}
