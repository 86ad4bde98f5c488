//! The files that a good peer and the victim exchange while it is attacked.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use testkit::attacks::{FileTarget, make_home};
use testkit::file_flow::{FileFlow, FilesFound, Folders};
use zyre::{Node, PeerId};

/// How long the victim may take to share files.
const MEET: Duration = Duration::from_secs(15);

/// The folders of the good peer and of each victim, which are removed in the end.
pub(super) struct Homes {
    root: PathBuf,
    pub(super) good: Folders,
    /// Those of the victim.
    victim: Folders,
    victims: u32,
    flow: Option<FileFlow>,
}

impl Homes {
    /// Makes them.
    ///
    /// # Errors
    /// If they cannot be made.
    pub(super) fn make() -> Result<Self, String> {
        let root = std::env::temp_dir().join(format!("zyre-hostile-{}", std::process::id()));
        let made = Folders::make(&root.join("good"))
            .and_then(|good| Ok((good, make_home(&root.join("victim-0"))?.0)));
        let (good, victim) = made.map_err(|error| format!("no folders for files: {error}"))?;
        Ok(Self { root, good, victim, victims: 0, flow: None })
    }

    /// Returns where the folders of the victim are.
    pub(super) fn of_victim(&self) -> PathBuf {
        self.root.join(format!("victim-{}", self.victims))
    }

    /// Makes the folders of another victim.
    ///
    /// # Errors
    /// If they cannot be made.
    pub(super) fn next(&mut self) -> Result<(), String> {
        self.flow = None;
        self.victims += 1;
        let made = make_home(&self.of_victim());
        self.victim = made.map_err(|error| format!("no folders for files: {error}"))?.0;
        Ok(())
    }

    /// Waits until the good peer and the victim have exchanged a file, and goes on with that.
    ///
    /// # Errors
    /// If none comes.
    pub(super) async fn begin(
        &mut self,
        good: &Node,
        victim: PeerId,
    ) -> Result<FileTarget, String> {
        let end = Instant::now() + MEET;
        let flow = FileFlow::begin([self.victim.clone(), self.good.clone()]);
        let mut whole = 0;
        let server = loop {
            whole += flow.found().whole;
            let peer = good.peer(victim);
            let port = peer.and_then(|peer| {
                let (_, port) = peer.headers.get("X-FILEMQ")?.rsplit_once(':')?;
                Some(SocketAddr::new(peer.endpoint.address().ip(), port.parse().ok()?))
            });
            match port {
                Some(server) if whole >= 2 => break server,
                _ if Instant::now() > end => {
                    return Err(format!("{whole} files come before any attack"));
                }
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        self.flow = Some(flow);
        FileTarget::new(server, self.of_victim()).map_err(|error| format!("the folders: {error}"))
    }

    /// Returns what has become of files since this was last asked.
    pub(super) fn found(&self) -> FilesFound {
        self.flow.as_ref().map(FileFlow::found).unwrap_or_default()
    }
}

impl Drop for Homes {
    fn drop(&mut self) {
        self.flow = None;
        let root: &Path = &self.root;
        // What cannot be removed is left to the system.
        let _ = fs::remove_dir_all(root);
    }
}
