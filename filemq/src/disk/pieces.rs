//! What was read of a file and is on its way to somebody.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;

/// Smaller pieces are read again: that costs less than to remember them.
const LEAST: usize = 64 << 10;

/// The pieces of a file that somebody uses. When many clients get the same file they are at about the
/// same place of it, and all but one send what that one has read.
///
/// Holds no content itself: a piece is gone with the last who uses it.
#[derive(Debug, Default)]
pub struct Pieces(Mutex<InUse>);

/// By offset and length.
type InUse = BTreeMap<(u64, usize), Weak<Vec<u8>>>;

/// One who uses a piece.
struct Use(Arc<Vec<u8>>);

impl AsRef<[u8]> for Use {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Pieces {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// So many octets from `offset`, if somebody uses just these.
    pub(super) fn at_hand(&self, offset: u64, len: usize) -> Option<Bytes> {
        let piece = self.pieces().get(&(offset, len))?.upgrade()?;
        Some(Bytes::from_owner(Use(piece)))
    }

    /// These octets, which were read from `offset`, may be used by others as long as they are used.
    pub(super) fn share(&self, offset: u64, octets: Vec<u8>) -> Bytes {
        if octets.len() < LEAST {
            return octets.into();
        }
        let (place, piece) = ((offset, octets.len()), Arc::new(octets));
        let mut pieces = self.pieces();
        pieces.retain(|_, piece| piece.strong_count() > 0);
        pieces.insert(place, Arc::downgrade(&piece));
        drop(pieces);
        Bytes::from_owner(Use(piece))
    }

    fn pieces(&self) -> MutexGuard<'_, InUse> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{LEAST, Pieces};

    #[test]
    fn a_piece_is_shared_as_long_as_it_is_used() {
        let pieces = Pieces::new();
        let one = pieces.share(5, vec![1; LEAST]);
        let two = pieces.at_hand(5, LEAST).unwrap();
        assert_eq!(one.as_ptr(), two.as_ptr());
        assert_eq!(pieces.at_hand(5, LEAST - 1), None);
        assert_eq!(pieces.at_hand(4, LEAST), None);
        drop(one);
        assert_eq!(pieces.at_hand(5, LEAST).unwrap(), two);
        drop(two);
        assert_eq!(pieces.at_hand(5, LEAST), None);
        drop(pieces.share(6, vec![2; LEAST]));
        assert_eq!(pieces.pieces().len(), 1, "what is gone is forgotten");
        assert_eq!(pieces.share(0, vec![3; 10]), vec![3; 10]);
        assert_eq!(pieces.at_hand(0, 10), None, "too small");
    }
}
