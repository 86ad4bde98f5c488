//! `.ln` files: one line, the path of the real file.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Directory, DiskFile, FileKind, FileSource, FileSystem, SharedRoot};

/// The ending of the name.
pub(super) const ENDING: &str = ".ln";

/// The longest line, in bytes.
const MAX_LINE: u64 = 4096;

/// Why a `.ln` file leads nowhere.
#[derive(Debug)]
pub(super) enum LnError {
    /// What is wrong with it, for people.
    Text(String),
    /// What the operating system says about it, or about its target.
    Io(io::Error),
}

impl From<io::Error> for LnError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Where `.ln` files may lead.
#[derive(Debug)]
pub(super) struct LinkTargets {
    system: Arc<dyn FileSystem>,
    targets: Vec<LinkTarget>,
}

#[derive(Debug)]
struct LinkTarget {
    configured: PathBuf,
    /// The path without links, if the target exists.
    real: Option<PathBuf>,
    /// If the target is a directory.
    root: Option<Arc<SharedRoot>>,
}

impl LinkTargets {
    pub(super) fn new(system: Arc<dyn FileSystem>, configured: &[PathBuf]) -> Self {
        let target =
            |path: &PathBuf| LinkTarget { configured: path.clone(), real: None, root: None };
        let mut targets = Self { system, targets: configured.iter().map(target).collect() };
        targets.refresh();
        targets
    }

    /// Looks at the targets again: they may be other directories by now.
    pub(super) fn refresh(&mut self) {
        for target in &mut self.targets {
            match self.system.canonicalize(&target.configured) {
                Ok(real) => target.real = Some(real),
                Err(error) if error.kind() == io::ErrorKind::NotFound => target.real = None,
                // It stays what it was as long as it cannot be looked at.
                Err(_) => {}
            }
            let is_dir = |real: &&PathBuf| {
                let status = self.system.status(None, real, true);
                status.is_ok_and(|status| status.kind == FileKind::Directory)
            };
            let real = target.real.as_ref().filter(is_dir);
            let directory = real.and_then(|real| Directory::open(&self.system, real).ok());
            match (directory, &target.root) {
                (Some(directory), Some(root)) => root.replace(directory),
                (Some(directory), None) => {
                    target.root = Some(Arc::new(SharedRoot::new(directory)));
                }
                (None, _) => {}
            }
        }
    }

    /// Returns the file at this path, if links may lead there.
    fn source(&self, real: &Path) -> Option<FileSource> {
        self.targets.iter().find_map(|target| {
            let below = real.strip_prefix(target.real.as_ref()?).ok()?;
            match (&target.root, below.as_os_str().is_empty()) {
                (Some(root), false) => Some(FileSource::beneath(root.clone(), below.to_owned())),
                (None, true) => Some(FileSource::anywhere_on(self.system.clone(), real.to_owned())),
                _ => None,
            }
        })
    }

    /// Returns where a `.ln` file leads.
    ///
    /// # Errors
    /// Why it leads nowhere.
    pub(super) fn follow(&self, file: &DiskFile) -> Result<FileSource, LnError> {
        let mut line = Vec::new();
        file.read(&mut line, MAX_LINE + 1)?;
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            line.truncate(end);
        }
        if line.len() as u64 > MAX_LINE {
            return Err(LnError::Text(format!("its line has more than {MAX_LINE} bytes")));
        }
        let wrong = |why: &str| LnError::Text(why.to_owned());
        let line = std::str::from_utf8(&line).map_err(|_| wrong("its line is not UTF-8"))?.trim();
        if line.is_empty() || line.contains('\0') {
            return Err(wrong("its line is not a path"));
        }
        let real = self.system.canonicalize(Path::new(line))?;
        self.source(&real).ok_or_else(|| LnError::Text(format!("links may not lead to {line}")))
    }
}
