//! Lines about files: who sends what to whom, and how far it is.
//!
//! Their form is read by collectors: a verb, bytes, a colon, and the file's name.
//!
//! ```text
//! sending 1048576 of 4194304 bytes: photos/a.jpg
//! sent 4194304 bytes: photos/a.jpg
//! confirmed 4194304 bytes: photos/a.jpg
//! receiving 1048576 of 4194304 bytes: photos/a.jpg
//! delivered 4194304 bytes: photos/a.jpg
//! rejected: photos/a.jpg
//! refused: photos/a.jpg
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use zre_proto::PeerId;
use zre_proto::log::{Level, LogEvent};

use super::{Draft, Logger};
use crate::event::Event;

/// A transfer is told of as often as it has come this much further: a report comes every 100 ms.
const SHARES: u64 = 10;

/// How many transfers are remembered; at most one each way goes on with a peer.
const MOST: usize = 1_024;

/// Tells of transfers as lines.
#[derive(Debug, Default)]
pub(crate) struct TransferLines {
    /// By peer, and whether it is sent to: the file, and the share that was told last.
    told: BTreeMap<(PeerId, bool), (Arc<str>, u64)>,
}

impl TransferLines {
    /// Records an event, if it is about a transfer.
    pub(crate) fn record(&mut self, logger: &Logger, event: &Event) {
        if !logger.is_on() {
            self.told.clear();
            return;
        }
        let Some((peer, level, data)) = self.line(event) else { return };
        let peer = logger.state().peer(peer);
        logger.record(Draft { level, event: LogEvent::None, peer, data });
    }

    fn line(&mut self, event: &Event) -> Option<(PeerId, Level, String)> {
        let whole = |verb: &str, size: u64, name: &str| format!("{verb} {size} bytes: {name}");
        let (peer, level, data) = match event {
            Event::Sending { peer, name, bytes, total, .. } => {
                let data = self.progress(*peer, true, name, *bytes, *total)?;
                (peer, Level::Info, data)
            }
            Event::Receiving { peer, name, bytes, total, .. } => {
                let data = self.progress(*peer, false, name, *bytes, *total)?;
                (peer, Level::Info, data)
            }
            Event::Sent { peer, name, size, .. } => {
                self.told.remove(&(*peer, true));
                (peer, Level::Info, whole("sent", *size, name))
            }
            Event::Confirmed { peer, name, size, .. } => {
                (peer, Level::Info, whole("confirmed", *size, name))
            }
            Event::Deliver { peer, name, size, .. } => {
                self.told.remove(&(*peer, false));
                (peer, Level::Info, whole("delivered", *size, name))
            }
            Event::Rejected { peer, name, .. } => {
                (peer, Level::Warning, format!("rejected: {name}"))
            }
            Event::Refused { peer, name, .. } => (peer, Level::Warning, format!("refused: {name}")),
            _ => return None,
        };
        Some((*peer, level, data))
    }

    /// Returns the line about a transfer, if it has come far enough since the last one.
    fn progress(
        &mut self,
        peer: PeerId,
        to_peer: bool,
        name: &Arc<str>,
        bytes: u64,
        total: Option<u64>,
    ) -> Option<String> {
        // Without a total each MiB is told of.
        let step = total.map_or(1 << 20, |total| (total / SHARES).max(1));
        let share = bytes / step;
        if self.told.len() >= MOST {
            self.told.clear();
        }
        let told = self.told.insert((peer, to_peer), (Arc::clone(name), share));
        if told.is_some_and(|(before, at)| before == *name && at == share) {
            return None;
        }
        let verb = if to_peer { "sending" } else { "receiving" };
        let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
        Some(format!("{verb} {bytes}{of} bytes: {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_is_told_of_at_each_tenth_and_at_its_end() {
        let (peer, name) = (PeerId::new([7; 16]), Arc::<str>::from("a/b: c"));
        let mut lines = TransferLines::default();
        let mut line = |event| lines.line(&event).map(|(_, _, data)| data);
        let sending =
            |bytes, total| Event::Sending { peer, name: Arc::clone(&name), bytes, total, rate: 1 };
        let first = line(sending(5, Some(100)));
        assert_eq!(first.as_deref(), Some("sending 5 of 100 bytes: a/b: c"));
        assert_eq!(line(sending(9, Some(100))), None);
        assert!(line(sending(10, Some(100))).is_some());
        let sent = Event::Sent { peer, name: Arc::clone(&name), size: 100, receipt_follows: true };
        assert_eq!(line(sent).as_deref(), Some("sent 100 bytes: a/b: c"));
        // The same file once more.
        assert!(line(sending(10, Some(100))).is_some());
        assert_eq!(line(sending(7, None)).as_deref(), Some("sending 7 bytes: a/b: c"));
    }
}
