//! The peers that collect the log.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zmtp::net::{Publisher, PublisherLimits, SendQueueLimits};
use zre_proto::Endpoint;
use zre_proto::log::Log;

use crate::mechanism;
use crate::secure::Gate;

/// Collectors at a time.
const COLLECTORS: usize = 16;

/// Lines, and bytes of them, that wait for one collector.
const QUEUE: SendQueueLimits =
    SendQueueLimits { messages: 8192, bytes: 2 << 20, mark_messages: 8192, mark_bytes: 2 << 20 };

/// A publisher for each collector.
pub(super) struct Collectors {
    gate: Option<Arc<Gate>>,
    to: BTreeMap<Endpoint, Publisher>,
    /// What those have dropped that are gone.
    dropped: u64,
}

impl Collectors {
    pub(super) const fn new(gate: Option<Arc<Gate>>) -> Self {
        Self { gate, to: BTreeMap::new(), dropped: 0 }
    }

    /// These are the collectors now.
    pub(super) fn follow(&mut self, collectors: BTreeSet<Endpoint>) {
        let dropped = &mut self.dropped;
        self.to.retain(|endpoint, publisher| {
            let stays = collectors.contains(endpoint);
            if !stays {
                *dropped += publisher.stats().dropped;
            }
            stays
        });
        for endpoint in collectors {
            let full = self.to.len() >= COLLECTORS;
            if let Entry::Vacant(place) = self.to.entry(endpoint) {
                if full {
                    tracing::debug!(%endpoint, "there are too many collectors");
                    continue;
                }
                // Of a peer it is the key that it has proved.
                let key = endpoint.key();
                let Some(mechanism) = mechanism::to(self.gate.as_ref(), key) else { continue };
                let limits = PublisherLimits { queue: QUEUE, ..PublisherLimits::default() };
                place.insert(Publisher::connect_with(endpoint.address(), mechanism, limits));
            }
        }
    }

    pub(super) fn publish(&self, line: &Log) {
        let frame = line.encode();
        for publisher in self.to.values() {
            // Not wanted there, or it has counted it.
            let _ = publisher.publish(&frame);
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.to.values().fold(self.dropped, |sum, publisher| sum + publisher.stats().dropped)
    }

    pub(super) async fn drained(&self) {
        for publisher in self.to.values() {
            publisher.drained().await;
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.to.len()
    }
}
