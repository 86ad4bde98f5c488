//! What is on offer, and what was decided.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Notify;

use super::event::ClientEvent;
use super::offer::{OfferId, OfferInfo, OfferState};
use crate::VirtualPath;
use crate::session::OfferedFile;

/// The most servers of which decisions are remembered while they are not connected.
const MAX_ABSENT: usize = 1000;

/// What is to be done with a file on offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Accept,
    Decline(String),
    Pause,
    Cancel,
}

/// What all servers offer, and what was decided, as long as the client lives: a file that is offered
/// again with the same size and time is decided.
#[derive(Debug)]
pub(super) struct OfferBook {
    /// The most files of a server that are remembered.
    limit: usize,
    last_id: u64,
    origins: BTreeMap<Arc<str>, OriginOffers>,
    /// The offers that hold, or are to be remembered.
    ids: BTreeMap<OfferId, (Arc<str>, VirtualPath)>,
}

/// What one server offers.
#[derive(Debug, Default)]
struct OriginOffers {
    files: BTreeMap<VirtualPath, RememberedFile>,
    /// The names of those that are on offer now, by the numbers of the session.
    numbers: BTreeMap<u64, VirtualPath>,
    is_connected: bool,
    /// What the connection has to do, and how it hears of it.
    orders: Vec<(u64, Decision)>,
    wake: Arc<Notify>,
}

#[derive(Debug)]
struct RememberedFile {
    id: OfferId,
    file: OfferedFile,
    /// The number in the session, while it is on offer.
    number: Option<u64>,
    decided: Decided,
    /// Where it is to be put.
    target: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Decided {
    Open,
    Accepted,
    Paused,
    Declined(String),
}

/// What follows from an offer.
#[derive(Debug, Default)]
pub(super) struct Offered {
    /// What the application is to be told.
    pub(super) event: Option<ClientEvent>,
    /// What was decided before.
    pub(super) decision: Option<Decision>,
}

impl OfferBook {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, last_id: 0, origins: BTreeMap::new(), ids: BTreeMap::new() }
    }

    /// Notes that a session with a server begins: nothing is on offer yet. Returns what tells the
    /// connection that there are orders.
    pub(super) fn connected(&mut self, origin: &Arc<str>) -> Arc<Notify> {
        self.disconnected(origin);
        let offers = self.origins.entry(Arc::clone(origin)).or_default();
        offers.is_connected = true;
        Arc::clone(&offers.wake)
    }

    /// Notes that a session is over. What was decided is remembered.
    pub(super) fn disconnected(&mut self, origin: &str) {
        if let Some(offers) = self.origins.get_mut(origin) {
            offers.is_connected = false;
            offers.orders.clear();
            offers.numbers.clear();
            offers.files.values_mut().for_each(|file| file.number = None);
        }
        self.origins.retain(|_, offers| offers.is_connected || !offers.files.is_empty());
        let absent = self.origins.iter().filter(|(_, offers)| !offers.is_connected);
        let absent: Vec<_> = absent.map(|(origin, _)| Arc::clone(origin)).collect();
        for origin in absent.iter().take(absent.len().saturating_sub(MAX_ABSENT)) {
            let gone = self.origins.remove(origin);
            for file in gone.iter().flat_map(|offers| offers.files.values()) {
                self.ids.remove(&file.id);
            }
        }
    }

    /// Notes that a file is on offer.
    pub(super) fn offered(&mut self, origin: &Arc<str>, number: u64, file: OfferedFile) -> Offered {
        let Some(offers) = self.origins.get_mut(origin) else { return Offered::default() };
        let name = file.name.clone();
        // Of a server that tells neither size nor time, what comes twice in a session has changed.
        if let Some(known) = offers.files.get_mut(&name)
            && known.file == file
            && (known.number.is_none() || file.modified.is_some())
        {
            known.number = Some(number);
            let decision = match &known.decided {
                Decided::Open => None,
                Decided::Accepted => Some(Decision::Accept),
                Decided::Paused => Some(Decision::Pause),
                Decided::Declined(reason) => Some(Decision::Decline(reason.clone())),
            };
            offers.numbers.insert(number, name);
            return Offered { event: None, decision };
        }
        if offers.files.len() >= self.limit {
            // The session bounds what is on offer: this is memory of what was.
            let old = offers.files.iter().find(|(_, file)| file.number.is_none());
            if let Some(name) = old.map(|(name, _)| name.clone())
                && let Some(old) = offers.files.remove(&name)
            {
                self.ids.remove(&old.id);
            }
        }
        self.last_id += 1;
        let id = OfferId(self.last_id);
        self.ids.insert(id, (Arc::clone(origin), name.clone()));
        offers.numbers.insert(number, name.clone());
        let (decided, target) = (Decided::Open, None);
        let remembered = RememberedFile { id, file, number: Some(number), decided, target };
        let info = info(origin, &remembered);
        if let Some(old) = offers.files.insert(name, remembered) {
            self.ids.remove(&old.id);
        }
        let event = info.map(|offer| ClientEvent::Offered { offer });
        Offered { event, decision: None }
    }

    /// Notes that an offer holds no more. Returns what the application is to be told, if it was told of
    /// the offer.
    pub(super) fn withdrawn(&mut self, origin: &Arc<str>, number: u64) -> Option<ClientEvent> {
        let offers = self.origins.get_mut(origin)?;
        let name = offers.numbers.remove(&number)?;
        let known = offers.files.get(&name).filter(|file| file.number == Some(number))?;
        let (id, is_declined) = (known.id, matches!(known.decided, Decided::Declined(_)));
        self.forget(origin, &name);
        let origin = Arc::clone(origin);
        (!is_declined).then_some(ClientEvent::Withdrawn { origin, id, name })
    }

    /// Notes that a file has come. Returns where it is to be put, if that was said.
    pub(super) fn delivered(&mut self, origin: &str, name: &VirtualPath) -> Option<PathBuf> {
        self.forget(origin, name)?.target
    }

    /// Notes that a file is refused for good: it is not asked for again.
    pub(super) fn refused(&mut self, origin: &str, name: &VirtualPath, reason: String) {
        let file = self.origins.get_mut(origin).and_then(|offers| offers.files.get_mut(name));
        if let Some(file) = file {
            file.decided = Decided::Declined(reason);
        }
    }

    fn forget(&mut self, origin: &str, name: &VirtualPath) -> Option<RememberedFile> {
        let offers = self.origins.get_mut(origin)?;
        let file = offers.files.remove(name)?;
        if let Some(number) = file.number {
            offers.numbers.remove(&number);
        }
        self.ids.remove(&file.id);
        Some(file)
    }

    /// Notes what the application wants. Returns `false` if there is no such offer.
    pub(super) fn decide(
        &mut self,
        id: OfferId,
        decision: Decision,
        target: Option<PathBuf>,
    ) -> bool {
        let Some((origin, name)) = self.ids.get(&id) else { return false };
        let Some(offers) = self.origins.get_mut(origin) else { return false };
        let Some(file) = offers.files.get_mut(name) else { return false };
        if matches!(file.decided, Decided::Declined(_)) {
            return false;
        }
        file.target = target;
        file.decided = match &decision {
            Decision::Accept => Decided::Accepted,
            Decision::Decline(reason) => Decided::Declined(reason.clone()),
            Decision::Pause => Decided::Paused,
            Decision::Cancel => Decided::Open,
        };
        if let Some(number) = file.number {
            offers.orders.push((number, decision));
            offers.wake.notify_one();
        }
        true
    }

    /// Takes what the connection to a server has to do.
    pub(super) fn take_orders(&mut self, origin: &str) -> Vec<(u64, Decision)> {
        self.origins
            .get_mut(origin)
            .map(|offers| std::mem::take(&mut offers.orders))
            .unwrap_or_default()
    }

    /// Returns what a server offers now, in the order of names, without what was declined.
    pub(super) fn list(&self, origin: &str) -> Vec<OfferInfo> {
        let Some((origin, offers)) = self.origins.get_key_value(origin) else { return Vec::new() };
        let on_offer = offers.files.values().filter(|file| file.number.is_some());
        on_offer.filter_map(|file| info(origin, file)).collect()
    }
}

/// Returns what the application is told of a file, unless it was declined.
fn info(origin: &Arc<str>, remembered: &RememberedFile) -> Option<OfferInfo> {
    let RememberedFile { id, file, decided, .. } = remembered;
    let state = match decided {
        Decided::Open => OfferState::Open,
        Decided::Accepted => OfferState::Accepted,
        Decided::Paused => OfferState::Paused,
        Decided::Declined(_) => return None,
    };
    let OfferedFile { name, size, modified } = file.clone();
    Some(OfferInfo { id: *id, origin: Arc::clone(origin), name, size, modified, state })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Decision, MAX_ABSENT, OfferBook, OfferState};
    use crate::VirtualPath;
    use crate::driver::client::event::ClientEvent;
    use crate::driver::client::offer::OfferId;
    use crate::session::OfferedFile;

    fn file(name: &str, size: u64) -> OfferedFile {
        OfferedFile { name: VirtualPath::new(name).unwrap(), size: Some(size), modified: None }
    }

    fn asked(event: Option<ClientEvent>) -> OfferId {
        match event {
            Some(ClientEvent::Offered { offer }) => offer.id,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn decisions_survive_a_reconnect_until_the_file_changes() {
        let (mut book, origin): (_, Arc<str>) = (OfferBook::new(10), "alice".into());
        book.connected(&origin);
        let a = asked(book.offered(&origin, 0, file("/a", 1)).event);
        let b = asked(book.offered(&origin, 1, file("/b", 1)).event);
        let c = asked(book.offered(&origin, 2, file("/c", 1)).event);
        assert!(book.decide(a, Decision::Accept, None));
        assert!(book.decide(b, Decision::Decline("no".into()), None));
        assert!(!book.decide(b, Decision::Accept, None), "it was declined");
        let orders = [(0, Decision::Accept), (1, Decision::Decline("no".into()))];
        assert_eq!(book.take_orders("alice"), orders);
        book.connected(&origin);
        assert_eq!(book.list("alice"), []);
        for (number, name, decision) in [
            (0, "/c", None),
            (1, "/b", Some(Decision::Decline("no".into()))),
            (2, "/a", Some(Decision::Accept)),
        ] {
            let offered = book.offered(&origin, number, file(name, 1));
            assert!(offered.event.is_none(), "{name} was told");
            assert_eq!(offered.decision, decision, "{name}");
        }
        assert!(book.decide(c, Decision::Pause, None), "the id holds");
        let states: Vec<_> =
            book.list("alice").iter().map(|offer| (offer.id, offer.state)).collect();
        assert_eq!(states, [(a, OfferState::Accepted), (c, OfferState::Paused)]);
        // It has changed.
        assert!(book.withdrawn(&origin, 1).is_none(), "the application does not want to know");
        let again = asked(book.offered(&origin, 3, file("/b", 2)).event);
        assert!(again != b && book.withdrawn(&origin, 3).is_some());
        assert!(!book.decide(again, Decision::Accept, None));
    }

    #[test]
    fn of_a_server_that_tells_little_a_file_that_comes_again_has_changed() {
        let (mut book, origin): (_, Arc<str>) = (OfferBook::new(10), "c".into());
        let bare = || OfferedFile { size: None, ..file("/a", 0) };
        book.connected(&origin);
        let first = asked(book.offered(&origin, 0, bare()).event);
        assert!(book.decide(first, Decision::Decline(String::new()), None));
        assert_ne!(asked(book.offered(&origin, 1, bare()).event), first);
        let second = asked(book.offered(&origin, 2, bare()).event);
        assert!(book.decide(second, Decision::Decline(String::new()), None));
        book.connected(&origin);
        let decision = book.offered(&origin, 0, bare()).decision;
        assert_eq!(decision, Some(Decision::Decline(String::new())), "it is the same one");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut book = OfferBook::new(2);
        for number in 0..MAX_ABSENT + 10 {
            let origin: Arc<str> = number.to_string().into();
            book.connected(&origin);
            for name in ["/a", "/b"] {
                book.offered(&origin, 0, file(name, 1));
            }
            book.connected(&origin);
            for name in ["/c", "/d"] {
                book.offered(&origin, 0, file(name, 1));
            }
            assert_eq!(book.origins[&origin].files.len(), 2);
            book.disconnected(&origin);
        }
        assert_eq!((book.origins.len(), book.ids.len()), (MAX_ABSENT, 2 * MAX_ABSENT));
    }
}
