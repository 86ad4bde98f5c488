//! An operation that fails for a moment, as on a disk that is full: what is in the folder is known, then
//! and after a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use filemq::disk::{DiskOperation, FileSystem, GuardedFileSystem, ReceivedFolder};
use filemq::session::Write;

use super::killed::there;
use super::{Place, blake3, content, execute, info, name, send, whole};

const ENOSPC: i32 = 28;
const EACCES: i32 = 13;

/// A file system on which nothing can be written.
fn full() -> Arc<dyn FileSystem> {
    Arc::new(GuardedFileSystem::new(|operation| match operation {
        DiskOperation::Write => Err(io::Error::from_raw_os_error(ENOSPC)),
        _ => Ok(()),
    }))
}

/// Returns the names of the files in the folder, and those that are known as the server's.
fn there_and_known(place: &Place) -> (Vec<String>, BTreeSet<String>) {
    let mut all = BTreeMap::new();
    there(place.path(), "", &mut all);
    let files = all.into_iter().filter_map(|(file, content)| content.map(|_| file)).collect();
    let known = place.writer().inventory().complete;
    (files, known.iter().map(|(name, _)| name.to_string()).collect())
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
    const FILES: [(&str, Option<&str>, &str); 6] = [
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
            let mut writer = place.writer();
            for (file, before, _) in FILES {
                before.map(|before| send(&mut writer, file, before.as_bytes()));
            }
            drop(writer);
            let seen = Arc::new(AtomicUsize::new(0));
            let system = failing(from, times, &seen);
            if let Ok(folder) = ReceivedFolder::open_on(system, place.path(), place.limits.clone())
                && let Ok(mut writer) = folder.writer("server")
            {
                let all = FILES.iter().flat_map(|(file, _, after)| {
                    whole(file, after.as_bytes(), Some(info(after.as_bytes())))
                });
                execute(&mut writer, all);
                let deletes =
                    FILES[..2].iter().map(|(file, ..)| Write::Delete { name: name(file) });
                execute(&mut writer, deletes);
                execute(&mut writer, [Write::Retry]);
                execute(&mut writer, [Write::Retry]);
            }
            let mut all = BTreeMap::new();
            there(place.path(), "", &mut all);
            let known = place.writer().inventory().complete;
            let files = all.into_iter().filter_map(|(file, content)| Some((file, content?)));
            let there: Vec<_> =
                files.map(|(file, content)| (name(&file), blake3(&content))).collect();
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
        let Ok(folder) = ReceivedFolder::open_on(system, place.path(), place.limits.clone()) else {
            continue;
        };
        let mut writer = folder.writer("server").unwrap();
        let mut all = whole("/directory", b"x", Some(info(b"x")));
        all.extend(whole("/large", &large, Some(info(&large))));
        all.extend(whole("/last", b"y", Some(info(b"y"))));
        execute(&mut writer, all);
        execute(&mut writer, [Write::Retry]);
        drop((writer, folder));
        let (there, known) = there_and_known(&place);
        let unknown: Vec<_> = there.into_iter().filter(|file| !known.contains(file)).collect();
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
    let opened = ReceivedFolder::open_on(full(), place.path(), place.limits.clone());
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
    let opened = ReceivedFolder::open_on(full(), place.path(), place.limits.clone());
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
    let folder = ReceivedFolder::open_on(system, place.path(), place.limits.clone()).unwrap();
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
    let folder = ReceivedFolder::open_on(system, place.path(), place.limits.clone()).unwrap();
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
