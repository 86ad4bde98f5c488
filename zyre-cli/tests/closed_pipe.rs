//! All commands end quietly when nobody reads what they print, as after `head`.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use common::{command, free_port};
use testkit::wait::blocking_until;

/// Runs a command of which nobody reads the standard output. Returns its exit status, and what it says
/// on standard error.
fn unread(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = command(arguments);
    // Closed from the start: what is printed before nobody reads is no sign.
    let (_, writer) = std::io::pipe().unwrap();
    command.stdin(Stdio::piped()).stdout(writer).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut status = None;
    blocking_until(&format!("{arguments:?} ends"), || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (status.unwrap().code(), said)
}

#[test]
fn nobody_is_told_of_a_closed_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let [source, copy, received] = ["source", "copy", "received"].map(path);
    fs::create_dir(&source).unwrap();
    fs::write(format!("{source}/file"), "x").unwrap();
    let [port, alone] = [free_port(), free_port()];
    let lo = ["--interface", "lo", "--port", &port];
    let one = [&["peer", "--name", "alice"], &lo[..]].concat();
    let _alice = common::Program::start(&one);
    for (arguments, on_network) in [
        (&["--help"][..], false),
        (&["chat", "--help"], false),
        (&["completions", "bash"], false),
        (&["keys"], false),
        (&["ls"], true),
        (&["ls", "--json"], true),
        (&["watch"], true),
        (&["watch", "--json"], true),
        (&["doctor", "--wait", "1"], true),
        (&["doctor", "--json", "--wait", "1"], true),
        (&["peer"], true),
        (&["chat", "bob"], true),
        (&["chat", "carol", "--interface", "lo", "--port", &alone], false),
        (&["share", &source], true),
        (&["listen", "--received", &received], true),
        (&["track", &source, &copy], false),
    ] {
        let more = if on_network { &lo[..] } else { &[] };
        let (code, said) = unread(&[arguments, more].concat());
        assert!(
            !said.contains("panicked") && !said.contains("roken pipe"),
            "{arguments:?}: {said}"
        );
        assert!(matches!(code, Some(0 | 1)), "{arguments:?}: {code:?} {said}");
    }
}
