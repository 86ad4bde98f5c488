//! `cargo xtask windows`: whether everything compiles for Windows, on any machine.

use std::process::Command;

use crate::commands::{answer, cargo, exists, run as run_command};

const TARGET: &str = "x86_64-pc-windows-gnu";
/// The C compiler and the archiver for that target: where `cc` looks for them, and what they are called.
const C_TOOLS: [(&str, &str); 2] = [
    ("CC_x86_64_pc_windows_gnu", "x86_64-w64-mingw32-gcc"),
    ("AR_x86_64_pc_windows_gnu", "x86_64-w64-mingw32-ar"),
];
/// Does nothing, and succeeds.
const NOTHING: &str = "true";

/// Checks all packages but the fuzz targets, which are no program that people have.
pub(crate) fn run() -> Result<(), String> {
    if let Err(reason) = add_target() {
        println!("skipped: {reason}");
        return Ok(());
    }
    let arguments = format!("clippy --workspace --all-features --exclude fuzz --target {TARGET}");
    let mut check = cargo(&arguments);
    check.args(["--", "-D", "warnings"]);
    // SQLite is C. A check links nothing, so it needs no object files either.
    for (variable, tool) in C_TOOLS {
        if !exists(tool) && !exists(&format!("{tool}.exe")) && exists(NOTHING) {
            println!("{tool} is not installed: C is not compiled");
            check.env(variable, NOTHING);
        }
    }
    run_command(&mut check)
}

/// Installs the target if it is not there.
fn add_target() -> Result<(), String> {
    let list = answer(Command::new("rustup").args(["target", "list", "--installed"]));
    let list = list.ok_or("there is no rustup, which could install the target")?;
    if list.lines().any(|line| line == TARGET) {
        return Ok(());
    }
    run_command(Command::new("rustup").args(["target", "add", TARGET]))
        .map_err(|error| format!("the target {TARGET} cannot be installed: {error}"))
}
