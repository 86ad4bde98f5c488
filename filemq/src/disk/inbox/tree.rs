//! The directories of an inbox. No link among them is followed.

use std::io;
use std::sync::Arc;

use cap_fs_ext::DirExt as _;
use cap_std::fs::Dir;

use crate::{Refusal, Version, VirtualPath};

/// Opens directories of an inbox, and remembers the last one, for files come directory by directory.
#[derive(Debug)]
pub(super) struct Tree {
    root: Arc<Dir>,
    last: Option<(String, Arc<Dir>)>,
}

/// Where a name is: its directory and the last component.
pub(super) fn split(name: &VirtualPath) -> (&str, &str) {
    name.as_str().rsplit_once('/').unwrap_or(("", name.as_str()))
}

impl Tree {
    pub(super) fn new(root: Arc<Dir>) -> Self {
        Self { root, last: None }
    }

    /// To be called before each series of operations: somebody may have moved the directory since.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }

    /// The directory of a file, if it is there.
    pub(super) fn parent(&mut self, name: &VirtualPath) -> io::Result<Arc<Dir>> {
        self.directory(split(name).0)
    }

    fn directory(&mut self, path: &str) -> io::Result<Arc<Dir>> {
        if let Some((last, dir)) = &self.last
            && last == path
        {
            return Ok(dir.clone());
        }
        let mut dir = self.root.clone();
        for component in path.split('/').filter(|component| !component.is_empty()) {
            dir = Arc::new(dir.open_dir_nofollow(component)?);
        }
        self.last = Some((path.to_owned(), dir.clone()));
        Ok(dir)
    }

    /// The directory of a file. What had to be made for it is added to `made`, with the directory
    /// in which it is.
    pub(super) fn parent_made(
        &mut self,
        name: &VirtualPath,
        made: &mut Vec<(String, Arc<Dir>)>,
    ) -> Result<Arc<Dir>, Refusal> {
        let path = split(name).0;
        if let Ok(dir) = self.directory(path) {
            return Ok(dir);
        }
        let mut dir = self.root.clone();
        let mut so_far = String::new();
        for component in path.split('/').filter(|component| !component.is_empty()) {
            so_far.push('/');
            so_far.push_str(component);
            match dir.create_dir(component) {
                Ok(()) => made.push((so_far.clone(), dir.clone())),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(refusal(&error)),
            }
            dir = match dir.open_dir_nofollow(component) {
                Ok(dir) => Arc::new(dir),
                Err(error) => {
                    return Err(match dir.symlink_metadata(component) {
                        Ok(there) if !there.is_dir() => {
                            Refusal::Name(format!("{so_far} is no directory").into())
                        }
                        _ => refusal(&error),
                    });
                }
            };
        }
        self.last = Some((path.to_owned(), dir.clone()));
        Ok(dir)
    }

    /// The state of the file of this name, if it is a file and no link leads to it.
    pub(super) fn version(&mut self, name: &VirtualPath) -> io::Result<Version> {
        let dir = self.parent(name)?;
        Version::of_cap(&dir.symlink_metadata(split(name).1)?)
    }

    /// Removes an empty directory.
    pub(super) fn remove(&mut self, directory: &str) -> io::Result<()> {
        self.forget();
        let (parent, component) = directory.rsplit_once('/').unwrap_or(("", directory));
        self.directory(parent)?.remove_dir(component)
    }
}

/// What an error of the operating system means for a file that is to be put in its place.
pub(super) fn refusal(error: &io::Error) -> Refusal {
    use io::ErrorKind::{DirectoryNotEmpty, InvalidFilename, IsADirectory, NotADirectory};
    match error.kind() {
        IsADirectory | DirectoryNotEmpty => Refusal::Name("there is a directory".into()),
        NotADirectory => Refusal::Name("there is a file where a directory should be".into()),
        InvalidFilename => Refusal::Name("the file system does not take it".into()),
        _ => Refusal::Failed(error.to_string().into()),
    }
}
