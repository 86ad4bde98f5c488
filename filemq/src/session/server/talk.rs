//! From OHAI to goodbye: what a client wants, and what it is told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use super::pending::Pending;
use super::sizes::Sizes;
use super::subscriptions::{Subscribed, Subscriptions};
use super::transfer::{Asked, Transfer};
use super::{ServerConfig, ServerEvent, ServerOutput};
use crate::message::{Dictionary, Head, Icanhaz, Message, Operation};
use crate::session::terms;
use crate::{CHUNK, Catalogue, Change, Digest, Entry, Resume, VirtualPath};

/// What a session has for its driver.
pub(super) type Outputs = VecDeque<ServerOutput>;

/// One talk. A client that says something wrong begins another.
#[derive(Debug)]
pub(super) struct Talk {
    most_subscriptions: usize,
    most_deletes: usize,
    tags: BTreeSet<Arc<str>>,
    subscriptions: Subscriptions,
    /// The client is one of ours: it understands headers, and a file that is broken off.
    pub(super) ours: bool,
    pub(super) credit: u64,
    /// The most credit that was given at a time. By one of ours: all that it gives before it takes
    /// something.
    window: u64,
    sequence: u64,
    pub(super) pending: Pending,
    /// What the client says that it has, as far as it is in the catalogue.
    pub(super) claims: BTreeMap<VirtualPath, Digest>,
    pub(super) resume: Option<(VirtualPath, Resume)>,
    pub(super) sizes: Sizes,
    /// Jobs that are not answered yet, in their order, and deletes that wait for their turn.
    pub(super) asked: VecDeque<Asked>,
    /// Files for which there are such jobs: content of the first goes to the client.
    pub(super) transfers: VecDeque<Transfer>,
    pub(super) next_id: u64,
    /// A file was opened that nothing has closed.
    pub(super) open: bool,
}

impl Talk {
    pub(super) fn new(config: &ServerConfig, tags: BTreeSet<Arc<str>>) -> Self {
        Self {
            most_subscriptions: config.subscriptions,
            most_deletes: config.deletes,
            tags,
            subscriptions: Subscriptions::default(),
            ours: false,
            credit: 0,
            window: 0,
            sequence: 0,
            pending: Pending::default(),
            claims: BTreeMap::new(),
            resume: None,
            sizes: Sizes::new(config.sizes),
            asked: VecDeque::new(),
            transfers: VecDeque::new(),
            next_id: 0,
            open: false,
        }
    }

    /// Whether the client is to have it.
    pub(super) fn wants(&self, entry: &Entry) -> bool {
        entry.audience.includes(&self.tags) && self.subscribes(&entry.name)
    }

    fn subscribes(&self, name: &VirtualPath) -> bool {
        // C cuts the subscription off a name: of one that is the same nothing would be left.
        self.subscriptions.iter().any(|path| path.covers(name) && (self.ours || path != name))
    }

    /// The client wants what lies at or below a path. The error is what it is to be told.
    pub(super) fn subscribe(
        &mut self,
        icanhaz: &Icanhaz,
        catalogue: &Catalogue,
        out: &mut Outputs,
    ) -> Result<(), String> {
        let path = subscription(&icanhaz.path)?;
        // Once and for all: a file that is on its way would change its form.
        if self.subscriptions.len() == 0 {
            self.ours = icanhaz.options.text(terms::DIGEST) == Some(terms::BLAKE3);
        }
        self.claim(&path, &icanhaz.cache, catalogue)?;
        if let Some(resume) = icanhaz.options.text(terms::RESUME).and_then(terms::resume) {
            self.resume = Some(resume);
        }
        if let Subscribed::Instead(covered) = self.subscriptions.add(path.clone()) {
            if self.subscriptions.len() > self.most_subscriptions {
                return Err(format!("at most {} subscriptions", self.most_subscriptions));
            }
            for entry in catalogue.within(&path) {
                let had = covered.iter().any(|old| old.covers(&entry.name));
                if !had && self.wants(entry) {
                    self.pending.send(entry.name.clone());
                }
            }
            out.push_back(ServerOutput::Event(ServerEvent::Subscribed { path }));
        }
        let terms = if self.ours { terms::credit() } else { Dictionary::default() };
        out.push_back(ServerOutput::message(&Message::IcanhazOk(terms)));
        Ok(())
    }

    /// The client can take so much more.
    pub(super) fn grant(&mut self, credit: u64) {
        self.window = self.window.max(credit);
        self.credit = self.credit.saturating_add(credit);
    }

    /// How much of `rest` octets from `offset` the next piece has; `None`: there is credit to come
    /// first. Another implementation gets what there is credit for. One of ours gives it again for
    /// what it has taken, but for less than a quarter of all: what fits into the rest is worth
    /// waiting for, so that pieces begin and end for all clients at the same places, and are shared.
    pub(super) fn piece_len(&self, offset: u64, rest: u64) -> Option<u64> {
        let chunk = CHUNK as u64;
        if !self.ours {
            return Some(rest.min(chunk).min(self.credit)).filter(|len| *len > 0);
        }
        let whole = rest.min(chunk - offset % chunk);
        let comes = whole <= self.window - self.window / 4;
        let len = if comes { whole } else { whole.min(self.credit) };
        (len > 0 && len <= self.credit).then_some(len)
    }

    /// What the client has already. What there is no more at all is deleted, at ours.
    fn claim(
        &mut self,
        path: &VirtualPath,
        cache: &Dictionary,
        catalogue: &Catalogue,
    ) -> Result<(), String> {
        for (key, digest) in cache.iter() {
            let text = |octets| str::from_utf8(octets).ok();
            let Some(name) = text(key).and_then(|key| claimed(path, key)) else { continue };
            let Some(digest) = text(digest).and_then(|digest| digest.parse().ok()) else {
                continue;
            };
            if catalogue.get(&name).is_some() {
                self.claims.insert(name, digest);
            } else if self.ours {
                self.delete(name)?;
            }
        }
        Ok(())
    }

    fn delete(&mut self, name: VirtualPath) -> Result<(), String> {
        self.pending.delete(name);
        if self.pending.deletes() > self.most_deletes {
            return Err("too far behind".into());
        }
        Ok(())
    }

    /// The error is what the client is to be told.
    pub(super) fn change(&mut self, change: &Change, out: &mut Outputs) -> Result<(), String> {
        let entry = change.entry();
        let name = &entry.name;
        let wanted = self.wants(entry);
        match change {
            Change::Updated(_) => {
                self.abort(name, out);
                if wanted {
                    self.pending.send(name.clone());
                } else {
                    self.pending.keep(name);
                }
            }
            Change::Removed(_) => {
                self.claims.remove(name);
                let told = self.abort(name, out);
                self.pending.keep(name);
                if wanted && !told {
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
        out: &mut Outputs,
    ) {
        let before = std::mem::replace(&mut self.tags, tags);
        for path in self.subscriptions.iter() {
            for entry in catalogue.within(path) {
                if !entry.audience.includes(&before) && self.wants(entry) {
                    self.pending.send(entry.name.clone());
                }
            }
        }
        let begun: Vec<_> = self.transfers.iter().map(|transfer| transfer.entry.clone()).collect();
        for entry in begun {
            if !self.wants(&entry) {
                self.abort(&entry.name, out);
            }
        }
    }

    /// Says all deletes whose turn it is.
    pub(super) fn say_deletes(&mut self, out: &mut Outputs) {
        while let Some(Asked::Delete(_)) = self.asked.front() {
            let Some(Asked::Delete(name)) = self.asked.pop_front() else { break };
            self.say_delete(&name, out);
            out.push_back(ServerOutput::Event(ServerEvent::Deleted { name }));
        }
    }

    pub(super) fn say_delete(&mut self, name: &VirtualPath, out: &mut Outputs) {
        self.sizes.remove(name);
        self.say_nothing_more(name, Operation::Delete, 0, &Dictionary::default(), out);
    }

    /// A CHEEZBURGER without content: the end of a file if it is created.
    pub(super) fn say_nothing_more(
        &mut self,
        name: &VirtualPath,
        operation: Operation,
        offset: u64,
        headers: &Dictionary,
        out: &mut Outputs,
    ) {
        let eof = operation == Operation::Create;
        let head = Head { sequence: 0, operation, filename: octets(name), offset, eof, headers };
        self.say(head, Bytes::new(), out);
    }

    /// A CHEEZBURGER with this content, which gets its place in the sequence.
    pub(super) fn say(&mut self, head: Head<'_>, chunk: Bytes, out: &mut Outputs) {
        let head = Head { sequence: self.sequence, ..head }.encode(chunk.len());
        out.push_back(ServerOutput::Send { head, chunk });
        self.sequence += 1;
    }
}

/// A name on the wire.
pub(super) fn octets(name: &VirtualPath) -> &[u8] {
    name.as_str().as_bytes()
}

/// Some clients put a slash behind a directory.
fn subscription(path: &[u8]) -> Result<VirtualPath, String> {
    let text = str::from_utf8(path).map_err(|_| "a path is UTF-8".to_owned())?;
    let trimmed = text.trim_end_matches('/');
    let trimmed = if trimmed.is_empty() && text.starts_with('/') { "/" } else { trimmed };
    VirtualPath::new(trimmed).map_err(|error| error.to_string())
}

/// Which file a key of a cache means: it is relative to the subscription, or absolute and within it.
fn claimed(path: &VirtualPath, key: &str) -> Option<VirtualPath> {
    let name = if key.starts_with('/') { VirtualPath::new(key) } else { path.join(key) }.ok()?;
    (path.covers(&name) && !name.is_root()).then_some(name)
}
