//! Names belong to what was published under them first.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use filemq::{
    Audience, MountOptions, Omission, PublishError, Server, ServerEvent, ServerEvents,
    ServerOptions, VirtualPath,
};
use tempfile::TempDir;
use testkit::wait::soon;

struct Publisher {
    server: Server,
    events: ServerEvents,
    home: TempDir,
    /// How many files each name has, and how many wait for theirs, as it was told last.
    told: BTreeMap<String, (usize, usize)>,
}

fn name(text: &str) -> VirtualPath {
    VirtualPath::new(text).unwrap()
}

impl Publisher {
    fn new() -> Self {
        let (server, events) = Server::new(ServerOptions::default());
        Self { server, events, home: tempfile::tempdir().unwrap(), told: BTreeMap::new() }
    }

    fn write(&self, file: &str) -> PathBuf {
        let path = self.home.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, file).unwrap();
        path
    }

    fn path(&self, file: &str) -> PathBuf {
        self.home.path().join(file)
    }

    async fn publish(&self, path: &Path, as_name: &str) -> Result<(), PublishError> {
        soon(self.server.publish(path, name(as_name), Audience::Everyone)).await
    }

    async fn mount(&self, path: &Path, alias: &str) -> Result<(), PublishError> {
        let options = MountOptions { stable: Duration::ZERO, ..MountOptions::new(name(alias)) };
        soon(self.server.mount(path, options, Audience::Everyone)).await
    }

    /// Waits until it was told last that a name has so many files, and that so many wait.
    async fn publishes(&mut self, expected: &str, files: usize, waiting: usize) {
        let wanted = (files, waiting);
        while self.told.get(expected).copied().unwrap_or_default() != wanted {
            let event = soon(self.events.recv()).await.unwrap();
            let (name, change) = match event {
                ServerEvent::Published { name, files, .. } => (name, (Some(files), None)),
                ServerEvent::Omitted { name, omitted } if omitted.reason == Omission::NameTaken => {
                    assert!(omitted.count == 0 || omitted.example == "one");
                    (name, (None, Some(omitted.count)))
                }
                _ => continue,
            };
            let told = self.told.entry(name.to_string()).or_default();
            *told = (change.0.unwrap_or(told.0), change.1.unwrap_or(told.1));
        }
    }
}

fn assert_taken(refused: Result<(), PublishError>, by: &Path, of: &str) {
    match refused {
        Err(PublishError::NameTaken { name, holder }) => {
            let by = by.canonicalize().unwrap();
            assert_eq!((holder.canonicalize().unwrap(), name.as_str()), (by, of));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn two_things_do_not_have_one_name_and_the_same_one_may_have_it_again() {
    let publisher = Publisher::new();
    let [a, b] = ["a/x", "b/x"].map(|file| publisher.write(file));
    let [in_a, in_b] = ["a", "b"].map(|directory| publisher.path(directory));
    publisher.publish(&a, "/x").await.unwrap();
    publisher.publish(&a, "/x").await.unwrap();
    assert_taken(publisher.publish(&b, "/x").await, &a, "/x");
    assert_taken(publisher.mount(&in_b, "/x").await, &a, "/x");
    publisher.mount(&in_a, "/photos").await.unwrap();
    publisher.mount(&in_a.join("../a"), "/photos").await.unwrap();
    assert_taken(publisher.mount(&in_b, "/photos").await, &in_a, "/photos");
    assert_taken(publisher.publish(&b, "/photos").await, &in_a, "/photos");
    // What is free again can be used by others.
    assert!(publisher.server.retract(&name("/x")));
    publisher.publish(&b, "/x").await.unwrap();
    assert!(publisher.server.unmount(&name("/photos")).await);
    publisher.mount(&in_b, "/photos").await.unwrap();
}

#[tokio::test]
async fn names_are_taken_across_mounts_and_as_directories() {
    let publisher = Publisher::new();
    let file = publisher.write("one");
    let [folder, other] = ["folder/d/one", "other/one"].map(|file| publisher.write(file));
    let [folder, other] = [folder.ancestors().nth(2).unwrap(), other.parent().unwrap()];
    publisher.mount(folder, "/f").await.unwrap();
    // A file in the mount; above one; and below one.
    for taken in ["/f/d/one", "/f/d", "/f/d/one/below"] {
        assert_taken(publisher.publish(&file, taken).await, folder, taken);
    }
    assert_taken(publisher.mount(other, "/f/d").await, folder, "/f/d/one");
    assert_taken(publisher.mount(other, "/f/d/one").await, folder, "/f/d/one/one");
    // What does not meet may be mounted within each other.
    publisher.mount(other, "/f/e").await.unwrap();
    publisher.publish(&file, "/f/two").await.unwrap();
    // Nothing was changed by what was refused: each name is given once.
    let mut all = BTreeMap::new();
    let mut publisher = publisher;
    while all.len() < 3 {
        if let ServerEvent::Published { name, files, .. } =
            soon(publisher.events.recv()).await.unwrap()
        {
            all.insert(name.to_string(), files);
        }
    }
    assert!(all.values().all(|files| *files == 1), "{all:?}");
}

#[tokio::test]
async fn a_name_that_is_taken_later_is_told_and_comes_when_it_is_free() {
    let mut publisher = Publisher::new();
    let file = publisher.write("one");
    fs::create_dir(publisher.path("folder")).unwrap();
    publisher.publish(&file, "/f/one").await.unwrap();
    publisher.mount(&publisher.path("folder"), "/f").await.unwrap();
    publisher.write("folder/one");
    publisher.write("folder/two");
    publisher.publishes("/f", 1, 1).await;
    assert!(publisher.server.retract(&name("/f/one")));
    publisher.publishes("/f", 2, 0).await;
    assert_taken(publisher.publish(&file, "/f/one").await, &publisher.path("folder"), "/f/one");
    // When the file goes, so does its name.
    fs::remove_file(publisher.path("folder/one")).unwrap();
    publisher.publishes("/f", 1, 0).await;
    publisher.publish(&file, "/f/one").await.unwrap();
}

#[tokio::test]
async fn another_audience_takes_nothing_back() {
    let mut publisher = Publisher::new();
    publisher.write("folder/one");
    let folder = publisher.path("folder");
    publisher.mount(&folder, "/f").await.unwrap();
    publisher.publishes("/f", 1, 0).await;
    let options = MountOptions { stable: Duration::ZERO, ..MountOptions::new(name("/f")) };
    let club = Audience::Tagged("club".into());
    soon(publisher.server.mount(&folder, options, club)).await.unwrap();
    publisher.publishes("/f", 1, 0).await;
    // It is still watched.
    publisher.write("folder/two");
    publisher.publishes("/f", 2, 0).await;
    assert_taken(publisher.publish(&folder.join("two"), "/f/two").await, &folder, "/f/two");
}

/// What cannot be looked at is not gone.
#[cfg(unix)]
#[tokio::test]
async fn a_file_published_by_itself_is_gone_when_it_is_removed_and_not_before() {
    let mut publisher = Publisher::new();
    publisher.write("folder/one");
    let [folder, aside, link] = ["folder", "aside", "link"].map(|name| publisher.path(name));
    // Without a moment in which there is nothing.
    let new = publisher.path("new");
    let lead_to = |target: &Path| {
        std::os::unix::fs::symlink(target, &new).unwrap();
        fs::rename(&new, &link).unwrap();
    };
    lead_to(&folder);
    publisher.publish(&link.join("one"), "/one").await.unwrap();
    publisher.publishes("/one", 1, 0).await;
    // A link to itself: nobody knows what is there.
    lead_to(&link);
    match soon(publisher.events.recv()).await.unwrap() {
        ServerEvent::Omitted { omitted, .. } => {
            assert!(matches!(omitted.reason, Omission::Unreadable(_)), "{omitted:?}");
            assert_eq!((omitted.count, omitted.example.as_str()), (1, "/one"));
        }
        event => panic!("{event:?}"),
    }
    lead_to(&folder);
    fs::rename(&folder, &aside).unwrap();
    publisher.publishes("/one", 0, 0).await;
    fs::rename(&aside, &folder).unwrap();
    publisher.publishes("/one", 1, 0).await;
}
