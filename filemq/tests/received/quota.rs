//! How much a folder holds.

use super::*;

#[test]
fn a_full_folder_lets_files_wait() {
    let mut place = Place::new();
    place.limits = ReceivedLimits { bytes: 1000, files: 3, durable: false, ..Default::default() };
    let mut writer = place.writer();
    let bytes = |n| vec![7; n];
    let full = || Refusal::Bytes { limit: 1000 };
    assert_eq!(send(&mut writer, "/a", &bytes(600)), delivered(&place, "/a", 600));
    // It would not fit into an empty folder, announced or not.
    assert_eq!(send(&mut writer, "/large", &bytes(1001)), refused("/large", full()));
    let unannounced = execute(&mut writer, whole("/large", &bytes(1001), None));
    assert_eq!(unannounced, [refused("/large", full())]);
    let wait = |reason| [waits("/b", reason), Written::Stuck];
    for announced in [Some(info(&bytes(401))), None] {
        let mut writes = whole("/b", &bytes(401), announced);
        writes.pop();
        assert_eq!(execute(&mut writer, writes), wait(full()));
        assert_eq!(execute(&mut writer, [Write::Retry]), [Written::Stuck]);
        assert_eq!(execute(&mut writer, [Write::Abort]), [Written::Unstuck]);
    }
    assert_eq!(send(&mut writer, "/b", &bytes(400)), delivered(&place, "/b", 400));
    // A new version takes the room of the old.
    assert_eq!(send(&mut writer, "/a", &bytes(600)), delivered(&place, "/a", 600));
    assert_eq!(send(&mut writer, "/a", &bytes(10)), delivered(&place, "/a", 10));
    assert_eq!(send(&mut writer, "/c", &[]), delivered(&place, "/c", 0));
    let too_many = |file| [waits(file, Refusal::Files { limit: 3 }), Written::Stuck];
    let whole = |file, n: usize| whole(file, &bytes(n), Some(info(&bytes(n))));
    assert_eq!(execute(&mut writer, whole("/d", 590)), too_many("/d"));
    // What comes after it waits as well, but a delete that makes room does not.
    assert_eq!(execute(&mut writer, whole("/c", 1)), []);
    let delete = |file| [Write::Delete { name: name(file) }];
    assert_eq!(execute(&mut writer, delete("/b")), [deleted(&place, "/b")]);
    assert_eq!(
        execute(&mut writer, [Write::RetryIfChanged]),
        [retried("/d"), delivered(&place, "/d", 590), delivered(&place, "/c", 1), Written::Unstuck]
    );
    drop(writer);
    // The folder is as full afterwards. A file that was removed by hand takes no room.
    let mut writer = place.writer();
    assert_eq!(execute(&mut writer, whole("/e", 0)), too_many("/e"));
    drop(writer);
    fs::remove_file(place.path().join("d")).unwrap();
    let mut writer = place.writer();
    assert_eq!(send(&mut writer, "/e", &bytes(590)), delivered(&place, "/e", 590));
    assert_eq!(place.partial(), 0);
}

/// Many times round, what is set aside must come back.
#[test]
fn room_that_was_set_aside_comes_back() {
    let mut place = Place::new();
    place.limits =
        ReceivedLimits { bytes: 1_000_000, files: 3, durable: false, ..Default::default() };
    let bytes = content::bytes(1, 800_000);
    let folder = place.folder();
    for round in 0..4 {
        let mut writer = folder.writer("server").unwrap();
        let info = || Some(info(&bytes));
        let begun = || [begin("/a", 0, info()), data(0, &bytes[..300_000])];
        assert_eq!(execute(&mut writer, begun()), [], "{round}");
        assert_eq!(execute(&mut writer, [Write::Abort]), []);
        assert_eq!(execute(&mut writer, begun()), []);
        drop(writer);
        let mut writer = folder.writer("server").unwrap();
        let partial = writer.inventory().partial;
        assert_eq!(partial.unwrap().1.offset, 300_000);
        assert_eq!(execute(&mut writer, begun()), []);
        assert_eq!(writer.inventory().partial.unwrap().1.offset, 300_000);
        let rest = [begin("/a", 300_000, info()), data(300_000, &bytes[300_000..])];
        assert_eq!(execute(&mut writer, rest), []);
        let end = [Write::End { size: 800_000 }];
        assert_eq!(execute(&mut writer, end), [delivered(&place, "/a", 800_000)]);
        execute(&mut writer, [Write::Delete { name: name("/a") }]);
    }
    let mut writer = folder.writer("server").unwrap();
    let full = content::bytes(1, 1_000_000);
    assert_eq!(send(&mut writer, "/b", &full), delivered(&place, "/b", 1_000_000));
}

/// A partial file of a server that is not there gives way.
#[test]
fn a_full_folder_drops_what_nobody_resumes() {
    let mut place = Place::new();
    place.limits.bytes = 1_000_000;
    let bytes = content::bytes(1, 800_000);
    let folder = place.folder();
    let mut writer = folder.writer("server").unwrap();
    execute(&mut writer, [begin("/a", 0, Some(info(&bytes))), data(0, &bytes[..700_000])]);
    let mut other = folder.writer("other").unwrap();
    let full = Refusal::Bytes { limit: 1_000_000 };
    let written = execute(&mut other, whole("/b", &bytes, Some(info(&bytes))));
    assert_eq!(written, [waits("/b", full), Written::Stuck]);
    drop((writer, other, folder));
    assert_eq!(place.partial(), 1);
    let folder = place.folder();
    let mut other = folder.writer("other").unwrap();
    assert_eq!(send(&mut other, "/b", &bytes), delivered(&place, "/b", 800_000));
    assert_eq!(place.partial(), 0);
    assert_eq!(folder.writer("server").unwrap().inventory(), complete(&[]));
}
