//! Why peers go, in words.

use zyre::ExitReason;

/// Returns why a peer is gone; `None` if it has said goodbye.
pub(crate) const fn why(reason: ExitReason) -> Option<&'static str> {
    Some(match reason {
        ExitReason::Goodbye => return None,
        ExitReason::LinkLost => "connection lost",
        ExitReason::Expired => "not heard of for too long",
        ExitReason::Restarted => "has restarted",
        ExitReason::Replaced => "another node has its address",
        ExitReason::SequenceGap | ExitReason::StatusMismatch => "messages were lost on the way",
        ExitReason::Overflow => "did not take what was sent to it",
        ExitReason::Rejected => "broke the protocol",
        other => other.as_str(),
    })
}
