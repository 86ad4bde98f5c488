//! What a ZMTP connection makes of octets.

use std::iter;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use zmtp::{Config, Connection, Error, Event, Limits, Message, PeerInfo, SocketType};

/// The most that a connection may ask to be read at a time.
const WANTS: usize = 1 << 20;

/// All that a connection has told and sent, in a form that can be compared.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Heard {
    pub(crate) ready: Option<PeerInfo>,
    pub(crate) messages: Vec<Message>,
    /// Prefixes that were subscribed to (true), and taken back.
    pub(crate) subscriptions: Vec<(bool, Bytes)>,
    pub(crate) error: Option<Error>,
    /// What it sent after greeting and READY.
    pub(crate) sent: Vec<u8>,
}

impl Heard {
    /// What a new connection makes of these octets: the same however they are cut.
    pub(crate) fn from(config: &Config, octets: &[u8]) -> Self {
        Self::with_limits_when_ready(config, &config.limits, octets)
    }

    /// The same for a connection that gets other limits when it is ready.
    pub(crate) fn with_limits_when_ready(config: &Config, limits: &Limits, octets: &[u8]) -> Self {
        let mut whole = Self::default();
        let memory = allocation_counter::measure(|| {
            whole = Self::in_parts(config, limits, octets, iter::once(octets.len()));
        });
        // A frame of two octets becomes a message with a place in our list.
        let bound = 16 * 1024 + 256 * octets.len() as u64;
        assert!(memory.bytes_max <= bound, "{} for {}", memory.bytes_max, octets.len());

        assert_eq!(
            whole,
            Self::in_parts(config, limits, octets, iter::repeat(1)),
            "octet by octet"
        );
        let sizes = octets.iter().cycle().map(|octet| 1 + usize::from(octet % 32));
        assert_eq!(whole, Self::in_parts(config, limits, octets, sizes), "in parts");
        whole
    }

    fn in_parts(
        config: &Config,
        limits: &Limits,
        mut octets: &[u8],
        mut sizes: impl Iterator<Item = usize>,
    ) -> Self {
        let start = Instant::now();
        let mut connection = Connection::new(config, start);
        sent(&mut connection);
        let mut heard = Self::default();
        while !octets.is_empty() && heard.error.is_none() {
            let (part, rest) = octets.split_at(sizes.next().unwrap_or(1).min(octets.len()));
            octets = rest;
            let wants = connection.wants();
            assert!(wants <= WANTS);
            connection.buffer().extend_from_slice(part);
            let told = heard.poll(&mut connection, limits);
            assert!(!told || part.len() >= wants, "more was wanted than was needed");
        }
        heard.sent = sent(&mut connection);
        assert_eq!(connection.is_ready(), heard.ready.is_some() && heard.error.is_none());
        let late = connection.handle_timeout(start + config.limits.handshake_time);
        let waits = heard.ready.is_none() && heard.error.is_none();
        assert_eq!(late.err(), waits.then_some(Error::HandshakeTimeout));
        assert_eq!(connection.deadline(), None, "there is nothing to wait for any more");
        heard
    }

    /// Takes what the connection has to tell. Whether there was anything.
    fn poll(&mut self, connection: &mut Connection, limits: &Limits) -> bool {
        let mut told = false;
        loop {
            match connection.poll_event() {
                Ok(None) => return told,
                Ok(Some(Event::Ready(peer, _))) => {
                    assert!(self.ready.is_none() && self.messages.is_empty(), "once, and first");
                    self.ready = Some(peer);
                    connection.set_limits(limits.clone());
                }
                Ok(Some(Event::Message(message))) => {
                    assert!(self.ready.is_some() && !message.is_empty());
                    self.messages.push(message);
                }
                Ok(Some(Event::Subscribe(prefix))) => self.subscriptions.push((true, prefix)),
                Ok(Some(Event::Cancel(prefix))) => self.subscriptions.push((false, prefix)),
                Ok(Some(other)) => panic!("{other:?}"),
                Err(error) => {
                    assert!(readable(&error.to_string()), "{error}");
                    assert_eq!(connection.poll_event().err().as_ref(), Some(&error), "again");
                    assert!(connection.buffer().is_empty());
                    self.error = Some(error);
                    return true;
                }
            }
            told = true;
        }
    }

    /// Its messages, encoded by us and heard again, are the same.
    pub(crate) fn assert_encodes(&self) {
        let mut other = Connection::new(&router(), Instant::now());
        other.buffer().extend_from_slice(&opening(&dealer()));
        let Ok(Some(Event::Ready(_, mut encoder))) = other.poll_event() else {
            panic!("a dealer and a router")
        };
        for message in &self.messages {
            let (head, content) = message.frames().split_first().expect("a frame");
            encoder.encode(head, content, other.buffer());
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

fn sent(connection: &mut Connection) -> Vec<u8> {
    iter::from_fn(|| connection.poll_transmit()).flatten().collect()
}

/// All that a new connection sends before it hears anything: greeting and READY.
pub(crate) fn opening(config: &Config) -> Vec<u8> {
    sent(&mut Connection::new(config, Instant::now()))
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
