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
    let output = world("--sabotage stay --hosts 3 --seed 5 --seconds 1 --plain 0");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("WRONG: h0 does not know h"), "{text}");
    assert!(text.contains("on net0"), "{text}");
}
