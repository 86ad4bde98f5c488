//! Security mechanisms (RFC 37, "Authentication and Confidentiality").
//!
//! A mechanism defines what the two sides exchange between the greetings and READY, and how frames
//! are wrapped from then on. The receiving side of that lives in the
//! [`Connection`](crate::Connection), the sending side in the [`Encoder`](crate::Encoder) that
//! `Event::Ready` hands out. NULL wraps nothing. CURVE (RFC 25) has its place here.

pub(crate) mod null;

/// The security mechanism of a connection. Both sides must use the same one: there is no downgrade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mechanism {
    /// No authentication, no confidentiality (RFC 37, "The NULL Security Mechanism").
    #[default]
    Null,
}

impl Mechanism {
    /// Returns the name on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
        }
    }

    /// Returns the name as it stands in the greeting, padded with zeros.
    pub(crate) fn padded(self) -> [u8; 20] {
        let mut padded = [0; 20];
        for (to, from) in padded.iter_mut().zip(self.name().bytes()) {
            *to = from;
        }
        padded
    }
}
