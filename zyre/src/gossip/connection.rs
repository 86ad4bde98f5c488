//! One gossip connection: read, and written.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use zmtp::Message;
use zmtp::net::{Established, Reader, SendQueue, SendQueueLimits};
use zre_proto::PublicKey;
use zre_proto::gossip::{self, ConnId, Remote};

use crate::secure;

/// What may wait on a connection. The machine sends no more before that is written.
pub(super) const QUEUE: SendQueueLimits =
    SendQueueLimits { messages: 256, bytes: 128 << 10, mark_messages: 256, mark_bytes: 128 << 10 };

/// What the connections and the hubs tell the one task of gossip.
pub(super) enum News {
    /// A connection is up.
    Up { open: Open, hub: Option<usize> },
    /// A message has come, of gossip or of something else.
    Message { conn: ConnId, message: Message, is_gossip: bool },
    /// All that was sent is written.
    Flushed { conn: ConnId },
    /// The connection has ended.
    Ended { conn: ConnId },
    /// A hub was not reached, or its connection has ended; `lasts`: it has not been heard for a
    /// while.
    HubFailed { hub: usize, why: String, lasts: bool },
}

/// What the task of gossip holds of a connection that is up.
pub(super) struct Open {
    pub(super) conn: ConnId,
    pub(super) remote: Remote,
    pub(super) queue: SendQueue,
    /// Our address on it, and the address at the other end.
    pub(super) local: SocketAddr,
    pub(super) address: SocketAddr,
    /// The key at the other end, if this node is a secure one.
    pub(super) key: Option<PublicKey>,
    pub(super) signals: Arc<Signals>,
}

/// What a connection is told.
#[derive(Default)]
pub(super) struct Signals {
    /// Something was sent.
    pub(super) sent: Notify,
    /// It has to end, as `closed` says.
    pub(super) close: Notify,
    pub(super) closed: zmtp::sync::Mutex<Closed>,
}

/// A connection, for the task that carries it.
pub(super) struct Connection {
    conn: ConnId,
    reader: Reader,
    queue: SendQueue,
    signals: Arc<Signals>,
}

/// How a connection has ended.
#[derive(Debug, Default)]
pub(super) struct Closed {
    /// Whether the other end gossips as it should.
    pub(super) heard: bool,
    pub(super) why: String,
}

impl Connection {
    pub(super) fn new(conn: ConnId, remote: Remote, established: Established) -> (Open, Self) {
        let Established { reader, queue, peer, address, local, .. } = established;
        let signals = Arc::<Signals>::default();
        let open = Open {
            conn,
            remote,
            queue: queue.clone(),
            local,
            address,
            key: secure::proved(&peer),
            signals: Arc::clone(&signals),
        };
        (open, Self { conn, reader, queue, signals })
    }

    /// Carries the connection until its end.
    pub(super) async fn run(mut self, news: &mpsc::Sender<News>) -> Closed {
        let Self { conn, reader, queue, signals } = &mut self;
        let conn = *conn;
        let mut heard = false;
        let tell_flushed = async {
            loop {
                signals.sent.notified().await;
                queue.drained().await;
                if news.send(News::Flushed { conn }).await.is_err() {
                    return;
                }
            }
        };
        let why = tokio::select! {
            () = signals.close.notified() => {
                let closed = std::mem::take(&mut *signals.closed.lock());
                heard = closed.heard;
                closed.why
            }
            error = queue.run() => error.to_string(),
            () = tell_flushed => String::new(),
            why = read(conn, reader, news, &mut heard) => why,
        };
        queue.close();
        // Without its task the node has ended.
        let _ = news.send(News::Ended { conn }).await;
        Closed { heard, why }
    }
}

/// Hands over what comes. While the task of gossip has enough to do nothing is read.
async fn read(
    conn: ConnId,
    reader: &mut Reader,
    news: &mpsc::Sender<News>,
    heard: &mut bool,
) -> String {
    loop {
        loop {
            match reader.next() {
                Ok(Some(message)) => {
                    let is_gossip = gossip::Message::from_frames(message.frames()).is_ok();
                    *heard |= is_gossip;
                    if news.send(News::Message { conn, message, is_gossip }).await.is_err() {
                        return String::new();
                    }
                }
                Ok(None) => break,
                Err(error) => return error.to_string(),
            }
        }
        match reader.fill().await {
            Ok(true) => {}
            Ok(false) => return "the other end has closed the connection".into(),
            Err(error) => return error.to_string(),
        }
    }
}
