//! What a client session wants written, and the answers.

use bytes::Bytes;

use super::file_info::{FileInfo, ResumePoint};
use crate::{FileEvent, VirtualPath};

/// An order for the received folder. Between `Begin` and its `End`, `Abort` or `Interrupt` there is only
/// `Data`, and what is not about files that come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Begin a file.
    Begin {
        /// Its name on the network.
        name: VirtualPath,
        /// The number of its first piece, which no other file of the session has. All answers about
        /// the file have it.
        sequence: u64,
        /// Where the first `Data` belongs: 0, or where a partial file of this digest ends.
        offset: u64,
        /// What was announced about the file; nothing by other implementations.
        info: Option<FileInfo>,
    },
    /// Write content, which continues what came before.
    Data {
        /// Where in the file it belongs.
        offset: u64,
        /// The content.
        bytes: Bytes,
    },
    /// Complete the file.
    End {
        /// Bytes of the whole, with those that were there before.
        size: u64,
    },
    /// Drop the file, which has changed at the server and will not be completed.
    Abort,
    /// Delete a file.
    Delete {
        /// Its name on the network.
        name: VirtualPath,
    },
    /// Break the file off, but keep what there is of it, to be resumed.
    Interrupt,
    /// Set room aside for a file, until it begins. May come within a file, as all that follow.
    Reserve {
        /// The number of its offer.
        offer: u64,
        /// Its name on the network.
        name: VirtualPath,
        /// Bytes of the whole.
        size: u64,
    },
    /// Give back the room for a file that does not come now, or stop waiting for it.
    Release {
        /// The number of its offer.
        offer: u64,
        /// Its name on the network.
        name: VirtualPath,
    },
    /// Try again what could not be done for a passing reason.
    Retry,
    /// The same, if something has changed since that gives hope.
    RetryIfChanged,
}

/// The answer to an order, in the same order, except for those about room. `Begin` and `Data` are answered only if they fail,
/// once for each file; the rest of that file is then ignored. An answer has the number of the file
/// that it is about: of one name there may be several, of which the first ones have to wait.
///
/// What fails for a [passing](crate::Fate::Passing) reason is kept, with all orders after it that
/// depend on it, until it can be done; its answer comes then. That it was refused is said at once,
/// as [`Refused`](FileEvent::Refused), in addition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// What became of a file.
    File {
        /// The number that [`Write::Begin`] gave the file; `None` in the answer to a `Delete`.
        sequence: Option<u64>,
        /// What became of it.
        event: FileEvent,
    },
    /// The file is not what was announced, and what was received of it was dropped. It has to be
    /// sent again.
    Mismatch {
        /// Its name on the network.
        name: VirtualPath,
    },
    /// There is room for a file now, and it is set aside.
    Reserved {
        /// The number of its offer.
        offer: u64,
        /// What there is of the file, if it was interrupted.
        part: Option<ResumePoint>,
    },
    /// There is no room for a file. If that may pass it is `Reserved` when there is some.
    NoRoom {
        /// The number of its offer.
        offer: u64,
        /// That it is refused, and why.
        event: FileEvent,
    },
    /// There are orders that cannot be carried out for now: [`Write::Retry`] is needed later. The
    /// answer to `Write::Retry` too, as long as that is so.
    Stuck,
    /// Of the orders that could not be carried out all were, or some.
    Unstuck,
    /// The received folder is another one by now: nothing is written any more. A new session begins
    /// with what is there.
    Replaced,
}
