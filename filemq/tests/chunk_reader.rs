//! Reading files for a session of a server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use filemq::digest::{Algorithm, Digest, Hasher};
use filemq::disk::{
    ChunkReader, Directory, DiskOperation, FileSource, FileSystem, GuardedFileSystem,
    NativeFileSystem, SharedRoot, Version,
};
use filemq::message::CHUNK;
use filemq::session::{Entry, Job, JobResult, OpenedFile, ResumePoint, Unreadable};
use filemq::{Audience, VirtualPath};
use testkit::content;

fn entry(source: FileSource) -> Arc<Entry> {
    let version = source.version().unwrap();
    entry_in(source, version)
}

fn entry_in(source: FileSource, version: Version) -> Arc<Entry> {
    let name = VirtualPath::new("/name").unwrap();
    Arc::new(Entry::new(name, source, version, Audience::Everyone))
}

fn at(path: &Path) -> FileSource {
    FileSource::anywhere(path.to_owned())
}

fn digest(algorithm: Algorithm, content: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(content);
    hasher.digest()
}

fn open(
    reader: &mut ChunkReader,
    entry: &Arc<Entry>,
    digest: bool,
    resume: Option<ResumePoint>,
) -> Result<OpenedFile, Unreadable> {
    match reader.execute(Job::Open { entry: entry.clone(), digest, resume }) {
        JobResult::Opened(opened) => opened,
        other => panic!("{other:?}"),
    }
}

fn read(reader: &mut ChunkReader, offset: u64, len: usize) -> Result<Vec<u8>, Unreadable> {
    match reader.execute(Job::Read { offset, len }) {
        JobResult::Read(read) => read.map(|content| content.to_vec()),
        other => panic!("{other:?}"),
    }
}

fn close(reader: &mut ChunkReader) -> Result<(), Unreadable> {
    match reader.execute(Job::Close) {
        JobResult::Closed(closed) => closed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_read_in_chunks() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    for size in [0, 1, 4096, 70_000, 2_500_000] {
        let content = content::bytes(1, size);
        fs::write(&path, &content).unwrap();
        let entry = entry(at(&path));
        for ahead in [false, true] {
            let mut reader = ChunkReader::new();
            let blake3 = ahead.then(|| digest(Algorithm::Blake3, &content));
            let expected = OpenedFile { offset: 0, digest: blake3 };
            assert_eq!(open(&mut reader, &entry, ahead, None), Ok(expected));
            let mut got = Vec::new();
            while got.len() < size {
                let len = CHUNK.min(size - got.len());
                got.extend(read(&mut reader, got.len() as u64, len).unwrap());
            }
            assert!(got == content, "{size}");
            assert_eq!(close(&mut reader), Ok(()));
        }
        for algorithm in [Algorithm::Sha1, Algorithm::Blake3] {
            let done = ChunkReader::new().execute(Job::Digest(entry.clone(), algorithm));
            assert!(matches!(done, JobResult::Digest(Ok(d)) if d == digest(algorithm, &content)));
        }
    }
}

#[test]
fn a_client_goes_on_where_what_it_has_is_the_beginning_of_this() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let content = content::bytes(1, 1_500_000);
    fs::write(&path, &content).unwrap();
    let entry = entry(at(&path));
    let whole = digest(Algorithm::Blake3, &content);
    let resume = |offset: u64, prefix: &[u8], whole| {
        Some(ResumePoint { offset, prefix: digest(Algorithm::Blake3, prefix), whole })
    };
    let mut reader = ChunkReader::new();
    let mut offset = |resume| open(&mut reader, &entry, false, resume).unwrap().offset;
    assert_eq!(offset(resume(700_001, &content[..700_001], whole)), 700_001);
    assert_eq!(offset(resume(1_500_000, &content, whole)), 1_500_000);
    assert_eq!(offset(resume(700_001, &content[..700_000], whole)), 0, "other bytes");
    assert_eq!(offset(resume(1_500_001, &content, whole)), 0, "more than there is");
    assert_eq!(offset(resume(u64::MAX, &content, whole)), 0, "more than there is");
    let other = digest(Algorithm::Blake3, b"other");
    assert_eq!(offset(resume(700_001, &content[..700_001], other)), 0, "of another file");
}

#[test]
fn what_has_changed_is_noticed_at_every_step() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, content::bytes(1, 200_000)).unwrap();
    let entry = entry(at(&path));
    let mut reader = ChunkReader::new();

    assert!(open(&mut reader, &entry, true, None).is_ok());
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(100_000).unwrap();
    assert_eq!(read(&mut reader, 50_000, 100_000), Err(Unreadable::Changed));
    assert_eq!(close(&mut reader), Err(Unreadable::Changed));
    assert_eq!(open(&mut reader, &entry, false, None), Err(Unreadable::Changed));
    assert!(matches!(
        reader.execute(Job::Digest(entry.clone(), Algorithm::Sha1)),
        JobResult::Digest(Err(Unreadable::Changed))
    ));
    assert!(entry.digest(Algorithm::Sha1).is_none(), "an error is no digest");

    fs::remove_file(&path).unwrap();
    assert_eq!(open(&mut reader, &entry, false, None), Err(Unreadable::Changed));
    fs::create_dir(&path).unwrap();
    assert_eq!(open(&mut reader, &entry, false, None), Err(Unreadable::Changed));
    assert!(read(&mut reader, 0, 1).is_err(), "nothing is open");
    assert_eq!(close(&mut reader), Ok(()));
}

#[test]
fn the_same_size_and_another_file_or_time_is_a_change() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let other = directory.path().join("other");
    fs::write(&path, b"one").unwrap();
    let before = entry(at(&path));
    fs::write(&other, b"two").unwrap();
    fs::File::options()
        .write(true)
        .open(&other)
        .unwrap()
        .set_modified(before.version().modified)
        .unwrap();
    fs::rename(&other, &path).unwrap();
    let mut reader = ChunkReader::new();
    if cfg!(unix) {
        assert_eq!(open(&mut reader, &before, false, None), Err(Unreadable::Changed));
    }
    let replaced = entry(at(&path));
    assert!(open(&mut reader, &replaced, false, None).is_ok());
    let later = before.version().modified + Duration::from_millis(1);
    fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    assert_eq!(close(&mut reader), Err(Unreadable::Changed));
}

#[test]
fn a_digest_is_computed_once_for_all_who_need_it() {
    let directory = tempfile::tempdir().unwrap();
    let content = content::bytes(1, 3_000_000);
    fs::write(directory.path().join("file"), &content).unwrap();
    let reads = Arc::new(AtomicUsize::new(0));
    let count = reads.clone();
    let system = GuardedFileSystem::new(move |operation| {
        count.fetch_add(usize::from(operation == DiskOperation::Read), Ordering::Relaxed);
        Ok(())
    });
    let system: Arc<dyn FileSystem> = Arc::new(system);
    let root = SharedRoot::new(Directory::open(&system, directory.path()).unwrap());
    let entry = entry(FileSource::beneath(Arc::new(root), "file".into()));
    let digests: Vec<_> = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut reader = ChunkReader::new();
                    open(&mut reader, &entry, true, None).unwrap().digest
                })
            })
            .collect();
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    });
    assert_eq!(digests, vec![Some(digest(Algorithm::Blake3, &content)); 8]);
    let blocks = content.len().div_ceil(256 << 10);
    assert_eq!(reads.load(Ordering::Relaxed), blocks, "read once");
}

/// Also if the time is set back to what it was.
#[cfg(unix)]
#[test]
fn another_content_of_the_same_size_and_time_is_a_change() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    for size in [10, 3_000_000] {
        fs::write(&path, content::bytes(1, size)).unwrap();
        let entry = entry(at(&path));
        let mut reader = ChunkReader::new();
        let known = open(&mut reader, &entry, true, None).unwrap().digest;
        let age = SystemTime::now().duration_since(entry.version().changed.unwrap()).unwrap();
        assert!(age >= Duration::from_millis(20), "it could not be told from another change");
        assert_eq!(read(&mut reader, 0, 10), Ok(content::bytes(1, size)[..10].to_vec()));
        // At once: the clock of the file system may not have moved on.
        fs::write(&path, content::bytes(2, size)).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(entry.version().modified).unwrap();
        assert_eq!(close(&mut reader), Err(Unreadable::Changed), "{size}");
        assert_eq!(open(&mut reader, &entry, true, None), Err(Unreadable::Changed), "{size}");
        let fresh = self::entry(at(&path));
        let digest = open(&mut reader, &fresh, true, None).unwrap().digest;
        assert_ne!(digest, known);
        assert!(fresh.version().may_have_content_of(&entry.version()));
    }
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_lead_nowhere_outside() {
        let directory = tempfile::tempdir().unwrap();
        let mount = directory.path().join("mount");
        fs::create_dir_all(mount.join("below")).unwrap();
        fs::write(directory.path().join("secret"), b"secret").unwrap();
        fs::write(mount.join("below/file"), b"open").unwrap();
        symlink("below/file", mount.join("within")).unwrap();
        symlink("../secret", mount.join("out")).unwrap();
        symlink(directory.path(), mount.join("up")).unwrap();
        let directory = Directory::open(&NativeFileSystem::shared(), &mount).unwrap();
        let root = Arc::new(SharedRoot::new(directory));
        let source = |path: &str| FileSource::beneath(root.clone(), path.into());
        assert!(source("within").open().is_ok());
        for path in ["out", "up/secret", "../secret", "below/../../secret", "/etc/passwd"] {
            assert!(source(path).open().is_err(), "{path}");
            assert!(source(path).version().is_err(), "{path}");
        }
    }

    #[test]
    fn nothing_waits_for_a_fifo() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, b"x").unwrap();
        let version = at(&path).version().unwrap();
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(at(&path).version().is_err());
        let entry = entry_in(at(&path), version);
        assert_eq!(open(&mut ChunkReader::new(), &entry, true, None), Err(Unreadable::Changed));
        let device = entry_in(at(Path::new("/dev/zero")), version);
        assert_eq!(open(&mut ChunkReader::new(), &device, true, None), Err(Unreadable::Changed));
    }
}
