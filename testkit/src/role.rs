//! Processes that are this program, started again in another role.
//!
//! A program that plays roles calls [`play`] before all else. In a role it takes commands, a line
//! each, from its standard input, and prints reports, which are JSON objects, a line each.

use std::env;
use std::io::{BufRead, Write as _};
use std::process::Command;

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The variable by which a process is told its role.
const ROLE: &str = "TESTKIT_ROLE";

/// Returns the command that starts this program again, in a role, with settings for that.
///
/// # Errors
/// The program cannot be found.
pub fn again(role: &str, settings: &Value) -> std::io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.env(ROLE, json!([role, settings]).to_string());
    Ok(command)
}

/// Returns the role and the settings that this process was started with; `None` if nobody gave it
/// any.
pub fn given() -> Option<(String, Value)> {
    serde_json::from_str(&env::var(ROLE).ok()?).ok()
}

/// Plays the role that this process was started in, if any, and ends the process.
pub fn play(play: impl FnOnce(&str, &Value)) {
    if let Some((role, settings)) = given() {
        play(&role, &settings);
        std::process::exit(0);
    }
}

/// Returns the commands that come on standard input. When that ends, so does the process.
pub fn commands() -> UnboundedReceiver<String> {
    let (sender, commands) = unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            // A role may take no commands.
            let _ = sender.send(line);
        }
        std::process::exit(0);
    });
    commands
}

/// Prints a report, if anybody reads it.
pub fn report(report: &Value) {
    let _ = writeln!(std::io::stdout().lock(), "{report}");
}
