//! What is true of two nodes at a moment, and so what one may be told of the other.

use testkit::ledger::{Rule, Violation};
use zre_proto::{ExitReason, UnreachableReason};

use super::app::{News, What};
use super::health::Health;
use super::identity;
use super::net::Net;
use super::node::Node;
use super::time::{Micros, SECOND};

/// One whose HELLO was read too late exits within this time.
const LATE: Micros = SECOND;

/// What is true between the nodes of a run.
pub(super) struct Truth<'a> {
    pub(super) net: &'a Net,
    pub(super) health: &'a Health,
}

impl Truth<'_> {
    /// Looks whether what a node was told is true. Returns what is wrong with it.
    pub(super) fn check(&self, node: &Node, news: &News) -> Option<Violation> {
        let (own, slot) = self.living(node, news)?;
        let (rule, what) = match news.what {
            What::Enter => (Rule::Reachable, self.wrong_enter(own, slot, news)?),
            What::Exit(reason, after) => {
                (Rule::Life, self.wrong_exit(own, slot, news, (reason, after))?)
            }
            What::Evasive => (Rule::Life, self.wrongly_evasive(own, slot, news)?),
            What::Unreachable(endpoint, why) => {
                let there = endpoint == self.net.told(slot, own).with_key(self.net.key(slot));
                (Rule::Reachable, self.wrongly_unreachable(own, slot, news, (there, why))?)
            }
        };
        Some(node.app.violation(news.at, rule, news.peer, what))
    }

    /// The hosts of a node and of the one that it was told of, if both lived then.
    fn living(&self, node: &Node, news: &News) -> Option<(u32, u32)> {
        let (own, own_life) = identity::read(node.app.id);
        let (slot, life) = identity::read(news.peer);
        let died = |slot, life| self.health.death(slot, life).is_some_and(|(at, _)| at <= news.at);
        // What is told of liars is looked at where it is told.
        let here = !self.net.is_liar(slot) && self.net.place(slot).life == life;
        (here && !died(slot, life) && !died(own, own_life)).then_some((own, slot))
    }

    /// Nobody meets who cannot reach each other.
    fn wrong_enter(&self, own: u32, slot: u32, news: &News) -> Option<String> {
        let wrong = !self.net.can_meet(own, slot) && self.health.must_see(own, slot, news.at);
        wrong.then(|| "ENTER of a node that cannot be met".into())
    }

    /// A peer that has entered stays.
    fn wrong_exit(
        &self,
        own: u32,
        slot: u32,
        news: &News,
        (reason, after): (ExitReason, Micros),
    ) -> Option<String> {
        // One that answers late may find that the other has given up, and taken another connection.
        let late = after < LATE && !self.health.must_agree(own, slot, news.at);
        let excused = (late && reason == ExitReason::LinkLost)
            || self.is_disputed(own, slot, news.at)
            || self.is_excused(own, slot, news.at, reason);
        let wrong = self.health.must_stay(own, slot, news.at) && !excused;
        wrong.then(|| format!("EXIT ({reason}) of a node that is alive and can be reached"))
    }

    /// A node that can be reached, and has been for a while, is heard.
    fn wrongly_evasive(&self, own: u32, slot: u32, news: &News) -> Option<String> {
        let wrong = self.health.must_see(own, slot, news.at);
        wrong.then(|| "EVASIVE of a node that is alive and can be reached".into())
    }

    /// Whether two nodes are still about to meet by one connection each way, and another node says
    /// that it is where one of them is: they may begin again more than once.
    fn is_disputed(&self, own: u32, slot: u32, at: Micros) -> bool {
        !self.net.is_two_way(own, slot)
            && (self.net.is_disputed(own) || self.net.is_disputed(slot))
            && !self.health.must_see(own, slot, at)
    }

    /// The other node of an EXIT that has an excuse of its own: it will lose its connections.
    pub(super) fn excused(&self, node: &Node, news: &News) -> Option<(u32, u32)> {
        let What::Exit(reason, _) = news.what else { return None };
        let (own, slot) = self.living(node, news)?;
        self.is_excused(own, slot, news.at, reason).then_some((own, slot))
    }

    /// Whether the reason of an EXIT explains it.
    fn is_excused(&self, own: u32, slot: u32, at: Micros, reason: ExitReason) -> bool {
        match reason {
            ExitReason::Overflow => self.health.may_overflow(own, slot, at),
            // It was asked, and could not answer in time.
            ExitReason::Replaced | ExitReason::Goodbye | ExitReason::Restarted => {
                !self.health.must_agree(own, slot, at)
            }
            // So it could not, and is looked for elsewhere.
            ExitReason::LinkLost => {
                self.health.is_doubted(slot, at) && !self.health.must_agree(own, slot, at)
            }
            _ => false,
        }
    }

    /// A node that can be reached where it is said to be is not said to be out of reach.
    fn wrongly_unreachable(
        &self,
        own: u32,
        slot: u32,
        news: &News,
        (there, why): (bool, UnreachableReason),
    ) -> Option<String> {
        let reached = self.net.can_dial(own, slot);
        // With one connection each way it greets on a connection of its own.
        let greets = self.net.is_two_way(own, slot) || self.net.can_dial(slot, own);
        let greets = greets || why != UnreachableReason::NoHello;
        let wrong = there && reached && greets && self.health.must_see(own, slot, news.at);
        wrong.then(|| format!("UNREACHABLE ({why}) where it can be reached"))
    }

    /// Whether a node has to be told that it cannot meet another one that it hears of: where the
    /// other is said to be it is, and lets nobody in. Nobody else is said to be there, and dialled.
    pub(super) fn must_be_told(&self, own: u32, slot: u32, now: Micros) -> bool {
        let (here, there) = (self.net.place(own).site, self.net.place(slot).site);
        self.net.hears(slot, own)
            && !here.can_meet(&there)
            && there.wall.is_some()
            && there.nat.is_none()
            && !self.net.is_disputed(slot)
            && self.health.must_see(own, slot, now)
    }
}

/// Whether the number of connections of two nodes is right: of all, and of those that are not quite
/// new. Returns what is wrong with it.
pub(super) fn connections(two_way: bool, (all, lasting): (usize, usize)) -> Option<String> {
    let wanted = if two_way { 1 } else { 2 };
    (all < wanted || lasting > wanted).then(|| format!("{all} connections instead of {wanted}"))
}
