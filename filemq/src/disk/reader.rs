//! Reads files for one session of a server.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use bytes::Bytes;

use super::turn::Turn;
use crate::digest::{Algorithm, Hasher};
use crate::{CHUNK, Digest, Done, Entry, Job, Opened, Resume, Unreadable, Version};

/// Up to so many octets are kept when a digest is computed, and so are read only once; and who else
/// needs the digest computes it too, for that takes no longer than to wait.
const SMALL: u64 = 64 << 10;

/// Octets that are read and hashed at a time: they stay in the processor's cache between the two.
const PIECE: usize = 256 << 10;

/// Of a file of so many octets larger pieces are read, each of which all processors hash while the
/// next is read.
const LARGE: u64 = 16 << 20;
const LARGE_PIECE: usize = 1 << 20;

/// Large pieces that are read ahead.
const AHEAD: usize = 2;

/// Does the jobs of one session, one after the other. Holds at most one open file.
#[derive(Debug, Default)]
pub struct Reader {
    open: Option<Open>,
}

impl Reader {
    /// With nothing open.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Does a job. Waits for the disk, and for another reader that computes the same digest.
    pub fn execute(&mut self, job: Job) -> Done {
        match job {
            Job::Digest(entry, algorithm) => Done::Digest(known_or_computed(&entry, algorithm)),
            Job::Open { entry, digest, resume } => {
                self.open = None;
                Done::Opened(self.open(&entry, digest, resume.as_ref()))
            }
            Job::Read { offset, len } => Done::Read(self.read(offset, len)),
            Job::Close => Done::Closed(self.close()),
        }
    }

    fn open(
        &mut self,
        entry: &Arc<Entry>,
        digest: bool,
        resume: Option<&Resume>,
    ) -> Result<Opened, Unreadable> {
        let mut open = Open::new(entry)?;
        let digest = match digest || resume.is_some() {
            true => Some(open.digest(Algorithm::Blake3)?),
            false => None,
        };
        let offset = match resume {
            Some(resume) if Some(resume.whole) == digest => open.resumed(resume)?,
            _ => 0,
        };
        self.open = Some(open);
        Ok(Opened { offset, digest })
    }

    fn read(&mut self, offset: u64, len: usize) -> Result<Bytes, Unreadable> {
        let open = self.open.as_mut().ok_or_else(|| Unreadable::Failed("it is not open".into()))?;
        if len > CHUNK {
            return Err(Unreadable::Failed("too much at a time".into()));
        }
        open.piece(offset, len)
    }

    fn close(&mut self) -> Result<(), Unreadable> {
        match self.open.take() {
            Some(open) => open.unchanged(),
            None => Ok(()),
        }
    }
}

fn known_or_computed(entry: &Arc<Entry>, algorithm: Algorithm) -> Result<Digest, Unreadable> {
    match cell(entry, algorithm).get() {
        Some(digest) => Ok(*digest),
        None => Open::new(entry)?.digest(algorithm),
    }
}

fn cell(entry: &Entry, algorithm: Algorithm) -> &OnceLock<Digest> {
    match algorithm {
        Algorithm::Sha1 => &entry.sha1,
        Algorithm::Blake3 => &entry.blake3,
    }
}

/// A file that was in the state that is meant when it was opened.
#[derive(Debug)]
struct Open {
    entry: Arc<Entry>,
    file: File,
    version: Version,
    /// Where the operating system would read next.
    at: u64,
    /// All of it, if it is small and was read for its digest.
    content: Option<Bytes>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.entry.pieces.leave();
    }
}

impl Open {
    fn new(entry: &Arc<Entry>) -> Result<Self, Unreadable> {
        let (file, version) = entry.source.open().map_err(|error| unreadable(&error))?;
        if !version.same_content(&entry.version) {
            return Err(Unreadable::Changed);
        }
        entry.pieces.come();
        Ok(Self { entry: entry.clone(), file, version, at: 0, content: None })
    }

    fn unchanged(&self) -> Result<(), Unreadable> {
        let now = Version::of_file(&self.file).map_err(|error| unreadable(&error))?;
        if now.same_content(&self.version) { Ok(()) } else { Err(Unreadable::Changed) }
    }

    fn digest(&mut self, algorithm: Algorithm) -> Result<Digest, Unreadable> {
        let entry = self.entry.clone();
        let cell = cell(&entry, algorithm);
        if let Some(digest) = cell.get() {
            return Ok(*digest);
        }
        let size = self.version.size;
        // Until all who wait can see it.
        let _turn;
        let digest = if size <= SMALL {
            let mut content = Vec::new();
            self.read(&mut content, 0, usize::try_from(size).unwrap_or(usize::MAX))?;
            let mut hasher = Hasher::new(algorithm);
            hasher.update(&content);
            self.content = Some(content.into());
            hasher.digest()
        } else {
            _turn = Turn::wait(std::ptr::from_ref(cell).addr(), || cell.get().is_some());
            match cell.get() {
                Some(digest) => return Ok(*digest),
                None => self.hash(algorithm, size)?,
            }
        };
        self.unchanged()?;
        Ok(*cell.get_or_init(|| digest))
    }

    /// Of the first `len` octets.
    fn hash(&mut self, algorithm: Algorithm, len: u64) -> Result<Digest, Unreadable> {
        let mut hasher = Hasher::new(algorithm);
        if len >= LARGE {
            return self.hash_large(hasher, len);
        }
        let mut piece = Vec::with_capacity(PIECE);
        let mut done = 0;
        while done < len {
            done = self.read_next(&mut piece, PIECE, done, len)?;
            hasher.update(&piece);
        }
        Ok(hasher.digest())
    }

    fn hash_large(&mut self, mut hasher: Hasher, len: u64) -> Result<Digest, Unreadable> {
        let (full, pieces) = mpsc::sync_channel::<Vec<u8>>(AHEAD);
        let (empty, used) = mpsc::channel::<Vec<u8>>();
        thread::scope(|scope| {
            let reading = thread::Builder::new().spawn_scoped(scope, move || {
                let mut done = 0;
                while done < len {
                    let mut piece = used.try_recv().unwrap_or_default();
                    done = self.read_next(&mut piece, LARGE_PIECE, done, len)?;
                    // Nobody takes it: the other thread is gone, and nobody asks for the digest.
                    full.send(piece).map_err(|_| Unreadable::Changed)?;
                }
                Ok(())
            });
            let reading = reading.map_err(|error| unreadable(&error))?;
            for piece in pieces {
                hasher.update_parallel(&piece);
                // At the end nobody reads on.
                let _ = empty.send(piece);
            }
            let failed = |_| Unreadable::Failed("the thread that reads it has died".into());
            reading.join().map_err(failed).flatten().map(|()| hasher.digest())
        })
    }

    /// The next piece of the first `len` octets, of which `done` were read before; how many are then.
    fn read_next(
        &mut self,
        piece: &mut Vec<u8>,
        most: usize,
        done: u64,
        len: u64,
    ) -> Result<u64, Unreadable> {
        piece.clear();
        let want = most.min(usize::try_from(len - done).unwrap_or(most));
        self.read(piece, done, want)?;
        Ok(done + want as u64)
    }

    /// Where a client that has this can go on.
    fn resumed(&mut self, resume: &Resume) -> Result<u64, Unreadable> {
        if resume.offset > self.version.size {
            return Ok(0);
        }
        let same = self.hash(Algorithm::Blake3, resume.offset)? == resume.prefix;
        Ok(if same { resume.offset } else { 0 })
    }

    /// Exactly `len` octets from `offset`, unless somebody has them at hand.
    fn piece(&mut self, offset: u64, len: usize) -> Result<Bytes, Unreadable> {
        if let Some(content) = &self.content {
            let from = usize::try_from(offset).map_err(|_| Unreadable::Changed)?;
            let upto = from.checked_add(len).filter(|upto| *upto <= content.len());
            return Ok(content.slice(from..upto.ok_or(Unreadable::Changed)?));
        }
        if let Some(piece) = self.entry.pieces.at_hand(offset, len) {
            return Ok(piece);
        }
        // `Vec` reads without being filled with zeros first, and becomes `Bytes` without a copy.
        let mut piece = Vec::new();
        self.read(&mut piece, offset, len)?;
        Ok(self.entry.pieces.share(offset, piece))
    }

    /// Appends exactly `len` octets from `offset`.
    fn read(&mut self, into: &mut Vec<u8>, offset: u64, len: usize) -> Result<(), Unreadable> {
        let failed = |error: io::Error| unreadable(&error);
        if self.at != offset {
            self.at = self.file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        }
        into.reserve_exact(len);
        let got = (&self.file).take(len as u64).read_to_end(into).map_err(failed)?;
        self.at += got as u64;
        if got == len { Ok(()) } else { Err(Unreadable::Changed) }
    }
}

fn unreadable(error: &io::Error) -> Unreadable {
    match error.kind() {
        // Gone, or something else than a file has taken its place.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput => {
            Unreadable::Changed
        }
        _ => Unreadable::Failed(Arc::from(error.to_string())),
    }
}
