//! What peers say of many files at once, in one line for each peer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use zyre::{Event, Fate, PeerId};

use crate::progress::Progress;
use crate::{file_news, text};

/// What comes within this time is told together.
const BURST: Duration = Duration::from_secs(1);

/// The most lines that wait: a peer may have a reason of its own for each file.
const MAX_LINES: usize = 256;

/// Files that peers have already, that they do not want, or that have to wait: of these a full disk has
/// as many as there are.
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
    /// The peer cannot take them yet, for a reason that begins so.
    CannotTake(String),
    /// They have to wait here, for a reason that begins so.
    Waits(String),
    Comes,
}

struct Files {
    count: usize,
    example: Arc<str>,
    /// Why that one has to wait.
    reason: String,
}

impl Counted {
    /// Takes an event that is told later. Returns `false` if it is another one.
    pub(crate) fn note(&mut self, event: &Event) -> bool {
        let waits = |reason: String, kind: fn(String) -> Kind| {
            // How much is needed, and is free, differs from file to file.
            let beginning = reason.split(':').next().unwrap_or(&reason).to_owned();
            (kind(beginning), reason)
        };
        let (peer, (kind, reason), name) = match event {
            Event::Confirmed { peer, name, already: true, .. } => {
                (*peer, (Kind::Has, String::new()), name)
            }
            Event::Declined { peer, name, reason } => {
                (*peer, (Kind::Declines(Arc::clone(reason)), String::new()), name)
            }
            Event::Rejected { peer, name, reason, fate: Fate::Passing } => {
                (*peer, waits(text::message(reason), Kind::CannotTake), name)
            }
            Event::Refused { peer, name, reason, fate: Fate::Passing } => {
                (*peer, waits(file_news::why(reason), Kind::Waits), name)
            }
            Event::Retried { peer, name } => (*peer, (Kind::Comes, String::new()), name),
            _ => return false,
        };
        let key = (peer, kind);
        if self.news.len() >= MAX_LINES && !self.news.contains_key(&key) {
            return false;
        }
        let new = || Files { count: 0, example: Arc::clone(name), reason };
        self.news.entry(key).or_insert_with(new).count += 1;
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

    /// Tells what was counted.
    pub(crate) fn tell(&mut self, progress: &Progress) {
        for sentence in self.take(|peer| progress.name_of(peer)) {
            progress.say(sentence);
        }
    }

    /// Tells of the files of a peer that wait, or do so no more: one of them is there, and its line comes
    /// after that.
    pub(crate) fn tell_of_waiting(&mut self, peer: PeerId, progress: &Progress) {
        for sentence in self.take_waiting(peer, |peer| progress.name_of(peer)) {
            progress.say(sentence);
        }
    }

    /// Takes the news. `who` is a peer's name.
    fn take(&mut self, who: impl Fn(PeerId) -> String) -> Vec<String> {
        self.due = None;
        let news = std::mem::take(&mut self.news);
        news.into_iter().map(|((peer, kind), files)| sentence(&who(peer), &kind, &files)).collect()
    }

    fn take_waiting(&mut self, of: PeerId, who: impl Fn(PeerId) -> String) -> Vec<String> {
        let is_waiting = |(peer, kind): &(PeerId, Kind)| {
            *peer == of && matches!(kind, Kind::CannotTake(_) | Kind::Waits(_) | Kind::Comes)
        };
        let (news, others): (BTreeMap<_, _>, _) =
            std::mem::take(&mut self.news).into_iter().partition(|(key, _)| is_waiting(key));
        self.news = others;
        news.into_iter().map(|((peer, kind), files)| sentence(&who(peer), &kind, &files)).collect()
    }
}

fn sentence(who: &str, kind: &Kind, files: &Files) -> String {
    let Files { count, example, reason } = files;
    let (one, count) = (*count == 1, format!("{count} files"));
    let example = text::message(example);
    let what = if one { &example } else { &count };
    // The reason is that of one of them.
    let such = if one { String::new() } else { format!(", such as {example}") };
    match kind {
        Kind::Has => format!("{who} has {what} already"),
        Kind::Declines(reason) if reason.is_empty() => format!("{who} does not want {what}"),
        Kind::Declines(reason) => {
            format!("{who} does not want {what}: {}", text::message(reason))
        }
        Kind::CannotTake(_) => format!("{who} cannot take {what} yet{such}: {reason}"),
        Kind::Waits(_) if one => format!("{who}: {what} has to wait: {reason}"),
        Kind::Waits(_) => format!("{who}: {what} have to wait{such}: {reason}"),
        Kind::Comes if one => format!("{who}: {what} comes now"),
        Kind::Comes => format!("{who}: {what} come now"),
    }
}

#[cfg(test)]
mod tests {
    use zyre::Refusal;

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
    /// A disk that is full is so for all.
    #[test]
    fn files_that_wait_are_one_line_and_come_before_the_first_of_them() {
        let mut counted = Counted::default();
        let [alice, bob] = [1, 2].map(|id| PeerId::new([id; 16]));
        let who = |peer| if peer == alice { "alice".to_owned() } else { "bob".to_owned() };
        let no_room = |needed| Refusal::NoRoom { needed, free: 1 << 20 };
        for needed in 1..=10_000_u64 {
            let (name, reason) = (format!("/{needed}").into(), no_room(needed << 20));
            let fate = Fate::Passing;
            assert!(counted.note(&Event::Refused { peer: alice, name, reason, fate }));
            let (name, reason) = (format!("/{needed}").into(), no_room(needed << 20).to_string());
            let reason = reason.into();
            assert!(counted.note(&Event::Rejected { peer: bob, name, reason, fate }));
        }
        let final_one = |fate| Event::Refused {
            peer: alice,
            name: "/x".into(),
            reason: Refusal::Bytes { limit: 1 },
            fate,
        };
        assert!(!counted.note(&final_one(Fate::Final)) && counted.note(&final_one(Fate::Passing)));
        assert!(counted.note(&Event::Retried { peer: alice, name: "/1".into() }));
        let expected = [
            "alice: 10000 files have to wait, such as /1: no space: 1.00 MiB needed, 1.00 MiB free",
            "alice: /x has to wait: the received folder is full: it may hold 1 bytes; raise the limit \
             or remove files",
            "alice: /1 comes now",
        ];
        assert_eq!(counted.take_waiting(alice, who), expected);
        assert!(counted.note(&Event::Retried { peer: alice, name: "/1".into() }));
        assert!(counted.note(&Event::Retried { peer: alice, name: "/2".into() }));
        let expected = [
            "alice: 2 files come now",
            "bob cannot take 10000 files yet, such as /1: no space on the disk: 1 MiB needed, 1 MiB \
             free",
        ];
        assert_eq!(counted.take(who), expected);
    }

    #[test]
    fn reasons_of_a_peer_do_not_pile_up() {
        let mut counted = Counted::default();
        let (peer, fate) = (PeerId::new([1; 16]), Fate::Passing);
        let rejected = |number: usize| Event::Rejected {
            peer,
            name: "/a".into(),
            reason: number.to_string().into(),
            fate,
        };
        for number in 0..MAX_LINES + 10 {
            assert_eq!(counted.note(&rejected(number)), number < MAX_LINES);
        }
        assert!(counted.note(&rejected(0)));
        assert_eq!(counted.take(|_| "bob".to_owned()).len(), MAX_LINES);
    }
}
