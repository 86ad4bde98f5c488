//! Chaos while `zyre-logger` collects what the nodes record: both have to tell the same story.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::commands::{cargo, run};
use crate::workspace;

/// The UDP port of the beacons, as for the chaos without log: one runs after the other.
const PORT: &str = "23456";

/// How long the collector may take to end.
const END: Duration = Duration::from_secs(20);

/// Collects, runs a short chaos, and compares.
pub(crate) fn with_log() -> Result<Option<String>, String> {
    if !cfg!(unix) {
        return Ok(Some(
            "the collector is ended by a signal, which this system has not".to_owned(),
        ));
    }
    run(&mut cargo("build --release -p zyre-tester"))?;
    // As the tests have built it, so that this takes no time after them.
    run(&mut cargo("build --workspace --all-features --bin zyre-logger"))?;
    let folder = workspace::target().join("chaos");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let [db, history] = ["chaos.db", "history.jsonl"].map(|name| folder.join(name));
    for old in ["chaos.db", "chaos.db-wal", "chaos.db-shm"] {
        // A file of the last run would be continued. It may not be there.
        let _ = fs::remove_file(folder.join(old));
    }

    let collector = Collector::start(&db)?;
    let mut chaos = program("release", "zyre-tester");
    chaos.args(["chaos", "--nodes", "12", "--seconds", "15", "--pace", "fast"]);
    // With two processes now and then one is killed.
    chaos.args(["--processes", "2", "--port", PORT, "--log"]).arg(&history);
    let violated = run(&mut chaos);
    collector.stop()?;
    violated?;
    let mut compare = program("debug", "zyre-logger");
    run(compare.arg("compare").arg("--db").arg(db).arg("--history").arg(history)).map(|()| None)
}

fn program(profile: &str, name: &str) -> Command {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    Command::new(workspace::target().join(profile).join(file))
}

/// A `zyre-logger collect` on loopback; killed when dropped.
struct Collector {
    child: Child,
    said: BufReader<ChildStderr>,
}

impl Collector {
    /// Starts it, and waits until it takes lines.
    fn start(db: &Path) -> Result<Self, String> {
        let mut command = program("debug", "zyre-logger");
        command.args(["collect", "--interface", "lo", "--port", PORT, "--db"]).arg(db);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("zyre-logger: {error}"))?;
        let said = child.stderr.take().ok_or("zyre-logger has no standard error")?;
        let mut collector = Self { child, said: BufReader::new(said) };
        let mut line = String::new();
        collector.said.read_line(&mut line).map_err(|error| format!("zyre-logger: {error}"))?;
        print!("{line}");
        if line.contains("collecting") { Ok(collector) } else { Err(format!("{line:?}")) }
    }

    /// Ends it with care, so that all that came is written.
    fn stop(mut self) -> Result<(), String> {
        run(Command::new("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let deadline = Instant::now() + END;
        while Instant::now() < deadline {
            let status = self.child.try_wait().map_err(|error| format!("zyre-logger: {error}"))?;
            if let Some(status) = status {
                let mut rest = String::new();
                let _ = self.said.read_to_string(&mut rest);
                print!("{rest}");
                let failed = || format!("zyre-logger collect ended with {status}");
                return if status.success() { Ok(()) } else { Err(failed()) };
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err("zyre-logger collect does not end".to_owned())
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
