//! The socket types, and which may talk to which.

use std::fmt;

/// The role that a peer announces in the `Socket-Type` property (RFC 37, "The Socket-Type
/// Property").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SocketType {
    /// Sends a request, and waits for the reply (RFC 28).
    Req,
    /// Replies to one request at a time (RFC 28).
    Rep,
    /// Sends to its peers in turn, without waiting (RFC 28).
    Dealer,
    /// Knows its peers by their identity, and addresses each (RFC 28).
    Router,
    /// Publishes to its subscribers (RFC 29).
    Pub,
    /// A PUB that sees the subscriptions (RFC 29).
    XPub,
    /// Subscribes, and receives (RFC 29).
    Sub,
    /// A SUB that sends subscriptions as messages (RFC 29).
    XSub,
    /// Sends work to its peers in turn (RFC 30).
    Push,
    /// Receives work (RFC 30).
    Pull,
    /// Has one peer, another PAIR (RFC 31).
    Pair,
}

impl SocketType {
    const ALL: [Self; 11] = [
        Self::Req,
        Self::Rep,
        Self::Dealer,
        Self::Router,
        Self::Pub,
        Self::XPub,
        Self::Sub,
        Self::XSub,
        Self::Push,
        Self::Pull,
        Self::Pair,
    ];

    /// Returns the name on the wire, in capitals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Req => "REQ",
            Self::Rep => "REP",
            Self::Dealer => "DEALER",
            Self::Router => "ROUTER",
            Self::Pub => "PUB",
            Self::XPub => "XPUB",
            Self::Sub => "SUB",
            Self::XSub => "XSUB",
            Self::Push => "PUSH",
            Self::Pull => "PULL",
            Self::Pair => "PAIR",
        }
    }

    /// Returns the type with this name on the wire, or `None` for an unknown name.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().as_bytes() == name)
    }

    /// Returns whether a socket of this type may talk to a `peer` of that type (the table in RFC
    /// 37, "The Socket-Type Property").
    pub const fn accepts(self, peer: Self) -> bool {
        use SocketType::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
        match self {
            Req => matches!(peer, Rep | Router),
            Rep => matches!(peer, Req | Dealer),
            Dealer => matches!(peer, Rep | Dealer | Router),
            Router => matches!(peer, Req | Dealer | Router),
            Pub | XPub => matches!(peer, Sub | XSub),
            Sub | XSub => matches!(peer, Pub | XPub),
            Push => matches!(peer, Pull),
            Pull => matches!(peer, Push),
            Pair => matches!(peer, Pair),
        }
    }

    /// Returns whether sockets of this type announce an `Identity` (RFC 37, "The Identity
    /// Property").
    pub(crate) const fn has_identity(self) -> bool {
        matches!(self, Self::Req | Self::Dealer | Self::Router)
    }
}

impl fmt::Display for SocketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::SocketType;

    #[test]
    fn names_are_found_again_and_the_table_is_symmetric() {
        for a in SocketType::ALL {
            assert_eq!(SocketType::from_name(a.name().as_bytes()), Some(a));
            for b in SocketType::ALL {
                assert_eq!(a.accepts(b), b.accepts(a), "{a} and {b}");
            }
        }
        assert_eq!(SocketType::from_name(b"dealer"), None);
    }

    #[test]
    fn a_router_takes_req_dealer_and_router() {
        let taken: Vec<_> =
            SocketType::ALL.into_iter().filter(|p| SocketType::Router.accepts(*p)).collect();
        assert_eq!(taken, [SocketType::Req, SocketType::Dealer, SocketType::Router]);
    }
}
