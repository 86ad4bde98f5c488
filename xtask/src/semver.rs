//! `cargo xtask semver`: whether the libraries still promise what a release has promised.

use std::process::Command;

use crate::commands::{answer, cargo, run as run_command};
use crate::git::git;
use crate::metadata::{Metadata, Package};
use crate::workspace;

/// Compares the published libraries with those of a revision, or of the last tag.
pub(crate) fn run(revision: Option<&str>) -> Result<(), String> {
    let last = || answer(&mut git("describe --tags --abbrev=0"));
    let Some(revision) = revision.map(str::to_owned).or_else(last) else {
        println!("skipped: nothing was released yet, there is no tag");
        return Ok(());
    };
    let tool = answer(Command::new("cargo").args(["semver-checks", "--version"]));
    tool.ok_or("cargo-semver-checks is missing: cargo install cargo-semver-checks --locked")?;
    let mut check = cargo(&format!("semver-checks --all-features --baseline-rev {revision}"));
    let metadata = Metadata::of(&workspace::root())?;
    for package in metadata.packages().filter(Package::is_published_library) {
        check.args(["-p", package.name()]);
    }
    run_command(&mut check)
}
