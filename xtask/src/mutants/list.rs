//! The mutants, and the runs that catch them.

use super::tree::Edit;

/// A way to break the nodes.
pub(super) struct Mutant {
    pub(super) name: &'static str,
    /// What it does that it must not.
    pub(super) breaks: &'static str,
    pub(super) edits: &'static [Edit],
    /// The run that is to catch it,
    pub(super) run: &'static Run,
    /// and the number of the rule (`zyre-tester/src/ledger/violation.rs`) that is violated. With
    /// none, the nodes have to bear it: the mutant stands beside others that do the same and break
    /// what makes it harmless.
    pub(super) caught_by: Option<u8>,
}

/// A run of the tester.
pub(super) struct Run {
    pub(super) name: &'static str,
    pub(super) arguments: &'static str,
    /// Faults of a simulation.
    pub(super) faults: &'static [&'static str],
}

const ACTIONS: &str = "zre-proto/src/engine/actions.rs";
const ENGINE: &str = "zre-proto/src/engine/mod.rs";
const LIFE: &str = "zre-proto/src/engine/life.rs";
const MESSAGES: &str = "zre-proto/src/engine/messages.rs";

/// Real nodes that come and go, for what the simulation cannot see.
const CHAOS: Run = Run {
    name: "chaos",
    arguments: "chaos --nodes 20 --seconds 8 --pace fast --port 27670 --seed 1",
    faults: &[],
};

/// A bit of everything.
const ANY: Run = Run {
    name: "sim any",
    arguments: "sim --nodes 100 --minutes 1 --seed 1 --shrink 0",
    faults: &[],
};

/// A host vanishes, and its connections are not given up by the kernel in time.
const VANISH: Run = Run {
    name: "sim vanish",
    arguments: "sim --nodes 20 --minutes 1 --calm --tcp-timeout 300..600s --shrink 0",
    faults: &["5s vanish 3 for 90s same"],
};

/// A whisper is lost on its way to node 1, once in each of its lives: the first message after 60 s,
/// when nobody joins or leaves any more. The engine may end the peer that it is from, for node 1 has
/// just been asleep.
const LOST_WHISPER: Run = Run {
    name: "sim whisper",
    arguments: "sim --nodes 20 --minutes 1.15 --calm --sabotage lose --seed 4 --shrink 0",
    faults: &[
        "50s sleep 1 for 1s",
        "58s crash 1 for 2s same",
        "61s crash 1 for 2s same",
        "64s crash 1 for 2s same",
    ],
};

/// A JOIN or LEAVE is lost on its way to node 1: after 60 s there are again some. All must agree
/// at the end, which is longer after the sleep than it excuses.
const LOST_JOIN: Run = Run {
    name: "sim join",
    arguments: "sim --nodes 20 --minutes 1.2 --calm --sabotage lose --seed 1 --shrink 0",
    faults: &["19s sleep 1 for 1s"],
};

/// Connections break again while pairs greet each other anew, and everything takes equally long:
/// HELLOs cross.
const CROSSING: Run = Run {
    name: "sim crossing",
    arguments: "sim --nodes 50 --minutes 3 --silent --loss 0% --delay 100..100ms --seed 1 --shrink 0 \
                --crash-rate 0 --move-rate 0 --stall-rate 0 --sleep-rate 0 --break-rate 50",
    faults: &[],
};

/// A long time, with many stalls: one side loses the other, which does not know.
const STALLS: Run = Run {
    name: "sim stalls",
    arguments: "sim --nodes 20 --minutes 10 --stall-rate 3 --seed 2 --shrink 0",
    faults: &[],
};

/// HELLO is said when the link is up, and not before anything else.
const LATE_HELLO: [Edit; 2] = [
    Edit { file: LIFE, old: "self.say_hello(id);", new: "" },
    Edit {
        file: LIFE,
        old: "peer.up = true;",
        new: "peer.up = true;
              self.say_hello(id);
              let Some(peer) = self.peers.get_mut(id) else { return };",
    },
];

/// Every goodbye is heard as one of somebody else: as if it had been forged.
const FORGED_GOODBYE: Edit = Edit {
    file: ENGINE,
    old: "Input::Goodbye { peer } => self.goodbye_beacon(now, peer),",
    new: "Input::Goodbye { peer } => {
              let other = self.peers.ids().find(|other| *other > peer).unwrap_or(peer);
              self.goodbye_beacon(now, other);
          }",
};

/// Messages are taken in any sequence.
const ANY_SEQUENCE: Edit = Edit {
    file: MESSAGES,
    old: "if !presence.received.accept(sequence) {",
    new: "if !presence.received.accept(sequence) && false {",
};

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "ping-first",
        breaks: "a node sends PING before its HELLO",
        edits: &[Edit {
            file: LIFE,
            old: "self.say_hello(id);",
            new: "self.ping(id); self.say_hello(id);",
        }],
        run: &CHAOS,
        caught_by: Some(1),
    },
    Mutant {
        name: "join-before-hello",
        breaks: "HELLO comes late, and the application is told of a JOIN before it",
        edits: &[
            LATE_HELLO[0],
            LATE_HELLO[1],
            Edit {
                file: MESSAGES,
                old: "self.stats.before_hello += 1;",
                new: "self.stats.before_hello += 1;
                      if let Some(Command::Join { group, .. }) = command {
                          let group = String::from_utf8_lossy(group).into();
                          self.event(Event::Join { peer: id, name: \"?\".into(), group });
                      }",
            },
        ],
        run: &ANY,
        caught_by: Some(5),
    },
    Mutant {
        name: "hello-2",
        breaks: "the sequence begins with 2",
        edits: &[Edit {
            file: "zre-proto/src/sequence.rs",
            old: "Self { last: HELLO - 1, skips: false }",
            new: "Self { last: HELLO, skips: false }",
        }],
        run: &VANISH,
        caught_by: Some(6),
    },
    Mutant {
        name: "gap-unseen",
        breaks: "messages are taken in any sequence, and a whisper is lost",
        edits: &[ANY_SEQUENCE],
        run: &LOST_WHISPER,
        caught_by: Some(4),
    },
    Mutant {
        name: "status-unseen",
        breaks: "neither sequence nor status is checked, and a JOIN or LEAVE is lost",
        edits: &[
            ANY_SEQUENCE,
            Edit {
                file: MESSAGES,
                old: "if !status_follows(presence.status, status) {",
                new: "if false {",
            },
        ],
        run: &LOST_JOIN,
        caught_by: Some(2),
    },
    Mutant {
        name: "join-uncounted",
        breaks: "the status is not counted up with JOIN",
        edits: &[Edit {
            file: ACTIONS,
            old: "self.own.groups.insert(group.into());",
            new: "self.own.groups.insert(group.into());
                  self.own.status = self.own.status.wrapping_sub(1);",
        }],
        run: &ANY,
        caught_by: Some(6),
    },
    Mutant {
        name: "goodbye-forged",
        breaks: "nothing yet: goodbyes are of the wrong peer, but are put to the test",
        edits: &[FORGED_GOODBYE],
        run: &ANY,
        caught_by: None,
    },
    Mutant {
        name: "goodbye-believed",
        breaks: "goodbyes are of the wrong peer, and are believed",
        edits: &[
            FORGED_GOODBYE,
            Edit {
                file: LIFE,
                old: "Life::Ready(_) if peer.up => self.doubt(now, id, Claim::Gone),",
                new: "",
            },
        ],
        run: &ANY,
        caught_by: Some(6),
    },
    Mutant {
        name: "ping-unanswered",
        breaks: "goodbyes are of the wrong peer, which does not answer the PING",
        edits: &[
            FORGED_GOODBYE,
            Edit {
                file: MESSAGES,
                old: "Some(Command::Ping) => self.send(id, Command::PingOk),",
                new: "Some(Command::Ping) => {}",
            },
        ],
        run: &ANY,
        caught_by: Some(6),
    },
    Mutant {
        name: "groups-kept",
        breaks: "a peer that exits stays in its groups",
        edits: &[Edit { file: LIFE, old: "self.groups.leave(group, id);", new: "let _ = group;" }],
        run: &ANY,
        caught_by: Some(5),
    },
    Mutant {
        name: "enter-twice",
        breaks: "a peer that greets anew enters again, without EXIT",
        edits: &[Edit {
            file: MESSAGES,
            old: "self.leave_all(id, ExitReason::Restarted);",
            new: "",
        }],
        run: &ANY,
        caught_by: Some(5),
    },
    Mutant {
        name: "join-twice",
        breaks: "each JOIN is told twice",
        edits: &[Edit {
            file: MESSAGES,
            old: "self.peer_event(id, Event::Join { peer: id, name, group });",
            new: "let join = Event::Join { peer: id, name, group };
                  self.peer_event(id, join.clone());
                  self.peer_event(id, join);",
        }],
        run: &ANY,
        caught_by: Some(5),
    },
    Mutant {
        name: "shout-to-all",
        breaks: "a SHOUT reaches those who are not in the group",
        edits: &[
            Edit {
                file: ACTIONS,
                old: "self.groups.members(group).collect();",
                new: "self.peers.ids().collect();",
            },
            Edit {
                file: MESSAGES,
                old: "self.own.groups.get(&*String::from_utf8_lossy(group)).cloned()",
                new: "Some(Arc::<str>::from(String::from_utf8_lossy(group)))",
            },
        ],
        run: &ANY,
        caught_by: Some(4),
    },
    Mutant {
        name: "whisper-refused",
        breaks: "only peers that are in a group can be whispered to",
        edits: &[Edit {
            file: ACTIONS,
            old: "self.send_content(id, Command::Whisper, content);",
            new: "if !self.groups.names().any(|it| self.groups.members(it).any(|it| it == id)) {
                      return Err(Refused::UnknownPeer(id));
                  }
                  self.send_content(id, Command::Whisper, content);",
        }],
        run: &ANY,
        caught_by: Some(3),
    },
    Mutant {
        name: "enter-early",
        breaks: "ENTER comes before the link is up",
        edits: &[Edit {
            file: MESSAGES,
            old: "held: (!(peer.up && knows_us)).then(Held::default),",
            new: "held: None,",
        }],
        run: &STALLS,
        caught_by: Some(4),
    },
    Mutant {
        name: "mailbox-kept",
        breaks: "the end of a peer closes our link to it, and not its connection to us",
        edits: &[Edit { file: LIFE, old: "self.close_mailbox(conn);", new: "let _ = conn;" }],
        run: &STALLS,
        caught_by: Some(6),
    },
    Mutant {
        name: "storm",
        breaks: "HELLO is always answered with HELLO",
        edits: &[Edit {
            file: MESSAGES,
            old: "let doubtful = answer || peer.regreeted > 0;",
            new: "let doubtful = false;",
        }],
        run: &CROSSING,
        caught_by: Some(6),
    },
    Mutant {
        name: "link-loss-unseen",
        breaks: "a lost link does not end a peer",
        edits: &[Edit {
            file: ENGINE,
            old: "Input::LinkLost { peer, link, overflow } => self",
            new: "Input::LinkLost { peer, overflow: false, .. }
                      if self.peers.get(peer).is_some_and(Peer::is_present) => {}
                  Input::LinkLost { peer, link, overflow } => self",
        }],
        run: &CHAOS,
        caught_by: Some(6),
    },
    Mutant {
        name: "expiry-never",
        breaks: "a peer may be quiet for 50 minutes",
        edits: &[Edit {
            file: "zre-proto/src/config.rs",
            old: "expired: Duration::from_secs(30)",
            new: "expired: Duration::from_secs(3000)",
        }],
        run: &VANISH,
        caught_by: Some(6),
    },
    Mutant {
        name: "node-kept",
        breaks: "a node that was stopped is not freed",
        edits: &[Edit {
            file: "zyre/src/driver/stop.rs",
            old: "pub(crate) async fn stop(self: &Arc<Self>) {",
            new: "pub(crate) async fn stop(self: &Arc<Self>) {
                      std::mem::forget(Arc::clone(self));",
        }],
        run: &CHAOS,
        caught_by: Some(7),
    },
];

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::*;

    #[test]
    fn every_mutant_has_its_place() {
        let tree = Tree::of_workspace();
        for mutant in MUTANTS {
            tree.changes(mutant.edits).unwrap_or_else(|error| panic!("{}: {error}", mutant.name));
        }
    }
}
