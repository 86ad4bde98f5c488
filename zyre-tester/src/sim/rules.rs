//! What holds for a whole run.

use zre_proto::{Event, Header};

use super::app::App;
use super::queue::{Micros, SECOND};

/// The application is quiet for so long in every minute: then all must agree.
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

    fn sabotages(&self, sabotage: Sabotage, now: Micros, slot: u32, app: &App) -> bool {
        self.sabotage == Some(sabotage) && slot == SABOTAGED && now >= SABOTAGE && !app.sabotaged
    }

    /// Whether this message is lost on purpose.
    pub(super) fn loses(&self, now: Micros, slot: u32, header: &Header, app: &mut App) -> bool {
        const HELLO: u8 = 1;
        let loses = self.sabotages(Sabotage::Lose, now, slot, app) && header.get(2) != Some(&HELLO);
        app.sabotaged |= loses;
        loses
    }

    /// Whether this event is told twice on purpose.
    pub(super) fn doubles(&self, now: Micros, slot: u32, event: &Event, app: &mut App) -> bool {
        let doubles = self.sabotages(Sabotage::Double, now, slot, app) && event.content().is_some();
        app.sabotaged |= doubles;
        doubles
    }
}
