//! The page of `zyre-logger` in a real browser: its tests, and its pictures.
//!
//! The browser is that of the system, Chromium; what drives it, playwright-core, is installed below the
//! target directory, as the peers are.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::commands::{answer, exists, install, run as run_command};
use crate::place::Place;
use crate::programs::Programs;
use crate::report::Done;
use crate::workspace;

const PLAYWRIGHT: &str = "1.65.1";

/// Names of Chromium, as systems have it.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The UDP port of the beacons, and the address of the page.
const PORT: &str = "23457";
const PAGE: &str = "127.0.0.1:23457";

/// The nodes of the pictures, and how long they live: the pictures are taken meanwhile.
const CHAOS: &str = "chaos --nodes 30 --seconds 60 --port";

/// What drives a browser.
struct Browser {
    program: PathBuf,
    directory: PathBuf,
}

impl Browser {
    /// Installs what is not there yet.
    ///
    /// # Errors
    /// Something is missing that this program does not install.
    fn prepare() -> Result<Self, String> {
        let given = env::var_os("ZYRE_BROWSER").map(PathBuf::from);
        let found = || BROWSERS.into_iter().find(|name| exists(name)).map(PathBuf::from);
        let program = given.or_else(found).ok_or("there is no Chromium (Debian: chromium)")?;
        // A script that drives a browser takes a path.
        let program = match program.is_absolute() {
            true => program,
            false => absolute(&program)?,
        };
        let version = answer(Command::new("node").arg("--version"));
        let version = version.ok_or("there is no node (Debian: nodejs, npm)")?;
        if !exists("npm") {
            return Err("there is no npm (Debian: npm)".to_owned());
        }
        let folder = workspace::target().join("browser");
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let wanted = format!("playwright-core@{PLAYWRIGHT} on {version}");
        Place::new(&folder, "node", &wanted).fill(|place| {
            let manifest = format!(
                r#"{{"private":true,"dependencies":{{"playwright-core":"{PLAYWRIGHT}"}}}}"#
            );
            fs::create_dir_all(place)
                .and_then(|()| fs::write(place.join("package.json"), manifest))
                .map_err(|error| format!("{}: {error}", place.display()))?;
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(place);
            install(&mut npm, &folder.join("npm.log"))
        })?;
        Ok(Self { program, directory: folder.join("node") })
    }

    /// Tells a command where it is.
    fn given_to<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("ZYRE_BROWSER", &self.program).env("ZYRE_BROWSER_DIR", &self.directory)
    }
}

/// Returns where a program is.
fn absolute(program: &Path) -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(program)).find(|it| it.is_file());
    found.ok_or_else(|| format!("{} is not found", program.display()))
}

/// Runs the tests in a browser, one at a time: they measure.
pub(crate) fn test(programs: &Programs) -> Result<Done, String> {
    let browser = match Browser::prepare() {
        Ok(browser) => browser,
        Err(reason) => return Ok(Done::Nothing(reason)),
    };
    let mut test = programs.test("browser")?;
    test.args(["--ignored", "--nocapture", "--test-threads=1", "--skip", "writes_a_crowd"]);
    run_command(browser.given_to(&mut test)).map(|()| Done::All)
}

/// Makes the pictures of the README: a chaos of 30 nodes, as a browser shows it.
pub(crate) fn screenshots(folder: Option<&Path>) -> Result<(), String> {
    let programs = Programs::of(&["zyre-logger", "zyre-tester"])?;
    let browser = Browser::prepare()?;
    let folder =
        folder.map_or_else(|| workspace::root().join("zyre-logger/pictures"), Path::to_owned);
    let described = |error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(described)?;
    let serve = format!("serve --interface lo --listen {PAGE} --port {PORT}");
    let mut page = Running::start(programs.command("zyre-logger", &serve)?, true)?;
    page.wait_for("the page is at")?;
    let log = workspace::target().join("browser/history.jsonl");
    let mut chaos = programs.command("zyre-tester", CHAOS)?;
    chaos.arg(PORT).arg("--log").arg(log);
    let _chaos = Running::start(chaos, false)?;
    // Until there is something to be seen.
    std::thread::sleep(std::time::Duration::from_secs(25));
    let script = workspace::root().join("zyre-logger/tests/browser/shots.mjs");
    for (size, theme, views) in [
        ("1280x800", "light", "network,time"),
        ("1280x800", "dark", "network"),
        ("360x740", "light", "network"),
    ] {
        let mut shots = Command::new("node");
        shots
            .arg(&script)
            .arg(format!("http://{PAGE}/"))
            .arg(&folder)
            .args(["chaos", size, theme, views]);
        run_command(browser.given_to(&mut shots))?;
    }
    println!("the pictures are in {}", folder.display());
    Ok(())
}

/// A program that runs meanwhile; killed when dropped.
struct Running(Child);

impl Running {
    fn start(mut command: Command, hears: bool) -> Result<Self, String> {
        let errors = if hears { Stdio::piped() } else { Stdio::null() };
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).spawn();
        child.map(Self).map_err(|error| error.to_string())
    }

    /// Waits until it has said something.
    fn wait_for(&mut self, text: &str) -> Result<(), String> {
        let said = self.0.stderr.take().ok_or("it says nothing")?;
        for line in BufReader::new(said).lines() {
            let line = line.map_err(|error| error.to_string())?;
            println!("{line}");
            if line.contains(text) {
                return Ok(());
            }
        }
        Err(format!("it has not said {text:?}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
