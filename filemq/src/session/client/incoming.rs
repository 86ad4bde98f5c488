//! Files as they come from the server.

use super::event::{ClientOutput, ClientOutputs, ClientSessionEvent};
use super::offers::Offers;
use crate::VirtualPath;
use crate::message::{Cheezburger, Operation};
use crate::session::{FileInfo, OfferedFile, ResumePoint, Write, extensions};

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
}

/// Whether a file is wanted: what the application says, and what was offered and fetched.
pub(super) struct Wanted<'a> {
    pub(super) offers: &'a mut Offers,
    pub(super) is_wanted: bool,
    /// The number by which the application was asked, if the server does not offer.
    pub(super) question: Option<u64>,
}

/// What becomes of a piece of a file.
#[must_use]
pub(super) enum Received {
    /// Its content is written.
    Goes,
    /// There is nothing of it to write.
    Dropped,
    /// It begins a file that is not the one that was agreed to.
    Differs {
        /// The name of the file.
        name: VirtualPath,
    },
}

/// How a file begins.
struct Start {
    sequence: u64,
    offer: Option<u64>,
    question: Option<u64>,
    offset: u64,
    is_wanted: bool,
}

/// A file whose end has not come.
#[derive(Debug)]
struct IncomingFile {
    name: VirtualPath,
    /// The number of its first piece.
    sequence: u64,
    /// The number of its offer, if it was offered.
    offer: Option<u64>,
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
        Self { subscriptions, hidden, partial, sequence: None, incoming: None, ended: None }
    }

    /// Handles a piece of a file. A C server that has lost the thread repeats what it sent, with the
    /// same number; a malicious one sends names that lead elsewhere.
    pub(super) fn receive(
        &mut self,
        cheezburger: Cheezburger,
        wanted: Wanted<'_>,
        out: &mut ClientOutputs,
    ) -> Received {
        if self.sequence.replace(cheezburger.sequence) == Some(cheezburger.sequence) {
            return Received::Dropped;
        }
        let Some(name) = self.subscribed(&cheezburger.filename) else { return Received::Dropped };
        match cheezburger.operation {
            Operation::Create => return self.create(name, cheezburger, wanted, out),
            Operation::Delete => self.delete(name, wanted.offers, out),
            Operation::Other(_) => {}
        }
        Received::Dropped
    }

    pub(super) fn subscribed(&self, filename: &[u8]) -> Option<VirtualPath> {
        let name = VirtualPath::new(str::from_utf8(filename).ok()?).ok()?;
        let subscribed = self.subscriptions.iter().any(|path| path.covers(&name))
            && (self.hidden || !name.is_hidden());
        (subscribed && !name.is_root()).then_some(name)
    }

    /// The content that comes with a delete is ignored: C servers leak that of another file.
    fn delete(&mut self, name: VirtualPath, offers: &mut Offers, out: &mut ClientOutputs) {
        self.abort(offers, out);
        self.ended = None;
        out.push_back(ClientOutput::Write(Write::Delete { name }));
    }

    fn create(
        &mut self,
        name: VirtualPath,
        cheezburger: Cheezburger,
        wanted: Wanted<'_>,
        out: &mut ClientOutputs,
    ) -> Received {
        let Wanted { offers, is_wanted, question } = wanted;
        let Cheezburger { sequence, offset, eof, headers, chunk, .. } = cheezburger;
        let last = eof || chunk.is_empty();
        if last && chunk.is_empty() && headers.get(extensions::ABORT).is_some() {
            if self.incoming.as_ref().is_some_and(|incoming| incoming.name == name) {
                self.abort(offers, out);
            }
            return Received::Dropped;
        }
        let info = extensions::info(&headers);
        if self.incoming.as_ref().is_none_or(|incoming| incoming.name != name) {
            let again = self.ended.as_ref() == Some(&(name.clone(), offset));
            if chunk.is_empty() && info.is_none() && again {
                return Received::Dropped;
            }
            // What was agreed to is the file that was offered, and no larger one.
            if offers.are_agreed && offers.differs(&name, info.as_ref().map(|info| info.size)) {
                return Received::Differs { name };
            }
            self.abort(offers, out);
            let offer = offers.begin(&name, extensions::fetch(&headers));
            let is_wanted = is_wanted && (offer.is_some() || !offers.are_agreed);
            self.begin(&name, Start { sequence, offer, question, offset, is_wanted }, info, out);
        }
        let Some(incoming) = &mut self.incoming else { return Received::Dropped };
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
            self.end(offers, out);
        }
        if goes { Received::Goes } else { Received::Dropped }
    }

    /// Begins a file, at its start or after the part that is there.
    fn begin(
        &mut self,
        name: &VirtualPath,
        start: Start,
        info: Option<FileInfo>,
        out: &mut ClientOutputs,
    ) {
        let Start { sequence, offer, question, offset, is_wanted } = start;
        self.ended = None;
        let partial = self.partial.take_if(|(partial, _)| partial == name && is_wanted);
        let goes_on = partial.is_some_and(|(_, resume)| {
            resume.offset == offset && info.as_ref().is_some_and(|info| info.digest == resume.whole)
        });
        let makes_sense = is_wanted && (offset == 0 || goes_on);
        let incoming = IncomingFile {
            name: name.clone(),
            sequence,
            offer,
            next: offset,
            info: info.clone(),
            dropped: !makes_sense,
        };
        self.incoming = Some(incoming);
        if makes_sense && let Some(number) = offer.or(question) {
            out.push_back(ClientOutput::Event(ClientSessionEvent::Begun { number, sequence }));
        }
        let output = if makes_sense {
            ClientOutput::Write(Write::Begin { name: name.clone(), sequence, offset, info })
        } else {
            ClientOutput::Event(ClientSessionEvent::Aborted { name: name.clone() })
        };
        out.push_back(output);
    }

    fn end(&mut self, offers: &mut Offers, out: &mut ClientOutputs) {
        let Some(incoming) = self.incoming.take() else { return };
        if !incoming.dropped {
            out.push_back(ClientOutput::Write(Write::End { size: incoming.next }));
            incoming.offer.into_iter().for_each(|offer| offers.forget(offer));
            self.ended = Some((incoming.name, incoming.next));
        } else if let Some(offer) = incoming.offer {
            offers.failed(offer, out);
        }
    }

    /// Drops the file that is being received.
    fn abort(&mut self, offers: &mut Offers, out: &mut ClientOutputs) {
        if let Some(mut incoming) = self.incoming.take() {
            incoming.drop_it(out);
            incoming.offer.into_iter().for_each(|offer| offers.broken_off(offer));
        }
    }

    /// Drops what comes of a file that was offered under this number. Returns whether something of it
    /// was to be written.
    pub(super) fn stop(&mut self, offer: u64) -> bool {
        let incoming = self.incoming.as_mut().filter(|incoming| incoming.offer == Some(offer));
        incoming.is_some_and(|incoming| !std::mem::replace(&mut incoming.dropped, true))
    }

    /// Notes what there is of a file that was broken off, and comes again.
    pub(super) fn goes_on(&mut self, name: VirtualPath, part: ResumePoint) {
        self.partial = Some((name, part));
    }

    /// Returns the file that begins with this piece, if one does.
    pub(super) fn beginning(&self, piece: &Cheezburger) -> Option<OfferedFile> {
        let name = self.subscribed(&piece.filename)?;
        let is_more = self.incoming.as_ref().is_some_and(|incoming| incoming.name == name);
        let is_end = self.ended.as_ref() == Some(&(name.clone(), piece.offset));
        if piece.operation != Operation::Create
            || self.sequence == Some(piece.sequence)
            || is_more
            || (piece.chunk.is_empty()
                && (is_end || piece.headers.get(extensions::ABORT).is_some()))
        {
            return None;
        }
        let info = extensions::info(&piece.headers);
        let (size, modified) =
            (info.as_ref().map(|info| info.size), info.map(|info| info.modified));
        Some(OfferedFile { name, size, modified })
    }

    /// Handles that the received folder does not accept a file: the rest of it is dropped.
    pub(super) fn refused(&mut self, sequence: u64, offers: &mut Offers) {
        if let Some(incoming) = &mut self.incoming
            && incoming.sequence == sequence
        {
            incoming.dropped = true;
            incoming.offer.into_iter().for_each(|offer| offers.forget(offer));
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
