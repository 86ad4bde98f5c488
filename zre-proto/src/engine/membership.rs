//! How peers join and leave groups.

use std::time::Instant;

use super::Engine;
use crate::peer::Peer;
use crate::sequence::status_follows;
use crate::{Event, ExitReason, PeerId};

impl Engine {
    pub(super) fn receive_join(&mut self, now: Instant, id: PeerId, group: &[u8], status: u8) {
        if self.count_status(now, id, status) {
            self.add_to_group(now, id, &String::from_utf8_lossy(group));
        }
    }

    pub(super) fn receive_leave(&mut self, now: Instant, id: PeerId, group: &[u8], status: u8) {
        if !self.count_status(now, id, status) {
            return;
        }
        let Some(presence) = self.peers.get_mut(id).and_then(Peer::presence_mut) else { return };
        let Some(group) = self.groups.leave(&String::from_utf8_lossy(group), id) else { return };
        presence.groups.remove(&group);
        let name = presence.name.clone();
        presence.tell(Event::Leave { peer: id, name, group: group.clone() }, &mut self.outputs);
        self.peers.get_mut(id).into_iter().for_each(|peer| {
            peer.outgoing.told_contests.remove(&group);
        });
        self.leave_election(id, &group);
    }

    /// Counts a join or leave. Returns `false` if the counts differ, and the peer was ended.
    fn count_status(&mut self, now: Instant, id: PeerId, status: u8) -> bool {
        let Some(presence) = self.peers.get_mut(id).and_then(Peer::presence_mut) else {
            return false;
        };
        if !status_follows(presence.status, status) {
            self.end(now, id, ExitReason::StatusMismatch);
            return false;
        }
        presence.status = status;
        true
    }

    pub(super) fn add_to_group(&mut self, now: Instant, id: PeerId, group: &str) {
        let Some(presence) = self.peers.get_mut(id).and_then(Peer::presence_mut) else { return };
        // A second JOIN changes nothing but the count.
        if presence.groups.contains(group) {
            return;
        }
        // Nobody may be in more groups than a HELLO can list, or JOINs would fill our memory.
        if presence.groups.len() >= self.config.message_limits.entries {
            self.stats.malformed += 1;
            return self.end(now, id, ExitReason::Rejected);
        }
        let Some(group) = self.groups.join(group, id) else { return };
        presence.groups.insert(group.clone());
        let name = presence.name.clone();
        presence.tell(Event::Join { peer: id, name, group: group.clone() }, &mut self.outputs);
        self.enrol(now, id, &group);
    }
}
