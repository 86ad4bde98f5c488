//! The meter, driven in a pseudo-terminal, and compared with the screens in `tests/screens`.
//!
//! With `UPDATE_SCREENS` set in the environment the screens are written instead: then look at them.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use common::{NOON, folder, line, recording, run, seen, try_run};
use testkit::process::{self, Signal};
use testkit::screen::Screen;
use testkit::wait::free_port;
use zyre_logger::store::Entry;
use zyre_logger::{Change, LogEvent, Store, What};

const SIZE: [u16; 2] = [30, 100];

/// Starts the meter in a terminal.
fn start(arguments: &[&str]) -> Screen {
    let arguments = [&["meter"], arguments].concat();
    Screen::start(env!("CARGO_BIN_EXE_zyre-logger"), &arguments, &[("TZ", "UTC")], SIZE)
}

/// Waits until the screen is as expected.
fn is(meter: &Screen, name: &str) {
    let path = screen(name);
    if std::env::var_os("UPDATE_SCREENS").is_some() {
        // What it will show is not known: a moment without a change is the best that there is.
        thread::sleep(Duration::from_millis(500));
        std::fs::write(&path, meter.text()).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    meter.waits(|shown| shown == expected, &format!("{name} is to be\n{expected}"));
}

/// Waits for the end, which is a good one.
fn ends(meter: Screen) {
    assert_eq!(meter.ends(), 0);
}

fn screen(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/screens/{name}.txt"))
}

#[test]
fn keys_sort_filter_and_help() {
    let folder = folder();
    let db = recording(folder.path());
    let db = db.to_str().unwrap();
    let mut meter = start(&["--db", db, "--replay", "max", "--to", "2026-03-01T12:00:45Z"]);
    is(&meter, "rate");
    assert!(meter.is_alternate());
    assert!(!meter.is_as_before(), "raw");
    meter.press("s");
    is(&meter, "name");
    meter.press("r");
    is(&meter, "reversed");
    meter.press("rs/chat");
    is(&meter, "editing");
    meter.press("\r");
    is(&meter, "filter");
    meter.press("\x1b");
    is(&meter, "state");
    meter.press("?");
    is(&meter, "help");
    meter.press("?");
    is(&meter, "state");
    meter.press("q");
    ends(meter);
}

#[test]
fn a_window_shows_what_fits() {
    let folder = folder();
    let db = recording(folder.path());
    let meter = start(&["--db", db.to_str().unwrap(), "--replay", "max"]);
    is(&meter, "end");
    for (rows, cols, name) in [(40, 120, "120x40"), (24, 80, "80x24"), (12, 50, "50x12")] {
        meter.resize(rows, cols);
        is(&meter, name);
    }
    // Smaller than anything fits.
    meter.resize(1, 3);
    meter.resize(SIZE[0], SIZE[1]);
    meter.shows("last warnings");
}

#[test]
fn time_stands_still_and_goes_on() {
    let folder = folder();
    let db = recording(folder.path());
    let part = ["--from", "2026-03-01T12:00:10Z", "--to", "2026-03-01T12:00:50Z"];
    let arguments = [&["--db", db.to_str().unwrap(), "--replay", "10x"], &part[..]].concat();
    let end = "story.db 10x 12:00:50";
    let mut meter = start(&arguments);
    // Groups that were joined before are known.
    meter.shows("chat");
    meter.press("p");
    meter.shows("PAUSED");
    let still = meter.text();
    assert!(!still.contains(end), "{still}");
    // Time passes until one that began later, and was not stopped, is at the end.
    start(&arguments).shows(end);
    assert_eq!(meter.text(), still);
    meter.press(" ");
    meter.shows(end);
    meter.press("\x03");
    ends(meter);
}

#[test]
fn signals_restore_the_terminal() {
    for signal in [Signal::Terminate, Signal::HangUp, Signal::Interrupt] {
        let folder = folder();
        let db = recording(folder.path());
        let meter = start(&["--db", db.to_str().unwrap(), "--replay", "1x"]);
        meter.shows("last warnings");
        process::signal(meter.process_id(), signal);
        ends(meter);
    }
}

#[test]
fn a_recording_can_be_drawn() {
    let folder = folder();
    let db = recording(folder.path());
    let text = folder.path().join("screen.txt");
    let to = ["--to", "2026-03-01T12:00:45Z", "--screenshot"];
    run("meter", &db, &[&to[..], &[text.to_str().unwrap()]].concat());
    let drawn = std::fs::read_to_string(&text).unwrap();
    assert_eq!(drawn, std::fs::read_to_string(screen("rate")).unwrap());

    let svg = folder.path().join("screen.svg");
    run("meter", &db, &["--size", "120x40", "--screenshot", svg.to_str().unwrap()]);
    let drawn = std::fs::read_to_string(&svg).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.ends_with("</svg>\n"));
    // What came from the network is text, not markup.
    assert!(drawn.contains("disk &quot;full&quot;, 95 %") && !drawn.contains('\x1b'));
}

#[test]
fn at_its_end_a_recording_shows_who_has_gone() {
    let folder = folder();
    let db = recording(folder.path());
    // Bob is back, and goes a second before the end; carol was last told of then, and stays.
    let mut entries = vec![seen("bob", 2, 1, 74)];
    let exit = line(74_001, 9, LogEvent::Exit, 2, "goodbye");
    entries.push(Entry::Record(exit));
    Store::create(&db).unwrap().write(&entries).unwrap();
    let text = folder.path().join("screen.txt");
    run("meter", &db, &["--screenshot", text.to_str().unwrap()]);
    let drawn = std::fs::read_to_string(&text).unwrap();
    for shown in ["3 present", "● gone    bob", "● present carol", "● present alice"] {
        assert!(drawn.contains(shown), "no {shown}:\n{drawn}");
    }
}

#[test]
fn the_collector_of_a_recording_is_no_talker() {
    let folder = folder();
    let db = recording(folder.path());
    let text = folder.path().join("screen.txt");
    let talkers = || {
        let to = ["--to", "2026-03-01T12:00:05Z", "--screenshot", text.to_str().unwrap()];
        run("meter", &db, &to);
        let drawn = std::fs::read_to_string(&text).unwrap();
        let lines = drawn.lines().skip_while(|line| !line.contains("top talkers")).skip(1).take(4);
        let talkers = lines.filter_map(|line| line.rsplit('│').nth(1)).collect::<Vec<_>>();
        talkers.join("\n")
    };
    // An older recording does not tell who it was.
    let before = talkers();
    assert!(before.contains("watch") && before.contains("alice"), "{before}");
    let begun = Change { at: NOON, peer: "09".repeat(16), what: What::Begun };
    Store::create(&db).unwrap().write(&[Entry::Change(begun)]).unwrap();
    let after = talkers();
    assert!(!after.contains("watch") && after.contains("alice"), "{after}");
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let folder = folder();
    let db = recording(folder.path());
    let output = try_run("meter", &db, &["--replay", "10x"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--screenshot"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_it_shows_who_comes_and_goes() {
    let folder = folder();
    let (db, port) = (folder.path().join("live.db"), free_port());
    let arguments = ["--interface", "lo", "--port", &port.to_string(), "--db"];
    let mut meter = start(&[&arguments[..], &[db.to_str().unwrap()]].concat());
    let builder = zyre::Node::builder().interface("lo").beacon_port(port);
    let (node, _events) = builder.name("alice").join("garden").start().await.unwrap();
    meter.shows("● present alice");
    meter.shows("garden");
    node.stop().await;
    meter.shows("● gone    alice");
    meter.press("q");
    ends(meter);
    let store = Store::open(&db).unwrap();
    assert_eq!(store.directory().unwrap().all().filter(|one| one.name == "alice").count(), 1);
}
