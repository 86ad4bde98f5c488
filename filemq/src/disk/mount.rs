//! A directory as it is published.
//!
//! Names that start with a dot are not published, nor what is no regular file, nor what has a name
//! that is no UTF-8 or no [`VirtualPath`]. Symbolic links are followed to what is in the directory
//! as well, and nowhere else; a file `name.ln` holds one line, the path of the real file, which is
//! published as `name`, if it lies where the configuration allows. (A relative path in it is taken
//! from the working directory, as in C FileMQ. If there is `name` itself too, that is published.)
//!
//! When the directory itself is gone, all its files stay published: a disk that is not mounted must
//! not delete them everywhere. The same holds as long as there is another directory in its place and
//! no file in it.

mod link;
mod scan;
mod state;
mod thread;
mod watch;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::thread::Watching;
use self::watch::Gathered;
use crate::disk::Source;
use crate::{Version, VirtualPath};

/// How a directory is published.
#[derive(Clone, Debug)]
pub struct MountConfig {
    /// Its name on the network: a file `a/b` in it is `ALIAS/a/b`.
    pub alias: VirtualPath,
    /// A file is taken when it has not been changed for so long; zero: at once. Default 1 s.
    pub stable: Duration,
    /// How often everything is looked at, beside what the operating system tells. Default 30 s; at
    /// most 1 s where the operating system tells nothing.
    pub rescan: Duration,
    /// Where `.ln` files may lead: files, or directories and all beneath. Default: nowhere.
    pub links: Vec<PathBuf>,
    /// The most files; what is beyond is not published. Default 1,000,000.
    pub files: usize,
    /// The most directories, one in another. Default 64.
    pub depth: usize,
}

impl MountConfig {
    /// The defaults.
    #[must_use]
    pub fn new(alias: VirtualPath) -> Self {
        Self {
            alias,
            stable: Duration::from_secs(1),
            rescan: Duration::from_secs(30),
            links: Vec::new(),
            files: 1_000_000,
            depth: 64,
        }
    }
}

/// What has happened to a file of a mount.
#[derive(Clone, Debug)]
pub enum MountChange {
    /// It is there, or in another state.
    Updated {
        /// Its name on the network.
        name: VirtualPath,
        /// Where it is.
        source: Source,
        /// Its state.
        version: Version,
    },
    /// It is gone.
    Removed {
        /// Its name on the network.
        name: VirtualPath,
    },
}

/// A directory that is published, as long as this lives. After that a call that is under way may
/// end, and no other is made.
#[derive(Debug)]
pub struct Mount(Arc<Gathered>);

impl Mount {
    /// Looks at the directory, and from then on reports what changes, on a thread of its own: in each
    /// call what is gone first, then what is there, by name. What is not stable yet comes so, too.
    ///
    /// # Errors
    /// The directory is not there, or cannot be read, or there can be no thread.
    pub fn open(
        directory: &Path,
        config: MountConfig,
        changed: impl FnMut(Vec<MountChange>) + Send + 'static,
    ) -> io::Result<(Self, Vec<MountChange>)> {
        let gathered = Arc::new(Gathered::default());
        let (watching, first) = Watching::open(directory, config, gathered.clone())?;
        let mount = Self(gathered);
        std::thread::Builder::new()
            .name("filemq mount".to_owned())
            .spawn(move || watching.run(changed))?;
        Ok((mount, first))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.0.stop();
    }
}
