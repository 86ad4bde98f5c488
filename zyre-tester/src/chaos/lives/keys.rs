//! The keys that secure nodes have met, and those that they do not trust for a while.
//!
//! Rule 8: who enters is of the same network, and has the key that it has; and a peer goes for lack of
//! trust only if it is not trusted.

use std::time::Duration;

use zyre::{ExitReason, PeerId, PublicKey};

use super::{DISTURBED, Exit, Life, Lives, REMEMBERED, REPORTED, SKEW, violation};
use crate::chaos::circle::Circle;
use crate::chaos::protocol::How;
use crate::chaos::trust::{Met, Parting};
use testkit::ledger::{Rule, Violation};

impl Lives {
    /// The circle of a node, and the key of a secure one.
    pub(in crate::chaos) fn known(&mut self, id: PeerId, circle: Circle, key: Option<String>) {
        if let Some(life) = self.get_mut(id) {
            (life.circle, life.key) = (circle, key);
        }
    }

    /// A peer has entered.
    pub(in crate::chaos) fn met(&mut self, met: Met) {
        if self.secure {
            self.meetings.push(met);
        }
    }

    /// A node does not trust a peer, or does so again.
    pub(in crate::chaos) fn parted(&mut self, parting: Parting) {
        let same = |it: &&mut Parting| {
            (it.node, it.peer, it.from) == (parting.node, parting.peer, parting.from)
        };
        match self.partings.iter_mut().find(same) {
            Some(known) => known.until = parting.until,
            None => self.partings.push(parting),
        }
    }

    /// Whether one of two nodes does not trust the other, or has not shortly before this time.
    pub(in crate::chaos) fn are_parted(&self, node: PeerId, peer: PeerId, at: Duration) -> bool {
        self.partings.iter().any(|it| {
            let is_of_both =
                (it.node, it.peer) == (node, peer) || (it.node, it.peer) == (peer, node);
            let until = it.until.map_or(Duration::MAX, |until| until + DISTURBED);
            is_of_both && it.from <= at + SKEW && at < until
        })
    }

    /// Nodes of the first network that are up, and their keys.
    pub(in crate::chaos) fn with_keys(&self) -> Vec<(PeerId, PublicKey)> {
        let of_first = self.alive().filter(|(_, life)| life.circle == Circle::First);
        let key = |life: &Life| life.key.as_deref()?.parse().ok();
        of_first.filter_map(|(id, life)| Some((id, key(life)?))).collect()
    }

    /// Nodes that are up, each with one that is up and was met.
    pub(in crate::chaos) fn pairs(&self) -> Vec<(PeerId, PeerId)> {
        let secure = self.alive().filter(|(_, life)| life.circle == Circle::First);
        let pairs = secure.flat_map(|(id, life)| life.present.keys().map(move |peer| (id, *peer)));
        pairs.filter(|(_, peer)| self.get(*peer).is_some_and(|it| it.end.is_none())).collect()
    }

    /// Time has passed: judges ENTERs, and forgets what is long ago.
    pub(super) fn check_keys(&mut self, now: Duration) -> Vec<Violation> {
        let is_ripe = |met: &mut Met| met.at + REPORTED < now;
        let ripe: Vec<Met> = self.meetings.extract_if(.., is_ripe).collect();
        self.partings.retain(|it| it.until.is_none_or(|until| until + REMEMBERED > now));
        ripe.iter().filter_map(|met| self.judge_met(met)).collect()
    }

    fn judge_met(&self, met: &Met) -> Option<Violation> {
        let Met { node, peer, at, key } = met;
        let own = self.get(*node)?;
        if own.circle == Circle::Plain {
            // Others may use the port.
            return None;
        }
        let what = match self.get(*peer) {
            None => "ENTER of nobody of this run".to_owned(),
            Some(life) if life.circle != own.circle => {
                format!("ENTER of a stranger, {:?}", life.circle)
            }
            Some(life) if life.key != *key => {
                format!("ENTER under the key {key:?}, and the peer has {:?}", life.key)
            }
            Some(_) => return None,
        };
        Some(violation(Rule::Keys, *node, *peer, *at, what))
    }

    /// An EXIT for lack of trust.
    pub(super) fn judge_distrust(&self, exit: &Exit) -> Option<Violation> {
        let Exit { node, peer, at, .. } = *exit;
        let distrusts = |it: &Parting| {
            let lasts = it.until.is_none_or(|until| at <= until + SKEW);
            (it.node, it.peer) == (node, peer) && it.from <= at + SKEW && lasts
        };
        (!self.partings.iter().any(distrusts))
            .then(|| violation(Rule::Keys, node, peer, at, "EXIT, and it is trusted".into()))
    }

    /// Whether a goodbye that was forged is to blame: one of the two could not answer in time, or the
    /// peer has died before it was asked.
    pub(super) fn is_said_goodbye_for(&self, exit: &Exit, life: &Life, own: &Life) -> bool {
        let ended = life.had_ended(exit.at);
        let stopped = ended && life.end.is_some_and(|end| end.how == How::Stop);
        let disturbed = [life, own].iter().any(|it| it.was_disturbed(exit.at));
        let goodbye = exit.reason == ExitReason::Goodbye.as_str() && !stopped;
        // The other one has taken leave of it.
        let lost = exit.reason == ExitReason::LinkLost.as_str() && !ended;
        self.secure && ((goodbye && (ended || disturbed)) || (lost && disturbed))
    }
}
