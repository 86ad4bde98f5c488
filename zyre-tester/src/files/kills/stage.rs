//! What was going on when a process was killed.

use std::collections::BTreeMap;
use std::fmt;

use super::publication::Publication;
use super::received::ReceivedFolder;

/// More unfinished bytes than a small file has.
pub(super) const LARGE: u64 = 64 << 10;

/// What was going on between the sender and a receiver; the later, the more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// The receiver had all that it had to have.
    Idle,
    /// It had not found the sender yet, or not told what it wants.
    Connecting,
    /// Small files were missing, or not yet gone.
    Small,
    /// A part of a large file was there.
    Large,
}

impl Stage {
    /// As far as can be seen in a received folder.
    pub(super) fn of(folder: &ReceivedFolder, publication: &Publication, connected: bool) -> Self {
        if folder.wants(publication) == 0 {
            Self::Idle
        } else if !connected {
            Self::Connecting
        } else if folder.unfinished() > LARGE {
            Self::Large
        } else {
            Self::Small
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Small => "between_files",
            Self::Large => "in_a_large_file",
        }
    }
}

/// The processes that are killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Sender,
    Receiver,
    Both,
}

impl Who {
    const fn name(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Receiver => "receiver",
            Self::Both => "both",
        }
    }
}

/// Kills by who and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Kills(BTreeMap<(Who, Stage), u32>);

impl Kills {
    pub(super) fn add(&mut self, who: Who, stage: Stage) {
        *self.0.entry((who, stage)).or_default() += 1;
    }

    pub(super) fn json(&self) -> serde_json::Value {
        let mut all = serde_json::Map::new();
        for ((who, stage), count) in &self.0 {
            let of = all.entry(who.name()).or_insert_with(|| serde_json::json!({}));
            if let Some(of) = of.as_object_mut() {
                of.insert(stage.name().into(), (*count).into());
            }
        }
        all.into()
    }
}

impl fmt::Display for Kills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for who in [Who::Sender, Who::Receiver, Who::Both] {
            let of: Vec<_> = self.0.iter().filter(|((whose, _), _)| *whose == who).collect();
            let stages: Vec<_> =
                of.iter().map(|((_, stage), count)| format!("{count} {}", stage.name())).collect();
            let sum: u32 = of.iter().map(|(_, count)| **count).sum();
            writeln!(f, "  {:<12}{sum}: {}", who.name(), stages.join(", "))?;
        }
        Ok(())
    }
}
