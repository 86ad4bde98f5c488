//! Names that a file system does not keep apart.

use std::sync::Arc;

use filemq::disk::FileSystem;

use super::odd_file_system::OddFileSystem;
use super::*;

/// File systems that do not tell upper from lower case, with numbers of files and without.
fn folding() -> [Arc<dyn FileSystem>; 2] {
    [false, true].map(|hides_numbers| {
        OddFileSystem { folds_names: true, hides_numbers, ..OddFileSystem::default() }.shared()
    })
}

fn same_name(file: &str, twin: &str) -> Written {
    let reason = format!("{twin} is there, which is the same name on this disk");
    waits(file, Refusal::Name(reason.into()))
}

#[test]
fn a_file_does_not_replace_another_that_the_disk_takes_for_the_same() {
    for system in folding() {
        for (one, other) in [
            ("/A.txt", "/a.txt"),
            ("/caf\u{e9}", "/CAFE\u{301}"),
            ("/Photos/1.jpg", "/photos/1.JPG"),
        ] {
            let place = Place::new();
            let folder =
                ReceivedFolder::open_on(system.clone(), place.path(), place.limits.clone());
            let mut writer = folder.unwrap().writer("server").unwrap();
            assert_eq!(send(&mut writer, one, b"one"), delivered(&place, one, 3));
            let mut writes = whole(other, b"other", Some(info(b"other")));
            writes.extend(whole("/last", b"x", Some(info(b"x"))));
            let written = execute(&mut writer, writes);
            // It holds up nothing.
            let expected = [delivered(&place, "/last", 1), same_name(other, one), Written::Stuck];
            assert_eq!(written.len(), 3, "{written:?}");
            assert!(expected.iter().all(|expected| written.contains(expected)), "{written:?}");
            assert_eq!(place.read(&one[1..]).unwrap(), b"one");
            // A new state of the first is one, and what waits is told once.
            assert_eq!(send(&mut writer, one, b"again"), delivered(&place, one, 5));
            assert_eq!(execute(&mut writer, [Write::Retry]), [Written::Stuck]);
            assert_eq!(place.read(&one[1..]).unwrap(), b"again");
            // When it is gone the other one comes.
            let written = execute(&mut writer, [Write::Delete { name: name(one) }, Write::Retry]);
            assert_eq!(
                written,
                [deleted(&place, one), delivered(&place, other, 5), Written::Unstuck]
            );
            assert_eq!(writer.inventory().complete.len(), 2);
            assert_eq!(send(&mut writer, other, b"new"), delivered(&place, other, 3));
        }
    }
}

#[test]
fn names_that_come_together_are_told_as_well_and_after_a_restart() {
    let [system, _] = folding();
    let place = Place::new();
    let open = || {
        let folder = ReceivedFolder::open_on(system.clone(), place.path(), place.limits.clone());
        folder.unwrap().writer("server").unwrap()
    };
    let mut writer = open();
    let both: Vec<_> = ["/a", "/A"].iter().flat_map(|f| whole(f, b"x", Some(info(b"x")))).collect();
    let written = execute(&mut writer, both);
    assert_eq!(written, [delivered(&place, "/a", 1), same_name("/A", "/a"), Written::Stuck]);
    drop(writer);
    let mut writer = open();
    assert_eq!(writer.inventory(), complete(&[("/a", blake3(b"x"))]));
    let written = execute(&mut writer, whole("/A", b"y", Some(info(b"y"))));
    assert_eq!(written, [same_name("/A", "/a"), Written::Stuck]);
    assert_eq!(place.read("a").unwrap(), b"x");
}

#[test]
fn where_the_disk_keeps_them_apart_they_are_two_files() {
    let place = Place::new();
    let mut writer = place.writer();
    // What somebody else has put there is replaced, as ever.
    fs::write(place.path().join("a"), "of somebody").unwrap();
    for file in ["/A", "/a", "/\u{e9}", "/e\u{301}"] {
        assert_eq!(send(&mut writer, file, file.as_bytes()), delivered(&place, file, file.len()));
    }
    for file in ["A", "a", "\u{e9}", "e\u{301}"] {
        assert_eq!(place.read(file).unwrap(), format!("/{file}").as_bytes());
    }
}
