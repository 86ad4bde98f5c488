//! The paths that a client wants.

use crate::VirtualPath;

/// Subscribed paths, of which none covers another.
#[derive(Debug, Default)]
pub(super) struct SubscribedPaths(Vec<VirtualPath>);

/// What became of a new subscription.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Subscribed {
    /// Another one covers it already.
    Covered,
    /// It was added, in place of these.
    Instead(Vec<VirtualPath>),
}

impl SubscribedPaths {
    pub(super) fn add(&mut self, path: VirtualPath) -> Subscribed {
        if self.0.iter().any(|have| have.covers(&path)) {
            return Subscribed::Covered;
        }
        let (covered, others) = self.0.drain(..).partition(|have| path.covers(have));
        self.0 = others;
        self.0.push(path);
        Subscribed::Instead(covered)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &VirtualPath> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::{Subscribed, SubscribedPaths};
    use crate::VirtualPath;

    #[test]
    fn a_covered_path_is_ignored_and_a_wider_one_replaces() {
        let path = |text: &str| VirtualPath::new(text).unwrap();
        let mut subscriptions = SubscribedPaths::default();
        for text in ["/a/b", "/a/c", "/ab"] {
            assert_eq!(subscriptions.add(path(text)), Subscribed::Instead(vec![]));
        }
        assert_eq!(subscriptions.add(path("/a/b")), Subscribed::Covered);
        assert_eq!(subscriptions.add(path("/a/b/d")), Subscribed::Covered);
        let narrow = vec![path("/a/b"), path("/a/c")];
        assert_eq!(subscriptions.add(path("/a")), Subscribed::Instead(narrow));
        assert_eq!(subscriptions.len(), 2);
    }
}
