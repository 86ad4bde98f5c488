//! A header that says when it was set, so that ENTER can be told to carry an old one.
//!
//! A peer that was set up before the newest header of a node cannot tell which of them the node's
//! HELLO had. But one that was set up after it must get the newest: every whisper says when the
//! header of its sender was set last.

use std::time::Duration;

use zre_proto::{Headers, PeerId};

use super::stamp::micros;

/// The header's name.
pub(super) const NAME: &str = "X-LEDGER";

/// How much the clocks of two nodes may differ.
pub(super) const SKEW: Duration = Duration::from_millis(50);

/// Returns the value of the header of a node.
pub(super) fn value(node: PeerId, at: Duration) -> String {
    format!("{node} {}", micros(at))
}

/// Returns whose header it is, and when it was set; `None` if there is none of a ledger.
pub(super) fn read(headers: &Headers) -> Option<(PeerId, Duration)> {
    let (node, at) = headers.get(NAME)?.split_once(' ')?;
    Some((node.parse().ok()?, Duration::from_micros(at.parse().ok()?)))
}
