//! What the application wants of files on offer.

use std::path::{Path, PathBuf};

use super::Client;
use super::offer::{OfferError, OfferId, OfferInfo};
use super::offer_book::Decision;
use crate::disk::check_free;

/// With [`Accept::Ask`](crate::Accept::Ask) nothing is fetched before it is accepted. With
/// [`Accept::All`](crate::Accept::All) all is accepted without a question, and what is not there yet can be
/// declined, paused or cancelled; only servers that offer take notice, those of this implementation.
///
/// What was decided about a file holds until it changes, also when the connection was lost, as long
/// as the client lives.
impl Client {
    /// Returns what a server has on offer now, in the order of names: what is not decided, was put off, or
    /// is on its way. An offer holds until the file changes or is gone, so a file can be fetched later.
    #[must_use]
    pub fn offers(&self, origin: &str) -> Vec<OfferInfo> {
        self.shared.offers.lock().list(origin)
    }

    /// Accepts a file: it is fetched as soon as there is room for it.
    ///
    /// # Errors
    /// There is no such offer any more.
    pub fn accept(&self, offer: OfferId) -> Result<(), OfferError> {
        self.decide(offer, Decision::Accept, None)
    }

    /// Accepts a file, which is moved to `path` when it has come: outside the received folder it is no
    /// concern of the client any more, neither updated nor deleted. If it cannot be moved by then it stays
    /// in the received folder; [`FileEvent::Delivered`](crate::FileEvent::Delivered) says where it is. If the
    /// process is killed before, it stays there too, and counts as delivered: the next one is not told of it.
    ///
    /// The place is kept when the file is paused, or accepted again without one; [`cancel`](Self::cancel)
    /// and [`decline`](Self::decline) forget it. A file that was moved is not offered again until it
    /// changes.
    ///
    /// # Errors
    /// There is no such offer any more, or there is something at `path`, or no directory to put it into.
    pub fn accept_as(&self, offer: OfferId, path: impl AsRef<Path>) -> Result<(), OfferError> {
        let place = |path: PathBuf, source| OfferError::Place { path, source };
        let path = path.as_ref();
        let target = std::path::absolute(path).map_err(|source| place(path.to_owned(), source))?;
        check_free(&target).map_err(|source| place(target.clone(), source))?;
        self.decide(offer, Decision::Accept, Some(target))
    }

    /// Declines a file: it is not sent, or broken off. The server is told the reason, of which 255 bytes
    /// count, and the file is not offered again until it changes.
    ///
    /// # Errors
    /// There is no such offer any more.
    pub fn decline(&self, offer: OfferId, reason: &str) -> Result<(), OfferError> {
        self.decide(offer, Decision::Decline(reason.to_owned()), None)
    }

    /// Puts a file off: it is not sent, or broken off. The offer holds, and what has come of the file is
    /// kept if that is worthwhile; of each server that is so for one file.
    ///
    /// # Errors
    /// There is no such offer any more.
    pub fn pause(&self, offer: OfferId) -> Result<(), OfferError> {
        self.decide(offer, Decision::Pause, None)
    }

    /// Takes back what was decided: the file is not sent, or broken off, and what has come of it is
    /// dropped. The offer holds.
    ///
    /// # Errors
    /// There is no such offer any more.
    pub fn cancel(&self, offer: OfferId) -> Result<(), OfferError> {
        self.decide(offer, Decision::Cancel, None)
    }

    fn decide(
        &self,
        offer: OfferId,
        decision: Decision,
        target: Option<PathBuf>,
    ) -> Result<(), OfferError> {
        let is_there = self.shared.offers.lock().decide(offer, decision, target);
        if is_there { Ok(()) } else { Err(OfferError::Gone) }
    }
}
