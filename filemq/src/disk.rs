//! The disk: files that are published, and the folder for received files.
//!
//! Everything here is synchronous and waits for the disk; call it from threads that may block. All
//! access goes through one trait, [`FileSystem`], so that a test can let any operation fail.

mod chunk_cache;
mod chunk_reader;
mod file_source;
mod file_system;
mod guarded;
mod handles;
mod mount;
mod move_out;
mod native;
mod received;

pub(crate) use chunk_cache::ChunkCache;
pub use chunk_reader::ChunkReader;
pub use file_source::{FileSource, SharedRoot};
pub use file_system::{
    DirHandle, FileKind, FileStatus, FileSystem, ListedEntry, Listing, OpenMode, RenameMode,
};
pub use guarded::{DiskOperation, GuardedFileSystem};
pub use handles::{Directory, DiskFile};
pub use mount::{Mount, MountChange, MountOptions, ScannedMount};
pub(crate) use move_out::{check_free, move_out};
pub use native::NativeFileSystem;
pub use received::{ReceivedFolder, ReceivedLimits, ReceivedWriter};

pub use crate::version::Version;
