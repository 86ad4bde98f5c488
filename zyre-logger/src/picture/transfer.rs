//! Files on their way.

use std::collections::VecDeque;

use super::key::Key;
use super::talk::{Progress, TransferLine};
use crate::moment::SECOND;

/// How many transfers are remembered.
const TRANSFERS: usize = 200;

/// A line about progress that comes this shortly after the end is older than that: sender and receiver
/// tell of one transfer.
const LATE: i64 = 2 * SECOND;

/// A file on its way from a node to another.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    pub(super) from: Key,
    pub(super) to: Key,
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) total: Option<u64>,
    pub(super) progress: Progress,
    pub(super) at: i64,
}

/// The last transfers.
#[derive(Clone, Debug, Default)]
pub(super) struct Transfers {
    /// The one that was heard of last is the last one.
    all: VecDeque<Transfer>,
    /// The version of the picture that has last changed one.
    pub(super) changed: u64,
}

impl Transfers {
    /// Takes in a line by `writer` about a file on its way to or from `peer`.
    pub(super) fn take(
        &mut self,
        writer: &Key,
        peer: &Key,
        line: &TransferLine<'_>,
        at: i64,
        version: u64,
    ) {
        let (from, to) = if line.sends { (writer, peer) } else { (peer, writer) };
        let same = |one: &Transfer| one.from == *from && one.to == *to && one.name == line.name;
        let before = self.all.iter().position(same).and_then(|i| self.all.remove(i));
        let mut transfer = before.unwrap_or_else(|| Transfer {
            from: from.clone(),
            to: to.clone(),
            name: line.name.to_owned(),
            bytes: 0,
            total: None,
            progress: Progress::Going,
            at,
        });
        let is_over = matches!(transfer.progress, Progress::Delivered | Progress::Failed);
        let is_late = is_over
            && matches!(line.progress, Progress::Going | Progress::Sent)
            && at.saturating_sub(transfer.at) < LATE;
        if !is_late {
            transfer.progress = line.progress;
            transfer.bytes = line.bytes.unwrap_or(transfer.bytes);
            transfer.total = line.total.or(transfer.total);
            transfer.at = at;
            self.changed = version;
        }
        if self.all.len() >= TRANSFERS {
            self.all.pop_front();
        }
        self.all.push_back(transfer);
    }

    /// Returns them, the newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Transfer> {
        self.all.iter().rev()
    }
}
