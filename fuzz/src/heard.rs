//! What a ZMTP connection makes of bytes.

use std::iter;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use zmtp::{Config, Connection, Error, Event, Limits, Message, Output, PeerInfo, SocketType};

/// The most that a connection may ask to be read at a time.
const MAX_READ_HINT: usize = 1 << 20;

/// The most PONGs that a connection sends for what it receives at once.
const MAX_PONGS: usize = 4;

/// All that a connection has told and sent, in a form that can be compared.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Heard {
    pub(crate) ready: Option<PeerInfo>,
    pub(crate) messages: Vec<Message>,
    /// Prefixes that were subscribed to (true), and taken back.
    pub(crate) subscriptions: Vec<(bool, Bytes)>,
    pub(crate) error: Option<Error>,
    /// What it sent after greeting and READY: all until it was ready, and the first PONGs. More of
    /// them are sent if what they answer is received in more parts.
    pub(crate) sent: Vec<u8>,
    pongs: usize,
}

impl Heard {
    /// What a new connection makes of these bytes: the same however they are cut.
    pub(crate) fn from(config: &Config, bytes: &[u8]) -> Self {
        Self::with_limits_when_ready(config, &config.limits, bytes)
    }

    /// The same for a connection that gets other limits when it is ready.
    pub(crate) fn with_limits_when_ready(config: &Config, limits: &Limits, bytes: &[u8]) -> Self {
        let mut whole = Self::default();
        let memory = allocation_counter::measure(|| {
            whole = Self::in_parts(config, limits, bytes, iter::once(bytes.len()));
        });
        // A frame of two bytes becomes a message with a place in our list.
        let bound = 16 * 1024 + 256 * bytes.len() as u64;
        assert!(memory.bytes_max <= bound, "{} for {}", memory.bytes_max, bytes.len());

        assert_eq!(whole, Self::in_parts(config, limits, bytes, iter::repeat(1)), "byte by byte");
        let sizes = bytes.iter().cycle().map(|byte| 1 + usize::from(byte % 32));
        assert_eq!(whole, Self::in_parts(config, limits, bytes, sizes), "in parts");
        whole
    }

    fn in_parts(
        config: &Config,
        limits: &Limits,
        mut bytes: &[u8],
        mut sizes: impl Iterator<Item = usize>,
    ) -> Self {
        let start = Instant::now();
        let mut connection = Connection::new(config, start);
        opening_of(&mut connection);
        let mut heard = Self::default();
        while !bytes.is_empty() && heard.error.is_none() {
            let (part, rest) = bytes.split_at(sizes.next().unwrap_or(1).min(bytes.len()));
            bytes = rest;
            let hint = connection.read_hint();
            assert!(hint <= MAX_READ_HINT);
            connection.receive_buffer().extend_from_slice(part);
            let told = heard.poll(&mut connection, limits);
            assert!(!told || part.len() >= hint, "more was wanted than was needed");
        }
        assert_eq!(connection.is_ready(), heard.ready.is_some() && heard.error.is_none());
        connection.handle_timeout(start + config.limits.handshake_time);
        let late = heard.ready.is_none().then_some(Error::HandshakeTimeout);
        assert_eq!(connection.poll_output().err(), heard.error.clone().or(late));
        assert_eq!(connection.next_deadline(), None, "there is nothing to wait for any more");
        heard
    }

    /// Takes what the connection has to tell. Whether there was anything.
    fn poll(&mut self, connection: &mut Connection, limits: &Limits) -> bool {
        let mut told = false;
        loop {
            match connection.poll_output() {
                Ok(None) => return told,
                Ok(Some(Output::Transmit(bytes) | Output::Frame(bytes))) => {
                    self.transmitted(bytes);
                    continue;
                }
                Ok(Some(Output::Event(event))) => self.told(event, connection, limits),
                Ok(Some(other)) => panic!("{other:?}"),
                Err(error) => {
                    assert!(readable(&error.to_string()), "{error}");
                    assert_eq!(connection.poll_output().err().as_ref(), Some(&error), "again");
                    assert!(connection.receive_buffer().is_empty());
                    if self.ready.is_some() {
                        // PONGs that were not sent by then are dropped.
                        (self.sent, self.pongs) = (Vec::new(), 0);
                    }
                    self.error = Some(error);
                    return true;
                }
            }
            told = true;
        }
    }

    fn transmitted(&mut self, bytes: Bytes) {
        if self.ready.is_some() {
            self.pongs += 1;
        }
        if self.pongs <= MAX_PONGS {
            self.sent.extend(bytes);
        }
        self.pongs = self.pongs.min(MAX_PONGS);
    }

    fn told(&mut self, event: Event, connection: &mut Connection, limits: &Limits) {
        match event {
            Event::Ready(peer, _) => {
                assert!(self.ready.is_none() && self.messages.is_empty(), "once, and first");
                self.ready = Some(peer);
                connection.set_limits(limits.clone());
            }
            Event::Message(message) => {
                assert!(self.ready.is_some() && !message.is_empty());
                self.messages.push(message);
            }
            Event::Subscribe(prefix) => self.subscriptions.push((true, prefix)),
            Event::Cancel(prefix) => self.subscriptions.push((false, prefix)),
            other => panic!("{other:?}"),
        }
    }

    /// Its messages, encoded by us and heard again, are the same.
    pub(crate) fn assert_encodes(&self) {
        let mut other = Connection::new(&router(), Instant::now());
        opening_of(&mut other);
        other.receive_buffer().extend_from_slice(&opening(&dealer()));
        let Ok(Some(Output::Event(Event::Ready(_, mut encoder)))) = other.poll_output() else {
            panic!("a dealer and a router")
        };
        for message in &self.messages {
            let (head, content) = message.frames().split_first().expect("a frame");
            encoder.encode(head, content, other.receive_buffer());
        }
        let mut again = Self { ready: self.ready.clone(), ..Self::default() };
        again.poll(&mut other, &Limits::default());
        assert_eq!(again.messages, self.messages);
        assert_eq!(again.error, None);
    }
}

/// Nothing that moves a cursor or starts a line, and not long.
fn readable(text: &str) -> bool {
    !text.contains(char::is_control) && text.chars().count() < 4096
}

/// Greeting and READY of a new connection; nothing if its configuration was refused.
fn opening_of(connection: &mut Connection) -> Vec<u8> {
    match connection.poll_output() {
        Ok(Some(Output::Transmit(opening))) => opening.into(),
        Err(Error::IdentityTooLong(_)) => Vec::new(),
        other => panic!("{other:?}"),
    }
}

/// All that a new connection sends before it hears anything: greeting and READY.
pub(crate) fn opening(config: &Config) -> Vec<u8> {
    opening_of(&mut Connection::new(config, Instant::now()))
}

pub(crate) fn dealer() -> Config {
    Config::new(SocketType::Dealer).with_identity(Bytes::from_static(b"dealer"))
}

pub(crate) fn router() -> Config {
    Config::new(SocketType::Router)
}

/// A frame with these flags, in the form that they ask for; short bodies only, unless LONG is set.
pub(crate) fn frame(flags: u8, body: &[u8]) -> BytesMut {
    let mut frame = BytesMut::from(&[flags][..]);
    let size = (body.len() as u64).to_be_bytes();
    frame.extend_from_slice(if flags & 2 == 0 { &size[7..] } else { &size });
    frame.extend_from_slice(body);
    frame
}
