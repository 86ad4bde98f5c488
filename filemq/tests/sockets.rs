//! Servers and clients on real sockets and disks.

#![cfg(test)]

mod common;
#[path = "common/pair.rs"]
mod pair;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{dictionary, icanhaz_ok, path, piece, vectors};
use filemq::digest::{Algorithm, Hasher};
use filemq::message::{Cheezburger, Message};
use filemq::{
    Audience, Client, ClientEvent, ClientOptions, Fate, FileEvent, Guest, MountOptions,
    ReceivedLimits, Refusal, Server, ServerEvent, ServerOptions, VirtualPath,
};
use pair::{ANY, Publisher, Subscriber};
use testkit::hex;
use testkit::wait::{DEADLINE, soon};
use zmtp::net::{Established, Listener, ListenerLimits, Reader, SendQueue, SendQueueLimits};

#[tokio::test]
async fn what_is_there_and_what_comes_and_what_goes() {
    let publisher = Publisher::start(&[("a", b"first"), ("empty", b"")]).await;
    let mut subscriber = Subscriber::start(&publisher).await;
    let mut names = BTreeSet::new();
    for _ in 0..2 {
        names.insert(subscriber.delivered().await.0);
    }
    assert_eq!(Vec::from_iter(names), ["/a", "/empty"]);
    publisher.write("a", "second, and longer");
    assert_eq!(subscriber.delivered().await.0, "/a");
    assert_eq!(subscriber.read("a"), b"second, and longer");
    publisher.write("a", "3");
    assert_eq!(subscriber.delivered().await.0, "/a");
    assert_eq!(subscriber.read("a"), b"3");
    fs::remove_file(publisher.files.path().join("empty")).unwrap();
    assert_eq!(subscriber.deleted().await, "/empty");
}

#[tokio::test]
async fn a_client_that_comes_back_gets_what_it_has_missed_and_nothing_else() {
    let publisher = Publisher::start(&[("keeps", b"1"), ("goes", b"2"), ("changes", b"3")]).await;
    let mut subscriber = Subscriber::start(&publisher).await;
    for _ in 0..3 {
        subscriber.delivered().await;
    }
    let Subscriber { client, received, .. } = subscriber;
    soon(client.stop()).await;
    // While it is away the server restarts elsewhere, too.
    fs::remove_file(publisher.files.path().join("goes")).unwrap();
    publisher.write("changes", "33");
    publisher.write("new", "4");
    let Publisher { server, files, .. } = publisher;
    server.stop();
    let publisher = Publisher::start_at(ANY.parse().unwrap(), files).await;
    let mut subscriber =
        Subscriber::start_in(received, publisher.address, ClientOptions::default()).await;
    let (mut came, mut went) = (BTreeSet::new(), BTreeSet::new());
    while came.len() < 2 || went.is_empty() {
        let (delivered, name) = subscriber
            .pick("a file or a delete", |received| match received {
                ClientEvent::File { event, .. } => {
                    let delivered = matches!(event, FileEvent::Delivered { .. });
                    Some((delivered, event.name().to_string()))
                }
                _ => None,
            })
            .await;
        if delivered {
            came.insert(name)
        } else {
            went.insert(name)
        };
    }
    assert_eq!(Vec::from_iter(came), ["/changes", "/new"]);
    assert_eq!(Vec::from_iter(went), ["/goes"]);
    assert_eq!(subscriber.read("keeps"), b"1");
    assert!(!subscriber.received.path().join("goes").exists());
}

/// The same address is listened on again: the client finds it by itself.
#[tokio::test]
async fn a_server_that_comes_back_is_found_again() {
    let publisher = Publisher::start(&[("a", b"1")]).await;
    let mut subscriber = Subscriber::start(&publisher).await;
    subscriber.delivered().await;
    let Publisher { server, address, files, .. } = publisher;
    server.stop();
    drop(server);
    subscriber
        .pick("the end", |received| {
            matches!(received, ClientEvent::Disconnected { .. }).then_some(())
        })
        .await;
    fs::write(files.path().join("b"), "2").unwrap();
    let _publisher = Publisher::start_at(address, files).await;
    subscriber.connected().await;
    assert_eq!(subscriber.delivered().await.0, "/b", "and /a is not sent again");
}

#[tokio::test]
async fn a_subscription_is_for_a_path_and_servers_have_folders() {
    let (server, _events) = Server::new(ServerOptions::default());
    let file = tempfile::NamedTempFile::new().unwrap();
    for name in ["/photos/a", "/photosX/b", "/c"] {
        soon(server.publish(file.path(), path(name), Audience::Everyone)).await.unwrap();
    }
    let address = server.listen(ANY.parse().unwrap()).unwrap();
    let received = tempfile::tempdir().unwrap();
    let options = ClientOptions { folders: true, ..ClientOptions::default() };
    let (client, events) = soon(Client::open(received.path(), options)).await.unwrap();
    client.subscribe(path("/photos"));
    client.connect("alice", address);
    let mut subscriber = Subscriber { client, events, received };
    let (name, at) = subscriber.delivered().await;
    assert_eq!(name, "/photos/a");
    assert_eq!(at, subscriber.received.path().join("alice/photos/a"));
    // Another path, while connected; what is there does not come again.
    subscriber.client.subscribe(path("/c"));
    assert_eq!(subscriber.delivered().await.0, "/c");
    assert!(server.retract(&path("/photos/a")));
    assert_eq!(subscriber.deleted().await, "/photos/a");
    assert!(!subscriber.received.path().join("alice/photos").exists());
}

/// Names are for people, and the origin decides.
#[tokio::test]
async fn a_folder_is_named_as_the_application_says() {
    let publisher = Publisher::start(&[("a", b"1")]).await;
    let received = tempfile::tempdir().unwrap();
    let options = || ClientOptions { folders: true, ..ClientOptions::default() };
    let (client, events) = soon(Client::open(received.path(), options())).await.unwrap();
    client
        .set_folder_names(|origin| if origin == "id 3" { "../up".into() } else { "alice".into() });
    client.subscribe(VirtualPath::root());
    let mut subscriber = Subscriber { client, events, received };
    for (origin, place) in [("id 1", "alice/a"), ("id 2", "alice-2/a"), ("id 3", "_up/a")] {
        subscriber.client.connect(origin, publisher.address);
        assert_eq!(subscriber.delivered().await.1, subscriber.received.path().join(place));
    }
    // After a restart each has what is there, and what changes goes where it was.
    let Subscriber { client, received, .. } = subscriber;
    soon(client.stop()).await;
    publisher.write("a", "2, and longer");
    let (client, events) = soon(Client::open(received.path(), options())).await.unwrap();
    client.set_folder_names(|_| "another".into());
    client.subscribe(VirtualPath::root());
    client.connect("id 2", publisher.address);
    let mut subscriber = Subscriber { client, events, received };
    assert_eq!(subscriber.delivered().await.1, subscriber.received.path().join("alice-2/a"));
    assert_eq!(subscriber.read("alice/a"), b"1");
    assert!(!subscriber.received.path().join("another").exists());
}

/// Somebody who restarts publishes what he likes, when he likes: what is published is told of, and
/// what was published before and is not now stays where it is.
#[tokio::test]
async fn a_server_that_publishes_later_takes_back_only_what_its_folders_have_lost() {
    let files = tempfile::tempdir().unwrap();
    for (name, content) in [("d/keeps", "1"), ("d/goes", "2"), ("single", "3")] {
        let path = files.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let publish = async |server: &Server, single: bool| {
        let mut options = MountOptions::new(path("/d"));
        (options.stable, options.settle) = (Duration::ZERO, Duration::ZERO);
        soon(server.mount(files.path().join("d"), options, Audience::Everyone)).await.unwrap();
        if single {
            let (file, name) = (files.path().join("single"), path("/single"));
            soon(server.publish(file, name, Audience::Everyone)).await.unwrap();
        }
    };
    let (server, _events) = Server::new(ServerOptions::default());
    publish(&server, true).await;
    let address = server.listen(ANY.parse().unwrap()).unwrap();
    let received = tempfile::tempdir().unwrap();
    let mut subscriber = Subscriber::start_in(received, address, ClientOptions::default()).await;
    for _ in 0..3 {
        subscriber.delivered().await;
    }
    let Subscriber { client, received, .. } = subscriber;
    soon(client.stop()).await;
    server.stop();
    fs::remove_file(files.path().join("d/goes")).unwrap();
    // The client is there first.
    let (server, mut events) = Server::new(ServerOptions::default());
    let address = server.listen(ANY.parse().unwrap()).unwrap();
    let mut subscriber = Subscriber::start_in(received, address, ClientOptions::default()).await;
    subscriber.connected().await;
    publish(&server, false).await;
    assert_eq!(subscriber.deleted().await, "/d/goes");
    loop {
        match soon(events.recv()).await.unwrap() {
            ServerEvent::Sent { name, .. } => panic!("{name} is there"),
            ServerEvent::Confirmed { name, .. } => {
                assert_eq!(name, path("/d/keeps"));
                break;
            }
            _ => {}
        }
    }
    assert_eq!(subscriber.read("single"), b"3");
}

/// Of what a mount covers something may be published by another one, a little later.
#[tokio::test]
async fn what_is_published_while_a_mount_settles_is_not_gone() {
    let publisher = Publisher::start(&[("goes", b"1")]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let late = || publisher.server.publish(file.path(), path("/late"), Audience::Everyone);
    soon(late()).await.unwrap();
    let mut subscriber = Subscriber::start(&publisher).await;
    for _ in 0..2 {
        subscriber.delivered().await;
    }
    let Subscriber { client, received, .. } = subscriber;
    soon(client.stop()).await;
    fs::remove_file(publisher.files.path().join("goes")).unwrap();
    publisher.server.stop();
    // It settles in 2 s.
    let publisher = Publisher::start_at(ANY.parse().unwrap(), publisher.files).await;
    let mut subscriber =
        Subscriber::start_in(received, publisher.address, ClientOptions::default()).await;
    subscriber.connected().await;
    let late = publisher.server.publish(file.path(), path("/late"), Audience::Everyone);
    soon(late).await.unwrap();
    let next = subscriber.pick("a delete", |event| match event {
        ClientEvent::File { event, .. } => Some(event.name().to_string()),
        _ => None,
    });
    assert_eq!(next.await, "/goes");
    assert!(subscriber.received.path().join("late").exists());
}

#[tokio::test]
async fn files_for_a_tag_go_to_those_who_carry_it() {
    let carries: Arc<std::sync::Mutex<bool>> = Arc::default();
    let asked = Arc::clone(&carries);
    let (server, _events) = Server::new(ServerOptions::default());
    server.set_guests(move |client| {
        let member = client.identity == "me" && *asked.lock().unwrap();
        let tags = if member { BTreeSet::from(["club".into()]) } else { BTreeSet::new() };
        Ok(Guest { tags, ..Guest::default() })
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    let club = Audience::Tagged("club".into());
    soon(server.publish(file.path(), path("/secret"), club)).await.unwrap();
    soon(server.publish(file.path(), path("/open"), Audience::Everyone)).await.unwrap();
    let address = server.listen(ANY.parse().unwrap()).unwrap();
    let options = ClientOptions { identity: "me".into(), ..ClientOptions::default() };
    let mut me = Subscriber::start_in(tempfile::tempdir().unwrap(), address, options).await;
    assert_eq!(me.delivered().await.0, "/open");
    *carries.lock().unwrap() = true;
    server.retag();
    assert_eq!(me.delivered().await.0, "/secret");
}

#[tokio::test]
async fn what_the_folder_does_not_take_is_told_and_the_rest_comes() {
    let mut publisher = Publisher::start(&[("a-large", &[1; 100_000]), ("b-small", b"2")]).await;
    let limits = ReceivedLimits { bytes: 50_000, ..ReceivedLimits::default() };
    let options = ClientOptions { received: limits, ..ClientOptions::default() };
    let mut subscriber =
        Subscriber::start_in(tempfile::tempdir().unwrap(), publisher.address, options).await;
    let (mut refused, mut delivered) = (false, false);
    while !(refused && delivered) {
        let event = subscriber
            .pick("both", |received| match received {
                ClientEvent::File { event: FileEvent::Refused { name, reason, fate }, .. } => {
                    let expected = (Refusal::Bytes { limit: 50_000 }, Fate::Final);
                    assert_eq!((reason, fate), expected);
                    Some((name.to_string(), true))
                }
                ClientEvent::File { event, .. } => Some((event.name().to_string(), false)),
                _ => None,
            })
            .await;
        match (event.0.as_str(), event.1) {
            ("/a-large", true) => refused = true,
            ("/b-small", false) => delivered = true,
            other => panic!("{other:?}"),
        }
    }
    assert!(!subscriber.received.path().join("a-large").exists());
    // The server is told the same, and has sent nothing of it.
    let mut told = BTreeMap::new();
    while told.len() < 2 {
        match soon(publisher.events.recv()).await.unwrap() {
            ServerEvent::Confirmed { name, size, .. } => {
                told.insert(name.to_string(), format!("has {size} bytes"));
            }
            ServerEvent::Declined { name, reason, .. } => {
                told.insert(name.to_string(), reason.to_string());
            }
            ServerEvent::Sent { name, .. } => assert_eq!(name.to_string(), "/b-small"),
            _ => {}
        }
    }
    assert_eq!(told["/b-small"], "has 1 bytes");
    let refused = "the received folder is full: it may hold 50000 bytes";
    assert!(told["/a-large"].starts_with(refused), "{told:?}");
}

/// One that does not take its events receives no more than fits; nothing is lost when it does.
#[tokio::test]
async fn an_application_that_takes_no_events_gets_all_of_them_later() {
    let files = tempfile::tempdir().unwrap();
    (0..3000).for_each(|i| fs::write(files.path().join(i.to_string()), b"x").unwrap());
    let mut publisher = Publisher::start_at(ANY.parse().unwrap(), files).await;
    let mut subscriber = Subscriber::start(&publisher).await;
    let sent =
        async { while !matches!(publisher.events.recv().await, Some(ServerEvent::Sent { .. })) {} };
    soon(sent).await;
    let mut names = BTreeSet::new();
    while names.len() < 3000 {
        assert!(names.insert(subscriber.delivered().await.0), "none comes twice");
    }
}

/// A server announces one content and sends another, and a good file behind it. The client breaks
/// with the server, and its application still learns of the file that is in its folder.
#[tokio::test]
async fn what_comes_with_a_wrong_file_is_told_before_the_end() {
    let config = zmtp::Config::new(zmtp::SocketType::Router);
    let listening = Listener::bind(ANY.parse().unwrap(), config, ListenerLimits::default());
    let mut listener = listening.await.unwrap();
    let address = listener.local_addr().unwrap();
    let options = ClientOptions::default();
    let mut client = Subscriber::start_in(tempfile::tempdir().unwrap(), address, options).await;
    let Established { reader: _reader, queue, .. } = soon(listener.accept()).await;
    let mut digest = Hasher::new(Algorithm::Blake3);
    digest.update(b"right");
    let (digest, size) = (digest.digest().to_string(), "5");
    let mtime = "1600000000.000000000";
    let headers = [("SIZE", size), ("DIGEST", &digest), ("MTIME", mtime), ("MODE", "644")];
    let file = |sequence, name, content: &'static str| Cheezburger {
        sequence,
        eof: true,
        headers: dictionary(&headers),
        ..piece(name, 0, &content.into())
    };
    // At once, so that the folder gets both before the session hears of the first.
    for message in [
        Message::OhaiOk,
        icanhaz_ok(),
        Message::Cheezburger(file(0, "/bad", "wrong")),
        Message::Cheezburger(file(1, "/good", "right")),
    ] {
        queue.push_frame(&[], message.encode()).unwrap();
    }
    queue.flush().unwrap();
    let mut good = false;
    let reason = client
        .pick("the end", |event| match event {
            ClientEvent::File { event: FileEvent::Delivered { name, .. }, .. } => {
                assert_eq!(name, path("/good"));
                good = true;
                None
            }
            ClientEvent::File { event, .. } => panic!("{event:?}"),
            ClientEvent::Disconnected { reason, .. } => Some(reason),
            _ => None,
        })
        .await;
    assert!(reason.contains("/bad"), "{reason}");
    assert!(good, "a file that is there was not told");
    assert_eq!(client.read("good"), b"right");
    assert!(!client.received.path().join("bad").exists());
}

/// A bare connection to the server.
async fn attacker(address: SocketAddr) -> (Reader, SendQueue) {
    let config = zmtp::Config::new(zmtp::SocketType::Dealer);
    let connecting = zmtp::net::connect(address, &config, SendQueueLimits::default());
    let Established { reader, queue, .. } = soon(connecting).await.unwrap();
    (reader, queue)
}

/// What ends C FileMQ, on the wire; while a good client is being served.
#[tokio::test]
async fn what_kills_others_does_nothing() {
    let publisher = Publisher::start(&[("a", b"1")]).await;
    let mut good = Subscriber::start(&publisher).await;
    good.delivered().await;
    let killers: Vec<Vec<Bytes>> = vectors::vectors()
        .into_iter()
        .filter(|vector| vector.name.starts_with("v2_killer"))
        .map(|vector| vector.frames)
        .collect();
    assert_eq!(killers.len(), 7);
    for (i, killer) in killers.iter().enumerate() {
        let (mut reader, queue) = attacker(publisher.address).await;
        for _ in 0..20 {
            queue.push(&killer[0], &killer[1..]).unwrap();
        }
        queue.flush().unwrap();
        // It is told off, and at last cut off.
        let end = async {
            while matches!(reader.fill().await, Ok(true)) {
                while let Ok(Some(_)) = reader.next() {}
            }
        };
        soon(end).await;
        publisher.write("a", format!("after {i}"));
        good.delivered().await;
        assert_eq!(good.read("a"), format!("after {i}").as_bytes());
    }
}

/// One that asks for much and reads nothing costs little, and delays nobody.
#[tokio::test]
async fn a_client_that_does_not_read_delays_nobody() {
    let publisher = Publisher::start(&[("large", &vec![7; 20_000_000])]).await;
    let (_reader, queue) = attacker(publisher.address).await;
    for bytes in ["aaa3010646494c454d510002", "aaa305000000012f0000000000000000"] {
        queue.push_frame(&[], hex::decode(bytes).into()).unwrap();
    }
    let mut nom = hex::decode("aaa307");
    nom.extend((1u64 << 62).to_be_bytes());
    nom.extend(0u64.to_be_bytes());
    queue.push_frame(&[], nom.into()).unwrap();
    queue.flush().unwrap();
    let start = Instant::now();
    let mut good = Subscriber::start(&publisher).await;
    good.delivered().await;
    assert_eq!(good.read("large").len(), 20_000_000);
    assert!(start.elapsed() < DEADLINE);
}
