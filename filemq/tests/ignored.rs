//! What is left out of a directory on purpose, and what cannot be read when it is published.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]
#![cfg(unix)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use common::failing::{FailingFileSystem, Operation};
use filemq::disk::{Mount, MountChange, ScannedMount};
use filemq::{MountOptions, Omission, PublishError, VirtualPath};
use tempfile::TempDir;
use testkit::wait::DEADLINE;

const PATTERNS: &str = ".leave-out";

/// A directory that is looked at when the test says so.
struct Scanned {
    directory: TempDir,
    disk: Arc<FailingFileSystem>,
    mount: ScannedMount,
    files: Vec<String>,
    omitted: BTreeMap<Omission, usize>,
}

fn options(ignore: &[&str]) -> MountOptions {
    MountOptions {
        stable: Duration::ZERO,
        ignore: ignore.iter().map(|&pattern| pattern.to_owned()).collect(),
        ignore_file: Some(PATTERNS.to_owned()),
        ..MountOptions::new(VirtualPath::root())
    }
}

fn directory(files: &[&str]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    files.iter().for_each(|file| write(directory.path(), file, "x"));
    directory
}

fn write(directory: &Path, file: &str, content: &str) {
    let path = directory.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

impl Scanned {
    fn open(directory: TempDir, options: MountOptions) -> Result<Self, PublishError> {
        Self::open_on(FailingFileSystem::new(), directory, options)
    }

    fn open_on(
        disk: Arc<FailingFileSystem>,
        directory: TempDir,
        options: MountOptions,
    ) -> Result<Self, PublishError> {
        let (mount, found) = ScannedMount::open_on(disk.shared(), directory.path(), options)?;
        let (files, omitted) = (Vec::new(), BTreeMap::new());
        let mut scanned = Self { directory, disk, mount, files, omitted };
        scanned.apply(found);
        Ok(scanned)
    }

    fn apply(&mut self, changes: Vec<MountChange>) {
        self.omitted.clear();
        for change in changes {
            match change {
                MountChange::Updated { name, .. } => {
                    self.files.push(name.to_string());
                    self.files.sort();
                    self.files.dedup();
                }
                MountChange::Removed { name } => self.files.retain(|file| *file != name.as_str()),
                MountChange::Unstable { name } => panic!("{name} has not changed"),
                MountChange::Omitted(omitted) => {
                    self.omitted.insert(omitted.reason, omitted.count);
                }
            }
        }
    }

    fn scan(&mut self) {
        let changes = self.mount.scan();
        self.apply(changes);
    }

    fn write(&self, file: &str, content: &str) {
        write(self.directory.path(), file, content);
    }
}

#[test]
fn what_patterns_leave_out_is_not_published_and_is_told_once() {
    let files = ["a.txt", "a.tmp", "d/b.tmp", "d/keep.tmp", "build/out", "d/build", ".git/x", ".b"];
    let directory = directory(&files);
    std::os::unix::fs::symlink("build", directory.path().join("link")).unwrap();
    write(directory.path(), PATTERNS, "# mine\n*.tmp\n/build/\n");
    let mut scanned = Scanned::open(directory, options(&["!keep.tmp", ".git", "link/"])).unwrap();
    assert_eq!(scanned.files, ["/a.txt", "/d/build", "/d/keep.tmp"]);
    // Two files, the directory `build`, the link to it, and `.git`, which is hidden as well; of the
    // file of patterns itself nothing is said.
    let told = BTreeMap::from([(Omission::Ignored, 5), (Omission::Hidden, 1)]);
    assert_eq!(scanned.omitted, told);
    scanned.write("c.tmp", "x");
    scanned.scan();
    assert_eq!((scanned.files.len(), &scanned.omitted), (3, &BTreeMap::new()));
}

#[test]
fn hidden_files_are_published_if_that_is_wanted() {
    let files = ["a", ".b", ".git/x", "d/.c", ".filemq/lock", "d/.filemq/journal", ".no/x"];
    let directory = directory(&files);
    write(directory.path(), PATTERNS, "/.no/");
    let wanted = |hidden| MountOptions { hidden, ..options(&[]) };
    let mut scanned = Scanned::open(directory, wanted(true)).unwrap();
    assert_eq!(scanned.files, ["/.b", "/.git/x", "/a", "/d/.c"]);
    // What a received folder keeps for itself is hidden in any case.
    let told = [(Omission::Ignored, 1), (Omission::Hidden, 2)];
    assert_eq!(scanned.omitted, BTreeMap::from(told));
    scanned.write(".git/y", "x");
    scanned.scan();
    assert!(scanned.files.contains(&"/.git/y".to_owned()));
    let scanned = Scanned::open(scanned.directory, wanted(false)).unwrap();
    assert_eq!(scanned.files, ["/a"]);
}

#[test]
fn patterns_that_change_take_back_and_add_and_mistakes_in_them_publish_nothing() {
    let mut scanned = Scanned::open(directory(&["a", "b"]), options(&[])).unwrap();
    assert_eq!(scanned.files, ["/a", "/b"]);
    scanned.write(PATTERNS, "a\n");
    scanned.scan();
    assert_eq!(scanned.files, ["/b"]);
    scanned.write(PATTERNS, "{\n");
    for _ in 0..2 {
        scanned.scan();
        assert_eq!(scanned.files, ["/b"], "what was private stays private");
    }
    scanned.write(PATTERNS, "a\n*.tmp\n");
    scanned.scan();
    let unreadable = |reason: &Omission| matches!(reason, Omission::Unreadable(_));
    let over = scanned.omitted.iter().find(|(reason, _)| unreadable(reason)).unwrap();
    assert_eq!(*over.1, 0, "that there was a mistake was told, and that it is mended");
    fs::remove_file(scanned.directory.path().join(PATTERNS)).unwrap();
    scanned.scan();
    assert_eq!(scanned.files, ["/b"], "it may be saved at this moment");
    let end = Instant::now() + DEADLINE;
    while scanned.files.len() < 2 {
        assert!(Instant::now() < end, "{:?}", scanned.files);
        std::thread::sleep(Duration::from_millis(10));
        scanned.scan();
    }
    assert_eq!(scanned.files, ["/a", "/b"]);
    // The mistake is an error when the directory is published.
    scanned.write(PATTERNS, "{\n");
    let Scanned { directory, .. } = scanned;
    let error = Scanned::open(directory, options(&[])).map(drop).unwrap_err();
    assert!(matches!(error, PublishError::Pattern { .. }), "{error}");
    assert!(error.to_string().contains(PATTERNS), "{error}");
}

#[test]
fn a_change_of_the_patterns_is_noticed_at_once_and_below_what_is_ignored_nothing_is() {
    let directory = directory(&["a", "out/b"]);
    let (tell, changes) = mpsc::channel();
    let told = move |changes| drop(tell.send(changes));
    let rescan = Duration::from_secs(3600);
    let options = MountOptions { rescan, hidden: true, ..options(&["/out/"]) };
    let (_mount, first) = Mount::open(directory.path(), options, told).unwrap();
    assert!(matches!(&first[..], [MountChange::Updated { .. }, MountChange::Omitted(_)]));
    let next = |kind: fn(&MountChange) -> Option<String>| loop {
        let changes: Vec<MountChange> = changes.recv_timeout(DEADLINE).unwrap();
        if let Some(name) = changes.iter().find_map(kind) {
            return name;
        }
    };
    let removed = |change: &MountChange| match change {
        MountChange::Removed { name } => Some(name.to_string()),
        _ => None,
    };
    let updated = |change: &MountChange| match change {
        MountChange::Updated { name, .. } => Some(name.to_string()),
        _ => None,
    };
    write(directory.path(), "out/c", "x");
    write(directory.path(), "out/.d", "x");
    write(directory.path(), PATTERNS, "a\n");
    assert_eq!(next(removed), "/a");
    write(directory.path(), "e/.x", "x");
    assert_eq!(next(updated), "/e/.x", "not what is below `out`");
    // It is looked at once more when it is stable.
    fs::remove_file(directory.path().join(PATTERNS)).unwrap();
    assert_eq!(next(updated), "/a");
}

#[test]
fn what_cannot_be_read_is_an_error_if_it_has_to_be_readable() {
    const EACCES: i32 = 13;
    let strict = || MountOptions { require_readable: true, ..options(&[]) };
    let files = ["a", "d/b", "d/e/c"];
    // How often each is used when all goes well.
    let disk = FailingFileSystem::new();
    let opened = Scanned::open_on(disk.clone(), directory(&files), strict()).unwrap();
    assert_eq!(opened.files.len(), 3);
    // The first is the file of patterns, which is not there; and each file is opened.
    assert_eq!(disk.seen(Operation::OpenFile), 4);
    let lists = disk.seen(Operation::List);
    let failures = (0..4).map(|after| (Operation::OpenFile, after));
    for (operation, after) in failures.chain((0..lists).map(|after| (Operation::List, after))) {
        let disk = FailingFileSystem::new();
        disk.fail_after(operation, EACCES, after, 1);
        let error = Scanned::open_on(disk.clone(), directory(&files), strict()).map(drop);
        let error = error.unwrap_err();
        assert!(disk.is_done());
        assert!(
            matches!(&error, PublishError::Unreadable { source, .. }
                if source.raw_os_error() == Some(EACCES)),
            "{operation:?} {after}: {error}"
        );
    }
    // Later it is tried again.
    let mut opened = opened;
    opened.disk.fail(Operation::List, EACCES, 1);
    opened.scan();
    assert_eq!(opened.files.len(), 3);
    // Without that it is left out.
    let disk = FailingFileSystem::new();
    disk.fail_after(Operation::List, EACCES, lists - 1, 1);
    let opened = Scanned::open_on(disk, directory(&files), options(&[])).unwrap();
    assert_eq!((opened.files.len(), opened.omitted.len()), (2, 1));
}
