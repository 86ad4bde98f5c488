//! Nodes that this one hears and does not meet, because it is a secure one and they are not, or the other
//! way round.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;
use zre_proto::PeerId;

/// How long ignored nodes are counted before their number is logged.
const COUNTED_FOR: Duration = Duration::from_secs(5);

/// The most that are told apart: anybody can make them up.
const MAX_COUNTED: usize = 64;

/// The nodes that were ignored, until it was said how many there are.
#[derive(Debug, Default)]
pub(crate) struct IgnoredNodes {
    ids: BTreeSet<PeerId>,
    first: Option<Instant>,
    is_told: bool,
}

impl IgnoredNodes {
    /// One of them was heard.
    pub(crate) fn hear(&mut self, now: Instant, id: PeerId) {
        if !self.is_told && self.ids.len() < MAX_COUNTED {
            self.ids.insert(id);
            self.first.get_or_insert(now);
        }
    }

    /// Returns how many there are, in words, when it is time to say so: once.
    pub(crate) fn news(&mut self, now: Instant, is_secure: bool) -> Option<String> {
        let first = self.first.filter(|_| !self.is_told)?;
        if now.saturating_duration_since(first) < COUNTED_FOR {
            return None;
        }
        self.is_told = true;
        let count = std::mem::take(&mut self.ids).len();
        let least = if count < MAX_COUNTED { "" } else { " or more" };
        let kind = if is_secure { "plain" } else { "secure" };
        let (nodes, are) = if count == 1 { ("node", "is") } else { ("nodes", "are") };
        Some(format!("{count}{least} {kind} {nodes} here {are} ignored"))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;
    use zre_proto::PeerId;

    use super::{COUNTED_FOR, IgnoredNodes, MAX_COUNTED};

    fn told(count: usize, is_secure: bool) -> Option<String> {
        let (mut nodes, now) = (IgnoredNodes::default(), Instant::now());
        for number in 0..count {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&(number as u64).to_be_bytes());
            nodes.hear(now, PeerId::new(id));
            nodes.hear(now, PeerId::new(id));
        }
        assert_eq!(nodes.news(now + COUNTED_FOR / 2, is_secure), None, "there may be more");
        let news = nodes.news(now + COUNTED_FOR, is_secure);
        nodes.hear(now + COUNTED_FOR, PeerId::new([7; 16]));
        assert_eq!(nodes.news(now + COUNTED_FOR * 9, is_secure), None, "once");
        news
    }

    #[test]
    fn how_many_there_are_is_said_once() {
        let mut nobody = IgnoredNodes::default();
        assert_eq!(nobody.news(Instant::now(), true), None);
        assert_eq!(told(1, true).unwrap(), "1 plain node here is ignored");
        assert_eq!(told(3, true).unwrap(), "3 plain nodes here are ignored");
        assert_eq!(told(2, false).unwrap(), "2 secure nodes here are ignored");
        let flood = told(MAX_COUNTED + 9, true).unwrap();
        assert_eq!(flood, "64 or more plain nodes here are ignored");
    }
}
