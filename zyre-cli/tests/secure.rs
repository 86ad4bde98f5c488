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
        (&["chat", "a", "--key", "k"], "--key also needs --network or --trust"),
        (&["chat", "a", "--trust", "nowhere"], "nowhere cannot be used"),
        (&["chat", "a", "--network=nowhere"], "nowhere cannot be used"),
        (&["keys", "nonsense"], "a public key has 40 characters"),
    ] {
        let (done, told) = run_at_home(home, arguments, None);
        assert!(!done && told.contains(answer), "{arguments:?}: {told}");
    }
    assert!(run_at_home(home, &["network", "new"], None).0);
    let connects = ["peer", "--network", "--gossip-connect", "127.0.0.1:9"];
    let (done, told) = run_at_home(home, &connects, None);
    assert!(!done && told.contains("write tcp://127.0.0.1:9|KEY"), "{told}");
}

/// The words of the network of alice, which bob joins.
fn join(alice: &str, bob: &str) {
    let (made, told) = run_at_home(alice, &["network", "new"], None);
    assert!(made, "{told}");
    let (joined, told) = run_at_home(bob, &["network", "join"], Some(&line_of(12, &told)));
    assert!(joined, "{told}");
}

/// The key of a user, and its words.
fn key_of(home: &str) -> (String, String) {
    let (shown, told) = run_at_home(home, &["keys"], None);
    assert!(shown, "{told}");
    let line = line_of(7, &told);
    let (key, words) = line.split_once("  ").unwrap();
    (key.to_owned(), words.to_owned())
}

#[test]
fn files_are_shared_among_the_members_of_a_network() {
    let homes = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let [alice, bob, eve] = homes.each_ref().map(|home| home.path().to_str().unwrap());
    join(alice, bob);
    let file = format!("{alice}/secret.txt");
    std::fs::write(&file, "among us").unwrap();
    let port = free_port();
    let on = |home: &str, arguments: &[&str]| {
        let lo = ["--interface", "lo", "--port", &port];
        Program::start_at_home(home, &[arguments, &lo].concat())
    };
    let plain = on(eve, &["listen", "--received", &format!("{eve}/received")]);
    let listen = on(bob, &["listen", "--network", "--received", &format!("{bob}/received")]);
    let share = on(alice, &["share", "--network", "--name", "alice", &file]);
    let line = listen.sees(&["alice: /secret.txt, 8 B, is at "]);
    let (_, path) = line.split_once("is at ").unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "among us");
    share.sees(&["has /secret.txt, 8 B"]);
    // The one that is not in it is told of, once, and hears nothing.
    plain.sees(&["2 secure nodes here are ignored"]);
    assert!(!plain.transcript().contains("alice"));
}

#[test]
fn strangers_are_let_in_by_the_words_that_they_read_aloud() {
    let homes = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [alice, bob] = homes.each_ref().map(|home| home.path().to_str().unwrap());
    let [(_, of_alice), (_, of_bob)] = [alice, bob].map(key_of);
    let port = free_port();
    let alice = chat(alice, "alice", &port, &["--ask"]);
    let bob = chat(bob, "bob", &port, &["--ask"]);
    alice.sees(&["Your words, for those who ask: ", &of_alice]);
    alice.sees(&["a stranger at 127.0.0.1 has the words: ", &of_bob]);
    alice.say("/trust these are no words");
    alice.sees(&["6 words are required, not 4"]);
    alice.say(&format!("/trust {of_bob}"));
    bob.say(&format!("/trust {of_alice}"));
    alice.sees(&["* bob joined lobby"]);
    bob.sees(&["* alice joined lobby"]);
    alice.say("between us");
    bob.sees(&["[lobby] alice: between us"]);
}

#[test]
fn a_gossip_hub_is_connected_to_by_its_key() {
    let homes = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [alice, bob] = homes.each_ref().map(|home| home.path().to_str().unwrap());
    join(alice, bob);
    let (key, _) = key_of(alice);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let start = |home: &str, name: &str, option: &str, hub: &str| {
        let node = ["peer", "--network", "--interface", "lo", "--no-beacon"];
        Program::start_at_home(home, &[&node[..], &["--name", name, option, hub]].concat())
    };
    let hub = start(alice, "hub", "--gossip-listen", &free.to_string());
    let client = start(bob, "client", "--gossip-connect", &format!("{free}|{key}"));
    hub.meets("client");
    client.meets("hub");
}
