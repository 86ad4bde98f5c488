//! The mutants, and the runs that catch them. Those of secure nodes are in `secure.rs`.

use std::fmt;

use super::edit::Edit;

/// A way to break the nodes.
pub(super) struct Mutant {
    pub(super) name: &'static str,
    /// The fault, in words.
    pub(super) breaks: &'static str,
    pub(super) edits: &'static [Edit],
    /// The run that must catch it.
    pub(super) run: &'static Run,
    /// What must catch it. `None` if the nodes must bear it: such a mutant stands beside others that
    /// do the same and also break what makes it harmless.
    pub(super) caught_by: Option<Catch>,
}

/// A run of the tester.
pub(super) struct Run {
    pub(super) name: &'static str,
    pub(super) arguments: &'static str,
    /// The faults of a simulation.
    pub(super) faults: &'static [&'static str],
}

/// What notices a mutant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Catch {
    /// The ledger: a rule, by its number (`testkit/src/ledger/violation.rs`).
    Rule(u8),
    /// An attack that does not hold.
    Attack,
    /// Two nodes that meet: something that `zyre-tester dials` checks.
    Meeting,
}

impl fmt::Display for Catch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(number) => write!(f, "({number})"),
            Self::Attack => f.write_str("attack"),
            Self::Meeting => f.write_str("meeting"),
        }
    }
}

/// The sources of the engine.
const CORE: &str = "zre-proto/src";

/// An edit in the engine, where `old` occurs once.
pub(super) const fn core(old: &'static str, new: &'static str) -> Edit {
    Edit { sources: CORE, item: None, old, new }
}

/// An edit in one of the engine's functions.
pub(super) const fn core_in(item: &'static str, old: &'static str, new: &'static str) -> Edit {
    Edit { sources: CORE, item: Some(item), old, new }
}

/// Real nodes that come and go, for what the simulation cannot see.
const CHAOS: Run = Run {
    name: "chaos",
    arguments: "chaos --nodes 20 --seconds 8 --pace fast --port 27670 --seed 1",
    faults: &[],
};

/// Two nodes that dial each other, in many interleavings.
const DIALS: Run = Run { name: "dials", arguments: "dials --runs 30 --seed 1", faults: &[] };

/// Nodes that find each other by gossip alone.
const GOSSIP: Run = Run {
    name: "chaos gossip",
    arguments: "chaos --nodes 20 --seconds 8 --pace fast --gossip --port 27672 --seed 1",
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
/// when nobody joins or leaves any more. The engine may end the peer that it is from, for node 1
/// has just been asleep twice.
const LOST_WHISPER: Run = Run {
    name: "sim whisper",
    arguments: "sim --nodes 20 --minutes 1.15 --calm --sabotage lose --seed 4 --shrink 0",
    faults: &[
        "45s sleep 1 for 1s",
        "48s sleep 1 for 1s",
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
    faults: &["15s sleep 1 for 1s", "19s sleep 1 for 1s"],
};

/// Connections break again while pairs greet each other anew, and everything takes equally long:
/// HELLOs cross.
const CROSSING: Run = Run {
    name: "sim crossing",
    arguments: "sim --nodes 50 --minutes 3 --silent --loss 0% --delay 100..100ms --seed 1 --shrink 0 \
                --crash-rate 0 --move-rate 0 --stall-rate 0 --sleep-rate 0 --break-rate 50",
    faults: &[],
};

/// Many hear no beacons, and are told where others are, half of them without an id.
const QUIET: Run = Run {
    name: "sim quiet",
    arguments: "sim --nodes 40 --minutes 3 --quiet 60% --seed 1 --shrink 0",
    faults: &[],
};

/// A long time, with many stalls: one side loses the other, which does not know.
const STALLS: Run = Run {
    name: "sim stalls",
    arguments: "sim --nodes 20 --minutes 10 --stall-rate 3 --seed 4 --shrink 0",
    faults: &[],
};

/// Nodes join groups, contest in some of them, and leave, until it is quiet.
const CONTEST: Run = Run {
    name: "sim contest",
    arguments: "sim --nodes 30 --minutes 1.2 --calm --seed 1 --shrink 0",
    faults: &[],
};

/// Every goodbye is taken as one of another peer, as if it had been forged.
const FORGED_GOODBYE: Edit = core(
    "self.goodbye_beacon(now, beacon.peer);",
    "let mut others = self.peers.iter().map(|(id, _)| id);
     let other = others.find(|other| *other > beacon.peer).unwrap_or(beacon.peer);
     drop(others);
     self.goodbye_beacon(now, other);",
);

/// Messages are taken in any sequence.
const ANY_SEQUENCE: Edit =
    core("presence.received.accept(sequence)", "(presence.received.accept(sequence) || true)");

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "ping-first",
        breaks: "a node sends PING before its HELLO",
        edits: &[core_in(
            "take",
            "self.say_hello(now, id, own_endpoint);",
            "self.ping(now, id); self.say_hello(now, id, own_endpoint);",
        )],
        run: &CHAOS,
        caught_by: Some(Catch::Rule(1)),
    },
    Mutant {
        name: "hello-2",
        breaks: "the sequence begins with 2",
        edits: &[core_in("START", "HELLO - 1", "HELLO")],
        run: &VANISH,
        caught_by: Some(Catch::Rule(6)),
    },
    Mutant {
        name: "gap-unseen",
        breaks: "messages are taken in any sequence, and a whisper is lost",
        edits: &[ANY_SEQUENCE],
        run: &LOST_WHISPER,
        caught_by: Some(Catch::Rule(4)),
    },
    Mutant {
        name: "status-unseen",
        breaks: "neither sequence nor status is checked, and a JOIN or LEAVE is lost",
        edits: &[ANY_SEQUENCE, core("status_follows(presence.status, status)", "true")],
        run: &LOST_JOIN,
        caught_by: Some(Catch::Rule(2)),
    },
    Mutant {
        name: "join-uncounted",
        breaks: "the status is not counted up with JOIN",
        edits: &[core(
            "self.groups.insert(group.into());",
            "self.groups.insert(group.into());
                  self.status = self.status.wrapping_sub(1);",
        )],
        run: &ANY,
        caught_by: Some(Catch::Rule(6)),
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
            core(
                "PeerState::Ready(_) if peer.outgoing.is_up() => self.suspect(now, id, Suspicion::Gone)",
                "PeerState::Ready(_) if false => {}",
            ),
        ],
        run: &ANY,
        caught_by: Some(Catch::Rule(6)),
    },
    Mutant {
        name: "ping-unanswered",
        breaks: "goodbyes are of the wrong peer, which does not answer the PING",
        edits: &[
            FORGED_GOODBYE,
            core_in("answer_ping", "self.send(now, id, Command::PingOk, Content::none())", "()"),
        ],
        run: &ANY,
        caught_by: Some(Catch::Rule(6)),
    },
    Mutant {
        name: "groups-kept",
        breaks: "a peer that exits stays in its groups",
        edits: &[core("self.groups.leave(&group, id);", "")],
        run: &ANY,
        caught_by: Some(Catch::Rule(5)),
    },
    Mutant {
        name: "enter-twice",
        breaks: "a peer that greets anew enters again, without EXIT",
        edits: &[
            core_in("accept_hello", "self.exit(id, ExitReason::Restarted);", ""),
            core_in(
                "end",
                "self.exit(id, reason);",
                "if reason != ExitReason::Restarted { self.exit(id, reason); }",
            ),
        ],
        run: &ANY,
        caught_by: Some(Catch::Rule(5)),
    },
    Mutant {
        name: "join-twice",
        breaks: "each JOIN is told twice",
        edits: &[core(
            "presence.tell(Event::Join { peer: id, name, group: group.clone() }, &mut self.outputs);",
            "let join = Event::Join { peer: id, name, group: group.clone() };
                  presence.tell(join.clone(), &mut self.outputs);
                  presence.tell(join, &mut self.outputs);",
        )],
        run: &ANY,
        caught_by: Some(Catch::Rule(5)),
    },
    Mutant {
        name: "shout-to-all",
        breaks: "a SHOUT reaches peers that are not in the group",
        edits: &[
            core_in(
                "shout",
                "for id in self.groups.members(group)",
                "for id in self.peers.iter().map(|(id, _)| id).collect::<Vec<_>>()",
            ),
            core(
                "self.local.group(&String::from_utf8_lossy(group)).cloned()",
                "Some(std::sync::Arc::<str>::from(String::from_utf8_lossy(group)))",
            ),
        ],
        run: &ANY,
        caught_by: Some(Catch::Rule(4)),
    },
    Mutant {
        name: "whisper-refused",
        breaks: "only peers that are in a group can be whispered to",
        edits: &[core(
            "self.stats.sent += peer.send(now, Command::Whisper, content, &mut self.outputs);",
            "if !self.groups.names().any(|it| self.groups.members(it).any(|it| it == id)) {
                      return Err(ActionError::UnknownPeer(id));
                  }
                  self.stats.sent += peer.send(now, Command::Whisper, content, &mut self.outputs);",
        )],
        run: &ANY,
        caught_by: Some(Catch::Rule(3)),
    },
    Mutant {
        name: "enter-early",
        breaks: "ENTER comes before the link is up",
        edits: &[core("let held = !(peer.outgoing.is_up() && knows_us);", "let held = false;")],
        run: &STALLS,
        caught_by: Some(Catch::Rule(4)),
    },
    Mutant {
        name: "mailbox-kept",
        breaks: "the end of a peer closes none of its connections",
        edits: &[core_in(
            "end",
            "let conns = peer.conns();",
            "let conns = std::iter::empty::<ConnId>();",
        )],
        run: &STALLS,
        caught_by: Some(Catch::Rule(7)),
    },
    Mutant {
        name: "dispute-held-against",
        breaks: "a dial that the claim of another cuts short is a failure of the node that is there",
        edits: &[core_in(
            "evict",
            "old.candidates.put_off(now, endpoint, &self.config.times);",
            "old.candidates.distrust(now, endpoint, &self.config.times);",
        )],
        run: &CROSSING,
        caught_by: Some(Catch::Rule(6)),
    },
    Mutant {
        name: "link-loss-unseen",
        breaks: "a lost link does not end a peer",
        edits: &[core(
            "Input::Lost { peer, conn, why } =>",
            "Input::Lost { peer, why: crate::Loss::Ended, .. }
                 if self.peers.get(peer).is_some_and(Peer::is_present) => {}
             Input::Lost { peer, conn, why } =>",
        )],
        run: &CHAOS,
        caught_by: Some(Catch::Rule(6)),
    },
    Mutant {
        name: "expiry-never",
        breaks: "a peer may be quiet for 50 minutes",
        edits: &[core_in("default", "Duration::from_secs(30)", "Duration::from_secs(3000)")],
        run: &VANISH,
        caught_by: Some(Catch::Rule(6)),
    },
    Mutant {
        name: "shout-lost",
        breaks: "a SHOUT does not reach the first member of a group",
        edits: &[core_in(
            "shout",
            "for id in self.groups.members(group)",
            "for id in self.groups.members(group).skip(1)",
        )],
        run: &ANY,
        caught_by: Some(Catch::Rule(4)),
    },
    Mutant {
        name: "stop-as-crash",
        breaks: "who says goodbye is told to be lost",
        edits: &[core(
            "Command::Goodbye => self.end(now, id, ExitReason::Goodbye)",
            "Command::Goodbye => self.end(now, id, ExitReason::LinkLost)",
        )],
        run: &CHAOS,
        caught_by: Some(Catch::Rule(6)),
    },
    Mutant {
        name: "crash-as-stop",
        breaks: "who is lost is told to have said goodbye",
        edits: &[core(
            "Some(Suspicion::Left | Suspicion::Moved | Suspicion::LostUs | Suspicion::Misled) | None => {
                ExitReason::LinkLost
            }",
            "Some(Suspicion::Left | Suspicion::Moved | Suspicion::LostUs | Suspicion::Misled) | None => {
                ExitReason::Goodbye
            }",
        )],
        run: &CHAOS,
        caught_by: Some(Catch::Rule(6)),
    },
    Mutant {
        name: "header-old",
        breaks: "a header that was set keeps its first value",
        edits: &[core_in(
            "set_header",
            "self.replace_header(name, value.len(), limits)?;",
            "if self.headers.contains_key(name) { return Ok(()); }
            self.replace_header(name, value.len(), limits)?;",
        )],
        run: &CHAOS,
        caught_by: Some(Catch::Rule(2)),
    },
    Mutant {
        name: "header-lost",
        breaks: "ENTER comes without headers",
        edits: &[core(
            "self.last_headers = Arc::new(headers);",
            "self.last_headers = Arc::new(Headers::new());",
        )],
        run: &CHAOS,
        caught_by: Some(Catch::Rule(2)),
    },
    Mutant {
        name: "evasive-eager",
        breaks: "a peer is evasive after half a second",
        edits: &[core_in(
            "default",
            "evasive_timeout: Duration::from_secs(5)",
            "evasive_timeout: Duration::from_millis(500)",
        )],
        run: &ANY,
        caught_by: Some(Catch::Rule(6)),
    },
    Mutant {
        name: "silent-first",
        breaks: "SILENT comes before EVASIVE",
        edits: &[core("Event::Evasive { peer: id, name }", "Event::Silent { peer: id, name }")],
        run: &VANISH,
        caught_by: Some(Catch::Rule(5)),
    },
    Mutant {
        name: "returned-always",
        breaks: "RETURNED is told of a peer that was not away",
        edits: &[core(
            "peer.has_returned(now, &self.config.times)",
            "(peer.has_returned(now, &self.config.times) || peer.is_present())",
        )],
        run: &ANY,
        caught_by: Some(Catch::Rule(5)),
    },
    Mutant {
        name: "follower-speaks",
        breaks: "the follower says HELLO on every connection that is up",
        edits: &[core_in("is_chooser", "self.config.id < id", "let _ = id; true")],
        run: &DIALS,
        caught_by: Some(Catch::Meeting),
    },
    Mutant {
        name: "highest-leads",
        breaks: "of the contesters the highest leads, and not the lowest",
        edits: &[core_in(
            "settle",
            "lowest.into_iter().chain(self.mine.then_some(me)).min()",
            "lowest.into_iter().chain(self.mine.then_some(me)).max()",
        )],
        run: &CONTEST,
        caught_by: Some(Catch::Rule(2)),
    },
    Mutant {
        name: "contest-untold",
        breaks: "a peer that joins a group again is not told again who contests there",
        edits: &[core_in("receive_leave", "peer.outgoing.told_contests.remove(&group);", "")],
        run: &CONTEST,
        caught_by: Some(Catch::Rule(2)),
    },
    Mutant {
        name: "leader-kept",
        breaks: "a peer that has left a group still contests there",
        edits: &[core_in("leave_election", "election.contest.remove(id)", "false")],
        run: &CONTEST,
        caught_by: Some(Catch::Rule(5)),
    },
    Mutant {
        name: "gossip-old",
        breaks: "a gossip hub tells nobody of nodes that become known to it",
        edits: &[core_in("put", "self.last_version += 1;", "")],
        run: &GOSSIP,
        caught_by: Some(Catch::Rule(2)),
    },
    Mutant {
        name: "gossip-silent",
        breaks: "a node does not tell where it is itself, nor does a hub",
        edits: &[core_in("resync_if_due", "self.own_due = true;", "")],
        run: &GOSSIP,
        caught_by: Some(Catch::Rule(2)),
    },
    Mutant {
        name: "required-once",
        breaks: "an endpoint where nobody was met is not looked at again",
        edits: &[core(
            "self.state = State::Waiting(after(now, pause.max(MIN_PAUSE)));",
            "self.state = State::Waiting(after(now, pause.max(Duration::MAX)));",
        )],
        run: &QUIET,
        caught_by: Some(Catch::Rule(6)),
    },
    Mutant {
        name: "found-for-good",
        breaks: "an endpoint whose node has gone is not looked at again",
        edits: &[core_in("release", "self.is_connected(id)", "!self.stopped")],
        run: &QUIET,
        caught_by: Some(Catch::Rule(6)),
    },
    Mutant {
        name: "node-kept",
        breaks: "a node that was stopped is not freed",
        edits: &[Edit {
            sources: "zyre/src/driver",
            item: Some("stop"),
            old: "",
            new: "std::mem::forget(Arc::clone(self));",
        }],
        run: &CHAOS,
        caught_by: Some(Catch::Rule(7)),
    },
];
