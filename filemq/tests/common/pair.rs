//! Servers and clients on real sockets and disks.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests, each of which uses some"
)]

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use filemq::{
    Audience, Client, ClientEvent, ClientEvents, ClientOptions, FileEvent, MountOptions, Server,
    ServerEvents, ServerOptions, VirtualPath,
};
use tempfile::TempDir;
use testkit::wait::{DEADLINE, soon};

use crate::common::path;

pub const ANY: &str = "127.0.0.1:0";

/// A server with one directory, as `/`.
pub struct Publisher {
    pub server: Server,
    pub events: ServerEvents,
    pub address: SocketAddr,
    pub files: TempDir,
}

impl Publisher {
    pub async fn start(files: &[(&str, &[u8])]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(directory.path().join(name), content).unwrap();
        }
        Self::start_at(ANY.parse().unwrap(), directory).await
    }

    pub async fn start_at(address: SocketAddr, files: TempDir) -> Self {
        let (server, events) = Server::new(ServerOptions::default());
        soon(server.mount(files.path(), eager("/"), Audience::Everyone)).await.unwrap();
        let address = server.listen(address).unwrap();
        Self { server, events, address, files }
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        // As a whole, as far as a watcher sees.
        let beside = tempfile::NamedTempFile::new_in(self.files.path().parent().unwrap()).unwrap();
        fs::write(beside.path(), content).unwrap();
        beside.persist(self.files.path().join(name)).unwrap();
    }
}

pub fn eager(alias: &str) -> MountOptions {
    let mut config = MountOptions::new(path(alias));
    config.stable = Duration::ZERO;
    config
}

/// A client of everything.
pub struct Subscriber {
    pub client: Client,
    pub events: ClientEvents,
    pub received: TempDir,
}

impl Subscriber {
    pub async fn start(publisher: &Publisher) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), publisher.address, ClientOptions::default())
            .await
    }

    pub async fn start_in(received: TempDir, address: SocketAddr, options: ClientOptions) -> Self {
        let (client, events) = soon(Client::open(received.path(), options)).await.unwrap();
        client.subscribe(VirtualPath::root());
        client.connect("origin", address);
        Self { client, events, received }
    }

    pub async fn pick<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(ClientEvent) -> Option<T>,
    ) -> T {
        let picked = async {
            loop {
                if let Some(picked) = pick(self.events.recv().await.expect("the client runs")) {
                    return picked;
                }
            }
        };
        let picked = tokio::time::timeout(DEADLINE, picked).await;
        picked.unwrap_or_else(|_| panic!("waited in vain for {what}"))
    }

    pub async fn delivered(&mut self) -> (String, PathBuf) {
        self.pick("a file", |received| match received {
            ClientEvent::File { event: FileEvent::Delivered { name, path, .. }, .. } => {
                Some((name.to_string(), path))
            }
            _ => None,
        })
        .await
    }

    pub async fn deleted(&mut self) -> String {
        self.pick("a delete", |received| match received {
            ClientEvent::File { event: FileEvent::Deleted { name, .. }, .. } => {
                Some(name.to_string())
            }
            _ => None,
        })
        .await
    }

    pub async fn connected(&mut self) {
        self.pick("the connection", |received| {
            matches!(received, ClientEvent::Connected { .. }).then_some(())
        })
        .await;
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.received.path().join(name)).unwrap()
    }
}
