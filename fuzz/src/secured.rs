//! Our end of a connection that is secured by CURVE, and a remote by hand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use testkit::curve::{self as by_hand, Keys};
use zmtp::{
    Config, Connection, Curve, Error, Event, KeyPair, Message, Output, PeerInfo, PublicKey,
    SecretKey, SessionKeys, Verdict,
};

use crate::heard::{Heard, dealer, frame, opening, router};

const GREETING: usize = 64;

/// Where what is put to the test begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// After the greeting: whole frames and whatever else.
    Greeting,
    /// After the remote's first command.
    Second,
    /// It is the metadata of a command that is right.
    Metadata,
    /// After the handshake: whole frames and whatever else.
    Traffic,
    /// It is what the remote seals.
    Sealed,
}

impl Begin {
    pub(crate) const ALL: [Self; 5] =
        [Self::Greeting, Self::Second, Self::Metadata, Self::Traffic, Self::Sealed];
}

/// What our end has told and sent.
pub(crate) struct Secured {
    pub(crate) connection: Connection,
    pub(crate) introduced: Option<PeerInfo>,
    pub(crate) ready: Option<PeerInfo>,
    pub(crate) messages: Vec<Message>,
    pub(crate) frames: Vec<Bytes>,
    pub(crate) error: Option<Error>,
    sent: Vec<u8>,
}

fn pair(name: &str) -> KeyPair {
    KeyPair::of(SecretKey::from_bytes(Keys::named(name).secret))
}

/// A ROUTER that is a server.
pub(crate) fn server() -> Config {
    let nobody = |_: &SessionKeys, _: &PeerInfo, _: SocketAddr| Verdict::Refuse;
    router().with_mechanism(Curve::server(pair("server_long"), Arc::new(nobody)))
}

/// A DEALER that is a client.
pub(crate) fn client() -> Config {
    let server = PublicKey::from_bytes(Keys::named("server_long").public).expect("a key");
    dealer().with_mechanism(Curve::client(pair("client_long"), server))
}

impl Secured {
    pub(crate) fn new(config: &Config) -> Self {
        let mut new = Self {
            connection: Connection::new(config, Instant::now()),
            introduced: None,
            ready: None,
            messages: Vec::new(),
            frames: Vec::new(),
            error: None,
            sent: Vec::new(),
        };
        new.receive(&[]);
        new
    }

    /// Receives bytes, and lets in every remote that proves a key.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        if self.error.is_some() {
            return;
        }
        self.connection.receive_buffer().extend_from_slice(bytes);
        loop {
            match self.connection.poll_output() {
                Ok(None) => return,
                Ok(Some(Output::Transmit(bytes))) => self.sent.extend(bytes),
                Ok(Some(Output::Frame(frame))) => self.frames.push(frame),
                Ok(Some(Output::Event(event))) => self.told(event),
                Ok(Some(other)) => panic!("{other:?}"),
                Err(error) => {
                    assert!(self.connection.receive_buffer().is_empty());
                    assert_eq!(self.connection.poll_output().err().as_ref(), Some(&error));
                    self.error = Some(error);
                    return;
                }
            }
        }
    }

    fn told(&mut self, event: Event) {
        match event {
            Event::Authenticate(keys, peer) => {
                assert!(self.introduced.is_none() && self.ready.is_none(), "once, and first");
                assert_eq!(peer.key(), Some(keys.remote()));
                self.introduced = Some(peer);
                self.connection.admit();
            }
            Event::Ready(peer, _) => {
                assert_eq!(self.introduced.as_ref(), Some(&peer), "who was let in");
                assert!(self.ready.replace(peer).is_none() && self.messages.is_empty());
            }
            Event::Message(message) => {
                assert!(self.ready.is_some() && !message.is_empty());
                self.messages.push(message);
            }
            other => panic!("{other:?}"),
        }
    }

    /// What is heard through CURVE is what is heard with NULL.
    pub(crate) fn assert_same(&self, null: &Heard) {
        let mut peer = self.ready.clone();
        if let Some(peer) = &mut peer {
            peer.keys = None;
        }
        assert_eq!(peer, null.ready);
        assert_eq!(self.messages, null.messages);
        assert_eq!(self.error, null.error);
    }

    /// The body of the command that it has sent last.
    pub(crate) fn answer(&mut self) -> Vec<u8> {
        let skip = if self.sent.starts_with(&[0xff]) { 64 } else { 0 };
        let frame = self.sent.split_off(skip.min(self.sent.len()));
        self.sent.clear();
        let header = if frame.first().is_some_and(|flags| flags & 2 == 0) { 2 } else { 9 };
        frame.get(header..).unwrap_or_default().to_vec()
    }
}

/// What the remote, which is such a one, says with NULL of itself instead.
pub(crate) fn with_null(remote: &Config, metadata: &[u8]) -> Vec<u8> {
    let ready = by_hand::frame(4, &[b"\x05READY", metadata].concat());
    [&opening(remote)[..GREETING], &ready].concat()
}

/// These, and what either side may get, each for every place at which a test begins.
pub(crate) fn seeds(own: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    let both = [
        b"\x04\x0a\x05ERROR\x03400".to_vec(),
        by_hand::frame(0, &[&b"\x07MESSAGE"[..], &[0; 40]].concat()),
        b"\x01\x02hi\x00\x05there\x02\x0a\x04PING\0\0now!\x00\x00".to_vec(),
        b"\x02\x04\x05ERRO\x02\x06\x05ERROR\x00\x01x".to_vec(),
    ];
    let bodies: Vec<_> = own.into_iter().chain(both).collect();
    (0..Begin::ALL.len() as u8)
        .flat_map(|begin| bodies.iter().map(move |body| [&[begin], &body[..]].concat()))
        .collect()
}

/// Frames in bytes: flags, a size, and data, again and again. As they are with NULL, and as flags
/// and data that are sealed.
pub(crate) fn frames(mut bytes: &[u8]) -> Vec<(Vec<u8>, u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [flags, size, rest @ ..] = bytes {
        let (data, rest) = rest.split_at(rest.len().min(usize::from(*size)));
        // A command with more to come is an error in both, of which each tells its own flags.
        let (plain, inner) = match flags % 4 {
            1 => (1, 1),
            2 | 3 => (4, 2),
            _ => (0, 0),
        };
        frames.push((frame(plain, data).to_vec(), inner, data.to_vec()));
        bytes = rest;
    }
    frames
}
