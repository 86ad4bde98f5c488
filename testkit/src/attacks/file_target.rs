//! The file sharing of a target, and what must hold on its disk.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::file_flow::Folders;

/// The file that the target publishes for everybody, and its size.
pub const PUBLIC: (&str, usize) = ("/public.bin", 3_000_000);

/// The file that it publishes for [`FRIENDS`] alone.
pub const SECRET: &str = "/secret.bin";

/// The group whose members get the secret: no attacker joins it.
pub const FRIENDS: &str = "friends";

/// The file sharing of a target.
#[derive(Clone, Debug)]
pub struct FileTarget {
    /// Where its file server is.
    pub server: SocketAddr,
    /// The directory that has its received folder, and other things that nobody may touch.
    home: PathBuf,
    /// What else is in that directory.
    besides: BTreeSet<PathBuf>,
}

impl FileTarget {
    /// Creates the target of this file server. In `home` there are its folder `received`, and what
    /// must stay as it is.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn new(server: SocketAddr, home: PathBuf) -> io::Result<Self> {
        let besides = names(&home)?;
        Ok(Self { server, home, besides })
    }

    /// Returns the folder that a peer has in the received folder.
    pub(super) fn folder(&self, peer: &str) -> PathBuf {
        self.home.join("received").join(peer)
    }

    /// Returns whether the received folder holds nothing but directories and files, and nothing has
    /// come beside it.
    ///
    /// # Errors
    /// What is wrong.
    pub fn is_untouched(&self) -> Result<(), String> {
        let now = names(&self.home).map_err(|error| format!("the folders are gone: {error}"))?;
        if now != self.besides {
            return Err(format!("{now:?} beside the received folder, and not {:?}", self.besides));
        }
        for path in walk(&self.home.join("received")) {
            let kind = fs::symlink_metadata(&path).map(|metadata| metadata.file_type());
            if kind.is_ok_and(|kind| !kind.is_file() && !kind.is_dir()) {
                return Err(format!("{} is neither a file nor a directory", path.display()));
            }
        }
        Ok(())
    }
}

fn names(directory: &Path) -> io::Result<BTreeSet<PathBuf>> {
    fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect()
}

/// Returns all that is below a directory. What cannot be read is passed over: it is being replaced.
pub(super) fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut next = vec![directory.to_owned()];
    while let Some(directory) = next.pop() {
        for path in names(&directory).unwrap_or_default() {
            if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
                next.push(path.clone());
            }
            all.push(path);
        }
    }
    all
}

/// Makes the folders of a node that is to be attacked: what it shares, what it receives, and the secret.
/// Returns the folders, and where the secret is.
///
/// # Errors
/// If they cannot be made.
pub fn make_home(home: &Path) -> io::Result<(Folders, PathBuf)> {
    let folders = Folders::make(home)?;
    let (name, size) = PUBLIC;
    fs::write(folders.shared.join(&name[1..]), crate::content::bytes(1, size))?;
    let secret = home.join(&SECRET[1..]);
    fs::write(&secret, crate::content::bytes(2, 1000))?;
    Ok((folders, secret))
}
