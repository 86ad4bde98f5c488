//! Nodes that lie to secure nodes, and nodes that are not trusted for a while.

use zre_proto::Config;

use super::{Outside, Run};
use crate::sim::chance::{Chance, MILLION};
use crate::sim::health::{Harm, Time};
use crate::sim::identity;
use crate::sim::keys;
use crate::sim::lie::{Actors, Lie};
use crate::sim::net::FIRST_PORT;
use crate::sim::queue::Happening;
use crate::sim::segment::NodeRef;
use crate::sim::time::Micros;

impl Run<'_> {
    /// A liar begins, at a host that is free.
    pub(super) fn lie(&mut self, lie: Lie, victim: u32, insider: u32, lasts: Micros) {
        let seed = self.setup.rules.seed;
        let (me, config) = {
            let mut net = self.workers.net_mut();
            let free = |slot: &u32| !net.place(*slot).alive;
            let Some(slot) = (net.honest..net.places.len() as u32).find(free) else { return };
            let life = net.place(slot).life + 1;
            let actors = Actors {
                own: (identity::of(seed, slot, life), keys::of(seed, slot)),
                victim: (
                    identity::of(seed, victim, net.place(victim).life),
                    keys::of(seed, victim),
                ),
                insider: keys::of(seed, insider),
            };
            let claim = lie.claim(&actors);
            let place = &mut net.places[slot as usize];
            (place.life, place.alive) = (life, true);
            place.port = place.port.checked_add(1).unwrap_or(FIRST_PORT);
            (place.claim, place.key) = (Some(claim), claim.proved);
            // Those that meet by one connection each way, and those that tell nobody who they are, are
            // played as well.
            let mut chance = Chance::of(seed, 13, u64::from(slot) << 32 | u64::from(life));
            place.site.plain = chance.hit(MILLION / 2);
            place.site.mute = place.site.plain && chance.hit(MILLION / 2);
            net.announce(slot, claim.id);
            let me = NodeRef { slot, life, generation: net.place(slot).generation };
            (me, Config { key: claim.told, ..Config::new(claim.id, net.endpoint(slot)) })
        };
        if lie == Lie::Copy {
            self.checks.health.doubt(victim, self.now + lasts);
        }
        self.start_engine(me, config);
        self.plan(self.now + lasts, Outside::Silence { slot: me.slot, life: me.life });
    }

    /// A liar is no more.
    pub(super) fn silence(&self, slot: u32, life: u32) {
        if self.workers.net().place(slot).life != life {
            return;
        }
        let now = self.now;
        self.workers.at(slot, |node, world| node.crash(now, world));
        self.workers.net_mut().places[slot as usize].alive = false;
    }

    /// A node does not trust the key of another, and its application says so.
    pub(super) fn distrust(&mut self, fault: u32, way: (u32, u32), time: Time) {
        let now = self.now;
        self.checks.health.pair(way.0, way.1, time, Harm::Loss);
        self.workers.net_mut().distrusts.insert(way, fault);
        self.lasts(fault, Some(time.until));
        let key = keys::of(self.setup.rules.seed, way.1);
        self.workers.at(way.0, |node, world| node.distrust(now, key, world));
    }

    /// The pairs of which one does not trust the other because of a fault.
    pub(super) fn distrusted_by(&self, fault: u32) -> Vec<(u32, u32)> {
        let net = self.workers.net();
        let of_fault = net.distrusts.iter().filter(|(_, by)| **by == fault);
        of_fault.map(|(way, _)| *way).collect()
    }

    /// What nodes that hear no beacons were told of others whose keys they did not trust, they have
    /// forgotten.
    pub(super) fn tell_again(&mut self, trusted: &[(u32, u32)]) {
        for (slot, of) in trusted.iter().copied() {
            if self.workers.net().place(slot).site.quiet {
                self.soon(slot, Happening::Told { of });
            }
        }
    }
}
