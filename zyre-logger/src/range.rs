//! A part of a recording.

use std::path::PathBuf;

use clap::Args;

use crate::moment;

/// A file, and the time in it that is wanted.
#[derive(Clone, Debug, Args)]
pub struct Range {
    /// The file that `collect` writes.
    #[arg(long, value_name = "FILE")]
    pub db: PathBuf,
    /// Not before: RFC 3339, local time (`2026-03-01 12:00`), or how long ago (`10m`).
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub since: Option<i64>,
    /// Not after; as `--since`.
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub until: Option<i64>,
}
