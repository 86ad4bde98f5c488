//! Partial files of senders that are not connected.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How long a partial file is kept for a sender that does not come back.
const MAX_AGE: Duration = Duration::from_secs(7 * 24 * 3600);

/// How many senders that are not connected may have a partial file.
const MAX_COUNT: usize = 256;

/// Partial files whose origins have no writer now.
///
/// They are kept for seven days after the last byte came, and of more than 256 of them the newest
/// are. The others are removed when the folder is opened, and when a sender connects.
#[derive(Debug, Default)]
pub(super) struct IdlePartials(BTreeMap<Arc<str>, IdlePartial>);

/// A partial file whose origin has no writer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IdlePartial {
    pub(super) bytes: u64,
    /// When the last byte came.
    pub(super) since: SystemTime,
}

impl IdlePartials {
    pub(super) fn insert(&mut self, origin: Arc<str>, partial: IdlePartial) {
        self.0.insert(origin, partial);
    }

    pub(super) fn remove(&mut self, origin: &str) -> Option<IdlePartial> {
        self.0.remove(origin)
    }

    pub(super) fn take_all(&mut self) -> BTreeMap<Arc<str>, IdlePartial> {
        std::mem::take(&mut self.0)
    }

    /// Takes out those that will hardly be resumed.
    pub(super) fn take_old(&mut self, now: SystemTime) -> Vec<(Arc<str>, IdlePartial)> {
        let mut by_age: Vec<_> =
            self.0.iter().map(|(origin, p)| (p.since, origin.clone())).collect();
        by_age.sort();
        let excess = by_age.len().saturating_sub(MAX_COUNT);
        let is_old = |since: SystemTime| now.duration_since(since).is_ok_and(|age| age > MAX_AGE);
        let old =
            by_age.iter().enumerate().filter(|(at, (since, _))| *at < excess || is_old(*since));
        old.filter_map(|(_, (_, origin))| self.0.remove_entry(origin)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(partials: impl IntoIterator<Item = (String, SystemTime)>) -> IdlePartials {
        let entry = |(origin, since): (String, _)| (origin.into(), IdlePartial { bytes: 1, since });
        IdlePartials(partials.into_iter().map(entry).collect())
    }

    fn taken(idle: &mut IdlePartials, now: SystemTime) -> Vec<String> {
        idle.take_old(now).iter().map(|(origin, _)| origin.to_string()).collect()
    }

    #[test]
    fn what_nobody_has_gone_on_with_for_a_week_goes() {
        let now = SystemTime::now();
        let mut idle = idle([
            ("old".to_owned(), now - MAX_AGE - Duration::from_secs(1)),
            ("young".to_owned(), now - MAX_AGE),
            ("of a wrong clock".to_owned(), now + MAX_AGE),
        ]);
        assert_eq!(taken(&mut idle, now), ["old"]);
        assert_eq!(taken(&mut idle, now), [""; 0]);
        assert!(idle.remove("young").is_some() && idle.remove("old").is_none());
    }

    #[test]
    fn of_too_many_the_oldest_go() {
        let now = SystemTime::now();
        let since = |number: u64| now - Duration::from_secs(number);
        let mut idle = idle((0..MAX_COUNT as u64 + 2).map(|i| (format!("{i:03}"), since(i))));
        assert_eq!(taken(&mut idle, now), ["257", "256"]);
        assert_eq!(idle.0.len(), MAX_COUNT);
    }
}
