use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use super::{HEADER, Journal, JournalRecord, MAX_DEAD, replay};
use crate::VirtualPath;
use crate::digest::{Algorithm, Hasher};
use crate::disk::received::record::{FileRecord, JournalState, PausedFile};
use crate::disk::{Directory, DiskOperation, FileSystem, GuardedFileSystem, NativeFileSystem};

fn dir(path: &std::path::Path) -> Directory {
    Directory::open(&NativeFileSystem::shared(), path).unwrap()
}

fn name(text: &str) -> VirtualPath {
    VirtualPath::new(text).unwrap()
}

fn delivered(size: u64) -> FileRecord {
    FileRecord {
        origin: Arc::from("origin\nof lines"),
        size,
        modified: UNIX_EPOCH - Duration::new(5, 700),
        inode: 42,
        digest: Hasher::new(Algorithm::Sha1).digest(),
    }
}

fn pause() -> PausedFile {
    let whole = Hasher::new(Algorithm::Blake3).digest();
    PausedFile { name: name("/p"), whole, size: 9, partial: "hash".to_owned() }
}

fn describe(state: &JournalState) -> String {
    let files: BTreeMap<_, _> = state.files.iter().collect();
    format!("{files:?} {:?} {:?} {:?}", state.made, state.paused, state.folders)
}

#[test]
fn what_was_written_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let (mut journal, state) = Journal::open(dir(directory.path())).unwrap();
    assert_eq!(state.len(), 0);
    let (a, b, ours) = (name("/a\nb"), name("/gone"), delivered(3));
    journal
        .append([
            JournalRecord::Delivered(&a, &ours),
            JournalRecord::Delivered(&b, &ours),
            JournalRecord::Forgotten(&b),
            JournalRecord::Made("/x"),
            JournalRecord::Made("/y"),
            JournalRecord::Unmade("/y"),
            JournalRecord::Paused("o", &pause()),
            JournalRecord::Paused("p", &pause()),
            JournalRecord::Unpaused("p"),
            JournalRecord::Named("o", "alice"),
            JournalRecord::Named("p", "bob"),
            JournalRecord::Unnamed("p"),
        ])
        .unwrap();
    drop(journal);
    let (mut journal, state) = Journal::open(dir(directory.path())).unwrap();
    let mut expected = JournalState::default();
    expected.files.insert(a, ours);
    expected.made.insert("/x".to_owned());
    expected.paused.insert(Arc::from("o"), pause());
    expected.folders.insert(Arc::from("o"), "alice".to_owned());
    assert_eq!(describe(&state), describe(&expected));
    journal.rewrite(&state).unwrap();
    drop(journal);
    let (_, again) = Journal::open(dir(directory.path())).unwrap();
    assert_eq!(describe(&again), describe(&expected));
}

/// A torn or damaged journal is read up to the damage, and can be appended to.
#[test]
fn a_torn_journal_ends_with_its_last_whole_record() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("journal");
    let (mut journal, _) = Journal::open(dir(directory.path())).unwrap();
    for i in 0..4 {
        journal.append([JournalRecord::Delivered(&name(&format!("/{i}")), &delivered(i))]).unwrap();
    }
    drop(journal);
    let whole = std::fs::read(&file).unwrap();
    let record = (whole.len() - HEADER.len()) / 4;
    for end in 0..whole.len() {
        let intact = end.saturating_sub(HEADER.len()) / record;
        let mut state = JournalState::default();
        replay(&whole[..end], &mut state);
        assert_eq!(state.files.len(), intact, "{end}");
        if end % 29 != 0 {
            continue;
        }
        std::fs::write(&file, &whole[..end]).unwrap();
        let (mut journal, state) = Journal::open(dir(directory.path())).unwrap();
        assert_eq!(state.files.len(), intact, "{end}");
        journal.append([JournalRecord::Delivered(&name("/more"), &delivered(9))]).unwrap();
        drop(journal);
        let (_, state) = Journal::open(dir(directory.path())).unwrap();
        assert_eq!(state.files.len(), intact + 1, "{end}");
    }
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x55;
        let mut state = JournalState::default();
        replay(&changed, &mut state);
        assert_eq!(state.files.len(), at.saturating_sub(HEADER.len()) / record, "{at}");
        for i in 0..state.files.len() {
            let file = &state.files[&name(&format!("/{i}"))];
            assert_eq!((file.size, file.inode), (i as u64, 42));
        }
    }
}

#[test]
fn what_is_out_of_date_goes() {
    let directory = tempfile::tempdir().unwrap();
    let (mut journal, state) = Journal::open(dir(directory.path())).unwrap();
    let a = name("/a");
    for _ in 0..MAX_DEAD + 3 {
        journal.append([JournalRecord::Delivered(&a, &delivered(1))]).unwrap();
    }
    assert!(journal.is_stale(state.len()));
    let size = || std::fs::metadata(directory.path().join("journal")).unwrap().len();
    let before = size();
    drop(journal);
    let (journal, state) = Journal::open(dir(directory.path())).unwrap();
    assert_eq!(state.files.len(), 1);
    assert!(!journal.is_stale(state.len()) && size() * 1000 < before);
}

/// The file that is appended to, and made safe on the disk, is the one that a restart reads.
#[test]
fn a_journal_that_cannot_be_replaced_is_still_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let is_broken = Arc::new(AtomicBool::new(false));
    let fails = is_broken.clone();
    let system: Arc<dyn FileSystem> = Arc::new(GuardedFileSystem::new(move |operation| {
        match operation == DiskOperation::Rename && fails.load(Ordering::Relaxed) {
            true => Err(io::Error::other("broken")),
            false => Ok(()),
        }
    }));
    let hidden = Directory::open(&system, directory.path()).unwrap();
    let (mut journal, state) = Journal::open(hidden).unwrap();
    journal.append([JournalRecord::Made("/before")]).unwrap();
    is_broken.store(true, Ordering::Relaxed);
    assert!(journal.rewrite(&state).is_err());
    journal.append([JournalRecord::Made("/after")]).unwrap();
    drop(journal);
    is_broken.store(false, Ordering::Relaxed);
    let (_, again) = Journal::open(dir(directory.path())).unwrap();
    assert_eq!(again.made.iter().collect::<Vec<_>>(), ["/after", "/before"]);
}
