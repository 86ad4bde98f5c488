//! Two of ours, and what proves that one may be let in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use testkit::curve::{Keys, Server, frame, greeting, metadata};
use zmtp::{
    Config, Connection, Curve, CurveError, Encoder, Error, Event, Guard, Output, PeerInfo,
    SessionKeys, Side, SocketType, Verdict,
};

use crate::ours::{Ours, Owner, client, dealer, pair};

/// Shows a property that is bound to the connection, by whoever knows the word.
#[derive(Debug)]
struct Word(&'static str);

impl Word {
    fn proof(&self, keys: &SessionKeys, by: Side) -> Bytes {
        let by: &[u8] = match by {
            Side::Client => b"client",
            Side::Server => b"server",
        };
        let SessionKeys { client, server, client_session, server_session, .. } = keys;
        let all = [client, server, client_session, server_session].map(|key| *key.as_bytes());
        [self.0.as_bytes(), by, all.as_flattened()].concat().into()
    }

    fn is_proved(&self, keys: &SessionKeys, peer: &PeerInfo) -> bool {
        let by = match keys.side {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        };
        peer.property("X-Proof") == Some(&self.proof(keys, by))
    }
}

impl Guard for Word {
    fn properties(&self, keys: &SessionKeys) -> Vec<(Bytes, Bytes)> {
        vec![("X-Proof".into(), self.proof(keys, keys.side))]
    }

    fn decide(&self, keys: &SessionKeys, peer: &PeerInfo, _: SocketAddr) -> Verdict {
        if self.is_proved(keys, peer) { Verdict::Admit } else { Verdict::Refuse }
    }
}

fn server(guard: Arc<dyn Guard>) -> Config {
    let curve = Curve::server(pair(&Keys::named("server_long")), guard);
    Config::new(SocketType::Router).with_mechanism(curve)
}

fn client_with(guard: Arc<dyn Guard>) -> Config {
    let (ours, theirs) = (Keys::named("client_long"), Keys::named("server_long"));
    let curve = Curve::client_with_guard(pair(&ours), pair(&theirs).public(), guard);
    Config::new(SocketType::Dealer).with_identity(&b"dealer"[..]).with_mechanism(curve)
}

/// What one end has told.
#[derive(Debug, Default)]
struct Told {
    introduced: Option<(SessionKeys, PeerInfo)>,
    ready: Option<Encoder>,
}

/// Lets two ends talk until they have nothing to say. Each decides as its word says.
fn meet(ends: &mut [(Connection, Word); 2]) -> ([Told; 2], Result<(), Error>) {
    let mut told = [Told::default(), Told::default()];
    loop {
        let mut said = false;
        for at in 0..2 {
            while let Some(output) = match ends[at].0.poll_output() {
                Ok(output) => output,
                Err(error) => return (told, Err(error)),
            } {
                said = true;
                match output {
                    Output::Transmit(bytes) => {
                        ends[1 - at].0.receive_buffer().extend_from_slice(&bytes);
                    }
                    Output::Event(Event::Authenticate(keys, peer)) => {
                        let (connection, word) = &mut ends[at];
                        shows_no_secret(connection);
                        match word.is_proved(&keys, &peer) {
                            true => connection.admit(),
                            false => connection.refuse(),
                        }
                        told[at].introduced = Some((keys, peer));
                    }
                    Output::Event(Event::Ready(_, encoder)) => told[at].ready = Some(encoder),
                    other => panic!("{other:?}"),
                }
            }
        }
        if !said {
            return (told, Ok(()));
        }
    }
}

/// What is printed of a connection, for those who look for a fault, has no secret key in it.
fn shows_no_secret(connection: &Connection) {
    let shown = format!("{connection:?}");
    assert!(shown.contains("Admission {") || shown.contains("MessageKey(..)"), "{shown}");
    for name in ["server_long", "client_long"] {
        let secret = format!("{:?}", Keys::named(name).secret);
        assert!(!shown.contains(&secret[1..20]), "{name}");
    }
}

fn ends(words: [&'static str; 2]) -> [(Connection, Word); 2] {
    let now = Instant::now();
    let client = Connection::new(&client_with(Arc::new(Word(words[0]))), now);
    let server = Connection::new(&server(Arc::new(Word(words[1]))), now);
    [(client, Word(words[0])), (server, Word(words[1]))]
}

#[test]
fn who_knows_the_word_is_let_in_on_both_sides() {
    let mut ends = ends(["word", "word"]);
    let (mut told, result) = meet(&mut ends);
    assert_eq!(result, Ok(()));
    let [(client, _), (server, _)] = told.each_ref().map(|it| it.introduced.as_ref().unwrap());
    let mut other_side = *client;
    other_side.side = Side::Server;
    assert_eq!((client.side, other_side), (Side::Client, *server));
    assert_eq!(client.remote(), pair(&Keys::named("server_long")).public());
    assert_eq!(server.remote(), pair(&Keys::named("client_long")).public());
    assert_ne!(client.client_session, client.client);
    ends.iter().for_each(|(connection, _)| shows_no_secret(connection));
    let mut wire = BytesMut::new();
    told[0].ready.as_mut().unwrap().encode(b"head", &[Bytes::from("body")], &mut wire);
    ends[1].0.receive_buffer().unsplit(wire);
    let Ok(Some(Output::Event(Event::Message(message)))) = ends[1].0.poll_output() else {
        panic!("no message")
    };
    assert_eq!(message.frames(), ["head", "body"]);
}

#[test]
fn who_does_not_know_it_is_refused_before_anything_is_said() {
    let (told, result) = meet(&mut ends(["another", "word"]));
    assert_eq!(result, Err(Error::Denied), "by the server");
    assert!(told[0].introduced.is_none() && told.iter().all(|end| end.ready.is_none()));
}

#[test]
fn a_client_sees_what_the_server_proves_before_it_says_anything() {
    // The server is let in by its key alone, and shows a proof of another word.
    let now = Instant::now();
    let mut ours = Connection::new(&client_with(Arc::new(Word("word"))), now);
    let mut theirs = Connection::new(&server(Arc::new(Word("another"))), now);
    let mut refused = false;
    for _ in 0..4 {
        while let Ok(Some(output)) = ours.poll_output() {
            match output {
                Output::Transmit(bytes) => theirs.receive_buffer().extend_from_slice(&bytes),
                Output::Event(Event::Authenticate(keys, peer)) => {
                    assert!(peer.property("X-Proof").is_some());
                    assert!(!Word("word").is_proved(&keys, &peer));
                    ours.refuse();
                    refused = true;
                }
                other => panic!("{other:?}"),
            }
        }
        while let Ok(Some(output)) = theirs.poll_output() {
            match output {
                Output::Transmit(bytes) => ours.receive_buffer().extend_from_slice(&bytes),
                Output::Event(Event::Authenticate(..)) => theirs.admit(),
                Output::Event(Event::Ready(..)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(refused);
    assert_eq!(ours.poll_output().unwrap_err(), Error::Denied);
}

/// Shows what cannot be sent.
struct Wrong;

impl Guard for Wrong {
    fn properties(&self, _: &SessionKeys) -> Vec<(Bytes, Bytes)> {
        vec![("Proof".into(), Bytes::new())]
    }

    fn decide(&self, _: &SessionKeys, _: &PeerInfo, _: SocketAddr) -> Verdict {
        Verdict::Admit
    }
}

#[test]
fn a_property_that_cannot_be_sent_ends_the_connection() {
    let wrong = Error::Property("Proof".into());
    let now = Instant::now();
    let word = || Word("word");
    let client = Connection::new(&client_with(Arc::new(Wrong)), now);
    let server_end = Connection::new(&server(Arc::new(word())), now);
    assert_eq!(meet(&mut [(client, word()), (server_end, word())]).1, Err(wrong.clone()));
    let client = Connection::new(&client_with(Arc::new(word())), now);
    let server_end = Connection::new(&server(Arc::new(Wrong)), now);
    assert_eq!(meet(&mut [(client, word()), (server_end, word())]).1, Err(wrong));
}

#[test]
fn a_session_key_of_low_order_is_refused_by_a_client() {
    let mut point = [0; 32];
    for first in [0, 1] {
        point[0] = first;
        let (mut server, mut ours) = (Server::new(), Ours::new(&dealer()));
        ours.owner = Owner::Admits;
        ours.take_greeting();
        ours.receive(&greeting("CURVE", 0, 1));
        server.take_hello(&ours.take_frame().unwrap().1);
        ours.receive(&frame(4, &server.welcome_with(&point)));
        assert_eq!(ours.error, Some(Error::Curve(CurveError::LowOrder)));
        assert_eq!(ours.take_frame(), None, "nothing is sealed with it");
    }
}

#[test]
fn what_a_remote_is_not_is_not_let_in_either() {
    // Another identity than expected, or another type, before the owner is asked.
    let outcome = |config: &Config| {
        let (mut server, mut ours) = (Server::new(), Ours::new(config));
        ours.take_greeting();
        ours.receive(&greeting("CURVE", 0, 1));
        server.take_hello(&ours.take_frame().unwrap().1);
        ours.receive(&frame(4, &server.welcome()));
        server.take_initiate(&ours.take_frame().unwrap().1);
        ours.receive(&frame(4, &server.ready(1, &metadata("ROUTER", b"bob"))));
        assert_eq!(ours.introduced.is_some(), ours.error.is_none());
        assert_eq!(ours.take_frame(), None, "nothing is said about it");
        ours.error
    };
    assert_eq!(outcome(&dealer().with_remote("bob")), None);
    assert_eq!(outcome(&dealer().with_remote("carol")), Some(Error::Stranger));
    let push = Config::new(SocketType::Push).with_mechanism(client());
    let (ours, theirs) = (SocketType::Push, SocketType::Router);
    assert_eq!(outcome(&push), Some(Error::Incompatible { ours, theirs }));
}

#[test]
fn nothing_secret_is_shown() {
    let config = client_with(Arc::new(Word("word")));
    let mut connection = Connection::new(&config, Instant::now());
    let accepted = Connection::new(&server(Arc::new(Word("word"))), Instant::now());
    let secret = pair(&Keys::named("client_long")).secret().clone();
    let bytes = format!("{:?}", &secret.as_bytes()[..4]);
    let bytes = bytes.trim_matches(['[', ']']);
    for shown in [
        format!("{config:?}"),
        format!("{connection:?}"),
        format!("{accepted:?}"),
        format!("{:?}", server(Arc::new(Word("w")))),
    ] {
        assert!(!shown.contains(bytes) && !shown.contains(secret.to_z85().as_str()), "{shown}");
    }
    connection.poll_output().unwrap();
    let mut ends = ends(["word", "word"]);
    let (told, _) = meet(&mut ends);
    let shown = format!("{ends:?} {told:?}");
    assert!(shown.contains("MessageKey(..)") && !shown.contains(bytes), "{shown}");
}
