//! What was read of a file and is on its way to somebody.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;

/// Smaller pieces are read again: that costs less than to remember them.
const LEAST: usize = 64 << 10;

/// The last pieces that are kept while several read a file, so that those who are a little behind find
/// them.
const KEPT: usize = 16;

/// The pieces of a file that somebody uses. When many clients get the same file they are at about the
/// same place of it, and all but one send what that one has read.
///
/// While one alone reads the file this holds no content itself: a piece is gone with its last user.
#[derive(Debug, Default)]
pub struct Pieces(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Those who read the file now.
    readers: usize,
    /// By offset and length.
    used: BTreeMap<(u64, usize), Weak<Vec<u8>>>,
    /// The last that were read.
    kept: VecDeque<Arc<Vec<u8>>>,
}

impl Default for State {
    fn default() -> Self {
        Self::NEW
    }
}

impl State {
    const NEW: Self = Self { readers: 0, used: BTreeMap::new(), kept: VecDeque::new() };
}

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
        Self(Mutex::new(State::NEW))
    }

    /// One more reads the file, until it [leaves](Self::leave).
    pub(super) fn come(&self) {
        self.state().readers += 1;
    }

    /// One less reads it.
    pub(super) fn leave(&self) {
        let mut state = self.state();
        state.readers = state.readers.saturating_sub(1);
        let kept =
            if state.readers > 1 { VecDeque::new() } else { std::mem::take(&mut state.kept) };
        drop(state);
        drop(kept);
    }

    /// So many octets from `offset`, if somebody uses just these, or has just used them.
    pub(super) fn at_hand(&self, offset: u64, len: usize) -> Option<Bytes> {
        let piece = self.state().used.get(&(offset, len))?.upgrade()?;
        Some(Bytes::from_owner(Use(piece)))
    }

    /// These octets, which were read from `offset`, may be used by others as long as they are used.
    pub(super) fn share(&self, offset: u64, octets: Vec<u8>) -> Bytes {
        if octets.len() < LEAST {
            return octets.into();
        }
        let (place, piece) = ((offset, octets.len()), Arc::new(octets));
        let mut state = self.state();
        state.used.retain(|_, piece| piece.strong_count() > 0);
        state.used.insert(place, Arc::downgrade(&piece));
        if state.readers > 1 {
            state.kept.truncate(KEPT - 1);
            state.kept.push_front(Arc::clone(&piece));
        }
        drop(state);
        Bytes::from_owner(Use(piece))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, LEAST, Pieces};

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
        assert_eq!(pieces.state().used.len(), 1, "what is gone is forgotten");
        assert_eq!(pieces.share(0, vec![3; 10]), vec![3; 10]);
        assert_eq!(pieces.at_hand(0, 10), None, "too small");
    }

    #[test]
    fn while_several_read_the_last_pieces_are_kept() {
        let pieces = Pieces::new();
        let is_there = |offset| pieces.at_hand(offset, LEAST).is_some();
        let read = |offset| drop(pieces.share(offset, vec![1; LEAST]));
        pieces.come();
        read(0);
        assert!(!is_there(0), "one reads alone");
        pieces.come();
        (1..=KEPT as u64 + 1).for_each(read);
        assert!(!is_there(1), "there is a limit");
        assert!(is_there(2) && is_there(KEPT as u64 + 1));
        pieces.leave();
        assert!(!is_there(KEPT as u64 + 1), "the other reads alone");
    }
}
