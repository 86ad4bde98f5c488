//! `zyre-tester dials` with a few pairs of nodes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::process::Command;

use serde_json::Value;

/// Connections that two nodes have.
const CONNECTIONS: &str = "1";

/// Lets the pairs of 9 seeds meet. Returns whether all hold, what was printed, and the JSON.
fn dials(connections: &str) -> (bool, String, Value) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("dials.json");
    let output = Command::new(env!("CARGO_BIN_EXE_zyre-tester"))
        .args(["dials", "--runs", "9", "--seed", "1", "--connections", connections, "--json"])
        .arg(&file)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    let json = std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("{text}{errors}"));
    (output.status.success(), text, serde_json::from_str(&json).unwrap())
}

#[test]
fn pairs_meet_whatever_overtakes_what() {
    let (holds, text, json) = dials(CONNECTIONS);
    assert!(holds, "{text}");
    assert_eq!((&json["runs"], &json["seed"], &json["found"]), (&9.into(), &1.into(), &0.into()));
    let all = json["rows"].as_array().unwrap().iter().find(|row| row["kind"] == "all").unwrap();
    assert!(all["crossed"].as_u64().unwrap() > 0, "{text}");
    assert!(text.contains("all hold"), "{text}");
}

#[test]
fn a_finding_is_shown_with_its_seed_and_all_that_has_happened() {
    let (holds, text, json) = dials("3");
    assert!(!holds, "{text}");
    assert_eq!((&json["found"], &json["rules"]["connections left"]), (&9.into(), &9.into()));
    let findings = json["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 9);
    for (finding, seed) in findings.iter().zip(1..) {
        assert_eq!(finding["seed"], seed);
        assert_eq!(finding["deviations"][0]["rule"], "Connections");
        let transcript = finding["transcript"].to_string();
        for line in ["1: accepted by the relay", ": HELLO", "is told ENTER", "is told WHISPER"] {
            assert!(transcript.contains(line), "{line}: {transcript}");
        }
    }
    let again = "to see it again: zyre-tester dials --runs 1 --seed 1 --connections 3";
    assert!(text.contains(again), "{text}");
}
