//! The engine, and what it has opened: what the lock of a node protects.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::{AbortHandle, JoinHandle};
use zmtp::net::{PushError, SendQueue};
use zre_proto::{ConnId, Engine, Input, Loss, PeerId};

#[cfg(feature = "curve")]
use super::known_names::KnownNames;
use super::strangers::Strangers;
use crate::connection_info::ConnectionInfo;
use crate::events::EventBatch;
use crate::stats::NetworkStats;

/// What has arrived this long ago is still arriving. Less than any question waits for its answer, or
/// the last words of a peer before its path broke would be its excuse.
const ARRIVING: Duration = Duration::from_millis(700);

pub(super) struct Core {
    pub(super) engine: Engine,
    /// Boxed, since a tree has room for more than it holds.
    pub(super) conns: BTreeMap<ConnId, Box<OpenConnection>>,
    pub(super) strangers: Strangers,
    pub(super) last_accepted: u64,
    /// When the timer task will wake by itself.
    pub(super) armed: Option<Instant>,
    /// Connections that are not being read because there is no room for events.
    pub(super) paused: usize,
    /// The tasks that live as long as the node.
    pub(super) tasks: Vec<AbortHandle>,
    /// Events of this turn. Kept between turns for its memory.
    pub(super) events: EventBatch,
    pub(super) network: NetworkStats,
    /// Whether there is a task that takes lines of the log to collectors.
    pub(super) logs: bool,
    /// Who has come and gone.
    #[cfg(feature = "metrics")]
    pub(super) presence: crate::metrics::PresenceCounts,
    /// Whose names were heard.
    #[cfg(feature = "curve")]
    pub(super) names: KnownNames,
}

/// A connection that is open, or being dialled.
pub(super) struct OpenConnection {
    /// `None` while it is not known who is there.
    pub(super) peer: Option<PeerId>,
    /// `None` while it is being dialled.
    pub(super) queue: Option<SendQueue>,
    /// `None` while it is being dialled.
    pub(super) ends: Option<Ends>,
    pub(super) task: JoinHandle<()>,
    /// Whether a peer that has said HELLO is heard on it, or it is a link of our own.
    pub(super) known: bool,
    /// Whether anything is said on it.
    pub(super) speaks: bool,
    pub(super) received_at: Option<Instant>,
    /// Bytes that the kernel had taken after it was full, when that was last asked.
    resumed: u64,
}

/// The ends of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    /// Our address, without the port.
    pub(super) local: SocketAddr,
    /// The address at the other end, with the link on which it is, if that is known, as scope.
    pub(super) remote: SocketAddr,
}

/// What became of a message.
pub(super) enum Sent {
    /// The writer task will send it.
    Queued,
    /// It waits for a `flush` by the sender.
    Staged,
    /// It did not fit the queue.
    Full,
}

impl Core {
    pub(super) fn new(engine: Engine) -> Self {
        Self {
            engine,
            conns: BTreeMap::new(),
            strangers: Strangers::default(),
            last_accepted: 0,
            armed: None,
            paused: 0,
            tasks: Vec::new(),
            events: EventBatch::default(),
            network: NetworkStats::default(),
            logs: false,
            #[cfg(feature = "metrics")]
            presence: crate::metrics::PresenceCounts::default(),
            #[cfg(feature = "curve")]
            names: KnownNames::default(),
        }
    }

    /// The connections on which a peer has been greeted.
    pub(super) fn greeted(&self) -> Vec<ConnId> {
        let greets = |conn, open: &OpenConnection| match open.peer {
            Some(peer) => self.engine.greets(peer, conn),
            None => self.engine.greets_unknown(conn),
        };
        let conns = self.conns.iter().map(|(conn, open)| (*conn, &**open));
        conns.filter(|(conn, open)| greets(*conn, open)).map(|(conn, _)| conn).collect()
    }

    /// The connections that are up, as the application is told.
    pub(super) fn connections(&self) -> Vec<ConnectionInfo> {
        let info = |conn: &ConnId, open: &OpenConnection| {
            let dialled = matches!(conn, ConnId::Dialled(_));
            Some(ConnectionInfo { peer: open.peer, remote: open.ends?.remote, dialled })
        };
        self.conns.iter().filter_map(|(conn, open)| info(conn, open)).collect()
    }

    /// The connections that begin at an address of this host.
    pub(super) fn beginning_at(&self, address: SocketAddr) -> Vec<(Option<PeerId>, ConnId)> {
        let begins = |open: &OpenConnection| open.ends.is_some_and(|it| it.local == address);
        let conns = self.conns.iter().filter(|(_, open)| begins(open));
        conns.map(|(conn, open)| (open.peer, *conn)).collect()
    }

    /// Closes a connection.
    pub(super) fn close(&mut self, conn: ConnId) {
        self.strangers.remove(conn);
        if let Some(closed) = self.conns.remove(&conn) {
            closed.close();
        }
    }
}

/// What the engine is told of a connection that is no more.
pub(super) const fn lost(peer: Option<PeerId>, conn: ConnId, why: Loss) -> Input<'static> {
    match peer {
        Some(peer) => Input::Lost { peer, conn, why },
        None => Input::ScoutLost { conn, why },
    }
}

impl OpenConnection {
    pub(super) fn new(peer: Option<PeerId>, task: JoinHandle<()>) -> Box<Self> {
        let (queue, ends, received_at) = Default::default();
        let (known, speaks) = (false, false);
        Box::new(Self { peer, queue, ends, task, known, speaks, received_at, resumed: 0 })
    }

    /// Queues one message: for the writer task, or for a `flush` by the sender.
    pub(super) fn send(&self, to_task: bool, header: &[u8], content: &[Bytes]) -> Sent {
        // Nothing is sent before there is a queue.
        let Some(queue) = &self.queue else { return Sent::Queued };
        let queued = if to_task {
            queue.push(header, content).map(|()| Sent::Queued)
        } else {
            queue.stage(header, content).map(|()| Sent::Staged)
        };
        match queued {
            Ok(sent) => sent,
            Err(PushError::Full) => Sent::Full,
            // Its task has ended, or is about to, and tells the engine.
            Err(PushError::Closed) => Sent::Queued,
        }
    }

    /// Whether more has been waiting than the mark, without a break, for this long.
    pub(super) fn has_stalled(&self, now: Instant, time: Duration) -> bool {
        let since = self.queue.as_ref().and_then(SendQueue::above_mark_since);
        since.is_some_and(|since| now.saturating_duration_since(since) >= time)
    }

    /// Whether bytes have arrived just now; and whether the kernel has taken some that it had no
    /// room for before, since this was last asked: it does so when the other end has taken others.
    /// What it has taken into a buffer that was not full is no sign of the other end.
    pub(super) fn progress(&mut self, now: Instant) -> (bool, bool) {
        let recently = |at: Instant| now.saturating_duration_since(at) < ARRIVING;
        let received = self.received_at.is_some_and(recently);
        let Some(queue) = &self.queue else { return (received, false) };
        let resumed = queue.traffic().resumed;
        let before = std::mem::replace(&mut self.resumed, resumed);
        (received, resumed != before)
    }

    /// Ends the connection. One on which something was said is ended in order, by its task: what
    /// the kernel takes now is sent, and what still comes is read and dropped. On any other there is
    /// nothing to wait for, and many may come at a time.
    fn close(self) {
        let in_order = self.known && self.speaks;
        match self.queue.filter(|queue| in_order && !queue.is_closed()) {
            Some(queue) => {
                // A failure is the end as well.
                let _ = queue.flush();
                queue.close();
            }
            None => self.task.abort(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use testkit::wait::soon;
    use zmtp::net::{Established, Listener, ListenerLimits, SendQueueLimits};
    use zre_proto::PeerId;

    use super::OpenConnection;

    /// A connection, and its other end.
    async fn pair() -> (Established, Established) {
        let router = zmtp::Config::new(zmtp::SocketType::Router);
        let dealer = zmtp::Config::new(zmtp::SocketType::Dealer);
        let any = ([127, 0, 0, 1], 0).into();
        let mut listener = Listener::bind(any, router, ListenerLimits::default()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let dialled = zmtp::net::connect(address, &dealer, SendQueueLimits::default());
        let (dialled, accepted) = tokio::join!(dialled, listener.accept());
        (dialled.unwrap(), accepted)
    }

    #[tokio::test]
    async fn what_the_kernel_takes_into_an_empty_buffer_is_no_progress() {
        let (ours, theirs) = pair().await;
        let (queue, mut reader) = (ours.queue, theirs.reader);
        let peer = PeerId::new([2; 16]);
        let mut open = OpenConnection::new(Some(peer), tokio::spawn(async {}));
        open.queue = Some(queue.clone());
        let mut sent = || open.progress(Instant::now()).1;
        for _ in 0..10 {
            queue.stage(&[7; 100], &[]).unwrap();
            assert!(!sent(), "something waits at this moment");
            assert!(queue.flush().unwrap());
            assert!(!sent(), "nobody reads, and nobody need be there");
        }
        while queue.flush().unwrap() {
            queue.stage(&[7; 50_000], &[]).unwrap();
        }
        assert!(!sent(), "the kernel is full");
        let read = async {
            while reader.fill().await.unwrap() {
                while reader.next().unwrap().is_some() {}
            }
        };
        tokio::select! {
            error = queue.run() => panic!("{error}"),
            () = soon(queue.drained()) => {}
            () = read => panic!("the connection has ended"),
        }
        assert!(sent(), "the other end has read");
        assert!(!sent(), "since then nothing has moved");
    }
}
