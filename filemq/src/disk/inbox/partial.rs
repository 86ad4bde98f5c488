//! A file that has not come to its end yet.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use cap_std::fs::{Dir, OpenOptions};

use super::index::Room;
use crate::digest::{Algorithm, Hasher};
use crate::{Digest, Promise, Version, VirtualPath};

/// Octets that are read and hashed at a time.
const PIECE: u64 = 256 << 10;

/// A file of this origin and name while it comes.
pub(super) fn file_name(origin: &str, name: &VirtualPath) -> String {
    let mut hasher = blake3::Hasher::new();
    // A length before it, so that no other pair reads the same.
    hasher.update(&(origin.len() as u64).to_le_bytes());
    hasher.update(origin.as_bytes());
    hasher.update(name.as_str().as_bytes());
    hasher.finalize().to_hex()[..32].to_owned()
}

/// What it is written to, with the digest of all so far.
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) name: VirtualPath,
    /// In the directory of partial files.
    pub(super) file_name: String,
    file: File,
    /// Octets so far.
    pub(super) length: u64,
    hasher: Hasher,
    pub(super) promise: Option<Promise>,
    pub(super) room: Room,
    /// Whether the index tells of it.
    pub(super) recorded: bool,
}

/// It is not what was promised.
#[derive(Debug)]
pub(super) struct Broken;

impl Partial {
    /// From the start.
    pub(super) fn create(
        directory: &Dir,
        origin: &str,
        name: VirtualPath,
        promise: Option<Promise>,
    ) -> io::Result<Self> {
        let file_name = file_name(origin, &name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use cap_std::fs::OpenOptionsExt as _;
            // The process's umask comes in addition. It has to be written until it is complete.
            options.mode(promise.as_ref().map_or(0o666, |promise| promise.mode & 0o777 | 0o600));
        }
        let file = directory.open_with(&file_name, &options)?.into_std();
        let hasher = Hasher::new(algorithm(promise.as_ref()));
        let room = Room::default();
        Ok(Self { name, file_name, file, length: 0, hasher, promise, room, recorded: false })
    }

    /// Where it was left: at `offset`, with what was known there, or at an earlier place.
    pub(super) fn go_on(
        directory: &Dir,
        name: VirtualPath,
        file_name: String,
        promise: Promise,
        (offset, room): (u64, Room),
        known: Option<(u64, Hasher)>,
    ) -> io::Result<Self> {
        let mut file =
            directory.open_with(&file_name, OpenOptions::new().read(true).write(true))?.into_std();
        let hasher = match known {
            Some((length, hasher)) if length == offset => hasher,
            _ => prefix(&file, offset, algorithm(Some(&promise)))?,
        };
        file.set_len(offset)?;
        file.seek(SeekFrom::Start(offset))?;
        let promise = Some(promise);
        Ok(Self { name, file_name, file, length: offset, hasher, promise, room, recorded: true })
    }

    /// Whether more octets than promised would be there with these.
    pub(super) fn is_beyond(&self, more: usize) -> bool {
        let length = self.length.saturating_add(more as u64);
        self.promise.as_ref().is_some_and(|promise| length > promise.size)
    }

    pub(super) fn append(&mut self, octets: &[u8]) -> io::Result<()> {
        self.file.write_all(octets)?;
        self.hasher.update(octets);
        self.length += octets.len() as u64;
        Ok(())
    }

    /// So that it can go on later.
    pub(super) fn pause(self) -> (u64, Hasher) {
        (self.length, self.hasher)
    }

    /// Checks it, and gives it its time and permissions.
    pub(super) fn complete(&mut self, size: u64) -> io::Result<Result<(Version, Digest), Broken>> {
        let digest = self.hasher.digest();
        if size != self.length {
            return Ok(Err(Broken));
        }
        if let Some(promise) = &self.promise {
            if promise.size != size || promise.digest != digest {
                return Ok(Err(Broken));
            }
            // A time that the file system cannot have is of no importance.
            let _ = self.file.set_modified(promise.modified);
            #[cfg(unix)]
            restrict(&self.file, promise.mode)?;
        }
        Ok(Ok((Version::of_file(&self.file)?, digest)))
    }

    /// What it is written to.
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

/// Takes away what was there for writing only. The owner can read it in any case.
#[cfg(unix)]
fn restrict(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if mode & 0o600 == 0o600 {
        return Ok(());
    }
    let mut permissions = file.metadata()?.permissions();
    permissions.set_mode(permissions.mode() & (mode & 0o777 | 0o400));
    file.set_permissions(permissions)
}

fn algorithm(promise: Option<&Promise>) -> Algorithm {
    match promise {
        Some(Promise { digest: Digest::Blake3(_), .. }) => Algorithm::Blake3,
        _ => Algorithm::Sha1,
    }
}

/// The digest of a partial file's octets, and how many there are.
pub(super) fn read(directory: &Dir, file_name: &str) -> io::Result<(u64, Hasher)> {
    let file = directory.open(file_name)?.into_std();
    let length = file.metadata()?.len();
    Ok((length, prefix(&file, length, Algorithm::Blake3)?))
}

fn prefix(mut file: &File, length: u64, algorithm: Algorithm) -> io::Result<Hasher> {
    let mut hasher = Hasher::new(algorithm);
    let mut piece = Vec::new();
    let mut left = length;
    while left > 0 {
        piece.clear();
        match file.take(left.min(PIECE)).read_to_end(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            got => left = left.saturating_sub(got as u64),
        }
        hasher.update(&piece);
    }
    file.rewind()?;
    Ok(hasher)
}
