//! A file that is not complete yet.

use std::io;

use super::record::FileRecord;
use super::sparse::SparseEnd;
use super::usage::Reservation;
use super::write_error::WriteError;
use crate::VirtualPath;
use crate::digest::{Algorithm, Digest, Hasher};
use crate::disk::{Directory, DiskFile, OpenMode, RenameMode};
use crate::session::FileInfo;
use crate::version::Version;

/// Bytes that are read and hashed at a time.
const BLOCK: u64 = 256 << 10;

/// Permissions of a file about which nothing was announced, less those of the process's umask.
const DEFAULT_MODE: u32 = 0o666;

/// Returns the name of the partial file for a file of this origin and name.
fn file_name(origin: &str, name: &VirtualPath) -> String {
    let mut hasher = blake3::Hasher::new();
    // The length comes first, so that no other pair reads the same.
    hasher.update(&(origin.len() as u64).to_le_bytes());
    hasher.update(origin.as_bytes());
    hasher.update(name.as_str().as_bytes());
    hasher.finalize().to_hex()[..32].to_owned()
}

/// A file that is being received, with the digest of what has come.
#[derive(Debug)]
pub(super) struct PartialFile {
    pub(super) name: VirtualPath,
    /// Its number in the session.
    pub(super) sequence: u64,
    /// In the directory of partial files.
    pub(super) file_name: String,
    file: DiskFile,
    /// Bytes so far.
    pub(super) length: u64,
    end: SparseEnd,
    hasher: Hasher,
    pub(super) info: Option<FileInfo>,
    pub(super) room: Reservation,
    /// Bytes that it will still need on the disk, as far as that was announced.
    pub(super) pending: u64,
    /// Whether it is in the journal, so that it can be resumed when the process is killed.
    pub(super) recorded: bool,
    /// Whether a write has failed: what is in the file after `length` bytes is not known.
    torn: bool,
}

/// The first bytes of a partial file.
#[derive(Debug)]
pub(super) struct Prefix {
    pub(super) length: u64,
    pub(super) hasher: Hasher,
}

/// A partial file that will be continued.
#[derive(Debug)]
pub(super) struct Continuation {
    pub(super) name: VirtualPath,
    pub(super) sequence: u64,
    pub(super) file_name: String,
    pub(super) info: FileInfo,
    pub(super) room: Reservation,
    /// What its bytes amount to, if that is known.
    pub(super) prefix: Option<Prefix>,
}

impl PartialFile {
    /// Starts a file from its beginning.
    pub(super) fn create(
        directory: &Directory,
        origin: &str,
        name: VirtualPath,
        sequence: u64,
        info: Option<FileInfo>,
    ) -> io::Result<Self> {
        let file_name = file_name(origin, &name);
        // It has to be writable until it is complete.
        let mode = info.as_ref().map_or(DEFAULT_MODE, |info| info.mode & 0o777 | 0o600);
        let file = directory.open_file(&file_name, OpenMode::Replace { mode })?;
        let hasher = Hasher::new(algorithm(info.as_ref()));
        Ok(Self {
            name,
            sequence,
            file_name,
            file,
            length: 0,
            end: SparseEnd::default(),
            hasher,
            info,
            room: Reservation::default(),
            pending: 0,
            recorded: false,
            torn: false,
        })
    }

    /// Continues a file at `offset`; what comes after that is cut off.
    pub(super) fn resume(
        directory: &Directory,
        from: Continuation,
        offset: u64,
    ) -> io::Result<Self> {
        let Continuation { name, sequence, file_name, info, room, prefix } = from;
        let file = match directory.open_file(&file_name, OpenMode::Modify) {
            // A process was killed when it was complete, and had its mode, and was not in its place.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let file = directory.open_file(&file_name, OpenMode::Read)?;
                file.set_mode(file.status()?.mode | 0o600)?;
                directory.open_file(&file_name, OpenMode::Modify)?
            }
            opened => opened?,
        };
        let hasher = match prefix {
            Some(prefix) if prefix.length == offset => prefix.hasher,
            _ => hash(&file, offset, algorithm(Some(&info)))?,
        };
        let mut end = SparseEnd::at(offset);
        end.cut(&file, offset)?;
        Ok(Self {
            name,
            sequence,
            file_name,
            file,
            length: offset,
            end,
            hasher,
            info: Some(info),
            room,
            pending: 0,
            recorded: true,
            torn: false,
        })
    }

    /// Returns whether there would be more bytes than announced with these.
    pub(super) fn is_beyond(&self, more: usize) -> bool {
        let length = self.length.saturating_add(more as u64);
        self.info.as_ref().is_some_and(|info| length > info.size)
    }

    /// Appends content. If that fails it can be tried again.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.torn {
            self.end.cut(&self.file, self.length)?;
        }
        self.torn = true;
        self.end.write(&self.file, self.length, bytes)?;
        self.torn = false;
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Closes the file so that it can be continued later.
    pub(super) fn pause(mut self) -> Prefix {
        // If that fails, what is there is less, which is found out when it is continued.
        let _ = self.end.finish(&self.file, self.length);
        Prefix { length: self.length, hasher: self.hasher }
    }

    /// Verifies the file, and gives it its time and permissions.
    pub(super) fn complete(&mut self, size: u64) -> Result<(Version, Digest), WriteError> {
        let digest = self.hasher.digest();
        self.end.finish(&self.file, self.length)?;
        if size != self.length {
            return Err(WriteError::Mismatch);
        }
        if let Some(info) = &self.info {
            if info.size != size || info.digest != digest {
                return Err(WriteError::Mismatch);
            }
            // It does not matter if the file system cannot store this time.
            let _ = self.file.set_modified(info.modified);
            restrict(&self.file, info.mode)?;
        }
        Ok((Version::of(&self.file.status()?)?, digest))
    }

    pub(super) const fn file(&self) -> &DiskFile {
        &self.file
    }
}

/// Takes away the permissions that were needed for writing only. The owner can always read the
/// file.
fn restrict(file: &DiskFile, mode: u32) -> io::Result<()> {
    if cfg!(not(unix)) || mode & 0o600 == 0o600 {
        return Ok(());
    }
    file.set_mode(file.status()?.mode & (mode & 0o777 | 0o400))
}

const fn algorithm(info: Option<&FileInfo>) -> Algorithm {
    match info {
        Some(FileInfo { digest: Digest::Blake3(_), .. }) => Algorithm::Blake3,
        _ => Algorithm::Sha1,
    }
}

/// Writes a complete file anew under its name among the partial files, verified and synced to the
/// disk, by way of the name `fresh`. Returns its version.
pub(super) fn rewrite(
    directory: &Directory,
    file_name: &str,
    fresh: &str,
    record: &FileRecord,
) -> Result<Version, WriteError> {
    let version = copy(directory, file_name, fresh, record)?;
    directory.rename(fresh, directory, file_name, RenameMode::Replace)?;
    Ok(version)
}

fn copy(
    directory: &Directory,
    from: &str,
    to: &str,
    record: &FileRecord,
) -> Result<Version, WriteError> {
    let old = directory.open_file(from, OpenMode::Read)?;
    let mode = old.status()?.mode;
    let new = directory.open_file(to, OpenMode::Replace { mode: mode | 0o600 })?;
    let mut hasher = Hasher::new(record.digest.algorithm());
    let (mut end, mut length) = (SparseEnd::default(), 0);
    let is_whole = read_blocks(&old, record.size, |block| {
        hasher.update(block);
        end.write(&new, length, block)?;
        length += block.len() as u64;
        Ok(())
    })?;
    end.finish(&new, length)?;
    if !is_whole || hasher.digest() != record.digest {
        return Err(WriteError::Mismatch);
    }
    let _ = new.set_modified(record.modified);
    restrict(&new, mode)?;
    new.sync()?;
    Ok(Version::of(&new.status()?)?)
}

/// Reads a partial file to its end.
pub(super) fn read(directory: &Directory, file_name: &str) -> io::Result<Prefix> {
    let file = directory.open_file(file_name, OpenMode::Read)?;
    let length = file.status()?.size;
    Ok(Prefix { length, hasher: hash(&file, length, Algorithm::Blake3)? })
}

fn hash(file: &DiskFile, length: u64, algorithm: Algorithm) -> io::Result<Hasher> {
    let mut hasher = Hasher::new(algorithm);
    let is_whole = read_blocks(file, length, |block| {
        hasher.update(block);
        Ok(())
    })?;
    if is_whole { Ok(hasher) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Reads the next `length` bytes of a file in blocks. Returns `false` if it has fewer.
fn read_blocks(
    file: &DiskFile,
    length: u64,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<bool> {
    let mut block = Vec::new();
    let mut left = length;
    while left > 0 {
        block.clear();
        match file.read(&mut block, left.min(BLOCK))? {
            0 => return Ok(false),
            got => left = left.saturating_sub(got as u64),
        }
        each(&block)?;
    }
    Ok(true)
}
