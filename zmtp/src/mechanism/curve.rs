//! The mechanism CURVE (RFC 25 and 26), as libzmq speaks it.
//!
//! ```text
//!  client: keys c, C; knows S                            server: keys s, S
//!  draws c', C'                                          draws s', S' and a cookie
//!  HELLO     C', Box(zeros)(C' -> S)                ---->
//!                        <----  WELCOME   Box(S', cookie)(S -> C')
//!  INITIATE  cookie, Box(C, vouch, metadata)(C' -> S')   ---->
//!            vouch = Box(C', S)(C -> S')                 is C let in?
//!                        <----  READY     Box(metadata)(S' -> C')
//!  MESSAGE   Box(flags, data)(C' <-> S')            <--->
//! ```
//!
//! We are stricter than libzmq: the whole vouch is checked, the nonce of INITIATE is greater than
//! that of HELLO, those of messages have no gaps, commands of the handshake are commands, no key of
//! low order comes in, and no flag that is not sealed counts.

mod admission;
mod client;
mod config;
mod fields;
mod guard;
mod handshake;
mod keys;
mod nonce;
mod primitives;
#[cfg(test)]
mod replay;
mod server;
mod session_keys;
mod step;
mod traffic;
mod z85;

pub(crate) use self::admission::{Admission, Admitted};
pub use self::config::Curve;
pub use self::guard::{Guard, Verdict};
pub(crate) use self::handshake::Handshake;
pub use self::keys::{KeyError, KeyPair, PublicKey, SecretKey};
pub(crate) use self::primitives::{Random, random};
pub use self::session_keys::{SessionKeys, Side};
pub(crate) use self::step::Step;
pub(crate) use self::traffic::{OVERHEAD, Opener, Sealer};
