//! What several tests need.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::{future::Future, time::Duration, time::Instant};

use bytes::{Bytes, BytesMut};
use zmtp::{Config, Connection, Encoder, Error, Event, Message, PeerInfo, SocketType};

/// No test waits longer than this for anything.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for something that must happen.
pub async fn soon<F: Future>(what: F) -> F::Output {
    tokio::time::timeout(DEADLINE, what).await.expect("nothing happened in time")
}

pub fn dealer() -> Config {
    Config::new(SocketType::Dealer).with_identity("dealer")
}

pub fn router() -> Config {
    Config::new(SocketType::Router)
}

pub fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// Everything that a new connection sends before it hears anything.
pub fn opening(config: &Config) -> Vec<u8> {
    transmitted(&mut Connection::new(config, Instant::now()))
}

pub fn transmitted(connection: &mut Connection) -> Vec<u8> {
    std::iter::from_fn(|| connection.poll_transmit()).flatten().collect()
}

/// A greeting of NULL, any version 3.
pub fn greeting() -> Vec<u8> {
    opening(&dealer())[..64].to_vec()
}

/// A frame with these flags in the form that they ask for.
pub fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![flags];
    if flags & 2 == 0 {
        out.push(u8::try_from(body.len()).unwrap());
    } else {
        out.extend((body.len() as u64).to_be_bytes());
    }
    out.extend(body);
    out
}

pub fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let mut body = vec![name.len() as u8];
    body.extend(name.as_bytes());
    body.extend(data);
    frame(if body.len() > 255 { 6 } else { 4 }, &body)
}

pub fn property(name: &str, value: &[u8]) -> Vec<u8> {
    let mut out = vec![name.len() as u8];
    out.extend(name.as_bytes());
    out.extend((value.len() as u32).to_be_bytes());
    out.extend(value);
    out
}

/// A connection of this type past its handshake with a dealer, and its encoder.
pub fn ready(config: &Config) -> (Connection, Encoder, PeerInfo) {
    let mut connection = Connection::new(config, Instant::now());
    connection.buffer().extend_from_slice(&opening(&dealer()));
    let Ok(Some(Event::Ready(peer, encoder))) = connection.poll_event() else {
        panic!("should be ready")
    };
    transmitted(&mut connection);
    (connection, encoder, peer)
}

/// All events until none or an error.
pub fn events(connection: &mut Connection) -> (Vec<Event>, Option<Error>) {
    let mut events = Vec::new();
    loop {
        match connection.poll_event() {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return (events, None),
            Err(error) => return (events, Some(error)),
        }
    }
}

pub fn messages(connection: &mut Connection) -> Vec<Message> {
    let (events, error) = events(connection);
    assert_eq!(error, None);
    let message = |event| if let Event::Message(m) = event { Some(m) } else { None };
    events.into_iter().filter_map(message).collect()
}

/// The error that a fresh ROUTER gives for these octets.
pub fn refusal(octets: &[u8]) -> Option<Error> {
    let mut connection = Connection::new(&router(), Instant::now());
    connection.buffer().extend_from_slice(octets);
    let (_, error) = events(&mut connection);
    if let Some(error) = &error {
        assert_eq!(connection.poll_event().err().as_ref(), Some(error), "says so again");
        assert!(!connection.is_ready());
        assert_eq!(connection.deadline(), None);
    }
    error
}

pub fn encode(encoder: &mut Encoder, frames: &[Bytes]) -> Vec<u8> {
    let mut out = BytesMut::new();
    encoder.encode(&frames[0], &frames[1..], &mut out);
    out.to_vec()
}
