//! What peers say of many files at once, in one line for each peer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use zyre::{Event, PeerId};

use crate::text;

/// What comes within this time is told together.
const BURST: Duration = Duration::from_secs(1);

/// Files that peers have already, and files that they do not want, as they say when they are met.
#[derive(Default)]
pub(crate) struct Counted {
    news: BTreeMap<(PeerId, Kind), Files>,
    due: Option<Instant>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Has,
    /// And why.
    Declines(Arc<str>),
}

struct Files {
    count: usize,
    example: Arc<str>,
}

impl Counted {
    /// Takes an event that is told later. Returns `false` if it is another one.
    pub(crate) fn note(&mut self, event: &Event) -> bool {
        let (peer, kind, name) = match event {
            Event::Confirmed { peer, name, already: true, .. } => (*peer, Kind::Has, name),
            Event::Declined { peer, name, reason } => {
                (*peer, Kind::Declines(Arc::clone(reason)), name)
            }
            _ => return false,
        };
        let new = || Files { count: 0, example: Arc::clone(name) };
        self.news.entry((peer, kind)).or_insert_with(new).count += 1;
        self.due.get_or_insert_with(|| Instant::now() + BURST);
        true
    }

    /// Waits until there is something to tell.
    pub(crate) async fn due(&self) {
        match self.due {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// Takes what is to be told. `who` is a peer's name.
    pub(crate) fn take(&mut self, who: impl Fn(PeerId) -> String) -> Vec<String> {
        self.due = None;
        let news = std::mem::take(&mut self.news);
        news.into_iter().map(|((peer, kind), files)| sentence(&who(peer), &kind, &files)).collect()
    }
}

fn sentence(who: &str, kind: &Kind, files: &Files) -> String {
    let what = match files.count {
        1 => text::message(&files.example),
        count => format!("{count} files"),
    };
    match kind {
        Kind::Has => format!("{who} has {what} already"),
        Kind::Declines(reason) if reason.is_empty() => format!("{who} does not want {what}"),
        Kind::Declines(reason) => {
            format!("{who} does not want {what}: {}", text::message(reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_files_are_one_line_for_each_peer_and_reason() {
        let mut counted = Counted::default();
        let [alice, bob] = [1, 2].map(|id| PeerId::new([id; 16]));
        let has = |peer, name: &str, already| Event::Confirmed {
            peer,
            name: name.into(),
            size: 1,
            already,
        };
        let declined = |name: &str, reason: &str| Event::Declined {
            peer: alice,
            name: name.into(),
            reason: reason.into(),
        };
        assert!(!counted.note(&has(alice, "/new", false)) && !counted.note(&Event::Stop));
        for number in 0..312 {
            assert!(counted.note(&has(alice, &number.to_string(), true)));
        }
        for event in [
            has(bob, "/a", true),
            declined("/a", ""),
            declined("/b", "too large\u{1b}"),
            declined("/c", "too large\u{1b}"),
        ] {
            assert!(counted.note(&event));
        }
        let who = |peer| if peer == alice { "alice".to_owned() } else { "bob".to_owned() };
        let expected = [
            "alice has 312 files already",
            "alice does not want /a",
            "alice does not want 2 files: too large␛",
            "bob has /a already",
        ];
        assert_eq!(counted.take(who), expected);
        assert_eq!(counted.take(who), [] as [&str; 0]);
    }
}
