//! Why a file is not published.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a file in a published directory is not published.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Omission {
    /// It is hidden: its name begins with a dot.
    #[error("hidden")]
    Hidden,
    /// It is left out on purpose, by a pattern. That is told once, however many there are later.
    #[error("ignored")]
    Ignored,
    /// Something else was published under its name first. It is published when the name is free.
    #[error("the name is taken")]
    NameTaken,
    /// Its name is not UTF-8.
    #[error("its name is not UTF-8")]
    NotUtf8,
    /// Its name on the network would not be valid.
    #[error("its name cannot be used on the network: {0}")]
    Name(Arc<str>),
    /// It is a directory, and too many directories are nested.
    #[error("more than {limit} directories are nested")]
    Depth {
        /// How many may be nested.
        limit: usize,
    },
    /// It is a link that leads out of the directory.
    #[error("the link leads out of the directory")]
    LinkOut,
    /// It is a link that leads nowhere, or in a circle.
    #[error("the link leads nowhere: {0}")]
    Link(Arc<str>),
    /// It is neither a file nor a directory, but a device or a FIFO for instance.
    #[error("neither a file nor a directory")]
    NotAFile,
    /// There are too many files.
    #[error("there are more than {limit} files")]
    TooMany {
        /// How many are published.
        limit: usize,
    },
    /// It cannot be read now, which is tried again.
    #[error("it cannot be read: {0}")]
    Unreadable(Arc<str>),
}

impl Omission {
    /// Returns whether the file may be published later although it stays as it is.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Unreadable(_) | Self::TooMany { .. })
    }
}

/// How many files are not published for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct OmittedFiles {
    /// Why.
    pub reason: Omission,
    /// How many files, and directories with everything in them; 0 when there are none any more.
    pub count: usize,
    /// The name of one of them, relative to the directory, for people; empty if there are none.
    pub example: String,
}

impl OmittedFiles {
    /// Creates a count of the files that are not published for this reason; `example` is the name of
    /// one of them.
    #[must_use]
    pub fn new(reason: Omission, count: usize, example: impl Into<String>) -> Self {
        Self { reason, count, example: example.into() }
    }
}

/// How many files an application was told are left out, by reason.
#[derive(Debug, Default)]
pub(crate) struct ToldOmissions(BTreeMap<Omission, usize>);

impl ToldOmissions {
    /// Returns what is news: the reasons whose number of files is not what was told. `now` are the
    /// files that are left out, with the name of one of each number.
    pub(crate) fn news<'a>(
        &'a self,
        now: impl IntoIterator<Item = (&'a Omission, usize, &'a str)>,
    ) -> Vec<OmittedFiles> {
        let mut counts: BTreeMap<&Omission, (usize, &str)> = BTreeMap::new();
        for (reason, count, example) in now {
            counts.entry(reason).or_insert((0, example)).0 += count;
        }
        let over = self.0.keys().filter(|reason| !counts.contains_key(reason));
        let over: Vec<_> = over.map(|reason| (reason, (0, ""))).collect();
        let all = counts.into_iter().chain(over);
        let news = all.filter(|(reason, (count, _))| match (*reason, self.0.get(*reason)) {
            (Omission::Ignored, Some(_)) => false,
            (_, told) => told.unwrap_or(&0) != count,
        });
        news.map(|(reason, (count, example))| OmittedFiles::new(reason.clone(), count, example))
            .collect()
    }

    /// Notes that this was told.
    pub(crate) fn note(&mut self, omitted: &OmittedFiles) {
        if omitted.count == 0 {
            self.0.remove(&omitted.reason);
        } else {
            self.0.insert(omitted.reason.clone(), omitted.count);
        }
    }
}
