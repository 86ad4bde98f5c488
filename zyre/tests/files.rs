//! Files that nodes share.

#![cfg(test)]
#![cfg(feature = "files")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Member, free_port, on, soon, until};
use tempfile::TempDir;
use zyre::{Event, PeerId, ReceivedLimits, ShareError, StartError, State};

/// A node that shares, and the directory that holds its shared and its received folder.
struct Sharer {
    member: Member,
    home: TempDir,
}

impl Sharer {
    async fn start(port: u16) -> Self {
        Self::start_in(port, tempfile::tempdir().unwrap(), &[]).await
    }

    async fn start_in(port: u16, home: TempDir, groups: &[&str]) -> Self {
        let (shared, received) = (home.path().join("shared"), home.path().join("received"));
        let mut builder = on(port).share(shared, received);
        for &group in groups {
            builder = builder.join(group);
        }
        Self { member: Member::start(builder).await, home }
    }

    /// A file to be published.
    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// The next file that comes from this peer: its name, and where it is.
    async fn deliver(&mut self, from: PeerId) -> (String, PathBuf) {
        self.member
            .pick("DELIVER", |event| match event {
                Event::Deliver { peer, name, path, size } if peer == from => {
                    assert_eq!(fs::metadata(&path).unwrap().len(), size, "it is complete");
                    Some((name.to_string(), path))
                }
                _ => None,
            })
            .await
    }

    async fn retract(&mut self, from: PeerId) -> (String, PathBuf) {
        self.member
            .pick("RETRACT", |event| match event {
                Event::Retract { peer, name, path } if peer == from => {
                    Some((name.to_string(), path))
                }
                _ => None,
            })
            .await
    }

    fn received_from(&self, peer: PeerId) -> PathBuf {
        self.home.path().join("received").join(peer.default_name())
    }
}

fn content(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn everybody_gets_what_is_published_also_who_comes_later() {
    let port = free_port();
    let (mut a, mut b) = (Sharer::start(port).await, Sharer::start(port).await);
    let (from, early) = (a.member.id(), a.write("report.txt", "first"));
    soon(a.member.node.publish(&early).named("/reports/report.txt")).await.unwrap();
    let (name, path) = b.deliver(from).await;
    assert_eq!((&*name, content(&path)), ("/reports/report.txt", "first".into()));
    assert_eq!(path, b.received_from(from).join("reports/report.txt"));

    let mut late = Sharer::start(port).await;
    assert_eq!(content(&late.deliver(from).await.1), "first");

    // A change goes to all, and so does the other direction.
    fs::write(&early, "second edition").unwrap();
    assert_eq!(content(&b.deliver(from).await.1), "second edition");
    assert_eq!(content(&late.deliver(from).await.1), "second edition");
    let answer = b.write("answer", "well done");
    soon(b.member.node.publish(answer)).await.unwrap();
    assert_eq!(content(&a.deliver(b.member.id()).await.1), "well done");
    assert_eq!(content(&late.deliver(b.member.id()).await.1), "well done");

    assert!(soon(a.member.node.retract("/reports/report.txt")).await.unwrap());
    assert!(!soon(a.member.node.retract("/reports/report.txt")).await.unwrap(), "only once");
    for other in [&mut b, &mut late] {
        let (name, path) = other.retract(from).await;
        assert_eq!(name, "/reports/report.txt");
        assert!(!path.exists());
    }
    assert!(early.exists(), "the publisher's own file stays");
}

#[tokio::test]
async fn what_lies_in_the_shared_folder_is_published() {
    let port = free_port();
    let home = tempfile::tempdir().unwrap();
    let shared = home.path().join("shared");
    fs::create_dir_all(shared.join("deep/er")).unwrap();
    fs::write(shared.join("deep/er/file"), "was there").unwrap();
    let a = Sharer::start_in(port, home, &[]).await;
    let mut b = Sharer::start(port).await;
    let from = a.member.id();
    let (name, path) = b.deliver(from).await;
    assert_eq!((&*name, content(&path)), ("/deep/er/file", "was there".into()));
    fs::write(shared.join("new"), "came later").unwrap();
    assert_eq!(b.deliver(from).await.0, "/new");
    fs::remove_file(shared.join("new")).unwrap();
    assert_eq!(b.retract(from).await.0, "/new");
}

#[tokio::test]
async fn a_group_s_files_go_to_its_members() {
    let port = free_port();
    let a = Sharer::start(port).await;
    let mut member = Sharer::start_in(port, tempfile::tempdir().unwrap(), &["club"]).await;
    let mut other = Sharer::start(port).await;
    let from = a.member.id();
    let node = &a.member.node;
    soon(node.publish(a.write("secret", "1")).to("club")).await.unwrap();
    assert_eq!(member.deliver(from).await.0, "/secret");
    // One that is for all comes after it, and is the first for those who are not in the group.
    soon(node.publish(a.write("open", "1"))).await.unwrap();
    assert_eq!(other.deliver(from).await.0, "/open");
    assert_eq!(member.deliver(from).await.0, "/open");
    // Who joins later gets it then.
    other.member.node.join("club").unwrap();
    assert_eq!(other.deliver(from).await.0, "/secret");
    // Who leaves keeps it, and gets no changes.
    member.member.node.leave("club").unwrap();
    let left = member.member.id();
    until("the publisher knows", || !node.peers_in("club").contains(&left)).await;
    soon(node.publish(a.write("secret", "22")).to("club")).await.unwrap();
    assert_eq!(content(&other.deliver(from).await.1), "22");
    soon(node.publish(a.write("open", "22"))).await.unwrap();
    assert_eq!(member.deliver(from).await.0, "/open", "nothing of the group before");
    assert_eq!(content(&member.received_from(from).join("secret")), "1");
}

#[tokio::test]
async fn one_peer_gets_what_is_for_it_alone_and_no_group_has_its_name() {
    let port = free_port();
    let a = Sharer::start(port).await;
    let mut friend = Sharer::start(port).await;
    let id = friend.member.id().to_string();
    let groups = [id.as_str(), &format!("peer {id}")].map(str::to_owned);
    let groups = groups.each_ref().map(String::as_str);
    let mut other = Sharer::start_in(port, tempfile::tempdir().unwrap(), &groups).await;
    let (from, node) = (a.member.id(), &a.member.node);
    let secret = soon(node.publish(a.write("secret", "1")).to(friend.member.id())).await.unwrap();
    assert_eq!(secret, "/secret");
    let late = PeerId::new([7; 16]);
    soon(node.publish(a.write("later", "1")).to(late)).await.unwrap();
    assert_eq!(friend.deliver(from).await.0, "/secret");
    soon(node.publish(a.write("z", "1"))).await.unwrap();
    assert_eq!(other.deliver(from).await.0, "/z", "nothing before");
    let builder = on(port).id(late).share(other.home.path().join("s"), other.home.path().join("r"));
    let mut late = Member::start(builder).await;
    let name = late.pick("DELIVER", |event| match event {
        Event::Deliver { name, .. } => Some(name),
        _ => None,
    });
    assert_eq!(&*name.await, "/later");
}

#[tokio::test]
async fn hidden_files_go_from_those_who_publish_them_to_those_who_take_them() {
    let port = free_port();
    let a = Sharer::start(port).await;
    let home = tempfile::tempdir().unwrap();
    let limits = ReceivedLimits { hidden: true, ..ReceivedLimits::default() };
    let builder = on(port).share(home.path().join("shared"), home.path().join("received"));
    let member = Member::start(builder.received_limits(limits)).await;
    let mut takes = Sharer { member, home };
    let mut other = Sharer::start(port).await;
    let (from, node) = (a.member.id(), &a.member.node);
    let folder = a.home.path().join("project");
    fs::create_dir_all(folder.join(".git")).unwrap();
    fs::write(folder.join(".git/config"), "x").unwrap();
    fs::write(folder.join("z"), "x").unwrap();
    soon(node.publish(&folder).hidden(true)).await.unwrap();
    let received = takes.deliver(from).await;
    assert_eq!(received.0, "/project/.git/config");
    assert!(received.1.ends_with("project/.git/config") && received.1.exists());
    assert_eq!(takes.deliver(from).await.0, "/project/z");
    assert_eq!(other.deliver(from).await.0, "/project/z", "nothing before");
    let file = a.write("file", "");
    let name = soon(node.publish(&file).named("/.file")).await;
    assert!(matches!(name, Err(ShareError::Name(_))), "{name:?}");
    soon(node.publish(&file).named("/.file").hidden(true)).await.unwrap();
    assert_eq!(takes.deliver(from).await.0, "/.file");
}

#[tokio::test]
async fn what_is_ignored_goes_to_nobody() {
    let port = free_port();
    let (a, mut b) = (Sharer::start(port).await, Sharer::start(port).await);
    let folder = a.home.path().join("project");
    fs::create_dir_all(folder.join("target")).unwrap();
    for file in ["main.rs", "notes.tmp", "keep.tmp", "target/program"] {
        fs::write(folder.join(file), "x").unwrap();
    }
    fs::write(folder.join(".zyreignore"), "/target/\n*.tmp\n").unwrap();
    let publish = a.member.node.publish(&folder).ignore("*.rs").ignore("!keep.tmp");
    assert_eq!(soon(publish).await.unwrap(), "/project");
    assert_eq!(b.deliver(a.member.id()).await.0, "/project/keep.tmp");
    // Once more, in another way: what is not left out any more comes, and nothing else.
    soon(a.member.node.publish(&folder)).await.unwrap();
    assert_eq!(b.deliver(a.member.id()).await.0, "/project/main.rs");
    let bad = soon(a.member.node.publish(&folder).named("/x").ignore("{")).await.unwrap_err();
    assert!(matches!(&bad, ShareError::Pattern { pattern, .. } if pattern == "{"), "{bad}");
}

#[tokio::test]
async fn a_folder_is_published_with_all_that_is_in_it() {
    let port = free_port();
    let (a, mut b) = (Sharer::start(port).await, Sharer::start(port).await);
    let folder = a.home.path().join("photos");
    fs::create_dir(&folder).unwrap();
    (0..50).for_each(|i| fs::write(folder.join(i.to_string()), i.to_string()).unwrap());
    soon(a.member.node.publish(&folder)).await.unwrap();
    let from = a.member.id();
    let mut names = Vec::new();
    for _ in 0..50 {
        names.push(b.deliver(from).await.0);
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 50);
    assert!(soon(a.member.node.retract("/photos")).await.unwrap());
    for _ in 0..50 {
        b.retract(from).await;
    }
    assert!(!b.received_from(from).join("photos").exists(), "the empty folder goes as well");
}

/// A file that takes less than a tenth of a second is there before there is anything to tell. How
/// large it has to be for that depends on the machine: a larger one is tried then.
#[tokio::test]
async fn a_large_file_tells_of_its_progress_on_both_sides() {
    let port = free_port();
    let (mut a, mut b) = (Sharer::start(port).await, Sharer::start(port).await);
    let (from, to) = (a.member.id(), b.member.id());
    let large = a.home.path().join("large");
    let (mut receiving, mut sending) = (false, false);
    for expected in [100_000_000, 400_000_000, 1_600_000_000] {
        fs::File::create(&large).unwrap().set_len(expected).unwrap();
        soon(a.member.node.publish(&large)).await.unwrap();
        let delivered = b.member.pick("the file", |event| match event {
            Event::Receiving { peer, bytes, total, rate, .. } if peer == from => {
                receiving = true;
                assert!(bytes <= expected && total == Some(expected) && rate > 0);
                None
            }
            Event::Deliver { peer, size, .. } if peer == from => Some(size),
            _ => None,
        });
        assert_eq!(delivered.await, expected);
        let sent = a.member.pick("its end", |event| match event {
            Event::Sending { peer, bytes, total, .. } if peer == to => {
                sending = true;
                assert!(bytes <= expected && total == Some(expected));
                None
            }
            Event::Sent { peer, size, receipt_follows: true, .. } if peer == to => Some(size),
            _ => None,
        });
        assert_eq!(sent.await, expected);
        let confirmed = a.member.pick("that it is there", |event| match event {
            Event::Confirmed { peer, size, .. } if peer == to => Some(size),
            _ => None,
        });
        assert_eq!(confirmed.await, expected);
        if receiving && sending {
            return;
        }
    }
    panic!("no progress was told: {receiving} {sending}");
}

/// Also while the test has a handle: the peer is gone, and so is what it served.
#[tokio::test]
async fn a_node_that_has_stopped_serves_nothing() {
    let port = free_port();
    let (a, mut b) = (Sharer::start(port).await, Sharer::start(port).await);
    soon(a.member.node.publish(a.write("file", "1"))).await.unwrap();
    b.deliver(a.member.id()).await;
    let server =
        b.member.node.peer(a.member.id()).unwrap().headers.get("X-FILEMQ").unwrap().to_owned();
    let server = server.strip_prefix("tcp://").unwrap().to_owned();
    assert!(soon(tokio::net::TcpStream::connect(&server)).await.is_ok());
    soon(a.member.node.stop()).await;
    until("nobody listens", || std::net::TcpStream::connect(&server).is_err()).await;
}

#[tokio::test]
async fn what_cannot_be_published_is_an_error_and_changes_nothing() {
    let port = free_port();
    let a = Sharer::start(port).await;
    let node = &a.member.node;
    let file = a.write("file", "");
    for name in ["file", "/../file", "/a//b", "/.hidden", ""] {
        let refused = soon(node.publish(&file).named(name)).await;
        assert!(matches!(refused, Err(ShareError::Name(_))), "{name:?}: {refused:?}");
    }
    let missing = soon(node.publish(a.home.path().join("nothing"))).await;
    assert!(matches!(missing, Err(ShareError::Io { .. })), "{missing:?}");
    let root = soon(node.publish(&file).named("/")).await;
    assert!(matches!(root, Err(ShareError::RootName)), "a file needs a name: {root:?}");
    let no_name = soon(node.publish("/")).await;
    assert!(matches!(no_name, Err(ShareError::NoName { .. })), "{no_name:?}");
    let no_group = soon(node.publish(&file).to("")).await;
    assert!(matches!(no_group, Err(ShareError::EmptyGroupName)), "{no_group:?}");
    let long = soon(node.publish(&file).to("x".repeat(256))).await;
    assert!(matches!(long, Err(ShareError::GroupNameTooLong { bytes: 256 })), "{long:?}");
    soon(node.publish(&file).to("club")).await.unwrap();
    soon(node.publish(&file)).await.unwrap();
    let other = a.home.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("file"), "x").unwrap();
    for (path, name) in [(&other.join("file"), "/file"), (&other, "/file"), (&other, "/")] {
        let taken = soon(node.publish(path).named(name)).await;
        assert!(matches!(taken, Err(ShareError::NameTaken { .. })), "{name}: {taken:?}");
    }
    let plain = Member::start(on(port)).await;
    let refused = soon(plain.node.publish(&file)).await;
    assert!(matches!(refused, Err(ShareError::NotSharing)), "{refused:?}");
    // Two nodes do not share one received folder.
    let second = on(port).share(a.home.path().join("shared"), a.home.path().join("received"));
    let error = second.start().await.map(drop).unwrap_err();
    assert!(matches!(error, StartError::ReceivedFolder { .. }), "{error}");
    assert!(error.to_string().contains("another client is using it"), "{error}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let home = tempfile::tempdir().unwrap();
    let [file, folder] = ["file", "folder"].map(|name| home.path().join(name));
    fs::write(&file, "no folder").unwrap();
    // Neither is a file a folder, nor can there be one in it.
    for bad in [file.clone(), file.join("in-it")] {
        let shared = soon(on(free_port()).share(&bad, &folder).start()).await.map(drop);
        let error = shared.unwrap_err();
        assert!(error.to_string().contains(&bad.display().to_string()), "{error}");
        assert!(matches!(error, StartError::SharedFolder { path, .. } if path == bad));
        let received = soon(on(free_port()).share(&folder, &bad).start()).await.map(drop);
        let error = received.unwrap_err();
        assert!(error.to_string().contains(&bad.display().to_string()), "{error}");
        assert!(matches!(error, StartError::ReceivedFolder { path, .. } if path == bad));
    }
}

/// A sender that is started again is the same: nothing is sent again, what its folder has lost
/// meanwhile is deleted, and what it does not publish any more stays.
#[tokio::test]
async fn a_sender_with_a_state_is_the_same_after_a_restart() {
    let port = free_port();
    let home = tempfile::tempdir().unwrap();
    let photos = home.path().join("photos");
    fs::create_dir(&photos).unwrap();
    for name in ["1", "2", "3"] {
        fs::write(photos.join(name), name).unwrap();
    }
    fs::write(home.path().join("film"), "moves").unwrap();
    let start = async |name: &str| {
        let state = State::open(home.path().join("state")).unwrap();
        Member::start(on(port).publishing().state(&state).name(name)).await
    };
    let mut b = Sharer::start(port).await;
    let a = start("alice").await;
    let from = a.id();
    soon(a.node.publish(&photos).named("/photos")).await.unwrap();
    soon(a.node.publish(home.path().join("film")).named("/film")).await.unwrap();
    let received = b.home.path().join("received");
    for _ in 0..4 {
        assert!(b.deliver(from).await.1.starts_with(received.join("alice")));
    }
    soon(a.node.stop()).await;

    fs::remove_file(photos.join("2")).unwrap();
    fs::write(photos.join("3"), "changed").unwrap();
    // Another name now, and another publication: the folder is the one that it had.
    let mut a = start("bob").await;
    assert_eq!(a.id(), from);
    soon(a.node.publish(&photos).named("/photos")).await.unwrap();
    let (mut deleted, mut confirmed) = (None, Vec::new());
    while confirmed.len() < 2 {
        let name = a.pick("CONFIRMED", |event| match event {
            Event::Confirmed { name, .. } => Some(name.to_string()),
            Event::Sent { name, .. } if &*name != "/photos/3" => panic!("{name} is sent again"),
            _ => None,
        });
        confirmed.push(name.await);
    }
    confirmed.sort();
    assert_eq!(confirmed, ["/photos/1", "/photos/3"]);
    b.member
        .pick("the change and the delete", |event| {
            match event {
                Event::Retract { name, .. } => deleted = Some(name.to_string()),
                Event::Deliver { name, .. } => assert_eq!(&*name, "/photos/3"),
                _ => {}
            }
            (deleted.is_some() && content(&received.join("alice/photos/3")) == "changed")
                .then_some(())
        })
        .await;
    assert_eq!(deleted.as_deref(), Some("/photos/2"));
    assert_eq!(content(&received.join("alice/film")), "moves");
    assert_eq!(fs::read_dir(&received).unwrap().count(), 2, "alice, and .filemq");
}

#[tokio::test]
async fn peers_of_one_name_have_folders_of_their_own() {
    let port = free_port();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "x").unwrap();
    let received = home.path().join("received");
    let named = home.path().join("named");
    let mut b = Member::start(on(port).receive(&received)).await;
    let by_id = on(port).receive(&named).name_folders(|peer| format!("by {}", peer.id));
    let mut c = Member::start(by_id).await;
    for place in ["alice/f", "alice-2/f", "_alice/f"] {
        let name = if place.starts_with('_') { "../alice" } else { "alice" };
        let a = Member::start(on(port).publishing().name(name)).await;
        soon(a.node.publish(&file).named("/f")).await.unwrap();
        let deliver = |event| match event {
            Event::Deliver { peer, path, .. } => Some((peer, path)),
            _ => None,
        };
        assert_eq!(b.pick("the file", deliver).await, (a.id(), received.join(place)));
        let by_id = named.join(format!("by {}/f", a.id()));
        assert_eq!(c.pick("the file", deliver).await, (a.id(), by_id));
        soon(a.node.stop()).await;
    }
    let refused = soon(Member::start(on(port)).await.node.publish(&file).named("/x")).await;
    assert!(matches!(refused, Err(ShareError::NotSharing)), "{refused:?}");
}

/// Dropping the last handle ends a node a little later; the next one with its folder waits for that.
#[tokio::test]
async fn a_dropped_node_leaves_its_folder_to_the_next() {
    let port = free_port();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    let sender = Member::start(on(port).publishing()).await;
    for turn in 0..10 {
        let mut member = Member::start(on(port).receive(home.path().join("received"))).await;
        fs::write(&file, format!("state {turn}")).unwrap();
        soon(sender.node.publish(&file).named("/file")).await.unwrap();
        let deliver = |event| matches!(event, Event::Deliver { .. }).then_some(());
        member.pick("the file", deliver).await;
        drop(member);
    }
}
