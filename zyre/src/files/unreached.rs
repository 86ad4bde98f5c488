//! The file servers that cannot be reached, as far as the application knows of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use filemq::ClientEvent;
use zre_proto::{Endpoint, PeerId};

use crate::event::Event;

/// Shorter than this nobody is told of it: a peer that ends stops answering before it is gone.
const TOLD_AFTER: Duration = Duration::from_secs(2);

/// The most reasons that are told of one server.
const MAX_REASONS: usize = 8;

/// The file servers that cannot be reached, and the reasons that the application was told.
#[derive(Debug, Default)]
pub(super) struct UnreachedServers(BTreeMap<PeerId, BTreeSet<Arc<str>>>);

impl UnreachedServers {
    /// Handles an event of the client; `servers` says where a peer's server is looked for. Returns what
    /// the application is to hear: once for each peer and reason, until its server is reached.
    pub(super) fn hear(
        &mut self,
        event: &ClientEvent,
        server_of: impl FnOnce(PeerId) -> Option<SocketAddr>,
    ) -> Option<Event> {
        match event {
            ClientEvent::Connected { origin } => {
                let peer = origin.parse().ok()?;
                self.0.remove(&peer).map(|_| Event::FileServerReached { peer })
            }
            ClientEvent::Disconnected { origin, reason, unreached_for }
                if *unreached_for >= TOLD_AFTER =>
            {
                let peer = origin.parse().ok()?;
                let endpoint = Endpoint::new(server_of(peer)?);
                let told = self.0.entry(peer).or_default();
                let why: Arc<str> = reason.as_str().into();
                let is_news = told.len() < MAX_REASONS && told.insert(Arc::clone(&why));
                is_news.then_some(Event::FileServerUnreachable { peer, endpoint, why })
            }
            _ => None,
        }
    }

    /// Forgets all but these peers.
    pub(super) fn retain(&mut self, is_there: impl Fn(&PeerId) -> bool) {
        self.0.retain(|peer, _| is_there(peer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: PeerId = PeerId::new([7; 16]);

    fn disconnected(reason: &str, millis: u64) -> ClientEvent {
        ClientEvent::Disconnected {
            origin: PEER.to_string().into(),
            reason: reason.into(),
            unreached_for: Duration::from_millis(millis),
        }
    }

    fn at() -> SocketAddr {
        ([10, 0, 0, 7], 49153).into()
    }

    #[test]
    fn a_server_is_told_of_once_for_each_reason_until_it_is_reached() {
        let mut servers = UnreachedServers::default();
        let connected = ClientEvent::Connected { origin: PEER.to_string().into() };
        let told = |why: &str| {
            let endpoint = Endpoint::new(at());
            Some(Event::FileServerUnreachable { peer: PEER, endpoint, why: why.into() })
        };
        let there = |_| Some(at());
        assert_eq!(servers.hear(&connected, there), None, "it always was");
        assert_eq!(servers.hear(&disconnected("refused", 1999), there), None, "not yet");
        assert_eq!(servers.hear(&disconnected("refused", 2000), there), told("refused"));
        assert_eq!(servers.hear(&disconnected("refused", 9000), there), None, "once");
        assert_eq!(servers.hear(&disconnected("no answer", 9000), there), told("no answer"));
        let reached = Some(Event::FileServerReached { peer: PEER });
        assert_eq!(servers.hear(&connected, there), reached);
        assert_eq!(servers.hear(&connected, there), None);
        assert_eq!(servers.hear(&disconnected("refused", 2000), there), told("refused"));
        servers.retain(|_| false);
        assert_eq!(servers.hear(&connected, there), None, "it was gone");
        assert_eq!(servers.hear(&disconnected("refused", 2000), |_| None), None, "nobody's");
    }

    #[test]
    fn no_server_has_more_reasons_than_are_told() {
        let mut servers = UnreachedServers::default();
        let told = (0..20).filter(|n| {
            servers.hear(&disconnected(&n.to_string(), 2000), |_| Some(at())).is_some()
        });
        assert_eq!(told.count(), MAX_REASONS);
    }
}
