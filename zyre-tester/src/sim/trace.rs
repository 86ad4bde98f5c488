//! What the engines of two nodes are told of each other and do about each other, line by line.

use zre_proto::message::Message;
use zre_proto::{ConnId, Event, Input, MessageLimits, Output, PeerId};

use super::identity;
use super::quantity::seconds;
use super::segment::NodeRef;
use super::time::Micros;

/// The pair that is traced, if one is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trace(pub(super) Option<(u32, u32)>);

impl Trace {
    /// Whether a node is one of the two.
    pub(super) fn is_on(self, me: NodeRef) -> bool {
        self.0.is_some_and(|(one, other)| me.slot == one || me.slot == other)
    }

    fn concerns(self, me: NodeRef, peer: PeerId) -> bool {
        let (slot, _) = identity::read(peer);
        let pair = (me.slot, slot);
        self.0.is_some_and(|(one, other)| pair == (one, other) || pair == (other, one))
    }

    fn line(me: NodeRef, now: Micros, peer: PeerId, what: &str) {
        let peer = identity::name(peer);
        eprintln!("{}  {}.{} of {peer}: {what}", seconds(now), me.slot, me.life);
    }

    /// What the engine of a node is told.
    pub(super) fn input(self, me: NodeRef, now: Micros, input: &Input<'_>) {
        let (peer, what) = match input {
            Input::Beacon { beacon, source, .. } => {
                (beacon.peer, format!("beacon from {source}:{}", beacon.port))
            }
            Input::Message { peer, conn, header, .. } => {
                (*peer, format!("{conn:?} brings {}", message(header)))
            }
            Input::Candidate { peer, .. }
            | Input::Connected { peer, .. }
            | Input::Proved { peer, .. }
            | Input::Progress { peer, .. }
            | Input::Broken { peer, .. }
            | Input::Stranded { peer, .. }
            | Input::Lost { peer, .. } => (*peer, format!("{input:?}")),
            _ => return,
        };
        if self.concerns(me, peer) {
            Self::line(me, now, peer, &what);
        }
    }

    /// What the engine of a node does, on a connection of this peer.
    pub(super) fn output(self, me: NodeRef, now: Micros, peer: Option<PeerId>, output: &Output) {
        let (peer, what) = match output {
            Output::Connect { peer, conn, endpoint, .. } => {
                (Some(*peer), format!("connect {conn:?} to {endpoint}"))
            }
            Output::Send { conn, header, .. } => {
                (peer, format!("send {} on {conn:?}", message(header)))
            }
            Output::Close { conn } => (peer, format!("close {conn:?}")),
            Output::Event(event) => (event.peer(), name(event)),
            Output::Identified { conn, peer } => (Some(*peer), format!("identified on {conn:?}")),
            // Nobody in particular is meant.
            Output::Scout { .. } | Output::Resolve { .. } => return,
        };
        if let Some(peer) = peer.filter(|peer| self.concerns(me, *peer)) {
            Self::line(me, now, peer, &format!("-> {what}"));
        }
    }

    /// Which connection an output is about, if it does not name the peer.
    pub(super) const fn conn(output: &Output) -> Option<ConnId> {
        match output {
            Output::Send { conn, .. } | Output::Close { conn } => Some(*conn),
            Output::Identified { conn, .. } | Output::Scout { conn, .. } => Some(*conn),
            Output::Connect { .. } | Output::Resolve { .. } | Output::Event(_) => None,
        }
    }
}

fn message(header: &[u8]) -> String {
    let message = Message::decode(header, &MessageLimits::default());
    message.map_or_else(
        |error| error.to_string(),
        |Message { sequence, command }| {
            let command = format!("{command:?}");
            let name = command.split([' ', '(', '{']).next().unwrap_or_default();
            format!("{sequence} {name}")
        },
    )
}

fn name(event: &Event) -> String {
    match event {
        Event::Exit { reason, .. } => format!("EXIT ({reason})"),
        Event::Unreachable { endpoint, why, .. } => format!("UNREACHABLE {endpoint} ({why})"),
        other => {
            let event = format!("{other:?}");
            event.split([' ', '{']).next().unwrap_or_default().to_uppercase()
        }
    }
}
