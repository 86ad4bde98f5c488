//! What a send queue may hold.

/// The limits of a [`SendQueue`](crate::net::SendQueue). Plain data.
///
/// There are two of each: a *mark*, below which an application stays that can wait, and a
/// *limit*, beyond which nothing is accepted. What is between them is for messages that have to be
/// sent to many remotes, or in order, and cannot wait for one of them. A mark that is higher than
/// its limit counts as the limit.
///
/// Messages count from [`push`](crate::net::SendQueue::push) until the kernel has taken their last
/// byte; bytes are those on the wire, headers included, that the kernel has not taken. A message of
/// any size fits a queue without messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendQueueLimits {
    /// Messages beyond which nothing is accepted. Default 2,000.
    pub messages: usize,
    /// Bytes beyond which nothing is accepted. Default 32 MiB.
    pub bytes: usize,
    /// Messages up to which there is room. Default 1,000.
    pub mark_messages: usize,
    /// Bytes up to which there is room. Default 16 MiB.
    pub mark_bytes: usize,
}

impl Default for SendQueueLimits {
    fn default() -> Self {
        Self { messages: 2000, bytes: 32 << 20, mark_messages: 1000, mark_bytes: 16 << 20 }
    }
}

/// One of the two bounds of a queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

impl SendQueueLimits {
    /// Returns the bound beyond which nothing is accepted.
    pub(super) const fn limit(&self) -> Bound {
        Bound { messages: self.messages, bytes: self.bytes }
    }

    /// Returns the bound up to which there is room.
    pub(super) fn mark(&self) -> Bound {
        Bound {
            messages: self.mark_messages.min(self.messages),
            bytes: self.mark_bytes.min(self.bytes),
        }
    }
}

impl Bound {
    /// Returns half of it, rounded down.
    pub(super) const fn half(self) -> Self {
        Self { messages: self.messages / 2, bytes: self.bytes / 2 }
    }
}
