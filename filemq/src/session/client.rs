//! One server, as a client sees it.

mod config;
mod consent;
mod credit;
mod event;
mod incoming;
mod inventory;
mod offers;
mod receipts;
mod requests;
mod undecided;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

pub use self::config::{Accept, ClientConfig};
use self::credit::Credit;
use self::event::ClientOutputs;
pub use self::event::{ClientClose, ClientOutput, ClientSessionEvent};
use self::incoming::IncomingFiles;
pub use self::inventory::Inventory;
use self::offers::Offers;
use self::receipts::Receipts;
use self::undecided::UndecidedFile;
use super::extensions;
use super::write::{Write, Written};
use crate::message::Message;
use crate::retry_clock::{Due, RetryClock};
use crate::{Fate, FileEvent, VirtualPath};

/// The pauses before orders are tried again that could not be carried out for a passing reason.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The session of one connection to a server.
#[derive(Debug)]
pub struct ClientSession {
    config: ClientConfig,
    stage: ClientStage,
    /// ICANHAZ messages that are still to be sent.
    requests: VecDeque<Bytes>,
    incoming: IncomingFiles,
    offers: Offers,
    /// A file that was sent unasked, while the application decides.
    undecided: Option<UndecidedFile>,
    /// The number of the next such file.
    next_question: u64,
    credit: Credit,
    receipts: Receipts,
    /// When to try again what the received folder could not do.
    retry: RetryClock,
    /// When something was sent last.
    last_sent: Instant,
    /// When something was heard last, or when reading was resumed.
    last_heard: Instant,
    /// Whether the driver reads from the connection.
    reading: bool,
    outputs: ClientOutputs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientStage {
    /// OHAI was sent.
    Greeting,
    /// OHAI-OK has come, and at least one ICANHAZ was sent.
    Subscribing,
    /// All paths are subscribed to.
    Subscribed,
    /// The session is over.
    Closed,
}

impl ClientSession {
    /// Starts a session on a new connection, for these paths.
    #[must_use]
    pub fn new(
        config: &ClientConfig,
        subscriptions: &[VirtualPath],
        inventory: Inventory,
        now: Instant,
    ) -> Self {
        let subscriptions = requests::distinct(subscriptions);
        let mut session = Self {
            config: config.clone(),
            stage: ClientStage::Greeting,
            requests: requests::requests(&subscriptions, &inventory, config),
            incoming: IncomingFiles::new(subscriptions, inventory.partial, config.hidden),
            offers: Offers::new(config.offers),
            undecided: None,
            next_question: 0,
            credit: Credit::default(),
            receipts: Receipts::default(),
            retry: RetryClock::new(SHORTEST_PAUSE, LONGEST_PAUSE),
            last_sent: now,
            last_heard: now,
            reading: true,
            outputs: VecDeque::new(),
        };
        session.send(now, Message::Ohai.encode());
        session
    }

    /// Handles a message from the server, in frames.
    pub fn handle_message(&mut self, now: Instant, frames: &[Bytes]) {
        if self.stage == ClientStage::Closed {
            return;
        }
        self.last_heard = now;
        let message = match Message::from_frames(frames) {
            Ok(message) => message,
            Err(error) => return self.close(ClientClose::Protocol(error.to_string())),
        };
        let text = |reason: Bytes| String::from_utf8_lossy(&reason).into_owned();
        match message {
            Message::OhaiOk if self.stage == ClientStage::Greeting => {
                self.stage = ClientStage::Subscribing;
                self.request(now);
            }
            Message::IcanhazOk(terms) if self.stage == ClientStage::Subscribing => {
                if extensions::says(&terms, extensions::CREDIT) {
                    self.credit = Credit::counted(self.config.window);
                }
                self.receipts.are_wanted = extensions::says(&terms, extensions::RECEIPT);
                self.offers.are_agreed = extensions::says(&terms, extensions::OFFER);
                self.request(now);
            }
            // One answer too many does no harm.
            Message::OhaiOk | Message::IcanhazOk(_) | Message::HugzOk => {}
            // Without a subscription it is meant for another client.
            Message::Cheezburger(_) if self.stage == ClientStage::Greeting => {}
            Message::Cheezburger(piece) => self.handle_piece(now, piece),
            Message::Offers(offers) if self.offers.are_agreed => self.handle_offers(offers),
            // Servers until 2014 ask; later ones do not, and must not get an answer unasked.
            Message::Hugz => self.send(now, Message::HugzOk.encode()),
            Message::Kthxbai => self.close(ClientClose::Goodbye),
            Message::Srsly { reason } => self.close(ClientClose::Refused(text(reason))),
            Message::Rtfm { reason } => self.close(ClientClose::Rejected(text(reason))),
            Message::Ohai
            | Message::Icanhaz(_)
            | Message::Nom { .. }
            | Message::Receipts(_)
            | Message::Offers(_)
            | Message::Answers(_) => {
                let what = format!("{} is not for clients", message.name());
                self.close(ClientClose::Protocol(what));
            }
        }
    }

    /// Subscribes to the next path, or after the last one lets content come.
    fn request(&mut self, now: Instant) {
        if let Some(request) = self.requests.pop_front() {
            return self.send(now, request);
        }
        self.stage = ClientStage::Subscribed;
        let credit = self.credit.first();
        self.send(now, Message::Nom { credit, sequence: 0 }.encode());
        self.outputs.push_back(ClientOutput::Event(ClientSessionEvent::Subscribed));
    }

    /// Handles an answer of the received folder.
    ///
    /// While the folder is [stuck](Written::Stuck) it is given [`Write::Retry`] from time to time.
    /// What it could not write is not [taken](Self::handle_taken), so the server is given no credit
    /// for more.
    pub fn handle_written(&mut self, now: Instant, written: &Written) {
        match written {
            Written::File { sequence: Some(sequence), event } => {
                if matches!(event, FileEvent::Refused { fate: Fate::Final, .. }) {
                    self.incoming.refused(*sequence, &mut self.offers);
                }
                self.receipts.note(*sequence, event);
            }
            Written::Reserved { offer, part } => {
                if let Some((name, part)) = self.offers.reserved(*offer, part.as_ref()) {
                    self.incoming.goes_on(name, part);
                }
            }
            Written::NoRoom { offer, event } => {
                if let FileEvent::Refused { reason, fate, .. } = event {
                    self.offers.refused(*offer, reason, *fate);
                }
            }
            Written::Mismatch { name } => self.close(ClientClose::Mismatch { name: name.clone() }),
            Written::Stuck => self.retry.failed(now),
            Written::Unstuck => self.retry.succeeded(),
            Written::Replaced => self.close(ClientClose::Replaced),
            Written::File { sequence: None, .. } => {}
        }
    }

    /// Handles that the received folder has dealt with this many bytes of
    /// [`Write::Data`](crate::session::Write::Data): that many more may come.
    pub fn handle_taken(&mut self, now: Instant, bytes: u64) {
        if let Some(credit) = self.credit.taken(bytes)
            && self.stage == ClientStage::Subscribed
        {
            self.send(now, Message::Nom { credit, sequence: 0 }.encode());
        }
    }

    fn send(&mut self, now: Instant, frame: Bytes) {
        self.last_sent = now;
        self.outputs.push_back(ClientOutput::Send(frame));
    }

    fn close(&mut self, why: ClientClose) {
        if self.stage != ClientStage::Closed {
            self.stage = ClientStage::Closed;
            self.outputs.push_back(ClientOutput::Close(why));
        }
    }

    /// Returns what to do next.
    pub fn poll_output(&mut self) -> Option<ClientOutput> {
        loop {
            let output = self.outputs.pop_front();
            if output.is_some() || self.stage == ClientStage::Closed {
                return output;
            }
            let Some((number, file)) = self.offers.take_waiting() else { break };
            self.offered(number, file);
        }
        let answers = self.offers.take_unsent();
        answers.or_else(|| self.receipts.take()).map(ClientOutput::Send)
    }

    /// Sets whether the driver reads from the connection. While it does not, because the disk or
    /// the application is busy, the server is not taken for dead.
    pub fn set_reading(&mut self, now: Instant, reading: bool) {
        if reading && !self.reading {
            self.last_heard = now;
        }
        self.reading = reading;
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due. Ask again after every other
    /// call.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let says = match self.stage {
            ClientStage::Closed => return None,
            ClientStage::Greeting => None,
            ClientStage::Subscribing | ClientStage::Subscribed => {
                Some(self.last_sent + self.config.heartbeat_interval)
            }
        };
        let dies = self.reading.then(|| self.last_heard + self.config.silent_timeout);
        [says, dies, self.retry.next_deadline()].into_iter().flatten().min()
    }

    /// Advances the session's clock to `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.stage == ClientStage::Closed {
            return;
        }
        match self.retry.due(now) {
            Some(Due::Attempt) => self.outputs.push_back(ClientOutput::Write(Write::Retry)),
            Some(Due::Look) => self.outputs.push_back(ClientOutput::Write(Write::RetryIfChanged)),
            None => {}
        }
        if self.reading && now >= self.last_heard + self.config.silent_timeout {
            self.close(ClientClose::Silent);
        } else if self.stage != ClientStage::Greeting
            && now >= self.last_sent + self.config.heartbeat_interval
        {
            // Even while content comes: the server forgets a client that says nothing.
            self.send(now, Message::Hugz.encode());
        }
    }

    /// Says goodbye to the server.
    pub fn stop(&mut self) {
        if self.stage != ClientStage::Closed {
            self.outputs.push_back(ClientOutput::Send(Message::Kthxbai.encode()));
            self.close(ClientClose::Stopped);
        }
    }
}
