//! Files that are not sent before the client wants them.

use std::sync::Arc;

use super::ServedClient;
use crate::catalogue::Entry;
use crate::digest::Digest;
use crate::message::{Answer, Verdict};
use crate::session::server::event::{ServerOutput, ServerOutputs, ServerSessionEvent};
use crate::session::{Job, extensions};
use crate::{Fate, VirtualPath};

impl ServedClient {
    pub(super) fn forget_offer(&mut self, name: &VirtualPath) {
        if let Some(offers) = &mut self.offers {
            offers.forget(name);
        }
    }

    pub(super) fn withdraw_offer(&mut self, name: &VirtualPath) {
        if let Some(offers) = &mut self.offers {
            offers.withdraw(name);
        }
    }

    /// Handles what the client wants of the files that it was offered.
    ///
    /// # Errors
    /// The text for the client.
    pub(in crate::session::server) fn answers(
        &mut self,
        answers: &[Answer],
        out: &mut ServerOutputs,
    ) -> Result<(), String> {
        for answer in answers {
            let offers = self.offers.as_mut().ok_or("offers were not negotiated")?;
            let reason = || String::from_utf8_lossy(&answer.text).into();
            match answer.verdict {
                Verdict::Fetch => {
                    if let Some(entry) = offers.fetch(answer.number)
                        && let Some(part) =
                            str::from_utf8(&answer.text).ok().and_then(extensions::part)
                    {
                        self.resume = Some((entry.name().clone(), part));
                    }
                }
                Verdict::Later => {
                    let Some(entry) = offers.put_off(answer.number) else { continue };
                    self.break_off(&entry, out);
                    if !answer.text.is_empty() {
                        let (name, fate) = (entry.name().clone(), Fate::Passing);
                        let event = ServerSessionEvent::Rejected { name, reason: reason(), fate };
                        out.push_back(ServerOutput::Event(event));
                    }
                }
                Verdict::Decline => {
                    let Some(entry) = offers.decline(answer.number) else { continue };
                    self.break_off(&entry, out);
                    let (name, reason) = (entry.name().clone(), reason());
                    out.push_back(ServerOutput::Event(ServerSessionEvent::Declined {
                        name,
                        reason,
                    }));
                }
                Verdict::Other(_) => {}
            }
        }
        Ok(())
    }

    /// Stops what is being done for a file that the client does not want, or not now.
    fn break_off(&mut self, entry: &Arc<Entry>, out: &mut ServerOutputs) {
        self.transfers.abort(entry.name(), out);
        self.transfers.forget_unconfirmed(entry.name());
        self.resting.forget(entry.name());
    }

    /// Begins the next file that the client wants.
    pub(super) fn begin_fetched(&mut self) -> Option<Job> {
        let offers = self.offers.as_mut()?;
        let entry = offers.next(self.resume.as_ref().map(|(name, _)| name))?.clone();
        if entry.version().size > 0 && !self.transfers.has_credit() {
            return None;
        }
        let fetch = offers.begin(entry.name());
        Some(self.open(entry, fetch))
    }

    /// Offers what the client does not have, until it has to be found out what it has: that is
    /// returned.
    pub(super) fn make_offers(&mut self, out: &mut ServerOutputs) -> Option<(Arc<Entry>, Digest)> {
        self.offers.as_ref()?;
        let mut check = None;
        while self.offers.as_mut()?.has_room() {
            let Some((entry, claim)) = self.next_pending(out) else { break };
            if let Some(claim) = claim {
                check = Some((entry, claim));
                break;
            }
            self.pending.take(entry.name());
            let offers = self.offers.as_mut()?;
            offers.offer(entry);
            if offers.is_due() {
                out.extend(offers.take_unsent().as_ref().map(ServerOutput::message));
            }
        }
        while let Some(unsent) = self.offers.as_mut()?.take_unsent() {
            out.push_back(ServerOutput::message(&unsent));
        }
        check
    }
}
