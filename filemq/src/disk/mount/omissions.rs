//! What is not published, and why.

use std::collections::BTreeMap;

use crate::omission::ToldOmissions;
use crate::{Omission, OmittedFiles};

/// The most names that are remembered; more are only counted, until the next scan.
const MAX_NAMES: usize = 10_000;

/// What is not published of a directory, and why. Names are relative to it.
#[derive(Debug, Default)]
pub(super) struct Omissions {
    names: BTreeMap<String, Omission>,
    /// How many there are beyond the names.
    more: BTreeMap<Omission, usize>,
    told: ToldOmissions,
    is_changed: bool,
}

impl Omissions {
    /// Notes that a name is not published.
    pub(super) fn add(&mut self, name: &str, why: Omission) {
        self.is_changed = true;
        if self.names.len() < MAX_NAMES || self.names.contains_key(name) {
            tracing::debug!(name, %why, "not published");
            self.names.insert(name.to_owned(), why);
        } else {
            *self.more.entry(why).or_default() += 1;
        }
    }

    /// Forgets what was noted of a name and everything below it.
    pub(super) fn forget(&mut self, name: &str) {
        let below = format!("{name}/");
        let known = self.names.range(below.clone()..).take_while(|(n, _)| n.starts_with(&below));
        let mut known: Vec<_> = known.map(|(name, _)| name.clone()).collect();
        known.extend(self.names.contains_key(name).then(|| name.to_owned()));
        self.is_changed |= !known.is_empty();
        for name in known {
            self.names.remove(&name);
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.is_changed |= !self.names.is_empty();
        self.names.clear();
        self.more.clear();
    }

    /// Returns what has changed since the last report, by reason.
    pub(super) fn report(&mut self) -> Vec<OmittedFiles> {
        if !std::mem::take(&mut self.is_changed) {
            return Vec::new();
        }
        let names = self.names.iter().map(|(name, why)| (why, 1, name.as_str()));
        let more = self.more.iter().map(|(why, more)| (why, *more, ""));
        let news = self.told.news(names.chain(more));
        news.iter().for_each(|omitted| self.told.note(omitted));
        news
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_NAMES, Omissions};
    use crate::{Omission, OmittedFiles};

    fn hidden(count: usize, example: &str) -> OmittedFiles {
        OmittedFiles { reason: Omission::Hidden, count, example: example.into() }
    }

    #[test]
    fn each_reason_is_told_once_with_a_count_and_again_when_the_count_changes() {
        let mut omissions = Omissions::default();
        omissions.add("d/.b", Omission::Hidden);
        omissions.add(".a", Omission::Hidden);
        omissions.add("x", Omission::LinkOut);
        let out = |count, example: &str| {
            let (reason, example) = (Omission::LinkOut, example.into());
            OmittedFiles { reason, count, example }
        };
        assert_eq!(omissions.report(), [hidden(2, ".a"), out(1, "x")]);
        assert_eq!(omissions.report(), []);
        omissions.forget("d");
        omissions.forget("none");
        assert_eq!(omissions.report(), [hidden(1, ".a")]);
        omissions.clear();
        omissions.add(".a", Omission::Hidden);
        assert_eq!(omissions.report(), [out(0, "")], "seen by a scan again");
    }

    #[test]
    fn beyond_a_limit_they_are_only_counted() {
        let mut omissions = Omissions::default();
        (0..MAX_NAMES + 5).for_each(|i| omissions.add(&format!("{i:09}"), Omission::Hidden));
        assert_eq!(omissions.report(), [hidden(MAX_NAMES + 5, "000000000")]);
    }
}
