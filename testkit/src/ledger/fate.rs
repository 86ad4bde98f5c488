//! What really became of a peer, and what EXIT may say of it.

use zre_proto::ExitReason;

/// What really became of a peer, as the program knows that runs both nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing: it is alive.
    Lives,
    /// It was stopped in order, and has said so.
    Stopped,
    /// Its process has died, and the kernel has closed its connections.
    Died,
    /// Its host is gone, or nothing passes any more.
    Vanished,
}

impl Fate {
    /// Returns the reasons that EXIT may give, in the order of the truth.
    ///
    /// `disturbed`: one of the two nodes did nothing for a while, or the way between them was cut,
    /// so that what has happened may have looked different, and was seen in another order.
    pub const fn reasons(self, disturbed: bool) -> &'static [ExitReason] {
        use ExitReason::{Expired, Goodbye, LinkLost, Replaced, Restarted};
        match (self, disturbed) {
            (Self::Lives, false) => &[],
            (Self::Lives, true) => &[LinkLost, Restarted, Expired],
            (Self::Stopped, false) => &[Goodbye],
            (Self::Stopped, true) => &[Goodbye, LinkLost, Expired, Replaced],
            // Another node may have got the port meanwhile.
            (Self::Died, false) => &[LinkLost, Replaced],
            (Self::Died, true) => &[LinkLost, Replaced, Expired],
            (Self::Vanished, _) => &[Expired, LinkLost, Replaced],
        }
    }

    /// Returns whether EXIT may give this reason. See [`reasons`](Self::reasons).
    pub fn allows(self, reason: ExitReason, disturbed: bool) -> bool {
        self.reasons(disturbed).contains(&reason)
    }
}
