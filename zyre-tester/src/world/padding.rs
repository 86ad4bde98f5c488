//! Messages that do not fit into one packet: a second frame behind the stamp of the ledger.

use bytes::Bytes;
use zyre::Content;

/// Makes a message larger by this number of bytes; not if it is 0.
pub(super) fn pad(stamp: &Content, bytes: usize) -> Content {
    if bytes == 0 {
        return stamp.clone();
    }
    let padding: Vec<u8> = pattern(bytes).collect();
    let frames: Vec<Bytes> = stamp.frames().iter().cloned().chain([padding.into()]).collect();
    frames.into()
}

/// Returns the message without what was added to it; `None` if that has changed on the way.
pub(super) fn strip(content: &Content) -> Option<Content> {
    match content.frames() {
        [stamp] => Some(stamp.clone().into()),
        [stamp, padding] if pattern(padding.len()).eq(padding.iter().copied()) => {
            Some(stamp.clone().into())
        }
        _ => None,
    }
}

fn pattern(bytes: usize) -> impl Iterator<Item = u8> {
    (0..=250).cycle().take(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_taken_off_if_it_is_whole() {
        let stamp = Content::from("stamp");
        for bytes in [0, 1, 10_000] {
            assert_eq!(strip(&pad(&stamp, bytes)), Some(stamp.clone()));
        }
        let changed: Vec<&[u8]> = vec![b"stamp", &[0, 1, 3]];
        assert_eq!(strip(&changed.into()), None);
    }
}
