//! Applications that are asked, on real sockets and disks.

use std::collections::BTreeMap;
use std::fs;

use filemq::message::{Cheezburger, Message};
use filemq::session::ClientConfig;
use filemq::{
    Accept, Client, ClientEvent, ClientOptions, FileEvent, OfferError, OfferInfo, OfferState,
    Progress, ReceivedLimits, ServerEvent,
};
use testkit::wait::soon;
use zmtp::net::{Established, Listener, ListenerLimits};

use super::common::{icanhaz_ok, piece};
use super::pair::{ANY, Publisher, Subscriber};

fn asking() -> ClientOptions {
    let session = ClientConfig { accept: Accept::Ask, ..ClientConfig::default() };
    ClientOptions { session, ..ClientOptions::default() }
}

async fn start(publisher: &Publisher) -> Subscriber {
    Subscriber::start_in(tempfile::tempdir().unwrap(), publisher.address, asking()).await
}

async fn offered(subscriber: &mut Subscriber) -> OfferInfo {
    subscriber
        .pick("an offer", |event| match event {
            ClientEvent::Offered { offer } => Some(offer),
            ClientEvent::File { event, .. } => panic!("nobody has asked for it: {event:?}"),
            _ => None,
        })
        .await
}

/// What is on offer, by name.
async fn all(subscriber: &mut Subscriber, count: usize) -> BTreeMap<String, OfferInfo> {
    let mut all = BTreeMap::new();
    while all.len() < count {
        let offer = offered(subscriber).await;
        all.insert(offer.name.to_string(), offer);
    }
    all
}

fn listed(subscriber: &Subscriber) -> Vec<(String, OfferState)> {
    let offers = subscriber.client.offers("origin");
    offers.into_iter().map(|offer| (offer.name.to_string(), offer.state)).collect()
}

#[tokio::test]
async fn files_come_when_they_are_accepted_and_where_they_are_wanted() {
    let files: [(&str, &[u8]); 4] = [("a", b"1"), ("b", b"22"), ("c", b"333"), ("d", b"4444")];
    let mut publisher = Publisher::start(&files).await;
    let mut subscriber = start(&publisher).await;
    let offers = all(&mut subscriber, 4).await;
    assert_eq!((offers["/c"].size, offers["/c"].state), (Some(3), OfferState::Open));
    assert!(offers["/c"].modified.is_some());
    let home = tempfile::tempdir().unwrap();
    let (wanted, taken) = (home.path().join("mine"), home.path().join("taken"));
    fs::write(&taken, "mine").unwrap();
    let client = &subscriber.client;
    for wrong in [taken.clone(), home.path().join("no/where")] {
        let error = client.accept_as(offers["/a"].id, wrong).unwrap_err();
        assert!(matches!(error, OfferError::Place { .. }), "{error}");
    }
    client.accept_as(offers["/a"].id, &wanted).unwrap();
    client.accept(offers["/b"].id).unwrap();
    client.decline(offers["/c"].id, "too many threes").unwrap();
    let gone = client.accept(offers["/c"].id).unwrap_err();
    assert!(matches!(gone, OfferError::Gone), "{gone}");
    let mut came = BTreeMap::new();
    while came.len() < 2 {
        let (name, path) = subscriber.delivered().await;
        came.insert(name, path);
    }
    assert_eq!(came["/a"], wanted);
    assert_eq!((fs::read(&wanted).unwrap(), subscriber.read("b")), (b"1".to_vec(), b"22".to_vec()));
    assert!(!subscriber.received.path().join("a").exists());
    assert_eq!(listed(&subscriber), [("/d".to_owned(), OfferState::Open)]);
    let declined = loop {
        match soon(publisher.events.recv()).await.unwrap() {
            ServerEvent::Declined { name, reason, .. } => break (name.to_string(), reason),
            ServerEvent::Sent { name, .. } => assert_ne!(name.to_string(), "/c"),
            _ => {}
        }
    };
    assert_eq!(declined, ("/c".to_owned(), "too many threes".into()));
    // A change is another offer, and the old one holds no more.
    publisher.write("d", "44444");
    let again = offered(&mut subscriber).await;
    assert_eq!((again.name.to_string(), again.size), ("/d".to_owned(), Some(5)));
    assert!(subscriber.client.accept(offers["/d"].id).is_err());
    fs::remove_file(publisher.files.path().join("d")).unwrap();
    let gone = subscriber.pick("its end", |event| match event {
        ClientEvent::Withdrawn { id, .. } => Some(id),
        _ => None,
    });
    assert_eq!(gone.await, again.id);
}

/// What was decided is remembered, and what was not can be decided later.
#[tokio::test]
async fn decisions_outlive_the_connection() {
    let files: [(&str, &[u8]); 4] = [("a", b"1"), ("b", b"2"), ("c", b"3"), ("e", b"5")];
    let publisher = Publisher::start(&files).await;
    let mut subscriber = start(&publisher).await;
    let offers = all(&mut subscriber, 4).await;
    // One that is elsewhere is missing in the received folder, and yet not asked for again.
    let home = tempfile::tempdir().unwrap();
    subscriber.client.accept_as(offers["/e"].id, home.path().join("mine")).unwrap();
    assert_eq!(subscriber.delivered().await.1, home.path().join("mine"));
    subscriber.client.decline(offers["/a"].id, "no").unwrap();
    subscriber.client.pause(offers["/b"].id).unwrap();
    let Publisher { server, address, files, .. } = publisher;
    server.stop();
    drop(server);
    subscriber
        .pick("the end", |event| matches!(event, ClientEvent::Disconnected { .. }).then_some(()))
        .await;
    assert_eq!(listed(&subscriber), []);
    // Also what is decided meanwhile.
    subscriber.client.accept(offers["/c"].id).unwrap();
    fs::write(files.path().join("d"), "4").unwrap();
    let _publisher = Publisher::start_at(address, files).await;
    let mut new = None;
    let delivered = subscriber.pick("the file", |event| match event {
        ClientEvent::Offered { offer } => {
            assert_eq!(offer.name.to_string(), "/d", "the others are known");
            new = Some(offer);
            None
        }
        ClientEvent::File { event: FileEvent::Delivered { name, .. }, .. } => Some(name),
        _ => None,
    });
    assert_eq!(delivered.await.to_string(), "/c");
    if new.is_none() {
        offered(&mut subscriber).await;
    }
    let expected = [("/b", OfferState::Paused), ("/d", OfferState::Open)];
    assert_eq!(listed(&subscriber), expected.map(|(name, state)| (name.to_owned(), state)));
    subscriber.client.accept(offers["/b"].id).unwrap();
    assert_eq!(subscriber.delivered().await.0, "/b");
}

/// Paused in the middle and accepted at once, while more of it is still on its way.
#[tokio::test]
async fn a_file_that_was_paused_comes_to_its_end() {
    let large = vec![7; 400_000_000];
    let mut publisher = Publisher::start(&[("large", &large)]).await;
    let mut subscriber = start(&publisher).await;
    let offer = offered(&mut subscriber).await;
    subscriber.client.accept(offer.id).unwrap();
    let progress = subscriber.pick("progress", |event| match event {
        ClientEvent::Progress { progress, .. } => Some(progress),
        _ => None,
    });
    let Progress { bytes, total, .. } = progress.await;
    assert!(bytes < 300_000_000 && total == Some(400_000_000), "{bytes}");
    subscriber.client.pause(offer.id).unwrap();
    subscriber.client.accept(offer.id).unwrap();
    assert_eq!(subscriber.delivered().await.0, "/large");
    assert!(subscriber.read("large") == large);
    let confirmed = async {
        loop {
            if let Some(ServerEvent::Confirmed { size, .. }) = publisher.events.recv().await {
                return size;
            }
        }
    };
    assert_eq!(soon(confirmed).await, 400_000_000);
}

/// What comes without a question can be stopped while it comes, and fetched after all.
#[tokio::test]
async fn what_comes_by_itself_can_be_paused_and_cancelled() {
    let large = vec![7; 100_000_000];
    let publisher = Publisher::start(&[("large", &large)]).await;
    let session = ClientConfig { window: 200_000, ..ClientConfig::default() };
    let options = ClientOptions { session, ..ClientOptions::default() };
    let received = tempfile::tempdir().unwrap();
    let mut subscriber = Subscriber::start_in(received, publisher.address, options).await;
    let partial = |subscriber: &Subscriber| {
        let parts = fs::read_dir(subscriber.received.path().join(".filemq/partial")).unwrap();
        parts.map(|part| part.unwrap().metadata().unwrap().len()).sum::<u64>()
    };
    for (stop, state, is_kept) in [
        (Client::pause as fn(&Client, _) -> _, OfferState::Paused, true),
        (Client::cancel, OfferState::Open, false),
    ] {
        subscriber
            .pick("progress", |event| match event {
                ClientEvent::Progress { progress, .. } => {
                    (progress.bytes > 5_000_000).then_some(())
                }
                ClientEvent::Offered { offer } => panic!("nobody wants to be asked: {offer:?}"),
                ClientEvent::File { event, .. } => panic!("it is not there yet: {event:?}"),
                _ => None,
            })
            .await;
        assert_eq!(listed(&subscriber), [("/large".to_owned(), OfferState::Accepted)]);
        let id = subscriber.client.offers("origin")[0].id;
        stop(&subscriber.client, id).unwrap();
        assert_eq!(listed(&subscriber), [("/large".to_owned(), state)]);
        // Progress is told ten times a second while anything comes.
        soon(async {
            let quiet = std::time::Duration::from_millis(500);
            while tokio::time::timeout(quiet, subscriber.events.recv()).await.is_ok() {}
        })
        .await;
        let part = partial(&subscriber);
        assert_eq!(part > 5_000_000, is_kept, "{part}");
        subscriber.client.accept(id).unwrap();
    }
    assert_eq!(subscriber.delivered().await.0, "/large");
    assert!(subscriber.read("large") == large);
    assert_eq!(listed(&subscriber), []);
}

/// One of another implementation sends unasked: it is read no further until it is decided.
#[tokio::test]
async fn a_server_that_does_not_offer_waits_for_the_decision() {
    let config = zmtp::Config::new(zmtp::SocketType::Router);
    let listening = Listener::bind(ANY.parse().unwrap(), config, ListenerLimits::default());
    let mut listener = listening.await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = Subscriber::start_in(tempfile::tempdir().unwrap(), address, asking()).await;
    let Established { reader: _reader, queue, .. } = soon(listener.accept()).await;
    let mut sequence = 0;
    let mut file = |name, content: &'static str| {
        let whole = piece(name, 0, &content.into());
        let end = piece(name, content.len() as u64, &"".into());
        [whole, end].map(|piece| {
            sequence += 1;
            Message::Cheezburger(Cheezburger { sequence, ..piece })
        })
    };
    let mut said = vec![Message::OhaiOk, icanhaz_ok()];
    said.extend(["/a", "/b", "/c"].into_iter().flat_map(|name| file(name, "content")));
    for message in said {
        queue.push_frame(&[], message.encode()).unwrap();
    }
    queue.flush().unwrap();
    for (name, wanted) in [("/a", true), ("/b", false), ("/c", true)] {
        let offer = offered_by_other(&mut client, name).await;
        assert_eq!((offer.size, offer.modified), (None, None));
        assert_eq!(listed(&client).last().unwrap().0, name);
        if wanted {
            client.client.accept(offer.id).unwrap();
        } else {
            client.client.decline(offer.id, "no").unwrap();
        }
    }
    while !client.received.path().join("c").exists() {
        client.delivered().await;
    }
    assert_eq!((client.read("a"), client.read("c")), (b"content".to_vec(), b"content".to_vec()));
    assert!(!client.received.path().join("b").exists());
}

/// Of what was accepted before, it may be told meanwhile.
async fn offered_by_other(subscriber: &mut Subscriber, name: &str) -> OfferInfo {
    let pick = subscriber.pick("an offer", |event| match event {
        ClientEvent::Offered { offer } => Some(offer),
        _ => None,
    });
    let offer = pick.await;
    assert_eq!(offer.name.to_string(), name);
    offer
}

/// One that is full lets the others through, and comes when there is room.
#[tokio::test]
async fn a_file_without_room_waits_and_the_others_come() {
    let publisher = Publisher::start(&[("a", &[1; 600]), ("b", &[2; 500]), ("c", &[3; 300])]).await;
    let received = ReceivedLimits { bytes: 1000, ..ReceivedLimits::default() };
    let options = ClientOptions { received, ..ClientOptions::default() };
    let received = tempfile::tempdir().unwrap();
    let mut subscriber = Subscriber::start_in(received, publisher.address, options).await;
    let mut told = Vec::new();
    while told.len() < 3 {
        told.push(
            subscriber
                .pick("what becomes of them", |event| match event {
                    ClientEvent::File { event: FileEvent::Refused { name, fate, .. }, .. } => {
                        assert!(fate.is_passing());
                        Some(format!("{name} waits"))
                    }
                    ClientEvent::File { event: FileEvent::Delivered { name, .. }, .. } => {
                        Some(name.to_string())
                    }
                    _ => None,
                })
                .await,
        );
    }
    told.sort();
    assert_eq!(told, ["/a", "/b waits", "/c"]);
    fs::remove_file(publisher.files.path().join("a")).unwrap();
    assert_eq!(subscriber.deleted().await, "/a");
    assert_eq!(subscriber.delivered().await.0, "/b");
}
