//! The meter, driven in a pseudo-terminal, and compared with the screens in `tests/screens`.
//!
//! With `UPDATE_SCREENS` set in the environment the screens are written instead: then look at them.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::{folder, recording, run, try_run};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use testkit::process::{self, Signal};
use testkit::wait::{DEADLINE, blocking_until, free_port};
use zyre_logger::Store;

const SIZE: PtySize = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };

/// The program in a terminal; killed when dropped.
struct Screen {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    parser: Arc<Mutex<vt100::Parser>>,
    /// The settings of the terminal before.
    before: String,
}

impl Screen {
    fn start(arguments: &[&str]) -> Self {
        let pair = native_pty_system().openpty(SIZE).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_zyre-logger"));
        command.env("TZ", "UTC");
        command.env("TERM", "xterm-256color");
        command.arg("meter");
        command.args(arguments);
        let before = format!("{:?}", pair.master.get_termios());
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let keys = pair.master.take_writer().expect("keys can be pressed");
        let mut output = pair.master.try_clone_reader().expect("the screen can be read");
        let [rows, columns] = sizes(SIZE.rows, SIZE.cols);
        let parser = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let theirs = parser.clone();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                theirs.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self { child, master: pair.master, keys, parser, before }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn resize(&self, rows: u16, cols: u16) {
        let [tall, wide] = sizes(rows, cols);
        self.parser.lock().unwrap().screen_mut().set_size(tall, wide);
        self.master.resize(PtySize { rows, cols, ..SIZE }).unwrap();
    }

    fn text(&self) -> String {
        let contents = self.parser.lock().unwrap().screen().contents();
        contents.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    /// Waits until the screen shows a text.
    fn shows(&self, text: &str) {
        self.waits(|shown| shown.contains(text), &format!("it does not show {text:?}"));
    }

    /// Waits until the screen is as expected.
    fn is(&self, name: &str) {
        let path = screen(name);
        if std::env::var_os("UPDATE_SCREENS").is_some() {
            // What it will show is not known: a moment without a change is the best that there is.
            thread::sleep(Duration::from_millis(500));
            std::fs::write(&path, self.text()).unwrap();
            return;
        }
        let expected = std::fs::read_to_string(&path).unwrap();
        self.waits(|shown| shown == expected, &format!("{name} is to be\n{expected}"));
    }

    /// Unlike `blocking_until`, tells what the screen shows in the end.
    fn waits(&self, is_right: impl Fn(&str) -> bool, otherwise: &str) {
        let start = Instant::now();
        while !is_right(&self.text()) {
            assert!(start.elapsed() < DEADLINE, "{otherwise}\nbut:\n{}", self.text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the end, and checks that the terminal is as it was.
    fn ends(mut self) {
        blocking_until("the program ends", || self.child.try_wait().unwrap().is_some());
        assert!(self.child.try_wait().unwrap().unwrap().success());
        assert_eq!(format!("{:?}", self.master.get_termios()), self.before);
        blocking_until("the screen from before is back", || {
            let parser = self.parser.lock().unwrap();
            !parser.screen().alternate_screen() && !parser.screen().hide_cursor()
        });
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn sizes(rows: u16, columns: u16) -> [NonZero<u16>; 2] {
    [rows, columns].map(|size| NonZero::new(size).expect("not 0"))
}

fn screen(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/screens/{name}.txt"))
}

#[test]
fn keys_sort_filter_and_help() {
    let folder = folder();
    let db = recording(folder.path());
    let db = db.to_str().unwrap();
    let mut meter = Screen::start(&["--db", db, "--replay", "max", "--to", "2026-03-01T12:00:45Z"]);
    meter.is("rate");
    assert!(meter.parser.lock().unwrap().screen().alternate_screen());
    assert_ne!(format!("{:?}", meter.master.get_termios()), meter.before, "raw");
    meter.press("s");
    meter.is("name");
    meter.press("r");
    meter.is("reversed");
    meter.press("rs/chat");
    meter.is("editing");
    meter.press("\r");
    meter.is("filter");
    meter.press("\x1b");
    meter.is("state");
    meter.press("?");
    meter.is("help");
    meter.press("?");
    meter.is("state");
    meter.press("q");
    meter.ends();
}

#[test]
fn a_window_shows_what_fits() {
    let folder = folder();
    let db = recording(folder.path());
    let meter = Screen::start(&["--db", db.to_str().unwrap(), "--replay", "max"]);
    meter.is("end");
    for (rows, cols, name) in [(40, 120, "120x40"), (24, 80, "80x24"), (12, 50, "50x12")] {
        meter.resize(rows, cols);
        meter.is(name);
    }
    // Smaller than anything fits.
    meter.resize(1, 3);
    meter.resize(SIZE.rows, SIZE.cols);
    meter.shows("last warnings");
}

#[test]
fn time_stands_still_and_goes_on() {
    let folder = folder();
    let db = recording(folder.path());
    let part = ["--from", "2026-03-01T12:00:10Z", "--to", "2026-03-01T12:00:50Z"];
    let arguments = [&["--db", db.to_str().unwrap(), "--replay", "10x"], &part[..]].concat();
    let end = "story.db 10x 12:00:50";
    let mut meter = Screen::start(&arguments);
    // Groups that were joined before are known.
    meter.shows("chat");
    meter.press("p");
    meter.shows("PAUSED");
    let still = meter.text();
    assert!(!still.contains(end), "{still}");
    // Time passes until one that began later, and was not stopped, is at the end.
    Screen::start(&arguments).shows(end);
    assert_eq!(meter.text(), still);
    meter.press(" ");
    meter.shows(end);
    meter.press("\x03");
    meter.ends();
}

#[test]
fn signals_restore_the_terminal() {
    for signal in [Signal::Terminate, Signal::HangUp, Signal::Interrupt] {
        let folder = folder();
        let db = recording(folder.path());
        let meter = Screen::start(&["--db", db.to_str().unwrap(), "--replay", "1x"]);
        meter.shows("last warnings");
        process::signal(meter.child.process_id().unwrap(), signal);
        meter.ends();
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
    let mut meter = Screen::start(&[&arguments[..], &[db.to_str().unwrap()]].concat());
    let builder = zyre::Node::builder().interface("lo").beacon_port(port);
    let (node, _events) = builder.name("alice").join("garden").start().await.unwrap();
    meter.shows("● present alice");
    meter.shows("garden");
    node.stop().await;
    meter.shows("● gone    alice");
    meter.press("q");
    meter.ends();
    let store = Store::open(&db).unwrap();
    assert_eq!(store.directory().unwrap().all().filter(|one| one.name == "alice").count(), 1);
}
