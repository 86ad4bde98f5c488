//! A node whose process may open few files: how many peers it has, and what a stranger that makes
//! more connections than that does to it.

#![cfg(test)]

#[cfg(unix)]
#[path = "../common/mod.rs"]
mod common;
#[cfg(unix)]
mod crowd;
#[cfg(unix)]
mod newcomers;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    use testkit::harness::{self, Harness};
    use testkit::role;

    use newcomers::DESCRIPTORS;

    role::play(|_, settings| {
        rlimit::Resource::NOFILE.set(DESCRIPTORS, DESCRIPTORS).expect("it can be lowered");
        let limits = zyre::Limits::default();
        role::report(&serde_json::json!({ "event": "LIMITS", "peers": limits.peers }));
        harness::block_on_one_thread(common::child::echo(settings));
    });
    let tests = testkit::async_tests![
        crowd::of_450_two_way_peers,
        crowd::of_279_other_peers,
        crowd::of_a_mixture,
        newcomers::a_newcomer_enters_among_10_000_connections,
        newcomers::a_newcomer_enters_among_10_000_that_have_shaken_hands,
        newcomers::a_newcomer_enters_among_10_000_that_do_not_answer,
    ];
    // Ports and descriptors of this process are for one attack at a time.
    Harness::default().at_once(1).then(tests).exit_code()
}

#[cfg(not(unix))]
fn main() {}
