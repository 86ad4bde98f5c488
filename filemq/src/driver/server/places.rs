//! The places of clients: which one makes room when there are too many of one kind.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::Notify;
use zmtp::sync::Mutex;

/// The most connections of one client that the application knows: one, and those that it has lost and
/// the server has not.
const MAX_NAMED: usize = 4;

/// The connected clients. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// The most clients without a name.
    strangers: usize,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    last: u64,
    /// The oldest first.
    places: Vec<HeldPlace>,
}

#[derive(Debug)]
struct HeldPlace {
    number: u64,
    name: Option<Arc<str>>,
    address: IpAddr,
    leave: Arc<Notify>,
}

/// The place of a connection, until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    held: Arc<Mutex<Held>>,
    leave: Arc<Notify>,
}

impl Places {
    pub(super) fn new(strangers: usize) -> Self {
        Self { strangers, held: Arc::default() }
    }

    /// Takes a place for a client of this name, or without one. If there are too many, one of them has
    /// to leave: of one name the oldest, of strangers the oldest of the address that has the most, so
    /// that a host which takes all places takes them from itself.
    pub(super) fn enter(&self, name: Option<Arc<str>>, address: IpAddr) -> Place {
        let mut held = self.held.lock();
        let most = if name.is_some() { MAX_NAMED } else { self.strangers.max(1) };
        let mut counts: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for place in held.places.iter().filter(|place| place.name == name) {
            *counts.entry(place.address).or_default() += 1;
        }
        if counts.values().sum::<usize>() >= most {
            let fullest = counts.into_iter().max_by_key(|(_, count)| *count).map(|(at, _)| at);
            held.leave(name.as_ref(), fullest);
        }
        held.last += 1;
        let (number, leave) = (held.last, Arc::<Notify>::default());
        held.places.push(HeldPlace { number, name, address, leave: Arc::clone(&leave) });
        Place { number, held: Arc::clone(&self.held), leave }
    }
}

impl Held {
    /// Takes away the oldest place of this name at this address, and tells who has it.
    fn leave(&mut self, name: Option<&Arc<str>>, address: Option<IpAddr>) {
        let leaves =
            |place: &HeldPlace| place.name.as_ref() == name && Some(place.address) == address;
        if let Some(at) = self.places.iter().position(leaves) {
            self.places.remove(at).leave.notify_one();
        }
    }
}

impl Place {
    /// Waits until the place is taken away.
    pub(super) async fn is_lost(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.held.lock().places.retain(|place| place.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio::task::coop::unconstrained;

    use super::{MAX_NAMED, Place, Places};

    fn at(last: u8) -> IpAddr {
        [127, 0, 0, last].into()
    }

    /// Which of these have to leave.
    async fn lost(places: &[Place]) -> Vec<usize> {
        let mut lost = Vec::new();
        for (number, place) in places.iter().enumerate() {
            let is_lost = unconstrained(place.is_lost());
            if tokio::time::timeout(std::time::Duration::ZERO, is_lost).await.is_ok() {
                lost.push(number);
            }
        }
        lost
    }

    #[tokio::test]
    async fn a_host_that_takes_all_places_takes_them_from_itself() {
        let places = Places::new(4);
        let hosts = [at(1), at(2), at(2), at(3), at(2), at(2), at(1)];
        let held: Vec<_> = hosts.map(|host| places.enter(None, host)).into();
        // The first, as there are two of its host by then, and of others one or two.
        assert_eq!(lost(&held).await, [1, 2, 4]);
    }

    #[tokio::test]
    async fn a_client_that_is_known_makes_room_for_itself_alone() {
        let places = Places::new(2);
        let bob = || places.enter(Some("bob".into()), at(1));
        let mut held: Vec<_> = (0..MAX_NAMED).map(|_| bob()).collect();
        held.extend([places.enter(None, at(1)), places.enter(None, at(1))]);
        held.push(places.enter(Some("alice".into()), at(1)));
        assert!(lost(&held).await.is_empty());
        held.push(bob());
        assert_eq!(lost(&held).await, [0]);
        // One that has left makes room as well.
        drop(held.remove(1));
        held.push(bob());
        assert!(lost(&held).await.is_empty());
    }
}
