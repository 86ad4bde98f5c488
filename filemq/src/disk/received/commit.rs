//! Puts complete files in their places.

use std::io::ErrorKind::{AlreadyExists, Unsupported};
use std::path::Path;
use std::sync::Arc;

use super::index::FolderIndex;
use super::partial::PartialFile;
use super::ready::ReadyFile;
use super::record::FileRecord;
use super::shared::FolderShared;
use super::sync;
use super::tree::{FolderTree, split};
use super::write_error::{Denied, WriteError};
use crate::disk::{Directory, FileStatus, RenameMode};
use crate::session::Written;
use crate::version::Version;
use crate::{FileEvent, Refusal, VirtualPath};

/// A complete, verified file that is not in its place yet.
#[derive(Debug)]
pub(super) struct CompleteFile {
    pub(super) partial: PartialFile,
    pub(super) record: FileRecord,
}

/// What became of a group of files.
#[derive(Debug, Default)]
pub(super) struct Committed {
    pub(super) answers: Vec<Written>,
    /// Files that could not be put in their places, and may be later.
    pub(super) parked: Vec<ReadyFile>,
}

/// What is done for a group of files.
struct Commit<'a> {
    shared: &'a FolderShared,
    origin: &'a Arc<str>,
    tree: &'a mut FolderTree,
    committed: Committed,
    /// Directories into which files were moved, or in which others were created.
    changed: Vec<Directory>,
}

/// Puts complete files in their places.
pub(super) fn commit(
    shared: &FolderShared,
    origin: &Arc<str>,
    tree: &mut FolderTree,
    files: Vec<CompleteFile>,
) -> Committed {
    let synced: Vec<_> = match shared.durable {
        true => sync::files(&files.iter().map(|file| file.partial.file()).collect::<Vec<_>>()),
        false => files.iter().map(|_| Ok(())).collect(),
    };
    let mut commit = Commit::new(shared, origin, tree);
    let mut ready = Vec::with_capacity(files.len());
    for (file, synced) in files.into_iter().zip(synced) {
        let mut file = ReadyFile::new(file.partial, file.record);
        match synced {
            Ok(()) => ready.push(file),
            Err(error) => {
                file.is_synced = false;
                commit.park(file, error.into());
            }
        }
    }
    commit.finish(ready)
}

/// Tries once more to put files in their places, which are told of only if that succeeds, or cannot
/// succeed any more.
pub(super) fn again(
    shared: &FolderShared,
    origin: &Arc<str>,
    tree: &mut FolderTree,
    files: Vec<ReadyFile>,
) -> Committed {
    let mut commit = Commit::new(shared, origin, tree);
    let mut ready = Vec::with_capacity(files.len());
    for mut file in files {
        match file.sync(shared) {
            Ok(()) => ready.push(file),
            Err(WriteError::Denied(denied)) => commit.park(file, denied),
            Err(WriteError::Mismatch) => {
                let name = file.name.clone();
                file.discard(shared, origin);
                commit.committed.answers.push(Written::Mismatch { name });
            }
        }
    }
    commit.finish(ready)
}

impl<'a> Commit<'a> {
    fn new(shared: &'a FolderShared, origin: &'a Arc<str>, tree: &'a mut FolderTree) -> Self {
        let committed = Committed::default();
        Self { shared, origin, tree, committed, changed: Vec::new() }
    }

    fn finish(mut self, files: Vec<ReadyFile>) -> Committed {
        if !files.is_empty() {
            self.place_all(files);
            self.sync_directories();
        }
        self.committed
    }

    /// Keeps a file for later if its refusal may pass, and drops it otherwise.
    fn park(&mut self, mut file: ReadyFile, denied: Denied) {
        let Denied { reason, fate } = denied;
        let name = file.name.clone();
        if !fate.is_passing() || !std::mem::replace(&mut file.is_told, true) {
            let event = FileEvent::Refused { name, reason, fate };
            let sequence = Some(file.sequence);
            self.committed.answers.push(Written::File { sequence, event });
        }
        if fate.is_passing() {
            // Of each origin the journal has one file that can be resumed, and that is not this one.
            if std::mem::take(&mut file.recorded) {
                self.shared.index.lock().unpause(self.origin);
            }
            self.committed.parked.push(file);
        } else {
            file.discard(self.shared, self.origin);
        }
    }

    /// Moves files to their places. They are in the journal before: a file that is in its place and
    /// not in the journal would not be known as ours.
    fn place_all(&mut self, files: Vec<ReadyFile>) {
        let shared = self.shared;
        let mut index = shared.index.lock();
        let announced = index.announce(files.iter().map(|file| (&file.name, &file.record)));
        if let Err(error) = announced {
            drop(index);
            let denied = Denied::from(error);
            return files.into_iter().for_each(|file| self.park(file, denied.clone()));
        }
        self.tree.forget();
        let mut denied = Vec::new();
        for file in files {
            match self.place(&file, &mut index) {
                Ok(parent) => self.placed(file, parent, &mut index),
                Err(why) => {
                    index.withdraw(&file.name);
                    denied.push((file, why));
                }
            }
        }
        index.compact();
        drop(index);
        for (file, why) in denied {
            self.park(file, why);
        }
    }

    /// Moves a file to its place, and returns the directory that it is in then.
    fn place(&mut self, file: &ReadyFile, index: &mut FolderIndex) -> Result<Directory, Denied> {
        let make = |within: &Directory, component: &str, path: &str| {
            index.make_directory(within, component, path)
        };
        let parent = self.tree.make_parent(&file.name, &mut self.changed, make)?;
        let place = split(&file.name).1;
        // Nearly every file is a new one where nothing is, so there is nothing to look at.
        if index.file(&file.name).is_none() {
            match self.shared.partial.rename(&file.file_name, &parent, place, RenameMode::New) {
                Ok(()) => return Ok(parent),
                Err(error) if matches!(error.kind(), AlreadyExists | Unsupported) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if let Ok(there) = parent.link_status(Path::new(place))
            && let Some(twin) = self.twin(&file.name, &there, index)
        {
            let reason = format!("{twin} is there, which is the same name on this disk");
            return Err(Denied::passing(Refusal::Name(reason.into())));
        }
        self.shared.partial.rename(&file.file_name, &parent, place, RenameMode::Replace)?;
        Ok(parent)
    }

    /// Returns the name under which the file was delivered that is in the place of this name, if that
    /// is another one: the file system does not keep the two apart.
    fn twin(
        &mut self,
        name: &VirtualPath,
        there: &FileStatus,
        index: &mut FolderIndex,
    ) -> Option<VirtualPath> {
        let version = Version::of(there).ok()?;
        if index.file(name).is_some_and(|file| file.is(&version)) {
            return None;
        }
        let twins = index.twins(name);
        let is_there = |twin: &VirtualPath| {
            let of_twin = self.tree.version(twin);
            // Where files have no numbers, size and time have to do.
            of_twin.is_ok_and(|of_twin| of_twin.may_have_content_of(&version))
        };
        twins.into_iter().find(is_there)
    }

    fn placed(&mut self, file: ReadyFile, parent: Directory, index: &mut FolderIndex) {
        let ReadyFile { name, sequence, record, room, recorded, .. } = file;
        if recorded {
            index.unpause(self.origin);
        }
        if !self.changed.last().is_some_and(|last| last.is_same(&parent)) {
            self.changed.push(parent);
        }
        let (path, size) = (self.shared.path_of(&name), record.size);
        index.deliver(name.clone(), record, room);
        let event = FileEvent::Delivered { name, path, size };
        self.committed.answers.push(Written::File { sequence: Some(sequence), event });
    }

    /// Makes the names survive a crash of the machine too.
    fn sync_directories(&self) {
        if self.shared.durable {
            self.changed.iter().for_each(sync::directory);
        }
    }
}
