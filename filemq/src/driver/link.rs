//! One server that a client listens to: connects, receives, and connects again.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use zmtp::net::{Outbox, OutboxLimits};
use zmtp::{Config, Limits, SocketType};

use super::client::{Received, Shared};
use super::folder::Folder;
use super::progress::Pace;
use super::wait::{finished, last_word, until};
use crate::disk::Receiver;
use crate::session::{ClientEvent, ClientOutput, ClientSession, Known};
use crate::{VirtualPath, Write, Written};

/// The pause before connecting again: the first, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// A connection that has lived so long was a good one.
const GOOD: Duration = Duration::from_secs(10);

/// Octets that may wait to be written; then nothing is read from the network.
const WAITING: usize = 4 << 20;

/// Writes that may wait.
const WRITES: usize = 1024;

/// Octets of a message of a server. Some have had chunks of 4 MB.
const MESSAGE: usize = 16 << 20;

/// Why a connection has ended.
#[derive(Debug, thiserror::Error)]
enum End {
    /// As it was asked to.
    #[error("stopped")]
    Stopped,
    #[error("subscriptions have changed")]
    Anew,
    #[error("the server has closed the connection")]
    Closed,
    #[error("{0}")]
    Session(String),
    #[error(transparent)]
    Net(#[from] zmtp::net::Error),
    #[error("the inbox does not work: {0}")]
    Inbox(io::Error),
}

/// Where files come from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) origin: Arc<str>,
    pub(super) address: SocketAddr,
    pub(super) folder: Folder,
}

/// Listens to one server until it is told to stop.
pub(super) async fn run(shared: Arc<Shared>, source: Source, mut stop: watch::Receiver<bool>) {
    let Source { origin, address, .. } = &source;
    let mut pause = PAUSE.0;
    while !*stop.borrow() {
        let since = Instant::now();
        let end = connect(&shared, &source, &mut stop).await;
        match end {
            End::Stopped => return,
            End::Anew => continue,
            _ => {}
        }
        if since.elapsed() > GOOD {
            pause = PAUSE.0;
        }
        tracing::debug!(%origin, %address, reason = %end, "disconnected");
        let reason = end.to_string();
        let told =
            shared.events.send(Received::Disconnected { origin: Arc::clone(origin), reason });
        tokio::select! {
            _ = stopped(&mut stop) => return,
            told = told => if told.is_err() { return },
        }
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = sleep(pause) => {}
        }
        pause = (pause * 2).min(PAUSE.1);
    }
}

/// Comes back when it is so, or when nobody is left to say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// One connection, from its beginning to its end.
async fn connect(shared: &Arc<Shared>, source: &Source, stop: &mut watch::Receiver<bool>) -> End {
    let options = &shared.options;
    let transport = Limits { frame: MESSAGE, message: MESSAGE, frames: 2, ..Limits::default() };
    let config = Config::new(SocketType::Dealer)
        .with_identity(options.identity.clone())
        .with_limits(transport);
    let outbox = Outbox::new(OutboxLimits::default());
    let connecting = tokio::select! {
        connecting = zmtp::net::connect(source.address, &config, &outbox) => connecting,
        () = stopped(stop) => return End::Stopped,
    };
    let reader = match connecting {
        Ok((reader, _)) => reader,
        Err(error) => return error.into(),
    };
    // Only now: what is there of a file is read again, and that may take a while.
    let (inbox, from) = (shared.inbox.clone(), source.clone());
    let opening = tokio::task::spawn_blocking(move || {
        let mut receiver = inbox.receiver(&from.origin)?;
        let (complete, partial) = receiver.known();
        let outside = |name: &VirtualPath| from.folder.outside(name);
        let complete =
            complete.into_iter().filter_map(|(name, digest)| Some((outside(&name)?, digest)));
        let partial = partial.and_then(|(name, resume)| Some((outside(&name)?, resume)));
        Ok((receiver, Known { complete: complete.collect(), partial }))
    });
    let (receiver, known) = match opening.await.map_err(io::Error::other).flatten() {
        Ok(opened) => opened,
        Err(error) => return End::Inbox(error),
    };
    let mut subscriptions = shared.subscriptions.subscribe();
    let paths = subscriptions.borrow_and_update().clone();
    let mut link = Link {
        shared: Arc::clone(shared),
        origin: Arc::clone(&source.origin),
        folder: source.folder.clone(),
        session: ClientSession::new(&options.session, &paths, known, Instant::now()),
        outbox,
        receiver: Some(receiver),
        writing: None,
        writes: VecDeque::new(),
        waiting: 0,
        untold: VecDeque::new(),
        pace: Pace::default(),
    };
    let end = link.run(reader, &mut subscriptions, stop).await;
    link.finish(&end).await;
    end
}

/// A connection.
struct Link {
    shared: Arc<Shared>,
    origin: Arc<str>,
    folder: Folder,
    session: ClientSession,
    outbox: Outbox,
    /// Not here while it writes.
    receiver: Option<Receiver>,
    writing: Option<JoinHandle<(Receiver, Vec<Written>)>>,
    /// What the session wants written and nobody writes yet.
    writes: VecDeque<Write>,
    /// Octets of these, and of what is being written.
    waiting: usize,
    /// What the application is to be told, and has no room for yet.
    untold: VecDeque<Received>,
    pace: Pace<VirtualPath>,
}

impl Link {
    async fn run(
        &mut self,
        mut reader: zmtp::net::Reader,
        subscriptions: &mut watch::Receiver<Vec<VirtualPath>>,
        stop: &mut watch::Receiver<bool>,
    ) -> End {
        let outbox = self.outbox.clone();
        let mut writer = pin!(outbox.run());
        let mut ending = None;
        // Some may have come with the handshake.
        if let Err(end) = self.hear(&mut reader) {
            return end;
        }
        loop {
            let acted = self.act();
            // What was asked for from here comes first: the session only says that it has stopped.
            if let Some(end) = ending.take().or_else(|| acted.err()) {
                last_word(&outbox, writer.as_mut()).await;
                return end;
            }
            let room =
                self.waiting < WAITING && self.writes.len() < WRITES && self.untold.is_empty();
            self.session.set_reading(Instant::now(), room);
            let events = self.shared.events.clone();
            tokio::select! {
                error = &mut writer => return zmtp::net::Error::from(error).into(),
                more = reader.fill(), if room => match more {
                    Ok(true) => if let Err(end) = self.hear(&mut reader) { return end },
                    Ok(false) => return End::Closed,
                    Err(error) => return error.into(),
                },
                written = finished(&mut self.writing) => {
                    self.writing = None;
                    match written {
                        Ok((receiver, written)) => self.written(receiver, written),
                        Err(error) => return End::Inbox(io::Error::other(error)),
                    }
                }
                permit = events.reserve(), if !self.untold.is_empty() => match (permit, self.untold.pop_front()) {
                    (Ok(permit), Some(received)) => permit.send(received),
                    _ => return End::Stopped,
                },
                () = until(self.session.next_deadline()) => self.session.handle_timeout(Instant::now()),
                _ = subscriptions.changed() => {
                    self.session.stop();
                    ending = Some(End::Anew);
                }
                () = stopped(stop) => {
                    self.session.stop();
                    ending = Some(End::Stopped);
                }
            }
        }
    }

    /// What has come from the server.
    fn hear(&mut self, reader: &mut zmtp::net::Reader) -> Result<(), End> {
        let now = Instant::now();
        while let Some(message) = reader.next()? {
            self.session.handle_message(now, message.frames());
        }
        Ok(())
    }

    /// Does what the session says; that it is over is the error.
    fn act(&mut self) -> Result<(), End> {
        let mut end = Ok(());
        while let Some(output) = self.session.poll_output() {
            match output {
                ClientOutput::Send(frame) => {
                    // Few and small; a server that does not read them is a dead one.
                    let _ = self.outbox.push_frame(&[], frame);
                }
                ClientOutput::Write(write) => {
                    self.waiting += octets(&write);
                    self.writes.push_back(write);
                }
                ClientOutput::Event(event) => self.report(event),
                // What was written before may still be told after it.
                ClientOutput::Close(reason) => end = Err(End::Session(reason.to_string())),
            }
        }
        if end.is_ok() {
            self.write();
        }
        end
    }

    /// Has written what waits, unless something is being written.
    fn write(&mut self) {
        if self.writes.is_empty() {
            return;
        }
        let Some(mut receiver) = self.receiver.take() else { return };
        let (writes, folder) = (std::mem::take(&mut self.writes), self.folder.clone());
        self.writing = Some(tokio::task::spawn_blocking(move || {
            let mut written = Vec::new();
            for write in writes {
                match folder.put(write) {
                    Ok(write) => {
                        written.extend(receiver.execute(write).map(|done| folder.told(done)))
                    }
                    Err(refused) => written.push(refused),
                }
            }
            written.extend(receiver.flush().into_iter().map(|done| folder.told(done)));
            (receiver, written)
        }));
    }

    fn written(&mut self, receiver: Receiver, written: Vec<Written>) {
        self.receiver = Some(receiver);
        let left = self.writes.iter().map(octets).sum();
        let taken = std::mem::replace(&mut self.waiting, left).saturating_sub(left);
        self.session.handle_taken(Instant::now(), taken as u64);
        written.iter().for_each(|written| self.session.handle_written(written));
    }

    fn report(&mut self, event: ClientEvent) {
        let origin = Arc::clone(&self.origin);
        match event {
            ClientEvent::Subscribed => self.untold.push_back(Received::Connected { origin }),
            ClientEvent::Progress { name, received, size } => {
                let now = Instant::now();
                if let Some(progress) = self.pace.came_to(&name, received, size, now) {
                    let _ =
                        self.shared.events.try_send(Received::Progress { origin, name, progress });
                }
            }
            ClientEvent::Delivered { name, path, size } => {
                self.untold.push_back(Received::Delivered { origin, name, path, size });
            }
            ClientEvent::Deleted { name, path } => {
                self.untold.push_back(Received::Deleted { origin, name, path });
            }
            ClientEvent::Refused { name, reason } => {
                self.untold.push_back(Received::Refused { origin, name, reason });
            }
            ClientEvent::Aborted { name } => tracing::debug!(%origin, %name, "broken off"),
        }
    }

    /// The connection has ended: what has come is written, and told.
    async fn finish(&mut self, end: &End) {
        while let Some(writing) = self.writing.take() {
            let Ok((receiver, written)) = writing.await else { break };
            self.written(receiver, written);
            // It is over, whatever the session says.
            let _ = self.act();
            self.write();
        }
        for received in std::mem::take(&mut self.untold) {
            let events = &self.shared.events;
            let told = match end {
                // Whoever has asked for the end may not be listening any more.
                End::Stopped => events.try_send(received).is_ok(),
                _ => events.send(received).await.is_ok(),
            };
            if !told {
                return;
            }
        }
    }
}

/// Octets of content.
fn octets(write: &Write) -> usize {
    match write {
        Write::Data { octets, .. } => octets.len(),
        _ => 0,
    }
}
