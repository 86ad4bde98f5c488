//! How a directory is published.

use std::path::PathBuf;
use std::time::Duration;

use crate::VirtualPath;

/// How a directory is published. Construct it with `..MountOptions::new(alias)`: fields may be
/// added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountOptions {
    /// The name of the directory on the network: a file `a/b` in it is `ALIAS/a/b`.
    pub alias: VirtualPath,
    /// A file is published once it has not changed for this long; zero means at once. Default: 1 s.
    pub stable: Duration,
    /// How often the whole directory is scanned, in addition to the changes that the operating
    /// system reports. Default: 30 s; at most 1 s where the operating system reports nothing.
    pub rescan: Duration,
    /// How long after the first scan clients are told nothing of files that they have and that are not
    /// published below the alias: they may be published in a moment, by another mount. After it such a
    /// file is gone, and deleted at clients, unless it is there and not stable yet. At most a day.
    /// Default: 2 s.
    pub settle: Duration,
    /// Where `.ln` files may lead: files, or directories and everything below. Default: nowhere.
    pub links: Vec<PathBuf>,
    /// Whether hidden files are published: for clients of this implementation that take them, as their
    /// [`ReceivedLimits`](crate::ReceivedLimits) say, and for no others. What is called `.filemq` is
    /// not. Default: no.
    pub hidden: bool,
    /// Patterns of what is not published, in the syntax of `.gitignore`, relative to the directory:
    /// `*.tmp`, `/build/`, `!keep.tmp`. The last that matches decides. Default: none; at most 1,000.
    pub ignore: Vec<String>,
    /// The name of a file directly in the directory that has more such patterns, one a line, which
    /// come before the others. It is not published, and is read again when it changes; what it does not
    /// leave out any more is published when it has been like that for `stable`, and for 300 ms at least.
    /// At most 64 KiB. Default: none.
    pub ignore_file: Option<String>,
    /// Whether it is an error if something in the directory cannot be read when it is mounted. What
    /// cannot be read later is tried again, and so is everything if this is `false`, the default.
    pub require_readable: bool,
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
            hidden: false,
            ignore: Vec::new(),
            ignore_file: None,
            require_readable: false,
            files: 1_000_000,
            depth: 64,
        }
    }
}
