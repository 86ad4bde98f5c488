//! How large the files are that a client has.

use std::collections::BTreeMap;

use crate::VirtualPath;

/// Of clients that do not shorten a file when a shorter one comes: what they have of each.
#[derive(Debug)]
pub(super) struct Sizes {
    known: BTreeMap<VirtualPath, u64>,
    most: usize,
    /// There was no room for some.
    forgotten: bool,
}

impl Sizes {
    pub(super) const fn new(most: usize) -> Self {
        Self { known: BTreeMap::new(), most, forgotten: false }
    }

    /// Whether the client may have more of it than `size` octets.
    pub(super) fn may_exceed(&self, name: &VirtualPath, size: u64) -> bool {
        self.known.get(name).map_or(self.forgotten, |had| *had > size)
    }

    pub(super) fn remember(&mut self, name: &VirtualPath, size: u64) {
        if let Some(had) = self.known.get_mut(name) {
            *had = size;
        } else if self.known.len() < self.most {
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
    use super::Sizes;
    use crate::VirtualPath;

    #[test]
    fn what_is_forgotten_may_be_of_any_size() {
        let path = |text: &str| VirtualPath::new(text).unwrap();
        let mut sizes = Sizes::new(1);
        sizes.remember(&path("/a"), 10);
        assert!(sizes.may_exceed(&path("/a"), 9) && !sizes.may_exceed(&path("/a"), 10));
        assert!(!sizes.may_exceed(&path("/b"), 0));
        sizes.remember(&path("/a"), 8);
        assert!(!sizes.may_exceed(&path("/a"), 9));
        sizes.remember(&path("/b"), 10);
        assert!(sizes.may_exceed(&path("/b"), 100));
    }
}
