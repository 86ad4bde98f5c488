//! `.ln` files: one line, which says where the real file is.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use crate::disk::{Root, Source};

/// What a file that is a link ends with.
pub(super) const ENDING: &str = ".ln";

/// The longest line, in octets.
const LINE: u64 = 4096;

/// Where links may lead.
#[derive(Debug)]
pub(super) struct Places(Vec<Place>);

#[derive(Debug)]
struct Place {
    configured: PathBuf,
    /// Without links, if it is there.
    real: Option<PathBuf>,
    /// If it is a directory.
    root: Option<Arc<Root>>,
}

impl Places {
    pub(super) fn new(configured: &[PathBuf]) -> Self {
        let place = |path: &PathBuf| Place { configured: path.clone(), real: None, root: None };
        let mut places = Self(configured.iter().map(place).collect());
        places.refresh();
        places
    }

    /// They may be other directories than they were.
    pub(super) fn refresh(&mut self) {
        for place in &mut self.0 {
            place.real = std::fs::canonicalize(&place.configured).ok();
            let dir = place.real.as_ref().filter(|real| real.is_dir());
            let dir = dir.and_then(|real| Dir::open_ambient_dir(real, ambient_authority()).ok());
            match (dir, &place.root) {
                (Some(dir), Some(root)) => root.replace(dir),
                (Some(dir), None) => place.root = Some(Arc::new(Root::new(dir))),
                (None, _) => {}
            }
        }
    }

    /// The file of this path, if links may lead there.
    fn source(&self, real: &Path) -> Option<Source> {
        self.0.iter().find_map(|place| {
            let below = real.strip_prefix(place.real.as_ref()?).ok()?;
            match (&place.root, below.as_os_str().is_empty()) {
                (Some(root), false) => {
                    Some(Source { beneath: Some(root.clone()), path: below.to_owned() })
                }
                (None, true) => Some(Source { beneath: None, path: real.to_owned() }),
                _ => None,
            }
        })
    }

    /// Where this link leads.
    ///
    /// # Errors
    /// Why it leads nowhere, for people.
    pub(super) fn follow(&self, link: File) -> Result<Source, String> {
        let text = |error: io::Error| error.to_string();
        let mut line = Vec::new();
        link.take(LINE + 1).read_to_end(&mut line).map_err(text)?;
        if let Some(end) = line.iter().position(|octet| *octet == b'\n') {
            line.truncate(end);
        }
        if line.len() as u64 > LINE {
            return Err(format!("its line has more than {LINE} octets"));
        }
        let line = std::str::from_utf8(&line).map_err(|_| "its line is no UTF-8")?.trim();
        if line.is_empty() || line.contains('\0') {
            return Err("its line is no path".into());
        }
        let real = std::fs::canonicalize(line).map_err(|error| format!("{line}: {error}"))?;
        self.source(&real).ok_or_else(|| format!("links may not lead to {line}"))
    }
}
