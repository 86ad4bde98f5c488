//! Draws the picture of the README: three people on a network of their own, as one of them sees it.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use testkit::child::Child;
use testkit::namespace;
use testkit::network::{Host, Network};
use testkit::screen::Screen;

const ZYRE: &str = env!("CARGO_BIN_EXE_zyre");

/// Rows and columns.
const SIZE: [u16; 2] = [24, 78];

/// A user whose chat runs on another machine.
fn elsewhere(host: &Host, arguments: &[&str], home: &Path) -> Child {
    let mut command = Command::new(ZYRE);
    command.args(arguments).env("HOME", home).env("XDG_STATE_HOME", home);
    Child::start(&host.name, &mut host.command(&command)).unwrap()
}

#[test]
#[ignore = "writes docs/zyre.svg: `cargo xtask pictures` runs it"]
fn a_chat_and_a_list() {
    namespace::possible().unwrap();
    let home = tempfile::tempdir().unwrap();
    let network = Network::with_prefix([192, 168, 1]).unwrap();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| network.host(name).unwrap());
    for host in [&alice, &bob, &carol] {
        // The shorter addresses.
        host.sysctl("net.ipv6.conf.all.disable_ipv6", "1").unwrap();
    }
    let bob = elsewhere(&bob, &["chat", "bob"], home.path());
    let carol = elsewhere(&carol, &["peer", "--name", "carol", "--join", "sensors"], home.path());

    let directory = Path::new(ZYRE).parent().unwrap().to_str().unwrap();
    let path = format!("{directory}:{}", std::env::var("PATH").unwrap());
    let home = home.path().to_str().unwrap();
    let environment =
        [("PATH", &*path), ("HOME", home), ("XDG_STATE_HOME", home), ("PS1", "$ "), ("ENV", "")];
    // The same program, in the network namespace of the host.
    let arguments = ["netns", "exec", alice.name(), "sh", "-i"];
    let mut screen = Screen::start("ip", &arguments, &environment, SIZE);
    let prompts = |screen: &Screen| screen.waits(|it| it.trim_end().ends_with('$'), "no prompt");
    prompts(&screen);
    screen.press("zyre ls\r");
    screen.shows("in sensors");
    prompts(&screen);
    screen.press("zyre chat alice\r");
    screen.shows("bob joined lobby");
    screen.press("is the plan ready?\r");
    bob.blocking_text(|line| line.contains("is the plan ready?").then_some(())).unwrap();
    bob.say("nearly: ten minutes").unwrap();
    screen.shows("bob: nearly: ten minutes");
    bob.say("/msg alice psst, there is cake").unwrap();
    screen.shows("there is cake");
    drop(carol);
    screen.shows("carol");
    screen.press("on my way");
    screen.shows("on my way");

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/zyre.svg");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, screen.picture()).unwrap();
    println!("{}", screen.text());
}
