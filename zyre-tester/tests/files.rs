//! Files are shared through the program itself: measured, killed, and found out when they are
//! wrong. How fast is not asked here.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::process::{Command, Output};

use serde_json::Value;

/// Runs `zyre-tester files` with these arguments.
fn files(arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zyre-tester"));
    command.arg("files").args(arguments.split_whitespace());
    command.output().expect("zyre-tester runs")
}

/// The lines of a run, which succeeds or not.
fn lines(arguments: &str, good: bool) -> Vec<Value> {
    let output = files(arguments);
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.success(), good, "{arguments}: {out}{err}");
    out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn is_positive(line: &Value, name: &str) {
    assert!(line[name].as_f64().is_some_and(|figure| figure > 0.0), "{name} of {line}");
}

#[test]
fn speed_of_large_and_small_files() {
    let lines = lines("speed --runs 1 --large 3MB --small 250 --deadline 60", true);
    let ways = |rival| ["filemq", "cp", rival];
    assert_eq!(lines.len(), 8, "three ways and the medians, twice: {lines:?}");
    for (lines, rival) in lines.chunks(4).zip(["tcp", "tar"]) {
        for (line, way) in lines.iter().zip(ways(rival)) {
            assert_eq!(line["impl"], way, "{line}");
            is_positive(line, "seconds");
        }
        assert_eq!(lines[3]["rival"], rival);
        for name in ["ratio", "ratio_cp", "limit", "seconds"] {
            is_positive(&lines[3], name);
        }
        if cfg!(target_os = "linux") {
            is_positive(&lines[3], "server_mb");
            is_positive(&lines[3], "client_mb");
        }
    }
}

/// A receiver that is killed goes on where it was from a megabyte on: less is not worth it.
#[test]
fn fanout_with_one_that_is_killed_and_one_that_comes_late() {
    let lines = lines("fanout --receivers 3 --size 4MB --runs 1 --deadline 60", true);
    assert_eq!(lines.len(), 4, "{lines:?}");
    is_positive(&lines[2], "ratio");
    let rest = &lines[3];
    let (had, came) =
        (rest["killed_had"].as_u64().unwrap(), rest["came_after_restart"].as_u64().unwrap());
    assert!(had >= 2_000_000 && came < 4_000_000, "{rest}");
    is_positive(rest, "late_seconds");
}

#[test]
fn twenty_kills_leave_nothing_wrong_and_lose_nothing() {
    let lines = lines("kills --kills 20 --seed 7 --pace 0.1 --largest 1MB --settle 10", true);
    let summary = lines.last().unwrap();
    assert_eq!(summary["kills"], 20, "{summary}");
    assert_eq!(summary["settled"], 2, "{summary}");
    assert_eq!(summary["findings"], Value::Array(Vec::new()));
    is_positive(summary, "published");
    is_positive(summary, "files_looked_at");
    for who in ["sender", "receiver"] {
        let stages = summary["stages"][who].as_object().expect("kills of both");
        assert!(!stages.is_empty(), "{summary}");
    }
}

#[test]
fn what_was_cut_off_goes_on_where_it_was() {
    let lines = lines("resume --kills 6 --seed 3 --size 16MiB --at-most 1.6", true);
    let summary = lines.last().unwrap();
    assert_eq!((&summary["kills"], &summary["failure"]), (&6.into(), &Value::Null));
    let ratio = summary["ratio"].as_f64().unwrap();
    assert!((1.0..1.6).contains(&ratio), "{summary}");
    // It fails where more comes than is allowed.
    let strict = files("resume --kills 1 --seed 3 --size 16MiB --at-most 0.9");
    assert!(!strict.status.success());
}

#[test]
fn the_same_work_by_rsync() {
    if Command::new("rsync").arg("--version").output().is_err() {
        eprintln!("left out: rsync is not installed");
        return;
    }
    let lines = lines("rsync --runs 1 --large 3MB --small 250 --deadline 60", true);
    assert_eq!(lines.len(), 6, "both, and four works: {lines:?}");
    for (line, way) in lines.iter().zip(["filemq", "rsync"]) {
        assert_eq!(line["impl"], way, "{line}");
    }
    lines[2..].iter().for_each(|work| is_positive(work, "ratio"));
}

#[test]
fn spoiled_files_are_found() {
    for how in ["partial", "wrong"] {
        let arguments = format!(
            "kills --kills 20 --seed 7 --pace 0.1 --largest 1MB --patience 5 --sabotage {how}"
        );
        let lines = lines(&arguments, false);
        let summary = lines.last().unwrap();
        let findings = summary["findings"].as_array().unwrap();
        assert!(findings.iter().any(|finding| finding["rule"] == "wrong"), "{how}: {summary}");
    }
}

#[test]
fn what_cannot_be_done_is_told() {
    for (arguments, told) in [
        ("speed --dir /nowhere/at/all", "/nowhere/at/all"),
        ("speed --large 1XB", "1XB"),
        ("kills --pace=-1", "--pace"),
    ] {
        let output = files(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(told), "{arguments}: {error}");
    }
}

/// What cannot be read or written for now comes in the end, and every refusal is told.
#[test]
fn five_hundred_schedules_of_a_disk_that_fails() {
    let lines = lines("disk --schedules 500 --seed 1", true);
    assert_eq!((&lines[0]["schedules"], &lines[0]["findings"]), (&500.into(), &0.into()));
    for name in ["faults", "refusals", "deliveries"] {
        is_positive(&lines[0], name);
    }
}
