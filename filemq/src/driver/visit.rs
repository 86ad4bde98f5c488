//! One client's connection to a server.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use zmtp::net::{Established, Outbox};

use super::server::Shared;
use super::stock::VisitId;
use super::wait::{finished, last_word, until};
use super::{ClientInfo, Served, progress::Pace};
use crate::disk::Reader;
use crate::session::{ServerEvent, ServerOutput};
use crate::{CHUNK, Done, Job, VirtualPath};

/// What is read from disk in one go: octets, and jobs.
const BATCH: usize = CHUNK;
const JOBS: usize = 256;

/// Messages that may be on their way while more is read.
const MESSAGES: usize = 10_000;

/// Why serving ends; nobody asks, but it is traced.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the client has closed the connection")]
    Closed,
    #[error("the session is over")]
    Over,
    #[error("the client does not read what it asks for")]
    Overflow,
    #[error(transparent)]
    Net(#[from] zmtp::net::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

pub(super) struct Visit {
    shared: Arc<Shared>,
    id: VisitId,
    info: ClientInfo,
    outbox: Outbox,
    /// Not here while it reads.
    disk: Option<Reader>,
    reading: Option<JoinHandle<(Reader, Vec<Done>)>>,
    pace: Pace<VirtualPath>,
}

/// Serves one client until it goes.
pub(super) async fn serve(shared: Arc<Shared>, established: Established) {
    let info = ClientInfo { identity: established.peer.identity, address: established.address };
    let wake = Arc::new(Notify::new());
    let id = shared.visited_by(info.clone(), &wake);
    let mut visit = Visit {
        shared: Arc::clone(&shared),
        id,
        info,
        outbox: established.outbox.clone(),
        disk: Some(Reader::default()),
        reading: None,
        pace: Pace::default(),
    };
    let end = visit.run(established.reader, &wake).await;
    tracing::debug!(client = %visit.info.address, reason = %end, "client gone");
    shared.stock().leave(id);
    visit.outbox.close();
}

impl Visit {
    async fn run(&mut self, mut reader: zmtp::net::Reader, wake: &Notify) -> End {
        let outbox = self.outbox.clone();
        let mut writer = pin!(outbox.run());
        // Some may have come with the handshake.
        if let Err(end) = self.hear(&mut reader) {
            return end;
        }
        loop {
            match self.act() {
                Ok(()) => {}
                Err(End::Over) => {
                    last_word(&outbox, writer.as_mut()).await;
                    return End::Over;
                }
                Err(end) => return end,
            }
            let deadline = self.shared.stock().next_deadline(self.id);
            let idle = self.reading.is_none();
            let full = idle && self.is_full();
            tokio::select! {
                error = &mut writer => return error.into(),
                more = reader.fill() => match more {
                    Ok(true) => if let Err(end) = self.hear(&mut reader) { return end },
                    Ok(false) => return End::Closed,
                    Err(error) => return error.into(),
                },
                read = finished(&mut self.reading) => {
                    self.reading = None;
                    // One that has panicked has left nothing behind.
                    let Ok((disk, done)) = read else { return End::Over };
                    self.disk = Some(disk);
                    self.shared.stock().done(self.id, done);
                }
                () = outbox.drained(), if full => {}
                () = wake.notified() => {}
                () = until(deadline) => {}
            }
        }
    }

    /// What has come from the client.
    fn hear(&self, reader: &mut zmtp::net::Reader) -> Result<(), End> {
        while let Some(message) = reader.next()? {
            self.shared.stock().message(self.id, Instant::now(), message.frames());
        }
        Ok(())
    }

    /// Sends what the session says, and reads what it wants read.
    fn act(&mut self) -> Result<(), End> {
        loop {
            let outputs = self.shared.stock().outputs(self.id, Instant::now());
            let said = !outputs.is_empty();
            for output in outputs {
                match output {
                    ServerOutput::Send { head, chunk } => {
                        self.outbox.push_frame(&head, chunk).map_err(|_| End::Overflow)?;
                    }
                    ServerOutput::Event(event) => self.report(event),
                    ServerOutput::Close => return Err(End::Over),
                }
            }
            if self.is_full() {
                return Ok(());
            }
            // Asking for jobs may make it say something more.
            if !self.read() && !said {
                return Ok(());
            }
        }
    }

    /// Whether so much is on its way that nothing more is read for now.
    fn is_full(&self) -> bool {
        let (messages, octets) = self.outbox.queued();
        octets >= BATCH || messages >= MESSAGES
    }

    /// Has read what the session wants read, unless something is being read; whether it did.
    fn read(&mut self) -> bool {
        let Some(mut disk) = self.disk.take() else { return false };
        let (mut octets, mut count) = (0, 0);
        let jobs = self.shared.stock().jobs(self.id, |job| {
            count += 1;
            match job {
                Job::Read { len, .. } => octets += len,
                // It may take long.
                Job::Digest(..) => octets = BATCH,
                Job::Open { .. } | Job::Close => {}
            }
            octets >= BATCH || count >= JOBS
        });
        if jobs.is_empty() {
            self.disk = Some(disk);
            return false;
        }
        self.reading = Some(tokio::task::spawn_blocking(move || {
            let done = jobs.into_iter().map(|job| disk.execute(job)).collect();
            (disk, done)
        }));
        true
    }

    fn report(&mut self, event: ServerEvent) {
        let client = self.info.clone();
        let told = match event {
            ServerEvent::Progress { name, sent, size } => {
                let progress = self.pace.came_to(&name, sent, Some(size), Instant::now());
                progress.map(|progress| Served::Progress { client, name, progress })
            }
            ServerEvent::Sent { name, size } => Some(Served::Sent { client, name, size }),
            ServerEvent::Deleted { name } => Some(Served::Deleted { client, name }),
            ServerEvent::Unreadable { name, reason } => {
                tracing::warn!(%name, %reason, "a published file cannot be read");
                None
            }
            event => {
                tracing::debug!(client = %client.address, ?event, "session");
                None
            }
        };
        if let Some(told) = told {
            self.shared.report(told);
        }
    }
}
