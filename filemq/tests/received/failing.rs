//! An operation that fails for a moment, as on a disk that is full: what is in the folder is known, then
//! and after a restart.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use filemq::VirtualPath;
use filemq::disk::{DiskOperation, FileSystem, GuardedFileSystem};
use filemq::session::Write;

use super::{Changed, Place, content, execute, info, name, send, send_after, send_before, whole};

const ENOSPC: i32 = 28;
const EACCES: i32 = 13;

/// A file system on which nothing can be written.
fn full() -> Arc<dyn FileSystem> {
    Arc::new(GuardedFileSystem::new(|operation| match operation {
        DiskOperation::Write => Err(io::Error::from_raw_os_error(ENOSPC)),
        _ => Ok(()),
    }))
}

/// Operations `from..from + times` fail as if the disk were full; all others are done.
fn failing(from: usize, times: usize, seen: &Arc<AtomicUsize>) -> Arc<dyn FileSystem> {
    let seen = Arc::clone(seen);
    Arc::new(GuardedFileSystem::new(move |_| {
        let at = seen.fetch_add(1, Ordering::Relaxed);
        if (from..from + times).contains(&at) {
            Err(io::Error::from_raw_os_error(ENOSPC))
        } else {
            Ok(())
        }
    }))
}

/// Any one, two or three operations fail, then all is tried again.
#[test]
fn whatever_fails_for_a_moment_all_that_is_there_is_known() {
    const FILES: [Changed; 6] = [
        ("/d/changed", Some("old"), "the new one"),
        ("/d/new", None, "new"),
        ("/e/f/changed", Some("older"), "newer"),
        ("/g/h/new", None, "another"),
        ("/i/new", None, "yet another"),
        ("/top", None, "at the top"),
    ];
    let mut wrong = Vec::new();
    for times in [1, 2, 3, 8] {
        for from in 0.. {
            let place = Place::new();
            send_before(&place, &FILES);
            let seen = Arc::new(AtomicUsize::new(0));
            if let Ok(folder) = place.folder_on(failing(from, times, &seen))
                && let Ok(mut writer) = folder.writer("server")
            {
                send_after(&mut writer, &FILES);
                execute(&mut writer, [Write::Retry]);
                execute(&mut writer, [Write::Retry]);
            }
            let (there, known) = (place.files(), place.writer().inventory().complete);
            if known != there {
                let known: Vec<_> = known.iter().map(|(name, _)| name.to_string()).collect();
                let there: Vec<_> = there.iter().map(|(name, _)| name.to_string()).collect();
                wrong.push(format!("{times} from {from}: known {known:?}, there {there:?}"));
            }
            if seen.load(Ordering::Relaxed) <= from {
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{} cases\n{}", wrong.len(), wrong.join("\n"));
}

/// A file cannot be put in its place, which cannot be noted now, and the next one of the group is a large
/// one, which was in the journal as one that can be resumed.
#[test]
fn a_large_file_in_a_group_is_known_though_the_journal_was_full_for_a_moment() {
    let large = content::bytes(1, 1_300_000);
    let mut wrong = Vec::new();
    for nth in 0..20 {
        let place = Place::new();
        fs::create_dir(place.path().join("directory")).unwrap();
        let writes = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&writes);
        let system: Arc<dyn FileSystem> = Arc::new(GuardedFileSystem::new(move |operation| {
            if operation == DiskOperation::Write && count.fetch_add(1, Ordering::Relaxed) == nth {
                return Err(io::Error::from_raw_os_error(ENOSPC));
            }
            Ok(())
        }));
        let Ok(folder) = place.folder_on(system) else {
            continue;
        };
        let mut writer = folder.writer("server").unwrap();
        let mut all = whole("/directory", b"x", Some(info(b"x")));
        all.extend(whole("/large", &large, Some(info(&large))));
        all.extend(whole("/last", b"y", Some(info(b"y"))));
        execute(&mut writer, all);
        execute(&mut writer, [Write::Retry]);
        drop((writer, folder));
        let (there, known) = (place.files(), place.writer().inventory().complete);
        let is_known = |file: &VirtualPath| known.iter().any(|(name, _)| name == file);
        let unknown: Vec<_> = there.iter().filter(|(file, _)| !is_known(file)).collect();
        if !unknown.is_empty() {
            wrong.push(format!("write {nth} fails: nobody's: {unknown:?}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// The disk is full, and the process was killed while it appended to the journal: the next one has to
/// start, if only to delete what is deleted.
#[test]
fn a_torn_journal_is_no_reason_not_to_start_when_the_disk_is_full() {
    let place = Place::new();
    send(&mut place.writer(), "/a", b"x");
    send(&mut place.writer(), "/b", b"x");
    let journal = place.path().join(".filemq/journal");
    let length = fs::metadata(&journal).unwrap().len();
    fs::OpenOptions::new().write(true).open(&journal).unwrap().set_len(length - 3).unwrap();
    let opened = place.folder_on(full());
    assert!(opened.is_ok(), "{opened:?}");
}

/// No kill at all: much was deleted, so the journal is mostly out of date, and the disk is full.
#[test]
fn a_long_journal_is_no_reason_not_to_start_when_the_disk_is_full() {
    let mut place = Place::new();
    place.limits.durable = false;
    let mut writer = place.writer();
    for round in 0..3 {
        for nth in 0..1700 {
            let file = format!("/{round}-{nth}");
            send(&mut writer, &file, b"x");
        }
        for nth in 0..1700 {
            execute(&mut writer, [Write::Delete { name: name(&format!("/{round}-{nth}")) }]);
        }
    }
    drop(writer);
    let opened = place.folder_on(full());
    assert!(opened.is_ok(), "{opened:?}");
}

/// What a loss of power may take: what was appended to the journal and not synced. A file that is in
/// its place, synced and its directory synced, must not be nobody's.
#[test]
fn the_journal_is_synced_before_a_file_is_in_its_place() {
    let place = Place::new();
    let log: Arc<Mutex<Vec<DiskOperation>>> = Arc::default();
    let kept = Arc::clone(&log);
    let system: Arc<dyn FileSystem> = Arc::new(GuardedFileSystem::new(move |operation| {
        kept.lock().unwrap().push(operation);
        Ok(())
    }));
    let folder = place.folder_on(system).unwrap();
    let mut writer = folder.writer("server").unwrap();
    log.lock().unwrap().clear();
    send(&mut writer, "/a", b"x");
    let order = log.lock().unwrap().clone();
    let renamed = order.iter().position(|it| *it == DiskOperation::Rename).unwrap();
    // The content is written and synced, then the journal.
    let after_journal =
        order[..renamed].iter().rposition(|it| *it == DiskOperation::Write).unwrap();
    assert!(order[after_journal..renamed].contains(&DiskOperation::Sync), "{order:?}");
}

/// A directory that could not be made, and that the user has made then, is the user's.
#[cfg(unix)]
#[test]
fn a_directory_that_could_not_be_made_is_not_ours() {
    let place = Place::new();
    let fails = Arc::new(AtomicBool::new(false));
    let failing = Arc::clone(&fails);
    let system: Arc<dyn FileSystem> = Arc::new(GuardedFileSystem::new(move |operation| {
        if operation == DiskOperation::CreateDir && failing.load(Ordering::Relaxed) {
            return Err(io::Error::from_raw_os_error(EACCES));
        }
        Ok(())
    }));
    let folder = place.folder_on(system).unwrap();
    let mut writer = folder.writer("server").unwrap();
    fails.store(true, Ordering::Relaxed);
    execute(&mut writer, whole("/mine/a", b"x", Some(info(b"x"))));
    fails.store(false, Ordering::Relaxed);
    fs::create_dir(place.path().join("mine")).unwrap();
    execute(&mut writer, [Write::Retry]);
    assert!(place.path().join("mine/a").exists());
    execute(&mut writer, [Write::Delete { name: name("/mine/a") }]);
    assert!(place.path().join("mine").exists(), "the user has made it");
}
