//! Room for files that are on offer.

use filemq::session::ResumePoint;

use super::*;

fn reserve(offer: u64, file: &str, size: usize) -> Write {
    Write::Reserve { offer, name: name(file), size: size as u64 }
}

fn release(offer: u64, file: &str) -> Write {
    Write::Release { offer, name: name(file) }
}

fn no_room(offer: u64, file: &str, reason: Refusal, fate: Fate) -> Written {
    Written::NoRoom { offer, event: FileEvent::Refused { name: name(file), reason, fate } }
}

fn reserved(offer: u64) -> Written {
    Written::Reserved { offer, part: None }
}

fn comes(file: &str) -> Written {
    Written::File { sequence: None, event: FileEvent::Retried { name: name(file) } }
}

fn full() -> Refusal {
    Refusal::Bytes { limit: 1000 }
}

fn small() -> Place {
    let mut place = Place::new();
    place.limits = ReceivedLimits { bytes: 1000, durable: false, ..Default::default() };
    place
}

#[test]
fn what_has_no_room_waits_and_holds_up_nothing() {
    let place = small();
    let mut writer = place.writer();
    let orders = [
        reserve(0, "/a", 600),
        reserve(1, "/b", 500),
        reserve(2, "/c", 400),
        reserve(3, "/d", 1001),
    ];
    let expected = [
        reserved(0),
        no_room(1, "/b", full(), Fate::Passing),
        reserved(2),
        no_room(3, "/d", full(), Fate::Final),
        Written::Stuck,
    ];
    assert_eq!(execute(&mut writer, orders), expected);
    // What begins has its room already.
    assert_eq!(send(&mut writer, "/a", &[7; 600]), delivered(&place, "/a", 600));
    assert_eq!(execute(&mut writer, [Write::Retry]), [Written::Stuck], "it was told");
    assert_eq!(execute(&mut writer, [release(2, "/c")]), []);
    let now = [comes("/b"), reserved(1), Written::Unstuck];
    assert_ne!(execute(&mut writer, [Write::RetryIfChanged]), now, "a hundred are still missing");
    execute(&mut writer, [Write::Delete { name: name("/a") }]);
    assert_eq!(execute(&mut writer, [Write::RetryIfChanged]), now);
    assert_eq!(send(&mut writer, "/b", &[7; 500]), delivered(&place, "/b", 500));
}

#[test]
fn room_comes_back_when_a_file_does_not_come() {
    let place = small();
    let folder = place.folder();
    let mut writer = folder.writer("server").unwrap();
    for offer in 0..3 {
        assert_eq!(execute(&mut writer, [reserve(offer, "/a", 1000)]), [reserved(offer)]);
        execute(&mut writer, [release(7, "/a")]);
        let waits = [no_room(9, "/b", full(), Fate::Passing), Written::Stuck];
        assert_eq!(execute(&mut writer, [reserve(9, "/b", 1)]), waits, "of another offer");
        assert_eq!(execute(&mut writer, [release(9, "/b")]), [Written::Unstuck]);
        assert_eq!(execute(&mut writer, [release(offer, "/a")]), []);
    }
    assert_eq!(execute(&mut writer, [reserve(0, "/a", 1000)]), [reserved(0)]);
    drop(writer);
    let mut writer = folder.writer("server").unwrap();
    assert_eq!(execute(&mut writer, [reserve(0, "/b", 1000)]), [reserved(0)]);
}

#[test]
fn of_a_file_that_was_paused_the_rest_needs_room() {
    let bytes = content::bytes(1, 200_000);
    let mut place = Place::new();
    place.limits = ReceivedLimits { bytes: 200_000, ..Default::default() };
    let mut writer = place.writer();
    let begun = [begin("/a", 0, Some(info(&bytes))), data(0, &bytes[..150_000])];
    assert_eq!(execute(&mut writer, begun), []);
    let (prefix, whole) = (blake3(&bytes[..150_000]), blake3(&bytes));
    let part = Some(ResumePoint { offset: 150_000, prefix, whole });
    let orders = [Write::Interrupt, reserve(3, "/a", 200_000)];
    assert_eq!(execute(&mut writer, orders), [Written::Reserved { offer: 3, part }]);
    let rest = [begin("/a", 150_000, Some(info(&bytes))), data(150_000, &bytes[150_000..])];
    assert_eq!(execute(&mut writer, rest), []);
    let end = [Write::End { size: 200_000 }];
    assert_eq!(execute(&mut writer, end), [delivered(&place, "/a", 200_000)]);
    // Of a few bytes nothing is kept.
    let begun = [begin("/a", 0, Some(info(&bytes))), data(0, &bytes[..10])];
    execute(&mut writer, begun);
    let orders = [Write::Interrupt, reserve(4, "/a", 200_000)];
    assert_eq!(execute(&mut writer, orders), [reserved(4)]);
    assert_eq!(place.partial(), 0);
}

/// A file that has to wait while it comes can be paused as well.
#[test]
fn a_file_that_is_held_up_is_paused() {
    let mut place = Place::new();
    place.limits = ReceivedLimits { bytes: 150_000, ..Default::default() };
    let mut writer = place.writer();
    send(&mut writer, "/b", &[7; 100_000]);
    // Nobody has said how large it is.
    let written = execute(&mut writer, [begin("/a", 0, None), data(0, &[7; 60_000])]);
    assert!(matches!(written[..], [Written::File { .. }, Written::Stuck]), "{written:?}");
    assert_eq!(execute(&mut writer, [Write::Interrupt]), [Written::Unstuck]);
    assert_eq!((writer.held(), writer.held_bytes(), place.partial()), (0, 0, 0));
    assert_eq!(send(&mut writer, "/c", b"x"), delivered(&place, "/c", 1));
}

#[test]
fn each_server_has_its_part_of_the_folder() {
    let mut place = Place::new();
    place.limits = ReceivedLimits {
        bytes: 1000,
        bytes_per_server: 600,
        files_per_server: 2,
        durable: false,
        ..Default::default()
    };
    let folder = place.folder();
    let [mut a, mut b] = ["a", "b"].map(|origin| folder.writer(origin).unwrap());
    let part = || Refusal::ServerBytes { limit: 600 };
    let written = execute(&mut a, [reserve(0, "/a/1", 601)]);
    assert_eq!(written, [no_room(0, "/a/1", part(), Fate::Final)]);
    send(&mut a, "/a/1", &[7; 500]);
    let written = execute(&mut a, [reserve(1, "/a/2", 101)]);
    assert_eq!(written, [no_room(1, "/a/2", part(), Fate::Passing), Written::Stuck]);
    execute(&mut a, [release(1, "/a/2")]);
    // The other one has a part of its own, and a new version takes the room of the old one.
    assert_eq!(send(&mut b, "/b/1", &[7; 500]), delivered(&place, "/b/1", 500));
    assert_eq!(send(&mut a, "/a/1", &[7; 100]), delivered(&place, "/a/1", 100));
    assert_eq!(send(&mut a, "/a/2", &[7; 100]), delivered(&place, "/a/2", 100));
    let written = execute(&mut a, [reserve(2, "/a/3", 1)]);
    let files = Refusal::ServerFiles { limit: 2 };
    assert_eq!(written, [no_room(2, "/a/3", files.clone(), Fate::Passing), Written::Stuck]);
    drop((a, b, folder));
    // It is known after a restart.
    let mut a = place.folder().writer("a").unwrap();
    let written = execute(&mut a, [reserve(0, "/a/3", 1)]);
    assert_eq!(written, [no_room(0, "/a/3", files, Fate::Passing), Written::Stuck]);
    execute(&mut a, [Write::Delete { name: name("/a/1") }]);
    assert_eq!(execute(&mut a, [Write::Retry])[..2], [comes("/a/3"), reserved(0)]);
}

/// What is free on the disk is not free for a second file while the first one is written.
#[test]
fn a_file_that_has_begun_keeps_the_rest_of_its_room_on_the_disk() {
    let mut place = Place::new();
    place.limits = ReceivedLimits {
        bytes: u64::MAX,
        bytes_per_server: u64::MAX,
        durable: false,
        ..Default::default()
    };
    let folder = place.folder();
    let [mut a, mut b] = ["a", "b"].map(|origin| folder.writer(origin).unwrap());
    let reserve = |offer, size| Write::Reserve { offer, name: name("/file"), size };
    let free = |written: &[Written]| match written {
        [Written::NoRoom { event: FileEvent::Refused { reason, fate, .. }, .. }, ..] => {
            assert!(fate.is_passing());
            let Refusal::NoRoom { free, .. } = reason else { panic!("{reason:?}") };
            Some(*free)
        }
        _ => None,
    };
    let all = free(&execute(&mut a, [reserve(0, u64::MAX / 4)])).unwrap();
    execute(&mut a, [Write::Release { offer: 0, name: name("/file") }]);
    let size = all / 3 * 2;
    for (how, end) in [("dropped", Write::Abort), ("paused", Write::Interrupt)] {
        assert_eq!(execute(&mut a, [reserve(1, size)]), [reserved(1)], "{how}");
        let large = FileInfo { size, ..info(b"") };
        let begun = [begin("/file", 0, Some(large)), data(0, &[7; 100_000])];
        assert_eq!(execute(&mut a, begun), [], "{how}");
        let left = free(&execute(&mut b, [reserve(2, size)])).expect(how);
        assert!(left < all / 2, "{how}: {left} of {all}");
        execute(&mut a, [end]);
        assert!(execute(&mut b, [Write::Retry]).contains(&reserved(2)), "{how}");
        execute(&mut b, [Write::Release { offer: 2, name: name("/file") }]);
    }
    drop((a, b));
    // All of it was given back.
    let mut a = folder.writer("a").unwrap();
    assert_eq!(execute(&mut a, [reserve(3, size)]).len(), 1);
}
