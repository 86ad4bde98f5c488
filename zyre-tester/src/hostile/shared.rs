//! What the good peers share: the node that they talk to, and what has become of their messages.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, MutexGuard};

use zmtp::sync::Mutex;
use zyre::PeerId;

use super::flow::Flow;

/// How many there are.
pub(super) const PEERS: usize = 10;

/// How many messages a second come to where they should, with a victim that sends back what it
/// gets: 60 that each peer sends, and 40 echoes of these.
const WANTED: f64 = 1000.0;

/// With one that does not: only those to the next peer can be counted.
const WANTED_WITHOUT_ECHOES: f64 = 200.0;

/// What all of them share.
pub(super) struct Shared {
    flow: Mutex<Flow>,
    victim: Mutex<Option<Friend>>,
    /// In the order of their numbers.
    pub(super) mates: Vec<PeerId>,
    /// How many messages each has sent to the victim.
    pub(super) said: Vec<Arc<AtomicU64>>,
}

/// The victim, which they talk to.
#[derive(Clone, Copy)]
pub(super) struct Friend {
    pub(super) id: PeerId,
    /// Whether it sends back what it gets.
    pub(super) echoes: bool,
}

/// How many messages a second are meant to come.
pub(super) const fn wanted(echoes: bool) -> f64 {
    if echoes { WANTED } else { WANTED_WITHOUT_ECHOES }
}

impl Shared {
    pub(super) fn new(mates: Vec<PeerId>) -> Self {
        Self {
            flow: Mutex::new(Flow::new(PEERS)),
            victim: Mutex::new(None),
            mates,
            said: std::iter::repeat_with(Arc::default).take(PEERS).collect(),
        }
    }

    pub(super) fn flow(&self) -> MutexGuard<'_, Flow> {
        self.flow.lock()
    }

    pub(super) fn victim(&self) -> MutexGuard<'_, Option<Friend>> {
        self.victim.lock()
    }
}
