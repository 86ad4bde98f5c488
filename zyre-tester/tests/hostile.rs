//! A few attacks through the program itself: a node that withstands them, and one that does not.

#![allow(clippy::expect_used, clippy::panic)]

use std::process::{Command, Output};

use serde_json::Value;

fn hostile(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zyre-tester"));
    command.arg("hostile").args(arguments).output().expect("the program runs")
}

/// Runs these attacks. Returns what the process said, and the JSON. Other tests may keep the
/// machine busy, so a newcomer has more time than usual.
fn attack(port: u16, names: &[&str], more: &[&str]) -> (Output, Value) {
    let json =
        std::env::temp_dir().join(format!("zyre-hostile-{}-{port}.json", std::process::id()));
    let (port, path) = (port.to_string(), json.to_string_lossy().into_owned());
    let settings = ["--beacon-port", &port, "--patience", "5", "--json", &path];
    let output = hostile(&[&settings, more, &["--attack"], names].concat());
    let text = std::fs::read_to_string(&json)
        .unwrap_or_else(|error| panic!("no JSON was written: {error}: {output:?}"));
    std::fs::remove_file(&json).expect("the JSON is ours");
    (output, serde_json::from_str(&text).expect("it is JSON"))
}

#[test]
fn a_node_withstands() {
    let names = [
        "beacon-malformed",
        "beacon-goodbye",
        "tcp-garbage",
        "frame-2^46",
        "hello-truncated",
        "status",
        "flood-ping",
    ];
    let (output, result) = attack(7731, &names, &[]);
    assert!(output.status.success(), "{result:#}\n{output:?}");
    let rows = result["rows"].as_array().expect("rows");
    // A name stands for all that begin with it.
    let run: Vec<_> = rows.iter().filter_map(|row| row["attack"].as_str()).collect();
    assert!(names.iter().all(|name| run.contains(name)), "{run:?}");
    assert!(run.contains(&"beacon-goodbye-elsewhere"), "{run:?}");
    for row in rows {
        assert_eq!((&row["holds"], &row["alive"]), (&true.into(), &true.into()), "{row:#}");
        assert!(row["newcomer_ms"].as_f64().is_some_and(|time| time > 0.0), "{row:#}");
        assert!(row["good"]["messages"].as_u64().is_some_and(|count| count > 100), "{row:#}");
        if cfg!(target_os = "linux") {
            for when in ["before", "peak", "after"] {
                assert!(row["memory_kib"][when].as_u64().is_some_and(|kib| kib > 0), "{row:#}");
            }
        }
    }
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("all hold"), "{text}");
}

#[test]
fn a_secure_node_withstands() {
    let names = ["secure", "tcp-garbage", "beacon-secure", "impostor-hello"];
    let (output, result) = attack(7733, &names, &["--secure"]);
    assert!(output.status.success(), "{result:#}\n{output:?}");
    let rows = result["rows"].as_array().expect("rows");
    let row = |name: &str| {
        let row = rows.iter().find(|row| row["attack"] == name);
        row.unwrap_or_else(|| panic!("{name} in {result:#}"))
    };
    for name in ["secure-strangers", "secure-insider", "secure-flood-many", "impostor-hello"] {
        assert_eq!((&row(name)["holds"], &row(name)["alive"]), (&true.into(), &true.into()));
    }
    let said = |name: &str| row(name)["notes"][0].as_str().unwrap_or_default();
    assert!(rows.iter().all(|row| !row["notes"].to_string().contains("no secure node")));
    assert_eq!(said("secure-boast"), "only the true one is met");
}

#[test]
fn a_node_that_dies_is_seen_and_the_next_one_attacked() {
    let (output, result) = attack(7732, &["election", "tcp-garbage", "status"], &["--sabotage"]);
    assert_eq!(output.status.code(), Some(1), "{result:#}");
    let of = |name: &str| {
        let mut rows = result["rows"].as_array().expect("rows").iter();
        rows.find(|row| row["attack"] == name).unwrap_or_else(|| panic!("{name} in {result:#}"))
    };
    for name in ["election", "status"] {
        let row = of(name);
        assert_eq!((&row["holds"], &row["alive"]), (&false.into(), &false.into()), "{row:#}");
        assert!(row["notes"].to_string().contains("134"), "{row:#}");
        assert!(row["good"]["exits"].as_array().is_some_and(|exits| !exits.is_empty()), "{row:#}");
    }
    assert_eq!(of("tcp-garbage")["holds"], true, "{result:#}");
}

#[test]
fn what_there_is_and_is_not() {
    let output = hostile(&["--list"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.lines().count() > 80, "{text}");
    let mut names: Vec<_> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    let output = hostile(&["--attack", "kindness"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("--list"), "{text}");
}
