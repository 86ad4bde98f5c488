//! What breaks off, and goes on.

use super::*;

/// Broken off at any point, by an end of the process as well as of the connection.
#[test]
fn what_breaks_off_goes_on_where_it_was() {
    let bytes = content::bytes(1, 2_500_000);
    for (length, reopen, forget) in [
        (1_200_000, true, true),
        (300_000, true, false),
        (300_000, false, false),
        (2_500_000, true, false),
    ] {
        let place = Place::new();
        let folder = place.folder();
        let mut writer = folder.writer("server").unwrap();
        send(&mut writer, "/before", b"x");
        let mut writes = vec![begin("/dir/file", 0, Some(info(&bytes)))];
        writes.extend((0..length).step_by(100_000).map(|at| data(at, &bytes[at..at + 100_000])));
        assert_eq!(execute(&mut writer, writes), []);
        assert_eq!(place.read("dir/file"), None);
        let copy = forget.then(|| copied(place.path()));
        let place = match copy {
            // As it is when the process is killed: nothing that is done when it ends has been done.
            Some(directory) => Place { directory, limits: ReceivedLimits::default() },
            None => place,
        };
        if reopen && !forget {
            drop((writer, folder));
            writer = place.writer();
        } else if forget {
            writer = place.writer();
        }
        let Inventory { complete, partial } = writer.inventory();
        if !forget {
            assert_eq!(complete, [(name("/before"), blake3(b"x"))]);
        }
        let (file, resume) = partial.unwrap();
        assert_eq!((&file, resume.offset as usize), (&name("/dir/file"), length));
        assert_eq!(resume.prefix, blake3(&bytes[..length]));
        assert_eq!(resume.whole, blake3(&bytes));
        // Others may come first, and it need not go on at its end.
        assert_eq!(send(&mut writer, "/other", b"y"), delivered(&place, "/other", 1));
        let from = if length == 300_000 { 200_000 } else { length };
        let rest = [begin("/dir/file", from, Some(info(&bytes))), data(from, &bytes[from..])];
        assert_eq!(execute(&mut writer, rest), []);
        let end = [Write::End { size: bytes.len() as u64 }];
        assert_eq!(execute(&mut writer, end), [delivered(&place, "/dir/file", bytes.len())]);
        assert!(place.read("dir/file").unwrap() == bytes);
        assert_eq!((writer.inventory().partial, place.partial()), (None, 0));
    }
}

fn copied(from: &Path) -> TempDir {
    fn copy(from: &Path, to: &Path) {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                fs::create_dir(&to).unwrap();
                copy(&entry.path(), &to);
            } else {
                fs::copy(entry.path(), to).unwrap();
            }
        }
    }
    let to = tempfile::tempdir().unwrap();
    copy(from, to.path());
    to
}

#[test]
fn a_partial_file_that_was_changed_does_not_become_a_wrong_one() {
    let bytes = content::bytes(1, 1_500_000);
    let place = Place::new();
    let mut writer = place.writer();
    execute(&mut writer, [begin("/f", 0, Some(info(&bytes))), data(0, &bytes[..1_000_000])]);
    drop(writer);
    let partial =
        fs::read_dir(place.path().join(".filemq/partial")).unwrap().next().unwrap().unwrap();
    let mut changed = bytes[..1_000_000].to_vec();
    changed[77] ^= 1;
    fs::write(partial.path(), &changed).unwrap();
    let mut writer = place.writer();
    let (_, resume) = writer.inventory().partial.unwrap();
    assert_eq!(resume.prefix, blake3(&changed), "the server notices");
    let rest = [
        begin("/f", 1_000_000, Some(info(&bytes))),
        data(1_000_000, &bytes[1_000_000..]),
        Write::End { size: 1_500_000 },
    ];
    assert_eq!(execute(&mut writer, rest), [Written::Mismatch { name: name("/f") }]);
    assert_eq!(place.read("f"), None);
    // Another file than the one that it was, or more than there is.
    for (offset, whole) in
        [(1_000_000, content::bytes(1, 9)), (1_000_000, content::bytes(1, 1_600_000))]
    {
        execute(&mut writer, [begin("/f", 0, Some(info(&bytes))), data(0, &bytes[..1_000_000])]);
        assert!(writer.inventory().partial.is_some());
        let written = execute(&mut writer, [begin("/f", offset, Some(info(&whole)))]);
        assert_eq!(written, [Written::Mismatch { name: name("/f") }]);
    }
    let written = execute(&mut writer, [begin("/f", 1_200_000, Some(info(&bytes)))]);
    assert_eq!(written, [Written::Mismatch { name: name("/f") }]);
    assert_eq!(send(&mut writer, "/f", &bytes), delivered(&place, "/f", 1_500_000));
}

/// The server has been told how much there is of it, and goes on from there.
#[test]
fn a_paused_file_that_is_wanted_again_stays_beside_a_larger_one() {
    let place = Place::new();
    let (paused, larger) = (content::bytes(1, 200_000), content::bytes(2, 3_000_000));
    let mut writer = place.writer();
    let begun = [begin("/paused", 0, Some(info(&paused))), data(0, &paused[..150_000])];
    execute(&mut writer, begun);
    let reserve = Write::Reserve { offer: 1, name: name("/paused"), size: 200_000 };
    for end in [Write::Interrupt, Write::End { size: 3_000_000 }] {
        let written = execute(&mut writer, [Write::Interrupt, reserve.clone()]);
        assert!(matches!(written[..], [Written::Reserved { part: Some(_), .. }]), "{written:?}");
        let begun = [begin("/larger", 0, Some(info(&larger))), data(0, &larger[..2_000_000])];
        execute(&mut writer, begun);
        let is_end = matches!(end, Write::End { .. });
        let rest = is_end.then(|| data(2_000_000, &larger[2_000_000..]));
        let came = if is_end { vec![delivered(&place, "/larger", 3_000_000)] } else { vec![] };
        assert_eq!(execute(&mut writer, rest.into_iter().chain([end])), came);
        let more = [begin("/paused", 150_000, Some(info(&paused))), data(150_000, &paused[..10])];
        assert_eq!(execute(&mut writer, more), []);
        let begun = [Write::Abort, begin("/paused", 0, Some(info(&paused)))];
        execute(&mut writer, begun.into_iter().chain([data(0, &paused[..150_000])]));
    }
    // When the connection is over nobody goes on with it, and the larger one counts.
    execute(&mut writer, [Write::Interrupt, reserve]);
    execute(&mut writer, [begin("/larger", 0, Some(info(&larger))), data(0, &larger[..2_000_000])]);
    drop(writer);
    let partial = place.writer().inventory().partial;
    assert_eq!(partial.map(|(file, part)| (file, part.offset)), Some((name("/larger"), 2_000_000)));
}
