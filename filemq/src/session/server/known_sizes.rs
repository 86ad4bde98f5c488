//! The sizes of files that a client has.

use std::collections::BTreeMap;

use crate::VirtualPath;

/// The sizes of the files of a client that does not cut a file when a shorter one replaces it.
#[derive(Debug)]
pub(super) struct KnownSizes {
    known: BTreeMap<VirtualPath, u64>,
    limit: usize,
    /// Whether there was no room for some.
    forgotten: bool,
}

impl KnownSizes {
    pub(super) const fn new(limit: usize) -> Self {
        Self { known: BTreeMap::new(), limit, forgotten: false }
    }

    /// Returns whether the client may have more than `size` bytes of a file.
    pub(super) fn may_exceed(&self, name: &VirtualPath, size: u64) -> bool {
        self.known.get(name).map_or(self.forgotten, |had| *had > size)
    }

    pub(super) fn remember(&mut self, name: &VirtualPath, size: u64) {
        if let Some(had) = self.known.get_mut(name) {
            *had = size;
        } else if self.known.len() < self.limit {
            self.known.insert(name.clone(), size);
        } else {
            self.forgotten = true;
        }
    }

    pub(super) fn remove(&mut self, name: &VirtualPath) {
        self.known.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::KnownSizes;
    use crate::VirtualPath;

    #[test]
    fn what_is_forgotten_may_be_of_any_size() {
        let path = |text: &str| VirtualPath::new(text).unwrap();
        let mut sizes = KnownSizes::new(1);
        sizes.remember(&path("/a"), 10);
        assert!(sizes.may_exceed(&path("/a"), 9) && !sizes.may_exceed(&path("/a"), 10));
        assert!(!sizes.may_exceed(&path("/b"), 0));
        sizes.remember(&path("/a"), 8);
        assert!(!sizes.may_exceed(&path("/a"), 9));
        sizes.remember(&path("/b"), 10);
        assert!(sizes.may_exceed(&path("/b"), 100));
    }
}
