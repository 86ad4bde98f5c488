//! The examples as programs, as far as they can be tried without the port that everybody uses.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Stdio};

/// An example that `cargo test` has built beside this test; or that is built now, if only this test
/// was asked for.
fn example(name: &str) -> Command {
    let own = std::env::current_exe().unwrap();
    let directory = own.parent().and_then(|deps| deps.parent()).unwrap().join("examples");
    let path = directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !path.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--package", env!("CARGO_PKG_NAME"), "--example", name]);
        assert!(build.status().unwrap().success());
    }
    let mut command = Command::new(path);
    command.stdin(Stdio::null());
    command
}

#[test]
fn a_static_peer_needs_a_port_and_endpoints_that_can_be_read() {
    for (arguments, said) in [(&[][..], "name a port"), (&["0", "nowhere"], "nowhere")] {
        let done = example("static_peers").args(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{told}");
        assert!(told.contains(said), "{told}");
    }
}

#[test]
fn an_unknown_interface_is_an_error() {
    let done = example("minimal").arg("nowhere0").output().unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains("nowhere0"), "{told}");
}

#[test]
fn a_gossip_hub_without_an_address_is_an_error() {
    for arguments in [&["hub"][..], &["listen", "hub"], &[]] {
        let done = example("gossip").args(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{told}");
    }
}
