//! The folder for received files.
//!
//! ```text
//! FOLDER/a/b.txt                a file that was received as /a/b.txt
//! FOLDER/.filemq/lock           locked by the process that uses the folder
//! FOLDER/.filemq/journal        what was delivered, by which server, and in which state
//! FOLDER/.filemq/partial/HASH   a file that is not complete yet
//! ```
//!
//! A file is written to `partial`, hashed as it comes, verified, synced to the disk, entered in the
//! journal, and then renamed to its place. So a name holds a whole, verified file whenever the
//! process ends. An entry of the journal holds as long as the file is still the one it describes,
//! which size, time, and inode tell.
//!
//! A name belongs to the origin that delivered it last. No name that begins with `.filemq`, in any
//! case, is taken. If origins have folders of their own, the journal says which: the origin decides,
//! and the name of the folder is for people.
//!
//! A partial file of an origin without a writer is removed seven days after its last byte, when room
//! is needed, or when there are more than 256.

mod backlog;
mod commit;
mod folder_name;
mod folders;
mod idle;
mod index;
mod invisible;
mod journal;
mod limits;
mod names;
mod partial;
mod promise;
mod ready;
mod record;
mod resumable;
mod shared;
mod sparse;
mod sync;
mod tree;
mod twins;
mod usage;
mod write_error;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zmtp::sync::Mutex;

use self::index::FolderIndex;
use self::journal::Journal;
pub use self::limits::ReceivedLimits;
use self::shared::{FolderShared, HIDDEN};
pub use self::writer::ReceivedWriter;
use super::file_system::{FileSystem, OpenMode};
use super::handles::Directory;
use super::native::NativeFileSystem;

/// The longest name of an origin, in bytes.
const MAX_ORIGIN: usize = 4096;

/// A folder for received files. Clones are the same folder.
///
/// The folder is where its path leads to. If another directory is there by now, because it was
/// removed and made again or another disk is mounted, then the next [writer](Self::writer) uses that.
#[derive(Clone, Debug)]
pub struct ReceivedFolder(Arc<FolderPlace>);

#[derive(Debug)]
struct FolderPlace {
    system: Arc<dyn FileSystem>,
    path: PathBuf,
    limits: ReceivedLimits,
    /// The directory that is there, or was there last.
    opened: Mutex<Arc<FolderShared>>,
}

impl ReceivedFolder {
    /// Opens the folder for this process alone, and creates it if it does not exist.
    ///
    /// # Errors
    /// It cannot be created or read, or is in use ([`WouldBlock`](io::ErrorKind::WouldBlock)).
    pub fn open(path: &Path, limits: ReceivedLimits) -> io::Result<Self> {
        Self::open_on(NativeFileSystem::shared(), path, limits)
    }

    /// As [`open`](Self::open), on this file system.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_on(
        system: Arc<dyn FileSystem>,
        path: &Path,
        limits: ReceivedLimits,
    ) -> io::Result<Self> {
        system.create_dir_all(path)?;
        let path = std::path::absolute(path)?;
        let opened = Mutex::new(Arc::new(open(&system, &path, &limits)?));
        Ok(Self(Arc::new(FolderPlace { system, path, limits, opened })))
    }

    /// Opens the directory that is there now, if it is another one than before. It is created if it
    /// is missing, but not the directories above it: those may be where a disk is mounted.
    ///
    /// # Errors
    /// There is none, or it cannot be used. That can pass.
    pub fn refresh(&self) -> io::Result<()> {
        self.shared().map(drop)
    }

    fn shared(&self) -> io::Result<Arc<FolderShared>> {
        let FolderPlace { system, path, limits, opened } = &*self.0;
        let mut opened = opened.lock();
        if !opened.is_in_place()? {
            if let (Some(above), Some(name)) = (path.parent(), path.file_name()) {
                let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
                match Directory::open(system, above)?.create_dir(name) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(error);
                    }
                    _ => {}
                }
            }
            tracing::info!(folder = %path.display(), "the received folder is opened anew");
            *opened = Arc::new(open(system, path, limits)?);
        }
        Ok(Arc::clone(&opened))
    }

    /// Creates the writer for files from `origin`, the name of a server. It knows what that server
    /// has delivered before.
    ///
    /// # Errors
    /// There is a writer for this origin already ([`WouldBlock`](io::ErrorKind::WouldBlock)), or
    /// the name has more than 4,096 bytes, or the folder is another one by now and cannot be used.
    pub fn writer(&self, origin: &str) -> io::Result<ReceivedWriter> {
        if origin.len() > MAX_ORIGIN {
            let error = format!("the name of an origin has more than {MAX_ORIGIN} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        }
        let (origin, shared): (Arc<str>, _) = (origin.into(), self.shared()?);
        let mut index = shared.index.lock();
        index.drop_old(&shared.partial);
        let is_new = index.enter(&origin);
        drop(index);
        if !is_new {
            let error = format!("files of {origin} are being received already");
            return Err(io::Error::new(io::ErrorKind::WouldBlock, error));
        }
        Ok(ReceivedWriter::new(shared, origin))
    }
}

fn open(
    system: &Arc<dyn FileSystem>,
    path: &Path,
    limits: &ReceivedLimits,
) -> io::Result<FolderShared> {
    let root = Directory::open(system, path)?;
    let hidden = root.private_dir(HIDDEN)?;
    let lock = hidden.open_file("lock", OpenMode::ModifyOrCreate)?;
    lock.lock().map_err(|error| match error.kind() {
        kind @ io::ErrorKind::WouldBlock => io::Error::new(kind, "another client is using it"),
        _ => error,
    })?;
    let partial = hidden.private_dir("partial")?;
    let (journal, state) = Journal::open(hidden)?;
    let mut index = FolderIndex::new(limits.clone(), journal, state);
    index.settle_announced(&root);
    index.tidy(&partial)?;
    FolderShared::new(path.to_owned(), root, partial, limits.durable, index, lock)
}
