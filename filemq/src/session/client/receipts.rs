//! What the server is to be told of the files that it has sent.

use bytes::Bytes;

use crate::message::{Message, Outcome, Receipt};
use crate::session::Written;
use crate::{Fate, FileEvent};

/// The most receipts in a message.
const MAX_RECEIPTS: usize = 1000;

/// Receipts that were not sent yet: several go together.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    /// Whether the server wants to know.
    pub(super) are_wanted: bool,
    unsent: Vec<Receipt>,
}

impl Receipts {
    /// Notes what became of a file whose first piece had this number.
    pub(super) fn note(&mut self, sequence: u64, written: &Written) {
        let (outcome, reason) = match written {
            Written::File(FileEvent::Delivered { .. }) => (Outcome::Delivered, Bytes::new()),
            Written::File(FileEvent::Refused { reason, fate, .. }) => {
                let outcome = match fate {
                    Fate::Passing => Outcome::Waiting,
                    Fate::Final => Outcome::Refused,
                };
                (outcome, Bytes::from(reason.to_string()))
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
