//! What holds for a whole run.

use zre_proto::Event;
use zre_proto::Header;

use super::segment::is_hello;
use super::time::{Micros, SECOND};
use super::trace::Trace;

/// How long the application is quiet in every minute: then all must agree.
pub(super) const HUSH: Micros = 10 * SECOND;
/// How often it is.
pub(super) const MINUTE: Micros = 60 * SECOND;

/// What holds for a whole run.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) seed: u64,
    /// Nodes chat.
    pub(super) chat: bool,
    /// Nodes keep books.
    pub(super) ledger: bool,
    /// How much of each pair's history is kept.
    pub(super) history: usize,
    /// How often a JOIN is followed by a SHOUT, in parts of a million.
    pub(super) shouts: u32,
    /// When the run is over.
    pub(super) end: Micros,
    /// How long everything is quiet before that.
    pub(super) rest: Micros,
    pub(super) sabotage: Option<Sabotage>,
    pub(super) trace: Trace,
}

/// Something that is broken on purpose, to see that it is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Sabotage {
    /// One message is lost between a mailbox and its engine.
    Lose,
    /// One message reaches an application twice.
    Double,
}

/// Where and when: all nodes are long there.
const SABOTAGED: u32 = 1;
const SABOTAGE: Micros = 60 * SECOND;

impl Rules {
    /// Whether nodes join and leave groups now.
    pub(super) const fn chats(&self, now: Micros) -> bool {
        self.chat && now % MINUTE < MINUTE - HUSH && now + self.rest < self.end
    }

    fn sabotages(&self, sabotage: Sabotage, now: Micros, slot: u32, done: bool) -> bool {
        self.sabotage == Some(sabotage) && slot == SABOTAGED && now >= SABOTAGE && !done
    }

    /// Returns whether this message is lost on purpose, and notes it in `done`.
    pub(super) fn loses(&self, now: Micros, slot: u32, header: &Header, done: &mut bool) -> bool {
        let loses = self.sabotages(Sabotage::Lose, now, slot, *done) && !is_hello(header);
        *done |= loses;
        loses
    }

    /// Returns whether this event is told twice on purpose, and notes it in `done`.
    pub(super) fn doubles(&self, now: Micros, slot: u32, event: &Event, done: &mut bool) -> bool {
        let doubles =
            self.sabotages(Sabotage::Double, now, slot, *done) && event.content().is_some();
        *done |= doubles;
        doubles
    }
}
