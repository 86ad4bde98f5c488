//! What is offered, and what the application wants of it.

use std::time::Instant;

use super::ClientSession;
use super::config::Accept;
use super::event::{ClientClose, ClientOutput, ClientSessionEvent};
use super::incoming::{Received, Wanted};
use super::undecided::UndecidedFile;
use crate::message::{Cheezburger, Offer, Verdict};
use crate::session::{OfferedFile, Write};
use crate::unix_time::from_unix;

impl ClientSession {
    /// Returns whether the application has to decide on a file before anything else is heard: the
    /// server has sent it unasked. Hand over no more messages until it has decided.
    #[must_use]
    pub const fn is_undecided(&self) -> bool {
        self.undecided.is_some()
    }

    /// Fetches a file that was offered, as soon as there is room for it. Returns `false` if the offer
    /// holds no more.
    pub fn accept(&mut self, now: Instant, number: u64) -> bool {
        self.decide(now, number, true) || self.offers.reserve(number, &mut self.outputs)
    }

    /// Declines a file that was offered, and breaks it off if it is on its way. Returns `false` if the
    /// offer holds no more.
    pub fn decline(&mut self, now: Instant, number: u64, reason: &str) -> bool {
        if self.decide(now, number, false) {
            return true;
        }
        self.stop_file(number, Write::Abort);
        self.offers.decline(number, reason, &mut self.outputs)
    }

    /// Takes back that a file is wanted, and keeps what there is of it: the offer holds. Returns `false`
    /// if it holds no more.
    pub fn pause(&mut self, now: Instant, number: u64) -> bool {
        if self.decide(now, number, false) {
            return true;
        }
        self.stop_file(number, Write::Interrupt);
        self.offers.put_off(number, &mut self.outputs)
    }

    /// Takes back that a file is wanted, and drops what there is of it: the offer holds. Returns `false`
    /// if it holds no more.
    pub fn cancel(&mut self, now: Instant, number: u64) -> bool {
        if self.decide(now, number, false) {
            return true;
        }
        self.stop_file(number, Write::Abort);
        self.offers.put_off(number, &mut self.outputs)
    }

    /// Stops writing a file that is on its way.
    fn stop_file(&mut self, number: u64, how: Write) {
        if self.incoming.stop(number) {
            self.outputs.push_back(ClientOutput::Write(how));
        }
    }

    /// Handles what the server has, or has no longer.
    pub(super) fn handle_offers(&mut self, offers: Vec<Offer>) {
        for offer in offers {
            match offer {
                Offer::Withdrawn { number } => {
                    self.offers.withdraw(number, &mut self.outputs);
                }
                Offer::File { number, filename, size, seconds, nanoseconds, .. } => {
                    let Some(name) = self.incoming.subscribed(&filename) else {
                        let reason = "it was not asked for".to_owned();
                        self.offers.answer(number, Verdict::Decline, reason);
                        continue;
                    };
                    let modified = from_unix(seconds, nanoseconds);
                    let file = OfferedFile { name, size: Some(size), modified };
                    self.offered(number, file);
                }
            }
        }
    }

    pub(super) fn offered(&mut self, number: u64, file: OfferedFile) {
        if !self.offers.add(number, file.clone(), &mut self.outputs) {
            return;
        }
        match self.config.accept {
            Accept::All => {
                self.offers.reserve(number, &mut self.outputs);
            }
            Accept::Ask => self.offers.answer(number, Verdict::Later, String::new()),
        }
        let event = ClientSessionEvent::Offered { number, file };
        self.outputs.push_back(ClientOutput::Event(event));
    }

    /// Handles a piece of a file. If the server sends files unasked, and the application wants to be
    /// asked, it is asked first.
    pub(super) fn handle_piece(&mut self, now: Instant, piece: Cheezburger) {
        if let Some(undecided) = &mut self.undecided {
            return undecided.pieces.push(piece);
        }
        let asks = self.config.accept == Accept::Ask && !self.offers.are_agreed;
        if asks && let Some(file) = self.incoming.beginning(&piece) {
            let number = self.next_question;
            self.next_question += 1;
            self.undecided = Some(UndecidedFile { number, pieces: vec![piece] });
            let event = ClientSessionEvent::Offered { number, file };
            return self.outputs.push_back(ClientOutput::Event(event));
        }
        self.take_piece(now, piece, true, None);
    }

    fn take_piece(
        &mut self,
        now: Instant,
        piece: Cheezburger,
        is_wanted: bool,
        question: Option<u64>,
    ) {
        let bytes = piece.chunk.len() as u64;
        let wanted = Wanted { offers: &mut self.offers, is_wanted, question };
        match self.incoming.receive(piece, wanted, &mut self.outputs) {
            Received::Goes => {}
            // It is not written, so it is dealt with.
            Received::Dropped => self.handle_taken(now, bytes),
            Received::Differs { name } => self.close(ClientClose::Mismatch { name }),
        }
    }

    /// Decides on the file that the server has begun to send, if that is meant.
    fn decide(&mut self, now: Instant, number: u64, is_wanted: bool) -> bool {
        let Some(undecided) = self.undecided.take_if(|undecided| undecided.number == number) else {
            return false;
        };
        let mut pieces = undecided.pieces.into_iter();
        if let Some(first) = pieces.next() {
            self.take_piece(now, first, is_wanted, Some(number));
        }
        pieces.for_each(|piece| self.handle_piece(now, piece));
        true
    }
}
