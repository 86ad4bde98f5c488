//! `cargo xtask dist`: an archive with the programs and what belongs to them.
//!
//! ```text
//! bin/                     the programs, stripped
//! share/                   completions, manual pages, documents: below a prefix such as /usr/local
//! lib/systemd/system/      zyre-logger as a service
//! Containerfile            the programs in a container
//! ```

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::commands::{answer, capture, cargo, exists, run as run_command};
use crate::metadata::Metadata;
use crate::workspace;

/// The programs.
const PROGRAMS: [&str; 2] = ["zyre", "zyre-logger"];
/// Shells, and where each looks for the completions of a command: before and behind its name.
const SHELLS: [(&str, &str, &str); 3] = [
    ("bash", "share/bash-completion/completions/", ""),
    ("fish", "share/fish/vendor_completions.d/", ".fish"),
    ("zsh", "share/zsh/site-functions/_", ""),
];
/// What is packed stands here, also for other packages.
const FILES: &str = "files";
const PAGES: &str = "share/man/man1";
const UNIT: &str = "zyre-logger.service";
const UNITS: &str = "lib/systemd/system";
/// Where the unit has its program.
const INSTALLED: &str = "/usr/bin/";
/// How much of the system the service may reach, by the scale of `systemd-analyze security`, tenths.
const MOST_EXPOSED: &str = "20";
const DOCUMENTS: [&str; 5] =
    ["README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// Builds the programs, and packs them.
pub(crate) fn run() -> Result<(), String> {
    let metadata = Metadata::of(&workspace::root())?;
    let mut build = cargo("build --profile dist --bins");
    let mut version = "";
    for name in PROGRAMS {
        let package = metadata.package_of_program(name);
        let package = package.ok_or_else(|| format!("there is no program {name}"))?;
        build.args(["-p", package.name()]);
        version = package.version();
    }
    run_command(&mut build)?;
    let dist = workspace::target().join("dist");
    let root = dist.join(FILES);
    fill(&root, &dist)?;
    check_unit(&root, &dist)?;
    let archive = pack(&root, &dist, &format!("zyre-{version}-{}", host()?))?;
    println!("{}", archive.display());
    Ok(())
}

/// Packs the files as a directory of this name.
fn pack(root: &Path, dist: &Path, name: &str) -> Result<PathBuf, String> {
    let named = dist.join(name);
    let archive = dist.join(format!("{name}.tar.gz"));
    fs::rename(root, &named).map_err(|error| describe(root, &error))?;
    let mut tar = Command::new("tar");
    let packed = run_command(tar.arg("-czf").arg(&archive).arg("-C").arg(dist).arg(name));
    fs::rename(&named, root).map_err(|error| describe(&named, &error))?;
    packed.map(|()| archive)
}

/// Returns what this machine is called as a target of the compiler.
fn host() -> Result<String, String> {
    let version = answer(Command::new("rustc").arg("-vV")).ok_or("there is no rustc")?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say what it compiles for".to_owned())
}

/// Puts everything in its place below `root`, with the programs that are in `built`.
fn fill(root: &Path, built: &Path) -> Result<(), String> {
    if root.exists() {
        fs::remove_dir_all(root).map_err(|error| describe(root, &error))?;
    }
    for name in PROGRAMS {
        let file = format!("{name}{EXE_SUFFIX}");
        let program = root.join("bin").join(&file);
        copy(&built.join(&file), &program)?;
        for (shell, place, end) in SHELLS {
            let script = capture(Command::new(&program).args(["completions", shell]))?;
            write(&root.join(format!("{place}{name}{end}")), &script)?;
        }
        run_command(Command::new(&program).arg("man").arg(root.join(PAGES)))?;
    }
    let source = workspace::root();
    for document in DOCUMENTS {
        copy(&source.join(document), &root.join("share/doc/zyre").join(document))?;
    }
    copy(&source.join("packaging").join(UNIT), &root.join(UNITS).join(UNIT))?;
    copy(&source.join("packaging/Containerfile"), &root.join("Containerfile"))
}

/// Lets systemd check the unit, with the program where it is now, if there is a systemd.
fn check_unit(root: &Path, dist: &Path) -> Result<(), String> {
    if !exists("systemd-analyze") {
        println!("skipped: {UNIT} is not checked, there is no systemd-analyze");
        return Ok(());
    }
    let place = root.join(UNITS).join(UNIT);
    let unit = fs::read_to_string(&place).map_err(|error| describe(&place, &error))?;
    let here = unit.replace(INSTALLED, &format!("{}/", root.join("bin").display()));
    let checked = dist.join(UNIT);
    write(&checked, &here)?;
    run_command(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&checked))?;
    let mut security = Command::new("systemd-analyze");
    security.args(["security", "--offline=yes", "--no-pager", "--threshold", MOST_EXPOSED]);
    let table = capture(security.arg(&checked))?;
    println!("{}", table.lines().last().unwrap_or_default());
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    make_parent(path)?;
    fs::write(path, text).map_err(|error| describe(path, &error))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    make_parent(to)?;
    fs::copy(from, to).map(drop).map_err(|error| describe(from, &error))
}

fn make_parent(path: &Path) -> Result<(), String> {
    let parent = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    fs::create_dir_all(&parent).map_err(|error| describe(&parent, &error))
}

fn describe(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
