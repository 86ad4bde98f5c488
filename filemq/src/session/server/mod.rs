//! One client, as a server sees it.

mod pending;
mod sizes;
mod subscriptions;
mod talk;
mod transfer;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use self::talk::{Outputs, Talk};
use self::transfer::Asked;
use crate::message::Message;
use crate::{Catalogue, Change, Done, Job, VirtualPath};

/// What a server demands of its clients, and remembers of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// A client that says nothing for so long is forgotten, and its connection closed. Default: 60
    /// seconds, as in C FileMQ.
    pub expiry: Duration,
    /// How many paths a client may subscribe to. Default: 1,000.
    pub subscriptions: usize,
    /// How many names may wait to be deleted at a client that takes nothing. Default: 1,000,000.
    pub deletes: usize,
    /// Of how many files the sizes are remembered that a client of another implementation has; of
    /// others it is deleted before a new state is sent. Default: 65,536.
    pub sizes: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            expiry: Duration::from_secs(60),
            subscriptions: 1000,
            deletes: 1_000_000,
            sizes: 65_536,
        }
    }
}

/// What a session wants of its driver.
#[derive(Debug)]
pub enum ServerOutput {
    /// Send this message, of one frame.
    Send {
        /// What it begins with, or all of it.
        head: Bytes,
        /// What comes after that: content of a file, or nothing.
        chunk: Bytes,
    },
    /// This has happened.
    Event(ServerEvent),
    /// Send what is left, then close the connection. Nothing comes after it.
    Close,
}

impl ServerOutput {
    /// Send this.
    fn message(message: &Message) -> Self {
        Self::Send { head: message.encode(), chunk: Bytes::new() }
    }
}

/// What has happened between a server and a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerEvent {
    /// The client gets what lies at or below this path.
    Subscribed {
        /// The path.
        path: VirtualPath,
    },
    /// More of a file is on its way.
    Progress {
        /// The file.
        name: VirtualPath,
        /// Octets, with those that the client had before.
        sent: u64,
        /// Octets of the whole.
        size: u64,
    },
    /// A file is on its way as a whole.
    Sent {
        /// The file.
        name: VirtualPath,
        /// Octets of the whole.
        size: u64,
    },
    /// The client has been told that a file is gone.
    Deleted {
        /// The file.
        name: VirtualPath,
    },
    /// A file has changed, or is to be had no longer, while it was sent. If it is still there, its
    /// new state follows.
    Aborted {
        /// The file.
        name: VirtualPath,
    },
    /// A file cannot be read; it is not sent before it changes.
    Unreadable {
        /// The file.
        name: VirtualPath,
        /// What the operating system says.
        reason: Arc<str>,
    },
    /// The client has said something that is not understood, or not at this time, and was told so.
    Rejected {
        /// What it was told.
        reason: Arc<str>,
    },
    /// The client has said goodbye.
    Left,
    /// The client has said nothing for [`ServerConfig::expiry`].
    Expired,
}

/// Outputs that nobody has taken, beyond which there are no more jobs.
const MANY_OUTPUTS: usize = 64;

/// Outputs that nobody has taken, beyond which the client is given up: it asks and does not listen.
const TOO_MANY_OUTPUTS: usize = 10_000;

/// After so many wrong messages the connection is closed.
const REJECTIONS: u32 = 10;

/// One client's session at a server.
///
/// The driver tells it what happens; after each thing it takes all outputs and, as long as its queue
/// to the client has room, jobs. Taking outputs can make room for jobs, and a job that was asked for
/// can leave outputs although there is none: both have to be asked for until both have nothing.
#[derive(Debug)]
pub struct ServerSession {
    config: ServerConfig,
    tags: BTreeSet<Arc<str>>,
    /// None before OHAI.
    talk: Option<Talk>,
    /// Answers that are owed to talks that are over, and come before all others.
    dropped: usize,
    /// A file may be open that a talk left that is over.
    open: bool,
    expires: Instant,
    rejections: u32,
    outputs: Outputs,
    closed: bool,
}

impl ServerSession {
    /// Of a client that has just connected and carries these tags.
    #[must_use]
    pub fn new(config: &ServerConfig, tags: BTreeSet<Arc<str>>, now: Instant) -> Self {
        Self {
            config: config.clone(),
            tags,
            talk: None,
            dropped: 0,
            open: false,
            expires: now + config.expiry,
            rejections: 0,
            outputs: Outputs::new(),
            closed: false,
        }
    }

    /// A message has come, of these frames. What is wrong with it the client is told, and then it
    /// has to begin anew, with OHAI.
    pub fn handle_message(&mut self, now: Instant, frames: &[Bytes], catalogue: &Catalogue) {
        if self.closed {
            return;
        }
        self.expires = now + self.config.expiry;
        let handled = match Message::from_frames(frames) {
            Ok(message) => self.handle(&message, catalogue),
            Err(error) => Err(error.to_string()),
        };
        if let Err(reason) = handled {
            self.reject(&reason);
        }
        if self.outputs.len() > TOO_MANY_OUTPUTS {
            self.close();
        }
    }

    /// The error is what the client is to be told.
    fn handle(&mut self, message: &Message, catalogue: &Catalogue) -> Result<(), String> {
        if *message == Message::Ohai {
            // One that says it again keeps what it has, as in C.
            self.talk.get_or_insert_with(|| Talk::new(&self.config, self.tags.clone()));
            self.send(&Message::OhaiOk);
            return Ok(());
        }
        let Some(talk) = &mut self.talk else {
            return Err(format!("{} before OHAI", message.name()));
        };
        match message {
            Message::Icanhaz(icanhaz) => talk.subscribe(icanhaz, catalogue, &mut self.outputs)?,
            Message::Nom { credit, .. } => talk.grant(*credit),
            Message::Hugz => self.send(&Message::HugzOk),
            Message::Kthxbai => {
                self.forget();
                self.outputs.push_back(ServerOutput::Event(ServerEvent::Left));
            }
            _ => return Err(format!("{} is not for servers", message.name())),
        }
        Ok(())
    }

    fn send(&mut self, message: &Message) {
        self.outputs.push_back(ServerOutput::message(message));
    }

    /// The talk is over. Answers to its jobs come nevertheless.
    fn forget(&mut self) {
        if let Some(talk) = self.talk.take() {
            let jobs = talk.asked.iter().filter(|asked| !matches!(asked, Asked::Delete(_)));
            self.dropped += jobs.count();
            self.open |= talk.open;
        }
    }

    fn reject(&mut self, reason: &str) {
        self.forget();
        let text = Bytes::copy_from_slice(reason.as_bytes());
        self.send(&Message::Rtfm { reason: text });
        let event = ServerEvent::Rejected { reason: reason.into() };
        self.outputs.push_back(ServerOutput::Event(event));
        self.rejections += 1;
        if self.rejections >= REJECTIONS {
            self.close();
        }
    }

    fn close(&mut self) {
        self.forget();
        self.closed = true;
        self.outputs.push_back(ServerOutput::Close);
    }

    /// The catalogue has changed: to be told of each change, in order.
    pub fn handle_change(&mut self, change: &Change) {
        if let Some(talk) = &mut self.talk
            && let Err(reason) = talk.change(change, &mut self.outputs)
        {
            self.reject(&reason);
        }
    }

    /// The client carries these tags now. It gets what it may see by that; what it may not see any
    /// more is not sent any more, and what it has of it stays there.
    pub fn set_tags(&mut self, tags: BTreeSet<Arc<str>>, catalogue: &Catalogue) {
        if let Some(talk) = &mut self.talk {
            talk.set_tags(tags.clone(), catalogue, &mut self.outputs);
        }
        self.tags = tags;
    }

    /// What is to be done next with a file. Jobs are done in their order, and answered in it; there
    /// may be several without an answer. `None` while there is nothing to do, no credit for it, or
    /// an answer has to come first.
    pub fn poll_job(&mut self, catalogue: &Catalogue) -> Option<Job> {
        if self.closed || self.outputs.len() >= MANY_OUTPUTS {
            return None;
        }
        if std::mem::take(&mut self.open) {
            self.dropped += 1;
            return Some(Job::Close);
        }
        self.talk.as_mut()?.next_job(catalogue, &mut self.outputs)
    }

    /// The first job without an answer is done.
    pub fn handle_done(&mut self, done: Done) {
        if self.dropped > 0 {
            self.dropped -= 1;
        } else if let Some(talk) = &mut self.talk {
            talk.done(done, &mut self.outputs);
        }
    }

    /// What is to be sent or told next.
    pub fn poll_output(&mut self) -> Option<ServerOutput> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        (!self.closed).then_some(self.expires)
    }

    /// It is so late now.
    pub fn handle_timeout(&mut self, now: Instant) {
        if !self.closed && now >= self.expires {
            self.outputs.push_back(ServerOutput::Event(ServerEvent::Expired));
            self.close();
        }
    }
}
