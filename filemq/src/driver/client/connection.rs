//! The connection to one server: connects, receives, and connects again.

use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use zmtp::net::{Backoff, Established, Reader, SendQueue, SendQueueLimits};
use zmtp::{Config, Limits, SocketType};

use super::event::ClientEvent;
use super::folder::ServerFolder;
use super::offer_book::Decision;
use super::shared::ClientShared;
use crate::disk::{ReceivedWriter, move_out};
use crate::driver::call::Call;
use crate::driver::progress::ProgressMeter;
use crate::driver::wait::{finished, last_word, until};
use crate::driver::way::Way;
use crate::session::{
    ClientConfig, ClientOutput, ClientSession, ClientSessionEvent, Write, Written,
};
use crate::{Fate, FileEvent, VirtualPath};

/// The pauses between attempts to connect.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

/// A connection of this time has lasted: the next pause is the shortest again.
const LASTING: Duration = Duration::from_secs(10);

/// While more bytes than this wait to be written, nothing is read from the network.
const MAX_WAITING_BYTES: usize = 4 << 20;

/// While more orders than this wait to be carried out, nothing is read from the network.
const MAX_WAITING_WRITES: usize = 1024;

/// The most bytes of a message from a server. Some have used chunks of 4 MB.
const MAX_MESSAGE: usize = 16 << 20;

/// Why a connection has ended.
#[derive(Debug, thiserror::Error)]
enum ConnectionEnd {
    #[error("stopped")]
    Stopped,
    #[error("subscriptions have changed")]
    Resubscribe,
    #[error("the server has closed the connection")]
    Closed,
    #[error("{0}")]
    Session(String),
    #[error(transparent)]
    Net(#[from] zmtp::net::Error),
    #[error("the received folder cannot be used: {0}")]
    Folder(#[source] io::Error),
    #[error("the server has called again")]
    Called(Box<Call>),
}

/// A server to connect to.
#[derive(Clone, Debug)]
pub(super) struct RemoteServer {
    pub(super) origin: Arc<str>,
    pub(super) way: Way,
}

/// Stays connected to a server until it is told to stop.
pub(super) async fn run(
    shared: Arc<ClientShared>,
    server: RemoteServer,
    mut calls: mpsc::Receiver<Call>,
    mut stop: watch::Receiver<bool>,
) {
    let RemoteServer { origin, way, .. } = &server;
    let (mut pauses, mut wait, mut called) = (PAUSES, way.patience, None);
    let mut unreached_since = Instant::now();
    while !*stop.borrow() {
        if !folder_is_there(&shared, &mut stop).await {
            return;
        }
        let since = Instant::now();
        let call = called.take();
        let (end, was_subscribed) =
            match establish(&shared, &server, wait, call, &mut calls, &mut stop).await {
                Ok(established) => {
                    receive(&shared, &server, established, &mut calls, &mut stop).await
                }
                Err(end) => (end, false),
            };
        if was_subscribed {
            unreached_since = Instant::now();
        }
        wait = way.patience;
        match end {
            ConnectionEnd::Stopped => return,
            ConnectionEnd::Resubscribe => continue,
            ConnectionEnd::Called(call) => {
                called = Some(*call);
                continue;
            }
            _ => {}
        }
        if since.elapsed() > LASTING {
            pauses.reset();
        }
        wait = wait.max(pauses.next_pause());
        tracing::debug!(%origin, address = %way.address, reason = %end, "disconnected");
        let unreached_for = match end {
            // That is told by itself, and no fault of the server.
            ConnectionEnd::Folder(_) => Duration::ZERO,
            _ if was_subscribed => Duration::ZERO,
            _ => unreached_since.elapsed(),
        };
        let (origin, reason) = (Arc::clone(origin), end.to_string());
        let event = ClientEvent::Disconnected { origin, reason, unreached_for };
        tokio::select! {
            () = stopped(&mut stop) => return,
            told = shared.events.send(event) => if told.is_err() { return },
        }
    }
}

/// Waits until the received folder can be used. Returns `false` if the connection has to stop.
async fn folder_is_there(shared: &Arc<ClientShared>, stop: &mut watch::Receiver<bool>) -> bool {
    let mut pauses = PAUSES;
    loop {
        let received = shared.received.clone();
        let refreshed = tokio::task::spawn_blocking(move || received.refresh());
        let refreshed = refreshed.await.map_err(io::Error::other).flatten();
        let event = match &refreshed {
            Ok(()) => shared.folder_is_back().then_some(ClientEvent::FolderUsable),
            Err(error) => {
                let reason = error.to_string();
                shared.folder_is_lost().then_some(ClientEvent::FolderUnusable { reason })
            }
        };
        if let Some(event) = event {
            tokio::select! {
                () = stopped(stop) => return false,
                told = shared.events.send(event) => if told.is_err() { return false },
            }
        }
        if refreshed.is_ok() {
            return true;
        }
        tokio::select! {
            () = stopped(stop) => return false,
            () = sleep(pauses.next_pause()) => {}
        }
    }
}

/// Waits until the connection has to stop, or the client is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Returns the next connection: one that the server dials, or after a while one that is dialled here.
async fn establish(
    shared: &ClientShared,
    server: &RemoteServer,
    wait: Duration,
    called: Option<Call>,
    calls: &mut mpsc::Receiver<Call>,
    stop: &mut watch::Receiver<bool>,
) -> Result<Established, ConnectionEnd> {
    let limits =
        Limits { frame: MAX_MESSAGE, message: MAX_MESSAGE, frames: 2, ..Limits::default() };
    let taken = |call: Call| {
        let mut established = call.established;
        established.reader.set_limits(limits.clone());
        Ok(established)
    };
    if let Some(call) = called {
        return taken(call);
    }
    let config = Config::new(SocketType::Dealer)
        .with_identity(shared.options.identity.clone())
        .with_mechanism(server.way.mechanism.clone())
        .with_limits(limits.clone());
    let connecting = async {
        sleep(wait).await;
        let Way { start, address, .. } = &server.way;
        zmtp::net::connect_from(start, *address, &config, SendQueueLimits::default()).await
    };
    tokio::select! {
        Some(call) = calls.recv() => taken(call),
        connected = connecting => Ok(connected?),
        () = stopped(stop) => Err(ConnectionEnd::Stopped),
    }
}

/// Uses a connection until it ends. Returns why, and whether all was subscribed to by then.
async fn receive(
    shared: &Arc<ClientShared>,
    server: &RemoteServer,
    established: Established,
    calls: &mut mpsc::Receiver<Call>,
    stop: &mut watch::Receiver<bool>,
) -> (ConnectionEnd, bool) {
    let Established { reader, queue, .. } = established;
    let options = &shared.options;
    // Not earlier: a partial file is read again, which may take a while.
    let (received, of, own) = (shared.received.clone(), server.clone(), options.folders);
    let opening = tokio::task::spawn_blocking(move || {
        let mut writer = received.writer(&of.origin)?;
        let inventory = writer.inventory();
        let inventory = ServerFolder::of(&writer, own).inventory(inventory);
        Ok((writer, inventory))
    });
    let (writer, inventory) = match opening.await.map_err(io::Error::other).flatten() {
        Ok(opened) => opened,
        Err(error) => return (ConnectionEnd::Folder(error), false),
    };
    let mut subscriptions = shared.subscriptions.subscribe();
    let paths = subscriptions.borrow_and_update().clone();
    let hidden = options.received.hidden;
    let config = ClientConfig { hidden, ticket: server.way.ticket, ..options.session.clone() };
    let mut connection = ClientConnection {
        shared: Arc::clone(shared),
        origin: Arc::clone(&server.origin),
        session: ClientSession::new(&config, &paths, inventory, Instant::now()),
        queue,
        writer: Some(writer),
        writing: None,
        writes: VecDeque::new(),
        held: 0,
        waiting: 0,
        events: VecDeque::new(),
        meter: ProgressMeter::default(),
        was_subscribed: false,
        is_unheard: false,
    };
    let wake = shared.offers.lock().connected(&server.origin);
    let end = connection.run(reader, &mut subscriptions, &wake, calls, stop).await;
    connection.finish(&end).await;
    shared.offers.lock().disconnected(&server.origin);
    (end, connection.was_subscribed)
}

/// A writer that has carried out orders, and what became of them.
type WriterAnswers = (ReceivedWriter, Vec<Written>);

/// One connection to a server.
struct ClientConnection {
    shared: Arc<ClientShared>,
    origin: Arc<str>,
    session: ClientSession,
    queue: SendQueue,
    /// `None` while it writes.
    writer: Option<ReceivedWriter>,
    writing: Option<JoinHandle<io::Result<WriterAnswers>>>,
    /// Orders that are not being carried out yet.
    writes: VecDeque<Write>,
    /// Orders that the folder cannot carry out for now.
    held: usize,
    /// Bytes in these, and in those that are being carried out.
    waiting: usize,
    /// Events for which the application has no room yet.
    events: VecDeque<ClientEvent>,
    meter: ProgressMeter<VirtualPath>,
    /// Whether the server has accepted all subscriptions.
    was_subscribed: bool,
    /// Whether messages have come that wait until the application has decided.
    is_unheard: bool,
}

impl ClientConnection {
    async fn run(
        &mut self,
        mut reader: Reader,
        subscriptions: &mut watch::Receiver<Vec<VirtualPath>>,
        wake: &Notify,
        calls: &mut mpsc::Receiver<Call>,
        stop: &mut watch::Receiver<bool>,
    ) -> ConnectionEnd {
        let queue = self.queue.clone();
        let mut sending = pin!(queue.run());
        let mut ending = None;
        // Messages may have come together with the handshake.
        if let Err(end) = self.receive(&mut reader) {
            return end;
        }
        loop {
            let acted = self.act_and_hear(&mut reader);
            // An end that was asked for here comes first: the session only says that it has
            // stopped.
            if let Some(end) = ending.take().or_else(|| acted.err()) {
                last_word(&queue, sending.as_mut()).await;
                return end;
            }
            let reading = self.waiting < MAX_WAITING_BYTES
                && self.writes.len() + self.held < MAX_WAITING_WRITES
                && self.events.is_empty()
                && !self.session.is_undecided();
            self.session.set_reading(Instant::now(), reading);
            let events = self.shared.events.clone();
            tokio::select! {
                error = &mut sending => return zmtp::net::Error::from(error).into(),
                more = reader.fill(), if reading => match more {
                    Ok(true) => if let Err(end) = self.receive(&mut reader) { return end },
                    Ok(false) => return ConnectionEnd::Closed,
                    Err(error) => return error.into(),
                },
                written = finished(&mut self.writing) => {
                    self.writing = None;
                    match written.map_err(io::Error::other).flatten() {
                        Ok((writer, written)) => self.written(writer, written),
                        Err(error) => return ConnectionEnd::Folder(error),
                    }
                }
                permit = events.reserve(), if !self.events.is_empty() => {
                    match (permit, self.events.pop_front()) {
                        (Ok(permit), Some(event)) => permit.send(event),
                        _ => return ConnectionEnd::Stopped,
                    }
                }
                () = wake.notified() => {
                    let orders = self.shared.offers.lock().take_orders(&self.origin);
                    orders.into_iter().for_each(|(number, decision)| self.decide(number, &decision));
                }
                () = until(self.session.next_deadline()) => {
                    self.session.handle_timeout(Instant::now());
                }
                _ = subscriptions.changed() => {
                    self.session.stop();
                    ending = Some(ConnectionEnd::Resubscribe);
                }
                Some(call) = calls.recv() => {
                    self.session.stop();
                    ending = Some(ConnectionEnd::Called(Box::new(call)));
                }
                () = stopped(stop) => {
                    self.session.stop();
                    ending = Some(ConnectionEnd::Stopped);
                }
            }
        }
    }

    /// Hands the session what has come from the server.
    fn receive(&mut self, reader: &mut Reader) -> Result<(), ConnectionEnd> {
        let now = Instant::now();
        while !self.session.is_undecided() {
            let Some(message) = reader.next()? else { break };
            self.session.handle_message(now, message.frames());
        }
        self.is_unheard = self.session.is_undecided();
        Ok(())
    }

    /// Does what the session wants, and hands it what has waited for a decision.
    fn act_and_hear(&mut self, reader: &mut Reader) -> Result<(), ConnectionEnd> {
        self.act()?;
        while self.is_unheard && !self.session.is_undecided() {
            self.receive(reader)?;
            self.act()?;
        }
        Ok(())
    }

    /// Tells the session what was decided about a file.
    fn decide(&mut self, number: u64, decision: &Decision) {
        let now = Instant::now();
        // It may be too late: then the application is told so, or the file is there.
        let _ = match decision {
            Decision::Accept => self.session.accept(now, number),
            Decision::Decline(reason) => self.session.decline(now, number, reason),
            Decision::Pause => self.session.pause(now, number),
            Decision::Cancel => self.session.cancel(now, number),
        };
    }

    /// Does what the session wants.
    fn act(&mut self) -> Result<(), ConnectionEnd> {
        let mut end = Ok(());
        while let Some(output) = self.session.poll_output() {
            match output {
                ClientOutput::Send(frame) => {
                    // They are small; a server that does not read them is a dead one.
                    if self.queue.push_frame(&[], frame).is_err() {
                        end = Err(ConnectionEnd::Closed);
                    }
                }
                ClientOutput::Write(write) => {
                    self.waiting += byte_len(&write);
                    self.writes.push_back(write);
                }
                ClientOutput::Event(event) => self.report(event),
                ClientOutput::Close(reason) => {
                    end = Err(ConnectionEnd::Session(reason.to_string()));
                }
            }
        }
        if end.is_ok() {
            self.write();
        }
        end
    }

    /// Starts to carry out the orders that wait, unless others are being carried out.
    fn write(&mut self) {
        if self.writes.is_empty() {
            return;
        }
        let Some(mut writer) = self.writer.take() else { return };
        let writes = std::mem::take(&mut self.writes);
        let (shared, origin) = (Arc::clone(&self.shared), Arc::clone(&self.origin));
        self.writing = Some(tokio::task::spawn_blocking(move || {
            let mut folder = ServerFolder::of(&writer, shared.options.folders);
            let mut written = Vec::new();
            for write in writes {
                folder.make_for(&write, &mut writer, || shared.folder_name(&origin))?;
                match folder.order(write) {
                    Ok(Some(write)) => {
                        written.extend(writer.execute(write).map(|done| folder.answer(done)));
                    }
                    Ok(None) => {}
                    Err(refused) => written.push(refused),
                }
            }
            written.extend(writer.flush().into_iter().map(|done| folder.answer(done)));
            written.iter_mut().for_each(|written| settle_offer(&shared, &origin, written));
            Ok((writer, written))
        }));
    }

    fn written(&mut self, writer: ReceivedWriter, written: Vec<Written>) {
        let left = self.writes.iter().map(byte_len).sum::<usize>() + writer.held_bytes();
        self.held = writer.held();
        let taken = std::mem::replace(&mut self.waiting, left).saturating_sub(left);
        self.writer = Some(writer);
        let now = Instant::now();
        self.session.handle_taken(now, taken as u64);
        for written in written {
            self.session.handle_written(now, &written);
            if let Written::File { event, .. } | Written::NoRoom { event, .. } = written {
                let origin = Arc::clone(&self.origin);
                self.events.push_back(ClientEvent::File { origin, event });
            }
        }
    }

    fn report(&mut self, event: ClientSessionEvent) {
        let origin = Arc::clone(&self.origin);
        match event {
            ClientSessionEvent::Subscribed => {
                self.was_subscribed = true;
                self.events.push_back(ClientEvent::Connected { origin });
            }
            ClientSessionEvent::Progress { name, received, size } => {
                let progress = self.meter.update(&name, received, size, Instant::now());
                if let Some(progress) = progress {
                    let event = ClientEvent::Progress { origin, name, progress };
                    let _ = self.shared.events.try_send(event);
                }
            }
            ClientSessionEvent::Offered { number, file } => {
                let offered = self.shared.offers.lock().offered(&origin, number, file);
                self.events.extend(offered.event);
                if let Some(decision) = offered.decision {
                    self.decide(number, &decision);
                }
            }
            ClientSessionEvent::Begun { number, sequence } => {
                self.shared.offers.lock().begun(&origin, number, sequence);
            }
            ClientSessionEvent::Withdrawn { number } => {
                let event = self.shared.offers.lock().withdrawn(&origin, number);
                self.events.extend(event);
            }
            ClientSessionEvent::NotTaken(event) => {
                self.events.push_back(ClientEvent::File { origin, event });
            }
            ClientSessionEvent::Aborted { name } => {
                tracing::debug!(%origin, %name, "a file was broken off");
            }
        }
    }

    /// Ends the connection: what has come is written, and reported.
    async fn finish(&mut self, end: &ConnectionEnd) {
        while let Some(writing) = self.writing.take() {
            let Ok(Ok((writer, written))) = writing.await else { break };
            self.written(writer, written);
            // It has ended already, whatever the session says.
            let _ = self.act();
            self.write();
        }
        for event in std::mem::take(&mut self.events) {
            let events = &self.shared.events;
            let told = match end {
                // An application that has asked for the end may not be listening any more.
                ConnectionEnd::Stopped => events.try_send(event).is_ok(),
                _ => events.send(event).await.is_ok(),
            };
            if !told {
                return;
            }
        }
    }
}

/// Handles that a file on offer is settled: one that has come is moved to where the application wants
/// it.
fn settle_offer(shared: &ClientShared, origin: &str, written: &mut Written) {
    let mut offers = shared.offers.lock();
    match written {
        Written::File {
            sequence: Some(sequence),
            event: FileEvent::Delivered { name, path, .. },
        } => {
            let Some(target) = offers.delivered(origin, name, *sequence) else { return };
            drop(offers);
            match move_out(path, &target) {
                Ok(()) => *path = target,
                Err(error) => {
                    let (path, target) = (path.display(), target.display());
                    tracing::warn!(%name, %error, "the file stays at {path}, and not at {target}");
                }
            }
        }
        Written::File {
            sequence: Some(sequence),
            event: FileEvent::Refused { name, reason, fate: Fate::Final },
        } => offers.refused(origin, name, *sequence, reason.to_string()),
        Written::NoRoom { offer, event: FileEvent::Refused { reason, fate: Fate::Final, .. } } => {
            offers.has_no_room(origin, *offer, reason.to_string())
        }
        _ => {}
    }
}

/// Bytes of content.
fn byte_len(write: &Write) -> usize {
    match write {
        Write::Data { bytes, .. } => bytes.len(),
        _ => 0,
    }
}
