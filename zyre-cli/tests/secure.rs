//! Secure nodes, as people set them up: a network of twelve words, and lists of keys.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Program, free_port};

/// Runs a command as a user with this home, with a line of input; returns what it prints.
fn run_at_home(home: &str, arguments: &[&str], input: Option<&str>) -> (bool, String) {
    let mut program = Program::start_at_home(home, arguments);
    if let Some(input) = input {
        program.say(input);
    }
    let success = program.end().success();
    (success, program.transcript())
}

fn chat(home: &str, nick: &str, port: &str, more: &[&str]) -> Program {
    let arguments = ["chat", nick, "--interface", "lo", "--port", port];
    Program::start_at_home(home, &[&arguments[..], more].concat())
}

/// The line that has this many words, without a mark between them.
fn line_of(words: usize, text: &str) -> String {
    let is_it = |line: &&str| {
        let mut last = line.split(' ').rev().take(words.min(6));
        line.split_whitespace().count() == words
            && last.all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()))
    };
    text.lines().find(is_it).unwrap().to_owned()
}

#[test]
fn a_network_takes_one_command_and_one_line_pasted_elsewhere() {
    let homes = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let [alice, bob, eve] = homes.each_ref().map(|home| home.path().to_str().unwrap());
    let (made, told) = run_at_home(alice, &["network", "new"], None);
    assert!(made, "{told}");
    let words = line_of(12, &told);
    let (joined, told) = run_at_home(bob, &["network", "join"], Some(&words));
    assert!(joined && told.contains("zyre chat bob --network"), "{told}");
    let (again, told) = run_at_home(alice, &["network", "new"], None);
    assert!(!again && told.contains("is there already"), "{told}");
    let (shown, told) = run_at_home(bob, &["network", "show"], None);
    assert!(shown && told.contains(&words));
    // Eve has a network of her own, and one node without any.
    assert!(run_at_home(eve, &["network", "new"], None).0);

    let port = free_port();
    let mut alice = chat(alice, "alice", &port, &["--network"]);
    let eve_inside = chat(eve, "eve", &port, &["--network"]);
    let eve_plain = chat(eve, "eve", &port, &[]);
    let mut bob = chat(bob, "bob", &port, &["--network"]);
    alice.sees(&["* bob joined lobby"]);
    bob.sees(&["* alice joined lobby"]);
    alice.say("among us");
    bob.sees(&["[lobby] alice: among us"]);
    assert!(bob.end().success() && alice.end().success());
    for heard in [alice.transcript(), eve_inside.transcript(), eve_plain.transcript()] {
        assert!(!heard.contains("* eve") && !heard.contains("* alice"), "{heard}");
    }
}

#[test]
fn words_are_typed_where_they_are_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().to_str().unwrap();
    let port = free_port();
    let words = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    let typed = |nick| {
        let chat = chat(home, nick, &port, &["--network=-"]);
        chat.say(words);
        chat
    };
    let (alice, bob) = (typed("alice"), typed("bob"));
    alice.sees(&["* bob joined lobby"]);
    bob.sees(&["* alice joined lobby"]);
    let (done, told) = run_at_home(home, &["network", "join"], Some("legal winner hush"));
    assert!(!done && told.contains("12 words are required, not 3"), "{told}");
    let (done, told) =
        run_at_home(home, &["network", "join"], Some(&words.replace("year", "hush")));
    assert!(!done && told.contains("word 4 is not one") && !told.contains("hush"), "{told}");
}

#[test]
fn lists_of_keys_are_trusted() {
    let homes = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [alice, bob] = homes.each_ref().map(|home| home.path().to_str().unwrap());
    let [of_alice, of_bob] = [alice, bob].map(|home| {
        let (shown, told) = run_at_home(home, &["keys"], None);
        assert!(shown, "{told}");
        // The key, and six words.
        line_of(7, &told)
    });
    let (_, again) = run_at_home(alice, &["keys"], None);
    assert!(again.contains(&of_alice), "it is kept");
    let key = of_bob.split(' ').next().unwrap();
    let (_, told) = run_at_home(alice, &["keys", key], None);
    assert!(told.contains(&of_bob), "of somebody else");
    let list = |home: &str, line: &str| {
        let list = format!("{home}/friends");
        std::fs::write(&list, format!("{line}\n")).unwrap();
        list
    };
    let lists = [list(alice, &of_bob), list(bob, &of_alice)];
    let port = free_port();
    let alice_chat = chat(alice, "alice", &port, &["--trust", &lists[0]]);
    let bob_chat = chat(bob, "bob", &port, &["--trust", &lists[1]]);
    alice_chat.sees(&["* bob joined lobby"]);
    bob_chat.sees(&["* alice joined lobby"]);
}

#[test]
fn what_cannot_be_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().to_str().unwrap();
    for (arguments, answer) in [
        (&["chat", "a", "--network"][..], "there is no network yet"),
        (&["chat", "a", "--key", "k"], "--key needs --network or --trust"),
        (&["chat", "a", "--trust", "nowhere"], "nowhere cannot be used"),
        (&["chat", "a", "--network=nowhere"], "nowhere cannot be used"),
        (&["keys", "nonsense"], "a public key has 40 characters"),
    ] {
        let (done, told) = run_at_home(home, arguments, None);
        assert!(!done && told.contains(answer), "{arguments:?}: {told}");
    }
    assert!(run_at_home(home, &["network", "new"], None).0);
    let received = format!("{home}/received");
    let (done, told) = run_at_home(home, &["listen", "--received", &received, "--network"], None);
    assert!(!done && told.contains("a secure node cannot have file sharing yet"), "{told}");
}
