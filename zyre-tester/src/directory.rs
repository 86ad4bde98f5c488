//! A directory for one run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A new directory, which goes with the run.
#[derive(Debug)]
pub(crate) struct Directory(PathBuf);

impl Directory {
    /// Creates it, among the temporary ones.
    ///
    /// # Errors
    /// It cannot be created.
    pub(crate) fn create(name: &str) -> io::Result<Self> {
        let number: u64 = rand::random();
        let path = std::env::temp_dir().join(format!("{name}-{number:016x}"));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What stays among the temporary files does no harm: the keys are of this run.
        let _ = fs::remove_dir_all(&self.0);
    }
}
