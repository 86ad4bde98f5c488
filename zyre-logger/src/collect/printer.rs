//! Lines on standard output while they are collected.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::{CollectorEvent, Directory, query, text};

/// How many events may wait for a slow terminal; the rest is not printed, but it is stored.
const QUEUE: usize = 4_096;

/// A thread that prints, so that a terminal that stands still does not hold up the network.
#[derive(Debug)]
pub(super) struct Printer {
    sender: SyncSender<CollectorEvent>,
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

    /// Prints an event, if there is room.
    pub(super) fn print(&self, event: CollectorEvent) {
        let _ = self.sender.try_send(event);
    }

    /// Prints what waits, as long as it is read.
    pub(super) fn finish(self) {
        drop(self.sender);
        let _ = self.thread.join();
    }
}

fn print(receiver: &Receiver<CollectorEvent>) {
    let mut directory = Directory::default();
    let columns = text::columns();
    let mut out = io::stdout().lock();
    let mut tell = |line: &str| {
        let line = text::lines(line.trim_end(), columns, text::INDENT);
        // A reader that is gone is no reason to stop collecting.
        let _ = writeln!(out, "{line}");
    };
    tell(query::HEAD);
    for event in receiver {
        match event {
            CollectorEvent::Line(record) => tell(&query::line(&record, &directory)),
            CollectorEvent::Seen(interval) => {
                directory.add(interval);
                directory.limit(Directory::LIVE);
            }
            _ => {}
        }
    }
}
