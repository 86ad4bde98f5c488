//! What an inbox remembers beyond the life of a process: a file to which records are appended.
//!
//! ```text
//! journal  = "filemq 1\n" *record
//! record   = length:u32 payload check:u32       ; check: the first octets of BLAKE3 of the payload
//! payload  = %d1 name origin size:u64 seconds:i64 nanoseconds:u32 inode:u64 digest   ; delivered
//!          / %d2 name                                                                ; forgotten
//!          / %d3 directory                                                           ; made here
//!          / %d4 directory                                                           ; no more
//!          / %d5 origin name digest size:u64 partial                                 ; can be resumed
//!          / %d6 origin                                                              ; no more
//! ```
//!
//! Integers are little-endian, texts begin with their length as u32, digests are texts. A torn record
//! ends the journal: what came after it is not known, so it is received again.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cap_std::fs::{Dir, OpenOptions};

use super::index::{Delivered, Live, Pause};
use crate::VirtualPath;

const HEADER: &[u8] = b"filemq 1\n";
const NAME: &str = "journal";
const FRESH: &str = "journal.new";

/// So many records may be out of date before the journal is written anew.
const DEAD: usize = 10_000;

/// One thing to remember.
#[derive(Debug)]
pub(super) enum Record<'a> {
    Delivered(&'a VirtualPath, &'a Delivered),
    Forgotten(&'a VirtualPath),
    Made(&'a str),
    Unmade(&'a str),
    Paused(&'a str, &'a Pause),
    Unpaused(&'a str),
}

/// The open file.
#[derive(Debug)]
pub(super) struct Journal {
    hidden: Dir,
    file: File,
    length: u64,
    records: usize,
    line: Vec<u8>,
}

impl Journal {
    /// Reads what there is, and writes it anew if it is torn or mostly out of date.
    pub(super) fn open(hidden: Dir) -> io::Result<(Self, Live)> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        let mut file = hidden.open_with(NAME, &options)?.into_std();
        let mut octets = Vec::new();
        file.read_to_end(&mut octets)?;
        let mut live = Live::default();
        let (records, length) = replay(&octets, &mut live);
        let mut journal = Self { hidden, file, length: length as u64, records, line: Vec::new() };
        if length == 0 || length < octets.len() || journal.is_stale(live.len()) {
            journal.rewrite(&live)?;
        }
        Ok((journal, live))
    }

    /// Whether most of it is out of date.
    pub(super) fn is_stale(&self, live: usize) -> bool {
        self.records > 2 * live + DEAD
    }

    /// Adds records, all of them or none.
    pub(super) fn append<'a>(
        &mut self,
        records: impl IntoIterator<Item = Record<'a>>,
    ) -> io::Result<()> {
        self.line.clear();
        let mut count = 0;
        for record in records {
            encode(&record, &mut self.line);
            count += 1;
        }
        if let Err(error) = self.file.write_all(&self.line) {
            // A piece of a record would hide all that come after it.
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::Start(self.length))?;
            return Err(error);
        }
        self.length += self.line.len() as u64;
        self.records += count;
        Ok(())
    }

    /// Writes it anew, with nothing that is out of date.
    pub(super) fn rewrite(&mut self, live: &Live) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        let mut file = self.hidden.open_with(FRESH, &options)?.into_std();
        let mut octets = HEADER.to_vec();
        let (mut length, mut count) = (0, 0);
        for record in live.records() {
            encode(&record, &mut octets);
            count += 1;
            if octets.len() > 1 << 16 {
                file.write_all(&octets)?;
                length += octets.len() as u64;
                octets.clear();
            }
        }
        file.write_all(&octets)?;
        length += octets.len() as u64;
        file.sync_all()?;
        self.hidden.rename(FRESH, &self.hidden, NAME)?;
        (self.file, self.length, self.records) = (file, length, count);
        Ok(())
    }
}

fn encode(record: &Record<'_>, into: &mut Vec<u8>) {
    let start = into.len();
    into.extend([0; 4]);
    match *record {
        Record::Delivered(name, delivered) => {
            into.push(1);
            text(name.as_str(), into);
            text(&delivered.origin, into);
            into.extend(delivered.size.to_le_bytes());
            let (seconds, nanoseconds) = since_1970(delivered.modified);
            into.extend(seconds.to_le_bytes());
            into.extend(nanoseconds.to_le_bytes());
            into.extend(delivered.inode.to_le_bytes());
            text(&delivered.digest.to_string(), into);
        }
        Record::Forgotten(name) => {
            into.push(2);
            text(name.as_str(), into);
        }
        Record::Made(directory) => {
            into.push(3);
            text(directory, into);
        }
        Record::Unmade(directory) => {
            into.push(4);
            text(directory, into);
        }
        Record::Paused(origin, pause) => {
            into.push(5);
            text(origin, into);
            text(pause.name.as_str(), into);
            text(&pause.whole.to_string(), into);
            into.extend(pause.size.to_le_bytes());
            text(&pause.partial, into);
        }
        Record::Unpaused(origin) => {
            into.push(6);
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

/// Paths and names of origins are short; nothing else is written.
fn length(of: usize) -> [u8; 4] {
    u32::try_from(of).unwrap_or(u32::MAX).to_le_bytes()
}

/// Returns how many records there are and where the last whole one ends; 0 if it is no journal.
fn replay(octets: &[u8], live: &mut Live) -> (usize, usize) {
    let Some(mut rest) = octets.strip_prefix(HEADER) else { return (0, 0) };
    let mut records = 0;
    while let Some((payload, after)) = next(rest) {
        if apply(payload, live).is_none() {
            break;
        }
        rest = after;
        records += 1;
    }
    (records, octets.len() - rest.len())
}

fn next(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first_chunk::<4>()?;
    let (payload, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let (check, rest) = rest.split_first_chunk::<4>()?;
    (blake3::hash(payload).as_bytes()[..4] == *check).then_some((payload, rest))
}

fn apply(payload: &[u8], live: &mut Live) -> Option<()> {
    let (kind, rest) = payload.split_first()?;
    let mut fields = Fields(rest);
    match kind {
        1 => {
            let name = VirtualPath::new(fields.text()?).ok()?;
            let origin = live.origin(fields.text()?);
            let size = u64::from_le_bytes(fields.take()?);
            let seconds = i64::from_le_bytes(fields.take()?);
            let modified = time(seconds, u32::from_le_bytes(fields.take()?))?;
            let inode = u64::from_le_bytes(fields.take()?);
            let digest = fields.text()?.parse().ok()?;
            live.files.insert(name, Delivered { origin, size, modified, inode, digest });
        }
        2 => {
            live.files.remove(&VirtualPath::new(fields.text()?).ok()?);
        }
        3 => {
            live.made.insert(fields.text()?.to_owned());
        }
        4 => {
            live.made.remove(fields.text()?);
        }
        5 => {
            let origin = live.origin(fields.text()?);
            let name = VirtualPath::new(fields.text()?).ok()?;
            let whole = fields.text()?.parse().ok()?;
            let size = u64::from_le_bytes(fields.take()?);
            let partial = fields.text()?.to_owned();
            live.paused.insert(origin, Pause { name, whole, size, partial });
        }
        6 => {
            live.paused.remove(fields.text()?);
        }
        _ => return None,
    }
    Some(())
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (octets, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*octets)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = u32::from_le_bytes(self.take()?) as usize;
        let (octets, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(octets).ok()
    }
}

fn since_1970(time: SystemTime) -> (i64, u32) {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (i64::try_from(after.as_secs()).unwrap_or(i64::MAX), after.subsec_nanos()),
        Err(before) => {
            let before = before.duration();
            let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            match before.subsec_nanos() {
                0 => (-seconds, 0),
                nanos => (-seconds - 1, 1_000_000_000 - nanos),
            }
        }
    }
}

fn time(seconds: i64, nanoseconds: u32) -> Option<SystemTime> {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let whole = match seconds < 0 {
        true => UNIX_EPOCH.checked_sub(whole)?,
        false => UNIX_EPOCH.checked_add(whole)?,
    };
    whole.checked_add(Duration::from_nanos(nanoseconds.into()))
}

#[cfg(test)]
mod tests;
