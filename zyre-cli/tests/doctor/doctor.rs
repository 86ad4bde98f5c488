//! A doctor, or a node, on one of the hosts.

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use testkit::child::Child;
use testkit::network::Host;
use testkit::process::with_limits;

/// What names the home of a user, on one system or another.
const HOMES: [&str; 3] = ["HOME", "XDG_STATE_HOME", "LOCALAPPDATA"];

/// A user on a host, and how all of that user's commands are started.
pub(crate) struct Side {
    host: Host,
    home: TempDir,
    options: Vec<String>,
    limit: Option<String>,
}

impl Side {
    pub(crate) fn new(host: &Host) -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { host: host.clone(), home, options: Vec::new(), limit: None }
    }

    /// With these options of all commands.
    pub(crate) fn with(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(ToString::to_string));
        self
    }

    /// In a network with a key.
    pub(crate) fn with_a_network(self) -> Self {
        let done = self.command(&["network", "new"]).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        self.with(&["--network"])
    }

    /// In a shell with this limit, as `ulimit` takes it.
    pub(crate) fn within(mut self, limit: &str) -> Self {
        self.limit = Some(limit.to_owned());
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut inner = Command::new(env!("CARGO_BIN_EXE_zyre"));
        for variable in HOMES {
            inner.env(variable, self.home.path());
        }
        inner.args(arguments).args(&self.options);
        let limited = self.limit.as_ref().map(|limit| with_limits(&inner, &[limit]));
        self.host.command(&limited.unwrap_or(inner))
    }
}

/// Starts a node of another program on a host.
pub(crate) fn node(side: &Side, options: &[&str]) -> Child {
    let mut command = side.command(&[&["peer"], options].concat());
    let child = Child::start("peer", &mut command).unwrap();
    let started = serde_json::json!({ "event": "STARTED" });
    child.blocking_expect(child.transcript().start(), &started).unwrap();
    child
}

/// Runs the doctor on a host. Returns what it finds, and its exit status.
pub(crate) fn doctor(side: &Side, arguments: &[&str]) -> (Vec<Value>, Option<i32>) {
    let mut command = side.command(&[&["doctor", "--json"], arguments].concat());
    let done = command.output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout);
    let found = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (code, said) = (done.status.code(), String::from_utf8_lossy(&done.stderr));
    let found: Vec<Value> = found;
    assert_eq!(code, Some(if healthy(&found) { 0 } else { 1 }), "{found:#?}: {said}");
    (found, code)
}

/// Runs the doctor on both at the same time.
pub(crate) fn both(sides: [&Side; 2], arguments: &[&str]) -> [Vec<Value>; 2] {
    std::thread::scope(|scope| {
        let run = sides.map(|side| scope.spawn(|| doctor(side, arguments).0));
        run.map(|it| it.join().unwrap())
    })
}

/// The causes of all that is not as it should be, notes included.
pub(crate) fn causes(found: &[Value]) -> Vec<&str> {
    let causes = found.iter().filter(|it| it["severity"] != "fine");
    causes.filter_map(|it| it["cause"].as_str()).collect()
}

/// Whether there is no problem.
pub(crate) fn healthy(found: &[Value]) -> bool {
    found.iter().all(|it| it["severity"] != "problem")
}
