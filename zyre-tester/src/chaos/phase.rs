//! What is going on in a run.

use std::time::Duration;

use super::quiet::Moment;

/// What is going on.
#[derive(Debug)]
pub(super) enum Phase {
    /// Nodes come and go.
    Active,
    /// Nobody starts, stops, joins or leaves.
    Hushed { until: Duration, again: bool },
    /// Nodes were asked what they hold.
    Asked { moment: Moment, deadline: Duration, again: bool },
    /// All nodes are stopping.
    Stopping { deadline: Duration },
    /// All have stopped.
    Stopped { until: Duration },
    /// Processes are ending.
    Finishing { deadline: Duration },
    /// The end.
    Over,
}

impl PartialEq for Phase {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl Phase {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Active => "",
            Self::Hushed { .. } | Self::Asked { .. } => "(quiet)",
            Self::Stopping { .. } | Self::Stopped { .. } => "(stopping)",
            Self::Finishing { .. } | Self::Over => "(ending)",
        }
    }
}
