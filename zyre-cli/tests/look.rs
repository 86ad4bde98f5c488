//! `zyre ls`, `watch`, `shout` and `whisper`, as scripts use them.

#![allow(clippy::unwrap_used)]

mod common;

use std::process::Output;

use common::{Program, free_port, run};
use serde_json::{Value, json};

/// A node called alice in the group chat, and how others meet it.
fn alice() -> (Program, Value, Vec<String>) {
    let port = free_port();
    let lo = ["--interface", "lo", "--port", &port];
    let own = ["peer", "--name", "alice", "--join", "chat", "--header", "X-ROLE=cook"];
    let alice = Program::start(&[&own[..], &lo[..]].concat());
    let started = alice.tells(&json!({ "event": "STARTED" }));
    (alice, started, lo.iter().map(ToString::to_string).collect())
}

fn zyre(arguments: &[&str], lo: &[String]) -> (Option<i32>, String, String) {
    let lo = lo.iter().map(String::as_str);
    let Output { status, stdout, stderr } =
        run(&arguments.iter().copied().chain(lo).collect::<Vec<_>>());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn who_is_there_is_listed() {
    let (_alice, started, lo) = alice();
    let (code, listed, told) = zyre(&["ls"], &lo);
    assert_eq!((code, &*told), (Some(0), ""));
    let at = started["endpoint"].as_str().unwrap().strip_prefix("tcp://").unwrap();
    let [line] = listed.lines().collect::<Vec<_>>()[..] else { panic!("{listed}") };
    let id = &started["peer"].as_str().unwrap()[..8];
    for part in [&format!("alice  {id}  {at}  present  in chat"), "X-ROLE=cook"] {
        assert!(line.contains(part), "{line}");
    }
    let (code, listed, told) = zyre(&["ls", "--json"], &lo);
    assert_eq!((code, &*told), (Some(0), ""));
    let peer: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(
        [&peer["peer"], &peer["endpoint"], &peer["name"], &peer["groups"], &peer["liveness"]],
        [
            &started["peer"],
            &started["endpoint"],
            &json!("alice"),
            &json!(["chat"]),
            &json!("present")
        ]
    );
    assert_eq!(peer["headers"]["X-ROLE"], "cook");
    assert_eq!((&peer["key"], &peer["link"].is_string()), (&Value::Null, &true));
}

#[test]
fn nobody_is_one_and_a_mistake_is_two() {
    let port = free_port();
    let lo = ["--interface", "lo", "--port", &port].map(ToOwned::to_owned);
    let (code, listed, told) = zyre(&["ls", "--wait", "0.3"], &lo);
    assert_eq!((code, &*listed), (Some(1), ""));
    assert!(told.contains("nobody is there") && told.contains("zyre doctor"), "{told}");
    let (code, listed, _) = zyre(&["ls", "--json", "--wait", "0.3"], &lo);
    assert_eq!((code, &*listed), (Some(1), ""));
    for (arguments, said) in [
        (&["ls", "--interface", "nowhere0"][..], "no usable interface nowhere0"),
        (&["watch", "--interface", "nowhere0"], "no usable interface nowhere0"),
        (&["shout", "g", "x", "--interface", "nowhere0"], "no usable interface nowhere0"),
        (&["ls", "--wait", "soon"], "a number of seconds"),
        (&["shout", "g"], "<TEXT>"),
        (&["shout", "", "x", "--interface", "lo", "--wait", "0"], "a group name cannot be empty"),
        (&["whisper"], "<NAME|ID>"),
        (&["doctor", "--port", "0", "--interface", "lo"], "cannot be 0"),
    ] {
        let (code, listed, told) = zyre(arguments, &[]);
        assert_eq!((code, &*listed), (Some(2), ""), "{arguments:?}: {told}");
        assert!(told.contains(said), "{arguments:?}: {told}");
    }
}

#[test]
fn one_line_says_something_and_whether_it_has_left() {
    let (alice, started, lo) = alice();
    let (code, said, told) = zyre(&["shout", "chat", "hello", "there", "--name", "bob"], &lo);
    assert_eq!((code, &*said, &*told), (Some(0), "", ""));
    let heard =
        json!({"event": "SHOUT", "group": "chat", "name": "bob", "content": ["hello there"]});
    alice.tells(&heard);
    let id = started["peer"].as_str().unwrap();
    let short = format!("#{}", &id[..6]);
    for (n, to) in ["alice", id, &short].into_iter().enumerate() {
        let text = n.to_string();
        let (code, said, told) = zyre(&["whisper", to, &text], &lo);
        assert_eq!((code, &*said, &*told), (Some(0), "", ""), "{to}");
        alice.tells(&json!({ "event": "WHISPER", "content": [text] }));
    }
    for (arguments, why) in [
        (["shout", "elsewhere", "x", "--wait", "1"], "nobody is in elsewhere"),
        (["whisper", "carol", "x", "--wait", "1"], "carol is not there"),
    ] {
        let (code, said, told) = zyre(&arguments, &lo);
        assert_eq!((code, &*said), (Some(1), ""), "{told}");
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn what_is_piped_is_one_message() {
    let (alice, _, lo) = alice();
    let lo: Vec<&str> = lo.iter().map(String::as_str).collect();
    let mut shout = Program::start(&[&["shout", "chat", "-"], &lo[..]].concat());
    shout.say("first line");
    shout.say("second line");
    assert!(shout.end().success());
    alice.tells(&json!({ "event": "SHOUT", "content": ["first line\nsecond line"] }));
}

#[test]
fn a_name_that_two_have_is_not_whispered_to() {
    let (_alice, _, lo) = alice();
    let lo_arguments: Vec<&str> = lo.iter().map(String::as_str).collect();
    let other = Program::start(&[&["peer", "--name", "alice"], &lo_arguments[..]].concat());
    other.meets("alice");
    let (code, _, told) = zyre(&["whisper", "alice", "x"], &lo);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("several nodes are called alice: say which by its id"), "{told}");
}

#[test]
fn what_happens_is_told_in_words_and_as_json() {
    let (alice, started, lo) = alice();
    let lo: Vec<&str> = lo.iter().map(String::as_str).collect();
    let watch = |more: &[&str]| Program::start(&[&["watch", "--join", "chat"], more, &lo].concat());
    let (mut words, mut objects) = (watch(&[]), watch(&["--json"]));
    words.sees(&["alice is here: ", "at 127.0.0.1:"]);
    words.sees(&["alice joined chat"]);
    objects.tells(&json!({"event": "JOIN", "group": "chat", "peer": started["peer"]}));
    // Both are in the group.
    let joined = json!({ "event": "JOIN", "group": "chat", "name": "zyre-watch" });
    testkit::wait::blocking_until("both join", || alice.count_reports(&joined) == 2);
    alice.say("shout chat hello\x1b[2J");
    words.sees(&["[chat] alice: hello␛[2J"]);
    objects.tells(&json!({ "event": "SHOUT", "content": ["hello\u{1b}[2J"] }));
    alice.say("leave chat");
    words.sees(&["alice left chat"]);
    alice.say("quit");
    words.sees(&["alice has left"]);
    objects.tells(&json!({ "event": "EXIT", "reason": "goodbye" }));
    for program in [&mut words, &mut objects] {
        program.interrupt();
        assert!(program.end().success());
    }
    objects.tells(&json!({ "event": "STOPPED" }));
    assert_eq!(objects.transcript(), "", "no text among the objects");
}

#[test]
fn the_environment_stands_for_options() {
    let (_alice, _, lo) = alice();
    let done = common::command(&["ls", "--json"])
        .envs([("ZYRE_INTERFACE", "lo"), ("ZYRE_PORT", &lo[3]), ("ZYRE_NAME", "carol")])
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let peer: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(peer["name"], "alice");
    let home = tempfile::tempdir().unwrap();
    let key = home.path().join("elsewhere");
    let done = common::command(&["keys"]).env("ZYRE_KEY", &key).output().unwrap();
    assert!(done.status.success() && key.exists(), "{done:?}");
}

#[test]
fn shells_and_manuals_know_all_commands() {
    let all =
        ["ls", "watch", "doctor", "chat", "shout", "whisper", "share", "listen", "track", "peer"];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let done = run(&["completions", shell]);
        let script = String::from_utf8(done.stdout).unwrap();
        assert!(done.status.success());
        all.iter().for_each(|name| assert!(script.contains(name), "{shell}: {name}"));
    }
    let pages = tempfile::tempdir().unwrap();
    assert!(run(&["man", pages.path().to_str().unwrap()]).status.success());
    for name in all {
        let page = std::fs::read_to_string(pages.path().join(format!("zyre-{name}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{name}");
    }
    assert!(!pages.path().join("zyre-man.1").exists());
}
