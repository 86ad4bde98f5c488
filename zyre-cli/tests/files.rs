//! `zyre share`, `listen` and `track`: files from one process to another.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::{Program, free_port, run};
#[cfg(unix)]
use testkit::process::Signal;
use testkit::wait::blocking_until;

#[test]
fn what_is_shared_with_a_group_comes_to_its_members() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    fs::create_dir(&photos).unwrap();
    fs::write(photos.join("1.jpg"), "a picture").unwrap();
    fs::write(photos.join(".album"), "x").unwrap();
    let (photos, received) = (photos.to_str().unwrap(), folder.path().join("received"));
    let port = free_port();
    let lo = ["--interface", "lo", "--port", &port, "--group", "holiday", "--ephemeral"];

    let received = received.to_str().unwrap();
    let mut listen =
        Program::start(&[&["listen", "--hidden", "--received", received], &lo[..]].concat());
    let mut share =
        Program::start(&[&["share", "--hidden", photos, "--name", "alice"], &lo[..]].concat());
    share.sees(&["sharing as alice"]);
    share.sees(&[photos, " is published as /photos"]);
    listen.sees(&["/photos/.album, 1 B, is at "]);
    let line = listen.sees(&["alice: /photos/1.jpg, 9 B, is at ", "received/alice/photos/1.jpg"]);
    let (_, path) = line.split_once("is at ").unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), "a picture");
    share.sees(&["has /photos/1.jpg, 9 B"]);

    fs::remove_file(folder.path().join("photos/1.jpg")).unwrap();
    listen.sees(&["has taken back /photos/1.jpg"]);
    share.interrupt();
    assert!(share.end().success());
    listen.sees(&["is gone"]);
    listen.interrupt();
    assert!(listen.end().success());
}

#[test]
fn one_person_gets_what_is_for_it_without_what_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("project");
    fs::create_dir(&project).unwrap();
    for name in ["main.rs", "a.tmp"] {
        fs::write(project.join(name), "x").unwrap();
    }
    let port = free_port();
    let lo = ["--interface", "lo", "--port", &port];
    let listen = |received: &str| {
        let received = folder.path().join(received);
        let own = ["listen", "--received", received.to_str().unwrap()];
        Program::start(&[&own[..], &lo[..]].concat())
    };
    let share = |own: &[&str]| {
        Program::start(&[&["share", project.to_str().unwrap()], own, &lo[..]].concat())
    };
    let watch = Program::start(&[&["peer"], &lo[..]].concat());
    let alice = listen("alice");
    let enter = watch.tells(&serde_json::json!({ "event": "ENTER" }));
    let [id, name] = ["peer", "name"].map(|field| enter[field].as_str().unwrap());
    let bob = listen("bob");
    bob.sees(&[name, "is here"]);
    let by_name = share(&["--to", name, "--ignore", "*.tmp", "--as", "by-name"]);
    by_name.sees(&[&format!("waiting for {name}")]);
    by_name.sees(&[" is published as /by-name"]);
    alice.sees(&["/by-name/main.rs, 1 B, is at "]);
    by_name.sees(&[name, "has /by-name/main.rs"]);
    let by_id = share(&["--to", id, "--as", "/by-id"]);
    by_id.sees(&[name, "has /by-id/main.rs"]);
    by_id.sees(&[name, "has /by-id/a.tmp"]);
    for mut program in [by_name, by_id, alice] {
        program.interrupt();
        assert!(program.end().success());
        assert_eq!(program.count("/by-name/a.tmp"), 0);
    }
    bob.sees(&[name, "is gone"]);
    assert_eq!(bob.count("/by-"), 0, "{}", bob.transcript());
}

#[test]
fn a_name_that_two_have_is_not_shared_with() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let lo = ["--interface", "lo", "--port", &port];
    let alices = [0, 1].map(|_| Program::start(&[&["peer", "--name", "alice"], &lo[..]].concat()));
    // They are here when they know each other.
    alices.iter().for_each(|alice| drop(alice.meets("alice")));
    let path = folder.path().join("photos");
    fs::create_dir(&path).unwrap();
    let share = ["share", path.to_str().unwrap(), "--to", "alice"];
    let done = run(&[&share[..], &lo[..]].concat());
    let told = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains("several nodes are called alice: use --to with the id"), "{told}");
}

#[test]
fn a_listener_that_asks_takes_what_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    fs::create_dir(&photos).unwrap();
    for name in ["1.jpg", "2.jpg", "3.jpg"] {
        fs::write(photos.join(name), "a picture").unwrap();
    }
    let (received, mine) = (folder.path().join("received"), folder.path().join("mine.jpg"));
    let (photos, received) = (photos.to_str().unwrap(), received.to_str().unwrap());
    let port = free_port();
    let lo = ["--interface", "lo", "--port", &port, "--ephemeral"];
    let mut listen =
        Program::start(&[&["listen", "--ask", "--received", received], &lo[..]].concat());
    listen.sees(&["type y and a number to take a file"]);
    let mut share = Program::start(&[&["share", photos], &lo[..]].concat());
    let number = |name: &str| {
        let line = listen.sees(&["] ", " offers /photos/", name, ", 9 B"]);
        line[1..].split_once(']').unwrap().0.to_owned()
    };
    let [one, two, three] = ["1.jpg", "2.jpg", "3.jpg"].map(number);
    listen.say("what?");
    listen.sees(&["n N [WHY]: decline"]);
    listen.say("y 99");
    listen.sees(&["there is no such offer"]);
    listen.say(&format!("y {one} {photos}/2.jpg"));
    listen.sees(&["a file cannot be put at "]);
    listen.say(&format!("n {two} I have it"));
    share.sees(&["does not want /photos/2.jpg: I have it"]);
    listen.say(&format!("y {one} {}", mine.display()));
    listen.sees(&["/photos/1.jpg, 9 B, is at ", "mine.jpg"]);
    assert_eq!(fs::read_to_string(mine).unwrap(), "a picture");
    listen.say("?");
    listen.say("y *");
    listen.sees(&["/photos/3.jpg, 9 B, is at "]);
    assert_eq!(listen.count(&format!("[{three}] ")), 2, "{}", listen.transcript());
    share.sees(&["has /photos/3.jpg, 9 B"]);
    listen.interrupt();
    assert!(listen.end().success());
    share.interrupt();
    assert!(share.end().success());
}

/// What is left out is told; SIGTERM and SIGHUP are an end like Ctrl-C, and nothing stays behind.
#[cfg(unix)]
#[test]
fn what_is_left_out_is_told_and_an_end_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    fs::create_dir(&photos).unwrap();
    for name in ["1.jpg", ".thumbs"] {
        fs::write(photos.join(name), "x").unwrap();
    }
    let port = free_port();
    let lo = ["--interface", "lo", "--port", &port];
    let state = folder.path().join("state");
    let share = ["share", photos.to_str().unwrap(), "--state", state.to_str().unwrap()];
    for signal in [Signal::Terminate, Signal::HangUp] {
        let peer = Program::start(&[&["peer"], &lo[..]].concat());
        let mut share = Program::start(&[&share[..], &lo[..]].concat());
        share.sees(&["/photos: 1 file, 1 B"]);
        share.sees(&["/photos: not published: .thumbs (hidden)"]);
        share.sees(&["is here"]);
        share.signal(signal);
        assert!(share.end().success());
        peer.tells(&serde_json::json!({ "event": "EXIT", "reason": "goodbye" }));
    }
}

/// A sender that is started again is the same one: it sends nothing again, and its folder stays. Each
/// that runs at the same time is another, also if it has the same name.
#[test]
fn a_sender_is_known_again_and_another_of_its_name_is_not_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let [film, talk, received, state] = ["film", "talk", "received", "state"].map(path);
    for file in [&film, &talk] {
        fs::write(file, file).unwrap();
    }
    let port = free_port();
    let lo = ["--interface", "lo", "--port", &port];
    let program = |arguments: &[&str]| Program::start(&[arguments, &lo[..]].concat());
    let listen = program(&["listen", "--received", &received, "--ephemeral"]);
    // The name is given once.
    for name in [&["--name", "alice"][..], &[]] {
        let mut share = program(&[&["share", &film, "--state", &state], name].concat());
        share.sees(&["sharing as alice"]);
        share.sees(&["has /film"]);
        share.interrupt();
        assert!(share.end().success());
    }
    let mut share = program(&["share", &talk, "--state", &state]);
    share.sees(&["has /talk, "]);
    listen.sees(&["received/alice/talk"]);
    // Its state is in use.
    let done = run(&[&["share", &film, "--state", &state], &lo[..]].concat());
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success() && told.contains("is in use by another node"), "{told}");
    let mut second = program(&["share", &film, "--name", "alice", "--ephemeral"]);
    listen.sees(&["received/alice-2/film"]);
    assert_eq!(listen.count("/alice/film"), 1);
    assert_eq!(listen.count("taken back"), 0, "what is not published any more stays");
    for program in [&mut share, &mut second] {
        program.interrupt();
        assert!(program.end().success());
    }
    fs::write(folder.path().join("state/identity"), "not an identity").unwrap();
    let done = run(&[&["share", &film, "--state", &state], &lo[..]].concat());
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success() && told.contains("identity is damaged"), "{told}");
}

/// Without options each command that runs has a state of its own, and the same after a restart.
#[cfg(not(target_vendor = "apple"))]
#[test]
fn each_command_that_runs_keeps_a_state() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().to_str().unwrap();
    let received = folder.path().join("received");
    let port = free_port();
    let arguments = ["listen", "--received", received.to_str().unwrap(), "--port", &port];
    let arguments = [&arguments[..], &["--interface", "lo"]].concat();
    let identity = |instance: &str| {
        fs::read_to_string(folder.path().join("zyre").join(instance).join("identity")).ok()
    };
    let mut kept = None;
    for _ in 0..2 {
        let mut listen = Program::start_at_home(home, &arguments);
        listen.sees(&["listening as"]);
        let before = std::mem::replace(&mut kept, identity("listen-1"));
        assert!(kept.is_some() && (before.is_none() || before == kept));
        listen.interrupt();
        assert!(listen.end().success());
    }
    let peer = run(&["peer", "--port", &port, "--interface", "lo", "--state", home]);
    let told = String::from_utf8_lossy(&peer.stdout).into_owned();
    let id = fs::read_to_string(folder.path().join("identity")).unwrap();
    let id = id.lines().find_map(|line| line.strip_prefix("id ")).unwrap().to_owned();
    assert!(told.contains(&id), "{told}");
    assert!(identity("peer-1").is_none() && identity("chat-1").is_none());
}

#[test]
fn a_copy_follows_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let [source, copy] = ["source", "copy"].map(|name| folder.path().join(name));
    fs::create_dir(&source).unwrap();
    fs::write(source.join("a"), "first").unwrap();
    let track =
        Program::start(&["track", "--eager", source.to_str().unwrap(), copy.to_str().unwrap()]);
    let copied = || fs::read_to_string(copy.join("a")).ok();
    blocking_until("a copy", || copied().is_some_and(|text| text == "first"));
    fs::write(source.join("a"), "second, and longer").unwrap();
    blocking_until("a new copy", || copied().is_some_and(|text| text == "second, and longer"));
    fs::remove_file(source.join("a")).unwrap();
    blocking_until("the end of the copy", || copied().is_none());
    track.interrupt();
    let mut track = track;
    assert!(track.end().success());
}

#[test]
fn mistakes_are_explained() {
    let port = free_port();
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a/photos", "b/photos"].map(|name| folder.path().join(name));
    [&a, &b].into_iter().for_each(|path| fs::create_dir_all(path).unwrap());
    let (a, b) = (a.to_str().unwrap(), b.to_str().unwrap());
    let lo = ["--interface", "lo", "--port", port.as_str()];
    let share = |own: &[&'static str]| [&["share", a], own, &lo[..]].concat();
    for (arguments, answer) in [
        (vec!["share", "--as", "/x", "a", "b"], "zyre share: --as names a single file or folder"),
        (
            vec!["share", "nowhere", "--interface", "lo", "--port", &port],
            "zyre share: nowhere cannot be ",
        ),
        (
            [&["share", a, b], &lo[..]].concat(),
            "would both be /photos; share one of them by itself",
        ),
        (share(&["--ignore", "{"]), "zyre share: \"{\" cannot be left out: "),
        (share(&["--as", "../photos"]), "zyre share: --as: "),
        (
            vec!["listen", "--inbox", "/dev/null/in", "--interface", "lo", "--port", &port],
            "zyre listen: the received folder /dev/null/in cannot be used: ",
        ),
        (vec!["track", "only-one"], "zyre track: name SRC and DST"),
        (vec!["track", "nowhere", "copy"], "zyre track: nowhere: "),
    ] {
        let done = run(&arguments);
        let told = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{told}");
        assert!(told.contains(answer), "{told}");
    }
}

/// Its files stay, so nothing else tells.
#[test]
fn that_a_shared_folder_is_gone_is_told_and_that_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let (photos, aside) = (folder.path().join("photos"), folder.path().join("aside"));
    fs::create_dir(&photos).unwrap();
    fs::write(photos.join("1.jpg"), "a picture").unwrap();
    let port = free_port();
    let arguments = ["--interface", "lo", "--port", &port, "--ephemeral"];
    let share = Program::start(&[&["share", photos.to_str().unwrap()], &arguments[..]].concat());
    share.sees(&["/photos: 1 file, 9 B"]);
    fs::rename(&photos, &aside).unwrap();
    share.sees(&["/photos: cannot be read: the directory is gone", "trying again"]);
    fs::rename(&aside, &photos).unwrap();
    share.sees(&["/photos: this is over: the directory is gone"]);
}

/// What is no event is a line as well.
#[test]
fn warnings_of_the_library_are_lines() {
    let folder = tempfile::tempdir().unwrap();
    let (file, place) = (folder.path().join("1.jpg"), folder.path().join("place"));
    fs::write(&file, "a picture").unwrap();
    fs::create_dir(&place).unwrap();
    let (home, received) = (folder.path().join("home"), folder.path().join("received"));
    let (home, received) = (home.to_str().unwrap(), received.to_str().unwrap());
    let port = free_port();
    let lo = ["--interface", "lo", "--port", &port];
    let listen = Program::start(
        &[&["listen", "--ask", "--ephemeral", "--received", received], &lo[..]].concat(),
    );
    let arguments = [&["share", file.to_str().unwrap(), "--name", "alice"], &lo[..]].concat();
    let mut share = Program::start_at_home(home, &arguments);
    listen.sees(&["[1] alice offers /1.jpg, 9 B"]);
    share.interrupt();
    assert!(share.end().success());
    listen.sees(&["alice is gone"]);
    // By the time at which the file comes its place is gone.
    listen.say(&format!("y 1 {}", place.join("mine.jpg").display()));
    listen.say("?");
    listen.sees(&["nothing is on offer"]);
    fs::remove_dir(&place).unwrap();
    let share = Program::start_at_home(home, &arguments);
    listen.sees(&["warning: the file stays at ", "received/alice/1.jpg"]);
    listen.sees(&["alice: /1.jpg, 9 B, is at ", "received/alice/1.jpg"]);
    share.sees(&["has /1.jpg, 9 B"]);
}
