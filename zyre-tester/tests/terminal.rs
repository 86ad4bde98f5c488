//! What a person sees: nothing wider than the terminal, and no JSON but where it was asked for.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::{Command, Output};

use serde_json::Value;
use testkit::screen::Screen;
use testkit::wait::free_port;

const PROGRAM: &str = env!("CARGO_BIN_EXE_zyre-tester");

fn tester(arguments: &str) -> Output {
    let arguments = arguments.split_whitespace();
    Command::new(PROGRAM).args(arguments).output().expect("the program runs")
}

#[test]
fn every_mode_fits_the_terminal() {
    let port = free_port();
    for size in [[24, 80], [12, 40]] {
        for (arguments, end) in [
            (format!("--nodes 6 --seconds 2 --pace fast --port {port}"), "violations"),
            ("sim --nodes 8 --minutes 1".to_owned(), "leaders checked"),
            (format!("hostile --beacon-port {port} --attack frame-2^46"), "descriptors:"),
            ("bench rtt --count 100 --runs 2 --against tcp-two-way".to_owned(), "p99_us"),
            ("dials --runs 3 --seed 1".to_owned(), "all hold"),
            ("world --show --hosts 4 --seed 1".to_owned(), "h3, "),
            ("files speed --runs 1 --large 1MB --small 20".to_owned(), "client MB"),
            ("files fanout --receivers 3 --size 4MB --runs 1".to_owned(), "had all after"),
            ("files kills --kills 4 --seed 7 --pace 0.1 --largest 1MB".to_owned(), "settled"),
            ("files resume --kills 1 --seed 3 --size 4MiB --at-most 9".to_owned(), "kills"),
            ("files disk --schedules 3 --seed 1".to_owned(), "findings"),
        ] {
            let arguments: Vec<&str> = arguments.split(' ').collect();
            let mut screen = Screen::start(PROGRAM, &arguments, &[], size);
            screen.shows(end);
            // What it prints last is there as well.
            assert_eq!(screen.status(), 0, "{arguments:?} {size:?}\n{}", screen.text());
            let too_long = screen.too_long();
            assert!(too_long.is_empty(), "{arguments:?} {size:?}: {too_long:#?}");
            let lines = screen.lines();
            assert!(!lines.iter().any(|line| line.starts_with('{')), "{lines:#?}");
            // One line that changes, and not one for each change.
            let live = lines.iter().filter(|line| line.contains(" up  0 violations")).count();
            assert!(live <= 1, "{lines:#?}");
        }
    }
}

#[test]
fn json_on_the_standard_output_is_alone_there() {
    let port = free_port();
    for (arguments, people) in [
        ("sim --nodes 5 --minutes 1 --json -".to_owned(), "agreements checked"),
        (format!("--nodes 4 --seconds 1 --port {port} --json -"), "quiet moments"),
    ] {
        let output = tester(&arguments);
        assert!(output.status.success(), "{arguments}: {output:?}");
        let result: Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
        assert_eq!(result["seed"].as_u64().map(|_| ()), Some(()), "{result:#}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains(people), "{arguments}: {told}");
    }
}

#[test]
fn a_mistake_is_told_before_anything_starts() {
    for (arguments, said) in [
        ("--interface nowhere0 --seconds 60", "no usable interface nowhere0"),
        ("--port 0 --seconds 60", "0 is not in 1..="),
    ] {
        let output = tester(arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {told}");
        assert!(output.stdout.is_empty() && told.contains(said), "{arguments}: {output:?}");
    }
}
