//! What a client session wants written, and the answers.

use bytes::Bytes;

use super::file_info::FileInfo;
use crate::{FileEvent, VirtualPath};

/// An order for the received folder. Between `Begin` and its `End` or `Abort` there is only `Data`.
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
    /// Try again what could not be done for a passing reason. May come within a file.
    Retry,
    /// The same, if something has changed since that gives hope.
    RetryIfChanged,
}

/// The answer to an order, in the same order. `Begin` and `Data` are answered only if they fail,
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
    /// There are orders that cannot be carried out for now: [`Write::Retry`] is needed later. The
    /// answer to `Write::Retry` too, as long as that is so.
    Stuck,
    /// Of the orders that could not be carried out all were, or some.
    Unstuck,
    /// The received folder is another one by now: nothing is written any more. A new session begins
    /// with what is there.
    Replaced,
}
