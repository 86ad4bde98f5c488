//! Files that the client is offered, and what it wants of them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::VirtualPath;
use crate::catalogue::Entry;
use crate::message::{Message, Offer};
use crate::session::extensions;

/// The most offers that are not answered, or whose files wait to be sent: what a client has to
/// remember of a server is bounded, and still there is always something to send.
const MAX_OPEN: usize = 4096;

/// About how many bytes of offers are sent in one message.
const BATCH_BYTES: usize = 64 << 10;

/// Files that the client was offered and that it has not confirmed. A name is offered once.
#[derive(Debug, Default)]
pub(super) struct OfferedFiles {
    /// The number of the next offer. None is used twice.
    next: u64,
    files: BTreeMap<u64, OfferedFile>,
    numbers: HashMap<VirtualPath, u64>,
    /// The numbers of the files that the client wants, in the order in which it has said so.
    fetched: BTreeMap<u64, u64>,
    next_turn: u64,
    /// How many offers have no answer.
    unanswered: usize,
    /// Whether no more is offered before there are fewer open offers.
    is_full: bool,
    /// What the client was not told yet, in its order.
    unsent: VecDeque<Offer>,
    unsent_bytes: usize,
}

#[derive(Debug)]
struct OfferedFile {
    entry: Arc<Entry>,
    stage: Stage,
    /// How often it was fetched.
    fetches: u64,
}

/// What has become of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Unanswered,
    /// The client does not want the file now.
    Later,
    /// The client wants the file: its place among those.
    Fetched(u64),
    /// The file is on its way, or was sent, or rests because it cannot be read.
    Begun,
}

impl OfferedFiles {
    /// Returns whether more may be offered. Once there are too many open offers that is so again when
    /// half of them are settled.
    pub(super) fn has_room(&mut self) -> bool {
        let open = self.unanswered + self.fetched.len();
        self.is_full = open >= MAX_OPEN || (self.is_full && open > MAX_OPEN / 2);
        !self.is_full
    }

    /// Offers a file.
    pub(super) fn offer(&mut self, entry: Arc<Entry>) {
        self.withdraw(entry.name());
        let number = self.next;
        self.next += 1;
        self.say(extensions::offer(number, entry.name(), &entry.version()));
        self.numbers.insert(entry.name().clone(), number);
        self.files.insert(number, OfferedFile { entry, stage: Stage::Unanswered, fetches: 0 });
        self.unanswered += 1;
    }

    /// Takes back the offer of a file that has changed, is gone, or is not for this client any more.
    pub(super) fn withdraw(&mut self, name: &VirtualPath) {
        if let Some(number) = self.forget(name) {
            self.say(Offer::Withdrawn { number });
        }
    }

    fn say(&mut self, offer: Offer) {
        self.unsent_bytes += offer.encoded_len();
        self.unsent.push_back(offer);
    }

    /// Forgets the offer of a file. Returns its number.
    pub(super) fn forget(&mut self, name: &VirtualPath) -> Option<u64> {
        let number = self.numbers.remove(name)?;
        self.settle(number);
        self.files.remove(&number);
        Some(number)
    }

    /// Takes an offer out of those that wait for something.
    fn settle(&mut self, number: u64) {
        match self.files.get(&number).map(|file| file.stage) {
            Some(Stage::Unanswered) => self.unanswered -= 1,
            Some(Stage::Fetched(turn)) => {
                self.fetched.remove(&turn);
            }
            _ => {}
        }
    }

    fn set(&mut self, number: u64, stage: Stage) {
        self.settle(number);
        if let Some(file) = self.files.get_mut(&number) {
            file.stage = stage;
        }
    }

    fn queue(&mut self, number: u64) {
        let turn = self.next_turn;
        self.next_turn += 1;
        self.set(number, Stage::Fetched(turn));
        self.fetched.insert(turn, number);
    }

    /// Returns whether a message is full of what the client was not told yet.
    pub(super) const fn is_due(&self) -> bool {
        self.unsent_bytes >= BATCH_BYTES
    }

    /// Takes the next message, if there is something to tell. Any number of offers may have been
    /// withdrawn at a time, so there may be several.
    pub(super) fn take_unsent(&mut self) -> Option<Message> {
        let (mut offers, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH_BYTES
            && let Some(offer) = self.unsent.pop_front()
        {
            bytes += offer.encoded_len();
            offers.push(offer);
        }
        self.unsent_bytes = self.unsent_bytes.saturating_sub(bytes);
        (!offers.is_empty()).then_some(Message::Offers(offers))
    }

    /// Handles that the client wants a file. Returns the file, unless it is on its way or the offer
    /// does not hold.
    pub(super) fn fetch(&mut self, number: u64) -> Option<&Arc<Entry>> {
        let stage = self.files.get(&number)?.stage;
        if !matches!(stage, Stage::Unanswered | Stage::Later) {
            return None;
        }
        self.queue(number);
        let file = self.files.get_mut(&number)?;
        file.fetches += 1;
        Some(&file.entry)
    }

    /// Handles that the client does not want a file now. Returns the file: it may be on its way.
    pub(super) fn put_off(&mut self, number: u64) -> Option<Arc<Entry>> {
        self.set(number, Stage::Later);
        self.files.get(&number).map(|file| Arc::clone(&file.entry))
    }

    /// Handles that the client does not want a file. Returns the file: it may be on its way.
    pub(super) fn decline(&mut self, number: u64) -> Option<Arc<Entry>> {
        let entry = Arc::clone(&self.files.get(&number)?.entry);
        self.forget(entry.name());
        Some(entry)
    }

    /// Returns the next file to send: `first`, if the client wants it.
    pub(super) fn next(&self, first: Option<&VirtualPath>) -> Option<&Arc<Entry>> {
        let is_fetched = |file: &&OfferedFile| matches!(file.stage, Stage::Fetched(_));
        let first = first.and_then(|name| self.files.get(self.numbers.get(name)?));
        let next = || self.files.get(self.fetched.first_key_value()?.1);
        first.filter(is_fetched).or_else(next).map(|file| &file.entry)
    }

    /// Handles that a file is being sent. Returns which fetch that answers.
    pub(super) fn begin(&mut self, name: &VirtualPath) -> u64 {
        let Some(&number) = self.numbers.get(name) else { return 1 };
        self.set(number, Stage::Begun);
        self.files.get(&number).map_or(1, |file| file.fetches)
    }

    /// Tries a file again that could not be read. Returns `false` if the client
    /// was not offered it.
    pub(super) fn again(&mut self, entry: &Arc<Entry>) -> bool {
        let Some(&number) = self.numbers.get(entry.name()) else { return false };
        if self.files.get(&number).is_some_and(|file| file.stage == Stage::Begun) {
            self.queue(number);
        }
        true
    }

    /// The files of all offers that hold.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.files.values().map(|file| &file.entry)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use super::{MAX_OPEN, OfferedFiles};
    use crate::VirtualPath;
    use crate::catalogue::{Audience, Entry};
    use crate::disk::FileSource;
    use crate::version::Version;

    fn entry(name: &str) -> Arc<Entry> {
        let version =
            Version { size: 0, modified: SystemTime::UNIX_EPOCH, mode: 0, inode: 0, changed: None };
        let (name, source) = (VirtualPath::new(name).unwrap(), FileSource::anywhere("x".into()));
        Arc::new(Entry::new(name, source, version, Audience::Everyone))
    }

    #[test]
    fn open_offers_are_bounded_and_go_on_when_half_of_them_are_settled() {
        let mut offers = OfferedFiles::default();
        let mut number = 0;
        while offers.has_room() {
            offers.offer(entry(&format!("/{number}")));
            number += 1;
        }
        assert_eq!(number, MAX_OPEN);
        let half = MAX_OPEN as u64 / 2;
        for number in 0..half - 1 {
            offers.put_off(number).unwrap();
        }
        // What the client wants is open until it is sent.
        offers.fetch(half).unwrap();
        assert!(!offers.has_room());
        let name = offers.next(None).unwrap().name().clone();
        offers.begin(&name);
        assert!(offers.has_room());
        // A client that changes its mind all the time is no more work.
        for _ in 0..10 {
            offers.fetch(half + 1).unwrap();
            offers.put_off(half + 1).unwrap();
        }
        assert_eq!((offers.fetched.len(), offers.unanswered), (0, MAX_OPEN / 2 - 1));
    }

    #[test]
    fn the_file_that_is_gone_on_with_is_first_and_others_are_in_turn() {
        let mut offers = OfferedFiles::default();
        for name in ["/a", "/b", "/c"] {
            offers.offer(entry(name));
        }
        let resumed = VirtualPath::new("/c").unwrap();
        let next = |offers: &OfferedFiles| {
            offers.next(Some(&resumed)).map(|entry| entry.name().to_string())
        };
        assert_eq!(next(&offers), None, "it was not fetched");
        offers.fetch(1);
        offers.fetch(0);
        assert_eq!(next(&offers).as_deref(), Some("/b"));
        offers.fetch(2);
        assert_eq!(next(&offers).as_deref(), Some("/c"));
        assert!(offers.fetch(2).is_none() && offers.fetch(3).is_none());
    }
}
