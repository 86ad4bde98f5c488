//! Whether a node is there.

/// Whether a node is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Presence {
    /// It is there.
    Present,
    /// It has been quiet, and was asked.
    Evasive,
    /// It did not answer.
    Silent,
    /// It writes lines, but has not entered here.
    #[default]
    Unseen,
    /// It has gone.
    Gone,
}

impl Presence {
    /// Returns the presence in one word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Evasive => "evasive",
            Self::Silent => "silent",
            Self::Unseen => "unseen",
            Self::Gone => "gone",
        }
    }
}
