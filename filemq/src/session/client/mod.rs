//! One server, as a client sees it.

mod credit;
mod receiver;
mod wishes;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;

use self::credit::Credit;
use self::receiver::Receiver;
use crate::message::Message;
use crate::session::terms;
use crate::{Digest, Refusal, Resume, VirtualPath, Write, Written};

/// How a client treats its servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// It says something at least so often. Default: 5 seconds.
    pub heartbeat: Duration,
    /// A server of which nothing is heard for so long is taken for dead. Default: 20 seconds.
    pub silence: Duration,
    /// Octets that a server of this implementation may have on their way, and in the inbox waiting
    /// to be written. What a network carries in a round trip should be less. Others send what they
    /// have, and TCP makes them wait. Default: two million.
    pub window: u64,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(5),
            silence: Duration::from_secs(20),
            window: 2_000_000,
        }
    }
}

/// What the inbox has from this server already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Whole files, by name, with their digest.
    pub complete: Vec<(VirtualPath, Digest)>,
    /// The beginning of one.
    pub partial: Option<(VirtualPath, Resume)>,
}

/// What a session wants of its driver.
#[derive(Debug)]
pub enum ClientOutput {
    /// Send this message, of one frame.
    Send(Bytes),
    /// Do this in the inbox, in order.
    Write(Write),
    /// This has happened.
    Event(ClientEvent),
    /// Send what is left, then close the connection. Nothing comes after it. What there is of an
    /// unfinished file stays, to go on with.
    Close(ClientClose),
}

/// What has happened between a client and a server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// The server has accepted all subscriptions.
    Subscribed,
    /// More of a file has come.
    Progress {
        /// The file.
        name: VirtualPath,
        /// Octets, with those that were there before.
        received: u64,
        /// Octets of the whole, if the server has told.
        size: Option<u64>,
    },
    /// A file is there, complete.
    Delivered {
        /// The file.
        name: VirtualPath,
        /// Where it is.
        path: PathBuf,
        /// Octets.
        size: u64,
    },
    /// A file is gone.
    Deleted {
        /// The file.
        name: VirtualPath,
        /// Where it was.
        path: PathBuf,
    },
    /// The inbox does not take a file.
    Refused {
        /// The file.
        name: VirtualPath,
        /// Why.
        reason: Refusal,
    },
    /// A file does not come as a whole: it has changed while it was sent, or the server has muddled
    /// it up.
    Aborted {
        /// The file.
        name: VirtualPath,
    },
}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientClose {
    /// SRSLY: the server does not serve this client. No use to try again soon.
    #[error("the server refuses: {0:?}")]
    Refused(String),
    /// RTFM: the server does not understand, or has forgotten this client. To be tried again.
    #[error("the server has lost the thread: {0:?}")]
    Rejected(String),
    /// Nothing was heard for [`ClientConfig::silence`]. To be tried again.
    #[error("the server is silent")]
    Silent,
    /// The server says what no server says.
    #[error("the server does not follow the protocol: {0}")]
    Protocol(String),
    /// A file is not what the server had promised. A new session asks for it again.
    #[error("{name} is not what was promised")]
    Mismatch {
        /// The file.
        name: VirtualPath,
    },
    /// The server has said goodbye.
    #[error("the server has said goodbye")]
    Goodbye,
    /// [`ClientSession::stop`] was called.
    #[error("stopped")]
    Stopped,
}

/// One server's session at a client. It is made anew for each connection.
#[derive(Debug)]
pub struct ClientSession {
    config: ClientConfig,
    stage: Stage,
    /// ICANHAZ that are still to be sent.
    wishes: VecDeque<Bytes>,
    receiver: Receiver,
    credit: Credit,
    /// When something was sent last.
    said: Instant,
    /// When something was heard last, or could be heard again.
    heard: Instant,
    /// Nothing can be heard.
    deaf: bool,
    outputs: VecDeque<ClientOutput>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// OHAI is sent.
    Greeting,
    /// OHAI-OK has come, and ICANHAZ is sent, perhaps not the last.
    Subscribing,
    /// All is said.
    Subscribed,
    /// It is over.
    Closed,
}

impl ClientSession {
    /// On a new connection, for these paths.
    #[must_use]
    pub fn new(
        config: &ClientConfig,
        subscriptions: &[VirtualPath],
        known: Known,
        now: Instant,
    ) -> Self {
        let subscriptions = wishes::distinct(subscriptions);
        let mut session = Self {
            config: config.clone(),
            stage: Stage::Greeting,
            wishes: wishes::wishes(&subscriptions, &known),
            receiver: Receiver::new(subscriptions, known.partial),
            credit: Credit::default(),
            said: now,
            heard: now,
            deaf: false,
            outputs: VecDeque::new(),
        };
        session.send(now, Message::Ohai.encode());
        session
    }

    /// A message has come, of these frames.
    pub fn handle_message(&mut self, now: Instant, frames: &[Bytes]) {
        if self.stage == Stage::Closed {
            return;
        }
        self.heard = now;
        let message = match Message::from_frames(frames) {
            Ok(message) => message,
            Err(error) => return self.close(ClientClose::Protocol(error.to_string())),
        };
        let text = |reason: Bytes| String::from_utf8_lossy(&reason).into_owned();
        match message {
            Message::OhaiOk if self.stage == Stage::Greeting => {
                self.stage = Stage::Subscribing;
                self.wish(now);
            }
            Message::IcanhazOk(terms) if self.stage == Stage::Subscribing => {
                if terms.text(terms::CREDIT) == Some(terms::YES) {
                    self.credit = Credit::counted(self.config.window);
                }
                self.wish(now);
            }
            // Nobody is harmed by an answer too many.
            Message::OhaiOk | Message::IcanhazOk(_) | Message::HugzOk => {}
            // Before there is a subscription it is another's.
            Message::Cheezburger(_) if self.stage == Stage::Greeting => {}
            Message::Cheezburger(piece) => {
                let octets = piece.chunk.len() as u64;
                if !self.receiver.receive(piece, &mut self.outputs) {
                    // The inbox will not have it.
                    self.handle_taken(now, octets);
                }
            }
            // Servers until 2014 ask; later ones do not, and must not be answered unasked.
            Message::Hugz => self.send(now, Message::HugzOk.encode()),
            Message::Kthxbai => self.close(ClientClose::Goodbye),
            Message::Srsly { reason } => self.close(ClientClose::Refused(text(reason))),
            Message::Rtfm { reason } => self.close(ClientClose::Rejected(text(reason))),
            Message::Ohai | Message::Icanhaz(_) | Message::Nom { .. } => {
                let what = format!("{} is not for clients", message.name());
                self.close(ClientClose::Protocol(what));
            }
        }
    }

    /// Subscribes to the next path; to all: lets content come.
    fn wish(&mut self, now: Instant) {
        if let Some(wish) = self.wishes.pop_front() {
            return self.send(now, wish);
        }
        self.stage = Stage::Subscribed;
        let credit = self.credit.first();
        self.send(now, Message::Nom { credit, sequence: 0 }.encode());
        self.outputs.push_back(ClientOutput::Event(ClientEvent::Subscribed));
    }

    /// The inbox has done something. After [`ClientOutput::Close`] this is still told: events of
    /// what it does to the end come nevertheless.
    pub fn handle_written(&mut self, written: &Written) {
        self.receiver.answered(written);
        let event = match written.clone() {
            Written::Delivered { name, path, size } => ClientEvent::Delivered { name, path, size },
            Written::Deleted { name, path } => ClientEvent::Deleted { name, path },
            Written::Refused { name, reason } => ClientEvent::Refused { name, reason },
            Written::Mismatch { name } => return self.close(ClientClose::Mismatch { name }),
        };
        self.outputs.push_back(ClientOutput::Event(event));
    }

    /// The inbox has dealt with so many octets of [`Write::Data`]: that many more may come.
    pub fn handle_taken(&mut self, now: Instant, octets: u64) {
        if let Some(credit) = self.credit.taken(octets)
            && self.stage == Stage::Subscribed
        {
            self.send(now, Message::Nom { credit, sequence: 0 }.encode());
        }
    }

    fn send(&mut self, now: Instant, frame: Bytes) {
        self.said = now;
        self.outputs.push_back(ClientOutput::Send(frame));
    }

    fn close(&mut self, why: ClientClose) {
        if self.stage != Stage::Closed {
            self.stage = Stage::Closed;
            self.outputs.push_back(ClientOutput::Close(why));
        }
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<ClientOutput> {
        self.outputs.pop_front()
    }

    /// Whether the driver reads from the connection. While it does not, because the inbox or the
    /// application is busy, no server is taken for dead.
    pub fn set_reading(&mut self, now: Instant, reading: bool) {
        if reading && self.deaf {
            self.heard = now;
        }
        self.deaf = !reading;
    }

    /// When [`Self::handle_timeout`] is due. It can change with everything that the session is told.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let says = match self.stage {
            Stage::Closed => return None,
            Stage::Greeting => None,
            Stage::Subscribing | Stage::Subscribed => Some(self.said + self.config.heartbeat),
        };
        let dies = (!self.deaf).then(|| self.heard + self.config.silence);
        [says, dies].into_iter().flatten().min()
    }

    /// It is so late now.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.stage == Stage::Closed {
            return;
        }
        if !self.deaf && now >= self.heard + self.config.silence {
            self.close(ClientClose::Silent);
        } else if self.stage != Stage::Greeting && now >= self.said + self.config.heartbeat {
            // Also while content comes: the server forgets a client that says nothing.
            self.send(now, Message::Hugz.encode());
        }
    }

    /// Says goodbye to the server.
    pub fn stop(&mut self) {
        if self.stage != Stage::Closed {
            self.outputs.push_back(ClientOutput::Send(Message::Kthxbai.encode()));
            self.close(ClientClose::Stopped);
        }
    }
}
