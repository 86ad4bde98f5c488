//! The examples as programs. Those that run do so in a network namespace with a loopback interface and
//! nothing else, where the port that everybody uses is free.

#![cfg(test)]
#![allow(clippy::unwrap_used)]

use std::process::{Command, ExitCode, Stdio};

use testkit::child::Child;
use testkit::harness::Harness;
use testkit::namespace::{self, Namespace};
use testkit::process::Signal;
use testkit::tests;

fn main() -> ExitCode {
    let anywhere = tests![
        a_static_peer_needs_a_port_and_endpoints_that_can_be_read,
        an_unknown_interface_is_an_error,
        a_gossip_hub_without_an_address_is_an_error,
    ];
    let mut in_namespaces = tests![
        of_three_that_contest_one_works_and_when_it_is_gone_the_next,
        clients_of_a_gossip_hub_meet,
        static_peers_meet_if_one_knows_where_the_other_is,
        threads_talk_and_a_window_shows_who_is_there,
    ];
    if cfg!(feature = "curve") {
        in_namespaces.extend(tests![members_of_a_secure_network_meet]);
    }
    if cfg!(all(feature = "curve", feature = "files")) {
        in_namespaces.extend(tests![a_team_meets_talks_and_sends_files]);
    }
    let impossible = namespace::possible().err().map(String::from);
    Harness::default().and(anywhere).skip(impossible).then(in_namespaces).exit_code()
}

/// An example that `cargo test` has built beside this test; or that is built now, if only this test
/// was asked for.
fn example(name: &str) -> Command {
    let own = std::env::current_exe().unwrap();
    let directory = own.parent().and_then(|deps| deps.parent()).unwrap().join("examples");
    let path = directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !path.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--package", env!("CARGO_PKG_NAME"), "--example", name]);
        for (is_on, feature) in
            [(cfg!(feature = "curve"), "curve"), (cfg!(feature = "files"), "files")]
        {
            if is_on {
                build.args(["--features", feature]);
            }
        }
        assert!(build.status().unwrap().success());
    }
    let mut command = Command::new(path);
    command.stdin(Stdio::null());
    command
}

fn a_static_peer_needs_a_port_and_endpoints_that_can_be_read() {
    for (arguments, said) in [(&[][..], "name a port"), (&["0", "nowhere"], "nowhere")] {
        let done = example("static_peers").args(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{told}");
        assert!(told.contains(said), "{told}");
    }
}

fn an_unknown_interface_is_an_error() {
    let done = example("minimal").arg("nowhere0").output().unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains("nowhere0"), "{told}");
}

fn a_gossip_hub_without_an_address_is_an_error() {
    for arguments in [&["hub"][..], &["listen", "hub"], &[]] {
        let done = example("gossip").args(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{told}");
    }
}

/// A host without a network, on which examples run.
struct Host(Namespace);

impl Host {
    fn new() -> Self {
        let namespace = Namespace::new().unwrap();
        namespace.ip("link set lo up").unwrap();
        Self(namespace)
    }

    /// Starts an example, and waits until it has a node.
    fn start(&self, name: &str, arguments: &[&str]) -> Running {
        let mut command = self.0.command(example(name).args(arguments));
        let child = Child::start(name, &mut command).unwrap();
        let node = |line: &str| line.split_once(" is at ").map(|(node, _)| node.to_owned());
        let node = child.blocking_text(node).unwrap();
        Running { child, node }
    }
}

/// An example that runs, and the name of its node.
struct Running {
    child: Child,
    node: String,
}

impl Running {
    /// Waits until it has printed lines that begin like these, in this order, whatever is between them.
    fn says(&self, lines: &[&str]) {
        let mut missing = lines.iter().peekable();
        let read = |line: &str| {
            missing.next_if(|wanted| line.starts_with(**wanted));
            missing.peek().is_none().then_some(())
        };
        if let Err(failure) = self.child.blocking_text(read) {
            panic!("{} should have said {lines:?}: {failure}", self.node);
        }
    }

    /// Presses Ctrl-C.
    fn interrupt(&mut self) {
        self.child.signal(Signal::Interrupt);
        let (status, said) = self.child.blocking_end().unwrap();
        assert!(status.success(), "{status}: {said}");
    }
}

fn threads_talk_and_a_window_shows_who_is_there() {
    let host = Host::new();
    let window = host.start("gui_thread", &["window", "lo"]);
    window.says(&["0 here"]);
    let [mut alice, bob] = ["alice", "bob"].map(|name| host.start("blocking", &[name, "lo"]));
    window.says(&["2 here: "]);
    // The two have met when each has heard of the group of the other.
    bob.says(&["Join"]);
    alice.says(&["Join"]);
    alice.child.say("hello").unwrap();
    bob.says(&["alice: hello"]);
    alice.child.end_input();
    let (status, said) = alice.child.blocking_end().unwrap();
    assert!(status.success(), "{said}");
    window.says(&["2 here: ", "1 here: bob"]);
}

fn of_three_that_contest_one_works_and_when_it_is_gone_the_next() {
    let host = Host::new();
    let mut all = [(); 3].map(|()| host.start("leader", &["lo"]));
    // A name is the beginning of an id, and the lowest id leads.
    all.sort_by(|one, other| one.node.cmp(&other.node));
    let [mut first, mut second, mut third] = all;
    let [first_leads, second_leads] = [&first, &second].map(|it| format!("{} leads", it.node));
    first.says(&["this node leads", "worked"]);
    second.says(&[&first_leads]);
    third.says(&[&first_leads]);

    first.child.kill();
    second.says(&[&first_leads, "nobody leads", "this node leads", "worked"]);
    third.says(&[&first_leads, "nobody leads", &second_leads]);

    second.interrupt();
    third.says(&[&second_leads, "nobody leads", "this node leads", "worked"]);
    third.interrupt();
}

fn clients_of_a_gossip_hub_meet() {
    let host = Host::new();
    let mut early = host.start("gossip", &["127.0.0.1:5999"]);
    early.says(&["no hub at tcp://127.0.0.1:5999"]);
    let mut hub = host.start("gossip", &["listen", "127.0.0.1:5999"]);
    let late = host.start("gossip", &["localhost:5999"]);
    let all = [&early, &late, &hub];
    for one in all {
        for other in all.iter().filter(|other| other.node != one.node) {
            one.says(&[&format!("{:?} is here, at tcp://127.0.0.1:", other.node)]);
        }
    }
    early.says(&["the hub at tcp://127.0.0.1:5999 is there"]);
    // Those who have met need the hub no more.
    hub.child.kill();
    early.child.kill();
    for gone in [&hub, &early] {
        late.says(&[&format!("{:?} is gone: ", gone.node)]);
    }
}

fn members_of_a_secure_network_meet() {
    let host = Host::new();
    let start = |arguments: &[&str]| {
        let mut command = host.0.command(example("secure").args(arguments));
        Child::start("secure", &mut command).unwrap()
    };
    let first = start(&["new"]);
    let words = |line: &str| line.strip_prefix("the network: ").map(str::to_owned);
    let words = first.blocking_text(words).unwrap();
    let others = [(); 2].map(|()| {
        let other = start(&[]);
        other.say(&words).unwrap();
        other
    });
    for one in others.iter().chain([&first]) {
        let mut heard = 0;
        let hears = |line: &str| {
            heard += usize::from(line.ends_with("\"between us\""));
            (heard == 2).then_some(())
        };
        one.blocking_text(hears).unwrap();
    }
}

/// The program that the guide builds up.
fn a_team_meets_talks_and_sends_files() {
    let (host, directory) = (Host::new(), tempfile::tempdir().unwrap());
    std::fs::write(directory.path().join("plan.txt"), "at ten").unwrap();
    let start = |arguments: &[&str]| {
        let mut command = host.0.command(example("lan_tool").args(arguments));
        Child::start(arguments[0], command.current_dir(directory.path())).unwrap()
    };
    let says = |child: &Child, end: &str| {
        child.blocking_text(|line| line.ends_with(end).then_some(())).unwrap();
    };
    let mut alice = start(&["alice", "new"]);
    let words = |line: &str| line.strip_prefix("The words of the team: ").map(str::to_owned);
    let words = alice.blocking_text(words).unwrap();
    let bob = start(&["bob"]);
    bob.say(&words).unwrap();
    says(&alice, "* bob is here");
    says(&bob, "* alice is here");
    bob.say("is the plan ready?").unwrap();
    says(&alice, "bob: is the plan ready?");
    alice.say("/send plan.txt").unwrap();
    says(&bob, "received/alice/plan.txt has come");
    says(&alice, "* bob has /plan.txt");
    alice.end_input();
    says(&bob, "* alice is gone: goodbye");
    let received = directory.path().join("lan_tool/bob/received/alice/plan.txt");
    assert_eq!(std::fs::read_to_string(received).unwrap(), "at ten");
}

fn static_peers_meet_if_one_knows_where_the_other_is() {
    let host = Host::new();
    let there = host.start("static_peers", &["49152"]);
    let mut knowing = host.start("static_peers", &["49153", "localhost:49152", "127.0.0.1:49154"]);
    for (one, other) in [(&there, &knowing), (&knowing, &there)] {
        let is_here = format!("{:?} is here, at tcp://127.0.0.1:4915", other.node);
        one.says(&[&is_here, &format!("{:?}: \"Hello, all!\"", other.node)]);
    }
    knowing.says(&["tcp://127.0.0.1:49154: "]);
    knowing.child.kill();
    there.says(&[&format!("{:?} is gone: ", knowing.node)]);
}
