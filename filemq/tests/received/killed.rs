//! A process that is killed at any moment: what it leaves is known to the next.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use filemq::disk::{FileSystem, GuardedFileSystem, ReceivedFolder};
use filemq::session::Write;

use super::{Changed, Place, begin, blake3, content, data, execute, info, name, send, send_after};
use super::{send_before, whole};

const FILES: [Changed; 4] = [
    ("/d/changed", Some("old"), "the new one"),
    ("/d/new", None, "new"),
    ("/e/f/changed", Some("older"), "newer"),
    ("/g/h/new", None, "another"),
];

/// A file system that refuses every operation when none are left, as if the process were gone.
fn dying(left: &Arc<AtomicUsize>) -> Arc<dyn FileSystem> {
    let left = Arc::clone(left);
    Arc::new(GuardedFileSystem::new(move |_| {
        let next = |left: usize| left.checked_sub(1);
        let lives = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok();
        if lives { Ok(()) } else { Err(io::Error::other("the process is gone")) }
    }))
}

/// Lets a process have a folder and be killed after so many operations. Returns whether all was over
/// before.
fn dies_after(operations: usize, place: &Place, life: impl FnOnce(ReceivedFolder)) -> bool {
    let left = Arc::new(AtomicUsize::new(operations));
    if let Ok(folder) = place.folder_on(dying(&left)) {
        life(folder);
    }
    left.load(Ordering::Relaxed) > 0
}

#[test]
fn whatever_a_killed_process_leaves_is_whole_and_known_and_can_be_deleted() {
    let mut reached = 0;
    for operations in 0.. {
        let place = Place::new();
        send_before(&place, &FILES);
        let is_over = dies_after(operations, &place, |folder| {
            if let Ok(mut writer) = folder.writer("server") {
                send_after(&mut writer, &FILES);
            }
        });
        let left = place.tree();
        for (file, content) in &left {
            let Some(content) = content else { continue };
            let (_, before, after) = FILES.iter().find(|(name, ..)| name == file).unwrap();
            let may_be = [before.unwrap_or(after), after].map(str::as_bytes);
            assert!(may_be.contains(&&**content), "after {operations}: {file}: {content:?}");
        }

        let files = place.files();
        let mut writer = place.writer();
        assert_eq!(writer.inventory().complete, files, "after {operations}: {left:?}");
        let deletes = FILES.iter().map(|(file, ..)| Write::Delete { name: name(file) });
        execute(&mut writer, deletes);
        assert_eq!(place.tree(), BTreeMap::new(), "after {operations}");
        reached = operations;
        if is_over {
            break;
        }
    }
    assert!(reached > 50, "only {reached} operations");
}

/// A large file comes, with a time of its own from long ago, as most files have. Once there is so much of
/// it that it is in the journal, a kill at any moment leaves it to be resumed, or complete.
#[test]
fn a_large_file_that_was_recorded_is_never_sent_again_from_the_start() {
    let bytes = content::bytes(1, 2_500_000);
    let mut wrong = Vec::new();
    let mut was_recorded = false;
    for operations in 0.. {
        let place = Place::new();
        drop(place.writer());
        let is_over = dies_after(operations, &place, |folder| {
            if let Ok(mut writer) = folder.writer("server") {
                execute(&mut writer, whole("/d/large", &bytes, Some(info(&bytes))));
            }
        });
        let mut writer = place.writer();
        let inventory = writer.inventory();
        let has = inventory.partial.as_ref().map(|(_, part)| part.offset);
        let is_complete = !inventory.complete.is_empty();
        if has.is_some() {
            was_recorded = true;
        } else if was_recorded && !is_complete {
            wrong.push(format!("after {operations}: all of it is lost"));
        }
        if let (Some((file, part)), false) = (&inventory.partial, is_complete) {
            // The server goes on with it.
            let at = part.offset as usize;
            let mut rest = vec![begin(file.as_str(), at, Some(info(&bytes)))];
            rest.extend((at < bytes.len()).then(|| data(at, &bytes[at..])));
            rest.push(Write::End { size: bytes.len() as u64 });
            let written = execute(&mut writer, rest);
            if place.read("d/large").as_ref() != Some(&bytes) {
                wrong.push(format!("after {operations}: from {at}: {written:?}"));
            }
        } else if !is_complete {
            send(&mut writer, "/d/large", &bytes);
        }
        execute(&mut writer, [Write::Delete { name: name("/d/large") }]);
        let left = place.tree();
        if !left.is_empty() || place.partial() != 0 {
            wrong.push(format!("after {operations}: left {:?}", left.keys()));
        }
        if is_over {
            break;
        }
    }
    assert!(was_recorded);
    assert_eq!(wrong, [""; 0]);
}

/// A file that was cut off in its middle, and what comes of it then.
const LARGE: usize = 1_300_000;
const CUT: usize = 1_100_000;

/// What two servers have sent, and one is in the midst of.
fn before(folder: &ReceivedFolder, large: &[u8]) {
    let (mut one, mut two) = (folder.writer("one").unwrap(), folder.writer("two").unwrap());
    send(&mut one, "/shared/a", b"of one");
    send(&mut two, "/shared/b", b"of two");
    send(&mut one, "/shared/large", b"small");
    execute(&mut one, [begin("/shared/large", 0, Some(info(large))), data(0, &large[..CUT])]);
}

/// Each takes over a file of the other, and the large one goes on.
fn after(folder: &ReceivedFolder, large: &[u8], other: &[u8]) -> io::Result<()> {
    let (mut one, mut two) = (folder.writer("one")?, folder.writer("two")?);
    execute(&mut two, whole("/shared/a", b"now of two", Some(info(b"now of two"))));
    let rest = [
        begin("/shared/large", CUT, Some(info(large))),
        data(CUT, &large[CUT..]),
        Write::End { size: LARGE as u64 },
    ];
    execute(&mut one, rest);
    execute(&mut two, whole("/two/new", other, Some(info(other))));
    execute(&mut one, whole("/shared/b", b"now of one", Some(info(b"now of one"))));
    execute(&mut two, [Write::Delete { name: name("/shared/a") }]);
    Ok(())
}

/// Returns what is wrong with a folder: each file is known as that of the server that has sent it, no part
/// of a file is forgotten, and nothing stays when all is deleted.
fn wrong(place: &Place) -> Vec<String> {
    let mut wrong = Vec::new();
    let all = place.tree();
    let folder = place.folder();
    let (mut one, mut two) = (folder.writer("one").unwrap(), folder.writer("two").unwrap());
    let (of_one, of_two) = (one.inventory(), two.inventory());
    for (file, content) in &all {
        let Some(content) = content else { continue };
        let is_of_one = content.ends_with(b"of one") || file == "/shared/large";
        let entry = (name(file), blake3(content));
        let known = (of_one.complete.contains(&entry), of_two.complete.contains(&entry));
        if known != (is_of_one, !is_of_one) {
            wrong.push(format!("{file} is known as {known:?}"));
        }
    }
    let parts = [of_one.partial, of_two.partial].into_iter().flatten().count();
    if parts != place.partial() {
        wrong.push(format!("{} partial files, of which {parts} are known", place.partial()));
    }
    for file in all.keys() {
        execute(&mut one, [Write::Delete { name: name(file) }]);
        execute(&mut two, [Write::Delete { name: name(file) }]);
    }
    wrong.extend(place.tree().into_keys().map(|path| format!("{path} stays")));
    wrong
}

#[test]
fn several_servers_are_told_apart_whenever_the_process_is_killed() {
    let (large, other) = (content::bytes(1, LARGE), content::bytes(2, 1_600_000));
    for durable in [true, false] {
        for operations in 0.. {
            let mut place = Place::new();
            place.limits.durable = durable;
            before(&place.folder(), &large);
            let is_over = dies_after(operations, &place, |folder| {
                let _ = after(&folder, &large, &other);
            });
            assert_eq!(wrong(&place), [""; 0], "durable {durable}, after {operations} operations");
            if is_over {
                break;
            }
        }
    }
}
