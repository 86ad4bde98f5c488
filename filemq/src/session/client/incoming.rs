//! Files as they come from the server.

use std::collections::VecDeque;

use super::event::{ClientOutput, ClientOutputs, ClientSessionEvent};
use crate::message::{Cheezburger, Operation};
use crate::session::{FileInfo, ResumePoint, Write, Written, extensions};
use crate::{Fate, FileEvent, VirtualPath};

/// Turns what a server sends into orders for the received folder: between the beginning of a file
/// and its end there is only its content, without a gap.
#[derive(Debug)]
pub(super) struct IncomingFiles {
    subscriptions: Vec<VirtualPath>,
    /// Whether files with hidden names are taken.
    hidden: bool,
    /// The beginning of a file that is there, until the server refers to it.
    partial: Option<(VirtualPath, ResumePoint)>,
    sequence: Option<u64>,
    incoming: Option<IncomingFile>,
    /// The last complete file and its size. Some servers say twice that it ends.
    ended: Option<(VirtualPath, u64)>,
    /// Answers of the received folder that are still to come.
    expected: VecDeque<ExpectedAnswer>,
    /// Complete files that the folder cannot take for now, with the numbers of their first pieces, in
    /// the order in which they came. They come before all whose answers are expected.
    waiting: Vec<(VirtualPath, u64)>,
}

/// An answer that the received folder may give.
#[derive(Debug, PartialEq, Eq)]
enum ExpectedAnswer {
    /// It always answers the end of a file.
    End {
        name: VirtualPath,
        /// The number of its first piece.
        sequence: u64,
    },
    /// It answers if there was something to delete.
    Delete(VirtualPath),
}

/// The most answers that are waited for; then those to deletes are not any more.
const MAX_EXPECTED: usize = 10_000;

/// A file whose end has not come.
#[derive(Debug)]
struct IncomingFile {
    name: VirtualPath,
    /// The number of its first piece.
    sequence: u64,
    /// Where the next piece has to begin.
    next: u64,
    info: Option<FileInfo>,
    /// Whether the rest is dropped: the folder does not accept the file, or it makes no sense.
    dropped: bool,
}

impl IncomingFiles {
    pub(super) const fn new(
        subscriptions: Vec<VirtualPath>,
        partial: Option<(VirtualPath, ResumePoint)>,
        hidden: bool,
    ) -> Self {
        Self {
            subscriptions,
            hidden,
            partial,
            sequence: None,
            incoming: None,
            ended: None,
            expected: VecDeque::new(),
            waiting: Vec::new(),
        }
    }

    /// Handles a piece of a file, and returns whether its content is to be written. A C server that
    /// has lost the thread repeats what it sent, with the same number; a malicious one sends names
    /// that lead elsewhere.
    pub(super) fn receive(&mut self, cheezburger: Cheezburger, out: &mut ClientOutputs) -> bool {
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
        let subscribed = self.subscriptions.iter().any(|path| path.covers(&name))
            && (self.hidden || !name.is_hidden());
        (subscribed && !name.is_root()).then_some(name)
    }

    /// The content that comes with a delete is ignored: C servers leak that of another file.
    fn delete(&mut self, name: VirtualPath, out: &mut ClientOutputs) {
        self.abort(out);
        self.ended = None;
        if self.expected.len() >= MAX_EXPECTED {
            let is_delete = |answer: &ExpectedAnswer| matches!(answer, ExpectedAnswer::Delete(_));
            let oldest = self.expected.iter().position(is_delete).unwrap_or(0);
            self.expected.remove(oldest);
        }
        self.expected.push_back(ExpectedAnswer::Delete(name.clone()));
        out.push_back(ClientOutput::Write(Write::Delete { name }));
    }

    fn create(
        &mut self,
        name: VirtualPath,
        cheezburger: Cheezburger,
        out: &mut ClientOutputs,
    ) -> bool {
        let Cheezburger { sequence, offset, eof, headers, chunk, .. } = cheezburger;
        let last = eof || chunk.is_empty();
        if last && chunk.is_empty() && headers.get(extensions::ABORT).is_some() {
            if self.incoming.as_ref().is_some_and(|incoming| incoming.name == name) {
                self.abort(out);
            }
            return false;
        }
        let info = extensions::info(&headers);
        if self.incoming.as_ref().is_none_or(|incoming| incoming.name != name) {
            let again = self.ended.as_ref() == Some(&(name.clone(), offset));
            if chunk.is_empty() && info.is_none() && again {
                return false;
            }
            self.abort(out);
            self.begin(&name, sequence, offset, info, out);
        }
        let Some(incoming) = &mut self.incoming else { return false };
        let mut goes = false;
        let next = offset.checked_add(chunk.len() as u64);
        let next = next.filter(|next| incoming.takes(offset, *next, last));
        if let Some(next) = next {
            incoming.next = next;
            goes = !chunk.is_empty() && !incoming.dropped;
            if goes {
                out.push_back(ClientOutput::Write(Write::Data { offset, bytes: chunk }));
                let size = incoming.info.as_ref().map(|info| info.size);
                let event = ClientSessionEvent::Progress { name, received: next, size };
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

    /// Begins a file, at its start or after the part that is there.
    fn begin(
        &mut self,
        name: &VirtualPath,
        sequence: u64,
        offset: u64,
        info: Option<FileInfo>,
        out: &mut ClientOutputs,
    ) {
        self.ended = None;
        let partial = self.partial.take_if(|(partial, _)| partial == name);
        let goes_on = partial.is_some_and(|(_, resume)| {
            resume.offset == offset && info.as_ref().is_some_and(|info| info.digest == resume.whole)
        });
        let makes_sense = offset == 0 || goes_on;
        let incoming = IncomingFile {
            name: name.clone(),
            sequence,
            next: offset,
            info: info.clone(),
            dropped: !makes_sense,
        };
        self.incoming = Some(incoming);
        let output = if makes_sense {
            ClientOutput::Write(Write::Begin { name: name.clone(), offset, info })
        } else {
            ClientOutput::Event(ClientSessionEvent::Aborted { name: name.clone() })
        };
        out.push_back(output);
    }

    fn end(&mut self, out: &mut ClientOutputs) {
        let Some(incoming) = self.incoming.take() else { return };
        if !incoming.dropped {
            out.push_back(ClientOutput::Write(Write::End { size: incoming.next }));
            let IncomingFile { name, sequence, .. } = &incoming;
            self.expected
                .push_back(ExpectedAnswer::End { name: name.clone(), sequence: *sequence });
            self.ended = Some((incoming.name, incoming.next));
        }
    }

    /// Drops the file that is being received.
    fn abort(&mut self, out: &mut ClientOutputs) {
        if let Some(mut incoming) = self.incoming.take() {
            incoming.drop_it(out);
        }
    }

    /// Handles an answer of the received folder, and returns the number of the first piece of the
    /// file that it is about. Answers come in the order of the orders, so one about a file that no
    /// answer is expected for, and that does not wait, is about the file that is being received: its
    /// rest is dropped.
    pub(super) fn handle_written(&mut self, written: &Written) -> Option<u64> {
        match written {
            Written::File(FileEvent::Deleted { name, .. }) => {
                self.take_delete(name);
                None
            }
            Written::Superseded { name } => {
                self.take_waiting(name);
                None
            }
            Written::File(FileEvent::Delivered { name, .. }) => self.take_complete(name),
            Written::File(FileEvent::Refused { name, fate: Fate::Passing, .. }) => {
                if let Some(sequence) = self.take_complete(name) {
                    self.waiting.push((name.clone(), sequence));
                    return Some(sequence);
                }
                let incoming = self.incoming.as_ref().filter(|incoming| incoming.name == *name);
                incoming.map(|incoming| incoming.sequence)
            }
            Written::Mismatch { name } | Written::File(FileEvent::Refused { name, .. }) => {
                // Deletes are seldom refused for good.
                let refused = self.take_complete(name).or_else(|| self.give_up(name));
                if refused.is_none() {
                    self.take_delete(name);
                }
                refused
            }
            Written::File(FileEvent::Retried { .. })
            | Written::Stuck
            | Written::Unstuck
            | Written::Replaced => None,
        }
    }

    /// Takes out a file that waits. Returns the number of its first piece.
    fn take_waiting(&mut self, file: &VirtualPath) -> Option<u64> {
        let at = self.waiting.iter().position(|(name, _)| name == file)?;
        Some(self.waiting.remove(at).1)
    }

    /// Takes out a complete file: one that waits, or the first whose answer is expected. Returns the
    /// number of its first piece. Deletes before it are not answered any more.
    fn take_complete(&mut self, file: &VirtualPath) -> Option<u64> {
        if let Some(sequence) = self.take_waiting(file) {
            return Some(sequence);
        }
        let ends = self.expected.iter().enumerate().find_map(|(at, answer)| match answer {
            ExpectedAnswer::End { name, sequence } if name == file => Some((at, *sequence)),
            _ => None,
        });
        let (at, sequence) = ends?;
        self.expected.remove(at);
        for before in (0..at).rev() {
            if matches!(self.expected[before], ExpectedAnswer::Delete(_)) {
                self.expected.remove(before);
            }
        }
        Some(sequence)
    }

    /// Takes out a delete whose answer is expected.
    fn take_delete(&mut self, file: &VirtualPath) {
        let is_it = |answer: &ExpectedAnswer| matches!(answer, ExpectedAnswer::Delete(name) if name == file);
        if let Some(at) = self.expected.iter().position(is_it) {
            self.expected.remove(at);
        }
    }

    fn give_up(&mut self, name: &VirtualPath) -> Option<u64> {
        let incoming = self.incoming.as_mut().filter(|incoming| incoming.name == *name)?;
        incoming.dropped = true;
        Some(incoming.sequence)
    }
}

impl IncomingFile {
    /// Returns whether a piece is the next one and fits what was announced.
    fn takes(&self, offset: u64, next: u64, last: bool) -> bool {
        offset == self.next
            && self
                .info
                .as_ref()
                .is_none_or(|info| if last { next == info.size } else { next < info.size })
    }

    fn drop_it(&mut self, out: &mut ClientOutputs) {
        if !std::mem::replace(&mut self.dropped, true) {
            out.push_back(ClientOutput::Write(Write::Abort));
            let name = self.name.clone();
            out.push_back(ClientOutput::Event(ClientSessionEvent::Aborted { name }));
        }
    }
}
