//! A process that is killed at any moment: what it leaves is known to the next.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use filemq::disk::{FileSystem, GuardedFileSystem, ReceivedFolder};
use filemq::session::Write;

use super::{Place, blake3, execute, info, name, send, whole};

/// Each name with its content before, and with the one that comes then.
const FILES: [(&str, Option<&str>, &str); 4] = [
    ("/d/changed", Some("old"), "the new one"),
    ("/d/new", None, "new"),
    ("/e/f/changed", Some("older"), "newer"),
    ("/g/h/new", None, "another"),
];

/// A file system that does nothing more once so many operations are done, as if the process were gone.
fn dying(left: &Arc<AtomicUsize>) -> Arc<dyn FileSystem> {
    let left = Arc::clone(left);
    Arc::new(GuardedFileSystem::new(move |_| {
        let next = |left: usize| left.checked_sub(1);
        let lives = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok();
        if lives { Ok(()) } else { Err(io::Error::other("the process is gone")) }
    }))
}

/// Returns all files and directories below a directory, but for the folder's own.
fn there(directory: &Path, below: &str, all: &mut BTreeMap<String, Option<Vec<u8>>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{below}/{}", entry.file_name().to_str().unwrap());
        if path == "/.filemq" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            there(&entry.path(), &path, all);
            all.insert(path, None);
        } else {
            all.insert(path, Some(fs::read(entry.path()).unwrap()));
        }
    }
}

#[test]
fn whatever_a_killed_process_leaves_is_whole_and_known_and_can_be_deleted() {
    let mut reached = 0;
    for operations in 0.. {
        let place = Place::new();
        let mut writer = place.writer();
        for (file, before, _) in FILES {
            before.map(|before| send(&mut writer, file, before.as_bytes()));
        }
        drop(writer);
        let left = Arc::new(AtomicUsize::new(operations));
        let killed = ReceivedFolder::open_on(dying(&left), place.path(), place.limits.clone());
        if let Ok(killed) = killed
            && let Ok(mut writer) = killed.writer("server")
        {
            let all = FILES.iter().flat_map(|(file, _, after)| {
                whole(file, after.as_bytes(), Some(info(after.as_bytes())))
            });
            execute(&mut writer, all);
            // Half of them goes again.
            let deletes = FILES[..2].iter().map(|(file, ..)| Write::Delete { name: name(file) });
            execute(&mut writer, deletes);
        }
        let is_over = left.load(Ordering::Relaxed) > 0;
        let mut left = BTreeMap::new();
        there(place.path(), "", &mut left);
        let mut files = Vec::new();
        for (file, content) in &left {
            let Some(content) = content else { continue };
            let (_, before, after) = FILES.iter().find(|(name, ..)| name == file).unwrap();
            let may_be = [before.unwrap_or(after), after].map(str::as_bytes);
            assert!(may_be.contains(&&**content), "after {operations}: {file}: {content:?}");
            files.push((name(file), blake3(content)));
        }

        let mut writer = place.writer();
        assert_eq!(writer.inventory().complete, files, "after {operations}: {left:?}");
        let deletes = FILES.iter().map(|(file, ..)| Write::Delete { name: name(file) });
        execute(&mut writer, deletes);
        let mut left = BTreeMap::new();
        there(place.path(), "", &mut left);
        assert_eq!(left, BTreeMap::new(), "after {operations}");
        reached = operations;
        if is_over {
            break;
        }
    }
    assert!(reached > 50, "only {reached} operations");
}
