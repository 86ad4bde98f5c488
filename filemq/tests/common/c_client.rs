//! A client as C FileMQ has it, with what it gets wrong: it ends a file at a piece without content
//! only, writes whatever comes into the file that is open, and does not shorten what is there.

use std::collections::BTreeMap;

use bytes::Bytes;
use filemq::VirtualPath;
use filemq::message::{Cheezburger, Message, Operation};

use super::{icanhaz, nom, path};

const SLICE: u64 = 1_000_000;
const MINIMUM: u64 = 4_000_001;

#[derive(Default)]
pub struct CClient {
    pub files: BTreeMap<VirtualPath, Vec<u8>>,
    open: Option<VirtualPath>,
    /// Files that were deleted while they were open: what is written there is lost.
    lost: bool,
    credit: u64,
    sequence: u64,
    subscribed: bool,
}

impl CClient {
    /// What it says to this.
    pub fn hear(&mut self, message: &Message) -> Option<Message> {
        match message {
            Message::OhaiOk => Some(icanhaz("/", &[], &[])),
            Message::IcanhazOk(_) => {
                self.subscribed = true;
                self.refill()
            }
            Message::Cheezburger(piece) => {
                assert!(self.subscribed, "content before ICANHAZ-OK");
                assert_eq!(piece.sequence, self.sequence, "out of sequence");
                self.sequence += 1;
                self.write(piece);
                self.refill()
            }
            Message::HugzOk => None,
            other => panic!("the C client stops for good: {}", other.name()),
        }
    }

    fn write(&mut self, piece: &Cheezburger) {
        let name = path(str::from_utf8(&piece.filename).unwrap());
        assert!(piece.headers.is_empty(), "headers for a client that knows none");
        let len = piece.chunk.len();
        assert!(len <= filemq::message::CHUNK && len as u64 <= self.credit, "more than the credit");
        self.credit -= len as u64;
        match piece.operation {
            Operation::Create => self.create(name, piece.offset, &piece.chunk),
            Operation::Delete => {
                self.lost |= self.open.as_ref() == Some(&name);
                self.files.remove(&name);
            }
            Operation::Other(_) => panic!("no such operation"),
        }
    }

    fn create(&mut self, name: VirtualPath, offset: u64, chunk: &Bytes) {
        let open = self.open.get_or_insert_with(|| name.clone());
        assert_eq!(*open, name, "it writes this into the other");
        if !self.lost {
            let bytes = self.files.entry(name).or_default();
            let (from, to) = (usize::try_from(offset).unwrap(), chunk.len());
            bytes.resize(bytes.len().max(from + to), 0);
            bytes[from..from + to].copy_from_slice(chunk);
        }
        if chunk.is_empty() {
            self.open = None;
            self.lost = false;
        }
    }

    fn refill(&mut self) -> Option<Message> {
        let mut more = 0;
        while self.credit + more < MINIMUM {
            more += SLICE;
        }
        self.credit += more;
        (more > 0).then(|| nom(more))
    }
}
