//! How alive each peer seems by what the application is told, and whether that comes in order.

use std::collections::BTreeMap;

use zre_proto::{Event, Liveness, PeerId, UnreachableReason};

use super::time::{Micros, SECOND};

/// Claims of a node that cannot be met are forgotten later than this: until then it is not told
/// again.
const REMEMBERED: Micros = 25 * SECOND;

/// What one application was told of how alive its peers are, and of nodes that cannot be met.
#[derive(Debug, Default)]
pub(super) struct Told {
    peers: BTreeMap<PeerId, Liveness>,
    unreachable: BTreeMap<PeerId, Vec<(UnreachableReason, Micros)>>,
}

impl Told {
    /// Takes an event. Returns what is wrong with it.
    pub(super) fn hear(&mut self, now: Micros, event: &Event) -> Option<String> {
        let peer = event.peer()?;
        let before = self.peers.get(&peer).copied();
        let present = Some(Liveness::Present);
        let (after, wanted) = match event {
            Event::Enter { .. } => {
                self.unreachable.remove(&peer);
                self.peers.insert(peer, Liveness::Present);
                return None;
            }
            Event::Exit { .. } => {
                self.peers.remove(&peer);
                return None;
            }
            Event::Evasive { .. } => (Liveness::Evasive, before == present),
            Event::Silent { .. } => (Liveness::Silent, before == Some(Liveness::Evasive)),
            Event::Returned { .. } => (Liveness::Present, before.is_some() && before != present),
            Event::Unreachable { why, .. } => return self.unreachable(now, peer, *why),
            _ => return None,
        };
        if before.is_some() {
            self.peers.insert(peer, after);
        }
        let was = before.map_or_else(|| "not present".to_owned(), |before| format!("{before:?}"));
        (!wanted).then(|| format!("{after:?} of a peer that is {was}"))
    }

    fn unreachable(&mut self, now: Micros, peer: PeerId, why: UnreachableReason) -> Option<String> {
        if self.peers.contains_key(&peer) {
            return Some(format!("UNREACHABLE ({why}) of a peer that is present"));
        }
        let told = self.unreachable.entry(peer).or_default();
        let lately = told.iter().any(|(reason, at)| *reason == why && now < at + REMEMBERED);
        told.push((why, now));
        lately.then(|| format!("UNREACHABLE ({why}) a second time"))
    }

    /// How alive a peer is, as the application was told.
    pub(super) fn liveness(&self, peer: PeerId) -> Option<Liveness> {
        self.peers.get(&peer).copied()
    }

    /// Whether the application was told that a node cannot be met.
    pub(super) fn is_unreachable(&self, peer: PeerId) -> bool {
        self.unreachable.contains_key(&peer)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use zre_proto::{Endpoint, ExitReason};

    use super::*;

    const PEER: PeerId = PeerId::new([7; 16]);

    fn enter() -> Event {
        let endpoint = Endpoint::new(SocketAddr::from(([10, 0, 0, 7], 49152)));
        Event::Enter { peer: PEER, name: "g".into(), headers: Default::default(), endpoint }
    }

    fn unreachable(why: UnreachableReason) -> Event {
        let endpoint = Endpoint::new(SocketAddr::from(([10, 0, 0, 7], 49152)));
        Event::Unreachable { peer: PEER, endpoint, why }
    }

    fn evasive() -> Event {
        Event::Evasive { peer: PEER, name: "g".into() }
    }

    fn silent() -> Event {
        Event::Silent { peer: PEER, name: "g".into() }
    }

    fn returned() -> Event {
        Event::Returned { peer: PEER, name: "g".into() }
    }

    fn wrong(events: &[Event]) -> Vec<String> {
        let mut told = Told::default();
        events.iter().filter_map(|event| told.hear(0, event)).collect()
    }

    #[test]
    fn evasive_silent_returned_and_again() {
        let again = [enter(), evasive(), silent(), returned(), evasive(), returned(), evasive()];
        assert_eq!(wrong(&again), Vec::<String>::new());
    }

    #[test]
    fn what_is_out_of_order_is_noticed() {
        assert_eq!(wrong(&[evasive()]), ["Evasive of a peer that is not present"]);
        assert_eq!(wrong(&[enter(), returned()]), ["Present of a peer that is Present"]);
        assert_eq!(wrong(&[enter(), silent()]), ["Silent of a peer that is Present"]);
        let twice = [enter(), evasive(), evasive()];
        assert_eq!(wrong(&twice), ["Evasive of a peer that is Evasive"]);
        let exit = Event::Exit { peer: PEER, name: "g".into(), reason: ExitReason::Expired };
        let late = [enter(), evasive(), exit, returned()];
        assert_eq!(wrong(&late), ["Present of a peer that is not present"]);
    }

    #[test]
    fn a_node_that_cannot_be_met_is_told_once_for_each_reason() {
        let refused = || unreachable(UnreachableReason::Refused);
        let silence = || unreachable(UnreachableReason::NoAnswer);
        assert_eq!(wrong(&[refused(), silence(), enter()]), Vec::<String>::new());
        assert_eq!(wrong(&[refused(), refused()]), ["UNREACHABLE (refused) a second time"]);
        let present = ["UNREACHABLE (refused) of a peer that is present"];
        assert_eq!(wrong(&[enter(), refused()]), present);
    }
}
