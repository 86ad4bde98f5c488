//! A short chaos, alone and while `zyre-logger` collects what the nodes record.
//!
//! With the collector both have to tell the same story.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::commands::run as run_command;
use crate::programs::Programs;
use crate::report::Done;
use crate::workspace;

/// The UDP port of the beacons.
const PORT: &str = "23456";

/// How long the collector may take to end.
const END: Duration = Duration::from_secs(20);

/// Runs a short chaos.
pub(crate) fn run(programs: &Programs) -> Result<Done, String> {
    let mut chaos = programs.command("zyre-tester", "chaos --nodes 20 --seconds 20 --port")?;
    run_command(chaos.arg(PORT)).map(|()| Done::All)
}

/// Collects, runs a short chaos, and compares.
pub(crate) fn with_log(programs: &Programs) -> Result<Done, String> {
    if !cfg!(unix) {
        let reason = "the collector is ended by a signal, which this system does not have";
        return Ok(Done::Nothing(reason.to_owned()));
    }
    let folder = workspace::target().join("xtask/chaos");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let [db, history] = ["chaos.db", "history.jsonl"].map(|name| folder.join(name));
    for old in ["chaos.db", "chaos.db-wal", "chaos.db-shm"] {
        // The collector would add to the file of the last run. There may be none.
        let _ = fs::remove_file(folder.join(old));
    }

    let collector = Collector::start(programs, &db)?;
    // With two processes now and then one is killed.
    let mut chaos = programs
        .command("zyre-tester", "chaos --nodes 12 --seconds 15 --pace fast --processes 2 --port")?;
    let violated = run_command(chaos.arg(PORT).arg("--log").arg(&history));
    collector.stop()?;
    violated?;
    let mut compare = programs.command("zyre-tester", "compare --db")?;
    run_command(compare.arg(db).arg("--history").arg(history)).map(|()| Done::All)
}

/// A `zyre-logger collect` on loopback; killed when dropped.
struct Collector {
    child: Child,
    said: BufReader<ChildStderr>,
}

impl Collector {
    /// Starts it, and waits until it takes lines.
    fn start(programs: &Programs, db: &Path) -> Result<Self, String> {
        let mut command = programs.command("zyre-logger", "collect --interface lo --port")?;
        command.args([PORT, "--db"]).arg(db);
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

    /// Ends it by a signal, so that it writes all that has come.
    fn stop(mut self) -> Result<(), String> {
        run_command(Command::new("kill").args(["-TERM", &self.child.id().to_string()]))?;
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
