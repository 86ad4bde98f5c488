//! Where received files go.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod failing;
mod folders;
mod killed;
#[allow(dead_code, unreachable_pub, reason = "a helper of several tests")]
#[path = "../common/odd_file_system.rs"]
mod odd_file_system;
mod quota;
mod resume;
mod room;
mod sparse;
mod twins;
mod waiting;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use filemq::digest::{Algorithm, Digest, Hasher};
use filemq::disk::{FileSystem, ReceivedFolder, ReceivedWriter};
use filemq::session::{FileInfo, Inventory, Write, Written};
use filemq::{Fate, FileEvent, ReceivedLimits, Refusal, VirtualPath};
use tempfile::TempDir;
use testkit::content;

fn name(text: &str) -> VirtualPath {
    VirtualPath::new(text).unwrap()
}

fn blake3(content: &[u8]) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Blake3);
    hasher.update(content);
    hasher.digest()
}

fn info(content: &[u8]) -> FileInfo {
    let modified = UNIX_EPOCH + Duration::new(1_600_000_000, 123_456_700);
    FileInfo { size: content.len() as u64, digest: blake3(content), modified, mode: 0o640 }
}

struct Place {
    directory: TempDir,
    limits: ReceivedLimits,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory, limits: ReceivedLimits::default() }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn folder(&self) -> ReceivedFolder {
        ReceivedFolder::open(self.path(), self.limits.clone()).unwrap()
    }

    /// The folder on another file system.
    fn folder_on(&self, system: Arc<dyn FileSystem>) -> io::Result<ReceivedFolder> {
        ReceivedFolder::open_on(system, self.path(), self.limits.clone())
    }

    /// All files and directories with their content, but for the folder's own.
    fn tree(&self) -> BTreeMap<String, Option<Vec<u8>>> {
        let mut all = BTreeMap::new();
        walk(self.path(), "", &mut all);
        all
    }

    /// The files that are there, as the folder tells of them.
    fn files(&self) -> Vec<(VirtualPath, Digest)> {
        let files = self.tree().into_iter().filter_map(|(file, content)| Some((file, content?)));
        files.map(|(file, content)| (name(&file), blake3(&content))).collect()
    }

    fn writer(&self) -> ReceivedWriter {
        self.folder().writer("server").unwrap()
    }

    fn read(&self, file: &str) -> Option<Vec<u8>> {
        fs::read(self.path().join(file)).ok()
    }

    /// Partial files.
    fn partial(&self) -> usize {
        fs::read_dir(self.path().join(".filemq/partial")).unwrap().count()
    }
}

fn walk(directory: &Path, below: &str, all: &mut BTreeMap<String, Option<Vec<u8>>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{below}/{}", entry.file_name().to_str().unwrap());
        if path == "/.filemq" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), &path, all);
            all.insert(path, None);
        } else {
            all.insert(path, Some(fs::read(entry.path()).unwrap()));
        }
    }
}

/// A name, its content before, and the one that comes then.
type Changed = (&'static str, Option<&'static str>, &'static str);

fn send_before(place: &Place, files: &[Changed]) {
    let mut writer = place.writer();
    for (file, before, _) in files {
        before.map(|before| send(&mut writer, file, before.as_bytes()));
    }
}

/// The new states come together, and the first two files are deleted again.
fn send_after(writer: &mut ReceivedWriter, files: &[Changed]) {
    let all = files
        .iter()
        .flat_map(|(file, _, after)| whole(file, after.as_bytes(), Some(info(after.as_bytes()))));
    execute(writer, all);
    execute(writer, files[..2].iter().map(|(file, ..)| Write::Delete { name: name(file) }));
}

/// Answers are told apart by it; here one is enough.
const SEQUENCE: u64 = 7;

fn data(offset: usize, bytes: &[u8]) -> Write {
    Write::Data { offset: offset as u64, bytes: Bytes::copy_from_slice(bytes) }
}

fn begin(file: &str, offset: usize, info: Option<FileInfo>) -> Write {
    Write::Begin { name: name(file), sequence: SEQUENCE, offset: offset as u64, info }
}

/// What comes of all.
fn execute(writer: &mut ReceivedWriter, writes: impl IntoIterator<Item = Write>) -> Vec<Written> {
    let mut written: Vec<_> =
        writes.into_iter().filter_map(|write| writer.execute(write)).collect();
    written.extend(writer.flush());
    written
}

fn whole(file: &str, bytes: &[u8], info: Option<FileInfo>) -> Vec<Write> {
    let mut writes = vec![begin(file, 0, info)];
    writes.extend(bytes.chunks(1_000_000).enumerate().map(|(i, chunk)| data(i * 1_000_000, chunk)));
    writes.push(Write::End { size: bytes.len() as u64 });
    writes
}

fn send(writer: &mut ReceivedWriter, file: &str, bytes: &[u8]) -> Written {
    let mut written = execute(writer, whole(file, bytes, Some(info(bytes))));
    assert_eq!(written.len(), 1, "{written:?}");
    written.remove(0)
}

fn complete(files: &[(&str, Digest)]) -> Inventory {
    let complete = files.iter().map(|(file, digest)| (name(file), *digest)).collect();
    Inventory { complete, partial: None }
}

fn refused(file: &str, reason: Refusal) -> Written {
    Written::File {
        sequence: Some(SEQUENCE),
        event: FileEvent::Refused { name: name(file), reason, fate: Fate::Final },
    }
}

fn waits(file: &str, reason: Refusal) -> Written {
    Written::File {
        sequence: Some(SEQUENCE),
        event: FileEvent::Refused { name: name(file), reason, fate: Fate::Passing },
    }
}

fn retried(file: &str) -> Written {
    Written::File { sequence: Some(SEQUENCE), event: FileEvent::Retried { name: name(file) } }
}

fn deleted(place: &Place, file: &str) -> Written {
    let path = place.path().join(&file[1..]);
    Written::File { sequence: None, event: FileEvent::Deleted { name: name(file), path } }
}

fn delivered(place: &Place, file: &str, size: usize) -> Written {
    let path = place.path().join(file.trim_start_matches('/'));
    Written::File {
        sequence: Some(SEQUENCE),
        event: FileEvent::Delivered { name: name(file), path, size: size as u64 },
    }
}

fn is_refused_for_its_name(written: &Written) -> bool {
    matches!(
        written,
        Written::File { event: FileEvent::Refused { reason: Refusal::Name(_), .. }, .. }
    )
}

fn names(writer: &mut ReceivedWriter) -> Vec<String> {
    writer.inventory().complete.iter().map(|(name, _)| name.to_string()).collect()
}

#[test]
fn a_file_is_there_when_it_is_complete_with_its_time_and_mode() {
    let place = Place::new();
    let mut writer = place.writer();
    let bytes = content::bytes(1, 2_300_000);
    for (file, bytes) in [("/a/b/c", &bytes[..]), ("/empty", &[])] {
        let mut writes = whole(file, bytes, Some(info(bytes)));
        let end = writes.pop().unwrap();
        assert_eq!(execute(&mut writer, writes), []);
        assert_eq!(place.read(&file[1..]), None, "not complete");
        assert_eq!(execute(&mut writer, [end]), [delivered(&place, file, bytes.len())]);
        assert!(place.read(&file[1..]).unwrap() == bytes);
        let metadata = fs::metadata(place.path().join(&file[1..])).unwrap();
        assert_eq!(metadata.modified().unwrap(), info(bytes).modified);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&metadata) & 0o7777, 0o640);
    }
    assert_eq!(
        writer.inventory(),
        complete(&[("/a/b/c", blake3(&bytes)), ("/empty", blake3(&[]))])
    );
    assert_eq!(place.partial(), 0);
}

#[cfg(unix)]
#[test]
fn nothing_but_nine_bits_of_a_mode_is_taken() {
    use std::os::unix::fs::MetadataExt as _;
    let place = Place::new();
    let mut writer = place.writer();
    for (given, expected) in [(0o4755, 0o755), (0o6000, 0o400), (0o444, 0o444), (0o600, 0o600)] {
        let info = FileInfo { mode: given, ..info(b"x") };
        execute(&mut writer, whole("/file", b"x", Some(info)));
        let mode = fs::metadata(place.path().join("file")).unwrap().mode() & 0o7777;
        assert_eq!(mode, expected, "{given:o}");
    }
}

/// What other implementations send: nothing is said ahead.
#[test]
fn a_file_that_was_not_announced() {
    let place = Place::new();
    let mut writer = place.writer();
    let written = execute(&mut writer, whole("/file", b"abc", None));
    assert_eq!(written, [delivered(&place, "/file", 3)]);
    let sha1 = "A9993E364706816ABA3E25717850C26C9CD0D89D".parse().unwrap();
    assert_eq!(writer.inventory(), complete(&[("/file", sha1)]));
    let short = [begin("/file", 0, None), data(0, b"new"), Write::End { size: 4 }];
    assert_eq!(execute(&mut writer, short), [Written::Mismatch { name: name("/file") }]);
    assert_eq!(place.read("file").unwrap(), b"abc");
    assert_eq!(place.partial(), 0);
}

#[test]
fn what_was_not_announced_is_dropped_and_what_was_there_stays() {
    let place = Place::new();
    let mut writer = place.writer();
    send(&mut writer, "/file", b"old");
    let info = || Some(info(b"right"));
    let end = |size| Write::End { size };
    let wrong: [Vec<Write>; 6] = [
        vec![begin("/file", 0, info()), data(0, b"wrong"), end(5)],
        vec![begin("/file", 0, info()), data(0, b"righ"), end(4)],
        vec![begin("/file", 0, info()), data(0, b"righ"), end(5)],
        vec![begin("/file", 0, info()), data(0, b"right "), end(6)],
        vec![begin("/file", 0, info()), data(0, b"ri"), data(3, b"ht"), end(5)],
        vec![begin("/file", 3, info()), data(3, b"ht"), end(5)],
    ];
    for writes in wrong {
        assert_eq!(execute(&mut writer, writes), [Written::Mismatch { name: name("/file") }]);
        assert_eq!(place.read("file").unwrap(), b"old");
        assert_eq!(place.partial(), 0);
    }
    let abort = [begin("/file", 0, info()), data(0, b"ri"), Write::Abort];
    assert_eq!(execute(&mut writer, abort), []);
    assert_eq!((place.read("file").unwrap(), place.partial()), (b"old".to_vec(), 0));
    let stray = [data(0, b"stray"), Write::End { size: 5 }];
    assert_eq!(execute(&mut writer, stray), []);
    assert_eq!(names(&mut writer), ["/file"]);
}

#[test]
fn a_new_version_replaces_the_old_and_what_was_there_before() {
    let place = Place::new();
    fs::write(place.path().join("file"), "somebody's, and longer").unwrap();
    let mut writer = place.writer();
    assert_eq!(names(&mut writer), [""; 0]);
    for bytes in [&b"first"[..], b"2nd", b"the third"] {
        assert_eq!(send(&mut writer, "/file", bytes), delivered(&place, "/file", bytes.len()));
        assert_eq!(place.read("file").unwrap(), bytes);
    }
}

#[test]
fn many_files_are_answered_in_order() {
    let place = Place::new();
    let mut writer = place.writer();
    let mut writes = Vec::new();
    let mut expected = Vec::new();
    for i in 0..200 {
        let file = format!("/d{}/{i}", i % 7);
        let bytes = content::bytes(1, i * 10);
        writes.extend(whole(&file, &bytes, Some(info(&bytes))));
        expected.push(delivered(&place, &file, bytes.len()));
        if i % 50 == 0 {
            writes.push(Write::Delete { name: name(&file) });
            expected.push(deleted(&place, &file));
            writes.extend(whole("/wrong", b"x", Some(info(b"y"))));
            expected.push(Written::Mismatch { name: name("/wrong") });
            writes.extend(whole("/same", &bytes, Some(info(&bytes))));
            expected.push(delivered(&place, "/same", bytes.len()));
            writes.extend(whole("/same", b"x", Some(info(b"x"))));
            expected.push(delivered(&place, "/same", 1));
        }
    }
    let written = execute(&mut writer, writes);
    assert_eq!(written, expected);
    assert_eq!(names(&mut writer).len(), 197);
}

#[test]
fn only_files_of_this_server_are_deleted_and_only_directories_that_were_made() {
    let place = Place::new();
    fs::create_dir(place.path().join("users")).unwrap();
    let folder = place.folder();
    let mut writer = folder.writer("server").unwrap();
    let mut other = folder.writer("other").unwrap();
    send(&mut writer, "/made/here/file", b"x");
    send(&mut writer, "/users/file", b"x");
    send(&mut other, "/theirs", b"x");
    send(&mut writer, "/shared", b"first");
    send(&mut other, "/shared", b"last wins");
    send(&mut writer, "/edited", b"x");
    send(&mut writer, "/gone", b"x");
    fs::write(place.path().join("edited"), "y").unwrap();
    fs::write(place.path().join("local"), "x").unwrap();
    fs::remove_file(place.path().join("gone")).unwrap();

    let mut delete = |file: &str| execute(&mut writer, [Write::Delete { name: name(file) }]);
    for file in ["/theirs", "/shared", "/edited", "/local", "/none", "/made", "/made/here", "/"] {
        assert_eq!(delete(file), [], "{file}");
    }
    for file in ["/made/here/file", "/users/file", "/gone"] {
        let path = place.path().join(&file[1..]);
        assert_eq!(delete(file), [deleted(&place, file)]);
        assert!(!path.exists());
    }
    assert!(!place.path().join("made").exists() && place.path().join("users").exists());
    assert_eq!(place.read("shared").unwrap(), b"last wins");
    assert_eq!(place.read("edited").unwrap(), b"y");
    assert!(place.path().join("theirs").exists() && place.path().join("local").exists());
    assert_eq!(
        (names(&mut writer), names(&mut other)),
        (vec![], vec!["/shared".into(), "/theirs".into()])
    );
}

#[test]
fn directories_that_were_made_are_known_after_a_restart() {
    let place = Place::new();
    send(&mut place.writer(), "/a/b/file", b"x");
    let deleted = execute(&mut place.writer(), [Write::Delete { name: name("/a/b/file") }]);
    assert_eq!(deleted.len(), 1);
    assert!(!place.path().join("a").exists());
}

#[test]
fn what_was_changed_here_is_not_known() {
    let place = Place::new();
    let mut writer = place.writer();
    let files = ["/same", "/edited", "/touched", "/replaced", "/removed"];
    for file in files {
        send(&mut writer, file, b"content");
    }
    let at = |file: &str| place.path().join(file);
    let modified = info(b"").modified;
    let set = |path: &Path, time: SystemTime| {
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    };
    fs::write(at("edited"), "CONTENT").unwrap();
    // In the same second, with the same size.
    set(&at("touched"), modified + Duration::from_nanos(1000));
    fs::write(at("new"), "CONTENT").unwrap();
    set(&at("new"), modified);
    fs::rename(at("new"), at("replaced")).unwrap();
    fs::remove_file(at("removed")).unwrap();
    let expected: &[&str] = if cfg!(unix) { &["/same"] } else { &["/replaced", "/same"] };
    assert_eq!(names(&mut writer), expected);
    drop(writer);
    assert_eq!(names(&mut place.writer()), expected);
    assert_eq!(send(&mut place.writer(), "/edited", b"content"), delivered(&place, "/edited", 7));
    assert_eq!(place.read("edited").unwrap(), b"content");
}

#[test]
fn a_directory_in_the_place_of_a_file_and_the_reverse_are_refused() {
    let place = Place::new();
    let mut writer = place.writer();
    send(&mut writer, "/directory/file", b"x");
    send(&mut writer, "/file", b"x");
    for file in ["/directory", "/file/below", "/file/far/below", "/"] {
        let written = execute(&mut writer, whole(file, b"y", Some(info(b"y"))));
        assert!(is_refused_for_its_name(&written[0]), "{file} {written:?}");
    }
    let long = format!("/{}", "ä".repeat(127));
    assert_eq!(send(&mut writer, &long, b"y"), delivered(&place, &long, 1));
    assert_eq!(names(&mut writer), ["/directory/file", "/file", &long]);
    assert_eq!(place.partial(), 3, "what is in the way may be moved away");
    drop(writer);
    assert_eq!(place.partial(), 0);
}

#[cfg(unix)]
#[test]
fn links_that_somebody_has_put_into_the_folder_lead_nowhere() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("real")).unwrap();
    fs::write(outside.path().join("victim"), "untouched").unwrap();
    let mut writer = place.writer();
    send(&mut writer, "/was/file", b"x");
    fs::rename(place.path().join("was"), outside.path().join("was")).unwrap();
    symlink(outside.path().join("was"), place.path().join("was")).unwrap();
    symlink(outside.path(), place.path().join("out")).unwrap();
    symlink("real", place.path().join("within")).unwrap();
    symlink(".filemq", place.path().join("state")).unwrap();
    symlink("/", place.path().join("root")).unwrap();
    symlink(outside.path().join("victim"), place.path().join("file")).unwrap();
    symlink(outside.path().join("new"), place.path().join("dangling")).unwrap();

    for file in ["/out/victim", "/out/a/b", "/within/x", "/state/journal", "/root/tmp/x", "/was/y"]
    {
        let written = execute(&mut writer, whole(file, b"evil", Some(info(b"evil"))));
        assert!(is_refused_for_its_name(&written[0]), "{file} {written:?}");
    }
    for file in ["/file", "/dangling"] {
        assert_eq!(send(&mut writer, file, b"evil"), delivered(&place, file, 4));
        assert!(place.path().join(&file[1..]).symlink_metadata().unwrap().is_file());
    }
    assert_eq!(names(&mut writer), ["/dangling", "/file"]);
    let delete = [Write::Delete { name: name("/was/file") }];
    assert_eq!(execute(&mut writer, delete), []);
    assert_eq!(fs::read_to_string(outside.path().join("victim")).unwrap(), "untouched");
    assert_eq!(fs::read_to_string(outside.path().join("was/file")).unwrap(), "x");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 2);
    assert_eq!(fs::read_dir(place.path().join("real")).unwrap().count(), 0);
}

/// Complete files that were not reported are sent again; none of them is there in part.
#[test]
fn what_was_not_flushed_is_not_there() {
    let place = Place::new();
    let mut writer = place.writer();
    for write in whole("/a", b"x", Some(info(b"x"))) {
        assert_eq!(writer.execute(write), None);
    }
    assert_eq!(place.read("a"), None);
    drop(writer);
    assert_eq!((place.read("a"), place.partial()), (None, 0));
    assert_eq!(place.writer().inventory(), complete(&[]));
}

#[test]
fn a_torn_journal_forgets_the_last_file_only() {
    let place = Place::new();
    let mut writer = place.writer();
    for file in ["/a", "/b", "/c"] {
        send(&mut writer, file, b"x");
    }
    drop(writer);
    let journal = place.path().join(".filemq/journal");
    let length = fs::metadata(&journal).unwrap().len();
    fs::OpenOptions::new().write(true).open(&journal).unwrap().set_len(length - 3).unwrap();
    let mut writer = place.writer();
    assert_eq!(names(&mut writer), ["/a", "/b"]);
    assert_eq!(send(&mut writer, "/c", b"x"), delivered(&place, "/c", 1));
    drop(writer);
    assert_eq!(names(&mut place.writer()), ["/a", "/b", "/c"]);
    fs::write(&journal, "something else").unwrap();
    assert_eq!(names(&mut place.writer()), [""; 0]);
}

#[test]
fn an_folder_is_for_one_process_and_an_origin_for_one_writer() {
    let place = Place::new();
    let folder = place.folder();
    let error = ReceivedFolder::open(place.path(), ReceivedLimits::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    let writer = folder.writer("server").unwrap();
    assert_eq!(folder.writer("server").unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(folder.writer("other").is_ok());
    drop(writer);
    let writer = folder.writer("server").unwrap();
    drop(folder);
    assert!(
        ReceivedFolder::open(place.path(), ReceivedLimits::default()).is_err(),
        "a writer still has it"
    );
    drop(writer);
    place.folder();
    assert!(place.folder().writer(&"x".repeat(4097)).is_err());
}
