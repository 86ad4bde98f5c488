//! When what a client has is gone, as far as a server knows.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc::UnboundedReceiver;

use super::{Mounting, Notice, ServerState};
use crate::catalogue::Audience;
use crate::disk::{FileSource, Mount, MountChange, MountOptions};
use crate::driver::server::published::Owner;
use crate::version::Version;
use crate::{Omission, OmittedFiles, VirtualPath};

const SETTLE: Duration = Duration::from_secs(2);

struct Publisher {
    state: ServerState,
    notices: UnboundedReceiver<Notice>,
    directory: tempfile::TempDir,
    now: Instant,
}

fn path(text: &str) -> VirtualPath {
    VirtualPath::new(text).unwrap()
}

fn unreadable(count: usize) -> MountChange {
    MountChange::Omitted(OmittedFiles::new(Omission::Unreadable("denied".into()), count, "x"))
}

fn updated(name: &str) -> MountChange {
    let (size, modified) = (0, SystemTime::UNIX_EPOCH);
    let version = Version { size, modified, changed: None, mode: 0, inode: 0 };
    MountChange::Updated {
        name: path(name),
        source: FileSource::anywhere(PathBuf::from("x")),
        version,
    }
}

impl Publisher {
    fn new() -> Self {
        let mut state = ServerState::default();
        let notices = state.connect();
        let directory = tempfile::tempdir().unwrap();
        Self { state, notices, directory, now: Instant::now() }
    }

    /// Begins to publish a directory, of which nothing is known yet.
    fn begin(&mut self, alias: &str) -> Owner {
        self.state.next_owner(path(alias), self.directory.path().join(&alias[1..]))
    }

    /// Goes on when it has been scanned.
    fn keep(&mut self, owner: Owner, alias: &str, found: Vec<MountChange>) {
        let options = MountOptions { settle: SETTLE, ..MountOptions::new(path(alias)) };
        let (mount, _) = Mount::open(self.directory.path(), options.clone(), drop).unwrap();
        let path = self.directory.path().join(&alias[1..]);
        let mounting = Mounting { path, mount, options, audience: Audience::Everyone, found };
        assert!(self.state.keep_mount(self.now, owner, mounting).is_ok());
    }

    fn changed(&mut self, owner: Owner, change: MountChange) {
        self.state.mount_changed(self.now, owner, &Audience::Everyone, vec![change]);
    }

    /// Lets time pass, and returns what has become known to connections.
    fn pass(&mut self, time: Duration) -> Vec<String> {
        self.now += time;
        self.state.know(self.now);
        self.told()
    }

    fn told(&mut self) -> Vec<String> {
        let notices = std::iter::from_fn(|| self.notices.try_recv().ok());
        let known = notices.filter_map(|notice| match notice {
            Notice::Known(path) => Some(path.to_string()),
            _ => None,
        });
        known.collect()
    }

    fn is_gone(&self, name: &str) -> bool {
        self.state.catalogue().is_gone(&path(name))
    }
}

/// However long it takes to scan it.
#[test]
fn of_a_mount_that_is_being_scanned_nothing_is_known() {
    let mut publisher = Publisher::new();
    let failed = publisher.begin("/m");
    assert_eq!(publisher.pass(SETTLE * 100), [""; 0]);
    assert!(!publisher.is_gone("/m/a"));
    publisher.state.forget_owner(failed);
    publisher.pass(SETTLE * 100);
    assert!(!publisher.is_gone("/m/a"), "it was never published");
    let owner = publisher.begin("/m");
    publisher.keep(owner, "/m", vec![updated("/m/b")]);
    assert_eq!(publisher.pass(SETTLE / 2), [""; 0]);
    assert!(!publisher.is_gone("/m/a"));
    assert_eq!(publisher.pass(SETTLE), ["/m"]);
    assert!(publisher.is_gone("/m/a") && !publisher.is_gone("/m/b"));
    // The same directory with other options.
    let other = publisher.begin("/m");
    publisher.pass(SETTLE * 100);
    assert!(!publisher.is_gone("/m/a"));
    publisher.state.forget_owner(other);
    assert!(publisher.is_gone("/m/a"), "there is the one before");
    assert_eq!(publisher.told(), ["/m"]);
}

#[test]
fn a_mount_within_another_knows_for_itself() {
    let mut publisher = Publisher::new();
    let outer = publisher.begin("/m");
    publisher.keep(outer, "/m", vec![]);
    assert_eq!(publisher.pass(SETTLE * 2), ["/m"]);
    let inner = publisher.begin("/m/in");
    publisher.pass(SETTLE * 100);
    assert!(!publisher.is_gone("/m/in/a") && publisher.is_gone("/m/a"));
    publisher.keep(inner, "/m/in", vec![unreadable(1)]);
    assert_eq!(publisher.pass(SETTLE * 100), [""; 0]);
    assert!(!publisher.is_gone("/m/in/a"), "it may be what cannot be read");
    publisher.changed(inner, unreadable(0));
    assert_eq!(publisher.told(), ["/m/in"]);
    assert!(publisher.is_gone("/m/in/a"));
    // What cannot be read later is not gone either.
    publisher.changed(outer, unreadable(1));
    assert!(!publisher.is_gone("/m/in/a") && !publisher.is_gone("/m/a"));
}

#[test]
fn a_file_that_is_not_stable_is_not_gone() {
    let mut publisher = Publisher::new();
    let owner = publisher.begin("/m");
    let [a, b] = ["/m/a", "/m/b"].map(|name| MountChange::Unstable { name: path(name) });
    publisher.keep(owner, "/m", vec![a, b.clone()]);
    assert_eq!(publisher.pass(SETTLE * 100), ["/m"]);
    assert!(!publisher.is_gone("/m/a") && !publisher.is_gone("/m/b") && publisher.is_gone("/m/c"));
    publisher.changed(owner, updated("/m/a"));
    assert_eq!(publisher.told(), [""; 0]);
    publisher.changed(owner, MountChange::Removed { name: path("/m/a") });
    publisher.changed(owner, MountChange::Removed { name: path("/m/b") });
    assert_eq!(publisher.told(), ["/m/b"], "of the other the connections have heard");
    assert!(publisher.is_gone("/m/a") && publisher.is_gone("/m/b"));
    publisher.changed(owner, b);
    publisher.state.take_mount(&path("/m")).unwrap();
    assert!(publisher.is_gone("/m/b"), "nothing is waited for any more");
}
