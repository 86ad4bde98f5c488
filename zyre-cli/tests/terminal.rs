//! Every command in a pseudo-terminal of 80 × 24 and of 40 × 12: no line is longer than the screen, and
//! what people see is for people.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::{Program, free_port};
use tempfile::TempDir;
use testkit::process::{self, Signal};
use testkit::screen::Screen;

/// Rows and columns.
const SIZES: [[u16; 2]; 2] = [[24, 80], [12, 40]];

/// A user, at a terminal of this size.
struct User {
    home: TempDir,
    port: String,
    size: [u16; 2],
}

impl User {
    fn at(size: [u16; 2]) -> Self {
        Self { home: tempfile::tempdir().unwrap(), port: free_port(), size }
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).to_str().unwrap().to_owned()
    }

    /// Starts a command.
    fn start(&self, arguments: &[&str]) -> Screen {
        let home = self.home.path().to_str().unwrap();
        let homes = ["HOME", "XDG_STATE_HOME", "LOCALAPPDATA"].map(|name| (name, home));
        Screen::start(env!("CARGO_BIN_EXE_zyre"), arguments, &homes, self.size)
    }

    /// Starts a command that has a node, on loopback.
    fn start_node(&self, arguments: &[&str]) -> Screen {
        self.start(&[arguments, &self.network()[..]].concat())
    }

    fn network(&self) -> [&str; 4] {
        ["--interface", "lo", "--port", &self.port]
    }

    /// Starts a node of somebody else.
    fn node(&self, arguments: &[&str]) -> Program {
        Program::start(&[&["peer"], arguments, &self.network()[..]].concat())
    }
}

fn fits(screen: &Screen) {
    let too_long = screen.too_long();
    assert!(too_long.is_empty(), "{too_long:#?} of\n{}", screen.lines().join("\n").trim_end());
}

/// Ends a command that runs until it is interrupted.
fn interrupt(mut screen: Screen) {
    fits(&screen);
    screen.press("\x03");
    assert_eq!(screen.ends(), 0);
}

#[test]
fn what_is_listed_fits() {
    for size in SIZES {
        let user = User::at(size);
        let group = "a group with a long name";
        let header = "X-WHAT-IT-IS=a machine in the cellar, behind the heating";
        let _alice = user.node(&["--name", "alice", "--join", group, "--header", header]);
        let _bob = user.node(&["--name", "写真 写真"]);
        let ls = user.start_node(&["ls"]);
        ls.shows("heating");
        ls.shows("写真");
        fits(&ls);
        assert_eq!(ls.ends(), 0);
        let doctor = user.start_node(&["doctor", "--wait", "3"]);
        doctor.shows("nothing is wrong");
        fits(&doctor);
        assert_eq!(doctor.ends(), 0);
        let whisper =
            user.start_node(&["whisper", "somebody who is not there", "x", "--wait", "0.5"]);
        whisper.shows("zyre ls says who");
        fits(&whisper);
        assert_eq!(whisper.ends(), 1);
    }
}

#[test]
fn what_happens_fits() {
    for size in SIZES {
        let user = User::at(size);
        let watch = user.start_node(&["watch", "--join", "a room with a long name"]);
        watch.shows("Ctrl-C");
        let alice = user.node(&["--name", "alice", "--join", "a room with a long name"]);
        watch.shows("joined");
        let _ = alice.meets("zyre-watch");
        let text = "it is a long story ".repeat(6);
        alice.say(&format!("shout a room {text}"));
        alice.tells(&serde_json::json!({ "event": "JOIN", "name": "zyre-watch" }));
        // The group has spaces, which the protocol of `peer` has not.
        let id = alice.meets("zyre-watch");
        alice.say(&format!("whisper {id} {text} the end"));
        watch.shows("the end");
        drop(alice);
        watch.shows("is gone");
        assert!(!watch.lines().iter().any(|line| line.contains('{')), "no JSON for people");
        interrupt(watch);
    }
}

#[test]
fn a_chat_fits_and_what_is_pasted_is_text() {
    for size in SIZES {
        let user = User::at(size);
        let mut chat = user.start_node(&["chat", "alice"]);
        chat.shows("/help helps");
        let bob = user.node(&["--name", "bob", "--join", "lobby"]);
        chat.shows("bob joined");
        let id = bob.meets("alice");
        bob.tells(&serde_json::json!({ "event": "JOIN", "group": "lobby" }));
        let text = "it is a long story ".repeat(8);
        bob.say(&format!("whisper {id} {text} the end"));
        chat.shows("the end");
        chat.press("/help\r");
        chat.shows("Ctrl-C");
        chat.press("/peers\r");
        chat.shows("active");
        chat.press("/etc/passwd\r");
        chat.shows("there is no /etc/passwd");
        chat.press("\x1b[200~/etc/passwd\n/quit\nand text\x1b[201~\r");
        for line in ["/etc/passwd", "/quit", "and text"] {
            bob.tells(&serde_json::json!({ "event": "SHOUT", "content": [line] }));
        }
        bob.suspend();
        chat.shows("does not answer");
        bob.resume();
        chat.shows("is back");
        chat.press("/quit\r");
        fits(&chat);
        assert_eq!(chat.ends(), 0);
        bob.tells(&serde_json::json!({ "event": "EXIT", "reason": "goodbye" }));
    }
}

#[test]
fn a_chat_that_is_suspended_comes_back_with_the_line_that_was_typed() {
    let user = User::at(SIZES[0]);
    let bob = user.node(&["--name", "bob", "--join", "lobby"]);
    let home = user.home.path().to_str().unwrap();
    let mut shell = Screen::start("sh", &["-i"], &[("HOME", home), ("PS1", "$ ")], user.size);
    let chat = [&[env!("CARGO_BIN_EXE_zyre"), "chat", "alice"], &user.network()[..]].concat();
    shell.press(&format!("{}\r", chat.join(" ")));
    shell.shows("bob joined");
    shell.press("half a line");
    shell.shows("> half a line");
    shell.press("\x1a");
    shell.shows("Stopped");
    shell.press("fg\r");
    // The prompt and the line are below all that was there before.
    let is_last = |shown: &str| {
        let mut lines = shown.lines().filter(|line| !line.is_empty());
        lines.next_back().is_some_and(|line| line.ends_with("alice> half a line"))
    };
    shell.waits(is_last, "the line is not there");
    shell.press(" more\r");
    bob.tells(&serde_json::json!({ "event": "SHOUT", "content": ["half a line more"] }));
    shell.press("/quit\r");
    bob.tells(&serde_json::json!({ "event": "EXIT", "reason": "goodbye" }));
    shell.press("exit\r");
    assert_eq!(shell.ends(), 0);
}

/// More than goes through a loopback interface before anybody looks.
const LARGE: u64 = 1 << 28;

#[test]
fn files_on_their_way_fit() {
    for size in SIZES {
        let user = User::at(size);
        let [large, received] = ["a film with a rather long name.mkv", "received"];
        let [large, received] = [large, received].map(|name| user.path(name));
        fs::File::create(&large).unwrap().set_len(LARGE).unwrap();
        let listen = user.start_node(&["listen", "--received", &received, "--name", "bob"]);
        listen.shows("listening as bob");
        let share = user.start_node(&["share", &large, "--name", "alice", "--ephemeral"]);
        share.shows("sharing as alice");
        // A bar, as wide as there is room.
        let bar = if size[1] < 60 { "%, " } else { "% of 256.00 MiB" };
        listen.shows(bar);
        // It stands still while it is looked at.
        process::signal(share.process_id(), Signal::Stop);
        listen.shows("stalled");
        let stalled = listen.text();
        let line = stalled.lines().find(|line| line.contains("stalled")).unwrap();
        assert!(line.contains(bar) && console::measure_text_width(line) < usize::from(size[1]));
        fits(&listen);
        process::signal(share.process_id(), Signal::Continue);
        interrupt(share);
        listen.shows("alice is gone");
        assert!(!listen.lines().iter().any(|line| line.contains('{')), "no JSON for people");
        interrupt(listen);
    }
}

#[test]
fn a_copy_fits() {
    for size in SIZES {
        let user = User::at(size);
        let [source, copy] = ["source", "copy"].map(|name| user.path(name));
        fs::create_dir(&source).unwrap();
        fs::write(format!("{source}/a file with a rather long name that is told.txt"), "x")
            .unwrap();
        let track = user.start(&["track", &source, &copy, "--eager"]);
        track.shows("told.txt, 1 B");
        fs::remove_dir_all(&source).unwrap();
        fs::create_dir(&source).unwrap();
        interrupt(track);
    }
}

/// The protocol of `peer` is JSON, and nothing else, whatever it is written to.
#[test]
fn a_node_for_programs_writes_objects_only() {
    let size = [24, 200];
    let user = User::at(size);
    let mut peer = user.start_node(&["peer", "--name", "alice"]);
    peer.shows("STARTED");
    peer.press("nonsense\r");
    peer.shows("unknown command");
    peer.press("quit\r");
    peer.shows("STOPPED");
    let lines = peer.lines();
    let typed = ["nonsense", "quit"];
    for line in lines.iter().filter(|line| !line.is_empty() && !typed.contains(&line.as_str())) {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
    assert_eq!(peer.ends(), 0);
}

#[test]
fn help_and_mistakes_fit() {
    for size in SIZES {
        let user = User::at(size);
        for command in [
            "ls", "watch", "doctor", "chat", "shout", "whisper", "share", "listen", "track", "peer",
        ] {
            let help = user.start(&[command, "--help"]);
            help.waits(|shown| shown.contains("-h, --help"), "no help");
            // Nobody cuts the usage.
            let too_long = help.too_long();
            assert!(too_long.iter().all(|line| line.starts_with("Usage: ")), "{too_long:#?}");
            assert_eq!(help.ends(), 0);
            let mistake = user.start(&[command, "--interface", "nowhere0", "x", "y"]);
            let words = ["nowhere0", "unexpected", "no usable", "required", "other"];
            mistake.waits(|shown| words.iter().any(|word| shown.contains(word)), command);
            let too_long = mistake.too_long();
            assert!(too_long.iter().all(|line| line.starts_with("Usage: ")), "{too_long:#?}");
            assert_ne!(mistake.ends(), 0, "{command}");
        }
    }
}
