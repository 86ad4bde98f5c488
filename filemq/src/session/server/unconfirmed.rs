//! Files that the client has not confirmed yet.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::event::ServerSessionEvent;
use crate::message::{Outcome, Receipt};
use crate::{Fate, VirtualPath};

/// Files that the client has not confirmed yet: the last state of each that was begun.
#[derive(Debug, Default)]
pub(super) struct UnconfirmedFiles {
    /// By the number of the first piece.
    files: BTreeMap<u64, UnconfirmedFile>,
    numbers: HashMap<VirtualPath, u64>,
}

#[derive(Debug)]
struct UnconfirmedFile {
    name: VirtualPath,
    size: u64,
    /// Why it has to wait at the client, if that was said. No part of a frame, which may be large.
    reason: Option<Arc<str>>,
}

impl UnconfirmedFiles {
    /// Notes that the first piece of a file is sent, and which number it has.
    pub(super) fn begin(&mut self, name: &VirtualPath, size: u64, sequence: u64) {
        self.forget(name);
        self.files.insert(sequence, UnconfirmedFile { name: name.clone(), size, reason: None });
        self.numbers.insert(name.clone(), sequence);
    }

    /// Returns whether a receipt for a file may still come.
    pub(super) fn awaits(&self, name: &VirtualPath) -> bool {
        self.numbers.contains_key(name)
    }

    /// Forgets a file that was broken off, has changed, or is gone.
    pub(super) fn forget(&mut self, name: &VirtualPath) {
        if let Some(sequence) = self.numbers.remove(name) {
            self.files.remove(&sequence);
        }
    }

    /// Handles a receipt. Returns the news, if there are any: a receipt for an earlier state of a
    /// file is none.
    pub(super) fn handle_receipt(&mut self, receipt: &Receipt) -> Option<ServerSessionEvent> {
        let file = self.files.get_mut(&receipt.sequence)?;
        let fate = match receipt.outcome {
            Outcome::Delivered => None,
            Outcome::Waiting => Some(Fate::Passing),
            Outcome::Refused => Some(Fate::Final),
            Outcome::Other(_) => return None,
        };
        let reason: Arc<str> = String::from_utf8_lossy(&receipt.reason).into();
        if fate == Some(Fate::Passing)
            && file.reason.replace(Arc::clone(&reason)).as_ref() == Some(&reason)
        {
            return None;
        }
        let (name, size) = (file.name.clone(), file.size);
        if fate != Some(Fate::Passing) {
            self.forget(&name);
        }
        Some(match fate {
            None => ServerSessionEvent::Confirmed { name, size, already: false },
            Some(fate) => ServerSessionEvent::Rejected { name, reason, fate },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::UnconfirmedFiles;
    use crate::message::{Outcome, Receipt};
    use crate::session::ServerSessionEvent;
    use crate::{Fate, VirtualPath};

    fn path(text: &str) -> VirtualPath {
        VirtualPath::new(text).unwrap()
    }

    fn receipt(sequence: u64, outcome: Outcome, reason: &'static str) -> Receipt {
        Receipt { sequence, outcome, reason: reason.into() }
    }

    fn rejected(name: &str, reason: &str, fate: Fate) -> Option<ServerSessionEvent> {
        Some(ServerSessionEvent::Rejected { name: path(name), reason: reason.into(), fate })
    }

    #[test]
    fn what_is_waited_for_is_told_once_and_each_end_once() {
        let mut files = UnconfirmedFiles::default();
        files.begin(&path("/a"), 7, 0);
        files.begin(&path("/b"), 9, 4);
        let waits = receipt(0, Outcome::Waiting, "full");
        assert_eq!(files.handle_receipt(&waits), rejected("/a", "full", Fate::Passing));
        assert_eq!(files.handle_receipt(&waits), None);
        let other = receipt(0, Outcome::Waiting, "no descriptors");
        assert_eq!(files.handle_receipt(&other), rejected("/a", "no descriptors", Fate::Passing));
        let confirmed = ServerSessionEvent::Confirmed { name: path("/a"), size: 7, already: false };
        let delivered = receipt(0, Outcome::Delivered, "");
        assert_eq!(files.handle_receipt(&delivered), Some(confirmed));
        assert_eq!(files.handle_receipt(&delivered), None);
        let refused = receipt(4, Outcome::Refused, "it names a device");
        assert_eq!(
            files.handle_receipt(&refused),
            rejected("/b", "it names a device", Fate::Final)
        );
        assert_eq!(files.handle_receipt(&refused), None);
    }

    #[test]
    fn a_receipt_for_what_was_never_sent_or_has_changed_since_is_no_news() {
        let mut files = UnconfirmedFiles::default();
        files.begin(&path("/a"), 7, 3);
        files.begin(&path("/a"), 8, 5);
        for sequence in [0, 3, 4, 6, u64::MAX] {
            assert_eq!(files.handle_receipt(&receipt(sequence, Outcome::Delivered, "")), None);
        }
        assert_eq!(files.handle_receipt(&receipt(5, Outcome::Other(9), "")), None);
        files.forget(&path("/a"));
        assert_eq!(files.handle_receipt(&receipt(5, Outcome::Delivered, "")), None);
    }
}
