//! Where received files go.
//!
//! ```text
//! INBOX/a/b.txt                a file that came as /a/b.txt
//! INBOX/.filemq/lock           held by the process that uses the inbox
//! INBOX/.filemq/journal        what was delivered, by whom, and in which state
//! INBOX/.filemq/partial/HASH   what has not come to its end yet
//! ```
//!
//! A file is written to `partial`, hashed while it comes, checked, put on the disk for good, entered
//! in the journal and then renamed to its place. So a name holds a whole and checked file whenever
//! the process ends, and what the journal says of a file holds if the file is the one that it means,
//! which its size, time and inode tell.
//!
//! A name belongs to the origin that delivered it last. Names on the network have no hidden
//! components, so none leads to `.filemq`.

mod index;
mod journal;
mod names;
mod partial;
mod receiver;
mod sync;
mod tree;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, OpenOptions};

use self::index::Index;
use self::journal::Journal;
pub use self::receiver::{Known, Receiver};

/// Not reachable by any name on the network.
const HIDDEN: &str = ".filemq";

/// The longest name of an origin, in octets.
const ORIGIN: usize = 4096;

/// What an inbox takes.
#[derive(Clone, Debug)]
pub struct InboxLimits {
    /// The most octets, of everything delivered and of what is on its way. While a file is replaced,
    /// the old one does not count. Default 16 GiB.
    pub octets: u64,
    /// The most files. Default 1,000,000.
    pub files: usize,
    /// Whether a file is on the disk for good, whatever happens to the machine, before it appears
    /// under its name. Default true.
    pub durable: bool,
}

impl Default for InboxLimits {
    fn default() -> Self {
        Self { octets: 16 << 30, files: 1_000_000, durable: true }
    }
}

/// A directory for received files. Clones are the same inbox.
#[derive(Clone, Debug)]
pub struct Inbox(Arc<Shared>);

/// What all receivers of an inbox share.
#[derive(Debug)]
struct Shared {
    path: PathBuf,
    root: Arc<Dir>,
    partial: Dir,
    durable: bool,
    index: Mutex<Index>,
    /// Locked as long as it is open.
    _lock: File,
}

impl Inbox {
    /// Makes the directory if there is none, and takes it for this process alone.
    ///
    /// # Errors
    /// It cannot be made or read, or is in use ([`WouldBlock`](io::ErrorKind::WouldBlock)).
    pub fn open(directory: &Path, limits: InboxLimits) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let path = std::path::absolute(directory)?;
        let root = Dir::open_ambient_dir(&path, ambient_authority())?;
        let hidden = own_directory(&root, HIDDEN)?;
        let lock =
            hidden.open_with("lock", OpenOptions::new().write(true).create(true))?.into_std();
        lock.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => {
                io::Error::new(io::ErrorKind::WouldBlock, "the inbox is in use already")
            }
            std::fs::TryLockError::Error(error) => error,
        })?;
        let partial = own_directory(&hidden, "partial")?;
        let durable = limits.durable;
        let (journal, live) = Journal::open(hidden)?;
        let mut index = Index::new(limits, journal, live);
        index.tidy(&partial)?;
        let index = Mutex::new(index);
        let root = Arc::new(root);
        Ok(Self(Arc::new(Shared { path, root, partial, durable, index, _lock: lock })))
    }

    /// For what comes from `origin`, a server's name of at most 4,096 octets: it knows what that
    /// server has delivered before.
    ///
    /// # Errors
    /// There is one for this origin already ([`WouldBlock`](io::ErrorKind::WouldBlock)), or the name
    /// is too long.
    pub fn receiver(&self, origin: &str) -> io::Result<Receiver> {
        if origin.len() > ORIGIN {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "too long a name of an origin",
            ));
        }
        let origin: Arc<str> = origin.into();
        if !self.0.index().enter(&origin) {
            let error = "there is a receiver for this origin already";
            return Err(io::Error::new(io::ErrorKind::WouldBlock, error));
        }
        Ok(Receiver::new(self.0.clone(), origin))
    }
}

impl Shared {
    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A directory that only this user reads. No link is followed to it.
fn own_directory(within: &Dir, name: &str) -> io::Result<Dir> {
    let builder = {
        #[cfg(unix)]
        {
            use cap_std::fs::DirBuilderExt as _;
            let mut builder = DirBuilder::new();
            builder.mode(0o700);
            builder
        }
        #[cfg(not(unix))]
        DirBuilder::new()
    };
    match within.create_dir_with(name, &builder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    cap_fs_ext::DirExt::open_dir_nofollow(within, name)
}
