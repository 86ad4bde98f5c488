//! Files that two nodes send each other while something else goes on: written into the shared folder
//! of the one, awaited in the received folder of the other.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::content::bytes;

/// Bytes of each file: of several messages, and no multiple of anything.
const SIZE: usize = 1_234_567;

/// How long a file is waited for.
const LONGEST: Duration = Duration::from_secs(30);

/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(5);

/// The folders of a node.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The one that it shares.
    pub shared: PathBuf,
    /// The one that it receives into.
    pub received: PathBuf,
}

impl Folders {
    /// Makes the folders of a node in this directory.
    ///
    /// # Errors
    /// If they cannot be made.
    pub fn make(home: &Path) -> io::Result<Self> {
        let (shared, received) = (home.join("shared"), home.join("received"));
        fs::create_dir_all(&shared)?;
        fs::create_dir_all(&received)?;
        Ok(Self { shared, received })
    }

    /// Publishes a file: it is there as a whole, or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn publish(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let hidden = self.shared.join(format!(".{name}"));
        fs::write(&hidden, content)?;
        fs::rename(hidden, self.shared.join(name))
    }

    /// Returns what has been received under this name, of any peer.
    fn received(&self, name: &str) -> Option<Vec<u8>> {
        let peers = fs::read_dir(&self.received).ok()?;
        peers.filter_map(|peer| fs::read(peer.ok()?.path().join(name)).ok()).next()
    }
}

/// What has become of the files.
#[derive(Clone, Debug, Default)]
pub struct FilesFound {
    /// Files that have come whole.
    pub whole: u64,
    /// The longest time from the shared to the received folder.
    pub slowest: Duration,
    /// What went wrong.
    pub wrong: Vec<String>,
}

/// Two nodes that send each other one file after the other, until this is dropped.
#[derive(Debug)]
pub struct FileFlow {
    found: Arc<Mutex<FilesFound>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl FileFlow {
    /// Begins to send between these two.
    pub fn begin(nodes: [Folders; 2]) -> Self {
        let (found, end) = (Arc::<Mutex<FilesFound>>::default(), Arc::<AtomicBool>::default());
        let (noted, ended) = (Arc::clone(&found), Arc::clone(&end));
        let thread = std::thread::spawn(move || {
            let mut round = 0;
            while !ended.load(Ordering::Relaxed) {
                round += 1;
                exchange(&nodes, round, &noted, &ended);
            }
        });
        Self { found, end, thread: Some(thread) }
    }

    /// Returns what was found since this was last asked.
    pub fn found(&self) -> FilesFound {
        std::mem::take(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for FileFlow {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        // It notes what went wrong, and does not panic.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Sends a file each way.
fn exchange(nodes: &[Folders; 2], round: u64, found: &Mutex<FilesFound>, end: &AtomicBool) {
    let name = |from: usize| format!("flow-{from}-{round}.bin");
    let content = |from: usize| bytes(2 * round + from as u64, SIZE);
    let start = Instant::now();
    let note = |what: &mut dyn FnMut(&mut FilesFound)| {
        what(&mut found.lock().unwrap_or_else(PoisonError::into_inner));
    };
    for from in [0, 1] {
        if let Err(error) = nodes[from].publish(&name(from), &content(from)) {
            note(&mut |found| found.wrong.push(format!("{} is not written: {error}", name(from))));
        }
    }
    for from in [0, 1] {
        let came = loop {
            if let Some(came) = nodes[1 - from].received(&name(from)) {
                break Some(came == content(from));
            }
            if start.elapsed() > LONGEST || end.load(Ordering::Relaxed) {
                break None;
            }
            std::thread::sleep(LOOK);
        };
        note(&mut |found| match came {
            Some(true) => {
                found.whole += 1;
                found.slowest = found.slowest.max(start.elapsed());
            }
            Some(false) => found.wrong.push(format!("{} is another file", name(from))),
            None if end.load(Ordering::Relaxed) => {}
            None => found.wrong.push(format!("{} does not come", name(from))),
        });
        // It has been published: what was not is told above.
        let _ = fs::remove_file(nodes[from].shared.join(name(from)));
    }
}

#[cfg(test)]
mod tests {
    use super::{FileFlow, Folders};

    #[test]
    fn what_comes_is_counted_and_what_is_another_file_is_told() {
        let home = std::env::temp_dir().join(format!("zyre-file-flow-{}", std::process::id()));
        let nodes = ["one", "two"].map(|node| Folders::make(&home.join(node)).unwrap());
        let flow = FileFlow::begin(nodes.clone());
        let (mut whole, mut wrong) = (0, Vec::new());
        crate::wait::blocking_until("files and a wrong one", || {
            // A node by hand: what the one shares the other receives, but for a byte at the end.
            for (from, to) in [(0, 1), (1, 0)] {
                for file in std::fs::read_dir(&nodes[from].shared).unwrap().flatten() {
                    let name = file.file_name().into_string().unwrap();
                    let Ok(mut content) = std::fs::read(file.path()) else { continue };
                    let to = nodes[to].received.join("peer");
                    if name.starts_with('.') || to.join(&name).exists() {
                        continue;
                    }
                    if name.starts_with("flow-1") {
                        content.push(0);
                    }
                    std::fs::create_dir_all(&to).unwrap();
                    std::fs::write(to.join("new"), content).unwrap();
                    std::fs::rename(to.join("new"), to.join(name)).unwrap();
                }
            }
            let found = flow.found();
            whole += found.whole;
            wrong.extend(found.wrong);
            whole > 1 && wrong.len() > 1
        });
        drop(flow);
        assert!(
            wrong.iter().all(|what| what.contains("flow-1") && what.contains("another")),
            "{wrong:?}"
        );
        std::fs::remove_dir_all(home).unwrap();
    }
}
