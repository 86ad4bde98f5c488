//! One good peer: it sends a number now and then, and hears whether all come that should.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use testkit::attacks::GROUP;
use testkit::heard;
use testkit::ledger::Presence;
use tokio::time::MissedTickBehavior;
use zyre::{ActionError, Event, Events, Node, PeerId};

use super::flow::Kind;
use super::pace::{EVERY, Pace};
use super::shared::{PEERS, Shared};

/// One good peer.
pub(super) struct Member {
    number: usize,
    node: Node,
    shared: Arc<Shared>,
    turn: u64,
    presence: Presence,
}

impl Member {
    pub(super) fn new(number: usize, node: Node, shared: Arc<Shared>) -> Self {
        Self { number, node, shared, turn: 0, presence: Presence::default() }
    }

    /// Talks and listens until the node stops.
    pub(super) async fn live(mut self, mut events: Events) {
        let mut pace = Pace::new(Instant::now());
        let mut tick = tokio::time::interval(EVERY);
        // What was missed is the pace's business.
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.hear(&event),
                    None => return,
                },
                _ = tick.tick() => {
                    for _ in 0..pace.due(Instant::now()) {
                        self.speak();
                    }
                }
            }
        }
    }

    /// Of three messages two go to the victim, which sends them back, and one to the next peer.
    fn speak(&mut self) {
        let Some(victim) = *self.shared.victim() else { return };
        self.turn += 1;
        let mut flow = self.shared.flow();
        if self.turn.is_multiple_of(3) {
            let Some(next) = self.shared.mates.get((self.number + 1) % PEERS) else { return };
            flow.send(Kind::Word, self.number, |number| {
                self.node.whisper(*next, text(self.number, number)).is_ok()
            });
            return;
        }
        let whisper = self.turn.is_multiple_of(2);
        let say = |number| {
            let content = text(self.number, number);
            if whisper { self.whisper(victim.id, content) } else { self.shout(victim.id, content) }
        };
        if victim.echoes {
            flow.send(Kind::Echo, self.number, |number| say(number).is_ok());
        } else if say(0).is_err() {
            flow.send(Kind::Echo, self.number, |_| false);
        }
    }

    fn whisper(&self, to: PeerId, content: String) -> Result<(), ActionError> {
        self.node.whisper(to, content)?;
        self.said().fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// To the group that only the victim is in: refused if it is not.
    fn shout(&self, to: PeerId, content: String) -> Result<(), ActionError> {
        if !self.node.peers_in(GROUP).contains(&to) {
            return self.whisper(to, content);
        }
        self.node.shout(GROUP, content)?;
        self.said().fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn said(&self) -> &AtomicU64 {
        &self.shared.said[self.number]
    }

    fn hear(&mut self, event: &Event) {
        // Of every peer, under any name.
        if let Err(breach) = self.presence.hear(&heard!(zyre::Event, event)) {
            let peer = event.peer();
            let what = format!("good {} heard {breach}, of {peer:?}", self.number);
            self.shared.flow().object(what);
        }
        let Some(from) = event.peer() else { return };
        let victim = *self.shared.victim();
        let is_victim = victim.is_some_and(|victim| victim.id == from);
        let mate = self.shared.mates.iter().position(|mate| *mate == from);
        if !is_victim && mate.is_none() {
            return;
        }
        match event {
            Event::Enter { .. } if is_victim => self.said().store(0, Ordering::Relaxed),
            Event::Exit { reason, .. } => {
                let whom = mate.map_or_else(|| "the victim".into(), |mate| format!("good {mate}"));
                self.shared.flow().exit(format!("good {} lost {whom}: {reason}", self.number));
            }
            // It is there, and nobody but attackers says that it is elsewhere.
            Event::Unreachable { why, .. } => {
                let whom = mate.map_or_else(|| "the victim".into(), |mate| format!("good {mate}"));
                let what = format!("good {} cannot meet {whom}: {why}", self.number);
                self.shared.flow().object(what);
            }
            Event::Whisper { content, .. } | Event::Shout { content, .. } => {
                let (kind, sender) = match mate {
                    None => (Kind::Echo, self.number),
                    Some(mate) => (Kind::Word, mate),
                };
                let mut flow = self.shared.flow();
                match read(&content.to_text()) {
                    Some((number, _)) if number != sender => flow.forged(),
                    Some((_, number)) => flow.arrived(kind, sender, number),
                    None => flow.forged(),
                }
            }
            _ => {}
        }
    }
}

/// What every good message begins with: the victim knows its friends by it.
pub(super) const WORD: &str = "good";

fn text(peer: usize, number: u64) -> String {
    format!("{WORD} {peer} {number}")
}

fn read(text: &str) -> Option<(usize, u64)> {
    let (peer, number) = text.strip_prefix(WORD)?.trim_start().split_once(' ')?;
    Some((peer.parse().ok()?, number.parse().ok()?))
}
