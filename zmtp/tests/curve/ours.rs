//! Our end of a connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use testkit::curve::Keys;
use zmtp::{
    Config, Connection, Curve, CurveError, Encoder, Error, Event, KeyPair, Message, Output,
    PeerInfo, PublicKey, SecretKey, SessionKeys, SocketType, Verdict,
};

/// What the owner of a connection does about a remote that has proved its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Admits,
    Refuses,
    /// Closes the connection without a word.
    Closes,
    /// Says nothing.
    Hesitates,
}

/// What has become of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Open,
    /// Nothing more is said.
    Closed,
    /// One side has not let the other in, and has said so.
    Refused,
}

pub(crate) struct Ours {
    pub(crate) connection: Connection,
    pub(crate) owner: Owner,
    pub(crate) encoder: Option<Encoder>,
    pub(crate) peer: Option<PeerInfo>,
    pub(crate) introduced: Option<(SessionKeys, PeerInfo)>,
    pub(crate) messages: Vec<Message>,
    pub(crate) error: Option<Error>,
    /// What it has sent, and nobody has looked at.
    sent: Vec<u8>,
    /// All that it has ever sent.
    said: Vec<u8>,
    is_closed: bool,
}

pub(crate) fn pair(keys: &Keys) -> KeyPair {
    KeyPair::of(SecretKey::from_bytes(keys.secret))
}

/// A server with the pair of the vectors.
pub(crate) fn server() -> Curve {
    let nobody = |_: &SessionKeys, _: &PeerInfo, _: SocketAddr| Verdict::Refuse;
    Curve::server(pair(&Keys::named("server_long")), Arc::new(nobody))
}

/// A client with the pair of the vectors, of the server with the pair of the vectors.
pub(crate) fn client() -> Curve {
    let server = PublicKey::from_bytes(Keys::named("server_long").public).unwrap();
    Curve::client(pair(&Keys::named("client_long")), server)
}

pub(crate) fn router() -> Config {
    Config::new(SocketType::Router).with_mechanism(server())
}

pub(crate) fn dealer() -> Config {
    Config::new(SocketType::Dealer).with_identity(&b"dealer"[..]).with_mechanism(client())
}

impl Ours {
    pub(crate) fn new(config: &Config) -> Self {
        let mut ours = Self {
            connection: Connection::new(config, Instant::now()),
            owner: Owner::Admits,
            encoder: None,
            peer: None,
            introduced: None,
            messages: Vec::new(),
            error: None,
            sent: Vec::new(),
            said: Vec::new(),
            is_closed: false,
        };
        ours.poll();
        ours
    }

    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        if self.error.is_none() && !self.is_closed {
            self.connection.receive_buffer().extend_from_slice(bytes);
            self.poll();
        }
    }

    pub(crate) fn poll(&mut self) {
        while !self.is_closed {
            match self.connection.poll_output() {
                Ok(Some(output)) => self.take(output),
                Ok(None) => return,
                Err(error) => {
                    assert!(self.connection.receive_buffer().is_empty());
                    assert_eq!(self.connection.poll_output().unwrap_err(), error, "again");
                    self.error = Some(error);
                    return;
                }
            }
        }
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Transmit(bytes) => {
                self.said.extend(&bytes);
                self.sent.extend(bytes);
            }
            Output::Frame(frame) => {
                let mut wire = BytesMut::new();
                self.encoder.as_mut().unwrap().encode_frame(&frame, &mut wire);
                self.sent.extend(wire);
            }
            Output::Event(Event::Authenticate(keys, peer)) => {
                assert!(self.introduced.replace((keys, peer)).is_none(), "once");
                match self.owner {
                    Owner::Admits => self.connection.admit(),
                    Owner::Refuses => self.connection.refuse(),
                    Owner::Closes => self.is_closed = true,
                    Owner::Hesitates => {}
                }
            }
            Output::Event(Event::Ready(peer, encoder)) => {
                assert!(self.introduced.is_some() || peer.keys.is_none(), "admitted first");
                (self.peer, self.encoder) = (Some(peer), Some(encoder));
            }
            Output::Event(Event::Message(message)) => self.messages.push(message),
            other => panic!("{other:?}"),
        }
    }

    /// Its connection ends.
    pub(crate) fn close(&mut self) {
        self.is_closed = true;
    }

    /// As if so much time passed as a handshake has.
    pub(crate) fn time_out(&mut self) {
        if let Some(deadline) = self.connection.next_deadline() {
            self.connection.handle_timeout(deadline);
            self.poll();
        }
    }

    pub(crate) fn say(&mut self, head: &[u8], content: &[Bytes]) -> Vec<u8> {
        let mut wire = BytesMut::new();
        self.encoder.as_mut().unwrap().encode(head, content, &mut wire);
        wire.to_vec()
    }

    /// Whether a command of this name was ever sent before it was ready.
    pub(crate) fn has_said(&self, name: &[u8]) -> bool {
        self.said.windows(name.len()).any(|part| part == name)
    }

    /// The greeting that it has sent.
    pub(crate) fn take_greeting(&mut self) -> Vec<u8> {
        self.sent.drain(..64).collect()
    }

    /// The next frame that it has sent.
    pub(crate) fn take_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let flags = *self.sent.first()?;
        let (header, size) = match flags & 2 {
            0 => (2, usize::from(self.sent[1])),
            _ => (9, u64::from_be_bytes(self.sent[1..9].try_into().unwrap()) as usize),
        };
        let body = self.sent[header..header + size].to_vec();
        self.sent.drain(..header + size);
        Some((flags, body))
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match &self.error {
            Some(Error::Denied | Error::Curve(CurveError::Refused)) => Outcome::Refused,
            Some(_) => Outcome::Closed,
            None if self.is_closed => Outcome::Closed,
            None => Outcome::Open,
        }
    }
}
