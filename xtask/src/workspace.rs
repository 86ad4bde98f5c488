//! Where things are, and under which conditions we run.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Returns the root of the workspace.
///
/// Cargo says at run time where we are. Without cargo it is the workspace around the current
/// directory, so that a copy of this program works in any clone.
pub(crate) fn root() -> PathBuf {
    if let Some(xtask) = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) {
        return xtask.parent().map_or_else(|| xtask.clone(), Path::to_path_buf);
    }
    let here = env::current_dir().unwrap_or_default();
    let is_root = |directory: &&Path| directory.join("xtask/Cargo.toml").is_file();
    here.ancestors().find(is_root).unwrap_or(&here).to_owned()
}

/// Returns a path below the root as it is written in the workspace.
pub(crate) fn relative(path: &Path) -> PathBuf {
    path.strip_prefix(root()).unwrap_or(path).to_owned()
}

/// Returns every Rust source below `place`, except what is built and what is hidden.
///
/// # Errors
/// A directory cannot be read.
pub(crate) fn sources(place: &Path) -> Result<Vec<PathBuf>, String> {
    if place.is_file() {
        let is_source = place.extension().is_some_and(|extension| extension == "rs");
        return Ok(if is_source { vec![place.to_owned()] } else { Vec::new() });
    }
    let describe = |error: io::Error| format!("{}: {error}", place.display());
    let mut entries = fs::read_dir(place)
        .and_then(|entries| {
            entries.map(|entry| entry.map(|it| it.path())).collect::<Result<Vec<_>, _>>()
        })
        .map_err(describe)?;
    entries.sort();
    let is_ours = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default();
        name != "target" && !name.as_encoded_bytes().starts_with(b".")
    };
    let found: Result<Vec<_>, _> =
        entries.iter().filter(is_ours).map(|path| sources(path)).collect();
    Ok(found?.concat())
}

/// Returns the directory that cargo builds in: `CARGO_TARGET_DIR` or `target` in the workspace.
pub(crate) fn target() -> PathBuf {
    let chosen = env::var_os("CARGO_TARGET_DIR").filter(|chosen| !chosen.is_empty());
    let Some(chosen) = chosen else { return root().join("target") };
    std::path::absolute(&chosen).unwrap_or_else(|_| PathBuf::from(chosen))
}

/// Returns whether this is CI, where nothing may be left out.
pub(crate) fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false")
}
