//! Lines on standard output while they are collected.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::{Directory, Heard, query};

/// So much may wait for a slow terminal; the rest is not printed, but it is stored.
const QUEUE: usize = 4_096;

/// A thread, so that a terminal that stands still does not hold up the network.
#[derive(Debug)]
pub(super) struct Printer {
    sender: SyncSender<Heard>,
    thread: JoinHandle<()>,
}

impl Printer {
    pub(super) fn start() -> io::Result<Self> {
        let (sender, receiver) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("printer".to_owned())
            .spawn(move || print(&receiver))?;
        Ok(Self { sender, thread })
    }

    /// Prints it, if there is room.
    pub(super) fn print(&self, heard: Heard) {
        let _ = self.sender.try_send(heard);
    }

    /// Prints what waits, as long as somebody reads it.
    pub(super) fn finish(self) {
        drop(self.sender);
        let _ = self.thread.join();
    }
}

fn print(receiver: &Receiver<Heard>) {
    let mut directory = Directory::default();
    let mut out = io::stdout().lock();
    // A reader that is gone is no reason to stop collecting.
    let _ = writeln!(out, "{}", query::HEAD);
    for heard in receiver {
        match heard {
            Heard::Line(record) => {
                let _ = writeln!(out, "{}", query::line(&record, &directory).trim_end());
            }
            Heard::Seen(sighting) => {
                directory.add(sighting);
                directory.limit(Directory::LIVE);
            }
            Heard::Gone { .. } | Heard::Quiet { .. } | Heard::Dropped => {}
        }
    }
}
