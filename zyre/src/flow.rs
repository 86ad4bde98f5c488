//! How much a peer takes, and how to wait until it takes more.

use std::time::{Duration, Instant};

use tokio::time::timeout_at;
use zmtp::net::SendQueue;
use zre_proto::{ActionError, Content, Engine, PeerId};

use crate::driver::Driver;
use crate::limits::MAX_HEADER_BYTES;

/// A thread that waits without an end looks around this often.
const LONG: Duration = Duration::from_secs(60 * 60);

/// What a WHISPER is reckoned with at the mark, besides its content: its header, and what frames
/// both. Of content with many frames that is less than it takes; so room and WHISPER agree whatever
/// the frames are, and the limit of the queue leaves room for them.
const WHISPER_BYTES: usize = 100;

/// What can be sent to a peer now, before it is [`Full`](ActionError::Full).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// How many messages. Of any size, if it is not 0 and nothing waits.
    pub messages: usize,
    /// How many bytes: each message takes those of its content, and a hundred.
    pub bytes: usize,
}

impl Driver {
    /// What can be sent to a peer now; `None` if it is not present.
    pub(crate) fn room(&self, peer: PeerId) -> Option<Room> {
        let (messages, bytes) = self.queue_to(peer)?.room();
        Some(Room { messages, bytes })
    }

    /// Waits until a peer takes a message of that many bytes.
    pub(crate) async fn ready(&self, peer: PeerId, bytes: usize) -> Result<(), ActionError> {
        let queue = self.queue_of(peer)?;
        queue.ready(whispered(bytes)).await.map_err(|_closed| self.gone(peer))
    }

    /// Like `ready`, and blocks the thread.
    pub(crate) fn blocking_ready(&self, peer: PeerId, bytes: usize) -> Result<(), ActionError> {
        let queue = self.queue_of(peer)?;
        let ready = || queue.ready_until(whispered(bytes), Instant::now() + LONG);
        while !ready().map_err(|_closed| self.gone(peer))? {}
        Ok(())
    }

    /// Waits until all members of a group take a message of that many bytes, but for none longer
    /// than a stall may last.
    pub(crate) async fn ready_in(&self, group: &str, bytes: usize) -> Result<(), ActionError> {
        let deadline = Instant::now() + self.stall_timeout();
        for queue in self.queues_in(group)? {
            // A member that is gone is no longer waited for.
            let _ = timeout_at(deadline.into(), queue.ready(shouted(bytes))).await;
        }
        Ok(())
    }

    /// Like `ready_in`, and blocks the thread.
    pub(crate) fn blocking_ready_in(&self, group: &str, bytes: usize) -> Result<(), ActionError> {
        let deadline = Instant::now() + self.stall_timeout();
        for queue in self.queues_in(group)? {
            // A member that is gone is no longer waited for.
            let _ = queue.ready_until(shouted(bytes), deadline);
        }
        Ok(())
    }

    /// Whether a WHISPER may be queued for a peer. One that is not there is the engine's to refuse.
    pub(crate) fn takes(queue: &SendQueue, content: &Content) -> bool {
        queue.has_room(whispered(content.byte_len()))
    }

    fn gone(&self, peer: PeerId) -> ActionError {
        if self.ask(Engine::is_stopped) {
            ActionError::Stopped
        } else {
            ActionError::UnknownPeer(peer)
        }
    }

    fn queue_of(&self, peer: PeerId) -> Result<SendQueue, ActionError> {
        self.queue_to(peer).ok_or_else(|| self.gone(peer))
    }

    fn queues_in(&self, group: &str) -> Result<Vec<SendQueue>, ActionError> {
        let members: Vec<PeerId> = self.ask(|engine| {
            if engine.is_stopped() {
                return Err(ActionError::Stopped);
            }
            Ok(engine.peers_in(group).collect())
        })?;
        Ok(members.into_iter().filter_map(|peer| self.queue_to(peer)).collect())
    }
}

/// What a WHISPER with content of that many bytes takes of the room for a peer.
const fn whispered(bytes: usize) -> usize {
    bytes.saturating_add(WHISPER_BYTES)
}

/// What a SHOUT with content of that many bytes takes.
const fn shouted(bytes: usize) -> usize {
    bytes.saturating_add(MAX_HEADER_BYTES)
}
