//! The Python package: its wheel, and the tests on it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::commands::{answer, cargo, install, run as run_command};
use crate::interop::Prepared;
use crate::place::{Place, absent};
use crate::programs::Built;
use crate::report::Done;
use crate::workspace;

/// What the tests need beside the wheel.
const PACKAGES: [&str; 6] = [
    "maturin>=1.9.4,<2",
    "pytest",
    "mypy",
    "pyzmq",
    "gevent",
    "zre==0.2.0; python_version >= '3.10'",
];
/// The most bytes of a wheel.
const MOST_BYTES: u64 = 3_000_000;

/// The environment in which the wheel is built and tested, and the wheel.
struct Package {
    python: PathBuf,
    wheel: PathBuf,
    bytes: u64,
}

/// Looks at the sources.
pub(crate) fn lints() -> Result<Done, String> {
    run_command(cargo("fmt --check --manifest-path").arg(manifest()))?;
    let mut clippy = cargo("clippy --locked --all-targets --manifest-path");
    clippy.arg(manifest()).args(["--", "-D", "warnings"]);
    // Most of what it needs is there.
    clippy.env("CARGO_TARGET_DIR", workspace::target()).env("PYO3_BUILD_EXTENSION_MODULE", "1");
    run_command(&mut clippy).map(|()| Done::All)
}

/// Builds the wheel as it is published, checks its size, and runs its tests.
pub(crate) fn wheel() -> Result<(), String> {
    let (prepared, built) = (Prepared::default(), Built::default());
    match build(&["--release"])? {
        Ok(package) if package.bytes > MOST_BYTES => {
            Err(format!("{}, at most {MOST_BYTES} bytes are promised", package.describe()))
        }
        Ok(package) => package.test(&prepared, &built),
        Err(reason) => Err(reason),
    }
}

/// Builds the wheel as fast as it can be built, and runs its tests, with those peers that are installed.
pub(crate) fn test(prepared: &Prepared, programs: &Built) -> Result<Done, String> {
    match build(&[])? {
        Ok(package) => package.test(prepared, programs).map(|()| Done::Noted(package.describe())),
        Err(reason) => Ok(Done::Nothing(reason)),
    }
}

/// Builds the wheel, and installs it into an environment of its own; or says why there can be none.
fn build(profile: &[&str]) -> Result<Result<Package, String>, String> {
    let python = match environment() {
        Ok(python) => python,
        Err(reason) => return Ok(Err(reason)),
    };
    let wheels = directory().join("wheels");
    absent(fs::remove_dir_all(&wheels))
        .map_err(|error| format!("{}: {error}", wheels.display()))?;
    let mut maturin = Command::new(&python);
    maturin.args(["-m", "maturin", "build", "--locked", "--quiet", "--out"]).arg(&wheels);
    maturin.args(profile).arg("--manifest-path").arg(manifest());
    run_command(maturin.env("CARGO_TARGET_DIR", directory()))?;
    let mut found =
        fs::read_dir(&wheels).map_err(|error| format!("{}: {error}", wheels.display()))?;
    let wheel = found.next().and_then(Result::ok).ok_or("maturin has built no wheel")?.path();
    let bytes = fs::metadata(&wheel).map_err(|error| error.to_string())?.len();
    let package = Package { python, wheel, bytes };
    let mut pip = Command::new(&package.python);
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    run_command(pip.args(["--no-deps", "--force-reinstall"]).arg(&package.wheel))?;
    Ok(Ok(package))
}

/// Returns the Python of an environment with what the tests need.
fn environment() -> Result<PathBuf, String> {
    let version = answer(Command::new("python3").arg("--version"));
    let version = version.ok_or("there is no python3 (Debian: python3, python3-venv)")?;
    let directory = directory();
    fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let place = Place::new(&directory, "venv", &format!("{} on {version}", PACKAGES.join(" ")));
    place.fill(|venv| {
        let output = directory.join("venv.log");
        install(Command::new("python3").args(["-m", "venv"]).arg(venv), &output)
            .map_err(|error| format!("{error} (Debian: python3-venv)"))?;
        let mut pip = Command::new(python_in(venv));
        pip.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check"]);
        install(pip.args(PACKAGES), &output)
    })?;
    Ok(python_in(&place.path))
}

fn python_in(venv: &Path) -> PathBuf {
    venv.join("bin/python")
}

/// Returns the directory of everything that is built and installed here.
fn directory() -> PathBuf {
    workspace::target().join("python")
}

fn manifest() -> PathBuf {
    workspace::root().join("zyre-python/Cargo.toml")
}

impl Package {
    /// Runs the tests, with those peers that are installed.
    fn test(&self, prepared: &Prepared, programs: &Built) -> Result<(), String> {
        let given = env::var_os("ZYRE_BIN").map(PathBuf::from);
        let ours = given.map_or_else(|| programs.get()?.path("zyre").map(PathBuf::from), Ok)?;
        let mut pytest = Command::new(&self.python);
        pytest.args(["-m", "pytest", "-q", "-rs", "--durations=5", "tests"]);
        pytest.current_dir(workspace::root().join("zyre-python"));
        pytest.env("PYTHONDONTWRITEBYTECODE", "1").env("ZYRE_BIN", ours);
        if let Some(peers) = prepared.get() {
            pytest.env("ZYRE_INTEROP_DIR", &peers.directory);
        }
        run_command(&mut pytest)
    }

    /// Returns the name and the size of the wheel.
    fn describe(&self) -> String {
        let name = self.wheel.file_name().unwrap_or_default().to_string_lossy();
        format!("{name}, {} bytes", self.bytes)
    }
}
