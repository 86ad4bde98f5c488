//! Files as they come from the server.

use super::event::{ClientOutput, ClientOutputs, ClientSessionEvent};
use crate::VirtualPath;
use crate::message::{Cheezburger, Operation};
use crate::session::{FileInfo, ResumePoint, Write, extensions};

/// Turns what a server sends into orders for the received folder: between the beginning of a file
/// and its end there is only its content, without a gap.
#[derive(Debug)]
pub(super) struct IncomingFiles {
    subscriptions: Vec<VirtualPath>,
    /// The beginning of a file that is there, until the server refers to it.
    partial: Option<(VirtualPath, ResumePoint)>,
    sequence: Option<u64>,
    incoming: Option<IncomingFile>,
    /// The last complete file and its size. Some servers say twice that it ends.
    ended: Option<(VirtualPath, u64)>,
}

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
    ) -> Self {
        Self { subscriptions, partial, sequence: None, incoming: None, ended: None }
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
        let subscribed = self.subscriptions.iter().any(|path| path.covers(&name));
        (subscribed && !name.is_root()).then_some(name)
    }

    /// The content that comes with a delete is ignored: C servers leak that of another file.
    fn delete(&mut self, name: VirtualPath, out: &mut ClientOutputs) {
        self.abort(out);
        self.ended = None;
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
            ClientOutput::Write(Write::Begin { name: name.clone(), sequence, offset, info })
        } else {
            ClientOutput::Event(ClientSessionEvent::Aborted { name: name.clone() })
        };
        out.push_back(output);
    }

    fn end(&mut self, out: &mut ClientOutputs) {
        let Some(incoming) = self.incoming.take() else { return };
        if !incoming.dropped {
            out.push_back(ClientOutput::Write(Write::End { size: incoming.next }));
            self.ended = Some((incoming.name, incoming.next));
        }
    }

    /// Drops the file that is being received.
    fn abort(&mut self, out: &mut ClientOutputs) {
        if let Some(mut incoming) = self.incoming.take() {
            incoming.drop_it(out);
        }
    }

    /// Handles that the received folder does not accept a file: the rest of it is dropped.
    pub(super) fn refused(&mut self, sequence: u64) {
        if let Some(incoming) = &mut self.incoming
            && incoming.sequence == sequence
        {
            incoming.dropped = true;
        }
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
