//! Tickets, and servers that dial: who is taken for whom, on real sockets.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use filemq::session::ClientConfig;
use filemq::{
    Accept, Audience, Call, Client, ClientEvent, ClientEvents, ClientInfo, ClientOptions,
    FileEvent, Guest, OfferInfo, OfferState, Server, ServerEvents, ServerOptions, Ticket,
    VirtualPath, Way,
};
use tempfile::TempDir;
use testkit::wait::soon;
use zmtp::sync::Mutex;

/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// What "alice", the server, has given "bob", and the other way round.
const FOR_BOB: Ticket = Ticket::new([0xb0; 16]);
const FOR_ALICE: Ticket = Ticket::new([0xa1; 16]);

fn path(text: &str) -> VirtualPath {
    VirtualPath::new(text).unwrap()
}

fn anywhere() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Whom alice takes a client for: by the ticket alone.
fn guest(client: &ClientInfo) -> Result<Guest, Arc<str>> {
    match client.ticket {
        None => Ok(Guest::default()),
        Some(ticket) if ticket == FOR_BOB && client.identity == "bob" => {
            Ok(Guest { name: Some("bob".into()), tags: BTreeSet::from(["club".into()]) })
        }
        Some(_) => Err("this ticket is not valid".into()),
    }
}

/// A server that publishes one file for everyone, and one for the club.
struct Alice {
    server: Server,
    _events: ServerEvents,
    files: TempDir,
}

impl Alice {
    async fn new() -> Self {
        let options = ServerOptions { identity: "alice".into(), ..ServerOptions::default() };
        let (server, events) = Server::new(options);
        server.set_guests(guest);
        let files = tempfile::tempdir().unwrap();
        for (name, audience) in
            [("open", Audience::Everyone), ("secret", Audience::Tagged("club".into()))]
        {
            let file = files.path().join(name);
            fs::write(&file, name).unwrap();
            soon(server.publish(file, path(&format!("/{name}")), audience)).await.unwrap();
        }
        Self { server, _events: events, files }
    }
}

/// A client that has a file server as well, where it can be called.
struct Bob {
    client: Arc<Client>,
    events: ClientEvents,
    server: Server,
    _server_events: ServerEvents,
    at: SocketAddr,
    received: TempDir,
    calls: Arc<AtomicUsize>,
}

impl Bob {
    async fn new() -> Self {
        Self::with(ClientConfig::default()).await
    }

    async fn with(session: ClientConfig) -> Self {
        let received = tempfile::tempdir().unwrap();
        let identity = "bob".into();
        let options = ClientOptions { identity, session, ..ClientOptions::default() };
        let (client, events) = soon(Client::open(received.path(), options)).await.unwrap();
        client.subscribe(VirtualPath::root());
        let client = Arc::new(client);
        let (server, server_events) = Server::new(ServerOptions::default());
        let calls = Arc::<AtomicUsize>::default();
        let (taking, counted) = (Arc::clone(&client), Arc::clone(&calls));
        server.set_calls(move |call: Call| {
            counted.fetch_add(1, Ordering::Relaxed);
            if call.identity() == "alice" && call.ticket() == FOR_ALICE {
                taking.take_call("alice", call);
            }
        });
        let at = server.listen(anywhere()).unwrap();
        Self { client, events, server, _server_events: server_events, at, received, calls }
    }

    /// Waits for alice, or for her to be there.
    fn connect(&self, address: SocketAddr, ticket: Option<Ticket>, patience: Duration) {
        let way = Way { ticket, patience, ..address.into() };
        self.client.connect("alice", way);
    }

    /// Waits until these files come, and no others before.
    async fn comes(&mut self, expected: &[&str]) {
        let mut missing: BTreeSet<_> = expected.iter().map(|name| format!("/{name}")).collect();
        while !missing.is_empty() {
            let event = soon(self.events.recv()).await.unwrap();
            if let ClientEvent::File { event: FileEvent::Delivered { name, .. }, .. } = event {
                assert!(missing.remove(name.as_str()), "{name}");
            }
        }
    }

    /// Waits until these files are there, and no others.
    async fn has(&mut self, expected: &[&str]) {
        self.comes(expected).await;
        let there = fs::read_dir(self.received.path()).unwrap();
        let names = there.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let names: BTreeSet<_> = names.filter(|name| !name.starts_with('.')).collect();
        assert_eq!(names, expected.iter().map(|&name| name.to_owned()).collect());
    }

    /// Waits until it was called this many times.
    async fn is_called(&self, times: usize) {
        soon(async {
            while self.calls.load(Ordering::Relaxed) < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    async fn disconnected(&mut self) -> (String, Duration) {
        loop {
            let event = soon(self.events.recv()).await.unwrap();
            if let ClientEvent::Disconnected { reason, unreached_for, .. } = event {
                return (reason, unreached_for);
            }
        }
    }
}

/// The way by which alice calls bob.
fn way(bob: &Bob, ticket: Ticket) -> Way {
    Way { ticket: Some(ticket), ..bob.at.into() }
}

/// An address where nothing answers.
fn nowhere() -> SocketAddr {
    let listener = std::net::TcpListener::bind(anywhere()).unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn a_client_is_who_its_ticket_was_made_for() {
    let alice = Alice::new().await;
    let address = alice.server.listen(anywhere()).unwrap();
    let mut bob = Bob::new().await;
    bob.connect(address, Some(FOR_BOB), Duration::ZERO);
    bob.has(&["open", "secret"]).await;
    // Without one it is anybody, wherever it comes from and whoever it says that it is.
    let mut stranger = Bob::new().await;
    stranger.connect(address, None, Duration::ZERO);
    stranger.has(&["open"]).await;
}

#[tokio::test]
async fn a_ticket_of_somebody_else_is_refused_and_that_is_told() {
    let alice = Alice::new().await;
    let address = alice.server.listen(anywhere()).unwrap();
    let mut bob = Bob::new().await;
    bob.connect(address, Some(FOR_ALICE), Duration::ZERO);
    let (reason, _) = bob.disconnected().await;
    assert!(reason.contains("this ticket is not valid"), "{reason}");
    let (_, unreached_for) = bob.disconnected().await;
    assert!(unreached_for > Duration::ZERO, "it is tried again, and was never connected");
    bob.has(&[]).await;
    // With the right one all comes.
    bob.connect(address, Some(FOR_BOB), Duration::ZERO);
    bob.has(&["open", "secret"]).await;
}

#[tokio::test]
async fn a_server_that_cannot_be_dialled_calls() {
    let alice = Alice::new().await;
    let mut bob = Bob::new().await;
    bob.connect(nowhere(), Some(FOR_BOB), FOR_EVER);
    alice.server.call("bob", "bob", way(&bob, FOR_ALICE));
    bob.has(&["open", "secret"]).await;
    // And again when the connection is lost.
    bob.client.disconnect("alice");
    bob.connect(nowhere(), Some(FOR_BOB), FOR_EVER);
    while !matches!(soon(bob.events.recv()).await.unwrap(), ClientEvent::Connected { .. }) {}
}

#[tokio::test]
async fn who_is_called_and_shows_no_ticket_is_anybody() {
    let alice = Alice::new().await;
    let mut bob = Bob::new().await;
    bob.connect(nowhere(), None, FOR_EVER);
    alice.server.call("bob", "bob", way(&bob, FOR_ALICE));
    bob.has(&["open"]).await;
}

#[tokio::test]
async fn nothing_is_said_to_a_caller_that_is_not_known() {
    let alice = Alice::new().await;
    let mut bob = Bob::new().await;
    bob.connect(nowhere(), Some(FOR_BOB), FOR_EVER);
    alice.server.call("bob", "bob", way(&bob, FOR_BOB));
    // It calls again and again.
    bob.is_called(3).await;
    bob.has(&[]).await;
    // One call of a name replaces the one before.
    alice.server.call("bob", "bob", way(&bob, FOR_ALICE));
    bob.has(&["open", "secret"]).await;
    // Nor is a server taken that the application has not asked for.
    let other = Bob::new().await;
    alice.server.call("other", "bob", way(&other, FOR_ALICE));
    other.is_called(2).await;
    alice.server.hang_up("other");
}

#[tokio::test]
async fn a_client_that_waits_in_vain_dials_and_is_not_called() {
    let alice = Alice::new().await;
    let address = alice.server.listen(anywhere()).unwrap();
    let mut bob = Bob::new().await;
    let patience = Duration::from_millis(100);
    // It would be called in an hour, if it were not served.
    alice.server.call("bob", "bob", Way { patience: FOR_EVER, ..way(&bob, FOR_ALICE) });
    bob.connect(address, Some(FOR_BOB), patience);
    bob.has(&["open", "secret"]).await;
    // It is served, and so not called at all.
    alice.server.call("bob", "bob", Way { patience: Duration::ZERO, ..way(&bob, FOR_ALICE) });
    tokio::time::sleep(patience * 5).await;
    assert_eq!(bob.calls.load(Ordering::Relaxed), 0);
    // When that ends it is.
    bob.connect(nowhere(), Some(FOR_BOB), FOR_EVER);
    bob.is_called(1).await;
}

#[tokio::test]
async fn a_server_that_has_lost_a_client_calls_and_is_taken_instead() {
    let alice = Alice::new().await;
    let mut bob = Bob::new().await;
    // A server that says nothing: for bob there is a connection.
    let silent = zmtp::net::Listener::bind(
        anywhere(),
        zmtp::Config::new(zmtp::SocketType::Router),
        zmtp::net::ListenerLimits::default(),
    );
    let mut silent = silent.await.unwrap();
    bob.connect(silent.local_addr().unwrap(), Some(FOR_BOB), Duration::ZERO);
    let _held = soon(silent.accept()).await;
    alice.server.call("bob", "bob", way(&bob, FOR_ALICE));
    bob.has(&["open", "secret"]).await;
}

#[tokio::test]
async fn what_says_that_it_is_a_server_and_shows_no_ticket_is_closed() {
    let bob = Bob::new().await;
    for ticket in [None, Some(&b"short"[..]), Some(&[7; 17][..])] {
        let mut config = zmtp::Config::new(zmtp::SocketType::Dealer)
            .with_property(filemq::calls::ROLE, filemq::calls::SERVER);
        if let Some(ticket) = ticket {
            config = config.with_property(filemq::calls::TICKET, ticket.to_vec());
        }
        let queue = zmtp::net::SendQueueLimits::default();
        let mut caller = soon(zmtp::net::connect(bob.at, &config, queue)).await.unwrap();
        while soon(caller.reader.fill()).await.unwrap_or(false) {
            assert!(caller.reader.next().unwrap().is_none(), "nothing is said to it");
        }
    }
    assert_eq!(bob.calls.load(Ordering::Relaxed), 0);
    bob.server.stop();
}

/// Not as somebody unknown: what it was offered would be withdrawn, and what comes broken off.
#[tokio::test]
async fn a_client_whose_ticket_ends_is_refused_and_comes_back() {
    let alice = Alice::new().await;
    let address = alice.server.listen(anywhere()).unwrap();
    let valid = Arc::new(Mutex::new(true));
    let asked = Arc::clone(&valid);
    alice.server.set_guests(move |client| match client.ticket {
        Some(_) if !*asked.lock() => Err("not any more".into()),
        _ => guest(client),
    });
    let mut stranger = Bob::new().await;
    stranger.connect(address, None, Duration::ZERO);
    stranger.has(&["open"]).await;
    let mut bob = Bob::new().await;
    bob.connect(address, Some(FOR_BOB), Duration::ZERO);
    bob.has(&["open", "secret"]).await;
    *valid.lock() = false;
    alice.server.retag();
    let (reason, _) = bob.disconnected().await;
    assert!(reason.contains("not any more"), "{reason}");
    // Who is not refused stays.
    let publish = async |name: &str, audience| {
        let file = alice.files.path().join(name);
        fs::write(&file, name).unwrap();
        soon(alice.server.publish(file, path(&format!("/{name}")), audience)).await.unwrap();
    };
    publish("open2", Audience::Everyone).await;
    loop {
        match soon(stranger.events.recv()).await.unwrap() {
            ClientEvent::File { event: FileEvent::Delivered { name, .. }, .. } => {
                assert_eq!(name.as_str(), "/open2");
                break;
            }
            ClientEvent::Disconnected { reason, .. } => panic!("{reason}"),
            _ => {}
        }
    }
    publish("secret2", Audience::Tagged("club".into())).await;
    assert!(!bob.received.path().join("secret2").exists());
    *valid.lock() = true;
    bob.comes(&["open2", "secret2"]).await;
    assert!(bob.received.path().join("secret").exists(), "nothing was taken back");
    // Who is nobody can be refused as well.
    alice.server.set_guests(|client| match client.ticket {
        None => Err("members only".into()),
        _ => guest(client),
    });
    let (reason, _) = stranger.disconnected().await;
    assert!(reason.contains("members only"), "{reason}");
}

/// A refusal ends a session in the midst of a file, and nothing else: the part of it stays, and what
/// the application has decided.
#[tokio::test]
async fn a_client_that_is_refused_keeps_the_part_and_the_decisions() {
    let alice = Alice::new().await;
    let large = alice.files.path().join("large");
    fs::write(&large, vec![7; 100_000_000]).unwrap();
    let audience = Audience::Tagged("club".into());
    soon(alice.server.publish(large, path("/large"), audience)).await.unwrap();
    let address = alice.server.listen(anywhere()).unwrap();
    let valid = Arc::new(Mutex::new(true));
    let asked = Arc::clone(&valid);
    alice.server.set_guests(move |client| match *asked.lock() {
        true => guest(client),
        false => Err("not any more".into()),
    });
    // With so little credit the file takes its time.
    let session = ClientConfig { accept: Accept::Ask, window: 200_000, ..ClientConfig::default() };
    let mut bob = Bob::with(session).await;
    bob.connect(address, Some(FOR_BOB), Duration::ZERO);
    let mut offers: BTreeMap<String, OfferInfo> = BTreeMap::new();
    while offers.len() < 3 {
        if let ClientEvent::Offered { offer } = soon(bob.events.recv()).await.unwrap() {
            offers.insert(offer.name.to_string(), offer);
        }
    }
    bob.client.decline(offers["/open"].id, "no").unwrap();
    bob.client.pause(offers["/secret"].id).unwrap();
    bob.client.accept(offers["/large"].id).unwrap();
    loop {
        match soon(bob.events.recv()).await.unwrap() {
            ClientEvent::Progress { progress, .. } if progress.bytes > 5_000_000 => break,
            ClientEvent::File { event, .. } => panic!("{event:?}"),
            _ => {}
        }
    }
    *valid.lock() = false;
    alice.server.retag();
    let (reason, _) = bob.disconnected().await;
    assert!(reason.contains("not any more"), "{reason}");
    let parts = fs::read_dir(bob.received.path().join(".filemq/partial")).unwrap();
    let part: u64 = parts.map(|part| part.unwrap().metadata().unwrap().len()).sum();
    assert!((5_000_000..100_000_000).contains(&part), "{part}");
    *valid.lock() = true;
    let mut first = None;
    loop {
        match soon(bob.events.recv()).await.unwrap() {
            ClientEvent::Progress { progress, .. } => {
                first.get_or_insert(progress.bytes);
            }
            ClientEvent::File { event: FileEvent::Delivered { name, .. }, .. } => {
                assert_eq!(name.as_str(), "/large");
                break;
            }
            ClientEvent::Offered { offer } => panic!("it is decided: {offer:?}"),
            _ => {}
        }
    }
    assert!(first.is_some_and(|first| first >= part), "{first:?} of what was there, {part}");
    let listed = bob.client.offers("alice");
    let listed: Vec<_> = listed.iter().map(|offer| (offer.id, offer.state)).collect();
    assert_eq!(listed, [(offers["/secret"].id, OfferState::Paused)]);
}
