//! Results as JSON, for machines.

use std::path::Path;

use serde::Serialize;

/// Writes a result to a file; `-` is standard output.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn write(path: &Path, result: &impl Serialize) -> Result<(), String> {
    let text = serde_json::to_string_pretty(result).map_err(|error| error.to_string())?;
    if path == Path::new("-") {
        println!("{text}");
        return Ok(());
    }
    let written = std::fs::write(path, text + "\n");
    written.map_err(|error| format!("the result cannot be written to {}: {error}", path.display()))
}
