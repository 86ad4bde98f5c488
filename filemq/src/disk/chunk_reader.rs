//! Reads published files for one session of a server.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::handles::DiskFile;
use crate::Fate;
use crate::catalogue::Entry;
use crate::digest::{Algorithm, Digest, Hasher};
use crate::message::CHUNK;
use crate::session::{Job, JobResult, OpenedFile, ResumePoint, Unreadable};
use crate::version::Version;

/// Files up to this size are kept in memory when a digest is computed, and so are read only once.
/// Other readers that need the digest compute it too, which takes no longer than waiting.
const SMALL_FILE: u64 = 64 << 10;

/// Bytes that are read and hashed at a time: they stay in the processor's cache between the two.
const BLOCK: usize = 256 << 10;

/// From this size on a file is read by one thread and hashed by all processors.
const LARGE_FILE: u64 = 16 << 20;
const LARGE_BLOCK: usize = 1 << 20;

/// More than the time from tick to tick of the clock by which file systems note changes.
const TICK: Duration = Duration::from_millis(20);

/// How many large blocks are read ahead.
const MAX_READ_AHEAD: usize = 2;

/// Does the jobs of one session, one after the other. Holds at most one open file.
#[derive(Debug, Default)]
pub struct ChunkReader {
    open: Option<OpenFile>,
}

impl ChunkReader {
    /// Creates a reader with no file open.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Does a job. Waits for the disk, and for another reader that is computing the same digest.
    pub fn execute(&mut self, job: Job) -> JobResult {
        match job {
            Job::Digest(entry, algorithm) => {
                JobResult::Digest(known_or_computed(&entry, algorithm))
            }
            Job::Open { entry, digest, resume } => {
                self.open = None;
                JobResult::Opened(self.open(&entry, digest, resume.as_ref()))
            }
            Job::Read { offset, len } => JobResult::Read(self.read(offset, len)),
            Job::Close => JobResult::Closed(self.close()),
        }
    }

    fn open(
        &mut self,
        entry: &Arc<Entry>,
        digest: bool,
        resume: Option<&ResumePoint>,
    ) -> Result<OpenedFile, Unreadable> {
        let mut open = OpenFile::new(entry)?;
        let digest = match digest || resume.is_some() {
            true => Some(open.digest(Algorithm::Blake3)?),
            false => None,
        };
        let offset = match resume {
            Some(resume) if Some(resume.whole) == digest => open.resumed(resume)?,
            _ => 0,
        };
        self.open = Some(open);
        Ok(OpenedFile { offset, digest })
    }

    fn read(&mut self, offset: u64, len: usize) -> Result<Bytes, Unreadable> {
        let open = self.open.as_mut().ok_or_else(|| failed("no file is open"))?;
        if len > CHUNK {
            return Err(failed("a job asks for more than a chunk"));
        }
        open.chunk(offset, len)
    }

    fn close(&mut self) -> Result<(), Unreadable> {
        match self.open.take() {
            Some(open) => open.unchanged(),
            None => Ok(()),
        }
    }
}

fn known_or_computed(entry: &Arc<Entry>, algorithm: Algorithm) -> Result<Digest, Unreadable> {
    match entry.digest(algorithm) {
        Some(digest) => Ok(digest),
        None => OpenFile::new(entry)?.digest(algorithm),
    }
}

/// An open file that was in the state of its entry when it was opened.
#[derive(Debug)]
struct OpenFile {
    entry: Arc<Entry>,
    file: DiskFile,
    version: Version,
    /// Where the next read would begin without a seek.
    at: u64,
    /// The whole content, if the file is small and was read for its digest.
    content: Option<Bytes>,
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.entry.chunks().leave();
    }
}

impl OpenFile {
    fn new(entry: &Arc<Entry>) -> Result<Self, Unreadable> {
        let (file, version) = entry.source().open().map_err(|error| unreadable(&error))?;
        if !version.same_content(&entry.version()) {
            return Err(Unreadable::Changed);
        }
        entry.chunks().enter();
        Ok(Self { entry: entry.clone(), file, version, at: 0, content: None })
    }

    fn unchanged(&self) -> Result<(), Unreadable> {
        let now = self
            .file
            .status()
            .and_then(|status| Version::of(&status))
            .map_err(|error| unreadable(&error))?;
        if now.same_content(&self.version) { Ok(()) } else { Err(Unreadable::Changed) }
    }

    fn digest(&mut self, algorithm: Algorithm) -> Result<Digest, Unreadable> {
        let (entry, size) = (self.entry.clone(), self.version.size);
        if let Some(digest) = entry.digest(algorithm) {
            return Ok(digest);
        }
        self.wait_for_tick();
        if size > SMALL_FILE {
            return entry.digest_or(algorithm, || {
                let digest = self.hash(algorithm, size)?;
                self.unchanged().map(|()| digest)
            });
        }
        let mut content = Vec::new();
        self.read(&mut content, 0, usize::try_from(size).unwrap_or(usize::MAX))?;
        let mut hasher = Hasher::new(algorithm);
        hasher.update(&content);
        self.content = Some(content.into());
        self.unchanged()?;
        Ok(entry.keep_digest(hasher.digest()))
    }

    /// Waits until a change of the file would get another time: file systems count in ticks. A change
    /// in the tick of the last one could not be told from it, and the digest would be wrong.
    fn wait_for_tick(&self) {
        let last = self.version.changed.unwrap_or(self.version.modified);
        // A time in the future was set, or comes from another clock.
        let age = SystemTime::now().duration_since(last).unwrap_or(TICK);
        thread::sleep(TICK.saturating_sub(age));
    }

    /// Returns the digest of the first `len` bytes.
    fn hash(&mut self, algorithm: Algorithm, len: u64) -> Result<Digest, Unreadable> {
        let mut hasher = Hasher::new(algorithm);
        if len >= LARGE_FILE {
            return self.hash_large(hasher, len);
        }
        let mut block = Vec::with_capacity(BLOCK);
        let mut done = 0;
        while done < len {
            done = self.read_next(&mut block, BLOCK, done, len)?;
            hasher.update(&block);
        }
        Ok(hasher.digest())
    }

    fn hash_large(&mut self, mut hasher: Hasher, len: u64) -> Result<Digest, Unreadable> {
        let (full, blocks) = mpsc::sync_channel::<Vec<u8>>(MAX_READ_AHEAD);
        let (empty, used) = mpsc::channel::<Vec<u8>>();
        thread::scope(|scope| {
            let reading = thread::Builder::new().spawn_scoped(scope, move || {
                let mut done = 0;
                while done < len {
                    let mut block = used.try_recv().unwrap_or_default();
                    done = self.read_next(&mut block, LARGE_BLOCK, done, len)?;
                    // The hashing thread is gone, so nobody asks for the digest.
                    full.send(block).map_err(|_| Unreadable::Changed)?;
                }
                Ok(())
            });
            let reading = reading.map_err(|error| unreadable(&error))?;
            for block in blocks {
                hasher.update_parallel(&block);
                // At the end the reading thread is gone.
                let _ = empty.send(block);
            }
            reading
                .join()
                .map_err(|_| failed("the thread that reads it has panicked"))
                .flatten()
                .map(|()| hasher.digest())
        })
    }

    /// Reads the next block of the first `len` bytes, of which `done` were read before. Returns how
    /// many have been read then.
    fn read_next(
        &mut self,
        block: &mut Vec<u8>,
        most: usize,
        done: u64,
        len: u64,
    ) -> Result<u64, Unreadable> {
        block.clear();
        let want = most.min(usize::try_from(len - done).unwrap_or(most));
        self.read(block, done, want)?;
        Ok(done + want as u64)
    }

    /// Returns where a client that has this much can resume.
    fn resumed(&mut self, resume: &ResumePoint) -> Result<u64, Unreadable> {
        if resume.offset > self.version.size {
            return Ok(0);
        }
        let same = self.hash(Algorithm::Blake3, resume.offset)? == resume.prefix;
        Ok(if same { resume.offset } else { 0 })
    }

    /// Returns exactly `len` bytes from `offset`, read from the disk unless another reader has
    /// them.
    fn chunk(&mut self, offset: u64, len: usize) -> Result<Bytes, Unreadable> {
        if let Some(content) = &self.content {
            let from = usize::try_from(offset).map_err(|_| Unreadable::Changed)?;
            let upto = from.checked_add(len).filter(|upto| *upto <= content.len());
            return Ok(content.slice(from..upto.ok_or(Unreadable::Changed)?));
        }
        if let Some(chunk) = self.entry.chunks().get(offset, len) {
            return Ok(chunk);
        }
        // A `Vec` need not be zeroed before it is read into, and becomes `Bytes` without a copy.
        let mut chunk = Vec::new();
        self.read(&mut chunk, offset, len)?;
        Ok(self.entry.chunks().share(offset, chunk))
    }

    /// Appends exactly `len` bytes from `offset`.
    fn read(&mut self, into: &mut Vec<u8>, offset: u64, len: usize) -> Result<(), Unreadable> {
        let failed = |error: io::Error| unreadable(&error);
        if self.at != offset {
            self.file.seek(offset).map_err(failed)?;
            self.at = offset;
        }
        into.reserve_exact(len);
        let got = self.file.read(into, len as u64).map_err(failed)?;
        self.at += got as u64;
        if got == len { Ok(()) } else { Err(Unreadable::Changed) }
    }
}

fn unreadable(error: &io::Error) -> Unreadable {
    match error.kind() {
        // Gone, or replaced by something that is not a file.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput => {
            Unreadable::Changed
        }
        _ => Unreadable::Failed { reason: error.to_string().into(), fate: Fate::of(error) },
    }
}

/// What should not happen, and does no harm if it is tried again.
fn failed(reason: &str) -> Unreadable {
    Unreadable::Failed { reason: reason.into(), fate: Fate::Passing }
}
