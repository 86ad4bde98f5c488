//! Decides which remotes are let in.

use std::net::SocketAddr;

use bytes::Bytes;

use super::session_keys::SessionKeys;
use crate::PeerInfo;

/// What becomes of a remote that has proved its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is let in.
    Admit,
    /// It is not wanted. A server says so by ERROR 400: libzmq does not come back then. A client
    /// closes the connection.
    Refuse,
    /// It is not wanted now: the connection is closed without a word, and it may come back.
    Close,
}

/// Decides who is let in, and proves to the remote that we may be.
///
/// It is asked once for each connection, after the remote has proved that it holds its secret key
/// and before anything but the handshake is said or heard.
///
/// # Examples
///
/// A function that decides is a guard:
///
/// ```
/// use std::net::SocketAddr;
/// use std::sync::Arc;
///
/// use zmtp::{Curve, KeyPair, PeerInfo, SessionKeys, Verdict};
///
/// # fn example(friend: zmtp::PublicKey) -> Result<(), zmtp::Error> {
/// let only_a_friend = move |keys: &SessionKeys, _: &PeerInfo, _: SocketAddr| {
///     if keys.remote() == friend { Verdict::Admit } else { Verdict::Refuse }
/// };
/// let mechanism = Curve::server(KeyPair::generate()?, Arc::new(only_a_friend));
/// # Ok(())
/// # }
/// ```
pub trait Guard: Send + Sync {
    /// Returns the properties that are added to INITIATE by a client, to READY by a server. Under
    /// the conditions of [`Config::with_property`](crate::Config::with_property), or else the
    /// connection fails.
    ///
    /// A client is asked when the server has proved its key, a server when it has admitted the
    /// client. Nobody but the remote can read them.
    fn properties(&self, keys: &SessionKeys) -> Vec<(Bytes, Bytes)> {
        let _ = keys;
        Vec::new()
    }

    /// Decides about the remote at `address`, of which `peer` is what it says of itself. Called by
    /// the connections of [`net`](crate::net), possibly by several at a time; the owner of a bare
    /// [`Connection`](crate::Connection) decides itself.
    ///
    /// It must not block.
    fn decide(&self, keys: &SessionKeys, peer: &PeerInfo, address: SocketAddr) -> Verdict;
}

impl<F> Guard for F
where
    F: Fn(&SessionKeys, &PeerInfo, SocketAddr) -> Verdict + Send + Sync,
{
    fn decide(&self, keys: &SessionKeys, peer: &PeerInfo, address: SocketAddr) -> Verdict {
        self(keys, peer, address)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::{Guard, Verdict};
    use crate::mechanism::curve::{KeyPair, SessionKeys, Side};
    use crate::{PeerInfo, SocketType};

    #[test]
    fn a_function_is_a_guard_that_shows_nothing() {
        let key = || KeyPair::generate().unwrap().public();
        let (own, friend, stranger) = (key(), key(), key());
        let guard = move |keys: &SessionKeys, peer: &PeerInfo, _: SocketAddr| {
            assert_eq!(peer.identity, "id");
            if keys.remote() == friend { Verdict::Admit } else { Verdict::Refuse }
        };
        let peer = PeerInfo::new(SocketType::Dealer, "id");
        for (remote, verdict) in [(friend, Verdict::Admit), (stranger, Verdict::Refuse)] {
            for (side, long) in [(Side::Client, [own, remote]), (Side::Server, [remote, own])] {
                let keys = SessionKeys::new(side, long, [key(), key()]);
                let decided = Guard::decide(&guard, &keys, &peer, ([127, 0, 0, 1], 1).into());
                assert_eq!(decided, verdict);
                assert_eq!(guard.properties(&keys), []);
            }
        }
    }
}
