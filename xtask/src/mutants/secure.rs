//! The mutants of secure nodes: each rule of theirs is switched off, and that is noticed.

use super::edit::Edit;
use super::list::{Catch, Mutant, Run, core, core_in};

/// Secure nodes, and many that lie about who they are.
const SECURE: Run = Run {
    name: "sim secure",
    arguments: "sim --nodes 40 --minutes 2 --secure --lie-rate 2 --seed 2 --shrink 0",
    faults: &[],
};

/// Nodes that start where another node is claimed to be their peer, and sends nothing.
const TRAPS: Run = Run {
    name: "sim traps",
    arguments: "sim --nodes 12 --minutes 1 --secure --calm --plain 100% --seed 1 --shrink 0",
    faults: &[
        "5s trap 1 2 for 50s",
        "5s trap 3 2 for 50s",
        "5s trap 5 4 for 50s",
        "5s trap 7 4 for 50s",
        "8s crash 0 for 2s port",
        "9s crash 2 for 2s port",
        "10s crash 4 for 2s port",
        "11s crash 6 for 2s port",
        "12s crash 8 for 2s port",
        "13s crash 10 for 2s port",
    ],
};

/// Real secure nodes, with strangers among them, and forged beacons.
const SECURE_CHAOS: Run = Run {
    name: "chaos secure",
    arguments: "chaos --nodes 20 --seconds 10 --pace fast --secure --port 27673 --seed 1",
    faults: &[],
};

/// Attacks on a secure node.
const SECURE_ATTACKS: Run = Run {
    name: "hostile",
    arguments: "hostile --secure --beacon-port 27674 --attack secure-squat secure-unmarked secure-boast",
    faults: &[],
};

/// An edit in what a secure node decides before it tells the engine.
const fn gate(item: &'static str, old: &'static str, new: &'static str) -> Edit {
    Edit { sources: "zyre/src/secure", item: Some(item), old, new }
}

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "r1-strangers",
        breaks: "a secure node connects to every node that is claimed to be somewhere (R1)",
        edits: &[Edit {
            sources: "zyre/src/driver",
            item: Some("is_worth_it"),
            old: "worth == Worth::Dial",
            new: "(worth == Worth::Dial || true)",
        }],
        run: &SECURE_CHAOS,
        caught_by: Some(Catch::Rule(8)),
    },
    Mutant {
        name: "r1-admitted",
        breaks: "a secure node lets in every key (R1)",
        edits: &[gate(
            "decide",
            "self.trusted.admits(keys, peer)",
            "(self.trusted.admits(keys, peer) || true)",
        )],
        run: &SECURE_ATTACKS,
        caught_by: Some(Catch::Attack),
    },
    Mutant {
        name: "r2-told",
        breaks: "a HELLO may tell another key than was proved (R2)",
        edits: &[core(
            "if !self.tells_its_key(conn, hello)",
            "if !(self.tells_its_key(conn, hello) || true)",
        )],
        run: &SECURE,
        caught_by: Some(Catch::Rule(8)),
    },
    Mutant {
        name: "r3-claims",
        breaks: "claims with another key than that of the id are believed (R3)",
        edits: &[core_in("may_be_at", "!conflicts", "true")],
        run: &SECURE,
        caught_by: Some(Catch::Rule(8)),
    },
    Mutant {
        name: "r3-connections",
        breaks: "who connects in the name of an id need not have its key (R3)",
        edits: &[core_in(
            "is_usurping",
            "key.is_none() || self.keys.is_another_s(now, id, key)",
            "key.is_none()",
        )],
        run: &SECURE,
        caught_by: Some(Catch::Rule(8)),
    },
    Mutant {
        name: "r3-forgotten",
        breaks: "an id is anybody's as soon as its peer has gone (R3)",
        edits: &[core_in("KEPT", "Duration::from_secs(60)", "Duration::ZERO")],
        run: &SECURE,
        caught_by: Some(Catch::Rule(8)),
    },
    Mutant {
        name: "r4-link-kept",
        breaks: "the link that was dialled on a false claim stays when another key is proved (R4)",
        edits: &[core_in(
            "bind",
            "filter(|it| self.keys.of_conn(*it) != Some(key))",
            "filter(|_| false)",
        )],
        run: &TRAPS,
        caught_by: Some(Catch::Rule(8)),
    },
    Mutant {
        name: "r5-goodbye",
        breaks: "a goodbye with a peer's key is believed (R5)",
        edits: &[core(
            "PeerState::Ready(_) if peer.outgoing.is_up() => self.suspect(now, id, Suspicion::Gone)",
            "PeerState::Ready(_) if false => {}",
        )],
        run: &SECURE,
        caught_by: Some(Catch::Rule(6)),
    },
    Mutant {
        name: "r6-mixed",
        breaks: "a secure node hears of nodes without a key as well (R6)",
        edits: &[core_in(
            "may_be_at",
            "endpoint.key().is_some() != self.config.key.is_some()",
            "endpoint.key().is_some() && self.config.key.is_none()",
        )],
        run: &SECURE,
        caught_by: Some(Catch::Rule(8)),
    },
    Mutant {
        name: "r7-zero",
        breaks: "a key may begin with 0, and nodes of the C library drop its beacons (R7)",
        edits: &[gate("create", "pair.public().as_bytes()[0] != 0", "true")],
        run: &SECURE_CHAOS,
        caught_by: Some(Catch::Rule(8)),
    },
    Mutant {
        name: "r8-squat",
        breaks: "an id that shows one key may be taken with another (R8)",
        edits: &[gate(
            "is_taken",
            "owner.is_some_and(|owner| owner != key)",
            "owner.is_some_and(|_| false)",
        )],
        run: &SECURE_ATTACKS,
        caught_by: Some(Catch::Attack),
    },
    Mutant {
        name: "r13-claims",
        breaks: "in a network it is not looked whether an id shows it before it is connected to (R13)",
        edits: &[gate("worth", "any(|network| is_marked(id, key, network))", "any(|_| true)")],
        run: &SECURE_CHAOS,
        caught_by: Some(Catch::Rule(8)),
    },
    Mutant {
        name: "r13-members",
        breaks: "a member of a network may have any id (R13)",
        edits: &[gate(
            "proves_network",
            "id.is_some_and(|id| is_marked(&id, key, network))",
            "id.is_some()",
        )],
        run: &SECURE_ATTACKS,
        caught_by: Some(Catch::Attack),
    },
];
