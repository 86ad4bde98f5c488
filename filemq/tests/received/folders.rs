//! The folders of servers: whose they are, and what they are called.

use super::*;

/// Writes a file as the client does for a server with a folder of its own.
fn send_to(writer: &mut ReceivedWriter, wish: &str, file: &str, bytes: &[u8]) -> String {
    let folder = writer.make_folder(wish).unwrap();
    assert_eq!(writer.folder(), Some(folder.clone()));
    let name = folder.join(file).unwrap();
    let written = send(writer, name.as_str(), bytes);
    assert!(
        matches!(written, Written::File { event: FileEvent::Delivered { .. }, .. }),
        "{written:?}"
    );
    folder.to_string()
}

#[test]
fn each_server_has_a_folder_of_its_own_whatever_it_calls_itself() {
    let place = Place::new();
    let folder = place.folder();
    for (origin, wish, expected) in [
        ("1", "alice", "/alice"),
        ("2", "alice", "/alice-2"),
        ("3", "ALICE", "/ALICE-3"),
        ("4", "alice-2", "/alice-2-2"),
        ("5", "../alice", "/_alice"),
        ("6", ".filemq", "/filemq"),
        ("7", "", "/7"),
    ] {
        let mut writer = folder.writer(origin).unwrap();
        assert_eq!(writer.folder(), None, "{origin}");
        assert_eq!(send_to(&mut writer, wish, "f", origin.as_bytes()), expected);
    }
    assert_eq!(place.read("alice/f").unwrap(), b"1");
    // It stays where it is, under whatever name it comes back, and after a restart.
    drop(folder);
    let mut writer = place.folder().writer("2").unwrap();
    assert_eq!(names(&mut writer), ["/alice-2/f"]);
    assert_eq!(send_to(&mut writer, "alice", "f", b"22"), "/alice-2");
    assert_eq!(send_to(&mut writer, "bob", "g", b"2"), "/alice-2");
}

/// A name that another has had is not given away, though nothing of its folder is there now.
#[test]
fn a_folder_that_is_not_there_is_not_given_away() {
    let place = Place::new();
    let folder = place.folder();
    let mut alice = folder.writer("1").unwrap();
    send_to(&mut alice, "alice", "f", b"x");
    assert_eq!(execute(&mut alice, [Write::Delete { name: name("/alice/f") }]).len(), 1);
    assert!(!place.path().join("alice").exists());
    let mut other = folder.writer("2").unwrap();
    assert_eq!(send_to(&mut other, "Alice", "f", b"y"), "/Alice-2");
    assert_eq!(send_to(&mut alice, "alice", "f", b"x"), "/alice");
}

/// What others have put into the received folder is no folder of a server.
#[test]
fn what_is_there_is_left_alone() {
    let place = Place::new();
    fs::create_dir(place.path().join("alice")).unwrap();
    fs::write(place.path().join("alice/f"), "somebody's").unwrap();
    fs::write(place.path().join("bob"), "a file").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", place.path().join("carol")).unwrap();
    #[cfg(not(unix))]
    fs::create_dir(place.path().join("carol")).unwrap();
    let folder = place.folder();
    // Files of a server that has no folder of its own.
    send(&mut folder.writer("all").unwrap(), "/dave/f", b"x");
    fs::remove_dir_all(place.path().join("dave")).unwrap();
    for wish in ["alice", "bob", "carol", "dave"] {
        let mut writer = folder.writer(wish).unwrap();
        assert_eq!(send_to(&mut writer, wish, "f", b"x"), format!("/{wish}-2"));
    }
    assert_eq!(place.read("alice/f").unwrap(), b"somebody's");
}

/// A record of the journal, as it was written before folders had names.
fn record(payload: &[u8]) -> Vec<u8> {
    let mut record = (payload.len() as u32).to_le_bytes().to_vec();
    record.extend(payload);
    record.extend(&blake3::hash(payload).as_bytes()[..4]);
    record
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

/// A folder that was written before folders had names: a server's is named by its id.
#[test]
fn a_folder_of_before_goes_on() {
    const ID: &str = "848be7f3925b4c679a9a47425f2eb929";
    const OTHER: &str = "0a0be7f3925b4c679a9a47425f2eb929";
    let place = Place::new();
    let at = place.path().join(ID);
    fs::create_dir_all(&at).unwrap();
    fs::create_dir_all(place.path().join(".filemq/partial")).unwrap();
    fs::write(at.join("f"), "abc").unwrap();
    let bytes = content::bytes(1, 2_000_000);
    fs::write(place.path().join(".filemq/partial/half"), &bytes[..1_200_000]).unwrap();
    let metadata = fs::metadata(at.join("f")).unwrap();
    let modified = metadata.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0_u64;
    let delivered = [
        vec![1],
        text(&format!("/{ID}/f")),
        text(ID),
        3_u64.to_le_bytes().to_vec(),
        (modified.as_secs() as i64).to_le_bytes().to_vec(),
        modified.subsec_nanos().to_le_bytes().to_vec(),
        inode.to_le_bytes().to_vec(),
        text(&blake3(b"abc").to_string()),
    ];
    let made = [vec![3], text(&format!("/{ID}"))];
    let paused = [
        vec![5],
        text(OTHER),
        text(&format!("/{OTHER}/half")),
        text(&blake3(&bytes).to_string()),
        2_000_000_u64.to_le_bytes().to_vec(),
        text("half"),
    ];
    let records = [delivered.concat(), made.concat(), paused.concat()];
    let journal = records.iter().flat_map(|payload| record(payload));
    let journal: Vec<_> = b"filemq 1\n".iter().copied().chain(journal).collect();
    fs::write(place.path().join(".filemq/journal"), journal).unwrap();

    let folder = place.folder();
    let mut writer = folder.writer(ID).unwrap();
    assert_eq!(writer.inventory(), complete(&[(&format!("/{ID}/f"), blake3(b"abc"))]));
    assert_eq!(writer.folder(), Some(name(&format!("/{ID}"))));
    assert_eq!(send_to(&mut writer, "alice", "g", b"new"), format!("/{ID}"));
    let delete = [Write::Delete { name: name(&format!("/{ID}/f")) }];
    assert_eq!(execute(&mut writer, delete), [deleted(&place, &format!("/{ID}/f"))]);
    let mut other = folder.writer(OTHER).unwrap();
    let (half, resume) = other.inventory().partial.unwrap();
    assert_eq!((half, resume.offset), (name(&format!("/{OTHER}/half")), 1_200_000));
    assert_eq!(other.make_folder("bob").unwrap(), name(&format!("/{OTHER}")));
    // Somebody who calls himself by the id of another does not get its folder.
    let mut impostor = folder.writer("impostor").unwrap();
    assert_eq!(send_to(&mut impostor, ID, "g", b"wrong"), format!("/{ID}-2"));
    assert_eq!(place.read(&format!("{ID}/g")).unwrap(), b"new");
}

/// What cannot be written to the journal now is there when a file comes.
#[test]
fn a_folder_is_known_before_anything_is_in_it() {
    let place = Place::new();
    let folder = place.folder();
    for i in 0..1_050 {
        let mut writer = folder.writer(&format!("unused {i}")).unwrap();
        writer.make_folder("alice").unwrap();
    }
    let mut writer = folder.writer("kept").unwrap();
    let kept = send_to(&mut writer, "alice", "f", b"x");
    drop((writer, folder));
    let folder = place.folder();
    let mut writer = folder.writer("kept").unwrap();
    assert_eq!(names(&mut writer), [format!("{kept}/f")]);
    // Many of those that hold nothing were forgotten: their names are free.
    let number = kept.rsplit('-').next().unwrap().parse::<usize>().unwrap();
    assert!(number < 200, "{kept}");
}

#[test]
fn a_partial_file_of_a_sender_that_does_not_come_back_goes() {
    let bytes = content::bytes(1, 2_000_000);
    let place = Place::new();
    let writes = [begin("/f", 0, Some(info(&bytes))), data(0, &bytes[..1_000_000])];
    for days in [6, 8] {
        let mut writer = place.writer();
        assert_eq!(execute(&mut writer, writes.clone()), []);
        drop(writer);
        let partial = fs::read_dir(place.path().join(".filemq/partial")).unwrap().next().unwrap();
        let partial = fs::OpenOptions::new().write(true).open(partial.unwrap().path()).unwrap();
        let age = Duration::from_secs(days * 24 * 3600);
        partial.set_modified(SystemTime::now() - age).unwrap();
        drop(partial);
        let folder = place.folder();
        assert_eq!(place.partial(), usize::from(days < 7), "{days}");
        let mut writer = folder.writer("server").unwrap();
        assert_eq!(writer.inventory().partial.is_some(), days < 7);
    }
}

/// Of a release before, which named folders by origins, and of which nothing was complete.
#[test]
fn a_folder_with_nothing_but_a_paused_file_is_not_given_away() {
    let place = Place::new();
    let bytes = content::bytes(1, 200_000);
    let folder = place.folder();
    let mut victim = folder.writer("0a1b").unwrap();
    execute(&mut victim, [begin("/0a1b/f", 0, Some(info(&bytes))), data(0, &bytes[..150_000])]);
    drop(victim);
    let mut other = folder.writer("2").unwrap();
    assert_eq!(send_to(&mut other, "0A1B", "f", b"x"), "/0A1B-2");
    let mut other = folder.writer("3").unwrap();
    assert_eq!(send_to(&mut other, "0a1b", "f", b"x"), "/0a1b-3");
    let mut victim = folder.writer("0a1b").unwrap();
    assert_eq!(victim.folder(), Some(name("/0a1b")));
    assert!(victim.inventory().partial.is_some());
    // Nor is one of a server of which nothing has come yet.
    let _waits = folder.writer("4").unwrap();
    assert_eq!(folder.writer("5").unwrap().make_folder("4").unwrap(), name("/4-2"));
}
