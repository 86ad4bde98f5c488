//! Orders that cannot be carried out for now.

use std::time::Instant;

use super::{LOOK_INTERVAL, ReceivedWriter};
use crate::FileEvent;
use crate::disk::received::backlog::Passed;
use crate::disk::received::commit::again;
use crate::disk::received::shared::FolderSign;
use crate::disk::received::write_error::Denied;
use crate::session::{Write, Written};

impl ReceivedWriter {
    /// Keeps an order that cannot be carried out for now, and tells once of each file.
    pub(super) fn hold(&mut self, write: Write, denied: Denied) {
        let file = match &write {
            Write::Begin { name, sequence, .. } => Some((*sequence, name)),
            _ => self.current.as_ref().map(|current| (current.sequence, &current.name)),
        };
        let told = self.backlog.told.as_ref().map(|(sequence, _)| *sequence);
        if let Some((sequence, name)) = file.filter(|(sequence, _)| told != Some(*sequence)) {
            let name = name.clone();
            self.backlog.told = Some((sequence, name.clone()));
            self.refuse(name, Some(sequence), denied);
        }
        self.backlog.held.push_front(write);
    }

    /// Handles an order that comes while others are held.
    pub(super) fn pass(&mut self, write: Write) {
        let current = self.current.as_ref().map(|current| &current.name);
        // Either way the orders for the rest of the file are dropped.
        let is_kept = write == Write::Interrupt;
        let write = if is_kept { Write::Abort } else { write };
        match self.backlog.pass(write, current) {
            Passed::Kept => {}
            Passed::Ahead(name) => self.delete(&name),
            Passed::Dropped => {
                self.backlog.told = None;
                if is_kept {
                    self.interrupt();
                } else if let Some(current) = self.current.take() {
                    self.discard(current);
                }
            }
        }
    }

    /// Looks whether the folder is still in its place. If not that is the last answer.
    pub(super) fn look(&mut self) {
        self.next_look = Instant::now() + LOOK_INTERVAL;
        if matches!(self.shared.is_in_place(), Ok(false)) {
            self.is_replaced = true;
            self.backlog.held.clear();
            self.current = None;
            self.answers.push_back(Written::Replaced);
        }
    }

    /// Tries again what could not be done.
    pub(super) fn retry(&mut self) {
        self.look();
        if self.is_replaced {
            return;
        }
        let before = self.backlog.len();
        let parked = std::mem::take(&mut self.backlog.parked);
        if !parked.is_empty() {
            let committed = again(&self.shared, &self.origin, &mut self.tree, parked);
            self.take(committed);
        }
        for name in self.backlog.deletes.clone() {
            self.delete(&name);
        }
        self.retry_promises();
        self.commit();
        // That a file comes is told before what becomes of it.
        let told_at = self.answers.len();
        while let Some(write) = self.backlog.held.pop_front() {
            if let Err(denied) = self.attempt(&write) {
                self.hold(write, denied);
                break;
            }
        }
        if !self.backlog.is_holding()
            && let Some((sequence, name)) = self.backlog.told.take()
        {
            let event = FileEvent::Retried { name };
            self.commit();
            self.answers.insert(told_at, Written::File { sequence: Some(sequence), event });
        }
        if self.backlog.len() < before {
            self.answers.push_back(Written::Unstuck);
        }
        // `flush` says whether something still waits.
        self.backlog.is_reported = false;
    }

    /// Returns whether something has changed since the last attempt that may make it succeed.
    pub(super) fn has_hope(&self) -> bool {
        let before = self.backlog.sign.as_ref();
        before.is_some_and(|before| self.sign().gives_hope_since(before))
    }

    pub(super) fn sign(&self) -> FolderSign {
        let parked = self.backlog.parked.iter().map(|file| &file.name);
        self.shared.sign(parked.chain(&self.backlog.deletes))
    }
}
