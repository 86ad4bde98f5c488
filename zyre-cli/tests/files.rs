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
    let (photos, received) = (photos.to_str().unwrap(), folder.path().join("received"));
    let port = free_port();
    let lo = ["--interface", "lo", "--port", &port, "--group", "holiday"];

    let received = received.to_str().unwrap();
    let mut listen = Program::start(&[&["listen", "--received", received], &lo[..]].concat());
    let mut share = Program::start(&[&["share", photos], &lo[..]].concat());
    share.sees(&[photos, " is published as /photos"]);
    let line = listen.sees(&["/photos/1.jpg, 9 B, is at "]);
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
    let lo = ["--interface", "lo", "--port", &port];
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
    for signal in [Signal::Terminate, Signal::HangUp] {
        let peer = Program::start(&[&["peer"], &lo[..]].concat());
        let mut share = Program::start(&[&["share", photos.to_str().unwrap()], &lo[..]].concat());
        share.sees(&["/photos: 1 file, 1 B"]);
        share.sees(&["/photos: not published: .thumbs (hidden)"]);
        share.sees(&["is here"]);
        share.signal(signal);
        assert!(share.end().success());
        peer.tells(&serde_json::json!({ "event": "EXIT", "reason": "goodbye" }));
    }
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
    for (arguments, answer) in [
        (vec!["share", "--as", "/x", "a", "b"], "zyre share: --as names a single file or folder"),
        (vec!["share", "nowhere", "--interface", "lo", "--port", &port], "zyre share: nowhere: "),
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
