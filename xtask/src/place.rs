//! Directories with what is installed. A stamp beside each says which version was installed completely; what
//! has no stamp or another one is installed again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A directory that is either complete or made again.
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    stamp: PathBuf,
    wanted: String,
}

impl Place {
    pub(crate) fn new(directory: &Path, name: &str, wanted: &str) -> Self {
        let stamp = directory.join(format!("{name}.stamp"));
        Self { path: directory.join(name), stamp, wanted: wanted.to_owned() }
    }

    /// Makes the directory if it is not complete.
    pub(crate) fn fill(
        &self,
        make: impl FnOnce(&Path) -> Result<(), String>,
    ) -> Result<(), String> {
        if fs::read_to_string(&self.stamp).is_ok_and(|stamp| stamp == self.wanted) {
            return Ok(());
        }
        println!("installing {}", self.wanted);
        let describe = |error: io::Error| format!("{}: {error}", self.path.display());
        absent(fs::remove_file(&self.stamp)).map_err(describe)?;
        absent(fs::remove_dir_all(&self.path)).map_err(describe)?;
        make(&self.path)?;
        fs::write(&self.stamp, &self.wanted).map_err(describe)
    }
}

/// Treats the removal of what is not there as a success.
pub(crate) fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_made_once_per_version_and_again_after_a_failure() {
        let directory = std::env::temp_dir().join(format!("xtask-place-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let make = |path: &Path| fs::create_dir(path).map_err(|error| error.to_string());
        let not_again = |_: &Path| Err("made again".to_owned());

        let first = Place::new(&directory, "thing", "version 1");
        first.fill(make).unwrap();
        first.fill(not_again).unwrap();

        let second = Place::new(&directory, "thing", "version 2");
        assert!(second.fill(not_again).is_err());
        second.fill(make).unwrap();
        second.fill(not_again).unwrap();
        fs::remove_dir_all(&directory).unwrap();
    }
}
