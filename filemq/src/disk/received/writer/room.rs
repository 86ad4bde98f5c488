//! Room for files before they come.

use super::ReceivedWriter;
use crate::disk::received::names;
use crate::disk::received::promise::Promise;
use crate::disk::received::write_error::Denied;
use crate::session::Written;
use crate::{FileEvent, Refusal, VirtualPath};

/// How many bytes may be set aside before it is looked whether the disk has them.
const MIN_MEASURED: u64 = 1 << 20;

impl ReceivedWriter {
    /// Sets room aside for a file that is offered, or notes that it waits for room.
    pub(super) fn promise(&mut self, offer: u64, name: VirtualPath, size: u64) {
        // There is another state of it.
        self.drop_parked(&name);
        match self.set_aside(offer, &name, size) {
            Ok(()) => self.promised(offer, &name),
            Err(denied) => {
                let Denied { reason, fate } = denied;
                if fate.is_passing() {
                    self.backlog.offers.insert(offer, (name.clone(), size));
                }
                let event = FileEvent::Refused { name, reason, fate };
                self.answers.push_back(Written::NoRoom { offer, event });
            }
        }
    }

    fn promised(&mut self, offer: u64, name: &VirtualPath) {
        let part = self.part_of(name);
        self.answers.push_back(Written::Reserved { offer, part });
    }

    fn set_aside(&mut self, offer: u64, name: &VirtualPath, size: u64) -> Result<(), Denied> {
        if let Some(reason) = names::refused(name) {
            return Err(Denied::finally(Refusal::Name(reason.into())));
        }
        self.index().lock().fits(size)?;
        self.take_promise(name);
        // What is there of it has room already.
        let paused = self.paused.as_ref().filter(|paused| paused.file.name == *name);
        let had = paused.map_or((0, 0), |paused| (paused.room.bytes, paused.length()));
        let room = self.reserve(name, size.saturating_sub(had.0))?;
        let bytes = size.saturating_sub(had.1);
        self.unmeasured = self.unmeasured.saturating_add(bytes);
        if self.unmeasured >= MIN_MEASURED {
            let promised = self.index().lock().promised;
            if let Some(free) = self.shared.partial.free_space()
                && free < promised.saturating_add(bytes)
            {
                self.index().lock().release(&self.origin, room);
                let free = free.saturating_sub(promised);
                return Err(Denied::passing(Refusal::NoRoom { needed: bytes, free }));
            }
            self.unmeasured = 0;
        }
        self.index().lock().promise(bytes);
        self.promised.insert(name.clone(), Promise { offer, room, bytes });
        Ok(())
    }

    /// Gives back the room for a file that does not come now.
    pub(super) fn release(&mut self, offer: u64, name: &VirtualPath) {
        self.backlog.offers.remove(&offer);
        if self.promised.get(name).is_some_and(|promise| promise.offer == offer) {
            self.take_promise(name);
        }
    }

    /// Gives back the room that was set aside for a file, for instance because it begins.
    pub(super) fn take_promise(&mut self, name: &VirtualPath) {
        if let Some(Promise { room, bytes, .. }) = self.promised.remove(name) {
            let mut index = self.shared.index.lock();
            index.release(&self.origin, room);
            index.settle(bytes);
        }
    }

    /// Gives back all room that was set aside for files that have not begun.
    pub(super) fn drop_promises(&mut self) {
        for name in self.promised.keys().cloned().collect::<Vec<_>>() {
            self.take_promise(&name);
        }
    }

    /// Looks whether there is room by now for files that wait for it.
    pub(super) fn retry_promises(&mut self) {
        for (offer, (name, size)) in std::mem::take(&mut self.backlog.offers) {
            match self.set_aside(offer, &name, size) {
                Ok(()) => {
                    let event = FileEvent::Retried { name: name.clone() };
                    self.answers.push_back(Written::File { sequence: None, event });
                    self.promised(offer, &name);
                }
                Err(denied) if denied.fate.is_passing() => {
                    self.backlog.offers.insert(offer, (name, size));
                }
                Err(Denied { reason, fate }) => {
                    let event = FileEvent::Refused { name, reason, fate };
                    self.answers.push_back(Written::NoRoom { offer, event });
                }
            }
        }
    }
}
