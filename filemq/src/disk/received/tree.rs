//! The directories of a received folder. No link among them is followed.

use std::io;
use std::path::Path;

use super::write_error::Denied;
use crate::disk::{Directory, FileKind};
use crate::version::Version;
use crate::{Refusal, VirtualPath};

/// Opens directories of a received folder, and remembers the last one: files tend to come directory
/// by directory.
#[derive(Debug)]
pub(super) struct FolderTree {
    root: Directory,
    last: Option<(String, Directory)>,
}

/// Splits a name into its directory and the last component.
pub(super) fn split(name: &VirtualPath) -> (&str, &str) {
    name.as_str().rsplit_once('/').unwrap_or(("", name.as_str()))
}

impl FolderTree {
    pub(super) const fn new(root: Directory) -> Self {
        Self { root, last: None }
    }

    /// Forgets the last directory. Call it before each series of operations: the directory may have
    /// been moved since.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }

    /// Returns the directory of a file, if it exists.
    pub(super) fn parent(&mut self, name: &VirtualPath) -> io::Result<Directory> {
        self.directory(split(name).0)
    }

    fn directory(&mut self, path: &str) -> io::Result<Directory> {
        if let Some((last, directory)) = &self.last
            && last == path
        {
            return Ok(directory.clone());
        }
        let mut directory = self.root.clone();
        for component in components(path) {
            directory = directory.open_dir(component)?;
        }
        self.last = Some((path.to_owned(), directory.clone()));
        Ok(directory)
    }

    /// Returns the directory of a file, and has `make` create each directory that is missing: from its
    /// parent, its name, and its path. Parents of directories that were created are added to `changed`.
    pub(super) fn make_parent(
        &mut self,
        name: &VirtualPath,
        changed: &mut Vec<Directory>,
        mut make: impl FnMut(&Directory, &str, &str) -> io::Result<bool>,
    ) -> Result<Directory, Denied> {
        let path = split(name).0;
        if let Ok(directory) = self.directory(path) {
            return Ok(directory);
        }
        let mut directory = self.root.clone();
        let mut so_far = String::new();
        for component in components(path) {
            so_far.push('/');
            so_far.push_str(component);
            let mut opened = directory.open_dir(component);
            if opened.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                if make(&directory, component, &so_far)? {
                    changed.push(directory.clone());
                }
                opened = directory.open_dir(component);
            }
            directory = match opened {
                Ok(directory) => directory,
                Err(error) => {
                    return Err(match directory.link_status(Path::new(component)) {
                        Ok(status) if status.kind != FileKind::Directory => {
                            let reason = format!("{so_far} is not a directory");
                            Denied::passing(Refusal::Name(reason.into()))
                        }
                        _ => error.into(),
                    });
                }
            };
        }
        self.last = Some((path.to_owned(), directory.clone()));
        Ok(directory)
    }

    /// Returns the version of the file of this name, if it is a file and no link leads to it.
    pub(super) fn version(&mut self, name: &VirtualPath) -> io::Result<Version> {
        let parent = self.parent(name)?;
        Version::of(&parent.link_status(Path::new(split(name).1))?)
    }

    /// Removes an empty directory.
    pub(super) fn remove(&mut self, directory: &str) -> io::Result<()> {
        self.forget();
        let (parent, component) = directory.rsplit_once('/').unwrap_or(("", directory));
        self.directory(parent)?.remove_dir(component)
    }
}

fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|component| !component.is_empty())
}
