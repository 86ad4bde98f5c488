//! Where things are, and under which conditions we run.

use std::env;
use std::path::{Path, PathBuf};

/// The root of the workspace. Cargo says at run time where we are; what it said at compile time
/// may be another clone that shares the target directory.
pub(crate) fn root() -> PathBuf {
    let xtask = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    xtask.parent().map_or_else(|| xtask.clone(), Path::to_path_buf)
}

/// The directory cargo builds in: `CARGO_TARGET_DIR` or `target` in the workspace.
pub(crate) fn target() -> PathBuf {
    let chosen = env::var_os("CARGO_TARGET_DIR").filter(|chosen| !chosen.is_empty());
    let Some(chosen) = chosen else { return root().join("target") };
    std::path::absolute(&chosen).unwrap_or_else(|_| PathBuf::from(chosen))
}

/// Whether this is CI, where nothing may be left out.
pub(crate) fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false")
}
