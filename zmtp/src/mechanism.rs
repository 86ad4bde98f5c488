//! Security mechanisms (RFC 37, "Authentication and Confidentiality").
//!
//! A mechanism defines what the two sides exchange between the greetings and the first message, and
//! how frames are wrapped from then on. The receiving side of that lives in the
//! [`Connection`](crate::Connection), the sending side in the [`Encoder`](crate::Encoder) that
//! `Event::Ready` hands out. NULL wraps nothing, CURVE seals everything.

#[cfg(feature = "_curve")]
pub(crate) mod curve;
pub(crate) mod metadata;
pub(crate) mod null;

#[cfg(feature = "_curve")]
use self::curve::Curve;

/// The security mechanism of a connection. Both sides must use the same one: there is no downgrade.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mechanism {
    /// No authentication, no confidentiality (RFC 37, "The NULL Security Mechanism").
    #[default]
    Null,
    /// Both sides know who the other is, and nobody else reads or changes what they say (RFC 25 and
    /// 26).
    #[cfg(feature = "_curve")]
    Curve(Curve),
}

impl Mechanism {
    /// Returns the name on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            #[cfg(feature = "_curve")]
            Self::Curve(_) => "CURVE",
        }
    }

    /// Returns the name as it stands in the greeting, padded with zeros.
    pub(crate) fn padded(&self) -> [u8; 20] {
        let mut padded = [0; 20];
        for (to, from) in padded.iter_mut().zip(self.name().bytes()) {
            *to = from;
        }
        padded
    }
}

#[cfg(feature = "_curve")]
impl From<Curve> for Mechanism {
    fn from(curve: Curve) -> Self {
        Self::Curve(curve)
    }
}
