//! What comes before the first message.

use bytes::{Buf, Bytes};

#[cfg(feature = "_curve")]
use super::Introduced;
use super::{Connection, Event, Output, Stage};
use crate::command::{self, Command};
use crate::frame::IncomingHeader;
#[cfg(feature = "_curve")]
use crate::mechanism::curve;
use crate::mechanism::{Mechanism, metadata};
use crate::{Config, Encoder, Error, PeerInfo, SocketType, greeting};

impl Connection {
    /// Lets the remote in that [`Event::Authenticate`] has told of. Does nothing at any other time.
    #[cfg(feature = "_curve")]
    pub fn admit(&mut self) {
        let Stage::Introduced(introduced) = &mut self.stage else { return };
        let Some(admission) = introduced.admission.take() else { return };
        let (peer, subscriptions) =
            (introduced.peer.clone(), std::mem::take(&mut introduced.subscriptions));
        match admission.admit() {
            Ok(curve::Admitted { ready, sealer, opener }) => {
                self.transmits.extend(ready);
                self.opener = Some(Box::new(opener));
                self.greet(peer, Encoder::curve(sealer), &subscriptions);
            }
            Err(error) => self.die(error),
        }
    }

    /// Does not let the remote in that [`Event::Authenticate`] has told of: the connection ends with
    /// [`Error::Denied`], which a server says to its client by ERROR before that. Does nothing at
    /// any other time.
    ///
    /// A client that implements ERROR as libzmq does gives up and does not try again. To send one
    /// away that may come back, close the connection instead.
    #[cfg(feature = "_curve")]
    pub fn refuse(&mut self) {
        if matches!(self.stage, Stage::Introduced(_)) {
            self.die(Error::Denied);
        }
    }

    /// Returns what the remote is told before its connection ends.
    pub(super) fn last_word(&self, error: &Error) -> Option<Bytes> {
        match (&self.stage, error) {
            #[cfg(feature = "_curve")]
            (Stage::Introduced(introduced), Error::Denied) => {
                introduced.admission.as_ref().and_then(|admission| admission.refusal())
            }
            // RFC 37 asks for this in one case only. With CURVE nobody could tell which side has
            // sent it.
            (Stage::Handshake(handshake), Error::SocketType(_) | Error::Incompatible { .. }) => {
                matches!(handshake.config.mechanism, Mechanism::Null)
                    .then(|| command::error("Invalid socket type"))
            }
            _ => None,
        }
    }

    pub(super) fn waits_for_greeting(&self) -> bool {
        matches!(&self.stage, Stage::Handshake(handshake) if handshake.version.is_none())
    }

    /// The outputs before and after the exchange of messages: what has to be sent comes before
    /// [`Event::Ready`], and before the error.
    pub(super) fn poll_stage(&mut self) -> Result<Option<Output>, Error> {
        loop {
            if let Some(transmit) = self.poll_transmits() {
                return Ok(Some(Output::Transmit(transmit)));
            }
            match &mut self.stage {
                Stage::Dead(error) => return Err(error.clone()),
                #[cfg(feature = "_curve")]
                Stage::Introduced(introduced) => return Ok(introduced.tell()),
                Stage::Greeted(_) => {
                    let publisher = matches!(self.socket_type, SocketType::Pub | SocketType::XPub);
                    let greeted = std::mem::replace(&mut self.stage, Stage::Ready { publisher });
                    if let Stage::Greeted(greeted) = greeted {
                        let (peer, encoder) = *greeted;
                        return Ok(Some(Output::Event(Event::Ready(peer, encoder))));
                    }
                }
                Stage::Handshake(_) | Stage::Ready { .. } => match self.handshake() {
                    Ok(true) => {}
                    Ok(false) => return Ok(None),
                    Err(error) => self.die(error),
                },
            }
        }
    }

    /// Takes greeting, or one command, from the receive buffer. Returns `true` if it was there.
    fn handshake(&mut self) -> Result<bool, Error> {
        let Stage::Handshake(handshake) = &mut self.stage else { return Ok(false) };
        let Some(version) = handshake.version else {
            let version = greeting::decode(&self.received, &handshake.config.mechanism)?;
            if version.is_some() {
                handshake.version = version;
                handshake.taken = greeting::SIZE;
                self.received.advance(greeting::SIZE);
            }
            return Ok(version.is_some());
        };
        let Some(frame) = IncomingHeader::parse(&self.received)? else { return Ok(false) };
        if !frame.command {
            return Err(Error::Premature("a message"));
        }
        let limit = self.limits.handshake_bytes;
        let left = limit.saturating_sub(handshake.taken + frame.header).min(handshake.most());
        let Ok(size) = frame.within(left) else { return Err(Error::HandshakeTooLarge { limit }) };
        let end = frame.header + size;
        let Some(body) = self.received.get_mut(frame.header..end) else { return Ok(false) };
        handshake.taken += end;
        #[cfg(feature = "_curve")]
        if let Some(curve) = &mut handshake.curve {
            match curve.handle(body)? {
                curve::Step::Send(frame) => self.transmits.push_back(frame),
                curve::Step::Introduced(admission, metadata) => {
                    let mut peer = admit(&handshake.config, version, &body[metadata])?;
                    peer.keys = Some(Box::new(admission.keys()));
                    self.commands = version > (3, 0);
                    let introduced = Introduced {
                        peer,
                        admission: Some(admission),
                        told: false,
                        deadline: handshake.deadline,
                        subscriptions: std::mem::take(&mut handshake.config.subscriptions),
                    };
                    self.stage = Stage::Introduced(Box::new(introduced));
                }
            }
            self.received.advance(end);
            return Ok(true);
        }
        let peer = match Command::decode(body)? {
            Command::Ready(metadata) => admit(&handshake.config, version, metadata)?,
            Command::Error(reason) => return Err(Error::Refused(reason)),
            _ => return Err(Error::Premature("another command")),
        };
        self.received.advance(end);
        self.commands = version > (3, 0);
        let subscriptions = std::mem::take(&mut handshake.config.subscriptions);
        self.greet(peer, Encoder::null(), &subscriptions);
        Ok(true)
    }

    /// The remote is ready, and let in.
    fn greet(&mut self, peer: PeerInfo, encoder: Encoder, subscriptions: &[Bytes]) {
        self.stage = Stage::Greeted(Box::new((peer, encoder)));
        for prefix in subscriptions {
            self.send_subscription(true, prefix);
        }
    }
}

#[cfg(feature = "_curve")]
impl Introduced {
    /// Returns the event, once.
    fn tell(&mut self) -> Option<Output> {
        let keys = self.peer.keys.as_deref().copied()?;
        let is_new = !std::mem::replace(&mut self.told, true);
        is_new.then(|| Output::Event(Event::Authenticate(keys, self.peer.clone())))
    }
}

/// Returns who the remote is, if it is one that we may talk to.
fn admit(config: &Config, version: (u8, u8), metadata: &[u8]) -> Result<PeerInfo, Error> {
    let metadata::Metadata { socket_type, identity, properties } =
        metadata::Metadata::decode(metadata)?;
    let ours = config.socket_type;
    if !ours.accepts(socket_type) {
        return Err(Error::Incompatible { ours, theirs: socket_type });
    }
    let expected = &config.remote;
    if !expected.is_empty() && !identity.is_empty() && identity != *expected {
        return Err(Error::Stranger);
    }
    let (major, minor) = version;
    Ok(PeerInfo {
        socket_type,
        identity,
        major,
        minor,
        #[cfg(feature = "_curve")]
        keys: None,
        properties,
    })
}
