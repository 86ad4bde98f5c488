//! What a writer could not do for a passing reason.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::ready::ReadyFile;
use super::shared::FolderSign;
use crate::VirtualPath;
use crate::session::Write;

/// What a writer could not do for a passing reason.
///
/// Content that cannot be written holds up all content after it, so that nothing is asked for that
/// would have to be dropped. A complete file that cannot be put in its place, a file that cannot be
/// deleted, or one on offer for which there is no room, holds up nothing.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// Orders that wait; the first of them has failed.
    pub(super) held: VecDeque<Write>,
    /// The file of which was told that it is held up: its number and name.
    pub(super) told: Option<(u64, VirtualPath)>,
    /// Complete files without a place.
    pub(super) parked: Vec<ReadyFile>,
    /// Files that cannot be deleted.
    pub(super) deletes: BTreeSet<VirtualPath>,
    /// Files on offer for which there is no room: their names and sizes.
    pub(super) offers: BTreeMap<u64, (VirtualPath, u64)>,
    /// Whether the session knows that something waits.
    pub(super) is_reported: bool,
    /// The state of the folder at the last attempt.
    pub(super) sign: Option<FolderSign>,
}

/// What became of an order that came while others are held.
pub(super) enum Passed {
    /// It waits behind them, or has taken some of them back.
    Kept,
    /// It depends on none of them, and may be carried out before.
    Ahead(VirtualPath),
    /// It drops the file whose order has failed. Nothing is held any more.
    Dropped,
}

impl Backlog {
    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
            && self.parked.is_empty()
            && self.deletes.is_empty()
            && self.offers.is_empty()
    }

    /// How much waits.
    pub(super) fn len(&self) -> usize {
        self.held.len() + self.parked.len() + self.deletes.len() + self.offers.len()
    }

    /// Bytes of content that wait.
    pub(super) fn byte_len(&self) -> usize {
        let bytes =
            |write: &Write| if let Write::Data { bytes, .. } = write { bytes.len() } else { 0 };
        self.held.iter().map(bytes).sum()
    }

    /// Handles an order that comes while others are held; `current` is the file that is being
    /// written.
    pub(super) fn pass(&mut self, write: Write, current: Option<&VirtualPath>) -> Passed {
        match write {
            Write::Abort => return self.abort(),
            Write::Delete { name } if !self.concerns(&name, current) => return Passed::Ahead(name),
            write => self.held.push_back(write),
        }
        Passed::Kept
    }

    /// Takes back the orders for the file that is not complete.
    fn abort(&mut self) -> Passed {
        while let Some(last) = self.held.pop_back() {
            match last {
                Write::Data { .. } => {}
                Write::Begin { .. } if self.held.is_empty() => return Passed::Dropped,
                Write::Begin { .. } => return Passed::Kept,
                // The file before is complete, and there is none to drop.
                other => {
                    self.held.push_back(other);
                    return Passed::Kept;
                }
            }
        }
        Passed::Dropped
    }

    /// Returns whether a held order is about this file, or about one above or below it.
    fn concerns(&self, name: &VirtualPath, current: Option<&VirtualPath>) -> bool {
        let held = self.held.iter().filter_map(|write| match write {
            Write::Begin { name, .. } | Write::Delete { name } => Some(name),
            _ => None,
        });
        held.chain(current).any(|held| held.covers(name) || name.covers(held))
    }

    /// Takes out a complete file of this name that has no place yet: there is another state of it.
    pub(super) fn take_parked(&mut self, name: &VirtualPath) -> Option<ReadyFile> {
        let at = self.parked.iter().position(|file| file.name == *name)?;
        Some(self.parked.swap_remove(at))
    }
}

#[cfg(test)]
mod tests {
    use super::{Backlog, Passed};
    use crate::VirtualPath;
    use crate::session::Write;

    fn path(text: &str) -> VirtualPath {
        VirtualPath::new(text).unwrap()
    }

    fn begin(name: &str) -> Write {
        Write::Begin { name: path(name), sequence: 0, offset: 0, info: None }
    }

    fn data() -> Write {
        Write::Data { offset: 0, bytes: "abc".into() }
    }

    fn holding(writes: impl IntoIterator<Item = Write>) -> Backlog {
        Backlog { held: writes.into_iter().collect(), ..Backlog::default() }
    }

    #[test]
    fn a_delete_passes_what_is_not_about_its_file() {
        let mut backlog = holding([data(), Write::End { size: 3 }, begin("/d/b"), data()]);
        let current = path("/a");
        let delete = |name: &str| Write::Delete { name: path(name) };
        for name in ["/a", "/a/below", "/d/b", "/d"] {
            let passed = backlog.pass(delete(name), Some(&current));
            assert!(matches!(passed, Passed::Kept), "{name}");
        }
        assert_eq!((backlog.held.len(), backlog.byte_len()), (8, 6));
        let passed = backlog.pass(delete("/e"), Some(&current));
        assert!(matches!(passed, Passed::Ahead(name) if name == path("/e")));
    }

    #[test]
    fn an_abort_takes_back_the_file_that_is_not_complete() {
        let mut backlog =
            holding([begin("/a"), data(), Write::End { size: 3 }, begin("/b"), data()]);
        assert!(matches!(backlog.pass(Write::Abort, None), Passed::Kept));
        assert_eq!(backlog.held.len(), 3);
        assert!(matches!(backlog.pass(Write::Abort, None), Passed::Kept));
        assert_eq!(backlog.held.len(), 3, "it is complete");
        let mut backlog = holding([begin("/a"), data()]);
        assert!(matches!(backlog.pass(Write::Abort, None), Passed::Dropped));
        let mut backlog = holding([data(), data()]);
        assert!(matches!(backlog.pass(Write::Abort, Some(&path("/a"))), Passed::Dropped));
        assert!(!backlog.is_holding());
    }
}
