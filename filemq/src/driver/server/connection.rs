//! The connection of one client.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;
use zmtp::net::{Established, Reader, SendQueue};

use super::event::{ClientInfo, ServerEvent};
use super::guest::Guest;
use super::limits;
use super::places::Place;
use super::served::Served;
use super::shared::ServerShared;
use super::state::{Notice, ServerState};
use crate::VirtualPath;
use crate::disk::ChunkReader;
use crate::driver::progress::ProgressMeter;
use crate::driver::wait::{finished, last_word, until};
use crate::message::CHUNK;
use crate::session::{Job, JobResult, ServerOutput, ServerSession, ServerSessionEvent};

/// How much is read from disk in one go: bytes, and jobs.
const BATCH_BYTES: usize = CHUNK;
const BATCH_JOBS: usize = 256;

/// While this much is queued for the client, nothing more is read from disk.
const MAX_QUEUED_BYTES: usize = CHUNK;
const MAX_QUEUED_MESSAGES: usize = 10_000;

/// Why a connection has ended.
#[derive(Debug, thiserror::Error)]
enum ServeEnd {
    #[error("the client has closed the connection")]
    Closed,
    #[error("the session is over")]
    Over,
    #[error("the client does not read what it asks for")]
    Overflow,
    #[error("there are too many of its kind")]
    MadeRoom,
    #[error(transparent)]
    Net(#[from] zmtp::net::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The connection of one client, with its session.
struct ServerConnection {
    shared: Arc<ServerShared>,
    client: ClientInfo,
    /// The guest that the client is, if the application knows it.
    served: Option<Served>,
    place: Place,
    session: ServerSession,
    notices: mpsc::UnboundedReceiver<Notice>,
    queue: SendQueue,
    /// `None` while it reads.
    disk: Option<ChunkReader>,
    reading: Option<JoinHandle<(ChunkReader, Vec<JobResult>)>>,
    meter: ProgressMeter<VirtualPath>,
    /// What the client has said of files, while the application takes no events: the last word on each.
    untold: BTreeMap<VirtualPath, ServerEvent>,
}

/// Jobs that are done in one go.
#[derive(Default)]
struct Batch {
    jobs: Vec<Job>,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, job: Job) {
        self.bytes += match &job {
            Job::Read { len, .. } => *len,
            // It may take long.
            Job::Digest(..) => BATCH_BYTES,
            Job::Open { .. } | Job::Close => 0,
        };
        self.jobs.push(job);
    }

    fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.jobs.len() >= BATCH_JOBS
    }
}

/// Serves one client until its connection ends. One that was called is expected to have this identity.
pub(super) async fn serve(
    shared: Arc<ServerShared>,
    established: Established,
    called: Option<Bytes>,
) {
    let Established { reader, queue, peer, address, .. } = established;
    let identity = called.unwrap_or_else(|| peer.identity.clone());
    let client = ClientInfo { identity, address, peer: Arc::new(peer), ticket: None };
    // In this order, so that a change of tags in between is not missed.
    let notices = shared.state.lock().connect();
    let session = ServerSession::new(&shared.options.session, BTreeSet::new(), Instant::now());
    let place = shared.places.enter(None, client.address.ip());
    let mut connection = ServerConnection {
        shared,
        client,
        served: None,
        place,
        session,
        notices,
        queue,
        disk: Some(ChunkReader::new()),
        reading: None,
        meter: ProgressMeter::default(),
        untold: BTreeMap::new(),
    };
    connection.admit();
    let end = connection.run(reader).await;
    tracing::debug!(client = %connection.client.address, reason = %end, "client disconnected");
    connection.queue.close();
}

impl ServerConnection {
    async fn run(&mut self, mut reader: Reader) -> ServeEnd {
        let mut is_stranger = self.served.is_none() && self.shared.options.strangers.is_some();
        if is_stranger {
            reader.set_limits(limits::strangers_transport());
        }
        let queue = self.queue.clone();
        let mut sending = pin!(queue.run());
        // Messages may have come together with the handshake.
        if let Err(end) = self.receive(&mut reader) {
            return end;
        }
        loop {
            match self.act() {
                Ok(()) => {}
                Err(ServeEnd::Over) => {
                    last_word(&queue, sending.as_mut()).await;
                    return ServeEnd::Over;
                }
                Err(end) => return end,
            }
            if is_stranger && self.served.is_some() {
                is_stranger = false;
                reader.set_limits(limits::transport());
            }
            let full = self.reading.is_none() && self.is_full();
            let events = self.shared.events.clone();
            tokio::select! {
                error = &mut sending => return error.into(),
                more = reader.fill() => match more {
                    Ok(true) => if let Err(end) = self.receive(&mut reader) { return end },
                    Ok(false) => return ServeEnd::Closed,
                    Err(error) => return error.into(),
                },
                read = finished(&mut self.reading) => {
                    self.reading = None;
                    // A thread that has panicked leaves nothing to go on with.
                    let Ok((disk, results)) = read else { return ServeEnd::Over };
                    self.disk = Some(disk);
                    let now = Instant::now();
                    results.into_iter().for_each(|result| self.session.handle_result(now, result));
                }
                () = queue.drained(), if full => {}
                () = self.place.is_lost() => return ServeEnd::MadeRoom,
                permit = events.reserve(), if !self.untold.is_empty() => {
                    let untold = self.untold.pop_first();
                    if let (Ok(permit), Some((_, event))) = (permit, untold) {
                        permit.send(event);
                    }
                }
                Some(notice) = self.notices.recv() => {
                    let shared = Arc::clone(&self.shared);
                    self.catch_up(&shared.state.lock(), Some(notice));
                }
                () = until(self.session.next_deadline()) => {
                    self.session.handle_timeout(Instant::now());
                }
            }
        }
    }

    /// Hands the session what has come from the client.
    fn receive(&mut self, reader: &mut Reader) -> Result<(), ServeEnd> {
        let (shared, now) = (Arc::clone(&self.shared), Instant::now());
        let state = shared.state.lock();
        self.catch_up(&state, None);
        while let Some(message) = reader.next()? {
            self.session.handle_message(now, message.frames(), state.catalogue());
        }
        Ok(())
    }

    /// Hands the session all changes that it has not seen, so that it agrees with the catalogue as
    /// long as the lock is held.
    fn catch_up(&mut self, state: &ServerState, notice: Option<Notice>) {
        let (mut retag, mut known) = (false, Vec::new());
        let mut next = notice.or_else(|| self.notices.try_recv().ok());
        while let Some(notice) = next {
            match notice {
                Notice::Changed(changes) => {
                    changes.iter().for_each(|change| self.session.handle_change(change));
                }
                Notice::Known(path) => known.push(path),
                Notice::Retag => retag = true,
                Notice::Readable => self.session.handle_readable(Instant::now()),
            }
            next = self.notices.try_recv().ok();
        }
        // The catalogue is that after all changes.
        known.iter().for_each(|path| self.session.handle_known(path, state.catalogue()));
        if retag {
            match self.shared.guest(&self.client) {
                Ok(guest) => self.welcome(guest, state),
                // If an unknown guest took its place, the client would be told to forget what it
                // was offered, and what it has of files. A connection that ends takes nothing back.
                Err(reason) => self.refuse(&reason),
            }
        }
    }

    /// Determines which guest the client is, when it has said something of itself.
    fn admit(&mut self) {
        let shared = Arc::clone(&self.shared);
        let state = shared.state.lock();
        self.catch_up(&state, None);
        match shared.guest(&self.client) {
            Ok(guest) => self.welcome(guest, &state),
            Err(reason) => self.refuse(&reason),
        }
    }

    fn refuse(&mut self, reason: &str) {
        tracing::debug!(client = %self.client.address, %reason, "client refused");
        self.served = None;
        self.session.refuse(reason);
    }

    fn welcome(&mut self, guest: Guest, state: &ServerState) {
        let Guest { name, tags } = guest;
        self.session.set_tags(tags, state.catalogue());
        if self.served.as_ref().map(Served::name) != name.as_ref() {
            if name.is_some() {
                let address = self.client.address.ip();
                self.place = self.shared.places.enter(name.clone(), address);
            }
            self.served = name.map(|name| self.shared.served.enter(name));
        }
    }

    /// Does what the session wants, and starts to read what it wants read.
    fn act(&mut self) -> Result<(), ServeEnd> {
        let mut batch = Batch::default();
        loop {
            let ready = self.disk.is_some() && !batch.is_full() && !self.is_full();
            self.session.set_ready(ready);
            let Some(output) = self.session.poll_output() else { break };
            match output {
                ServerOutput::Send { head, chunk } => {
                    self.queue.push_frame(&head, chunk).map_err(|_| ServeEnd::Overflow)?;
                }
                ServerOutput::Job(job) => batch.push(job),
                ServerOutput::Event(event) => self.report(event),
                ServerOutput::Close => return Err(ServeEnd::Over),
            }
        }
        self.read(batch);
        Ok(())
    }

    /// Returns whether so much is queued that nothing more is read for now.
    fn is_full(&self) -> bool {
        let (messages, bytes) = self.queue.queued();
        bytes >= MAX_QUEUED_BYTES || messages >= MAX_QUEUED_MESSAGES
    }

    /// Starts to do jobs.
    fn read(&mut self, batch: Batch) {
        if batch.jobs.is_empty() {
            return;
        }
        let Some(mut disk) = self.disk.take() else { return };
        self.reading = Some(tokio::task::spawn_blocking(move || {
            let results = batch.jobs.into_iter().map(|job| disk.execute(job)).collect();
            (disk, results)
        }));
    }

    fn report(&mut self, event: ServerSessionEvent) {
        let client = self.client.clone();
        let event = match event {
            ServerSessionEvent::Progress { name, sent, size } => {
                let progress = self.meter.update(&name, sent, Some(size), Instant::now());
                progress.map(|progress| ServerEvent::Progress { client, name, progress })
            }
            ServerSessionEvent::Sent { name, size, receipt_follows } => {
                Some(ServerEvent::Sent { client, name, size, receipt_follows })
            }
            ServerSessionEvent::Confirmed { name, size, already } => {
                let key = name.clone();
                return self.tell(key, ServerEvent::Confirmed { client, name, size, already });
            }
            ServerSessionEvent::Declined { name, reason } => {
                let key = name.clone();
                return self.tell(key, ServerEvent::Declined { client, name, reason });
            }
            ServerSessionEvent::Rejected { name, reason, fate } => {
                let key = name.clone();
                return self.tell(key, ServerEvent::Rejected { client, name, reason, fate });
            }
            ServerSessionEvent::Deleted { name } => Some(ServerEvent::Deleted { client, name }),
            ServerSessionEvent::Ticket(ticket) => {
                self.client.ticket = Some(ticket);
                self.admit();
                None
            }
            ServerSessionEvent::Unreadable { name, reason, .. } => {
                self.shared.state.lock().cannot_be_read(&name, reason);
                None
            }
            event => {
                tracing::debug!(client = %client.address, ?event, "session");
                None
            }
        };
        if let Some(event) = event {
            // The application need not listen.
            let _ = self.shared.events.try_send(event);
        }
    }

    /// Tells what the client has said of a file: now, or when the application has room for it.
    fn tell(&mut self, name: VirtualPath, event: ServerEvent) {
        if !self.untold.is_empty() {
            self.untold.insert(name, event);
        } else if let Err(TrySendError::Full(event)) = self.shared.events.try_send(event) {
            self.untold.insert(name, event);
        }
    }
}
