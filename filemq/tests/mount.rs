//! A directory as it is published.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use filemq::disk::{Mount, MountChange};
use filemq::{MountOptions, Omission, PublishError, VirtualPath};
use tempfile::TempDir;
use testkit::wait::DEADLINE;

/// A directory, and what is published of it.
struct Published {
    directory: TempDir,
    mount: Option<Mount>,
    changes: mpsc::Receiver<Vec<MountChange>>,
    /// Names and sizes.
    files: BTreeMap<String, u64>,
    /// Files that are not published yet.
    unstable: BTreeSet<String>,
    /// Each change, in order: `+` or `-` and the name.
    log: Vec<String>,
    /// How many files were told to be left out, each time.
    omitted: Vec<usize>,
}

fn config() -> MountOptions {
    // Only what the operating system tells.
    MountOptions {
        stable: Duration::ZERO,
        rescan: Duration::from_secs(3600),
        ..MountOptions::new(VirtualPath::new("/m").unwrap())
    }
}

fn prepared(files: &[&str]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("d")).unwrap();
    files.iter().for_each(|file| write(&directory.path().join("d"), file, "content"));
    directory
}

fn write(directory: &Path, file: &str, content: &str) {
    let path = directory.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn age(path: &Path, seconds: i64) {
    let now = SystemTime::now();
    let offset = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 { now + offset } else { now - offset };
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

impl Published {
    fn new(files: &[&str]) -> Self {
        Self::open(prepared(files), config())
    }

    fn open(directory: TempDir, config: MountOptions) -> Self {
        let (tell, changes) = mpsc::channel();
        let told = move |changes| drop(tell.send(changes));
        let (mount, first) = Mount::open(&directory.path().join("d"), config, told).unwrap();
        let mut published = Self {
            directory,
            mount: Some(mount),
            changes,
            files: BTreeMap::new(),
            unstable: BTreeSet::new(),
            log: Vec::new(),
            omitted: Vec::new(),
        };
        published.apply(first);
        published
    }

    /// Returns the names that a mount of a directory begins with.
    fn found(directory: &Path) -> BTreeSet<String> {
        let (_mount, first) = Mount::open(directory, config(), drop).unwrap();
        let names = first.into_iter().filter_map(|change| match change {
            MountChange::Updated { name, .. } => Some(name.to_string()),
            _ => None,
        });
        names.collect()
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("d")
    }

    fn apply(&mut self, changes: Vec<MountChange>) {
        let mut last = None;
        for change in changes {
            let order = match &change {
                MountChange::Removed { name } => (false, name.clone()),
                MountChange::Updated { name, .. } => (true, name.clone()),
                MountChange::Unstable { name } => {
                    assert!(!self.files.contains_key(name.as_str()), "{name} is published");
                    assert!(self.unstable.insert(name.to_string()), "{name} is told once");
                    continue;
                }
                MountChange::Omitted(omitted) => {
                    self.omitted.push(omitted.count);
                    continue;
                }
            };
            assert!(last < Some(order.clone()), "{last:?} {order:?}");
            last = Some(order);
            match change {
                MountChange::Unstable { .. } | MountChange::Omitted(_) => {}
                MountChange::Removed { name } => {
                    if self.unstable.remove(name.as_str()) {
                        continue;
                    }
                    let was = self.files.remove(name.as_str());
                    assert!(was.is_some(), "{name} was not there");
                    self.log.push(format!("-{name}"));
                }
                MountChange::Updated { name, source, version } => {
                    // Nothing is told of that cannot be read, but for what has changed since.
                    if let Ok((_, now)) = source.open() {
                        assert!(now.size >= version.size || now != version);
                    }
                    self.unstable.remove(name.as_str());
                    self.files.insert(name.to_string(), version.size);
                    self.log.push(format!("+{name}"));
                }
            }
        }
    }

    fn names(&self) -> Vec<&str> {
        self.files.keys().map(|name| name.strip_prefix("/m/").unwrap()).collect()
    }

    /// Waits until it holds.
    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + DEADLINE;
        while !holds(self) {
            let left = end.saturating_duration_since(Instant::now());
            match self.changes.recv_timeout(left) {
                Ok(changes) => self.apply(changes),
                Err(error) => panic!("{what}: {error}, {:?}, {:?}", self.files, self.log),
            }
        }
    }

    fn until_names(&mut self, names: &[&str]) {
        self.until(&format!("{names:?}"), |published| published.names() == names);
    }

    /// What was done before has been seen when this has: the system tells of it in order.
    fn settle(&mut self, number: u32) {
        let file = format!("zz-settle-{number}");
        write(&self.path(), &file, "x");
        let name = format!("/m/{file}");
        self.until("settle", |published| published.files.contains_key(&name));
        fs::remove_file(self.path().join(&file)).unwrap();
        self.until("settle", |published| !published.files.contains_key(&name));
    }
}

#[test]
fn what_is_there_is_published_and_changes_are_told() {
    let mut published = Published::new(&["a", "b/c/d", ".hidden", ".git/config", "b/.x/y"]);
    assert_eq!(published.names(), ["a", "b/c/d"]);
    assert_eq!(published.log, ["+/m/a", "+/m/b/c/d"]);
    let path = published.path();

    write(&path, "new", "1");
    published.until_names(&["a", "b/c/d", "new"]);
    write(&path, "new", "longer");
    published.until("longer", |p| p.files["/m/new"] == 6);
    write(&path, "x/y/z", "1");
    write(&path, ".git/z", "1");
    published.until_names(&["a", "b/c/d", "new", "x/y/z"]);
    fs::remove_file(path.join("a")).unwrap();
    published.until_names(&["b/c/d", "new", "x/y/z"]);
    fs::remove_dir_all(path.join("b")).unwrap();
    published.until_names(&["new", "x/y/z"]);
    published.settle(0);
    assert_eq!(published.names(), ["new", "x/y/z"]);
}

#[test]
fn a_rename_is_a_removal_and_another_file() {
    let mut published = Published::new(&["a", "dir/x", "dir/y", "dir.z"]);
    let path = published.path();
    published.log.clear();
    fs::rename(path.join("a"), path.join("b")).unwrap();
    published.until_names(&["b", "dir.z", "dir/x", "dir/y"]);
    fs::rename(path.join("dir"), path.join("other")).unwrap();
    published.until_names(&["b", "dir.z", "other/x", "other/y"]);
    assert!(!published.log.contains(&"-/m/dir.z".to_owned()));
    // One takes the other's place: the name stays.
    published.log.clear();
    write(published.directory.path(), "aside", "aside");
    fs::rename(published.directory.path().join("aside"), path.join("b")).unwrap();
    published.until("replaced", |p| p.files.get("/m/b") == Some(&5));
    published.settle(0);
    assert!(published.log.contains(&"+/m/b".to_owned()), "{:?}", published.log);
    assert!(!published.log.contains(&"-/m/b".to_owned()), "{:?}", published.log);
    // Out of the directory, and hidden.
    fs::rename(path.join("b"), published.directory.path().join("b")).unwrap();
    fs::rename(path.join("other/x"), path.join("other/.x")).unwrap();
    published.until_names(&["dir.z", "other/y"]);
}

#[test]
fn an_edit_in_the_same_second_with_the_same_size_is_noticed() {
    let mut published = Published::new(&["a"]);
    let path = published.path();
    for round in 0..5 {
        published.log.clear();
        let mut modified = fs::metadata(path.join("a")).unwrap().modified().unwrap();
        modified += Duration::from_micros(1);
        write(&path, "a", "CONTENT");
        fs::File::options()
            .write(true)
            .open(path.join("a"))
            .unwrap()
            .set_modified(modified)
            .unwrap();
        published.until(&format!("round {round}"), |p| p.log.contains(&"+/m/a".to_owned()));
        published.settle(round);
    }
}

#[test]
fn a_file_is_taken_when_it_is_stable() {
    let directory = prepared(&["old", "fresh", "future"]);
    let path = directory.path().join("d");
    age(&path.join("old"), 60);
    age(&path.join("future"), -3600);
    let stable = Duration::from_millis(1500);
    let start = Instant::now();
    let mut published = Published::open(directory, MountOptions { stable, ..config() });
    assert_eq!(published.names(), ["old"]);
    assert_eq!(published.unstable, ["/m/fresh", "/m/future"].map(str::to_owned).into());
    published.until_names(&["fresh", "future", "old"]);
    assert!(start.elapsed() > Duration::from_millis(1200), "{:?}", start.elapsed());

    // Each write puts it off.
    let mut last = Instant::now();
    for i in 0..8 {
        write(&path, "growing", &"x".repeat(i));
        last = Instant::now();
        let until = last + Duration::from_millis(250);
        while let Ok(changes) =
            published.changes.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            published.apply(changes);
        }
    }
    // Only if nothing held us up is it known that it could not be stable.
    published.until("growing", |p| p.files.contains_key("/m/growing"));
    assert_eq!(published.files["/m/growing"], 7);
    assert!(last.elapsed() > Duration::from_millis(1200), "{:?}", last.elapsed());
    let grown = published.log.iter().filter(|entry| *entry == "+/m/growing").count();
    assert_eq!(grown, 1);

    // Of what has been published the old state stays until then; what goes, goes at once.
    write(&path, "old", "changed");
    write(&path, "gone", "never published");
    fs::remove_file(path.join("gone")).unwrap();
    fs::remove_file(path.join("fresh")).unwrap();
    published.until("fresh", |p| !p.files.contains_key("/m/fresh"));
    assert_eq!(published.log.iter().filter(|entry| *entry == "+/m/old").count(), 1);
    published.until("old", |p| p.log.iter().filter(|entry| *entry == "+/m/old").count() == 2);
    assert!(!published.log.iter().any(|entry| entry.ends_with("gone")));
}

#[test]
fn a_rescan_finds_what_nobody_told() {
    // Times that are set back tell as little as what is written through a mapping.
    let rescan = Duration::from_millis(50);
    let mut published = Published::open(prepared(&["a"]), MountOptions { rescan, ..config() });
    write(&published.path(), "b/c", "x");
    published.until_names(&["a", "b/c"]);
    fs::remove_dir_all(published.path().join("b")).unwrap();
    published.until_names(&["a"]);
}

#[test]
fn a_new_directory_comes_in_parts_and_is_what_a_scan_finds() {
    let mut published = Published::new(&[]);
    let tree = published.directory.path().join("t");
    for directory in 0..12 {
        (0..100).for_each(|file| write(&tree, &format!("{directory:02}/{file:02}"), "content"));
    }
    write(&tree, "00/below/deep", "content");
    write(&tree, "00/.hidden/deep", "content");
    fs::create_dir(tree.join("empty")).unwrap();
    #[cfg(unix)]
    for (target, link) in [("../00/below", "03/link"), ("..", "04/loop"), ("/", "05/out")] {
        std::os::unix::fs::symlink(target, tree.join(link)).unwrap();
    }
    fs::rename(&tree, published.path().join("t")).unwrap();
    let first = published.changes.recv_timeout(DEADLINE).unwrap();
    assert!((500..1000).contains(&first.len()), "{} at a time", first.len());
    published.apply(first);
    let all = Published::found(&published.path());
    published.until("all are there", |it| it.files.len() >= all.len());
    assert!(published.files.keys().eq(&all), "{:?}", published.files);
}

#[test]
fn ten_thousand_files() {
    let mut published = Published::new(&["a"]);
    let path = published.path();
    for i in 0..10_000 {
        write(&path, &format!("{}/{i}", i % 100), "x");
    }
    published.until("10,000", |p| p.files.len() == 10_001);
    fs::remove_dir_all(path.join("7")).unwrap();
    published.until("9,900", |p| p.files.len() == 9_901);
    published.settle(0);
    assert_eq!(published.files.len(), 9_901);
}

#[test]
fn limits_are_kept() {
    let directory = prepared(&["a", "1/a", "1/2/a", "1/2/3/a"]);
    let published = Published::open(directory, MountOptions { depth: 2, ..config() });
    assert_eq!(published.names(), ["1/2/a", "1/a", "a"]);
    let published =
        Published::open(prepared(&["a", "b", "c"]), MountOptions { files: 2, ..config() });
    assert_eq!(published.names().len(), 2);
}

#[test]
fn a_mount_ends() {
    let mut published = Published::new(&["a"]);
    drop(published.mount.take());
    write(&published.path(), "b", "x");
    // The thread lets go of the function that it calls.
    let end = published.changes.recv_timeout(DEADLINE);
    assert_eq!(end.err(), Some(mpsc::RecvTimeoutError::Disconnected));
    let missing = Mount::open(&published.directory.path().join("none"), config(), |_| {});
    let missing = missing.unwrap_err();
    assert!(
        matches!(&missing, PublishError::Unreadable { path, source }
            if path.ends_with("none") && source.kind() == std::io::ErrorKind::NotFound),
        "{missing}"
    );
}

#[test]
fn a_directory_that_is_gone_deletes_nothing() {
    let rescan = Duration::from_millis(20);
    let mut published = Published::open(prepared(&["a", "b"]), MountOptions { rescan, ..config() });
    let (path, aside) = (published.path(), published.directory.path().join("aside"));
    // Told once, and again when it is over.
    let told_until = |published: &mut Published, end: Instant, number: usize| {
        while let Ok(changes) =
            published.changes.recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            for change in changes {
                let MountChange::Omitted(omitted) = change else { panic!("{change:?}") };
                assert!(
                    matches!(&omitted.reason, Omission::Unreadable(why) if why.contains("gone"))
                );
                published.log.push(omitted.count.to_string());
            }
        }
        assert_eq!(published.log.len(), number, "{:?}", published.log);
    };
    published.log.clear();
    let soon = || Instant::now() + Duration::from_millis(200);
    // As when a disk is not mounted: gone, and then an empty directory.
    fs::rename(&path, &aside).unwrap();
    told_until(&mut published, soon(), 1);
    fs::create_dir(&path).unwrap();
    told_until(&mut published, soon(), 1);
    assert_eq!(published.log, ["1"]);
    // It is back, as it was, but for one file.
    fs::remove_dir(&path).unwrap();
    fs::remove_file(aside.join("a")).unwrap();
    fs::rename(&aside, &path).unwrap();
    published.until("told", |published| published.omitted == [0]);
    published.until_names(&["b"]);
    write(&path, "c", "x");
    published.until_names(&["b", "c"]);
    // Another one, with something in it.
    published.log.clear();
    fs::rename(&path, &aside).unwrap();
    let new = published.directory.path().join("new");
    write(&new, "b", "other");
    fs::rename(&new, &path).unwrap();
    published.until("other", |p| p.files.get("/m/b") == Some(&5));
    published.until_names(&["b"]);
    assert_eq!(published.log, ["-/m/c", "+/m/b"]);
    write(&path, "d/e", "x");
    published.until_names(&["b", "d/e"]);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_within_the_directory_only() {
        let directory = prepared(&["real/file", "real/deep/other", "x"]);
        let path = directory.path().join("d");
        write(directory.path(), "secret/file", "secret");
        symlink("real/file", path.join("file")).unwrap();
        symlink(path.join("real"), path.join("absolute")).unwrap();
        symlink("../secret/file", path.join("out")).unwrap();
        symlink("../secret", path.join("outdir")).unwrap();
        symlink("/etc/passwd", path.join("passwd")).unwrap();
        symlink("none", path.join("dangling")).unwrap();
        symlink("loop", path.join("loop")).unwrap();
        symlink("..", path.join("real/deep/up")).unwrap();
        symlink(".", path.join("self")).unwrap();
        let mut published = Published::open(directory, config());
        let expected =
            ["absolute/deep/other", "absolute/file", "file", "real/deep/other", "real/file", "x"];
        assert_eq!(published.names(), expected);
        // What a link leads to changes, under all of its names.
        write(&path, "real/file", "changed it");
        published.until("all names", |p| {
            ["absolute/file", "file", "real/file"].iter().all(|n| p.files[&format!("/m/{n}")] == 10)
        });
        symlink("../../secret", path.join("real/out")).unwrap();
        symlink("../x", path.join("real/y")).unwrap();
        published.until("new link", |p| p.files.contains_key("/m/absolute/y"));
        fs::remove_file(path.join("absolute")).unwrap();
        published.until_names(&["file", "real/deep/other", "real/file", "real/y", "x"]);
        // A file is replaced by a link that leads out.
        fs::remove_file(path.join("x")).unwrap();
        symlink("../secret/file", path.join("x")).unwrap();
        published.until_names(&["file", "real/deep/other", "real/file"]);
    }

    #[test]
    fn what_is_no_file_and_what_has_no_name_is_left_out() {
        let directory = prepared(&["a"]);
        let path = directory.path().join("d");
        let fifo = |name: &str| {
            let made = std::process::Command::new("mkfifo").arg(path.join(name)).status();
            assert!(made.unwrap().success());
        };
        fifo("fifo");
        fifo("fifo.ln");
        let _socket = std::os::unix::net::UnixListener::bind(path.join("socket")).unwrap();
        symlink("/dev/zero", path.join("zero")).unwrap();
        fs::write(path.join(std::ffi::OsStr::from_bytes(b"\xff\xfe")), "x").unwrap();
        let mut published = Published::open(directory, config());
        assert_eq!(published.names(), ["a"]);
        fs::remove_file(path.join("a")).unwrap();
        fifo("a");
        published.until_names(&[]);
        write(&path, "b", "x");
        published.until_names(&["b"]);
    }

    #[test]
    fn what_cannot_be_read_is_not_gone() {
        use std::os::unix::fs::PermissionsExt as _;
        let rescan = Duration::from_millis(20);
        let mut published =
            Published::open(prepared(&["a", "dir/b"]), MountOptions { rescan, ..config() });
        let dir = published.path().join("dir");
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o000)).unwrap();
        if fs::read_dir(&dir).is_ok() {
            return; // root may read everything
        }
        published.settle(0);
        published.settle(1);
        assert_eq!(published.names(), ["a", "dir/b"]);
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

fn linked(directory: &TempDir) -> MountOptions {
    let links = vec![directory.path().join("allowed"), directory.path().join("one")];
    MountOptions { links, rescan: Duration::from_millis(100), ..config() }
}

fn link(directory: &TempDir, name: &str, target: &Path) {
    write(&directory.path().join("d"), name, &format!("  {} \nmore\n", target.display()));
}

#[test]
fn ln_files_lead_where_the_configuration_allows() {
    let directory = prepared(&["plain", "both"]);
    let at = |file: &str| directory.path().join(file);
    for file in ["allowed/file", "allowed/deep/file", "one", "other/file", "allowed2/file"] {
        write(directory.path(), file, "target");
    }
    link(&directory, "a.ln", &at("allowed/file"));
    link(&directory, "sub/b.ln", &at("allowed/deep/file"));
    link(&directory, "c.ln", &at("one"));
    link(&directory, "both.ln", &at("one"));
    link(&directory, "not1.ln", &at("other/file"));
    link(&directory, "not2.ln", &at("allowed/../other/file"));
    link(&directory, "not3.ln", &at("allowed2/file"));
    link(&directory, "dangling.ln", &at("allowed/none"));
    link(&directory, "directory.ln", &at("allowed/deep"));
    link(&directory, "long.ln", Path::new(&"x".repeat(5000)));
    write(&at("d"), "empty.ln", "");
    write(&at("d"), ".ln", "x");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(at("other/file"), at("allowed/link")).unwrap();
        link(&directory, "not4.ln", &at("allowed/link"));
    }
    let config = linked(&directory);
    let mut published = Published::open(directory, config);
    assert_eq!(published.names(), ["a", "both", "c", "plain", "sub/b"]);
    assert_eq!((published.files["/m/a"], published.files["/m/both"]), (6, 7));

    let (d, allowed) = (published.path(), published.directory.path().join("allowed"));
    write(&allowed, "file", "has changed");
    published.until("target", |p| p.files["/m/a"] == 11);
    link(&published.directory, "a.ln", &allowed.join("deep/file"));
    published.until("another target", |p| p.files["/m/a"] == 6);
    fs::remove_file(d.join("a.ln")).unwrap();
    published.until_names(&["both", "c", "plain", "sub/b"]);
    fs::remove_file(d.join("both")).unwrap();
    published.until("the link counts now", |p| p.files.get("/m/both") == Some(&6));
    fs::remove_file(allowed.join("deep/file")).unwrap();
    published.until_names(&["both", "c", "plain"]);
    link(&published.directory, "new.ln", &allowed.join("file"));
    published.until_names(&["both", "c", "new", "plain"]);
}

#[test]
fn ln_files_lead_nowhere_if_nothing_is_allowed() {
    let directory = prepared(&["plain"]);
    write(directory.path(), "allowed/file", "target");
    link(&directory, "a.ln", &directory.path().join("allowed/file"));
    link(&directory, "b.ln", &directory.path().join("d/plain"));
    let published = Published::open(directory, config());
    assert_eq!(published.names(), ["plain"]);
}
