//! `zyre chat`, as scripts use it: several processes on the loopback interface.

mod common;

use common::{Program, free_port, run};

fn chat(nick: &str, port: &str) -> Program {
    Program::start(&["chat", nick, "--interface", "lo", "--port", port])
}

/// Two who have met in the lobby.
fn two() -> (Program, Program, String) {
    let port = free_port();
    let (alice, bob) = (chat("alice", &port), chat("bob", &port));
    alice.sees(&["* bob joined lobby"]);
    bob.sees(&["* alice joined lobby"]);
    (alice, bob, port)
}

#[test]
fn it_says_where_it_is() {
    let mut alice = chat("alice", &free_port());
    alice.sees(&["You are alice in room lobby, at 127.0.0.1:", "/help"]);
    assert!(alice.end().success());
    // Loopback was asked for: nothing to warn of.
    assert_eq!(alice.count("only this machine"), 0);
}

#[test]
fn people_meet_and_talk() {
    let (mut alice, mut bob, _) = two();
    alice.sees(&["* bob is here, at 127.0.0.1:"]);
    alice.say("hello everybody");
    bob.sees(&["[lobby] alice: hello everybody"]);
    bob.say("/msg alice just for you");
    alice.sees(&["(whisper) bob: just for you"]);
    bob.sees(&["(to alice) bob: just for you"]);
    alice.say("//quit is how to go");
    bob.sees(&["[lobby] alice: /quit is how to go"]);

    bob.say("/quit");
    alice.sees(&["* bob left the chat"]);
    assert!(bob.end().success());
    alice.say("still there?");
    alice.sees(&["nobody else is in lobby"]);
    assert!(alice.end().success());
    assert_eq!(alice.count("hello everybody"), 1, "one's own message is shown once");
}

#[test]
fn people_meet_without_beacons_and_hear_why_they_do_not() {
    let [here, nowhere] = [free_port(), free_port()];
    let silent = |nick, more: &[&str]| {
        let arguments = ["chat", nick, "--interface", "lo", "--no-beacon"];
        Program::start(&[&arguments[..], more].concat())
    };
    let alice = silent("alice", &["--mailbox", &here]);
    alice.sees(&["You are alice in room lobby"]);
    let [here, nowhere] = [here, nowhere].map(|port| format!("127.0.0.1:{port}"));
    let bob = silent("bob", &["--require", &here, "--require", &nowhere]);
    alice.sees(&["* bob joined lobby"]);
    bob.sees(&["* alice joined lobby"]);
    bob.sees(&["* nobody can be met at tcp://", &nowhere, "it refuses connections"]);
}

#[test]
fn rooms() {
    let (alice, bob, _) = two();
    bob.say("/join games");
    bob.sees(&["you are in games now, with nobody else"]);
    alice.sees(&["* bob joined games"]);
    alice.say("/room games");
    alice.sees(&["you are not in games but in lobby: /join games"]);
    alice.say("/join games");
    alice.sees(&["you are in games now, with bob"]);
    alice.say("chess?");
    bob.sees(&["[games] alice: chess?"]);
    alice.say("/peers");
    alice.sees(&["  bob  #", "127.0.0.1:", "active", "games, lobby"]);

    bob.say("/leave");
    bob.sees(&["you have left games; you talk in lobby"]);
    alice.sees(&["* bob left games"]);
    bob.say("/leave lobby");
    bob.sees(&["you have left lobby, and are in no room"]);
    bob.say("anybody?");
    bob.sees(&["you are in no room: /join ROOM"]);
    alice.sees(&["* bob left lobby"]);
    alice.say("/room lobby");
    alice.say("and I am back");
    alice.sees(&["[lobby] alice: and I am back"]);
}

#[test]
fn mistakes_are_explained() {
    let mut alice = chat("alice", &free_port());
    for (line, answer) in [
        ("/shrug", "there is no /shrug: /help lists"),
        ("/join", "this is written /join ROOM"),
        ("/msg carol", "this is written /msg NICK TEXT"),
        ("/msg carol hello", "nobody here is called carol"),
        ("/msg alice hello", "that is you"),
        ("/leave kitchen", "you are not in kitchen but in lobby"),
        ("/nick carol", "a nick is told when peers meet, and stays"),
        ("/peers", "nobody else is here"),
        ("/help", "  TEXT             say it"),
        (&format!("/join {}", "x".repeat(256)), "group name of 256 bytes is too long"),
    ] {
        alice.say(line);
        alice.sees(&[answer]);
    }
    assert!(alice.end().success());
}

#[test]
fn the_same_nick_twice() {
    let port = free_port();
    let alice = chat("alice", &port);
    let (mut one, mut two) = (chat("bob", &port), chat("bob", &port));
    let met = "* alice joined lobby";
    one.sees(&[met]);
    two.sees(&[met]);
    alice.sees(&["* bob is here"]);
    // The second one is told apart at once.
    let line = alice.sees(&["* bob#", " is here"]);
    alice.say("/msg bob which?");
    alice.sees(&["which one do you mean: bob#", ", bob#"]);
    let label = line.split_whitespace().find(|word| word.starts_with("bob#")).unwrap();
    alice.say(&format!("/msg {label} you"));
    alice.sees(&[&format!("(to {label}) alice: you")]);
    alice.say("and you both");
    for bob in [&mut one, &mut two] {
        bob.sees(&["[lobby] alice: and you both"]);
    }
    assert_eq!(one.count("(whisper) alice: you") + two.count("(whisper) alice: you"), 1);
}

#[test]
fn escape_sequences_do_not_reach_the_terminal() {
    let port = free_port();
    let mut alice = chat("alice", &port);
    let name = "m\x1b[31mallory\u{202e}";
    let mallory = Program::start(&["peer", "--name", name, "--interface", "lo", "--port", &port]);
    alice.sees(&["* m␛[31mallory\u{fffd} is here"]);
    let id = mallory.meets("alice");

    mallory.say(&format!("whisper {id} \x1b[2J\x1b]0;owned\x07 \u{9b}1m\rfake"));
    alice.sees(&["(whisper) m␛[31mallory\u{fffd}: ␛[2J␛]0;owned␇ \u{fffd}1m␍fake"]);
    mallory.say("join \x1b[1mroom");
    alice.sees(&["joined ␛[1mroom"]);
    mallory.say("shout lobby \x1b[1A\x08");
    alice.sees(&["[lobby]", ": ␛[1A␈"]);
    alice.say("/peers");
    alice.sees(&["127.0.0.1:", "␛[1mroom"]);
    mallory.say("quit");
    alice.sees(&["left the chat"]);
    assert!(alice.end().success());
    for line in alice.transcript().lines() {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

#[test]
fn a_crash_is_noticed() {
    let (alice, mut bob, _) = two();
    bob.crash();
    alice.sees(&["* bob is gone: connection lost"]);
}

#[test]
#[cfg(unix)]
fn an_interrupt_is_a_farewell() {
    let (alice, mut bob, _) = two();
    bob.interrupt();
    assert!(bob.end().success());
    alice.sees(&["* bob left the chat"]);
}

#[test]
#[cfg(unix)]
fn one_that_hangs_is_noticed() {
    let (alice, bob, _) = two();
    bob.suspend();
    alice.sees(&["* bob has become quiet"]);
    alice.sees(&["* bob does not answer"]);
    alice.say("/peers");
    alice.sees(&["  bob  #", "does not answer"]);
    bob.resume();
}

#[test]
fn what_cannot_be_is_refused() {
    let (port, long) = (free_port(), "x".repeat(300));
    let lo = ["--interface", "lo", "--port", &port];
    for (arguments, code, answer) in [
        (vec![long.as_str()], 1, "zyre chat: a name of 300 bytes is too long"),
        (vec!["alice", "--room", &long], 1, "zyre chat: a group name of 300 bytes is too long"),
        (vec![""], 2, "a name cannot be empty"),
        (vec!["alice", "--room", " "], 2, "a name cannot be empty"),
        (vec!["alice", "--volume", "11"], 2, "unexpected argument '--volume'"),
    ] {
        let done = run(&[vec!["chat"], arguments, lo.to_vec()].concat());
        let told = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{told}");
        assert!(told.contains(answer), "{told}");
        assert_eq!(done.stdout, b"");
    }
    let done = run(&["chat", "alice", "--interface", "nowhere0", "--port", &port]);
    let told = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains("zyre chat: no usable interface nowhere0; there are: "), "{told}");
    assert!(told.contains("lo (127.0.0.1"), "{told}");
}
