//! Something that must not be.

use serde::Serialize;

/// What is violated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Rule {
    /// Under a final name there is only what was published under it, whole.
    Wrong,
    /// What is there and is still published does not go away.
    Vanished,
    /// What is published is there after all has settled.
    Lost,
    /// What is not published is not there after all has settled.
    Extra,
    /// Nothing unfinished is left after all has settled.
    Leftover,
    /// No process ends by itself.
    Ended,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) rule: Rule,
    /// Which folder or process.
    pub(super) whose: String,
    /// The file, if it is about one.
    pub(super) name: String,
    /// For people.
    pub(super) what: String,
}
