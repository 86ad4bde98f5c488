//! One client, as a server sees it.

mod config;
mod event;
mod known_sizes;
mod offers;
mod pending;
mod piece_writer;
mod resting;
mod served_client;
mod subscribed_paths;
mod transfer;
mod transfers;
mod unconfirmed;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

pub use self::config::ServerConfig;
use self::event::ServerOutputs;
pub use self::event::{ServerOutput, ServerSessionEvent};
use self::served_client::ServedClient;
use super::extensions;
use super::job::{Job, JobResult};
use crate::Ticket;
use crate::VirtualPath;
use crate::catalogue::{Catalogue, Change};
use crate::message::Message;

/// A client for which this many messages wait is given up: it asks and does not listen.
const MAX_OUTPUTS: usize = 10_000;

/// After this many wrong messages the connection is closed.
const MAX_REJECTIONS: u32 = 10;

/// The session of one client's connection to a server.
///
/// The driver tells it what happens, in the order in which it happens, and takes all outputs after
/// each call. While the driver is [ready](Self::set_ready) for jobs, there are outputs of that kind
/// too.
#[derive(Debug)]
pub struct ServerSession {
    config: ServerConfig,
    tags: BTreeSet<Arc<str>>,
    /// `None` before OHAI.
    client: Option<ServedClient>,
    /// How many jobs from before the last OHAI have no result yet. These results come before all
    /// others.
    dropped: usize,
    /// Whether a file may be open from before the last OHAI.
    unclosed: bool,
    /// Whether the driver takes jobs.
    ready: bool,
    expires: Instant,
    rejections: u32,
    outputs: ServerOutputs,
    closed: bool,
}

impl ServerSession {
    /// Starts a session with a client that has just connected and carries these tags.
    #[must_use]
    pub fn new(config: &ServerConfig, tags: BTreeSet<Arc<str>>, now: Instant) -> Self {
        Self {
            config: config.clone(),
            tags,
            client: None,
            dropped: 0,
            unclosed: false,
            ready: false,
            expires: now + config.client_timeout,
            rejections: 0,
            outputs: ServerOutputs::new(),
            closed: false,
        }
    }

    /// Handles a message from the client, in frames. If something is wrong with it the client is
    /// told, and has to begin anew with OHAI.
    ///
    /// All earlier changes of the catalogue have to be handled before.
    pub fn handle_message(&mut self, now: Instant, frames: &[Bytes], catalogue: &Catalogue) {
        if self.closed {
            return;
        }
        self.expires = now + self.config.client_timeout;
        let handled = match Message::from_frames(frames) {
            Ok(message) => self.handle(&message, catalogue),
            Err(error) => Err(error.to_string()),
        };
        if let Err(reason) = handled {
            self.reject(&reason);
        }
        if self.outputs.len() > MAX_OUTPUTS && self.unsent() > MAX_OUTPUTS {
            self.close();
        }
    }

    /// Returns how many messages wait.
    fn unsent(&self) -> usize {
        let is_message = |output: &&ServerOutput| matches!(output, ServerOutput::Send { .. });
        self.outputs.iter().filter(is_message).count()
    }

    /// The error is the text for the client.
    fn handle(&mut self, message: &Message, catalogue: &Catalogue) -> Result<(), String> {
        if *message == Message::Ohai {
            // A client that repeats it keeps its subscriptions, as in C.
            self.client.get_or_insert_with(|| ServedClient::new(&self.config, self.tags.clone()));
            self.send(&Message::OhaiOk);
            return Ok(());
        }
        let Some(client) = &mut self.client else {
            return Err(format!("{} before OHAI", message.name()));
        };
        match message {
            Message::Icanhaz(icanhaz) => {
                let ticket = icanhaz.options.text(extensions::TICKET).and_then(Ticket::from_hex);
                if let Some(ticket) = ticket {
                    // Before anything is sent.
                    let shown = ServerSessionEvent::Ticket(ticket);
                    self.outputs.push_back(ServerOutput::Event(shown));
                }
                client.subscribe(icanhaz, catalogue, &mut self.outputs)?;
            }
            Message::Nom { credit, .. } => client.grant(*credit),
            Message::Receipts(receipts) => client.receipts(receipts, &mut self.outputs)?,
            Message::Answers(answers) => client.answers(answers, &mut self.outputs)?,
            Message::Hugz => self.send(&Message::HugzOk),
            Message::Kthxbai => {
                self.forget();
                self.outputs.push_back(ServerOutput::Event(ServerSessionEvent::Left));
            }
            _ => return Err(format!("{} is not for servers", message.name())),
        }
        Ok(())
    }

    fn send(&mut self, message: &Message) {
        self.outputs.push_back(ServerOutput::message(message));
    }

    /// Forgets the client. The results of its jobs still come.
    fn forget(&mut self) {
        if let Some(client) = self.client.take() {
            let (jobs, unclosed) = client.unfinished();
            self.dropped += jobs;
            self.unclosed |= unclosed;
        }
    }

    fn reject(&mut self, reason: &str) {
        self.forget();
        let text = Bytes::copy_from_slice(reason.as_bytes());
        self.send(&Message::Rtfm { reason: text });
        let event = ServerSessionEvent::NotUnderstood { reason: reason.into() };
        self.outputs.push_back(ServerOutput::Event(event));
        self.rejections += 1;
        if self.rejections >= MAX_REJECTIONS {
            self.close();
        }
    }

    fn close(&mut self) {
        self.forget();
        self.closed = true;
        self.outputs.push_back(ServerOutput::Close);
    }

    /// Handles a change of the catalogue. Each change has to be handled, in order.
    pub fn handle_change(&mut self, change: &Change) {
        if let Some(client) = &mut self.client
            && let Err(reason) = client.change(change, &mut self.outputs)
        {
            self.reject(&reason);
        }
    }

    /// Handles that the catalogue [knows](Catalogue::know) all there is at or below a path. All
    /// earlier changes of the catalogue have to be handled before.
    pub fn handle_known(&mut self, path: &VirtualPath, catalogue: &Catalogue) {
        if let Some(client) = &mut self.client
            && let Err(reason) = client.handle_known(path, catalogue)
        {
            self.reject(&reason);
        }
    }

    /// Sets the tags that the client carries. It gets what it may see now; what it may not see any
    /// more is no longer sent, but stays where the client has it.
    ///
    /// All earlier changes of the catalogue have to be handled before.
    pub fn set_tags(&mut self, tags: BTreeSet<Arc<str>>, catalogue: &Catalogue) {
        if let Some(client) = &mut self.client {
            client.set_tags(tags.clone(), catalogue, &mut self.outputs);
        }
        self.tags = tags;
    }

    /// Tells the client that it is not served, instead of all that has not been said yet, and closes the
    /// connection.
    pub fn refuse(&mut self, reason: &str) {
        if !self.closed {
            self.outputs.clear();
            self.send(&Message::Srsly { reason: Bytes::copy_from_slice(reason.as_bytes()) });
            self.close();
        }
    }

    /// Sets whether the driver takes jobs, and so more content. While it does not, outputs are only
    /// what the client has to be told at once. At first it does not.
    pub const fn set_ready(&mut self, ready: bool) {
        self.ready = ready;
    }

    /// Handles the result of the oldest job that has none.
    pub fn handle_result(&mut self, now: Instant, result: JobResult) {
        if self.dropped > 0 {
            self.dropped -= 1;
        } else if let Some(client) = &mut self.client {
            client.handle_result(now, result, &mut self.outputs);
        }
    }

    /// Handles that a file which could not be read can be read now: all of those are tried at once.
    pub fn handle_readable(&mut self, now: Instant) {
        if let Some(client) = &mut self.client {
            client.handle_readable(now);
        }
    }

    /// Returns what to do next.
    pub fn poll_output(&mut self) -> Option<ServerOutput> {
        if self.ready
            && self.outputs.is_empty()
            && let Some(job) = self.next_job()
        {
            return Some(ServerOutput::Job(job));
        }
        self.outputs.pop_front()
    }

    fn next_job(&mut self) -> Option<Job> {
        if self.closed {
            return None;
        }
        if std::mem::take(&mut self.unclosed) {
            self.dropped += 1;
            return Some(Job::Close);
        }
        self.client.as_mut()?.next_job(&mut self.outputs)
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due. Ask again after every other
    /// call.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let tries = self.client.as_ref().and_then(ServedClient::next_deadline);
        (!self.closed).then(|| tries.map_or(self.expires, |tries| tries.min(self.expires)))
    }

    /// Advances the session's clock to `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some(client) = &mut self.client {
            client.handle_timeout(now);
        }
        if !self.closed && now >= self.expires {
            self.outputs.push_back(ServerOutput::Event(ServerSessionEvent::Expired));
            self.close();
        }
    }
}
