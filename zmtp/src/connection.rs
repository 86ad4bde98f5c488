//! One end of one connection, without I/O and without a clock.

use std::{collections::VecDeque, time::Instant};

use bytes::{Buf, Bytes, BytesMut};

use crate::{
    Config, Encoder, Error, Limits, Message, SocketType,
    assembly::{Assembly, quick},
    command::{self, Command},
    frame::Announced,
    greeting,
    mechanism::null,
};

/// PONGs that may wait to be sent. A remote that pings faster than it reads loses the others.
const PONGS: usize = 4;

/// The most that [`Connection::wants`] asks for at a time, in octets.
const WANTS: usize = 1 << 20;

/// One end of one connection.
///
/// Octets go in by [`buffer`](Self::buffer), what they mean comes out of
/// [`poll_event`](Self::poll_event), what is to be sent comes out of
/// [`poll_transmit`](Self::poll_transmit). Messages of our own are encoded by the [`Encoder`] that
/// comes with [`Event::Ready`], and not before: a message that arrives before the remote has sent
/// its READY makes libzmq close the connection.
#[derive(Debug)]
pub struct Connection {
    config: Config,
    stage: Stage,
    incoming: BytesMut,
    outgoing: VecDeque<Bytes>,
    assembly: Assembly,
    deadline: Option<Instant>,
    /// The remote knows the commands of ZMTP 3.1.
    commands: bool,
}

/// Where the remote is. We send greeting and READY at once and have nothing to wait for.
#[derive(Debug)]
enum Stage {
    Greeting,
    /// The greeting has come, with this version; READY is due.
    Handshake {
        major: u8,
        minor: u8,
    },
    Ready {
        /// We publish, and messages are subscriptions.
        publisher: bool,
    },
    Dead(Error),
}

/// What a connection has to tell.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The handshake is over. Comes once, before any message.
    Ready(PeerInfo, Encoder),
    /// A whole message.
    Message(Message),
    /// The remote of a PUB or XPUB wants messages with this prefix. See
    /// [`Subscriptions`](crate::Subscriptions).
    Subscribe(Bytes),
    /// The remote of a PUB or XPUB takes back one subscription to this prefix.
    Cancel(Bytes),
}

/// What the remote said of itself in greeting and READY.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// What it is; one that [`SocketType::accepts`] allows.
    pub socket_type: SocketType,
    /// Its identity, at most 255 octets, empty if it has none. Nobody has verified it.
    pub identity: Bytes,
    /// Its major version of ZMTP, at least 3.
    pub major: u8,
    /// Its minor version of ZMTP.
    pub minor: u8,
}

impl Connection {
    /// A connection that has just been made, at `now`; the time for the handshake starts.
    #[must_use]
    pub fn new(config: &Config, now: Instant) -> Self {
        let mut new = Self {
            config: config.clone(),
            stage: Stage::Greeting,
            incoming: BytesMut::new(),
            outgoing: VecDeque::new(),
            assembly: Assembly::default(),
            deadline: now.checked_add(config.limits.handshake_time),
            commands: false,
        };
        let identity = config.identity.len();
        if identity > null::IDENTITY {
            new.stage = Stage::Dead(Error::IdentityTooLong(identity));
            return new;
        }
        // READY need not wait for the remote's greeting: one segment, one system call.
        let mut opening = BytesMut::from(&greeting::encode(config.mechanism, identity)[..]);
        opening.extend_from_slice(&null::ready(config));
        new.outgoing.push_back(opening.freeze());
        new
    }

    /// The receive buffer: append what came in, then call [`poll_event`](Self::poll_event) until
    /// it says `None`.
    ///
    /// The connection itself never reserves room in it, whatever sizes the remote announces: it
    /// grows by what the caller reserves or appends. An empty one may be replaced by
    /// `BytesMut::new()` to give its memory back.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.incoming
    }

    /// How many octets are missing from the frame in progress, at most 1 MiB: a hint for the size
    /// of the next read. 0 when that is not known.
    #[must_use]
    pub fn wants(&self) -> usize {
        match Announced::parse(&self.incoming) {
            Ok(Some(frame)) if !matches!(self.stage, Stage::Greeting) => {
                let size = usize::try_from(frame.size).unwrap_or(usize::MAX);
                let missing = size.saturating_add(frame.header).saturating_sub(self.incoming.len());
                missing.min(WANTS)
            }
            _ => 0,
        }
    }

    /// Other limits from here on, for what has not been told yet: a remote may be trusted with more
    /// when it has said who it is.
    pub fn set_limits(&mut self, limits: Limits) {
        self.config.limits = limits;
    }

    /// The next thing that the octets received so far mean; `None`: more are needed.
    ///
    /// # Errors
    /// What the remote did wrong. The connection is dead then, drops what it held and gives the
    /// same answer for ever; a last [`poll_transmit`](Self::poll_transmit) may still hold an ERROR
    /// for the remote.
    pub fn poll_event(&mut self) -> Result<Option<Event>, Error> {
        let event = match &self.stage {
            Stage::Ready { publisher: false } => self.poll_traffic(),
            Stage::Ready { publisher: true } => self.poll_subscriptions(),
            Stage::Greeting | Stage::Handshake { .. } => self.poll_handshake(),
            Stage::Dead(error) => return Err(error.clone()),
        };
        event.map_err(|error| self.die(error))
    }

    /// Subscribes to messages with this prefix; for a SUB or XSUB. What it wants from the start
    /// stands in [`Config::subscriptions`]: before the connection is ready this does nothing.
    pub fn subscribe(&mut self, prefix: &[u8]) {
        self.tell_subscription(true, prefix);
    }

    /// Takes one subscription to this prefix back; for a SUB or XSUB that is ready.
    pub fn cancel(&mut self, prefix: &[u8]) {
        self.tell_subscription(false, prefix);
    }

    /// The next octets to be sent: greeting and READY at first, later subscriptions, and a PONG for
    /// a PING. Hand them to the transport whole and between messages, in the order in which they
    /// come.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        let octets = self.outgoing.pop_front();
        if self.outgoing.is_empty() {
            self.outgoing = VecDeque::new();
        }
        octets
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called; only the handshake has a
    /// deadline.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Tells the time. Harmless when there is no deadline or it has not come.
    ///
    /// # Errors
    /// [`Error::HandshakeTimeout`] when the handshake should be over by now.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            return Err(self.die(Error::HandshakeTimeout));
        }
        Ok(())
    }

    /// Whether the handshake is over and the connection alive.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Ready { .. })
    }

    fn die(&mut self, error: Error) -> Error {
        self.outgoing.clear();
        if matches!(error, Error::SocketType(_) | Error::Incompatible { .. }) {
            // RFC 37 asks for this in one case only: the socket types.
            self.outgoing.push_back(command::error("Invalid socket type"));
        }
        self.stage = Stage::Dead(error.clone());
        self.incoming = BytesMut::new();
        self.assembly = Assembly::default();
        self.deadline = None;
        error
    }

    fn poll_handshake(&mut self) -> Result<Option<Event>, Error> {
        if matches!(self.stage, Stage::Greeting) {
            let Some((major, minor)) = greeting::decode(&self.incoming, self.config.mechanism)?
            else {
                return Ok(None);
            };
            self.incoming.advance(greeting::LEN);
            self.stage = Stage::Handshake { major, minor };
        }
        let Some(frame) = Announced::parse(&self.incoming)? else { return Ok(None) };
        if !frame.command {
            return Err(Error::Premature("a message"));
        }
        let limit = self.config.limits.handshake_octets;
        let left = limit.saturating_sub(greeting::LEN + frame.header);
        let Ok(size) = frame.within(left) else { return Err(Error::HandshakeTooLarge { limit }) };
        let Some(body) = self.incoming.get(frame.header..frame.header + size) else {
            return Ok(None);
        };
        let peer = match Command::decode(body)? {
            Command::Ready(metadata) => self.meet(metadata)?,
            Command::Error(reason) => return Err(Error::Refused(reason)),
            _ => return Err(Error::Premature("another command")),
        };
        self.incoming.advance(frame.header + size);
        let publisher = matches!(self.config.socket_type, SocketType::Pub | SocketType::XPub);
        self.stage = Stage::Ready { publisher };
        self.deadline = None;
        self.commands = (peer.major, peer.minor) > (3, 0);
        for prefix in std::mem::take(&mut self.config.subscriptions) {
            self.subscribe(&prefix);
        }
        Ok(Some(Event::Ready(peer, Encoder::new(self.config.mechanism))))
    }

    /// Who the remote is, if it is one that we may talk to.
    fn meet(&self, metadata: &[u8]) -> Result<PeerInfo, Error> {
        let null::Metadata { socket_type, identity } = null::Metadata::decode(metadata)?;
        let ours = self.config.socket_type;
        if !ours.accepts(socket_type) {
            return Err(Error::Incompatible { ours, theirs: socket_type });
        }
        let meant = &self.config.remote;
        if !meant.is_empty() && !identity.is_empty() && identity != *meant {
            return Err(Error::Stranger);
        }
        let (major, minor) = match self.stage {
            Stage::Handshake { major, minor } => (major, minor),
            _ => (3, 0),
        };
        Ok(PeerInfo { socket_type, identity, major, minor })
    }

    fn poll_traffic(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if self.assembly.is_empty()
                && let Some(message) = quick(&mut self.incoming, &self.config.limits)
            {
                return Ok(Some(Event::Message(message)));
            }
            let Some(frame) = Announced::parse(&self.incoming)? else { return Ok(None) };
            let size = if frame.command {
                frame.within(self.config.limits.command)?
            } else {
                self.assembly.admit(&frame, &self.config.limits)?
            };
            if self.incoming.len() - frame.header < size {
                return Ok(None);
            }
            self.incoming.advance(frame.header);
            if frame.command {
                // libzmq may put a PING between the frames of a message, so this takes it there.
                let event = self.command(size)?;
                self.incoming.advance(size);
                if event.is_some() {
                    return Ok(event);
                }
                continue;
            }
            self.assembly.push(&mut self.incoming, size);
            if !frame.more {
                return Ok(Some(Event::Message(self.assembly.finish())));
            }
        }
    }

    /// Obeys the command whose body is the first `size` octets of the buffer.
    fn command(&mut self, size: usize) -> Result<Option<Event>, Error> {
        let publisher = matches!(self.stage, Stage::Ready { publisher: true });
        match Command::decode(&self.incoming[..size])? {
            Command::Ping(context) => {
                if self.outgoing.len() < PONGS {
                    self.outgoing.push_back(command::pong(context));
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

    /// What comes to a publisher: subscriptions, as commands or as messages. Other messages are for
    /// an XPUB; at a PUB they are dropped (RFC 29).
    fn poll_subscriptions(&mut self) -> Result<Option<Event>, Error> {
        loop {
            match self.poll_traffic()? {
                Some(Event::Message(message)) => {
                    if let Some(event) = subscription(&message) {
                        return Ok(Some(event));
                    }
                    if self.config.socket_type == SocketType::XPub {
                        return Ok(Some(Event::Message(message)));
                    }
                }
                other => return Ok(other),
            }
        }
    }

    fn tell_subscription(&mut self, subscribe: bool, prefix: &[u8]) {
        let subscriber = matches!(self.config.socket_type, SocketType::Sub | SocketType::XSub);
        if subscriber && self.is_ready() {
            let frame = command::subscription(subscribe, prefix, self.commands);
            self.outgoing.push_back(frame);
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
