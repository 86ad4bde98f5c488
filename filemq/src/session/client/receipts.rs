//! Receipts for files that the server has sent.

use bytes::Bytes;

use crate::message::{Message, Outcome, Receipt};
use crate::session::extensions::shortened;
use crate::{Fate, FileEvent};

/// The most receipts in a message.
const MAX_RECEIPTS: usize = 1000;

/// Receipts not yet sent to the server: several go together.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    /// Whether the server wants to know.
    pub(super) are_wanted: bool,
    unsent: Vec<Receipt>,
}

impl Receipts {
    /// Notes what became of a file whose first piece had this number.
    pub(super) fn note(&mut self, sequence: u64, event: &FileEvent) {
        let (outcome, reason) = match event {
            FileEvent::Delivered { .. } => (Outcome::Delivered, Bytes::new()),
            FileEvent::Refused { reason, fate, .. } => {
                let outcome = match fate {
                    Fate::Passing => Outcome::Waiting,
                    Fate::Final => Outcome::Refused,
                };
                (outcome, shortened(reason.to_string()))
            }
            _ => return,
        };
        if self.are_wanted {
            self.unsent.push(Receipt { sequence, outcome, reason });
        }
    }

    /// Returns the next message, if there is something to say.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        let count = self.unsent.len().min(MAX_RECEIPTS);
        let receipts: Vec<_> = self.unsent.drain(..count).collect();
        (count > 0).then(|| Message::Receipts(receipts).encode())
    }
}
