//! Trees of files: made, copied, and compared.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use testkit::content::Content;

/// Before the tester's run began: a file of that age is taken at once.
pub(super) const AGE: Duration = Duration::from_secs(3600);

/// A number of files of one size, a hundred in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) files: u64,
    pub(super) size: u64,
    /// What tells its contents from those of other trees.
    pub(super) stamp: u64,
}

impl Tree {
    /// Where a file is in it.
    pub(super) fn path(i: u64) -> PathBuf {
        format!("{:03}/{i:05}", i / 100).into()
    }

    /// What is in a file.
    pub(super) const fn content(self, i: u64) -> Content {
        Content { stamp: self.stamp.wrapping_mul(1_000_003) ^ i, size: self.size }
    }

    fn files(self) -> impl Iterator<Item = (PathBuf, Content)> {
        (0..self.files).map(move |i| (Self::path(i), self.content(i)))
    }

    /// Bytes of all files.
    pub(super) const fn bytes(self) -> u64 {
        self.files * self.size
    }

    /// Writes it.
    pub(super) fn write(self, at: &Path) -> io::Result<()> {
        let changed = SystemTime::now() - AGE;
        for (path, content) in self.files() {
            let path = at.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(at))?;
            content.write(&path, changed)?;
        }
        Ok(())
    }

    /// Whether it is there, and nothing else.
    ///
    /// # Errors
    /// What is wrong.
    pub(super) fn check(self, at: &Path) -> Result<(), String> {
        let mut there = files_below(at).map_err(|error| format!("{}: {error}", at.display()))?;
        for (path, content) in self.files() {
            let full =
                there.remove(&path).ok_or_else(|| format!("{} is missing", path.display()))?;
            check_file(&full, content)?;
        }
        match there.first_key_value() {
            None => Ok(()),
            Some((extra, _)) => Err(format!("{} was never there", extra.display())),
        }
    }
}

/// Whether a file is there and has this content.
///
/// # Errors
/// What is wrong.
pub(super) fn check_file(path: &Path, content: Content) -> Result<(), String> {
    let wrong = |error: io::Error| format!("{}: {error}", path.display());
    let mut file = File::open(path).map_err(wrong)?;
    match content.difference(&mut file).map_err(wrong)? {
        None => Ok(()),
        Some(difference) => {
            Err(format!("{} is wrong from byte {} on", path.display(), difference.at))
        }
    }
}

/// All files below a directory that are not hidden: relative, and where they are.
pub(super) fn files_below(directory: &Path) -> io::Result<BTreeMap<PathBuf, PathBuf>> {
    let mut files = BTreeMap::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let entries = match std::fs::read_dir(directory.join(&relative)) {
            // It was there a moment ago.
            Err(error) if error.kind() == io::ErrorKind::NotFound && relative != Path::new("") => {
                continue;
            }
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let relative = relative.join(name);
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(relative),
                Ok(_) => {
                    files.insert(relative, entry.path());
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(files)
}

/// Copies a tree as `cp -r` does.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Tree, copy};
    use crate::files::place::Place;

    #[test]
    fn a_copy_is_the_tree_and_anything_else_is_not() {
        let place = Place::new(None).unwrap();
        let (a, b) = (place.path().join("a"), place.path().join("b"));
        let tree = Tree { files: 150, size: 1000, stamp: 3 };
        tree.write(&a).unwrap();
        copy(&a, &b).unwrap();
        tree.check(&b).unwrap();
        let (one, extra) = (b.join("001/00142"), b.join("001/x"));
        std::fs::write(&extra, "x").unwrap();
        assert!(tree.check(&b).unwrap_err().contains("never there"));
        std::fs::remove_file(&extra).unwrap();
        let content = std::fs::read(&one).unwrap();
        std::fs::write(&one, &content[..999]).unwrap();
        assert!(tree.check(&b).unwrap_err().contains("wrong from byte 999"));
        std::fs::remove_file(&one).unwrap();
        assert!(tree.check(&b).unwrap_err().contains("missing"));
    }
}
