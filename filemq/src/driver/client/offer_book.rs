//! What is on offer, and what was decided.

use std::collections::{BTreeMap, BTreeSet};
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
    /// Those that are not on offer now, or settled: they make room for others.
    idle: BTreeSet<OfferId>,
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
    /// The number by which the received folder knows it, once it comes.
    sequence: Option<u64>,
    /// Whether it was on offer in this session.
    is_of_session: bool,
    /// Whether the application was told that the offer holds no more.
    is_withdrawn: bool,
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
    /// It has come, and was put elsewhere, so the server takes it for missing.
    Taken,
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
            for file in offers.files.values_mut() {
                (file.number, file.sequence, file.is_of_session) = (None, None, false);
                offers.idle.insert(file.id);
            }
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
        if let Some(known) = offers.files.get(&name)
            && known.file == file
            && (!known.is_of_session || file.modified.is_some())
        {
            return offers.again(origin, number, &name);
        }
        self.make_room(origin, &name);
        self.last_id += 1;
        let id = OfferId(self.last_id);
        self.ids.insert(id, (Arc::clone(origin), name.clone()));
        let remembered = RememberedFile {
            id,
            file,
            number: Some(number),
            sequence: None,
            is_of_session: true,
            is_withdrawn: false,
            decided: Decided::Open,
            target: None,
        };
        let event = info(origin, &remembered).map(|offer| ClientEvent::Offered { offer });
        if let Some(offers) = self.origins.get_mut(origin) {
            offers.numbers.insert(number, name.clone());
            offers.files.insert(name, remembered);
        }
        Offered { event, decision: None }
    }

    /// Forgets the state of a file of this name, and what is idle if there is too much. The session bounds
    /// what is on offer.
    fn make_room(&mut self, origin: &str, name: &VirtualPath) {
        self.forget(origin, name);
        let Some(offers) = self.origins.get_mut(origin) else { return };
        while offers.files.len() >= self.limit
            && let Some(id) = offers.idle.pop_first()
        {
            if let Some((_, name)) = self.ids.remove(&id) {
                offers.files.remove(&name);
            }
        }
    }

    /// Notes that an offer holds no more. Returns what the application is to be told, if it was told of
    /// the offer. What it has decided counts if the same file is offered again.
    pub(super) fn withdrawn(&mut self, origin: &Arc<str>, number: u64) -> Option<ClientEvent> {
        let offers = self.origins.get_mut(origin)?;
        let name = offers.numbers.get(&number)?.clone();
        let known = offers.files.get_mut(&name)?;
        known.is_withdrawn = true;
        let (id, is_open) = (known.id, known.decided == Decided::Open);
        if is_open {
            self.forget(origin, &name);
        } else {
            offers.lay_aside(&name);
        }
        Some(ClientEvent::Withdrawn { origin: Arc::clone(origin), id, name })
    }

    /// Notes that a file on offer comes, under this number in the received folder.
    pub(super) fn begun(&mut self, origin: &str, number: u64, sequence: u64) {
        let Some(offers) = self.origins.get_mut(origin) else { return };
        if let Some(name) = offers.numbers.get(&number)
            && let Some(file) = offers.files.get_mut(name)
        {
            file.sequence = Some(sequence);
        }
    }

    /// Notes that the file of this number in the received folder has come. Returns where it is to be put,
    /// if that was said. What is on offer under its name may be its next state by now.
    pub(super) fn delivered(
        &mut self,
        origin: &str,
        name: &VirtualPath,
        sequence: u64,
    ) -> Option<PathBuf> {
        let offers = self.origins.get_mut(origin)?;
        let file = offers.files.get_mut(name)?;
        if file.sequence != Some(sequence) {
            return None;
        }
        let target = file.target.take();
        if target.is_some() {
            file.decided = Decided::Taken;
            offers.lay_aside(name);
        } else {
            self.forget(origin, name);
        }
        target
    }

    /// Notes that the file of this number in the received folder is refused for good: it is not asked for
    /// again.
    pub(super) fn refused(&mut self, origin: &str, name: &VirtualPath, sequence: u64, why: String) {
        let Some(offers) = self.origins.get_mut(origin) else { return };
        if let Some(file) = offers.files.get_mut(name)
            && file.sequence == Some(sequence)
        {
            file.decided = Decided::Declined(why);
            offers.lay_aside(name);
        }
    }

    /// Notes that there can be no room for the file on offer under this number.
    pub(super) fn has_no_room(&mut self, origin: &str, number: u64, why: String) {
        let Some(offers) = self.origins.get_mut(origin) else { return };
        if let Some(name) = offers.numbers.get(&number).cloned()
            && let Some(file) = offers.files.get_mut(&name)
        {
            file.decided = Decided::Declined(why);
            offers.lay_aside(&name);
        }
    }

    fn forget(&mut self, origin: &str, name: &VirtualPath) {
        let Some(offers) = self.origins.get_mut(origin) else { return };
        offers.lay_aside(name);
        if let Some(file) = offers.files.remove(name) {
            offers.idle.remove(&file.id);
            self.ids.remove(&file.id);
        }
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
        if file.is_withdrawn || matches!(file.decided, Decided::Declined(_) | Decided::Taken) {
            return false;
        }
        let (decided, keeps_target) = match &decision {
            Decision::Accept => (Decided::Accepted, target.is_none()),
            Decision::Pause => (Decided::Paused, true),
            Decision::Decline(reason) => (Decided::Declined(reason.clone()), false),
            Decision::Cancel => (Decided::Open, false),
        };
        file.decided = decided;
        if !keeps_target {
            file.target = target;
        }
        let (number, is_over) = (file.number, matches!(file.decided, Decided::Declined(_)));
        if is_over {
            offers.lay_aside(name);
        }
        if let Some(number) = number {
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

impl OriginOffers {
    /// Notes that a file that is known is on offer, perhaps again.
    fn again(&mut self, origin: &Arc<str>, number: u64, name: &VirtualPath) -> Offered {
        self.lay_aside(name);
        let Some(known) = self.files.get_mut(name) else { return Offered::default() };
        known.is_of_session = true;
        let (decision, holds) = match &known.decided {
            Decided::Open => (None, true),
            Decided::Accepted => (Some(Decision::Accept), true),
            Decided::Paused => (Some(Decision::Pause), true),
            Decided::Declined(reason) => (Some(Decision::Decline(reason.clone())), false),
            Decided::Taken => (Some(Decision::Pause), false),
        };
        let was_withdrawn = std::mem::replace(&mut known.is_withdrawn, false);
        if holds {
            known.number = Some(number);
            self.idle.remove(&known.id);
            self.numbers.insert(number, name.clone());
        }
        let offer = if was_withdrawn { info(origin, known) } else { None };
        Offered { event: offer.map(|offer| ClientEvent::Offered { offer }), decision }
    }

    /// Notes that a file is not on offer any more, or that nothing is to be decided about it.
    fn lay_aside(&mut self, name: &VirtualPath) {
        let Some(file) = self.files.get_mut(name) else { return };
        if let Some(number) = file.number.take() {
            self.numbers.remove(&number);
        }
        file.sequence = None;
        self.idle.insert(file.id);
    }
}

/// Returns what the application is told of a file, if there is something to decide.
fn info(origin: &Arc<str>, remembered: &RememberedFile) -> Option<OfferInfo> {
    let RememberedFile { id, file, decided, .. } = remembered;
    let state = match decided {
        Decided::Open => OfferState::Open,
        Decided::Accepted => OfferState::Accepted,
        Decided::Paused => OfferState::Paused,
        Decided::Declined(_) | Decided::Taken => return None,
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

    /// As a server tells it that tells the time.
    fn dated(name: &str, size: u64) -> OfferedFile {
        OfferedFile { modified: Some(std::time::UNIX_EPOCH), ..file(name, size) }
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
    #[test]
    fn what_is_declined_makes_room_in_the_same_session() {
        let (mut book, origin): (_, Arc<str>) = (OfferBook::new(3), "a".into());
        book.connected(&origin);
        let kept = asked(book.offered(&origin, 0, dated("/kept", 1)).event);
        for number in 1..100 {
            let name = format!("/{number}");
            let id = asked(book.offered(&origin, number, dated(&name, 1)).event);
            assert!(book.decide(id, Decision::Decline(String::new()), None));
            let offers = &book.origins[&origin];
            assert!(offers.files.len() <= 3 && offers.numbers.len() == 1, "{number}");
        }
        assert_eq!((book.ids.len(), book.list("a")[0].id), (3, kept));
        let again = book.offered(&origin, 100, dated("/99", 1));
        assert_eq!(again.decision, Some(Decision::Decline(String::new())), "the newest is known");
    }

    /// The session forgets a file at its end, the folder answers later, and meanwhile it may change.
    #[test]
    fn an_answer_about_a_state_says_nothing_of_the_next_one() {
        let (mut book, origin): (_, Arc<str>) = (OfferBook::new(9), "a".into());
        book.connected(&origin);
        let name = VirtualPath::new("/a").unwrap();
        asked(book.offered(&origin, 0, dated("/a", 1)).event);
        book.begun("a", 0, 70);
        let next = asked(book.offered(&origin, 1, dated("/a", 2)).event);
        assert!(book.decide(next, Decision::Accept, Some("/target".into())));
        assert_eq!(book.delivered("a", &name, 70), None);
        book.refused("a", &name, 70, "full".into());
        book.has_no_room("a", 0, "full".into());
        assert_eq!(book.list("a")[0].state, OfferState::Accepted);
        book.begun("a", 1, 71);
        assert_eq!(book.delivered("a", &name, 71), Some("/target".into()));
        assert!(!book.decide(next, Decision::Accept, None));
        let last = asked(book.offered(&origin, 2, dated("/a", 3)).event);
        book.begun("a", 2, 72);
        book.refused("a", &name, 72, "full".into());
        assert!(!book.decide(last, Decision::Accept, None));
    }

    #[test]
    fn where_a_file_is_to_be_put_holds_until_that_is_taken_back() {
        for (decisions, target) in [
            (&[Decision::Pause, Decision::Accept][..], Some("/target")),
            (&[Decision::Accept], Some("/target")),
            (&[Decision::Cancel, Decision::Accept], None),
        ] {
            let (mut book, origin): (_, Arc<str>) = (OfferBook::new(9), "a".into());
            book.connected(&origin);
            let id = asked(book.offered(&origin, 0, dated("/a", 1)).event);
            assert!(book.decide(id, Decision::Accept, Some("/target".into())));
            for decision in decisions {
                assert!(book.decide(id, decision.clone(), None));
            }
            book.begun("a", 0, 7);
            let put = book.delivered("a", &VirtualPath::new("/a").unwrap(), 7);
            assert_eq!(put, target.map(Into::into), "{decisions:?}");
        }
    }

    #[test]
    fn a_file_that_was_put_elsewhere_is_not_offered_again_until_it_changes() {
        let (mut book, origin): (_, Arc<str>) = (OfferBook::new(9), "a".into());
        book.connected(&origin);
        let id = asked(book.offered(&origin, 0, dated("/a", 1)).event);
        assert!(book.decide(id, Decision::Accept, Some("/target".into())));
        book.begun("a", 0, 7);
        book.delivered("a", &VirtualPath::new("/a").unwrap(), 7);
        book.connected(&origin);
        let again = book.offered(&origin, 0, dated("/a", 1));
        assert_eq!((again.event, again.decision), (None, Some(Decision::Pause)));
        assert_eq!((book.list("a"), book.withdrawn(&origin, 0)), (vec![], None));
        assert_ne!(asked(book.offered(&origin, 1, dated("/a", 2)).event), id);
    }

    /// For instance because the server does not know this client for a moment.
    #[test]
    fn what_was_decided_outlives_a_withdrawal() {
        let (mut book, origin): (_, Arc<str>) = (OfferBook::new(9), "a".into());
        book.connected(&origin);
        for (number, decision) in [(0, Decision::Accept), (1, Decision::Pause)] {
            let name = format!("/{number}");
            let id = asked(book.offered(&origin, number, dated(&name, 1)).event);
            assert!(book.decide(id, decision.clone(), None));
            assert!(book.withdrawn(&origin, number).is_some());
            assert!(!book.decide(id, Decision::Cancel, None), "it is not on offer");
            let again = book.offered(&origin, number + 10, dated(&name, 1));
            assert_eq!((asked(again.event), again.decision), (id, Some(decision)));
            assert!(book.decide(id, Decision::Cancel, None));
            assert!(book.withdrawn(&origin, number + 10).is_some());
            assert_ne!(asked(book.offered(&origin, number, dated(&name, 1)).event), id);
        }
    }
}
