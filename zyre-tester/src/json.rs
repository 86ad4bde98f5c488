//! Results as JSON, for machines.

use std::path::Path;

use serde::Serialize;

use crate::output;

/// The path that means standard output.
const STANDARD_OUTPUT: &str = "-";

/// Keeps the standard output for the result, if `path` says that it goes there. To be called before
/// anything is printed.
pub(crate) fn prepare(path: Option<&Path>) {
    if path == Some(Path::new(STANDARD_OUTPUT)) {
        output::keep_for_result();
    }
}

/// Writes a result to a file; `-` is standard output.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn write(path: &Path, result: &impl Serialize) -> Result<(), String> {
    let text = serde_json::to_string_pretty(result).map_err(|error| error.to_string())?;
    if path == Path::new(STANDARD_OUTPUT) {
        output::result(format_args!("{text}\n"));
        return Ok(());
    }
    let written = std::fs::write(path, text + "\n");
    written.map_err(|error| format!("the result cannot be written to {}: {error}", path.display()))
}
