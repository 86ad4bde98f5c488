//! A disk and a received folder in memory, a file system that fails, and what was captured from C
//! FileMQ.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests, each of which uses some"
)]

pub mod c_client;
pub mod failing;
pub mod memory_disk;
pub mod memory_folder;
pub mod server;
pub mod vectors;

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use filemq::VirtualPath;
use filemq::digest::{Algorithm, Digest};
use filemq::message::{Cheezburger, Dictionary, Icanhaz, Message, Operation, Outcome, Receipt};

pub fn path(text: &str) -> VirtualPath {
    VirtualPath::new(text).unwrap()
}

/// Tells contents apart as a digest does, and is quick: no test depends on which digest it is.
pub fn digest(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut whole = [0; 32];
    for (seed, part) in whole.chunks_mut(8).enumerate() {
        let mut hasher = DefaultHasher::new();
        (seed, bytes).hash(&mut hasher);
        part.copy_from_slice(&hasher.finish().to_be_bytes());
    }
    match algorithm {
        Algorithm::Sha1 => Digest::Sha1(*whole.first_chunk().unwrap()),
        Algorithm::Blake3 => Digest::Blake3(whole),
    }
}

/// A file's content, another for each seed.
pub fn content(seed: u64, size: usize) -> Bytes {
    testkit::content::bytes(seed, size).into()
}

pub fn text(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

pub fn dictionary(entries: &[(&str, &str)]) -> Dictionary {
    entries.iter().map(|(name, value)| (text(name), text(value))).collect()
}

pub fn icanhaz(path: &str, options: &[(&str, &str)], cache: &[(&str, &str)]) -> Message {
    let (options, cache) = (dictionary(options), dictionary(cache));
    Message::Icanhaz(Icanhaz { path: text(path), options, cache })
}

/// As other implementations say it.
pub fn icanhaz_ok() -> Message {
    Message::IcanhazOk(Dictionary::default())
}

/// As one of ours says it to one that gives no receipts.
pub fn icanhaz_ok_credit() -> Message {
    Message::IcanhazOk(dictionary(&[("CREDIT", "1")]))
}

/// As two of ours say it to each other.
pub fn icanhaz_ok_receipt() -> Message {
    Message::IcanhazOk(dictionary(&[("CREDIT", "1"), ("RECEIPT", "1")]))
}

pub fn receipt(sequence: u64, outcome: Outcome, reason: &str) -> Receipt {
    Receipt { sequence, outcome, reason: text(reason) }
}

pub fn nom(credit: u64) -> Message {
    Message::Nom { credit, sequence: 0 }
}

/// A piece as C sends it; it has no sequence yet.
pub fn piece(name: &str, offset: u64, chunk: &Bytes) -> Cheezburger {
    Cheezburger {
        sequence: 0,
        operation: Operation::Create,
        filename: text(name),
        offset,
        eof: chunk.is_empty(),
        headers: Dictionary::default(),
        chunk: chunk.clone(),
    }
}

/// In short: `c/name/offset+length`, `!` if it is the end, and names of headers; `d/name`.
pub fn short(message: &Message) -> String {
    let Message::Cheezburger(piece) = message else { return message.name().into() };
    let name = str::from_utf8(&piece.filename).unwrap();
    match piece.operation {
        Operation::Delete => format!("d{name}"),
        _ => {
            let end = if piece.eof { "!" } else { "" };
            let headers: Vec<_> =
                piece.headers.iter().map(|(name, _)| str::from_utf8(name).unwrap()).collect();
            let headers = headers.join(",");
            let (offset, length) = (piece.offset, piece.chunk.len());
            format!("c{name} {offset}+{length}{end}{headers}")
        }
    }
}
