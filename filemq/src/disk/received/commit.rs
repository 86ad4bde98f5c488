//! Puts complete files in their places.

use std::sync::Arc;

use super::index::FolderIndex;
use super::partial::PartialFile;
use super::record::FileRecord;
use super::shared::FolderShared;
use super::sync;
use super::tree::{FolderTree, MadeDirectory, split};
use super::write_error::refusal;
use crate::disk::Directory;
use crate::session::Written;
use crate::{FileEvent, Refusal};

/// A complete, verified file that is not in its place yet.
#[derive(Debug)]
pub(super) struct CompleteFile {
    pub(super) partial: PartialFile,
    pub(super) record: FileRecord,
}

/// What is done for a group of complete files.
struct Commit<'a> {
    shared: &'a FolderShared,
    origin: &'a Arc<str>,
    tree: &'a mut FolderTree,
    answers: Vec<Written>,
    made: Vec<MadeDirectory>,
    /// Directories into which files were moved.
    parents: Vec<Directory>,
}

/// Puts files in their places, and returns what became of each.
pub(super) fn commit(
    shared: &FolderShared,
    origin: &Arc<str>,
    tree: &mut FolderTree,
    files: Vec<CompleteFile>,
) -> Vec<Written> {
    let (answers, made, parents) = (Vec::with_capacity(files.len()), Vec::new(), Vec::new());
    let mut commit = Commit { shared, origin, tree, answers, made, parents };
    let files = commit.sync(files);
    commit.place_all(files);
    commit.sync_directories();
    commit.answers
}

impl Commit<'_> {
    /// Syncs files, and returns those that are on the disk.
    fn sync(&mut self, files: Vec<CompleteFile>) -> Vec<CompleteFile> {
        if !self.shared.durable {
            return files;
        }
        let results =
            sync::files(&files.iter().map(|file| file.partial.file()).collect::<Vec<_>>());
        let mut synced = Vec::with_capacity(files.len());
        for (file, result) in files.into_iter().zip(results) {
            match result {
                Ok(()) => synced.push(file),
                Err(error) => {
                    let (name, reason) = (file.partial.name.clone(), refusal(&error));
                    self.shared.discard(self.origin, file.partial);
                    self.answers.push(Written::File(FileEvent::Refused { name, reason }));
                }
            }
        }
        synced
    }

    /// Moves files to their places. They are in the journal before: a file that is in its place and
    /// not in the journal would not be known as ours.
    fn place_all(&mut self, files: Vec<CompleteFile>) {
        let mut index = self.shared.index.lock();
        index.announce(files.iter().map(|file| (&file.partial.name, &file.record)));
        self.tree.forget();
        for file in files {
            let name = file.partial.name.clone();
            let event = match self.place(file, &mut index) {
                Ok(event) => event,
                Err(reason) => FileEvent::Refused { name, reason },
            };
            self.answers.push(Written::File(event));
        }
        if !self.made.is_empty() {
            index.made(self.made.iter().map(|made| made.path.clone()));
        }
        index.compact();
    }

    /// Moves a file to its place.
    fn place(&mut self, file: CompleteFile, index: &mut FolderIndex) -> Result<FileEvent, Refusal> {
        let CompleteFile { partial, record } = file;
        let PartialFile { name, file_name, room, recorded, .. } = partial;
        let size = record.size;
        let parent = self.tree.make_parent(&name, &mut self.made).and_then(|parent| {
            let renamed = self.shared.partial.rename(&file_name, &parent, split(&name).1);
            renamed.map_err(|error| refusal(&error)).map(|()| parent)
        });
        if recorded {
            index.unpause(self.origin);
        }
        let parent = parent.inspect_err(|_| {
            index.withdraw(&name, room);
            self.shared.remove_partial(&file_name);
        })?;
        if !self.parents.last().is_some_and(|last| last.is_same(&parent)) {
            self.parents.push(parent);
        }
        let path = self.shared.path_of(&name);
        index.deliver(name.clone(), record, room);
        Ok(FileEvent::Delivered { name, path, size })
    }

    /// Makes the names survive a crash of the machine too.
    fn sync_directories(&self) {
        if self.shared.durable {
            self.parents.iter().for_each(sync::directory);
            self.made.iter().for_each(|made| sync::directory(&made.parent));
        }
    }
}
