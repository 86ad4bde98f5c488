//! Files that come when the application wants them.

#![cfg(test)]
#![cfg(feature = "files")]

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Member, free_port, on, soon};
use tempfile::TempDir;
use zyre::{Accept, Event, Offer, OfferError, OfferState, PeerId, ReceivedLimits};

/// A node that shares, and the directory that holds its folders.
struct Sharer {
    member: Member,
    home: TempDir,
}

impl Sharer {
    async fn start(port: u16, accept: Accept, limits: ReceivedLimits) -> Self {
        let home = tempfile::tempdir().unwrap();
        let (shared, received) = (home.path().join("shared"), home.path().join("received"));
        let builder = on(port).share(shared, received).accept(accept).received_limits(limits);
        Self { member: Member::start(builder).await, home }
    }

    async fn publish(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.home.path().join(name);
        fs::write(&path, content).unwrap();
        soon(self.member.node.publish(&path).named(format!("/{name}"))).await.unwrap();
    }

    async fn offered(&mut self, from: PeerId) -> Offer {
        let pick = self.member.pick("an offer", |event| match event {
            Event::Offered { peer, offer } if peer == from => Some(offer),
            Event::Deliver { name, .. } => panic!("{name} was not accepted"),
            _ => None,
        });
        pick.await
    }

    async fn deliver(&mut self, from: PeerId) -> (String, PathBuf) {
        let pick = self.member.pick("a file", |event| match event {
            Event::Deliver { peer, name, path, .. } if peer == from => {
                Some((name.to_string(), path))
            }
            _ => None,
        });
        pick.await
    }

    /// What the next peer says of a file that it does not want.
    async fn declined(&mut self) -> (String, String) {
        let pick = self.member.pick("that it is declined", |event| match event {
            Event::Declined { name, reason, .. } => Some((name.to_string(), reason.to_string())),
            _ => None,
        });
        pick.await
    }
}

#[tokio::test]
async fn the_application_takes_what_it_wants_when_it_wants_it() {
    let port = free_port();
    let mut a = Sharer::start(port, Accept::All, ReceivedLimits::default()).await;
    let mut b = Sharer::start(port, Accept::Ask, ReceivedLimits::default()).await;
    let from = a.member.id();
    a.publish("one", "1").await;
    let one = b.offered(from).await;
    assert_eq!((&*one.name, one.size, one.state), ("/one", Some(1), OfferState::Open));
    a.publish("two", "22").await;
    let two = b.offered(from).await;
    a.publish("three", "333").await;
    let three = b.offered(from).await;
    let node = &b.member.node;
    let listed = |node: &zyre::Node| -> Vec<String> {
        node.offers(from).iter().map(|offer| offer.name.to_string()).collect()
    };
    assert_eq!(listed(node), ["/one", "/three", "/two"]);
    node.decline(two.id, "not today").unwrap();
    assert_eq!(a.declined().await, ("/two".to_owned(), "not today".to_owned()));
    let wanted = b.home.path().join("three.txt");
    node.accept_as(three.id, &wanted).unwrap();
    assert_eq!(b.deliver(from).await, ("/three".to_owned(), wanted.clone()));
    assert_eq!(fs::read_to_string(wanted).unwrap(), "333");
    // The first is still there.
    assert_eq!(listed(&b.member.node), ["/one"]);
    b.member.node.pause(one.id).unwrap();
    b.member.node.accept(one.id).unwrap();
    let (name, path) = b.deliver(from).await;
    assert_eq!((&*name, fs::read_to_string(path).unwrap()), ("/one", "1".to_owned()));
    for (id, offer) in [(one.id, "it has come"), (two.id, "it was declined")] {
        assert!(matches!(b.member.node.accept(id), Err(OfferError::Gone)), "{offer}");
    }
    // Taken back before it was wanted.
    a.publish("four", "4444").await;
    let four = b.offered(from).await;
    assert!(soon(a.member.node.retract("/four")).await.unwrap());
    let withdrawn = b.member.pick("its end", |event| match event {
        Event::Withdrawn { peer, id, .. } if peer == from => Some(id),
        _ => None,
    });
    assert_eq!(withdrawn.await, four.id);
    assert_eq!(a.member.node.offers(b.member.id()), [], "a node that takes all is asked nothing");
}

#[tokio::test]
async fn what_is_too_large_is_declined_before_it_is_sent() {
    let port = free_port();
    let limits = ReceivedLimits { bytes_per_server: 1000, ..ReceivedLimits::default() };
    let mut a = Sharer::start(port, Accept::All, ReceivedLimits::default()).await;
    let mut b = Sharer::start(port, Accept::All, limits).await;
    a.publish("large", vec![1; 1001]).await;
    let (name, reason) = a.declined().await;
    assert_eq!(name, "/large");
    assert!(reason.contains("it may hold 1000 bytes"), "{reason}");
    a.publish("small", vec![1; 1000]).await;
    assert_eq!(b.deliver(a.member.id()).await.0, "/small");
}

#[tokio::test]
async fn a_node_that_shares_nothing_has_no_offers() {
    let plain = Member::start(on(free_port())).await;
    let id = 1.into();
    assert!(matches!(plain.node.accept(id), Err(OfferError::Gone)));
    assert_eq!(plain.node.offers(PeerId::new([1; 16])), []);
}
