//! Warnings of the library, as lines.
//!
//! What an application has to act on is an event, which the commands tell in their own words. This is the
//! rest.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::debug_fn;

use crate::output;

/// Warnings with these targets are told by events as well.
const TOLD: [&str; 2] = ["zyre::told=off", "filemq::told=off"];

/// Shows warnings on standard error, or what `RUST_LOG` says.
pub(crate) fn show() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into());
    let told = TOLD.iter().filter_map(|directive| directive.parse().ok());
    let filter = told.fold(filter.from_env_lossy(), EnvFilter::add_directive);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .without_time()
        .with_target(false)
        .with_level(false)
        .with_ansi(false)
        // The user knows which node it is.
        .fmt_fields(debug_fn(|writer, field, value| match field.name() {
            "message" => write!(writer, "{value:?}"),
            "node" => Ok(()),
            "error" => write!(writer, ": {value:?}"),
            name => write!(writer, " ({name} {value:?})"),
        }))
        .with_writer(Line::default)
        .init();
}

/// A warning that is being written.
#[derive(Debug, Default)]
struct Line(Vec<u8>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.0);
        text.lines().for_each(|line| output::warning(format!("warning: {}", line.trim())));
    }
}
