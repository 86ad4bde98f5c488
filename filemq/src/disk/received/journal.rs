//! What a received folder remembers beyond the life of a process: a file to which records are
//! appended.
//!
//! ```text
//! journal  = "filemq 1\n" *record
//! record   = length:u32 payload check:u32       ; check: the first bytes of BLAKE3 of the payload
//! payload  = %d1 name origin size:u64 seconds:i64 nanoseconds:u32 inode:u64 digest   ; comes to its place
//!          / %d2 name                                                                ; forgotten
//!          / %d3 directory                                                           ; is created here
//!          / %d4 directory                                                           ; removed
//!          / %d5 origin name digest size:u64 partial                                 ; can be resumed
//!          / %d6 origin                                                              ; cannot any more
//!          / %d7 origin name                                                         ; has this folder
//!          / %d8 origin                                                              ; has none any more
//! ```
//!
//! Integers are little-endian, texts begin with their length as u32, digests are texts. A torn
//! record ends the journal; files that were recorded after it are received again.

use std::io;

use super::record::{FileRecord, JournalRecord, JournalState, PausedFile};
use crate::VirtualPath;
use crate::disk::{Directory, DiskFile, OpenMode, RenameMode};
use crate::unix_time::{from_unix, to_unix};

const HEADER: &[u8] = b"filemq 1\n";
const NAME: &str = "journal";
const FRESH: &str = "journal.new";

/// Permissions of a new journal, less those of the process's umask.
const MODE: u32 = 0o666;

/// How many records may be out of date before the journal is rewritten.
const MAX_DEAD: usize = 10_000;

/// The open file.
#[derive(Debug)]
pub(super) struct Journal {
    hidden: Directory,
    file: DiskFile,
    length: u64,
    records: usize,
    line: Vec<u8>,
}

impl Journal {
    /// Reads the journal, and rewrites it if it is torn or mostly out of date.
    pub(super) fn open(hidden: Directory) -> io::Result<(Self, JournalState)> {
        let file = hidden.open_file(NAME, OpenMode::ModifyOrCreate)?;
        let mut bytes = Vec::new();
        file.read(&mut bytes, u64::MAX)?;
        let mut state = JournalState::default();
        let (records, length) = replay(&bytes, &mut state);
        let mut journal = Self { hidden, file, length: length as u64, records, line: Vec::new() };
        let is_torn = length < bytes.len();
        if (length == 0 || is_torn || journal.is_stale(state.len()))
            && let Err(error) = journal.rewrite(&state)
        {
            // On a full disk what is whole of it serves as well: there may be files to delete.
            if length == 0 {
                return Err(error);
            }
            if is_torn {
                journal.file.set_len(journal.length)?;
            }
            journal.file.seek(journal.length)?;
        }
        Ok((journal, state))
    }

    /// Returns whether most of it is out of date.
    pub(super) fn is_stale(&self, state: usize) -> bool {
        self.records > 2 * state + MAX_DEAD
    }

    /// Appends records, all of them or none.
    pub(super) fn append<'a>(
        &mut self,
        records: impl IntoIterator<Item = JournalRecord<'a>>,
    ) -> io::Result<()> {
        self.line.clear();
        let mut count = 0;
        for record in records {
            encode(&record, &mut self.line);
            count += 1;
        }
        if let Err(error) = self.file.write_all(&self.line) {
            // A piece of a record would hide all records after it.
            self.file.set_len(self.length)?;
            self.file.seek(self.length)?;
            return Err(error);
        }
        self.length += self.line.len() as u64;
        self.records += count;
        Ok(())
    }

    /// Makes what was appended survive a crash of the machine.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    /// Rewrites it without what is out of date.
    pub(super) fn rewrite(&mut self, state: &JournalState) -> io::Result<()> {
        let file = self.hidden.open_file(FRESH, OpenMode::Replace { mode: MODE })?;
        let mut bytes = HEADER.to_vec();
        let (mut length, mut count) = (0, 0);
        for record in state.records() {
            encode(&record, &mut bytes);
            count += 1;
            if bytes.len() > 1 << 16 {
                file.write_all(&bytes)?;
                length += bytes.len() as u64;
                bytes.clear();
            }
        }
        file.write_all(&bytes)?;
        length += bytes.len() as u64;
        file.sync()?;
        // The old file is closed before: not every version of Windows replaces one that is open.
        self.file = file;
        if let Err(error) = self.hidden.rename(FRESH, &self.hidden, NAME, RenameMode::Replace) {
            self.file = self.hidden.open_file(NAME, OpenMode::Modify)?;
            self.file.seek(self.length)?;
            return Err(error);
        }
        (self.length, self.records) = (length, count);
        Ok(())
    }
}

fn encode(record: &JournalRecord<'_>, into: &mut Vec<u8>) {
    let start = into.len();
    into.extend([0; 4]);
    match *record {
        JournalRecord::Delivered(name, delivered) => {
            into.push(1);
            text(name.as_str(), into);
            text(&delivered.origin, into);
            into.extend(delivered.size.to_le_bytes());
            let (seconds, nanoseconds) = to_unix(delivered.modified);
            into.extend(seconds.to_le_bytes());
            into.extend(nanoseconds.to_le_bytes());
            into.extend(delivered.inode.to_le_bytes());
            text(&delivered.digest.to_string(), into);
        }
        JournalRecord::Forgotten(name) => {
            into.push(2);
            text(name.as_str(), into);
        }
        JournalRecord::Made(directory) => {
            into.push(3);
            text(directory, into);
        }
        JournalRecord::Unmade(directory) => {
            into.push(4);
            text(directory, into);
        }
        JournalRecord::Paused(origin, pause) => {
            into.push(5);
            text(origin, into);
            text(pause.name.as_str(), into);
            text(&pause.whole.to_string(), into);
            into.extend(pause.size.to_le_bytes());
            text(&pause.partial, into);
        }
        JournalRecord::Unpaused(origin) => {
            into.push(6);
            text(origin, into);
        }
        JournalRecord::Named(origin, name) => {
            into.push(7);
            text(origin, into);
            text(name, into);
        }
        JournalRecord::Unnamed(origin) => {
            into.push(8);
            text(origin, into);
        }
    }
    let payload = into.len() - start - 4;
    into[start..start + 4].copy_from_slice(&length(payload));
    let check = blake3::hash(&into[start + 4..]);
    into.extend(&check.as_bytes()[..4]);
}

fn text(text: &str, into: &mut Vec<u8>) {
    into.extend(length(text.len()));
    into.extend(text.as_bytes());
}

/// Only paths and names of origins are written, which are short.
fn length(of: usize) -> [u8; 4] {
    u32::try_from(of).unwrap_or(u32::MAX).to_le_bytes()
}

/// Returns how many records there are and where the last whole one ends, or 0 if it is not a
/// journal.
fn replay(bytes: &[u8], state: &mut JournalState) -> (usize, usize) {
    let Some(mut rest) = bytes.strip_prefix(HEADER) else { return (0, 0) };
    let mut records = 0;
    while let Some((payload, after)) = next(rest) {
        if apply(payload, state).is_none() {
            break;
        }
        rest = after;
        records += 1;
    }
    (records, bytes.len() - rest.len())
}

fn next(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (payload, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let (check, rest) = rest.split_first_chunk::<4>()?;
    (blake3::hash(payload).as_bytes()[..4] == *check).then_some((payload, rest))
}

fn apply(payload: &[u8], state: &mut JournalState) -> Option<()> {
    let (kind, rest) = payload.split_first()?;
    let mut fields = JournalFields(rest);
    match kind {
        1 => {
            let name = VirtualPath::new(fields.text()?).ok()?;
            let origin = state.origin(fields.text()?);
            let size = u64::from_le_bytes(fields.take()?);
            let seconds = i64::from_le_bytes(fields.take()?);
            let modified = from_unix(seconds, u32::from_le_bytes(fields.take()?))?;
            let inode = u64::from_le_bytes(fields.take()?);
            let digest = fields.text()?.parse().ok()?;
            let file = FileRecord { origin, size, modified, inode, digest };
            if let Some(before) = state.files.insert(name.clone(), file) {
                state.replaced.insert(name, before);
            }
        }
        2 => {
            let name = VirtualPath::new(fields.text()?).ok()?;
            state.files.remove(&name);
            state.replaced.remove(&name);
        }
        3 => {
            state.made.insert(fields.text()?.to_owned());
        }
        4 => {
            state.made.remove(fields.text()?);
        }
        5 => {
            let origin = state.origin(fields.text()?);
            let name = VirtualPath::new(fields.text()?).ok()?;
            let whole = fields.text()?.parse().ok()?;
            let size = u64::from_le_bytes(fields.take()?);
            let partial = fields.text()?.to_owned();
            state.paused.insert(origin, PausedFile { name, whole, size, partial });
        }
        6 => {
            state.paused.remove(fields.text()?);
        }
        7 => {
            let origin = state.origin(fields.text()?);
            state.folders.insert(origin, fields.text()?.to_owned());
        }
        8 => {
            state.folders.remove(fields.text()?);
        }
        _ => return None,
    }
    Some(())
}

struct JournalFields<'a>(&'a [u8]);

impl<'a> JournalFields<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = u32::from_le_bytes(self.take()?) as usize;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(bytes).ok()
    }
}

#[cfg(test)]
mod tests;
