//! Every command in a pseudo-terminal of 80 × 24 and of 40 × 12: no line is longer than the screen.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{NOON, folder, recording, seen};
use testkit::screen::Screen;
use testkit::wait::free_port;
use zyre_logger::store::Entry;
use zyre_logger::{Level, LogEvent, Record, Store};

/// Rows and columns.
const SIZES: [[u16; 2]; 2] = [[24, 80], [12, 40]];

/// Starts the program in a terminal of this size.
fn start(arguments: &[&str], size: [u16; 2]) -> Screen {
    Screen::start(env!("CARGO_BIN_EXE_zyre-logger"), arguments, &[("TZ", "UTC")], size)
}

fn fits(screen: &Screen) {
    let too_long = screen.too_long();
    // Nobody cuts the usage.
    let is_usage = |line: &String| line.starts_with("Usage: ");
    let shown = screen.lines().join("\n");
    assert!(too_long.iter().all(is_usage), "{too_long:#?} of\n{}", shown.trim_end());
}

/// Runs it to its end, which has this status. Returns what it has shown, with a space between any two words.
fn shown(arguments: &[&str], size: [u16; 2], status: u32) -> String {
    let mut screen = start(arguments, size);
    assert_eq!(screen.status(), status, "{arguments:?}");
    // What is written last is shown a moment after the end.
    let last = match arguments {
        [_, "--help"] => "Print help",
        ["query", ..] if status == 0 => "the_end",
        ["stats", ..] if status == 0 => "Builder::log_messages",
        _ => "",
    };
    screen.waits(|text| !text.trim().is_empty() && text.contains(last), last);
    fits(&screen);
    let text = screen.lines().join("\n");
    assert_eq!(screen.ends(), status, "{arguments:?}");
    text
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The story, and a long line at its end by a node with a long name.
fn story(folder: &std::path::Path) -> String {
    let db = recording(folder);
    let story = "it is a long story ".repeat(8);
    let told = |node| Record {
        received: NOON + 80_000_000,
        source: None,
        time: 0,
        level: Level::Warning,
        event: LogEvent::None,
        node: common::id(node),
        peer: 0,
        data: format!("{story}the_end"),
    };
    let name = seen("a node with a rather long name", 4, 0, 90);
    let entries = [name, Entry::Record(told(4)), Entry::Record(told(2))];
    Store::create(&db).unwrap().write(&entries).unwrap();
    db.to_str().unwrap().to_owned()
}

#[test]
fn records_fit() {
    let folder = folder();
    let db = story(folder.path());
    for size in SIZES {
        let table = words(&shown(&["query", "--db", &db], size, 0));
        assert!(table.contains("received level event node peer data"), "{table}");
        assert!(table.contains("warning NONE carol disk \"full\", 95 %"), "{table}");
        let pair = shown(&["query", "--db", &db, "--pair", "alice", "bob"], size, 0);
        // One below the other, each with its name.
        let pair = words(&pair);
        assert!(pair.starts_with("received node what"), "{pair}");
        for told in ["alice ENTER bob", "bob ENTER alice", "bob SEND alice WHISPER alice"] {
            assert!(pair.contains(told), "no {told}: {pair}");
        }
    }
    // Side by side where there is room, and what is long stays on its side.
    let pair = shown(&["query", "--db", &db, "--pair", "alice", "bob"], [24, 120], 0);
    assert!(pair.starts_with("received                 alice   "), "{pair}");
    let end = pair.lines().find(|line| line.contains("the_end")).expect("it is shown");
    let column = end.chars().take_while(|c| *c == ' ').count();
    let head = pair.lines().next().unwrap();
    assert_eq!(Some(column), head.chars().position(|c| c == '│').map(|at| at + 2), "{pair}");
}

#[test]
fn figures_fit_and_none_is_missing() {
    let folder = folder();
    let db = story(folder.path());
    for size in SIZES {
        let table = shown(&["stats", "--db", &db], size, 0);
        let rows = |name: &str| {
            let rows = table.lines().filter(|line| line.split("  ").next() == Some(name));
            rows.map(words).collect::<Vec<_>>().join(" ").replace(&format!(" {name} "), " ")
        };
        let head = "node sessions open median mean longest joins leaves sent received";
        assert_eq!(rows("node"), head, "{table}");
        assert_eq!(rows("all"), "all 2 3 59.0 s 59.0 s 59.0 s 2 0 60 60", "{table}");
        assert!(rows("group").starts_with("group joins leaves sent received"), "{table}");
    }
}

#[test]
fn a_collector_fits() {
    for size in SIZES {
        let (folder, port) = (folder(), free_port().to_string());
        let db = folder.path().join("a recording with a long name.db");
        let db = db.to_str().unwrap();
        let network = ["--interface", "lo", "--port", &port];
        let collect = ["collect", "--also-print", "--db", db];
        let mut collector = start(&[&collect[..], &network].concat(), size);
        collector.shows("collecting on lo");
        collector.shows("long name.db");
        // Another one is seen to come.
        let other = folder.path().join("other.db");
        let other =
            ["collect", "--name", "somebody with a long name", "--db", other.to_str().unwrap()];
        let mut other = start(&[&other[..], &network].concat(), size);
        collector.shows("ENTER");
        for screen in [&mut other, &mut collector] {
            screen.press("\x03");
            assert_eq!(screen.status(), 0);
            screen.shows("lines stored");
            fits(screen);
        }
    }
}

#[cfg(feature = "serve")]
#[test]
fn the_place_of_the_page_fits() {
    let folder = folder();
    let db = recording(folder.path());
    for size in SIZES {
        for address in ["127.0.0.1:0", "0.0.0.0:0"] {
            let db = db.to_str().unwrap();
            let arguments = ["serve", "--listen", address, "--db", db, "--replay", "max"];
            let mut serve = start(&arguments, size);
            serve.shows("http://127.0.0.1:");
            if address.starts_with('0') {
                serve.shows("machine");
            }
            fits(&serve);
            serve.press("\x03");
            assert_eq!(serve.ends(), 0);
        }
    }
}

#[cfg(feature = "meter")]
#[test]
fn the_meter_fits() {
    let folder = folder();
    let db = story(folder.path());
    for size in SIZES {
        let mut meter = start(&["meter", "--db", &db, "--replay", "max"], size);
        meter.shows("zyre-logger");
        meter.shows("carol");
        fits(&meter);
        meter.press("q");
        assert_eq!(meter.ends(), 0);
    }
}

#[test]
fn help_and_mistakes_fit() {
    let folder = folder();
    let db = recording(folder.path());
    let db = db.to_str().unwrap();
    let commands = ["collect", "query", "stats", "completions"];
    let more = [("meter", cfg!(feature = "meter")), ("serve", cfg!(feature = "serve"))];
    let more = more.into_iter().filter_map(|(name, is_there)| is_there.then_some(name));
    for size in SIZES {
        for command in commands.into_iter().chain(more.clone()) {
            assert!(shown(&[command, "--help"], size, 0).contains("--help"), "{command}");
            let mistake = words(&shown(&[command, "--what-is-this"], size, 2));
            assert!(mistake.contains("unexpected argument '--what-is-this' found"), "{mistake}");
        }
        for (arguments, status, said) in [
            (&["query"][..], 2, "required arguments were not provided: --db <FILE>"),
            (&["query", "--db", db, "--node", "nobody"], 1, "some that were: alice, bob, carol"),
            (&["query", "--db", db, "--since", "noon"], 2, "invalid value 'noon' for"),
            (&["stats", "--db", "/no/such/file.db"], 1, "there is no /no/such/file.db"),
            (&["collect", "--db", db, "--interface", "nowhere0"], 1, "nowhere0"),
            (&["collect", "--db", db, "--max-size", "much"], 2, "such as 500MB or 2GB"),
        ] {
            let text = words(&shown(arguments, size, status));
            assert!(text.contains(said), "{arguments:?} {size:?}: {text}");
        }
    }
}
