//! How a directory is published.

use std::path::PathBuf;
use std::time::Duration;

use crate::VirtualPath;

/// How a directory is published. Construct it with `..MountOptions::new(alias)`: fields may be
/// added.
#[derive(Clone, Debug)]
pub struct MountOptions {
    /// The name of the directory on the network: a file `a/b` in it is `ALIAS/a/b`.
    pub alias: VirtualPath,
    /// A file is published once it has not changed for this long; zero means at once. Default: 1 s.
    pub stable: Duration,
    /// How often the whole directory is scanned, in addition to the changes that the operating
    /// system reports. Default: 30 s; at most 1 s where the operating system reports nothing.
    pub rescan: Duration,
    /// How long clients are told nothing of files that they have and that are not published below the
    /// alias: they may be published in a moment, because they are not stable yet, or by another mount.
    /// After it such a file is gone, and deleted at clients. At most a day. Default: 2 s.
    pub settle: Duration,
    /// Where `.ln` files may lead: files, or directories and everything below. Default: nowhere.
    pub links: Vec<PathBuf>,
    /// The most files that are published; more are left out. Default: 1,000,000.
    pub files: usize,
    /// How deep directories may be nested. Default: 64.
    pub depth: usize,
}

impl MountOptions {
    /// Returns the default options for this alias.
    #[must_use]
    pub const fn new(alias: VirtualPath) -> Self {
        Self {
            alias,
            stable: Duration::from_secs(1),
            rescan: Duration::from_secs(30),
            settle: Duration::from_secs(2),
            links: Vec::new(),
            files: 1_000_000,
            depth: 64,
        }
    }
}
