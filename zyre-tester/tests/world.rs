//! `zyre-tester world` with a few hosts.

#![cfg(test)]

use std::process::{Command, ExitCode, Output};

use testkit::harness::Harness;
use testkit::namespace::{self, Namespace};
use testkit::tests;

fn main() -> ExitCode {
    let possible = namespace::possible().and_then(|()| Namespace::new()?.nft("table ip x {}"));
    Harness::default()
        .then(tests![a_seed_decides_the_topology])
        .skip_also_in_ci(possible.err().map(String::from))
        .then(tests![a_node_that_meets_nobody_is_found_and_what_was_expected_is_told])
        .exit_code()
}

fn world(arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zyre-tester"))
        .arg("world")
        .args(arguments.split(' '))
        .output()
        .unwrap()
}

fn a_seed_decides_the_topology() {
    let show = |seed: u32| {
        let output = world(&format!("--show --hosts 4 --seed {seed}"));
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(show(1), show(1));
    assert_ne!(show(1), show(2));
    assert!(show(1).contains("h3, "), "{}", show(1));
}

fn a_node_that_meets_nobody_is_found_and_what_was_expected_is_told() {
    // By beacons; and where no network carries any, by gossip with h3.
    let stays = ["h0 does not know h", "on net0", "by its beacons"];
    let told_of_nobody =
        ["h0 does not know h2", "h2 is told of h0 by gossip with h3", "h3 is told of h0 by gossip"];
    for (arguments, expected) in [
        ("--sabotage stay --hosts 3 --seed 5", stays),
        ("--sabotage told-of-nobody --hosts 4 --seed 82", told_of_nobody),
    ] {
        let output = world(&format!("{arguments} --seconds 1 --plain 0"));
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{text}");
        for part in expected {
            let wrong = text.lines().filter(|line| line.starts_with("WRONG: "));
            assert!(wrong.into_iter().any(|line| line.contains(part)), "{part}: {text}");
        }
    }
}
