//! `cargo xtask package`: the published crates as a registry would have them, and a program outside of
//! the workspace that has nothing else.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::commands::{cargo, cargo_program, run as run_command};
use crate::metadata::{Metadata, Package};
use crate::report::Done;
use crate::workspace;

/// A program that uses std and `zyre`, and no more. It ends with its input.
const PROGRAM: &str = "zyre/examples/blocking.rs";
const PROGRAM_NAME: &str = "front-door";
/// Its arguments: a name, and the interface, on which nothing leaves this machine.
const ARGUMENTS: [&str; 2] = ["test", "127.0.0.1"];
/// The package that it depends on.
const LIBRARY: &str = "zyre-rs";
/// What no address of a repository contains.
const PLACEHOLDER: &str = ".example/";

/// Packs all published crates, builds each of them from what was packed, and then the program.
pub(crate) fn run() -> Result<(), String> {
    if let Done::Noted(remark) = check("")? {
        println!("{remark}");
    }
    Ok(())
}

/// Packs all published crates, and builds the program with those that it needs.
pub(crate) fn with_program() -> Result<Done, String> {
    check("--no-verify")
}

fn check(how: &str) -> Result<Done, String> {
    let metadata = Metadata::of(&workspace::root())?;
    let published: Vec<_> = metadata.packages().filter(Package::is_published).collect();
    pack(&published, how)?;
    build_program(&published)?;
    Ok(match published.iter().any(|it| it.repository().contains(PLACEHOLDER)) {
        true => {
            Done::Noted("before a release, `repository` in Cargo.toml has to be set".to_owned())
        }
        false => Done::All,
    })
}

/// Packs the crates.
///
/// # Errors
/// Something is wrong with one, or cargo warns of something.
fn pack(packages: &[Package<'_>], how: &str) -> Result<(), String> {
    // What is not committed yet is to be checked as well.
    let mut package = cargo(&format!("package --allow-dirty {how}"));
    for it in packages {
        package.args(["-p", it.name()]);
    }
    let output = package.output().map_err(|error| format!("cargo package: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    eprint!("{said}");
    if !output.status.success() {
        return Err(format!("cargo package ended with {}", output.status));
    }
    let warning = said.lines().find(|line| line.starts_with("warning"));
    warning.map_or(Ok(()), |warning| Err(format!("cargo package: {warning}")))
}

/// Unpacks the libraries, builds the program with them, and runs it.
fn build_program(packages: &[Package<'_>]) -> Result<(), String> {
    let place = workspace::target().join(PROGRAM_NAME);
    let crates = place.join("crates");
    if crates.exists() {
        fs::remove_dir_all(&crates).map_err(|error| describe(&crates, &error))?;
    }
    fs::create_dir_all(&crates).map_err(|error| describe(&crates, &error))?;
    let mut patches = String::new();
    let mut version = "";
    for package in packages.iter().filter(|it| it.is_published_library()) {
        let name = format!("{}-{}", package.name(), package.version());
        let packed = workspace::target().join(format!("package/{name}.crate"));
        run_command(Command::new("tar").arg("-xzf").arg(packed).arg("-C").arg(&crates))?;
        patches += &format!("{} = {{ path = \"crates/{name}\" }}\n", package.name());
        if package.name() == LIBRARY {
            version = package.version();
        }
    }
    write(&place.join("Cargo.toml"), &manifest(version, &patches))?;
    // The versions that all else is tested with.
    copy(&workspace::root().join("Cargo.lock"), &place.join("Cargo.lock"))?;
    fs::create_dir_all(place.join("src")).map_err(|error| describe(&place, &error))?;
    copy(&workspace::root().join(PROGRAM), &place.join("src/main.rs"))?;
    let mut run = Command::new(cargo_program());
    run.args(["run", "--quiet", "--"]).args(ARGUMENTS);
    run_command(run.current_dir(&place).env("CARGO_TARGET_DIR", place.join("target")))
}

/// Returns the manifest of the program: a workspace of its own, and one dependency.
fn manifest(version: &str, patches: &str) -> String {
    format!(
        "[workspace]\n\n[package]\nname = \"{PROGRAM_NAME}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
         publish = false\n\n[dependencies]\n{LIBRARY} = \"{version}\"\n\n[patch.crates-io]\n{patches}"
    )
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| describe(path, &error))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(drop).map_err(|error| describe(from, &error))
}

fn describe(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
