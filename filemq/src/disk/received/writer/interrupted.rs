//! What becomes of a file that is interrupted.

use super::ReceivedWriter;
use crate::VirtualPath;
use crate::disk::received::partial::{self, Prefix};
use crate::disk::received::resumable::{Resumable, paused};
use crate::session::ResumePoint;

/// An interrupted file is kept if it has at least this many bytes.
const MIN_KEPT: u64 = 64 << 10;

impl ReceivedWriter {
    pub(super) fn resumable(&mut self) -> Option<(VirtualPath, ResumePoint)> {
        let paused = self.paused.as_mut()?;
        if paused.prefix.is_none() {
            match partial::read(&self.shared.partial, &paused.file.partial) {
                Ok(prefix) => paused.prefix = Some(prefix),
                Err(error) => {
                    tracing::warn!(name = %paused.file.name, %error, "cannot read a partial file");
                    self.drop_paused();
                    return None;
                }
            }
        }
        let Resumable { file, prefix, .. } = self.paused.as_ref()?;
        let Prefix { length, hasher } = prefix.as_ref()?;
        let resume = ResumePoint { offset: *length, prefix: hasher.digest(), whole: file.whole };
        Some((file.name.clone(), resume))
    }

    /// Returns what there is of a file that was interrupted.
    pub(super) fn part_of(&mut self, name: &VirtualPath) -> Option<ResumePoint> {
        self.paused.as_ref().filter(|paused| paused.file.name == *name)?;
        self.resumable().map(|(_, part)| part)
    }

    /// Interrupts the file that is being received: it is kept to be resumed if that is worthwhile.
    pub(super) fn interrupt(&mut self) {
        let Some(mut current) = self.current.take() else { return };
        self.settle(&mut current, u64::MAX);
        let other = self.paused.as_ref().map_or(0, Resumable::length);
        match paused(&current) {
            Some(file) if current.length >= MIN_KEPT.max(other) && !self.goes_on() => {
                self.drop_paused();
                if !current.recorded {
                    self.index().lock().pause(&self.origin, file.clone());
                }
                let room = current.room;
                self.paused = Some(Resumable { file, room, prefix: Some(current.pause()) });
            }
            _ => self.discard(current),
        }
    }

    /// Returns whether the server was told to go on with the file that was interrupted: then it has to
    /// be there, however much there is of another one.
    pub(super) fn goes_on(&self) -> bool {
        self.paused.as_ref().is_some_and(|paused| self.promised.contains_key(&paused.file.name))
    }

    pub(super) fn drop_paused(&mut self) {
        if let Some(paused) = self.paused.take() {
            self.index().lock().release(&self.origin, paused.room);
            self.shared.remove_recorded(&self.origin, &paused.file.partial);
        }
    }
}
