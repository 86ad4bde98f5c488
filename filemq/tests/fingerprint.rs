//! Changes of files that size and time do not tell of.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]
#![cfg(unix)]

#[allow(unreachable_pub, reason = "a helper of several tests")]
#[path = "common/odd_file_system.rs"]
mod odd_file_system;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use filemq::disk::{Mount, MountChange};
use filemq::{
    Audience, Client, ClientEvent, ClientEvents, ClientOptions, FileEvent, MountOptions, Server,
    ServerOptions, VirtualPath,
};
use odd_file_system::OddFileSystem;
use tempfile::TempDir;
use testkit::wait::{DEADLINE, soon};

fn path(text: &str) -> VirtualPath {
    VirtualPath::new(text).unwrap()
}

/// Writes other content of the same length in the same file, and sets the time back.
fn overwrite(file: &Path, content: &str) {
    let before = fs::metadata(file).unwrap();
    assert_eq!(before.len(), content.len() as u64);
    fs::write(file, content).unwrap();
    let open = fs::File::options().write(true).open(file).unwrap();
    open.set_modified(before.modified().unwrap()).unwrap();
}

fn options() -> MountOptions {
    let rescan = Duration::from_secs(3600);
    MountOptions { stable: Duration::ZERO, rescan, ..MountOptions::new(VirtualPath::root()) }
}

/// A client of a server.
struct Receiver {
    _client: Client,
    events: ClientEvents,
    received: TempDir,
}

impl Receiver {
    async fn start(server: &Server) -> Self {
        let address = server.listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let received = tempfile::tempdir().unwrap();
        let opened = soon(Client::open(received.path(), ClientOptions::default())).await;
        let (client, events) = opened.unwrap();
        client.subscribe(VirtualPath::root());
        client.connect("origin", address);
        Self { _client: client, events, received }
    }

    /// Waits for the next file: its name, and its content by now.
    async fn next(&mut self) -> (String, String) {
        loop {
            if let ClientEvent::File { event, .. } = soon(self.events.recv()).await.unwrap() {
                let FileEvent::Delivered { name, path, .. } = event else { panic!("{event:?}") };
                return (name.to_string(), fs::read_to_string(path).unwrap());
            }
        }
    }
}

fn file(name: &str, content: &str) -> (String, String) {
    (name.to_owned(), content.to_owned())
}

#[tokio::test]
async fn a_change_that_keeps_size_and_time_is_sent() {
    let home = tempfile::tempdir().unwrap();
    let [folder, single] = ["folder", "single"].map(|name| home.path().join(name));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a"), "one").unwrap();
    let (server, _events) = Server::new(ServerOptions::default());
    soon(server.mount(&folder, options(), Audience::Everyone)).await.unwrap();
    let mut receiver = Receiver::start(&server).await;
    assert_eq!(receiver.next().await, file("/a", "one"));
    overwrite(&folder.join("a"), "two");
    assert_eq!(receiver.next().await, file("/a", "two"));
    fs::write(&single, "one").unwrap();
    soon(server.publish(&single, path("/b"), Audience::Everyone)).await.unwrap();
    assert_eq!(receiver.next().await, file("/b", "one"));
    overwrite(&single, "two");
    assert_eq!(receiver.next().await, file("/b", "two"));
}

#[tokio::test]
async fn what_is_not_about_the_content_is_not_sent_and_stops_nothing() {
    let home = tempfile::tempdir().unwrap();
    let [folder, single] = ["folder", "single"].map(|name| home.path().join(name));
    fs::create_dir(&folder).unwrap();
    let (server, _events) = Server::new(ServerOptions::default());
    for path in [&folder.join("a"), &single] {
        fs::write(path, "one").unwrap();
    }
    soon(server.mount(&folder, options(), Audience::Everyone)).await.unwrap();
    soon(server.publish(&single, path("/b"), Audience::Everyone)).await.unwrap();
    let mut receiver = Receiver::start(&server).await;
    assert_eq!(receiver.next().await, file("/a", "one"));
    assert_eq!(receiver.next().await, file("/b", "one"));
    for path in [&folder.join("a"), &single] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::hard_link(path, path.with_extension("linked")).unwrap();
    }
    assert_eq!(receiver.next().await, file("/a.linked", "one"));
    // What was published by itself is looked at once a second: the second change of the two is seen
    // after the first.
    fs::write(home.path().join("other"), "x").unwrap();
    soon(server.publish(home.path().join("other"), path("/c"), Audience::Everyone)).await.unwrap();
    assert_eq!(receiver.next().await, file("/c", "x"));
    fs::write(home.path().join("other"), "xyz").unwrap();
    assert_eq!(receiver.next().await, file("/c", "xyz"), "and not /b");
    fs::write(folder.join("z"), "x").unwrap();
    assert_eq!(receiver.next().await, file("/z", "x"), "and not /a");
    // Those who come later get all of it.
    let mut late = Receiver::start(&server).await;
    for (name, content) in
        [("/a", "one"), ("/a.linked", "one"), ("/b", "one"), ("/c", "xyz"), ("/z", "x")]
    {
        assert_eq!(late.next().await, file(name, content));
    }
    assert!(late.received.path().join("a").exists());
}

/// Where the file system tells of no changes but those of size and time, the kernel's word is taken.
#[test]
fn what_the_kernel_reports_is_a_change_where_the_file_system_tells_nothing() {
    let home = tempfile::tempdir().unwrap();
    let a = home.path().join("a");
    fs::write(&a, "one").unwrap();
    let system = OddFileSystem { hides_changes: true, ..OddFileSystem::default() }.shared();
    let (tell, changes) = mpsc::channel();
    let told = move |changes| drop(tell.send(changes));
    let (_mount, first) = Mount::open_on(system, home.path(), options(), told).unwrap();
    let [MountChange::Updated { version: before, .. }] = first[..] else { panic!("{first:?}") };
    assert_eq!(before.changed, None);
    overwrite(&a, "two");
    let changes: Vec<MountChange> = changes.recv_timeout(DEADLINE).unwrap();
    let Some(MountChange::Updated { name, version, .. }) = changes.first() else {
        panic!("{changes:?}")
    };
    assert_eq!(name.as_str(), "/a");
    assert!(version.may_have_content_of(&before) && *version != before);
}
