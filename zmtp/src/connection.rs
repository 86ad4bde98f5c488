//! One end of one connection, without I/O and without a clock.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};

use crate::command::{self, Command};
use crate::frame::IncomingHeader;
use crate::greeting;
use crate::mechanism::null;
#[cfg(feature = "net")]
use crate::message_assembler::parse_pair;
use crate::message_assembler::{MessageAssembler, parse_small};
#[cfg(feature = "net")]
use crate::pair::Pair;
use crate::properties::Properties;
use crate::{Config, Encoder, Error, Limits, Message, SocketType};

/// PONGs that may wait to be sent. A remote that sends more PINGs in one batch loses the others.
const MAX_WAITING_PONGS: usize = 4;

/// The most that [`Connection::read_hint`] asks for at a time, in bytes.
const MAX_READ_HINT: usize = 1 << 20;

/// One end of one connection.
///
/// Received bytes are appended to [`receive_buffer`](Self::receive_buffer), and what follows from
/// them comes out of [`poll_output`](Self::poll_output): bytes to send, and events. Messages are
/// sent with the [`Encoder`] that comes with [`Event::Ready`], and not before it: libzmq closes the
/// connection when a message arrives before it has sent its own READY.
///
/// The [front page](crate#the-run-loop) has the complete loop.
#[derive(Debug)]
pub struct Connection {
    socket_type: SocketType,
    limits: Limits,
    stage: Stage,
    received: BytesMut,
    transmits: VecDeque<Bytes>,
    assembler: MessageAssembler,
    /// The remote knows the commands of ZMTP 3.1.
    commands: bool,
}

/// Where the remote is. We send greeting and READY at once and have nothing to wait for.
#[derive(Debug)]
enum Stage {
    /// Greeting or READY are due.
    Handshake(Box<Handshake>),
    /// READY has come. Told as an event when everything before it has been transmitted.
    Greeted(Box<(PeerInfo, Encoder)>),
    Ready {
        /// We publish, and messages are subscriptions.
        publisher: bool,
    },
    Dead(Error),
}

/// What is needed until READY has come. Connections live long, and most are quiet: what they hold
/// counts many times.
#[derive(Debug)]
struct Handshake {
    config: Config,
    deadline: Option<Instant>,
    /// Major and minor version of the remote, when its greeting has come.
    version: Option<(u8, u8)>,
}

/// What a [`Connection`] wants done.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// Send these bytes, whole and between messages, in the order in which they come: greeting and
    /// READY at first, later subscriptions, and a PONG for a PING.
    Transmit(Bytes),
    /// This has happened.
    Event(Event),
}

/// What has happened on a [`Connection`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The handshake is over, and everything that belongs to it has been transmitted. Comes once,
    /// before any message.
    Ready(PeerInfo, Encoder),
    /// A whole message has arrived.
    Message(Message),
    /// The remote of a PUB or XPUB subscribes to messages with this prefix. See
    /// [`Subscriptions`](crate::Subscriptions).
    Subscribe(Bytes),
    /// The remote of a PUB or XPUB cancels one subscription to this prefix.
    Cancel(Bytes),
}

/// What the remote said of itself in greeting and READY.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// Its socket type; one that [`SocketType::accepts`] allows.
    pub socket_type: SocketType,
    /// Its identity, at most 255 bytes, empty if it has none. Not verified.
    pub identity: Bytes,
    /// Its major version of ZMTP, at least 3.
    pub major: u8,
    /// Its minor version of ZMTP.
    pub minor: u8,
    properties: Properties,
}

impl PeerInfo {
    /// Returns the value of a property that the remote has announced: `name` begins with `X-` and
    /// matches exactly. Not verified.
    ///
    /// Of what it announces the first 16 such properties are known, if their names have at most 255
    /// and their values at most 1,024 bytes. Of two with the same name the later one holds.
    pub fn property(&self, name: &str) -> Option<&Bytes> {
        self.properties.get(name.as_bytes())
    }
}

impl Connection {
    /// Creates a connection at the time `now`, at which its handshake begins.
    pub fn new(config: &Config, now: Instant) -> Self {
        let handshake = Handshake {
            config: config.clone(),
            deadline: now.checked_add(config.limits.handshake_time),
            version: None,
        };
        let mut new = Self {
            socket_type: config.socket_type,
            limits: config.limits.clone(),
            stage: Stage::Handshake(Box::new(handshake)),
            received: BytesMut::new(),
            transmits: VecDeque::new(),
            assembler: MessageAssembler::default(),
            commands: false,
        };
        if let Err(error) = null::check(config) {
            new.die(error);
            return new;
        }
        // READY need not wait for the remote's greeting: one segment, one system call.
        let mut opening =
            BytesMut::from(&greeting::encode(config.mechanism, config.identity.len())[..]);
        opening.extend_from_slice(&null::ready(config));
        new.transmits.push_back(opening.freeze());
        new
    }

    /// Returns the receive buffer: append what was received, then call
    /// [`poll_output`](Self::poll_output) until it returns `None`.
    ///
    /// The connection itself never reserves room in it, whatever sizes the remote announces: it
    /// grows by what the caller reserves or appends. An empty buffer may be replaced by
    /// `BytesMut::new()` to give its memory back.
    pub fn receive_buffer(&mut self) -> &mut BytesMut {
        &mut self.received
    }

    /// Returns how many bytes are missing from the frame in progress, at most 1 MiB, as a hint for
    /// the size of the next read; 0 if that is not known.
    pub fn read_hint(&self) -> usize {
        match IncomingHeader::parse(&self.received) {
            Ok(Some(frame)) if !self.waits_for_greeting() => {
                let size = usize::try_from(frame.body).unwrap_or(usize::MAX);
                let frame = size.saturating_add(frame.header);
                frame.saturating_sub(self.received.len()).min(MAX_READ_HINT)
            }
            _ => 0,
        }
    }

    /// Replaces the limits, for everything that `poll_output` has not returned yet: a remote may be
    /// trusted with more once it has said who it is.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Returns what is to be done next, or `None` if there is nothing to do until more is received,
    /// [`subscribe`](Self::subscribe) or [`cancel`](Self::cancel) is called, or
    /// [`next_deadline`](Self::next_deadline) has come.
    ///
    /// # Errors
    /// What the remote did wrong. The connection is dead then, has dropped everything that it held,
    /// and returns the same error from then on. An ERROR that is due to the remote comes as the
    /// last [`Output::Transmit`] before it.
    pub fn poll_output(&mut self) -> Result<Option<Output>, Error> {
        // Messages first: what they make us send waits until the receive buffer is exhausted, so
        // that it is sent together, and a flood of PINGs makes few PONGs.
        let output = match &self.stage {
            Stage::Ready { publisher: false } => self.poll_traffic(),
            Stage::Ready { publisher: true } => self.poll_subscriptions(),
            _ => return self.poll_stage(),
        };
        match output {
            Ok(None) => Ok(self.poll_transmits()),
            Err(error) => {
                self.die(error);
                self.poll_stage()
            }
            some => some,
        }
    }

    /// Returns the next output if it is a small message of a short head and a body. A shortcut for
    /// [`poll_output`](Self::poll_output), which would return the same message.
    #[cfg(feature = "net")]
    #[inline]
    pub(crate) fn poll_pair(&mut self) -> Option<Pair> {
        let ready = matches!(self.stage, Stage::Ready { publisher: false });
        let begins = ready && self.assembler.is_empty();
        if begins { parse_pair(&mut self.received, &self.limits) } else { None }
    }

    /// Subscribes to messages with this prefix, on a SUB or XSUB that is ready.
    ///
    /// Subscriptions from the start belong in [`Config::subscriptions`]: before the connection is
    /// ready this does nothing.
    pub fn subscribe(&mut self, prefix: &[u8]) {
        self.send_subscription(true, prefix);
    }

    /// Cancels one subscription to this prefix, on a SUB or XSUB that is ready.
    pub fn cancel(&mut self, prefix: &[u8]) {
        self.send_subscription(false, prefix);
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due. Only the handshake has a
    /// deadline.
    pub fn next_deadline(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Handshake(handshake) => handshake.deadline,
            _ => None,
        }
    }

    /// Ends the connection with [`Error::HandshakeTimeout`] if its deadline has passed at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_deadline().is_some_and(|deadline| now >= deadline) {
            self.die(Error::HandshakeTimeout);
        }
    }

    /// Returns whether [`Event::Ready`] has come and the connection is alive.
    pub fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Ready { .. })
    }

    fn die(&mut self, error: Error) {
        self.transmits.clear();
        if matches!(error, Error::SocketType(_) | Error::Incompatible { .. }) {
            // RFC 37 asks for this in one case only: the socket types.
            self.transmits.push_back(command::error("Invalid socket type"));
        }
        self.stage = Stage::Dead(error);
        self.received = BytesMut::new();
        self.assembler = MessageAssembler::default();
    }

    fn waits_for_greeting(&self) -> bool {
        matches!(&self.stage, Stage::Handshake(handshake) if handshake.version.is_none())
    }

    /// The outputs before and after the exchange of messages: what is to be sent comes before
    /// [`Event::Ready`], and before the error.
    fn poll_stage(&mut self) -> Result<Option<Output>, Error> {
        loop {
            if let Some(transmit) = self.poll_transmits() {
                return Ok(Some(transmit));
            }
            if let Stage::Dead(error) = &self.stage {
                return Err(error.clone());
            }
            if matches!(self.stage, Stage::Greeted(_)) {
                let publisher = matches!(self.socket_type, SocketType::Pub | SocketType::XPub);
                let greeted = std::mem::replace(&mut self.stage, Stage::Ready { publisher });
                if let Stage::Greeted(greeted) = greeted {
                    let (peer, encoder) = *greeted;
                    return Ok(Some(Output::Event(Event::Ready(peer, encoder))));
                }
            }
            match self.handshake() {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => self.die(error),
            }
        }
    }

    fn poll_transmits(&mut self) -> Option<Output> {
        let bytes = self.transmits.pop_front();
        if self.transmits.is_empty() {
            self.transmits = VecDeque::new();
        }
        bytes.map(Output::Transmit)
    }

    /// Takes greeting and READY from the receive buffer. Returns `true` when both are there.
    fn handshake(&mut self) -> Result<bool, Error> {
        let Stage::Handshake(handshake) = &mut self.stage else { return Ok(false) };
        let version = match handshake.version {
            Some(version) => version,
            None => {
                let mechanism = handshake.config.mechanism;
                let Some(version) = greeting::decode(&self.received, mechanism)? else {
                    return Ok(false);
                };
                self.received.advance(greeting::SIZE);
                *handshake.version.insert(version)
            }
        };
        let Some(frame) = IncomingHeader::parse(&self.received)? else { return Ok(false) };
        if !frame.command {
            return Err(Error::Premature("a message"));
        }
        let limit = self.limits.handshake_bytes;
        let left = limit.saturating_sub(greeting::SIZE + frame.header);
        let Ok(size) = frame.within(left) else { return Err(Error::HandshakeTooLarge { limit }) };
        let Some(body) = self.received.get(frame.header..frame.header + size) else {
            return Ok(false);
        };
        let peer = match Command::decode(body)? {
            Command::Ready(metadata) => admit(&handshake.config, version, metadata)?,
            Command::Error(reason) => return Err(Error::Refused(reason)),
            _ => return Err(Error::Premature("another command")),
        };
        self.received.advance(frame.header + size);
        self.commands = version > (3, 0);
        let encoder = Encoder::new(handshake.config.mechanism);
        let subscriptions = std::mem::take(&mut handshake.config.subscriptions);
        self.stage = Stage::Greeted(Box::new((peer, encoder)));
        for prefix in subscriptions {
            self.send_subscription(true, &prefix);
        }
        Ok(true)
    }

    /// The next event of a connection that is ready.
    fn poll_traffic(&mut self) -> Result<Option<Output>, Error> {
        loop {
            // Unless another one has begun.
            if self.assembler.is_empty()
                && let Some(message) = parse_small(&mut self.received, &self.limits)
            {
                return Ok(Some(Output::Event(Event::Message(message))));
            }
            let Some(frame) = IncomingHeader::parse(&self.received)? else { return Ok(None) };
            let size = if frame.command {
                frame.within(self.limits.command)?
            } else {
                self.assembler.admit(&frame, &self.limits)?
            };
            if self.received.len() - frame.header < size {
                return Ok(None);
            }
            self.received.advance(frame.header);
            if frame.command {
                // libzmq may put a PING between the frames of a message, so this takes it there.
                let event = self.command(size)?;
                self.received.advance(size);
                if let Some(event) = event {
                    return Ok(Some(Output::Event(event)));
                }
                continue;
            }
            self.assembler.push(&mut self.received, size);
            if !frame.more {
                return Ok(Some(Output::Event(Event::Message(self.assembler.finish()))));
            }
        }
    }

    /// Handles the command whose body is the first `size` bytes of the buffer.
    fn command(&mut self, size: usize) -> Result<Option<Event>, Error> {
        let publisher = matches!(self.stage, Stage::Ready { publisher: true });
        match Command::decode(&self.received[..size])? {
            Command::Ping(context) => {
                if self.transmits.len() < MAX_WAITING_PONGS {
                    self.transmits.push_back(command::pong(context));
                }
                Ok(None)
            }
            Command::Error(reason) => Err(Error::Refused(reason)),
            Command::Subscribe(prefix) if publisher => {
                Ok(Some(Event::Subscribe(Bytes::copy_from_slice(prefix))))
            }
            Command::Cancel(prefix) if publisher => {
                Ok(Some(Event::Cancel(Bytes::copy_from_slice(prefix))))
            }
            _ => Ok(None),
        }
    }

    /// The next event of a publisher: subscriptions, as commands or as messages. An XPUB receives
    /// other messages too, a PUB drops them (RFC 29).
    fn poll_subscriptions(&mut self) -> Result<Option<Output>, Error> {
        loop {
            match self.poll_traffic()? {
                Some(Output::Event(Event::Message(message))) => {
                    if let Some(event) = subscription(&message) {
                        return Ok(Some(Output::Event(event)));
                    }
                    if self.socket_type == SocketType::XPub {
                        return Ok(Some(Output::Event(Event::Message(message))));
                    }
                }
                other => return Ok(other),
            }
        }
    }

    fn send_subscription(&mut self, subscribe: bool, prefix: &[u8]) {
        let subscriber = matches!(self.socket_type, SocketType::Sub | SocketType::XSub);
        if subscriber && matches!(self.stage, Stage::Greeted(_) | Stage::Ready { .. }) {
            let frame = command::subscription(subscribe, prefix, self.commands);
            self.transmits.push_back(frame);
        }
    }
}

/// Returns who the remote is, if it is one that we may talk to.
fn admit(config: &Config, version: (u8, u8), metadata: &[u8]) -> Result<PeerInfo, Error> {
    let null::Metadata { socket_type, identity, properties } = null::Metadata::decode(metadata)?;
    let ours = config.socket_type;
    if !ours.accepts(socket_type) {
        return Err(Error::Incompatible { ours, theirs: socket_type });
    }
    let expected = &config.remote;
    if !expected.is_empty() && !identity.is_empty() && identity != *expected {
        return Err(Error::Stranger);
    }
    let (major, minor) = version;
    Ok(PeerInfo { socket_type, identity, major, minor, properties })
}

/// What a message means to a publisher (ZMTP 3.0, RFC 23, "The PUB and XPUB Socket Types").
fn subscription(message: &Message) -> Option<Event> {
    let [frame] = message.frames() else { return None };
    match frame.first()? {
        0 => Some(Event::Cancel(frame.slice(1..))),
        1 => Some(Event::Subscribe(frame.slice(1..))),
        _ => None,
    }
}
