//! Chunks of a file that are on their way to clients.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use zmtp::sync::Mutex;

/// Smaller chunks are read again, which costs less than remembering them.
const MIN_SHARED: usize = 64 << 10;

/// How many of the last chunks are kept while several readers have the file open, so that those a
/// little behind find them.
const MAX_KEPT: usize = 16;

/// The chunks of one file that are in use. When many clients get the same file they are at about
/// the same place in it, and all but one are sent what that one has read.
///
/// While there is only one reader nothing is kept: a chunk is gone with its last user.
#[derive(Debug, Default)]
pub(crate) struct ChunkCache(Mutex<CacheState>);

#[derive(Debug, Default)]
struct CacheState {
    readers: usize,
    /// By offset and length.
    used: BTreeMap<(u64, usize), Weak<Vec<u8>>>,
    /// The last that were read.
    kept: VecDeque<Arc<Vec<u8>>>,
}

/// The content of [`Bytes`] that share a chunk.
struct CachedChunk(Arc<Vec<u8>>);

impl AsRef<[u8]> for CachedChunk {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl ChunkCache {
    /// Counts one more reader, until it [leaves](Self::leave).
    pub(super) fn enter(&self) {
        self.0.lock().readers += 1;
    }

    /// Counts one reader less.
    pub(super) fn leave(&self) {
        let mut state = self.0.lock();
        state.readers = state.readers.saturating_sub(1);
        let kept =
            if state.readers > 1 { VecDeque::new() } else { std::mem::take(&mut state.kept) };
        drop(state);
        drop(kept);
    }

    /// Returns the chunk at `offset` of exactly `len` bytes, if it is in use or was just used.
    pub(super) fn get(&self, offset: u64, len: usize) -> Option<Bytes> {
        let chunk = self.0.lock().used.get(&(offset, len))?.upgrade()?;
        Some(Bytes::from_owner(CachedChunk(chunk)))
    }

    /// Returns what was read from `offset`, which other readers find as long as it is in use.
    pub(super) fn share(&self, offset: u64, bytes: Vec<u8>) -> Bytes {
        if bytes.len() < MIN_SHARED {
            return bytes.into();
        }
        let (place, chunk) = ((offset, bytes.len()), Arc::new(bytes));
        let mut state = self.0.lock();
        state.used.retain(|_, chunk| chunk.strong_count() > 0);
        state.used.insert(place, Arc::downgrade(&chunk));
        if state.readers > 1 {
            state.kept.truncate(MAX_KEPT - 1);
            state.kept.push_front(Arc::clone(&chunk));
        }
        drop(state);
        Bytes::from_owner(CachedChunk(chunk))
    }
}

#[cfg(test)]
mod tests {
    use super::{ChunkCache, MAX_KEPT, MIN_SHARED};

    #[test]
    fn a_chunk_is_shared_as_long_as_it_is_used() {
        let chunks = ChunkCache::default();
        let one = chunks.share(5, vec![1; MIN_SHARED]);
        let two = chunks.get(5, MIN_SHARED).unwrap();
        assert_eq!(one.as_ptr(), two.as_ptr());
        assert_eq!(chunks.get(5, MIN_SHARED - 1), None);
        assert_eq!(chunks.get(4, MIN_SHARED), None);
        drop(one);
        assert_eq!(chunks.get(5, MIN_SHARED).unwrap(), two);
        drop(two);
        assert_eq!(chunks.get(5, MIN_SHARED), None);
        drop(chunks.share(6, vec![2; MIN_SHARED]));
        assert_eq!(chunks.0.lock().used.len(), 1, "what is gone is forgotten");
        assert_eq!(chunks.share(0, vec![3; 10]), vec![3; 10]);
        assert_eq!(chunks.get(0, 10), None, "too small");
    }

    #[test]
    fn while_several_read_the_last_chunks_are_kept() {
        let chunks = ChunkCache::default();
        let is_there = |offset| chunks.get(offset, MIN_SHARED).is_some();
        let read = |offset| drop(chunks.share(offset, vec![1; MIN_SHARED]));
        chunks.enter();
        read(0);
        assert!(!is_there(0), "one reads alone");
        chunks.enter();
        (1..=MAX_KEPT as u64 + 1).for_each(read);
        assert!(!is_there(1), "there is a limit");
        assert!(is_there(2) && is_there(MAX_KEPT as u64 + 1));
        chunks.leave();
        assert!(!is_there(MAX_KEPT as u64 + 1), "the other reads alone");
    }
}
