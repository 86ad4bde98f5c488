//! Everything that is built for tests, by one build.
//!
//! A build of one package would choose other features for what it depends on, and build all of it
//! once more.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::commands::{capture, cargo};

/// What is built: every test, and every program.
const BUILD: &str = "test --workspace --all-features --no-run \
                     --message-format=json-render-diagnostics";

/// The executables of one build.
pub(crate) struct Programs {
    pub(crate) tests: Vec<Test>,
    programs: BTreeMap<String, PathBuf>,
}

/// An executable with tests.
pub(crate) struct Test {
    /// The target's name, as for `cargo test --test NAME`.
    pub(crate) target: String,
    executable: PathBuf,
    /// The directory of the package, where tests run.
    directory: PathBuf,
}

impl Programs {
    /// Builds all.
    pub(crate) fn build() -> Result<Self, String> {
        Self::built_by(BUILD)
    }

    /// Builds the programs of these packages alone.
    pub(crate) fn of(packages: &[&str]) -> Result<Self, String> {
        let packages: String = packages.iter().map(|name| format!(" -p {name}")).collect();
        Self::built_by(&format!(
            "build --all-features --message-format=json-render-diagnostics{packages}"
        ))
    }

    fn built_by(arguments: &str) -> Result<Self, String> {
        let output = capture(&mut cargo(arguments))?;
        let mut built = Self { tests: Vec::new(), programs: BTreeMap::new() };
        for message in output.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            built.add(&message);
        }
        Ok(built)
    }

    /// Takes in what cargo says of an executable.
    fn add(&mut self, message: &Value) -> Option<()> {
        let executable = PathBuf::from(message["executable"].as_str()?);
        let target = message["target"]["name"].as_str()?;
        let directory = Path::new(message["manifest_path"].as_str()?).parent()?;
        if message["profile"]["test"] == true {
            let (target, directory) = (target.to_owned(), directory.to_owned());
            self.tests.push(Test { target, executable, directory });
        } else if message["target"]["kind"][0] == "bin" {
            self.programs.insert(target.to_owned(), executable);
        }
        Some(())
    }

    /// Returns the path of a program of the workspace.
    pub(crate) fn path(&self, name: &str) -> Result<&Path, String> {
        let path = self.programs.get(name).map(PathBuf::as_path);
        path.ok_or_else(|| format!("no program `{name}` was built"))
    }

    /// Returns a command that runs a program of the workspace.
    pub(crate) fn command(&self, name: &str, arguments: &str) -> Result<Command, String> {
        let mut command = Command::new(self.path(name)?);
        command.args(arguments.split_whitespace());
        Ok(command)
    }

    /// Returns a command that runs the tests of this target.
    pub(crate) fn test(&self, target: &str) -> Result<Command, String> {
        let test = self.tests.iter().find(|test| test.target == target);
        Ok(test.ok_or_else(|| format!("no tests `{target}` were built"))?.command())
    }
}

impl Test {
    /// Returns the command that runs the tests as cargo would.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.current_dir(&self.directory).env("CARGO_MANIFEST_DIR", &self.directory);
        command
    }
}

/// The package and the target.
impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let package = self.directory.file_name().unwrap_or_default().to_string_lossy();
        write!(f, "{package} {}", self.target)
    }
}

/// Programs that are built when they are first needed.
#[derive(Default)]
pub(crate) struct Built {
    programs: OnceCell<Result<Programs, String>>,
}

impl Built {
    /// Returns the programs, built at the first call.
    pub(crate) fn get(&self) -> Result<&Programs, String> {
        self.programs
            .get_or_init(Programs::build)
            .as_ref()
            .map_err(|error| format!("build: {error}"))
    }
}
