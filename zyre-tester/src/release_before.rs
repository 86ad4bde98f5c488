//! How nodes of the release before stamp their messages, for `--half-by`.
//!
//! Their stamp is that of [`testkit::ledger`] without what a whisper says since then: when the
//! sender's header was set, and what has come of the receiver. So a node that lives among them
//! shouts as they do, whispers to them as they do, and takes what they say as whispers that say
//! nothing more.

use zyre::Content;

/// How their messages begin, and how ours do.
const MAGIC: &[u8] = b"zt1";
const OUR_MAGIC: &[u8] = b"zt2";

/// After the magic: the kind of a whisper.
const WHISPER: u8 = b'w';

/// A whisper of theirs: magic, kind, depth, number, sender, number of the first, addressee.
const WHISPER_BYTES: usize = 3 + 1 + 1 + 4 + 16 + 4 + 16;

/// What stands behind that in a whisper of ours that says nothing more: no header, and a receipt
/// that does not name all that was heard.
const NOTHING_MORE: [u8; 8 + 4 + 1] = [255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0];

/// Returns a message of ours as nodes of the release before would have sent it.
pub(crate) fn to_old(content: &Content) -> Content {
    let rest = content.first().strip_prefix(OUR_MAGIC).unwrap_or_default();
    let mut bytes = [MAGIC, rest].concat();
    if rest.first() == Some(&WHISPER) {
        bytes.truncate(WHISPER_BYTES);
    }
    bytes.into()
}

/// Returns a message of theirs as we would have sent it; `None` if it is not one.
pub(crate) fn from_old(content: &Content) -> Option<Content> {
    let rest = content.first().strip_prefix(MAGIC)?;
    let mut bytes = [OUR_MAGIC, rest].concat();
    if rest.first() == Some(&WHISPER) {
        bytes.extend_from_slice(&NOTHING_MORE);
    }
    Some(bytes.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use testkit::ledger::{Heard, Ledger};
    use zyre::{Headers, PeerId};

    use super::*;

    const A: PeerId = PeerId::new([0xA; 16]);
    const B: PeerId = PeerId::new([0xB; 16]);
    const NOW: Duration = Duration::from_secs(1);

    /// A message as the release before sends it, byte for byte.
    fn old(kind: u8, number: u8, rest: &[&[u8]]) -> Vec<u8> {
        [&[b'z', b't', b'1', kind, 4, 0, 0, 0, number][..], &[0xA; 16], &rest.concat()].concat()
    }

    #[test]
    fn what_is_said_to_them_is_what_they_would_say() {
        let mut ledger = Ledger::new(A);
        ledger.header(NOW);
        ledger.whisper(NOW, B, 4);
        let whisper = to_old(&ledger.whisper(NOW, B, 4));
        assert_eq!(whisper.first(), old(b'w', 1, &[&[0; 4], &[0xB; 16]]));
        let shout = to_old(&ledger.shout("group-1", 4));
        assert_eq!(shout.first(), old(b's', 0, &[b"group-1"]));
    }

    #[test]
    fn what_they_say_is_understood() {
        let mut ledger = Ledger::new(B);
        ledger.joined("group-1");
        let headers = Headers::new();
        ledger.observe(NOW, Heard::Enter { peer: A, headers: &headers });
        for number in [0, 1] {
            let bytes = old(b'w', number, &[&[0; 4], &[0xB; 16]]);
            let content = from_old(&bytes.into()).unwrap();
            let depth = ledger.observe(NOW, Heard::Whisper { peer: A, content: &content });
            assert_eq!(depth, 4);
        }
        let bytes = old(b's', 0, &[b"group-1"]);
        let content = from_old(&bytes.into()).unwrap();
        ledger.observe(NOW, Heard::Shout { peer: A, group: "group-1", content: &content });
        assert!(ledger.drain(NOW).is_empty(), "in order, and from A");
        // A gap is seen in their numbers as well.
        let bytes = old(b'w', 3, &[&[0; 4], &[0xB; 16]]);
        let content = from_old(&bytes.into()).unwrap();
        ledger.observe(NOW, Heard::Whisper { peer: A, content: &content });
        assert_eq!(ledger.drain(NOW).len(), 1);
        let ours = Ledger::new(A).shout("group-1", 0);
        assert_eq!(from_old(&ours), None);
    }
}
