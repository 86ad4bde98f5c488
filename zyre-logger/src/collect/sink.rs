//! The way from the network into a file.

use std::path::Path;

use super::options::Options;
use crate::store::{Bounds, Entry, Notice, Sender, StoreError, Writer};
use crate::{CollectorEvent, Level};

/// Stores what is heard, if there is a file.
#[derive(Debug)]
pub(crate) struct StoreSink {
    writer: Option<(Writer, Sender)>,
    level: Level,
}

impl StoreSink {
    /// Opens the file at `path`. `notify` tells the user what goes wrong with it.
    pub(crate) fn open(
        path: Option<&Path>,
        options: &Options,
        notify: impl Fn(Notice) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let bounds = Bounds { age: options.keep, bytes: options.max_size };
        let writer = path.map(|path| Writer::start(path, bounds, notify)).transpose()?;
        let writer = writer.map(|writer| {
            let sender = writer.sender();
            (writer, sender)
        });
        Ok(Self { writer, level: options.level })
    }

    /// Hands an event to the writer; never waits.
    pub(crate) fn take(&self, event: &CollectorEvent) {
        let Some((_, sender)) = &self.writer else { return };
        match event {
            CollectorEvent::Line(record) if record.level <= self.level => {
                sender.send(Entry::Record(record.clone()));
            }
            CollectorEvent::Change(change) => sender.send(Entry::Change(change.clone())),
            CollectorEvent::Seen(interval) => sender.send(Entry::Seen(interval.clone())),
            _ => {}
        }
    }

    /// Writes the rest. Returns how many lines were written in all.
    pub(crate) fn finish(self) -> Result<u64, StoreError> {
        let Some((writer, sender)) = self.writer else { return Ok(0) };
        drop(sender);
        writer.finish()
    }
}
