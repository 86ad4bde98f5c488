//! Numbered messages to one peer, as fast as they are accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;
use zyre::{ActionError, Content, Node, PeerId};

/// The time until what was refused, since too much waits for the peer, is tried again.
const AGAIN: Duration = Duration::from_millis(2);

/// A message: its number, and whether it is the last; with zeros up to this number of bytes.
pub(crate) fn message(number: u64, is_last: bool, bytes: usize) -> Vec<u8> {
    let mut content = number.to_be_bytes().to_vec();
    content.push(is_last.into());
    content.resize(bytes.max(content.len()), 0);
    content
}

/// The number in a message, and whether it is the last.
pub(crate) fn parts(content: &Content) -> (u64, bool) {
    let (number, rest) = content.first().split_first_chunk().expect("a message of ours");
    (u64::from_be_bytes(*number), rest[0] != 0)
}

/// Messages to one peer, which are numbered from 0 on.
#[derive(Clone)]
pub(crate) struct Stream {
    node: Node,
    peer: PeerId,
    bytes: usize,
    is_over: Arc<AtomicBool>,
}

/// A stream that goes on until it is [ended](Self::end).
pub(crate) struct Endless {
    stream: Stream,
    task: JoinHandle<u64>,
}

impl Stream {
    pub(crate) fn new(node: &Node, peer: PeerId, bytes: u64) -> Self {
        let bytes = bytes.try_into().expect("a size");
        Self { node: node.clone(), peer, bytes, is_over: Arc::default() }
    }

    /// Sends this number of messages, or until it is over. Returns the number of messages that
    /// were accepted, of which the last is marked so, unless the peer has gone.
    pub(crate) async fn send(self, count: Option<u64>) -> u64 {
        let mut number = 0;
        loop {
            let is_last =
                count.map_or_else(|| self.is_over.load(Ordering::Relaxed), |n| number + 1 == n);
            let content = Content::from(message(number, is_last, self.bytes));
            match self.node.whisper(self.peer, content) {
                Ok(()) => number += 1,
                Err(ActionError::UnknownPeer(_) | ActionError::Stopped) => return number,
                Err(_full) => {
                    sleep(AGAIN).await;
                    continue;
                }
            }
            if is_last {
                return number;
            }
            // It shares its threads with the node.
            tokio::task::yield_now().await;
        }
    }

    /// Sends from now on.
    pub(crate) fn start(self) -> Endless {
        Endless { task: tokio::spawn(self.clone().send(None)), stream: self }
    }
}

impl Endless {
    /// Sends one last message. Returns the number of all messages.
    pub(crate) async fn end(self) -> u64 {
        self.stream.is_over.store(true, Ordering::Relaxed);
        self.task.await.expect("it does not panic")
    }
}
