//! One end of one connection, without I/O and without a clock.

mod handshake;
#[cfg(feature = "_curve")]
mod sealed;
mod stage;

use std::collections::VecDeque;
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};

use self::handshake::Handshake;
use crate::command::{self, Command};
use crate::frame::IncomingHeader;
#[cfg(feature = "_curve")]
use crate::mechanism::curve::{Admission, Opener, SessionKeys};
#[cfg(feature = "net")]
use crate::message_assembler::parse_pair;
use crate::message_assembler::{MessageAssembler, parse_small};
#[cfg(feature = "net")]
use crate::pair::Pair;
use crate::{Config, Encoder, Error, Limits, Message, PeerInfo, SocketType};

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
    /// What opens everything that comes in, if it is sealed.
    #[cfg(feature = "_curve")]
    opener: Option<Box<Opener>>,
    /// A message that was opened, and turned out to be no pair.
    #[cfg(feature = "_curve")]
    ahead: Option<Box<Message>>,
}

/// Where the remote is.
#[derive(Debug)]
enum Stage {
    /// Greeting, or commands of the handshake, are due.
    Handshake(Box<Handshake>),
    /// The remote has proved its key, and waits to be let in.
    #[cfg(feature = "_curve")]
    Introduced(Box<Introduced>),
    /// The remote is ready. Told as an event when everything before it has been transmitted.
    Greeted(Box<(PeerInfo, Encoder)>),
    Ready {
        /// We publish, and messages are subscriptions.
        publisher: bool,
    },
    Dead(Error),
}

/// A remote that has proved its key.
#[cfg(feature = "_curve")]
#[derive(Debug)]
struct Introduced {
    peer: PeerInfo,
    /// `None` when it was used.
    admission: Option<Box<Admission>>,
    /// It was told as an event.
    told: bool,
    deadline: Option<Instant>,
    subscriptions: Vec<Bytes>,
}

/// What a [`Connection`] wants done.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// Send these bytes in the order in which they come: they belong to the handshake. None come
    /// after [`Event::Ready`].
    Transmit(Bytes),
    /// Encode this frame with [`Encoder::encode_frame`], and send it between messages: a
    /// subscription, or a PONG for a PING. None come before [`Event::Ready`].
    Frame(Bytes),
    /// This has happened.
    Event(Event),
}

/// What has happened on a [`Connection`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The remote has proved its key, and says this of itself: let it in with
    /// [`Connection::admit`], or do not, with [`Connection::refuse`]. Comes once, with CURVE only.
    /// Nothing else happens until one of them is called.
    #[cfg(feature = "_curve")]
    Authenticate(SessionKeys, PeerInfo),
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

impl Connection {
    /// Creates a connection at the time `now`, at which its handshake begins.
    pub fn new(config: &Config, now: Instant) -> Self {
        Self::begin(config, Handshake::begin(config, now))
    }

    /// The same with random bytes of this source.
    #[cfg(all(test, feature = "_curve"))]
    pub(crate) fn drawing(
        config: &Config,
        now: Instant,
        random: crate::mechanism::curve::Random<'_>,
    ) -> Self {
        Self::begin(config, Handshake::begin_with(config, now, random))
    }

    fn begin(config: &Config, begun: Result<(Handshake, Bytes), Error>) -> Self {
        let (stage, transmits) = match begun {
            Ok((handshake, opening)) => (Stage::Handshake(Box::new(handshake)), vec![opening]),
            Err(error) => (Stage::Dead(error), Vec::new()),
        };
        Self {
            socket_type: config.socket_type,
            limits: config.limits.clone(),
            stage,
            received: BytesMut::new(),
            transmits: transmits.into(),
            assembler: MessageAssembler::default(),
            commands: false,
            #[cfg(feature = "_curve")]
            opener: None,
            #[cfg(feature = "_curve")]
            ahead: None,
        }
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

    /// Returns what to do next, or `None` if there is nothing to do until more is received,
    /// [`next_deadline`](Self::next_deadline) has come, or another method is called.
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
            Ok(None) => Ok(self.poll_transmits().map(Output::Frame)),
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
        if !begins {
            return None;
        }
        #[cfg(feature = "_curve")]
        if self.opener.is_some() {
            return self.poll_sealed_pair();
        }
        parse_pair(&mut self.received, &self.limits)
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
            #[cfg(feature = "_curve")]
            Stage::Introduced(introduced) => introduced.deadline,
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
        self.transmits.extend(self.last_word(&error));
        self.stage = Stage::Dead(error);
        self.received = BytesMut::new();
        self.assembler = MessageAssembler::default();
        #[cfg(feature = "_curve")]
        {
            (self.opener, self.ahead) = (None, None);
        }
    }

    fn poll_transmits(&mut self) -> Option<Bytes> {
        let bytes = self.transmits.pop_front();
        if self.transmits.is_empty() {
            self.transmits = VecDeque::new();
        }
        bytes
    }

    /// The next event of a connection that is ready.
    fn poll_traffic(&mut self) -> Result<Option<Output>, Error> {
        #[cfg(feature = "_curve")]
        if self.opener.is_some() {
            return self.poll_sealed();
        }
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
        if !matches!(self.socket_type, SocketType::Sub | SocketType::XSub) {
            return;
        }
        let frame = || command::subscription(subscribe, prefix, self.commands);
        match &mut self.stage {
            Stage::Ready { .. } => self.transmits.push_back(frame()),
            Stage::Greeted(greeted) => {
                let mut wire = BytesMut::new();
                greeted.1.encode_frame(&frame(), &mut wire);
                self.transmits.push_back(wire.freeze());
            }
            _ => {}
        }
    }
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
