//! Room for a file before it comes.

use super::usage::Reservation;

/// Room that is set aside for a file that has not begun.
#[derive(Debug)]
pub(super) struct Promise {
    /// The number of its offer.
    pub(super) offer: u64,
    pub(super) room: Reservation,
    /// What the file will need on the disk.
    pub(super) bytes: u64,
}
