//! What becomes of files when operations of the file system fail: every operation of the received
//! folder and of a mount is seen by the file system, and whatever fails, no name ever holds a wrong
//! file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]
#![cfg(unix)]

mod common;

use std::fs;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime};

use common::failing::{FailingFileSystem, Operation};
use common::{content, path};
use filemq::digest::{Algorithm, Hasher};
use filemq::disk::{Mount, MountChange, ReceivedFolder, ReceivedWriter};
use filemq::session::{FileInfo, Write, Written};
use filemq::{Fate, FileEvent, MountOptions, PublishError, ReceivedLimits, VirtualPath};
use tempfile::TempDir;
use testkit::wait::DEADLINE;

const EACCES: i32 = 13;
const EIO: i32 = 5;
const EINVAL: i32 = 22;
const EMFILE: i32 = 24;
const ENOSPC: i32 = 28;

/// A received folder on a file system that fails.
struct Place {
    directory: TempDir,
    system: Arc<FailingFileSystem>,
}

impl Place {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), system: FailingFileSystem::new() }
    }

    fn open(&self) -> std::io::Result<ReceivedFolder> {
        ReceivedFolder::open_on(
            self.system.shared(),
            self.directory.path(),
            ReceivedLimits::default(),
        )
    }

    fn writer(&self) -> ReceivedWriter {
        self.open().unwrap().writer("server").unwrap()
    }

    fn read(&self, file: &str) -> Option<Vec<u8>> {
        fs::read(self.directory.path().join(file)).ok()
    }

    fn partial(&self) -> usize {
        fs::read_dir(self.directory.path().join(".filemq/partial")).unwrap().count()
    }
}

fn info(content: &[u8]) -> FileInfo {
    let mut hasher = Hasher::new(Algorithm::Blake3);
    hasher.update(content);
    let (size, digest) = (content.len() as u64, hasher.digest());
    FileInfo { size, digest, modified: SystemTime::UNIX_EPOCH, mode: 0o444 }
}

/// Sends a whole file, and returns what became of it.
fn send(writer: &mut ReceivedWriter, file: &str, content: &[u8]) -> Vec<Written> {
    let (name, size) = (path(file), content.len() as u64);
    let bytes = content.to_vec().into();
    let orders = [
        Write::Begin { name, sequence: 0, offset: 0, info: Some(info(content)) },
        Write::Data { offset: 0, bytes },
        Write::End { size },
    ];
    let mut written: Vec<_> =
        orders.into_iter().filter_map(|write| writer.execute(write)).collect();
    written.extend(writer.flush());
    written
}

fn is_delivered(written: &[Written]) -> bool {
    matches!(written, [Written::File { event: FileEvent::Delivered { .. }, .. }])
}

/// Whether it was told that a file has to wait.
fn is_waiting(written: &[Written]) -> bool {
    let [Written::File { event: FileEvent::Refused { fate, .. }, .. }, Written::Stuck] = written
    else {
        return false;
    };
    fate.is_passing()
}

/// Tries again what waits.
fn retry(writer: &mut ReceivedWriter) -> Vec<Written> {
    let mut written: Vec<_> = writer.execute(Write::Retry).into_iter().collect();
    written.extend(writer.flush());
    written
}

/// Whether a file that had to wait is there now.
fn is_delivered_at_last(written: &[Written]) -> bool {
    let delivered = |written: &Written| {
        matches!(written, Written::File { event: FileEvent::Delivered { .. }, .. })
    };
    written.iter().filter(|written| delivered(written)).count() == 1
        && written.last() == Some(&Written::Unstuck)
}

/// One operation fails once while a new version of a file is received: whichever it is, the name
/// holds the old or the new version, what is reported is true, and the file comes when it is tried
/// again.
#[test]
fn whatever_fails_a_name_holds_a_whole_version() {
    for (operation, errno) in [
        (Operation::OpenFile, EMFILE),
        (Operation::Write, ENOSPC),
        (Operation::SetModified, EACCES),
        (Operation::SetMode, EACCES),
        (Operation::FileStatus, EIO),
        (Operation::Sync, EIO),
        (Operation::OpenDirIn, EMFILE),
        (Operation::Rename, EIO),
        (Operation::SyncDir, EIO),
    ] {
        let place = Place::new();
        let mut writer = place.writer();
        let (old, new) = (b"the old version".to_vec(), content(1, 100_000));
        assert!(is_delivered(&send(&mut writer, "/d/file", &old)), "{operation:?}");
        place.system.fail(operation, errno, 1);
        let written = send(&mut writer, "/d/file", &new);
        assert!(place.system.is_done(), "{operation:?} is not used");
        let there = place.read("d/file").unwrap();
        match () {
            () if is_delivered(&written) => assert!(there == new, "{operation:?}"),
            () if is_waiting(&written) => {
                assert!(there == old, "{operation:?}");
                let written = retry(&mut writer);
                assert!(is_delivered_at_last(&written), "{operation:?} {written:?}");
            }
            () => panic!("{operation:?}: {written:?}"),
        }
        assert!(place.read("d/file").unwrap() == new, "{operation:?}");
        assert_eq!(place.partial(), 0, "{operation:?}");
        drop(writer);
        let complete = place.writer().inventory().complete;
        assert_eq!(complete, [(path("/d/file"), info(&new).digest)], "{operation:?}");
    }
}

/// No content is dropped: it waits in its order, and what failed half way is written anew.
#[test]
fn on_a_full_disk_content_waits() {
    let place = Place::new();
    let mut writer = place.writer();
    place.system.fail(Operation::Write, ENOSPC, 2);
    let large = content(1, 1000);
    assert!(is_waiting(&send(&mut writer, "/large", &large)));
    assert_eq!((writer.held(), writer.held_bytes()), (2, 1000));
    assert_eq!(send(&mut writer, "/small", b"x"), []);
    assert_eq!((writer.held(), writer.held_bytes()), (5, 1001));
    assert_eq!(retry(&mut writer), [Written::Stuck], "once is enough to tell");
    let written = retry(&mut writer);
    let of = |written: &Written| match written {
        Written::File { event, .. } => event.name().to_string(),
        other => format!("{other:?}"),
    };
    let order: Vec<_> = written.iter().map(of).collect();
    assert_eq!(order, ["/large", "/large", "/small", "Unstuck"]);
    assert_eq!((writer.held(), writer.held_bytes()), (0, 0));
    assert_eq!(
        (place.read("large"), place.read("small")),
        (Some(large.into()), Some(b"x".to_vec()))
    );
    assert_eq!(place.partial(), 0);
}

/// A sync that has failed may have lost what was written, even if the next one succeeds.
#[test]
fn after_a_sync_that_failed_the_file_is_written_anew() {
    let place = Place::new();
    let mut writer = place.writer();
    place.system.fail(Operation::Sync, EIO, 1);
    assert!(is_waiting(&send(&mut writer, "/file", &content(1, 1000))));
    let before = place.system.seen(Operation::Write);
    let written = retry(&mut writer);
    assert!(is_delivered_at_last(&written), "{written:?}");
    assert!(place.system.seen(Operation::Write) > before);
    assert!(place.read("file").unwrap() == content(1, 1000));
    assert_eq!(place.partial(), 0);
    let complete = writer.inventory().complete;
    assert_eq!(complete, [(path("/file"), info(&content(1, 1000)).digest)]);
}

/// Complete files are open until they are in their places.
#[test]
fn when_descriptors_are_short_complete_files_are_closed_first() {
    let place = Place::new();
    let mut writer = place.writer();
    let orders = |file: &str| {
        let begin = Write::Begin { name: path(file), sequence: 0, offset: 0, info: None };
        [begin, Write::Data { offset: 0, bytes: "x".into() }, Write::End { size: 1 }]
    };
    let mut written: Vec<_> =
        orders("/a").into_iter().filter_map(|write| writer.execute(write)).collect();
    place.system.fail(Operation::OpenFile, EMFILE, 1);
    written.extend(orders("/b").into_iter().filter_map(|write| writer.execute(write)));
    written.extend(writer.flush());
    assert!(place.system.is_done());
    assert_eq!(written.len(), 2, "{written:?}");
    assert!(written.iter().all(|written| is_delivered(std::slice::from_ref(written))));
}

#[test]
fn a_rename_that_fails_once_leaves_nothing_behind() {
    let place = Place::new();
    let mut writer = place.writer();
    place.system.fail(Operation::Rename, EIO, 1);
    assert!(is_waiting(&send(&mut writer, "/new/file", b"x")));
    assert_eq!((place.read("new/file"), place.partial()), (None, 1));
    assert!(writer.inventory().complete.is_empty());
    assert!(is_delivered_at_last(&retry(&mut writer)));
    assert_eq!(place.partial(), 0);
    drop(writer);
    assert_eq!(place.writer().inventory().complete.len(), 1);
}

/// A file that is not in the journal would belong to nobody after a restart.
#[test]
fn a_file_waits_until_it_is_in_the_journal() {
    let place = Place::new();
    let mut writer = place.writer();
    // One write for the content, one for the journal.
    place.system.fail_after(Operation::Write, ENOSPC, 1, 1);
    assert!(is_waiting(&send(&mut writer, "/file", b"x")));
    assert!(place.system.is_done());
    assert_eq!(place.read("file"), None);
    assert!(is_delivered_at_last(&retry(&mut writer)));
    assert_eq!(place.read("file").unwrap(), b"x");
    drop(writer);
    assert_eq!(place.writer().inventory().complete.len(), 1);
}

#[test]
fn a_partial_file_that_cannot_be_read_is_received_anew() {
    let place = Place::new();
    let mut writer = place.writer();
    let bytes = content(1, 200_000);
    let info = Some(info(&bytes));
    let begin = Write::Begin { name: path("/file"), sequence: 0, offset: 0, info };
    writer.execute(begin);
    writer.execute(Write::Data { offset: 0, bytes: bytes.slice(..100_000) });
    drop(writer);
    let mut writer = place.writer();
    place.system.fail(Operation::Read, EIO, 1);
    assert_eq!(writer.inventory().partial, None);
    assert_eq!(place.partial(), 0);
    assert!(is_delivered(&send(&mut writer, "/file", &bytes)));
}

#[test]
fn a_file_that_cannot_be_deleted_is_deleted_later() {
    let place = Place::new();
    let mut writer = place.writer();
    send(&mut writer, "/d/file", b"x");
    place.system.fail(Operation::RemoveFile, EACCES, 1);
    let delete = || Write::Delete { name: path("/d/file") };
    let mut written: Vec<_> = writer.execute(delete()).into_iter().collect();
    written.extend(writer.flush());
    assert!(is_waiting(&written), "{written:?}");
    assert_eq!(place.read("d/file").unwrap(), b"x");
    // A directory that cannot be removed is no reason to keep the file.
    place.system.fail(Operation::RemoveDir, EACCES, 1);
    place.system.fail(Operation::OpenDirIn, EMFILE, 1);
    assert_eq!(retry(&mut writer), [Written::Stuck], "nor is one that cannot be looked at");
    let deleted = retry(&mut writer);
    assert!(
        matches!(
            deleted[..],
            [Written::File { event: FileEvent::Deleted { .. }, .. }, Written::Unstuck]
        ),
        "{deleted:?}"
    );
    assert_eq!(place.read("d/file"), None);
}

/// It is not tried again, so it has to be told, though it was told before that it waits.
#[test]
fn a_delete_that_waited_and_fails_for_good_is_told() {
    let place = Place::new();
    let mut writer = place.writer();
    send(&mut writer, "/file", b"x");
    place.system.fail(Operation::RemoveFile, EACCES, 1);
    let mut written: Vec<_> =
        writer.execute(Write::Delete { name: path("/file") }).into_iter().collect();
    written.extend(writer.flush());
    assert!(is_waiting(&written), "{written:?}");
    place.system.fail(Operation::RemoveFile, EINVAL, 1);
    let refused = retry(&mut writer);
    assert!(
        matches!(
            &refused[..],
            [
                Written::File { event: FileEvent::Refused { fate: Fate::Final, .. }, .. },
                Written::Unstuck
            ]
        ),
        "{refused:?}"
    );
}

#[test]
fn a_folder_that_cannot_be_opened_is_an_error_and_can_be_opened_later() {
    for operation in [
        Operation::CreateDirAll,
        Operation::OpenDir,
        Operation::CreateDir,
        Operation::OpenDirIn,
        Operation::OpenFile,
        Operation::Lock,
        Operation::Read,
        Operation::Write,
        Operation::Sync,
        Operation::Rename,
        Operation::List,
    ] {
        let place = Place::new();
        place.system.fail(operation, EIO, 1);
        let error = place.open().expect_err("it fails");
        assert_eq!(error.raw_os_error(), Some(EIO), "{operation:?}");
        assert!(place.system.is_done());
        assert!(is_delivered(&send(&mut place.writer(), "/file", b"x")), "{operation:?}");
    }
}

/// A directory that is mounted, with two files.
struct Mounted {
    directory: TempDir,
    system: Arc<FailingFileSystem>,
    _mount: Mount,
    changes: mpsc::Receiver<Vec<MountChange>>,
    first: Vec<String>,
}

fn written(directory: &Path, file: &str) {
    fs::write(directory.join(file), "content").unwrap();
}

impl Mounted {
    fn open(system: Arc<FailingFileSystem>) -> Result<Self, PublishError> {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("d")).unwrap();
        written(directory.path(), "a");
        written(&directory.path().join("d"), "b");
        let options = MountOptions {
            stable: Duration::ZERO,
            rescan: Duration::from_millis(50),
            ..MountOptions::new(VirtualPath::root())
        };
        let (tell, changes) = mpsc::channel();
        let told = move |changes| drop(tell.send(changes));
        let (mount, first) = Mount::open_on(system.shared(), directory.path(), options, told)?;
        let first = first.iter().map(short).collect();
        Ok(Self { directory, system, _mount: mount, changes, first })
    }

    fn next(&self) -> Vec<String> {
        let changes = self.changes.recv_timeout(DEADLINE).expect("a change");
        changes.iter().map(short).collect()
    }
}

fn short(change: &MountChange) -> String {
    match change {
        MountChange::Updated { name, .. } => format!("+{name}"),
        MountChange::Removed { name } => format!("-{name}"),
        MountChange::Unstable { name } => format!("~{name}"),
        MountChange::Omitted(omitted) => format!("{} {}", omitted.count, omitted.reason),
    }
}

#[test]
fn a_mount_that_cannot_be_listed_is_an_error() {
    for operation in [Operation::Canonicalize, Operation::OpenDir, Operation::List] {
        let system = FailingFileSystem::new();
        system.fail(operation, EMFILE, 1);
        let error = Mounted::open(system).err().expect("it fails");
        let PublishError::Unreadable { source, .. } = error else { panic!("{error}") };
        assert_eq!(source.raw_os_error(), Some(EMFILE), "{operation:?}");
    }
}

/// What cannot be listed stays published, and its changes are noticed when it can be listed again.
#[test]
fn a_listing_that_fails_removes_nothing() {
    let mounted = Mounted::open(FailingFileSystem::new()).unwrap();
    assert_eq!(mounted.first, ["+/a", "+/d/b"]);
    let before = mounted.system.seen(Operation::List);
    mounted.system.fail(Operation::List, EMFILE, 4);
    mounted.system.wait_for(Operation::List, before + 6);
    assert!(mounted.system.is_done());
    let reason = "it cannot be read: Too many open files (os error 24)";
    assert_eq!(mounted.next(), [format!("1 {reason}")]);
    assert_eq!(mounted.next(), [format!("0 {reason}")]);
    written(mounted.directory.path(), "c");
    assert_eq!(mounted.next(), ["+/c"], "and nothing before it");
    fs::remove_file(mounted.directory.path().join("d/b")).unwrap();
    assert_eq!(mounted.next(), ["-/d/b"]);
}

/// A file that cannot be opened is reported as such, and is there when it can be.
#[test]
fn a_published_file_that_cannot_be_opened_now_can_be_later() {
    let mounted = Mounted::open(FailingFileSystem::new()).unwrap();
    written(mounted.directory.path(), "c");
    let changes = mounted.changes.recv_timeout(DEADLINE).unwrap();
    let [MountChange::Updated { source, .. }] = &changes[..] else { panic!("{changes:?}") };
    mounted.system.fail(Operation::OpenFile, EMFILE, 1);
    assert_eq!(source.open().unwrap_err().raw_os_error(), Some(EMFILE));
    assert_eq!(source.open().unwrap().1.size, 7);
}
