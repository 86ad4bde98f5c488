//! A directory to work in.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// In memory, where there is such a thing.
const MEMORY: &str = "/dev/shm";

/// A directory of our own, which goes with this.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
}

impl Place {
    /// Below `wanted`, or in memory, or else where temporary files go. Says where.
    ///
    /// # Errors
    /// It cannot be made there.
    pub(super) fn new(wanted: Option<&Path>) -> Result<Self, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let memory = Path::new(MEMORY);
        let (base, what) = match wanted {
            Some(base) => (base.to_owned(), ""),
            None if memory.is_dir() => (memory.to_owned(), ", in memory"),
            None => (std::env::temp_dir(), ", maybe on a disk"),
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = base.join(format!("zyre-files-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        eprintln!("in {}{what}", path.display());
        Ok(Self { path })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A directory in it that is empty.
    ///
    /// # Errors
    /// It cannot be made so.
    pub(super) fn fresh(&self, name: &str) -> Result<PathBuf, String> {
        let path = self.path.join(name);
        let wrong = |error| format!("{}: {error}", path.display());
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(wrong(error)),
            _ => {}
        }
        std::fs::create_dir_all(&path).map_err(wrong)?;
        Ok(path)
    }

    /// Writes a number of bytes and removes them. A machine, above all a virtual one, is slow to
    /// find memory that it has not used before, and the first measurement would pay for all.
    ///
    /// # Errors
    /// There is not so much room.
    pub(super) fn warm(&self, bytes: u64) -> Result<(), String> {
        let path = self.path.join("warm");
        let write = || {
            let mut file = std::fs::File::create(&path)?;
            std::io::copy(&mut std::io::repeat(1).take(bytes), &mut file)?;
            std::fs::remove_file(&path)
        };
        write().map_err(|error: std::io::Error| format!("{}: {error}", path.display()))
    }

    /// Leaves it to the user.
    pub(super) fn keep(mut self) -> PathBuf {
        std::mem::take(&mut self.path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Bytes of unfinished files in a received folder.
pub(super) fn partial(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder.join(".filemq/partial")) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}
