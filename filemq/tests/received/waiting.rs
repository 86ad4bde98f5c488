//! What cannot be written for now.

use super::*;

/// What comes of orders to try again.
fn retry(writer: &mut ReceivedWriter) -> Vec<Written> {
    execute(writer, [Write::Retry])
}

#[test]
fn a_file_waits_until_what_is_in_its_way_is_gone() {
    let place = Place::new();
    let mut writer = place.writer();
    fs::create_dir(place.path().join("name")).unwrap();
    let written = execute(&mut writer, whole("/name", b"x", Some(info(b"x"))));
    let reason = Refusal::Name("there is a directory".into());
    assert_eq!(written, [waits("/name", reason), Written::Stuck]);
    assert_eq!(
        send(&mut writer, "/other", b"y"),
        delivered(&place, "/other", 1),
        "it holds up nothing"
    );
    assert_eq!(retry(&mut writer), [Written::Stuck], "it was told");
    // Others may make room on the disk meanwhile, which gives hope.
    let tries = std::iter::repeat_with(|| execute(&mut writer, [Write::RetryIfChanged]));
    assert!(tries.take(100).any(|tried| tried.is_empty()), "nothing has changed");
    fs::remove_dir(place.path().join("name")).unwrap();
    let now = execute(&mut writer, [Write::RetryIfChanged]);
    assert_eq!(now, [delivered(&place, "/name", 1), Written::Unstuck]);
    assert_eq!((place.read("name").unwrap(), place.partial()), (b"x".to_vec(), 0));
}

#[test]
fn a_file_that_waits_gives_way_to_its_next_state_and_to_its_end() {
    let place = Place::new();
    let mut writer = place.writer();
    fs::create_dir(place.path().join("name")).unwrap();
    let first = whole("/name", b"first", Some(info(b"first")));
    assert_eq!(execute(&mut writer, first).len(), 2);
    let second = execute(&mut writer, whole("/name", b"second", Some(info(b"second"))));
    assert!(is_refused_for_its_name(&second[0]), "{second:?}");
    assert_eq!(place.partial(), 1);
    fs::remove_dir(place.path().join("name")).unwrap();
    assert_eq!(retry(&mut writer), [delivered(&place, "/name", 6), Written::Unstuck]);
    assert_eq!(place.read("name").unwrap(), b"second");

    fs::create_dir(place.path().join("gone")).unwrap();
    assert_eq!(execute(&mut writer, whole("/gone", b"x", Some(info(b"x")))).len(), 2);
    let deleted = execute(&mut writer, [Write::Delete { name: name("/gone") }]);
    assert_eq!((deleted, place.partial()), (vec![Written::Unstuck], 0));
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_replaced_is_noticed_and_its_files_come_again() {
    let place = Place::new();
    let path = place.path().join("received");
    let folder = ReceivedFolder::open(&path, ReceivedLimits::default()).unwrap();
    let mut writer = folder.writer("server").unwrap();
    send(&mut writer, "/a", b"x");
    fs::remove_dir_all(&path).unwrap();
    for made in [false, true] {
        if made {
            fs::create_dir(&path).unwrap();
        }
        let written = execute(&mut writer, whole("/b", b"x", Some(info(b"x"))));
        assert!(matches!(written[..], [Written::File { .. }, Written::Stuck]), "{written:?}");
        assert_eq!(retry(&mut writer), [Written::Replaced]);
        assert_eq!(execute(&mut writer, whole("/c", b"x", None)), [], "that was the last word");
        drop(writer);
        writer = folder.writer("server").unwrap();
        assert_eq!(writer.inventory(), complete(&[]));
        send(&mut writer, "/a", b"x");
        assert_eq!(fs::read(path.join("a")).unwrap(), b"x");
        fs::remove_dir_all(&path).unwrap();
    }
    // Where a disk was mounted nothing is made.
    fs::remove_dir_all(place.path()).unwrap();
    assert_eq!(folder.refresh().unwrap_err().kind(), ErrorKind::NotFound);
    fs::create_dir(place.path()).unwrap();
    folder.refresh().unwrap();
    assert!(path.join(".filemq").is_dir());
}

#[cfg(unix)]
#[test]
fn partial_files_that_somebody_has_removed_are_noticed() {
    let place = Place::new();
    let folder = place.folder();
    let mut writer = folder.writer("server").unwrap();
    send(&mut writer, "/a", b"x");
    fs::remove_dir_all(place.path().join(".filemq")).unwrap();
    let written = execute(&mut writer, whole("/b", b"x", Some(info(b"x"))));
    assert!(matches!(written[..], [Written::File { .. }, Written::Stuck]), "{written:?}");
    assert_eq!(retry(&mut writer), [Written::Replaced]);
    drop(writer);
    let mut writer = folder.writer("server").unwrap();
    assert_eq!(send(&mut writer, "/b", b"x"), delivered(&place, "/b", 1));
    let error = ReceivedFolder::open(place.path(), ReceivedLimits::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock, "it is locked again");
}

/// Of one name the first file waits when it is deleted and another comes: each answer has the
/// number of the file that it is about.
#[test]
fn answers_have_the_number_of_their_file() {
    let place = Place::new();
    let mut writer = place.writer();
    let numbered = |sequence: u64, content: &'static [u8]| {
        let begin =
            Write::Begin { name: name("/a"), sequence, offset: 0, info: Some(info(content)) };
        [begin, data(0, content), Write::End { size: content.len() as u64 }]
    };
    let of = |written: &[Written]| -> Vec<Option<u64>> {
        let sequence = |written: &Written| match written {
            Written::File { sequence, .. } => Some(*sequence),
            _ => None,
        };
        written.iter().filter_map(sequence).collect()
    };
    fs::create_dir(place.path().join("a")).unwrap();
    assert_eq!(of(&execute(&mut writer, numbered(3, b"first"))), [Some(3)]);
    let delete = Write::Delete { name: name("/a") };
    assert_eq!(of(&execute(&mut writer, [delete])), [], "it was not there");
    assert_eq!(of(&execute(&mut writer, numbered(5, b"second"))), [Some(5)]);
    fs::remove_dir(place.path().join("a")).unwrap();
    assert_eq!(of(&retry(&mut writer)), [Some(5)]);
    assert_eq!(place.read("a").unwrap(), b"second");
}
