//! A client between OHAI and goodbye: what it wants, and what it is told.

mod offering;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use super::config::ServerConfig;
use super::event::{ServerOutput, ServerOutputs, ServerSessionEvent};
use super::offers::OfferedFiles;
use super::pending::PendingNames;
use super::resting::RestingFiles;
use super::subscribed_paths::{Subscribed, SubscribedPaths};
use super::transfers::{Finished, Transfers};
use crate::catalogue::{Catalogue, Change, Entry};
use crate::digest::Digest;
use crate::message::{Dictionary, Icanhaz, Message, Receipt};
use crate::session::{Job, JobResult, ResumePoint, Unreadable, extensions};
use crate::{Fate, VirtualPath};

/// The most deletes that are begun at a time: each is a message, and the driver's queue is bounded.
const MAX_DELETES: usize = 64;

/// The most bytes of claims to files that are not in the catalogue: the names, and what it takes to keep
/// each. More are heard in the next session.
const MAX_CLAIM_BYTES: usize = 16 << 20;
const CLAIM_BYTES: usize = 64;

/// A client between OHAI and goodbye. A client that says something wrong has to begin anew.
#[derive(Debug)]
pub(super) struct ServedClient {
    max_subscriptions: usize,
    max_deletes: usize,
    tags: BTreeSet<Arc<str>>,
    /// Whether the client takes hidden files.
    hidden: bool,
    subscriptions: SubscribedPaths,
    pending: PendingNames,
    /// `None` if files are sent unasked.
    offers: Option<OfferedFiles>,
    /// What the client says that it has, as far as it is in the catalogue or may come into it.
    claims: BTreeMap<VirtualPath, Digest>,
    /// Bytes of all claims to files that were not in the catalogue.
    claim_bytes: usize,
    resume: Option<(VirtualPath, ResumePoint)>,
    /// Whether the client has said all that it has: one of this implementation lets content come
    /// after its last ICANHAZ.
    has_said_all: bool,
    transfers: Transfers,
    resting: RestingFiles,
}

impl ServedClient {
    pub(super) fn new(config: &ServerConfig, tags: BTreeSet<Arc<str>>) -> Self {
        Self {
            max_subscriptions: config.subscriptions,
            max_deletes: config.deletes,
            tags,
            hidden: false,
            subscriptions: SubscribedPaths::default(),
            pending: PendingNames::default(),
            offers: None,
            claims: BTreeMap::new(),
            claim_bytes: 0,
            resume: None,
            has_said_all: false,
            transfers: Transfers::new(config.sizes),
            resting: RestingFiles::default(),
        }
    }

    /// Returns how many jobs have no result, and whether a file is open that no job closes.
    pub(super) fn unfinished(&self) -> (usize, bool) {
        self.transfers.unfinished()
    }

    /// Returns whether the client may have a file.
    fn wants(&self, entry: &Entry) -> bool {
        let name = entry.name();
        entry.audience().includes(&self.tags)
            && self.subscribes(name)
            && (self.hidden || !name.is_hidden())
    }

    fn subscribes(&self, name: &VirtualPath) -> bool {
        // C cuts the subscription off a name: of a name that equals it nothing would be left.
        let ours = self.transfers.is_ours();
        self.subscriptions.iter().any(|path| path.covers(name) && (ours || path != name))
    }

    /// Handles that the client wants what lies at or below a path.
    ///
    /// # Errors
    /// The text for the client.
    pub(super) fn subscribe(
        &mut self,
        icanhaz: &Icanhaz,
        catalogue: &Catalogue,
        out: &mut ServerOutputs,
    ) -> Result<(), String> {
        let path = subscription(&icanhaz.path)?;
        // Once and for all: a file that is on its way would change its form.
        if self.subscriptions.len() == 0 {
            let ours = icanhaz.options.text(extensions::DIGEST) == Some(extensions::BLAKE3);
            self.transfers.set_ours(ours);
            let receipts = ours && extensions::says(&icanhaz.options, extensions::RECEIPT);
            self.transfers.set_receipts(receipts);
            self.hidden = extensions::says(&icanhaz.options, extensions::HIDDEN);
            let offers = receipts && extensions::says(&icanhaz.options, extensions::OFFER);
            self.offers = offers.then(OfferedFiles::default);
        }
        self.claim(&path, &icanhaz.cache, catalogue)?;
        let resume = icanhaz.options.text(extensions::RESUME).and_then(extensions::resume);
        self.resume = resume.or_else(|| self.resume.take());
        if let Subscribed::Instead(covered) = self.subscriptions.add(path.clone()) {
            if self.subscriptions.len() > self.max_subscriptions {
                return Err(format!("at most {} subscriptions", self.max_subscriptions));
            }
            for entry in catalogue.within(&path) {
                let had = covered.iter().any(|old| old.covers(entry.name()));
                if !had && self.wants(entry) {
                    self.pending.send(entry.clone());
                }
            }
            out.push_back(ServerOutput::Event(ServerSessionEvent::Subscribed { path }));
        }
        let ours = self.transfers.is_ours();
        let options = match ours {
            true => extensions::terms(self.transfers.has_receipts(), self.offers.is_some()),
            false => Dictionary::default(),
        };
        out.push_back(ServerOutput::message(&Message::IcanhazOk(options)));
        Ok(())
    }

    /// Handles what the client says of files that it was sent.
    ///
    /// # Errors
    /// The text for the client.
    pub(super) fn receipts(
        &mut self,
        receipts: &[Receipt],
        out: &mut ServerOutputs,
    ) -> Result<(), String> {
        if !self.transfers.has_receipts() {
            return Err("receipts were not negotiated".into());
        }
        for receipt in receipts {
            let Some(event) = self.transfers.handle_receipt(receipt) else { continue };
            match &event {
                ServerSessionEvent::Confirmed { name, .. } => self.forget_offer(name),
                ServerSessionEvent::Rejected { name, fate: Fate::Final, .. } => {
                    // The rest of it need not be sent.
                    self.transfers.abort(name, out);
                    self.forget_offer(name);
                }
                _ => {}
            }
            out.push_back(ServerOutput::Event(event));
        }
        Ok(())
    }

    /// Handles that the client can take more.
    pub(super) fn grant(&mut self, credit: u64) {
        self.has_said_all = true;
        self.transfers.grant(credit);
    }

    /// Notes what the client has already. What is gone is deleted, at clients of this
    /// implementation.
    fn claim(
        &mut self,
        path: &VirtualPath,
        cache: &Dictionary,
        catalogue: &Catalogue,
    ) -> Result<(), String> {
        let is_known = catalogue.within(path).next().is_some();
        for (key, digest) in cache.iter() {
            if self.claim_bytes > MAX_CLAIM_BYTES && !is_known {
                break;
            }
            let text = |bytes| str::from_utf8(bytes).ok();
            let Some(name) = text(key).and_then(|key| claimed(path, key)) else { continue };
            let Some(digest) = text(digest).and_then(|digest| digest.parse().ok()) else {
                continue;
            };
            if let Some(entry) = catalogue.get(&name) {
                // The name is there already.
                self.claims.insert(entry.name().clone(), digest);
                continue;
            }
            if !self.transfers.is_ours() || self.claim_bytes > MAX_CLAIM_BYTES {
                continue;
            }
            self.claim_bytes += name.as_str().len() + CLAIM_BYTES;
            if catalogue.is_gone(&name) {
                self.delete(name)?;
            } else if self.claims.len() < catalogue.len().saturating_add(self.max_deletes) {
                // It may be published later, and need not be sent then.
                self.claims.insert(name, digest);
            }
        }
        Ok(())
    }

    /// Handles that the catalogue knows all there is at or below a path: what the client has there
    /// and is not in the catalogue is deleted.
    ///
    /// # Errors
    /// The text for the client.
    pub(super) fn handle_known(
        &mut self,
        path: &VirtualPath,
        catalogue: &Catalogue,
    ) -> Result<(), String> {
        let claims = path.within(&self.claims).map(|(name, _)| name);
        let gone: Vec<_> = claims.filter(|name| catalogue.is_gone(name)).cloned().collect();
        for name in gone {
            self.claims.remove(&name);
            self.delete(name)?;
        }
        Ok(())
    }

    fn delete(&mut self, name: VirtualPath) -> Result<(), String> {
        self.pending.delete(name);
        if self.pending.deletes() > self.max_deletes {
            return Err("too far behind".into());
        }
        Ok(())
    }

    /// Handles a change of the catalogue.
    ///
    /// # Errors
    /// The text for the client.
    pub(super) fn change(
        &mut self,
        change: &Change,
        out: &mut ServerOutputs,
    ) -> Result<(), String> {
        let entry = change.entry();
        let name = entry.name();
        let wanted = self.wants(entry);
        let deleted = self.transfers.abort(name, out);
        self.transfers.forget_unconfirmed(name);
        self.pending.keep(name);
        self.resting.forget(name);
        self.withdraw_offer(name);
        match change {
            Change::Updated(_) if wanted => self.pending.send(entry.clone()),
            Change::Updated(_) => {}
            Change::Removed(_) => {
                self.claims.remove(name);
                if wanted && !deleted {
                    self.delete(name.clone())?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn set_tags(
        &mut self,
        tags: BTreeSet<Arc<str>>,
        catalogue: &Catalogue,
        out: &mut ServerOutputs,
    ) {
        let before = std::mem::replace(&mut self.tags, tags);
        for path in self.subscriptions.iter() {
            for entry in catalogue.within(path) {
                if !entry.audience().includes(&before) && self.wants(entry) {
                    self.pending.send(entry.clone());
                }
            }
        }
        let begun: Vec<_> = self.transfers.entries().cloned().collect();
        for entry in begun {
            if !self.wants(&entry) {
                self.transfers.abort(entry.name(), out);
            }
        }
        let offered: Vec<_> = self.offers.iter().flat_map(OfferedFiles::entries).cloned().collect();
        for entry in offered {
            if !self.wants(&entry) {
                self.withdraw_offer(entry.name());
            }
        }
    }

    /// Returns the next job, if there is something to do and credit for it. Deletes come first: as
    /// long as there are outputs, there is no job.
    pub(super) fn next_job(&mut self, out: &mut ServerOutputs) -> Option<Job> {
        if self.transfers.is_full() {
            return None;
        }
        // Until it is known what the client has, it might be sent that again.
        let is_begun = self.has_said_all || !self.transfers.is_ours();
        let check = if is_begun { self.make_offers(out) } else { None };
        if self.transfers.is_transferring() {
            return self.transfers.next_step();
        }
        for _ in 0..MAX_DELETES {
            let Some(name) = self.pending.pop_delete() else { break };
            self.transfers.delete(name);
        }
        self.transfers.say_deletes(out);
        if !out.is_empty() {
            return None;
        }
        let job = match self.offers {
            _ if !is_begun => None,
            Some(_) => self
                .begin_fetched()
                .or_else(|| check.map(|(entry, claim)| self.check(entry, claim))),
            None => self.begin(out),
        };
        // What was broken off need not stay open.
        job.or_else(|| self.transfers.close_unused())
    }

    /// Returns the next file that the client does not have, as far as that is known, and what the client
    /// says that it has under this name, if that has to be checked.
    fn next_pending(&mut self, out: &mut ServerOutputs) -> Option<(Arc<Entry>, Option<Digest>)> {
        loop {
            let resumed = self.resume.as_ref().and_then(|(name, _)| self.pending.get(name));
            let entry = resumed.or_else(|| self.pending.next())?.clone();
            let name = entry.name();
            if !self.wants(&entry) {
                self.pending.take(name);
                continue;
            }
            let Some(&claim) = self.claims.get(name) else { return Some((entry, None)) };
            match entry.digest(claim.algorithm()) {
                None => return Some((entry, Some(claim))),
                Some(digest) if digest == claim => {
                    self.pending.take(name);
                    self.forget_resume(name);
                    self.has(&entry, out);
                }
                Some(_) => {
                    self.claims.remove(name);
                }
            }
        }
    }

    /// Finds out whether the client has a file.
    fn check(&mut self, entry: Arc<Entry>, claim: Digest) -> Job {
        self.pending.take(entry.name());
        self.transfers.check(entry, claim)
    }

    /// Begins the next file that the client does not have.
    fn begin(&mut self, out: &mut ServerOutputs) -> Option<Job> {
        let (entry, claim) = self.next_pending(out)?;
        if let Some(claim) = claim {
            return Some(self.check(entry, claim));
        }
        if entry.version().size > 0 && !self.transfers.has_credit() {
            return None;
        }
        self.pending.take(entry.name());
        Some(self.open(entry, 1))
    }

    /// Begins to send a file, because the client has fetched it for this time.
    fn open(&mut self, entry: Arc<Entry>, fetch: u64) -> Job {
        let resume = self.resume.take_if(|(resumed, _)| resumed == entry.name());
        self.transfers.open(entry, resume.map(|(_, resume)| resume), fetch)
    }

    /// Handles that the client has a file already: perhaps one for which no receipt has come, because
    /// the connection was lost.
    fn has(&self, entry: &Entry, out: &mut ServerOutputs) {
        if self.transfers.has_receipts() {
            let (name, size) = (entry.name().clone(), entry.version().size);
            let event = ServerSessionEvent::Confirmed { name, size, already: true };
            out.push_back(ServerOutput::Event(event));
        }
    }

    fn forget_resume(&mut self, name: &VirtualPath) {
        self.resume.take_if(|(resumed, _)| resumed == name);
    }

    /// Handles the result of the oldest job that has none.
    pub(super) fn handle_result(
        &mut self,
        now: Instant,
        result: JobResult,
        out: &mut ServerOutputs,
    ) {
        match self.transfers.handle_result(result, out) {
            Some(Finished::Checked { entry, claim, digest }) => {
                self.resting.read();
                self.checked(entry, claim, digest, out);
            }
            Some(Finished::Sent) => self.resting.read(),
            Some(Finished::Failed { entry, unreadable }) => {
                self.failed(now, entry, unreadable, out);
            }
            None => {}
        }
        self.transfers.say_deletes(out);
    }

    fn checked(
        &mut self,
        entry: Arc<Entry>,
        claim: Digest,
        digest: Digest,
        out: &mut ServerOutputs,
    ) {
        let name = entry.name();
        if digest == claim {
            self.forget_resume(name);
            return self.has(&entry, out);
        }
        // Unless the client has said something else meanwhile.
        if self.claims.get(name) == Some(&claim) {
            self.claims.remove(name);
        }
        self.pending.send(entry);
    }

    /// Lets a file rest that could not be read, unless it never can be. If it has changed, the
    /// catalogue hears of that; if it was only not there for a moment, nobody does.
    fn failed(
        &mut self,
        now: Instant,
        entry: Arc<Entry>,
        unreadable: Unreadable,
        out: &mut ServerOutputs,
    ) {
        let name = entry.name().clone();
        let told = match unreadable {
            Unreadable::Failed { reason, fate } => Some((reason, fate)),
            unreadable @ Unreadable::Changed => self
                .resting
                .is_missing(&name)
                .then(|| (unreadable.to_string().into(), Fate::Passing)),
        };
        let rests = told.as_ref().is_none_or(|(_, fate)| fate.is_passing());
        if let Some((reason, fate)) = told {
            let event = ServerSessionEvent::Unreadable { name, reason, fate };
            out.push_back(ServerOutput::Event(event));
        }
        if !rests {
            self.withdraw_offer(entry.name());
        } else if self.pending.get(entry.name()).is_none() {
            self.resting.rest(now, entry);
        }
    }

    pub(super) const fn handle_readable(&mut self, now: Instant) {
        self.resting.hope(now);
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.resting.next_deadline()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for entry in self.resting.due(now) {
            let is_offered = self.offers.as_mut().is_some_and(|offers| offers.again(&entry));
            if !is_offered {
                self.pending.send(entry);
            }
        }
    }
}

/// Returns the path of a subscription. Some clients append a slash to a directory.
fn subscription(path: &[u8]) -> Result<VirtualPath, String> {
    let text = str::from_utf8(path).map_err(|_| "a path is UTF-8".to_owned())?;
    let trimmed = text.trim_end_matches('/');
    let trimmed = if trimmed.is_empty() && text.starts_with('/') { "/" } else { trimmed };
    VirtualPath::new(trimmed).map_err(|error| error.to_string())
}

/// Returns the file that a key of a cache names: relative to the subscription, or absolute and
/// within it.
fn claimed(path: &VirtualPath, key: &str) -> Option<VirtualPath> {
    let name = if key.starts_with('/') { VirtualPath::new(key) } else { path.join(key) }.ok()?;
    (path.covers(&name) && !name.is_root()).then_some(name)
}
