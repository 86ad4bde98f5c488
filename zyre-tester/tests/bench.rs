//! `zyre-tester bench` does each work and says what it measured. How fast is not asked here.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::process::{Command, Output};

use serde_json::Value;

/// Runs `zyre-tester bench` with these arguments.
fn bench(arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zyre-tester"));
    command.arg("bench").args(arguments.split_whitespace()).args(["--deadline", "60"]);
    command.output().expect("zyre-tester runs")
}

/// The lines of a run that must succeed.
fn lines(arguments: &str) -> Vec<Value> {
    let output = bench(arguments);
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments}: {out}{err}");
    out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Has these labels, and a positive number for each of the figures.
fn check(line: &Value, labels: &[(&str, Value)], figures: &[&str]) {
    for (name, value) in labels {
        assert_eq!(line[name], *value, "{name} in {line}");
    }
    for name in figures {
        assert!(line[name].as_f64().is_some_and(|figure| figure > 0.0), "{name} in {line}");
    }
}

const ALL: [&str; 3] = ["zyre", "tcp", "zeromq"];

#[test]
fn whisper() {
    // Small, large, without room for a number, and without content at all.
    for size in [32, 70_000, 3, 0] {
        let lines = lines(&format!("whisper --count 50 --size {size} --against tcp,zeromq"));
        assert_eq!(lines.len(), 3);
        for (line, name) in lines.iter().zip(ALL) {
            let labels = [
                ("impl", name.into()),
                ("mode", "whisper".into()),
                ("count", 50.into()),
                ("size", size.into()),
                ("run", 1.into()),
            ];
            check(line, &labels, &["msgs_per_s", "deliveries_per_s"]);
        }
    }
}

#[test]
fn whisper_the_other_way_and_both_ways() {
    for mode in ["whisper-back", "whisper-both"] {
        let lines = lines(&format!("{mode} --count 50 --size 32 --against tcp,zeromq"));
        assert_eq!(lines.len(), 3);
        for (line, name) in lines.iter().zip(ALL) {
            let labels = [("impl", name.into()), ("mode", mode.into()), ("count", 50.into())];
            check(line, &labels, &["msgs_per_s", "deliveries_per_s"]);
        }
    }
}

/// Bare TCP with one connection for each pair: what uses both directions.
#[test]
fn one_connection_for_both_directions() {
    let labels = |mode: &'static str| [("impl", "tcp-two-way".into()), ("mode", mode.into())];
    let run = |arguments: &str| lines(&format!("{arguments} --against tcp-two-way"));
    check(&run("rtt --count 50")[1], &labels("rtt"), &["p50_us", "p99_us"]);
    check(&run("whisper-both --count 50")[1], &labels("whisper-both"), &["msgs_per_s"]);
    check(&run("mesh --nodes 4 --seconds 1")[1], &labels("mesh"), &["full_mesh_ms"]);
    let one_way = &run("whisper-back --count 50")[1];
    check(one_way, &labels("whisper-back"), &[]);
    assert_eq!(one_way["reason"], "one way only: the same as tcp");
}

#[test]
fn log() {
    let lines = lines("log --count 50 --rounds 2 --against tcp");
    let labels = |who: &'static str| [("impl", who.into()), ("mode", "log".into())];
    let figures = ["silent_msgs_per_s", "logging_msgs_per_s", "logging_pct"];
    check(&lines[0], &labels("zyre"), &figures);
    check(&lines[1], &labels("tcp"), &[]);
    assert!(lines[1]["reason"].is_string(), "{}", lines[1]);
}

#[test]
fn rtt() {
    for (line, name) in lines("rtt --count 50 --size 8 --against tcp,zeromq").iter().zip(ALL) {
        let labels = [("impl", name.into()), ("mode", "rtt".into()), ("size", 8.into())];
        check(line, &labels, &["p50_us", "p99_us"]);
    }
}

#[test]
fn shout() {
    let lines = lines("shout --count 50 --size 32 --peers 3 --against zeromq,tcp,tcp");
    assert_eq!(lines.len(), 3, "nothing is measured twice");
    for (line, name) in lines.iter().zip(["zyre", "zeromq", "tcp"]) {
        let labels = [("impl", name.into()), ("mode", "shout".into()), ("peers", 3.into())];
        check(line, &labels, &["msgs_per_s", "deliveries_per_s"]);
    }
}

#[test]
fn mesh() {
    let lines = lines("mesh --nodes 4 --seconds 1 --against tcp,zeromq");
    assert_eq!(lines.len(), 3);
    for (line, name) in lines.iter().zip(ALL) {
        let labels = [("impl", name.into()), ("mode", "mesh".into()), ("nodes", 4.into())];
        check(line, &labels, &["full_mesh_ms"]);
        let usage = ["rss_mb", "rss_node_kb", "rss_pair_kb", "idle_cpu_pct"];
        match name {
            _ if cfg!(not(target_os = "linux")) => {}
            "zyre" => check(line, &[], &usage),
            // Idle connections take no time, and may fit into memory that is there.
            _ => assert!(usage.iter().all(|name| line[name].is_number()), "{line}"),
        }
    }
}

#[test]
fn discovery_and_who_cannot() {
    let lines = lines("discovery --nodes 3 --against tcp,zeromq");
    check(&lines[0], &[("nodes", 3.into())], &["p50_us", "p99_us", "first_ms", "full_mesh_ms"]);
    for line in &lines[1..] {
        assert_eq!(line["full_mesh_ms"], Value::Null);
        assert!(line["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{line}");
    }
}

#[test]
fn medians_of_alternating_runs() {
    let lines = lines("rtt --count 10 --runs 3 --against tcp");
    let of = |name: &str| lines.iter().filter(|line| line["impl"] == name).collect::<Vec<_>>();
    for name in ["zyre", "tcp"] {
        let lines = of(name);
        assert_eq!(lines.len(), 4, "three runs and the medians: {lines:?}");
        let mut runs: Vec<_> = lines[..3].iter().map(|l| l["p50_us"].as_f64().unwrap()).collect();
        runs.sort_by(f64::total_cmp);
        assert_eq!(lines[3]["median_of"], 3);
        assert_eq!(lines[3]["p50_us"], runs[1]);
    }
    let order: Vec<_> = lines[..6].iter().map(|line| line["impl"].as_str().unwrap()).collect();
    assert_eq!(order, ["zyre", "tcp", "tcp", "zyre", "zyre", "tcp"]);
}

#[test]
fn all_in_one_table() {
    let output = bench("all --quick --runs 1");
    let table = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{table}");
    for row in [
        "whisper 64 KiB",
        "whisper 32 B both ways",
        "rtt 32 B",
        "shout 32 B to 5",
        "mesh of 5",
        "discovery among 5",
    ] {
        assert!(table.lines().any(|line| line.starts_with(row)), "{row}: {table}");
    }
    assert!(
        table.contains("zyre/tcp ")
            && table.contains("zyre/tcp-two-way")
            && table.contains("zyre/zeromq"),
        "{table}"
    );
}

#[test]
fn failures_are_told() {
    let output = bench("rtt --count 10 --interface nowhere0");
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("no usable interface nowhere0"), "{error}");
    let output = bench("rtt --count 10 --beside /nowhere/zbench");
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("zbench rtt 32 B: cannot be started"), "{error}");
    let output = bench("whisper-back --count 10 --beside /nowhere/zbench");
    assert!(output.status.success(), "zbench.c is not asked for what it cannot do: {output:?}");
}

/// One that never ends is ended.
#[test]
#[cfg(unix)]
fn a_deadline_is_kept() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zyre-tester"));
    command.args(["bench", "rtt", "--count", "1000000000", "--deadline", "1"]);
    let output = command.output().expect("zyre-tester runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("not done within 1 s"), "{error}");
}
