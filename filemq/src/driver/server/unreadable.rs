//! Published files that cannot be read.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalogue::Entry;
use crate::omission::ToldOmissions;
use crate::{Omission, OmittedFiles, VirtualPath};

/// The most files that are remembered.
const MAX_FILES: usize = 10_000;

/// The most files that are looked at in one turn.
const MAX_LOOKED_AT: usize = 100;

/// In how many turns a file is opened before it is taken for readable.
const MAX_OPENED: u32 = 3;

/// Published files of which connections have found that they cannot be read.
#[derive(Debug, Default)]
pub(super) struct UnreadableFiles {
    files: BTreeMap<VirtualPath, Unreadable>,
    told: ToldOmissions,
}

#[derive(Debug)]
struct Unreadable {
    entry: Arc<Entry>,
    reason: Omission,
    /// In how many turns it could be opened since; connections are told in the first.
    opened: u32,
}

impl UnreadableFiles {
    /// Notes that a file cannot be read.
    pub(super) fn add(&mut self, entry: Arc<Entry>, reason: Arc<str>) {
        let is_known = self.files.get(entry.name());
        // A file that can be opened and not be read is no reason to hope again.
        let opened = is_known.map_or(0, |known| known.opened.min(1));
        let reason = Omission::Unreadable(reason);
        if is_known.is_some() || self.files.len() < MAX_FILES {
            self.files.insert(entry.name().clone(), Unreadable { entry, reason, opened });
        }
    }

    /// Notes whether a file could be opened. Returns whether that is reason to hope. It is forgotten
    /// when it could be opened several times, and no connection has said otherwise.
    pub(super) fn looked_at(&mut self, entry: &Arc<Entry>, is_open: bool) -> bool {
        let Some(file) = self.files.get_mut(entry.name()) else { return false };
        if !is_open {
            file.opened = 0;
            return false;
        }
        file.opened += 1;
        let is_first = file.opened == 1;
        if file.opened > MAX_OPENED {
            self.files.remove(entry.name());
        }
        is_first
    }

    /// Forgets a file that has changed or is gone.
    pub(super) fn remove(&mut self, name: &VirtualPath) {
        self.files.remove(name);
    }

    /// Returns some files, to be looked at.
    pub(super) fn some(&self) -> Vec<Arc<Entry>> {
        self.files.values().take(MAX_LOOKED_AT).map(|file| file.entry.clone()).collect()
    }

    /// Returns the news: for each reason how many files cannot be read, if that has changed.
    pub(super) fn news(&self) -> Vec<OmittedFiles> {
        let files = self.files.iter();
        self.told.news(files.map(|(name, file)| (&file.reason, 1, name.as_str())))
    }

    /// Notes that this was told.
    pub(super) fn told(&mut self, omitted: &OmittedFiles) {
        self.told.note(omitted);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use super::UnreadableFiles;
    use crate::catalogue::{Audience, Entry};
    use crate::disk::FileSource;
    use crate::version::Version;
    use crate::{Omission, OmittedFiles, VirtualPath};

    fn entry(name: &str) -> Arc<Entry> {
        let (size, modified) = (0, SystemTime::UNIX_EPOCH);
        let version = Version { size, modified, changed: None, mode: 0, inode: 0 };
        let (name, source) = (VirtualPath::new(name).unwrap(), FileSource::anywhere("x".into()));
        Arc::new(Entry::new(name, source, version, Audience::Everyone))
    }

    fn told(files: &mut UnreadableFiles) -> Vec<(usize, String)> {
        let news = files.news();
        news.iter().for_each(|omitted| files.told(omitted));
        let denied = Omission::Unreadable("denied".into());
        assert!(news.iter().all(|omitted| omitted.reason == denied));
        news.into_iter().map(|OmittedFiles { count, example, .. }| (count, example)).collect()
    }

    #[test]
    fn a_reason_is_told_once_and_hope_comes_once() {
        let mut files = UnreadableFiles::default();
        let [a, b] = ["/a", "/b"].map(entry);
        for entry in [&a, &b, &a] {
            files.add(entry.clone(), "denied".into());
        }
        assert_eq!(told(&mut files), [(2, "/a".to_owned())]);
        assert_eq!(told(&mut files), []);
        assert!(!files.looked_at(&a, false) && files.looked_at(&a, true));
        files.add(a.clone(), "denied".into());
        assert!(!files.looked_at(&a, true), "it can be opened, and not be read");
        assert!(!files.looked_at(&a, false) && files.looked_at(&a, true));
        while files.some().len() == 2 {
            assert!(!files.looked_at(&a, true));
        }
        assert_eq!(told(&mut files), [(1, "/b".to_owned())]);
        files.remove(b.name());
        assert_eq!(told(&mut files), [(0, String::new())]);
    }
}
