//! A file or folder, and how to publish it.

use std::fmt;
use std::future::IntoFuture;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use filemq::{MountOptions, VirtualPath};

use super::recipient::Recipient;
use super::{Files, PATTERN_FILE};
use crate::blocking;
use crate::error::ShareError;
use crate::pulse::Pulse;

/// A file or folder that [`Node::publish`](crate::Node::publish) will publish. Nothing happens
/// until it is awaited, or [`blocking`](Publish::blocking) is called; the result is the name on the
/// network.
#[must_use = "nothing is published until this is awaited, or `blocking` is called"]
pub struct Publish {
    files: Option<Files>,
    pulse: Arc<Pulse>,
    path: PathBuf,
    recipient: Recipient,
    name: Option<String>,
    ignore: Vec<String>,
    hidden: bool,
}

impl Publish {
    pub(crate) const fn new(files: Option<Files>, pulse: Arc<Pulse>, path: PathBuf) -> Self {
        let recipient = Recipient::Everyone;
        Self { files, pulse, path, recipient, name: None, ignore: Vec::new(), hidden: false }
    }

    /// Publishes it as awaiting it does, and blocks the thread until it is done.
    ///
    /// # Errors
    /// See [`ShareError`].
    ///
    /// # Panics
    /// In async code.
    #[track_caller]
    pub fn blocking(self) -> Result<String, ShareError> {
        let pulse = Arc::clone(&self.pulse);
        blocking::block_on(&pulse, self.publish())
    }

    /// Publishes it only for the members of a group, or for one peer. Without this it is for
    /// everybody. There is one recipient: a second call changes it.
    pub fn to(mut self, recipient: impl Into<Recipient>) -> Self {
        self.recipient = recipient.into();
        self
    }

    /// Sets what it is called on the network, such as `/talks/mine.pdf`. Without this it is called
    /// by its own name: `photos/` is `/photos`.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Leaves out what matches a pattern in the syntax of `.gitignore`, relative to the folder:
    /// `*.tmp`, `/build/`, `!keep.tmp`. May be called several times; the last pattern that matches
    /// decides. They come after those in a file `.zyreignore` directly in the folder, if there is
    /// one: that file is not published, and is read again when it changes. At most 1,000 in all.
    pub fn ignore(mut self, pattern: impl Into<String>) -> Self {
        self.ignore.push(pattern.into());
        self
    }

    /// Publishes hidden files too: those whose names begin with a dot. Only peers that take them
    /// get them, as [`ReceivedLimits::hidden`](crate::ReceivedLimits) says: files that people do
    /// not see should not come to one who has not asked for it.
    pub const fn hidden(mut self, hidden: bool) -> Self {
        self.hidden = hidden;
        self
    }

    async fn publish(self) -> Result<String, ShareError> {
        let files = self.files.ok_or(ShareError::NotSharing)?;
        if let Recipient::Group(group) = &self.recipient {
            match group.len() {
                0 => return Err(ShareError::EmptyGroupName),
                bytes if bytes > usize::from(u8::MAX) => {
                    return Err(ShareError::GroupNameTooLong { bytes });
                }
                _ => {}
            }
        }
        let name = match self.name {
            Some(name) => name,
            None => own_name(&self.path).await?,
        };
        let path = VirtualPath::new(&name)?;
        let mut options = MountOptions::new(if self.hidden { path } else { path.visible()? });
        options.hidden = self.hidden;
        options.ignore = self.ignore;
        options.ignore_file = Some(PATTERN_FILE.to_owned());
        options.require_readable = true;
        files.publish(&self.path, options, self.recipient.audience()).await?;
        Ok(name)
    }
}

/// Returns the own name of a file or folder.
async fn own_name(path: &Path) -> Result<String, ShareError> {
    let absolute = tokio::fs::canonicalize(path).await;
    let absolute = absolute.map_err(|source| ShareError::Io { path: path.to_owned(), source })?;
    let name = absolute.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| ShareError::NoName { path: path.to_owned() })?;
    Ok(format!("/{name}"))
}

impl IntoFuture for Publish {
    type Output = Result<String, ShareError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.publish())
    }
}

impl fmt::Debug for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, recipient, name, ignore, hidden, .. } = self;
        f.debug_struct("Publish")
            .field("path", path)
            .field("recipient", recipient)
            .field("name", name)
            .field("ignore", ignore)
            .field("hidden", hidden)
            .finish_non_exhaustive()
    }
}
