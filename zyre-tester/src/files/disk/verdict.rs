//! What has to hold, and what was told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs;
use std::path::Path;

use filemq::{Fate, Omission, OmittedFiles, VirtualPath};

/// Files by their names, such as `d/a`.
pub(super) type Tree = BTreeMap<String, Vec<u8>>;

/// What was ever published, and what was told.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Every state that a name had.
    states: BTreeMap<String, BTreeSet<Vec<u8>>>,
    /// Names that were refused finally since the sender has noticed a change of them.
    pub(super) refused: BTreeSet<String>,
    /// What was told, and is not known to be over.
    pub(super) told: BTreeSet<String>,
    /// For which reasons the mount leaves files out.
    omitted: BTreeSet<Omission>,
    pub(super) refusals: u64,
    pub(super) deliveries: u64,
    /// Every size in which a name was delivered.
    delivered: BTreeMap<String, BTreeSet<u64>>,
    /// The size in which the sender last believed that the receiver has a name.
    confirmed: BTreeMap<String, u64>,
    /// What the sender believed although it was never so.
    believed: Option<String>,
}

impl Verdict {
    /// Notes that a name has this content now.
    pub(super) fn published(&mut self, name: &str, content: &[u8]) {
        self.states.entry(name.to_owned()).or_default().insert(content.to_vec());
    }

    /// Notes that the sender has noticed that a name has another state, or is gone: what was refused
    /// finally is tried again.
    pub(super) fn changed(&mut self, name: &VirtualPath) {
        self.refused.remove(&name.as_str()[1..]);
    }

    /// Notes what the mount leaves out.
    pub(super) fn omitted(&mut self, omitted: &OmittedFiles) {
        if omitted.count > 0 {
            self.omitted.insert(omitted.reason.clone());
        } else {
            self.omitted.remove(&omitted.reason);
        }
    }

    /// Returns whether the mount leaves nothing out that it may publish later.
    pub(super) fn is_complete(&self) -> bool {
        !self.omitted.iter().any(Omission::may_pass)
    }

    /// Notes that it was told why a file is not sent or not accepted.
    pub(super) fn refuse(&mut self, name: &VirtualPath, reason: impl Display, fate: Fate) {
        self.told.insert(format!("{name}: {reason}"));
        if fate == Fate::Final {
            self.refused.insert(name.as_str()[1..].to_owned());
        }
    }

    /// Notes that a file is in its place.
    pub(super) fn delivered(&mut self, name: &VirtualPath, size: u64) {
        self.deliveries += 1;
        self.delivered.entry(name.as_str()[1..].to_owned()).or_default().insert(size);
    }

    /// Notes that the sender was told that the receiver has a file.
    pub(super) fn confirmed(&mut self, name: &VirtualPath, size: u64) {
        let name = &name.as_str()[1..];
        if !self.delivered.get(name).is_some_and(|sizes| sizes.contains(&size)) {
            self.believed
                .get_or_insert_with(|| format!("{name} was never delivered with {size} bytes"));
        }
        self.confirmed.insert(name.to_owned(), size);
    }

    /// Checks that the sender knows of everything that was received, and has never believed more.
    ///
    /// # Errors
    /// What it does not know, or has believed.
    pub(super) fn check_confirmed(&self, received: &Tree) -> Result<(), String> {
        if let Some(believed) = &self.believed {
            return Err(format!("the sender was told that it is there: {believed}"));
        }
        for (name, content) in received.iter().filter(|(name, _)| !self.refused.contains(*name)) {
            if self.confirmed.get(name) != Some(&(content.len() as u64)) {
                return Err(format!("the sender was not told that {name} is there"));
            }
        }
        Ok(())
    }

    /// Checks that every name holds a state that was published under it.
    pub(super) fn check_contents(&self, received: &Tree) -> Result<(), String> {
        for (name, content) in received {
            let states = self.states.get(name);
            if !states.is_some_and(|states| states.contains(content)) {
                return Err(format!("{name} holds {} bytes that were never its", content.len()));
            }
        }
        Ok(())
    }

    /// Checks that the received folder is what is published, except for what was refused finally.
    pub(super) fn check_equal(&self, published: &Tree, received: &Tree) -> Result<(), String> {
        for name in published.keys().chain(received.keys()) {
            let [ours, theirs] = [published, received].map(|tree| tree.get(name).map(Vec::len));
            if published.get(name) != received.get(name) && !self.refused.contains(name) {
                return Err(format!("{name}: {ours:?} bytes are published, {theirs:?} received"));
            }
        }
        Ok(())
    }

    /// Checks that some reason was told if anything is missing.
    pub(super) fn check_told(&self, published: &Tree, received: &Tree) -> Result<(), String> {
        match self.check_equal(published, received) {
            Err(missing) if self.told.is_empty() && self.omitted.is_empty() => {
                Err(format!("nobody was told: {missing}"))
            }
            _ => Ok(()),
        }
    }
}

/// Reads a directory and everything in it but what is hidden.
pub(super) fn tree(directory: &Path) -> Result<Tree, String> {
    fn walk(directory: &Path, prefix: &str, tree: &mut Tree) -> std::io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let name = format!("{prefix}{name}");
            if entry.file_type()?.is_dir() {
                walk(&entry.path(), &format!("{name}/"), tree)?;
            } else {
                tree.insert(name, fs::read(entry.path())?);
            }
        }
        Ok(())
    }
    let mut tree = Tree::new();
    walk(directory, "", &mut tree).map_err(|error| format!("{}: {error}", directory.display()))?;
    Ok(tree)
}
