//! What is on offer, and what was decided.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Notify;

use super::event::ClientEvent;
use super::offer::{OfferId, OfferInfo, OfferState};
use crate::session::OfferedFile;
use crate::{Accept, VirtualPath};

/// The most servers of which decisions are remembered while they are not connected.
const MAX_ABSENT: usize = 1000;

/// What becomes of a file on offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Accept,
    Decline(String),
    Pause,
    Cancel,
}

/// What all servers offer, and what was decided, as long as the client lives: a file that is offered
/// again with the same size and time is decided. With [`Accept::All`] every file is accepted unless the
/// application decides otherwise, which it may while the file is not there: it is not asked, and what it
/// has not decided is not remembered.
#[derive(Debug)]
pub(super) struct OfferBook {
    accept: Accept,
    /// The most files of a server that are remembered.
    limit: usize,
    last_id: u64,
    origins: BTreeMap<Arc<str>, OriginOffers>,
    /// The offers that hold, and others that are remembered.
    ids: BTreeMap<OfferId, (Arc<str>, VirtualPath)>,
}

/// What one server offers.
#[derive(Debug, Default)]
struct OriginOffers {
    files: HashMap<VirtualPath, RememberedFile>,
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
    /// The path that the application wants it at.
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
    /// What the application hears.
    pub(super) event: Option<ClientEvent>,
    /// What was decided before.
    pub(super) decision: Option<Decision>,
}

impl OfferBook {
    pub(super) const fn new(accept: Accept, limit: usize) -> Self {
        Self { accept, limit, last_id: 0, origins: BTreeMap::new(), ids: BTreeMap::new() }
    }

    /// Returns what holds for a file about which the application has decided nothing.
    fn undecided(&self) -> Decided {
        match self.accept {
            Accept::All => Decided::Accepted,
            Accept::Ask => Decided::Open,
        }
    }

    /// Returns an event about offers, if the application hears of them.
    fn told(&self, event: Option<ClientEvent>) -> Option<ClientEvent> {
        event.filter(|_| self.accept == Accept::Ask)
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
            if self.accept == Accept::All {
                let OriginOffers { files, idle, .. } = offers;
                files.retain(|_, file| {
                    let is_decided = file.decided != Decided::Accepted || file.target.is_some();
                    if !is_decided {
                        idle.remove(&file.id);
                        self.ids.remove(&file.id);
                    }
                    is_decided
                });
            }
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
            let Offered { event, decision } = offers.again(origin, number, &name, self.accept);
            return Offered { event: self.told(event), decision };
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
            decided: self.undecided(),
            target: None,
        };
        let event = info(origin, &remembered).map(|offer| ClientEvent::Offered { offer });
        let event = self.told(event);
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

    /// Notes that an offer holds no more. Returns what the application hears, if it was told of the
    /// offer. What it has decided counts if the same file is offered again.
    pub(super) fn withdrawn(&mut self, origin: &Arc<str>, number: u64) -> Option<ClientEvent> {
        let undecided = self.undecided();
        let offers = self.origins.get_mut(origin)?;
        let name = offers.numbers.get(&number)?.clone();
        let known = offers.files.get_mut(&name)?;
        known.is_withdrawn = true;
        let (id, is_undecided) = (known.id, known.decided == undecided && known.target.is_none());
        if is_undecided {
            self.forget(origin, &name);
        } else {
            offers.lay_aside(&name);
        }
        self.told(Some(ClientEvent::Withdrawn { origin: Arc::clone(origin), id, name }))
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

    /// Notes that the file of this number in the received folder has come. Returns where to put it, if
    /// that was said. What is on offer under its name may be its next state by now.
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

    /// Notes that the file of this number in the received folder is refused: it is not asked for again.
    pub(super) fn refused(&mut self, origin: &str, name: &VirtualPath, sequence: u64, why: String) {
        let Some(offers) = self.origins.get_mut(origin) else { return };
        if let Some(file) = offers.files.get_mut(name)
            && file.sequence == Some(sequence)
        {
            file.decided = Decided::Declined(why);
            self.settled(origin, name);
        }
    }

    /// Handles that there is nothing more to decide about a file. Without being asked the application
    /// has not decided it, so the next session tries again.
    fn settled(&mut self, origin: &str, name: &VirtualPath) {
        match (self.accept, self.origins.get_mut(origin)) {
            (Accept::All, _) => self.forget(origin, name),
            (Accept::Ask, Some(offers)) => offers.lay_aside(name),
            (Accept::Ask, None) => {}
        }
    }

    /// Notes that there can be no room for the file on offer under this number.
    pub(super) fn has_no_room(&mut self, origin: &str, number: u64, why: String) {
        let Some(offers) = self.origins.get_mut(origin) else { return };
        if let Some(name) = offers.numbers.get(&number).cloned()
            && let Some(file) = offers.files.get_mut(&name)
        {
            file.decided = Decided::Declined(why);
            self.settled(origin, &name);
        }
    }

    fn forget(&mut self, origin: &str, name: &VirtualPath) {
        let Some(offers) = self.origins.get_mut(origin) else { return };
        if let Some(file) = offers.files.remove(name) {
            if let Some(number) = file.number {
                offers.numbers.remove(&number);
            }
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
        let mut on_offer: Vec<_> = on_offer.collect();
        on_offer.sort_unstable_by(|one, other| one.file.name.cmp(&other.file.name));
        on_offer.into_iter().filter_map(|file| info(origin, file)).collect()
    }
}

impl OriginOffers {
    /// Notes that a file that is known is on offer, perhaps again.
    fn again(
        &mut self,
        origin: &Arc<str>,
        number: u64,
        name: &VirtualPath,
        accept: Accept,
    ) -> Offered {
        self.lay_aside(name);
        let Some(known) = self.files.get_mut(name) else { return Offered::default() };
        known.is_of_session = true;
        let (decision, holds) = match &known.decided {
            // The session fetches what it is not told not to.
            Decided::Open if accept == Accept::All => (Some(Decision::Cancel), true),
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

    /// Notes that a file is not on offer any more, or that there is nothing to decide about it.
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
mod tests;
