//! Files as they come.

use std::collections::VecDeque;

use super::{ClientEvent, ClientOutput};
use crate::message::{Cheezburger, Operation};
use crate::session::terms;
use crate::{Promise, Resume, VirtualPath, Write, Written};

type Outputs = VecDeque<ClientOutput>;

/// Makes orders for the inbox of what a server sends: between the begin of a file and its end there
/// is nothing but its content, without a gap.
#[derive(Debug)]
pub(super) struct Receiver {
    subscriptions: Vec<VirtualPath>,
    /// What is there of a file, until the server says that it knows.
    partial: Option<(VirtualPath, Resume)>,
    sequence: Option<u64>,
    incoming: Option<Incoming>,
    /// The last file that came to its end, and its size. Some say twice that it ends.
    ended: Option<(VirtualPath, u64)>,
    /// What the inbox was asked for, and may not have answered.
    asked: VecDeque<Asked>,
}

/// What the inbox answers.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// Always.
    End(VirtualPath),
    /// If there was something to delete.
    Delete(VirtualPath),
}

/// Deletes that may be answered yet.
const DELETES: usize = 1000;

/// A file of which the end has not come.
#[derive(Debug)]
struct Incoming {
    name: VirtualPath,
    /// Where the next piece has to begin.
    next: u64,
    promise: Option<Promise>,
    /// The inbox does not take it, or it makes no sense: the rest is waited for and dropped.
    dropped: bool,
}

impl Receiver {
    pub(super) const fn new(
        subscriptions: Vec<VirtualPath>,
        partial: Option<(VirtualPath, Resume)>,
    ) -> Self {
        let asked = VecDeque::new();
        Self { subscriptions, partial, sequence: None, incoming: None, ended: None, asked }
    }

    /// A server that has lost the thread repeats what it sent, with the same number; and one that
    /// means harm sends names that lead elsewhere. Whether its content goes to the inbox.
    pub(super) fn receive(&mut self, cheezburger: Cheezburger, out: &mut Outputs) -> bool {
        if self.sequence.replace(cheezburger.sequence) == Some(cheezburger.sequence) {
            return false;
        }
        let Some(name) = self.subscribed(&cheezburger.filename) else { return false };
        match cheezburger.operation {
            Operation::Create => return self.create(name, cheezburger, out),
            Operation::Delete => self.delete(name, out),
            Operation::Other(_) => {}
        }
        false
    }

    fn subscribed(&self, filename: &[u8]) -> Option<VirtualPath> {
        let name = VirtualPath::new(str::from_utf8(filename).ok()?).ok()?;
        let subscribed = self.subscriptions.iter().any(|path| path.covers(&name));
        (subscribed && !name.is_root()).then_some(name)
    }

    /// What comes with a delete is whatever the server had at hand; it may be another's.
    fn delete(&mut self, name: VirtualPath, out: &mut Outputs) {
        self.abort(out);
        self.ended = None;
        if self.asked.len() >= DELETES && matches!(self.asked.front(), Some(Asked::Delete(_))) {
            self.asked.pop_front();
        }
        self.asked.push_back(Asked::Delete(name.clone()));
        out.push_back(ClientOutput::Write(Write::Delete { name }));
    }

    fn create(&mut self, name: VirtualPath, cheezburger: Cheezburger, out: &mut Outputs) -> bool {
        let Cheezburger { offset, eof, headers, chunk, .. } = cheezburger;
        let last = eof || chunk.is_empty();
        if last && chunk.is_empty() && headers.get(terms::ABORT).is_some() {
            if self.incoming.as_ref().is_some_and(|incoming| incoming.name == name) {
                self.abort(out);
            }
            return false;
        }
        let promise = terms::promise(&headers);
        if self.incoming.as_ref().is_none_or(|incoming| incoming.name != name) {
            let again = self.ended.as_ref() == Some(&(name.clone(), offset));
            if chunk.is_empty() && promise.is_none() && again {
                return false;
            }
            self.abort(out);
            self.begin(&name, offset, promise, out);
        }
        let Some(incoming) = &mut self.incoming else { return false };
        let mut goes = false;
        let next = offset.checked_add(chunk.len() as u64);
        let next = next.filter(|next| incoming.takes(offset, *next, last));
        if let Some(next) = next {
            incoming.next = next;
            goes = !chunk.is_empty() && !incoming.dropped;
            if goes {
                out.push_back(ClientOutput::Write(Write::Data { offset, octets: chunk }));
                let size = incoming.promise.as_ref().map(|promise| promise.size);
                let event = ClientEvent::Progress { name, received: next, size };
                out.push_back(ClientOutput::Event(event));
            }
        } else {
            incoming.drop_it(out);
        }
        if last {
            self.end(out);
        }
        goes
    }

    /// A file begins at its start, or where the part ends that is there.
    fn begin(
        &mut self,
        name: &VirtualPath,
        offset: u64,
        promise: Option<Promise>,
        out: &mut Outputs,
    ) {
        self.ended = None;
        let partial = self.partial.take_if(|(partial, _)| partial == name);
        let goes_on = partial.is_some_and(|(_, resume)| {
            resume.offset == offset
                && promise.as_ref().is_some_and(|promise| promise.digest == resume.whole)
        });
        let makes_sense = offset == 0 || goes_on;
        let incoming = Incoming {
            name: name.clone(),
            next: offset,
            promise: promise.clone(),
            dropped: !makes_sense,
        };
        self.incoming = Some(incoming);
        let output = if makes_sense {
            ClientOutput::Write(Write::Begin { name: name.clone(), offset, promise })
        } else {
            ClientOutput::Event(ClientEvent::Aborted { name: name.clone() })
        };
        out.push_back(output);
    }

    fn end(&mut self, out: &mut Outputs) {
        let Some(incoming) = self.incoming.take() else { return };
        if !incoming.dropped {
            out.push_back(ClientOutput::Write(Write::End { size: incoming.next }));
            self.asked.push_back(Asked::End(incoming.name.clone()));
            self.ended = Some((incoming.name, incoming.next));
        }
    }

    /// What has come of a file makes no whole.
    fn abort(&mut self, out: &mut Outputs) {
        if let Some(mut incoming) = self.incoming.take() {
            incoming.drop_it(out);
        }
    }

    /// The inbox has answered. What it was asked for last is answered last, so a file that it does
    /// not take although it was asked for nothing is the one that comes: the rest is dropped.
    pub(super) fn answered(&mut self, written: &Written) {
        let at = match written {
            Written::Delivered { name, .. } => self.asked.iter().position(|asked| asked.ends(name)),
            Written::Deleted { name, .. } => {
                self.asked.iter().position(|asked| asked.deletes(name))
            }
            Written::Mismatch { name } | Written::Refused { name, .. } => {
                let of_it = |asked: &Asked| asked.ends(name) || asked.deletes(name);
                let at = self.asked.iter().position(of_it);
                if at.is_none() {
                    self.give_up(name);
                }
                at
            }
        };
        if let Some(at) = at {
            self.asked.drain(..=at);
        }
    }

    fn give_up(&mut self, name: &VirtualPath) {
        if let Some(incoming) = &mut self.incoming
            && incoming.name == *name
        {
            incoming.dropped = true;
        }
    }
}

impl Asked {
    fn ends(&self, name: &VirtualPath) -> bool {
        matches!(self, Self::End(ended) if ended == name)
    }

    fn deletes(&self, name: &VirtualPath) -> bool {
        matches!(self, Self::Delete(deleted) if deleted == name)
    }
}

impl Incoming {
    /// Whether a piece is the next one, and keeps the promise if there is one.
    fn takes(&self, offset: u64, next: u64, last: bool) -> bool {
        offset == self.next
            && self
                .promise
                .as_ref()
                .is_none_or(|promise| if last { next == promise.size } else { next < promise.size })
    }

    fn drop_it(&mut self, out: &mut Outputs) {
        if !std::mem::replace(&mut self.dropped, true) {
            out.push_back(ClientOutput::Write(Write::Abort));
            let name = self.name.clone();
            out.push_back(ClientOutput::Event(ClientEvent::Aborted { name }));
        }
    }
}
