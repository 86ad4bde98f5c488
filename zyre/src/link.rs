//! A link: the one outgoing connection to a peer, DEALER to its ROUTER, never waited for.

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::AbortHandle;
use zmtp::net::{Outbox, PushError, Reader};
use zre_proto::{Endpoint, Input, LinkId, PeerId};

use crate::driver::Driver;

/// The sending side of a link, as the driver holds it.
pub(crate) struct Link {
    pub(crate) peer: PeerId,
    pub(crate) outbox: Outbox,
    task: AbortHandle,
}

/// What became of a message.
pub(crate) enum Sent {
    /// The writer task will send it.
    Queued,
    /// It waits for a `flush` by whoever sent it.
    Staged,
    /// It did not fit the queue.
    Full,
}

impl Link {
    pub(crate) const fn new(peer: PeerId, outbox: Outbox, task: AbortHandle) -> Self {
        Self { peer, outbox, task }
    }

    /// Queues one message: for the writer task, or for a `flush` by the sender.
    pub(crate) fn send(&self, to_task: bool, header: &[u8], content: &[Bytes]) -> Sent {
        let queued = if to_task {
            self.outbox.push(header, content).map(|()| Sent::Queued)
        } else {
            self.outbox.stage(header, content).map(|()| Sent::Staged)
        };
        match queued {
            Ok(sent) => sent,
            Err(PushError::Full) => Sent::Full,
            // Its task has ended, or is about to, and tells the engine.
            Err(PushError::Closed) => Sent::Queued,
        }
    }

    /// Closes the connection and drops what is queued.
    pub(crate) fn close(self) {
        self.outbox.close();
        self.task.abort();
    }
}

/// The life of a link: connects, sends what is queued, and notices when the peer is gone.
pub(crate) async fn run(
    driver: Arc<Driver>,
    peer: PeerId,
    link: LinkId,
    endpoint: Endpoint,
    outbox: Outbox,
) {
    // Its port may have gone to another node meanwhile, which must not get what is meant for it.
    let dealer = driver.dealer.clone().with_remote(peer.routing_id().to_vec());
    match zmtp::net::connect(endpoint.address(), &dealer, &outbox).await {
        Ok((reader, _)) => {
            driver.tell(Input::LinkUp { peer, link });
            tokio::select! {
                error = outbox.run() => tracing::debug!(%peer, %error, "link lost"),
                () = until_closed(reader) => tracing::debug!(%peer, "link closed"),
            }
        }
        Err(error) => tracing::debug!(%peer, %endpoint, %error, "link not connected"),
    }
    driver.tell(Input::LinkLost { peer, link, overflow: false });
}

/// Reads until the peer closes. A ROUTER sends nothing but answers of the transport; anything
/// else is dropped.
async fn until_closed(mut reader: Reader) {
    while matches!(reader.fill().await, Ok(true)) {
        while let Some(_dropped) = match reader.next() {
            Ok(message) => message,
            Err(_) => return,
        } {}
    }
}
