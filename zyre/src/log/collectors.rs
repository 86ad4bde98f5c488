//! Those who collect the log.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use zmtp::net::{Publisher, PublisherLimits, SendQueueLimits};
use zre_proto::log::Log;

/// Collectors at a time.
const COLLECTORS: usize = 16;

/// Lines, and bytes of them, that wait for one collector.
const QUEUE: SendQueueLimits =
    SendQueueLimits { messages: 8192, bytes: 2 << 20, mark_messages: 8192, mark_bytes: 2 << 20 };

/// A publisher for each collector.
#[derive(Default)]
pub(super) struct Collectors {
    to: BTreeMap<SocketAddr, Publisher>,
    /// What those have dropped that are gone.
    dropped: u64,
}

impl Collectors {
    /// These are the collectors now.
    pub(super) fn follow(&mut self, collectors: BTreeSet<SocketAddr>) {
        let dropped = &mut self.dropped;
        self.to.retain(|address, publisher| {
            let stays = collectors.contains(address);
            if !stays {
                *dropped += publisher.stats().dropped;
            }
            stays
        });
        for address in collectors {
            let full = self.to.len() >= COLLECTORS;
            if let Entry::Vacant(place) = self.to.entry(address) {
                if full {
                    tracing::debug!(%address, "there are too many collectors");
                    continue;
                }
                let limits = PublisherLimits { queue: QUEUE, ..PublisherLimits::default() };
                place.insert(Publisher::connect(address, limits));
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
