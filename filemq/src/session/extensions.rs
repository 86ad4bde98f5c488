//! What two sides of this implementation say to each other in the dictionaries of ICANHAZ and
//! CHEEZBURGER, which other implementations ignore. What these do not ignore, such as RECEIPTS, is
//! sent only when both have agreed on it there.
//!
//! ```text
//! options of ICANHAZ
//!   RESYNC  1                             also send what was there before (RFC 35)
//!   DIGEST  BLAKE3                        I understand the headers below
//!   RESUME  offset prefix whole name      I have the first bytes of this file: how many, their
//!                                         digest, and the digest of the whole file
//!   RECEIPT 1                             I say what becomes of files, if you want to know
//!   HIDDEN  1                             I take files with hidden names too
//!   TICKET  hexadecimal                   what you have given me, to be known by (in the first only)
//!   OFFER   1                             I say which files I want, if you tell me what there is
//! after ICANHAZ-OK
//!   CREDIT  1                             I stop when credit runs out, and resume when there is more
//!   RECEIPT 1                             I want to know what becomes of files: RECEIPTS
//!   OFFER   1                             I send a file when you have said so: OFFERS, ANSWERS
//! headers of CHEEZBURGER, on the first piece of a file
//!   SIZE    decimal                       bytes of the whole
//!   DIGEST  BLAKE3-...                    of the whole
//!   MTIME   seconds.nanoseconds           when it was last changed, since 1970
//!   MODE    octal                         permissions
//!   FETCH   decimal                       how often the file was fetched, if more than once
//! and on the last
//!   ABORT   1                             the file will not be completed; forget it
//! ```
//!
//! # Offers
//!
//! A server that has said `OFFER` sends no file unasked. From the first NOM on, which comes after the last
//! ICANHAZ and so when the client has said all that it has, it offers each file that the client does not
//! have, by a number that the session uses once, with name, size, time and permissions, but without a
//! digest: nothing is read for a list. The client answers each offer at once, and may answer again:
//!
//! ```text
//!   client                                          server
//!     | <------------------ OFFERS 0 "/a" .. 1 "/b" .. 2 "/c" |
//!     | ANSWERS 0 fetch, 1 later "disk is full", 2 decline --> |
//!     | <------------------------------- CHEEZBURGER .. "/a" |
//!     | ANSWERS 1 fetch -----------------------------------> |  there is room by now
//!     | <------------------------------- CHEEZBURGER .. "/b" |
//!     | ANSWERS 1 later -----------------------------------> |  not now, after all
//!     | <------------------------- CHEEZBURGER "/b" .. ABORT |
//!     | <--------------------------------- OFFERS 1 withdrawn |  it has changed
//!     | <------------------------------------- OFFERS 3 "/b" |
//! ```
//!
//! - *fetch*: the file is sent, in the order of these answers. The text may be what the client has of it:
//!   offset, digest of that, digest of the whole, as after RESUME.
//!   If it is not the first *fetch* of the offer, the first piece says which one it answers: pieces may
//!   be on their way that answer the one before.
//! - *later*: it is not sent, or broken off. The offer holds. The text, if there is one, is a reason that may
//!   pass.
//! - *decline*: it is not sent, or broken off. The offer is forgotten. The text is the reason.
//!
//! An offer holds until it is withdrawn: when the file changes, is gone, or is not for this client any
//! more. An answer to an offer that holds no more is ignored, and so are verdicts that are not known. A file
//! that is gone is deleted by CHEEZBURGER as without offers. A file that is broken off because it cannot
//! be read comes again without being asked for. Each offer is answered, if only by *later*, because the
//! server has no more than some thousand of them open at a time.

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::file_info::{FileInfo, ResumePoint};
use crate::VirtualPath;
use crate::digest::{Algorithm, Digest};
use crate::message::{Dictionary, MAX_STRING, Offer};
use crate::unix_time::to_unix;
use crate::version::Version;

pub(super) const RESYNC: &str = "RESYNC";
pub(super) const DIGEST: &str = "DIGEST";
pub(super) const BLAKE3: &str = "BLAKE3";
pub(super) const RESUME: &str = "RESUME";
pub(super) const CREDIT: &str = "CREDIT";
pub(super) const RECEIPT: &str = "RECEIPT";
pub(super) const HIDDEN: &str = "HIDDEN";
pub(super) const TICKET: &str = "TICKET";
pub(super) const OFFER: &str = "OFFER";
pub(super) const ABORT: &str = "ABORT";
pub(super) const FETCH: &str = "FETCH";
pub(super) const YES: &str = "1";
const SIZE: &str = "SIZE";
const MTIME: &str = "MTIME";
const MODE: &str = "MODE";

/// The lowest nine bits of a mode: permissions.
const PERMISSIONS: u32 = 0o777;

/// Digits of a fraction of a second.
const NANOSECONDS: usize = 9;

pub(super) fn headers(info: &FileInfo) -> Dictionary {
    [
        (SIZE, info.size.to_string()),
        (DIGEST, info.digest.to_string()),
        (MTIME, time_text(info.modified)),
        (MODE, format!("{:o}", info.mode & PERMISSIONS)),
    ]
    .into_iter()
    .collect()
}

/// Returns what the headers announce, or `None` unless all of it is there.
pub(super) fn info(headers: &Dictionary) -> Option<FileInfo> {
    let digest: Digest = headers.text(DIGEST)?.parse().ok()?;
    let mode = u32::from_str_radix(digits(headers.text(MODE)?)?, 8).ok()?;
    (digest.algorithm() == Algorithm::Blake3 && mode <= PERMISSIONS).then_some(())?;
    Some(FileInfo {
        size: digits(headers.text(SIZE)?)?.parse().ok()?,
        digest,
        modified: time(headers.text(MTIME)?)?,
        mode,
    })
}

/// What a server of this implementation says to a client of its kind, which gives receipts and answers
/// offers, or not.
pub(super) fn terms(receipts: bool, offers: bool) -> Dictionary {
    let terms = [(CREDIT, true), (RECEIPT, receipts), (OFFER, offers)];
    terms.into_iter().filter(|(_, is_so)| *is_so).map(|(name, _)| (name, YES)).collect()
}

/// Returns whether this was said.
pub(super) fn says(dictionary: &Dictionary, name: &str) -> bool {
    dictionary.text(name) == Some(YES)
}

pub(super) fn abort() -> Dictionary {
    [(ABORT, YES)].into_iter().collect()
}

pub(super) fn resume_text(name: &VirtualPath, resume: &ResumePoint) -> String {
    format!("{} {name}", part_text(resume))
}

pub(super) fn resume(text: &str) -> Option<(VirtualPath, ResumePoint)> {
    let (at, _) = text.match_indices(' ').nth(2)?;
    let name = VirtualPath::new(&text[at + 1..]).ok()?;
    Some((name, part(&text[..at])?))
}

/// Returns the offer of a file.
pub(super) fn offer(number: u64, name: &VirtualPath, version: &Version) -> Offer {
    let (seconds, nanoseconds) = to_unix(version.modified);
    Offer::File {
        number,
        filename: Bytes::copy_from_slice(name.as_str().as_bytes()),
        size: version.size,
        seconds,
        nanoseconds,
        // The cast keeps the value: it has nine bits.
        mode: (version.mode & PERMISSIONS) as u16,
    }
}

/// Returns what is said of the part of a file that the client has, when it fetches the file.
pub(super) fn part_text(resume: &ResumePoint) -> String {
    format!("{} {} {}", resume.offset, resume.prefix, resume.whole)
}

pub(super) fn part(text: &str) -> Option<ResumePoint> {
    let mut fields = text.split(' ');
    let offset = digits(fields.next()?)?.parse().ok()?;
    let (prefix, whole) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let blake3 = |digest: &Digest| digest.algorithm() == Algorithm::Blake3;
    (blake3(&prefix) && blake3(&whole)).then_some(ResumePoint { offset, prefix, whole })
}

/// Returns which fetch of its offer the first piece of a file answers.
pub(super) fn fetch(headers: &Dictionary) -> u64 {
    headers.text(FETCH).and_then(digits).and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Cuts a text to what a message holds, between two characters.
pub(super) fn shortened(mut text: String) -> Bytes {
    let mut end = text.len().min(MAX_STRING);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.into()
}

/// Returns the text if it is digits only: parsing a number would accept a sign.
fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

/// Formats a time. The sign is that of the whole: `-1.500000000` is one and a half seconds before
/// 1970.
fn time_text(time: SystemTime) -> String {
    let (sign, since) = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => ("", since),
        Err(before) => ("-", before.duration()),
    };
    format!("{sign}{}.{:09}", since.as_secs(), since.subsec_nanos())
}

fn time(text: &str) -> Option<SystemTime> {
    let (before, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (seconds, fraction) = text.split_once('.')?;
    let fraction = digits(fraction).filter(|fraction| fraction.len() == NANOSECONDS)?;
    let since = Duration::new(digits(seconds)?.parse().ok()?, fraction.parse().ok()?);
    if before {
        SystemTime::UNIX_EPOCH.checked_sub(since)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(since)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{headers, info, part, part_text, resume, resume_text, shortened, time, time_text};
    use crate::VirtualPath;
    use crate::digest::{Algorithm, Hasher};
    use crate::message::Dictionary;
    use crate::session::{FileInfo, ResumePoint};

    fn some() -> FileInfo {
        FileInfo {
            size: 1_234_567,
            digest: Hasher::new(Algorithm::Blake3).digest(),
            modified: SystemTime::UNIX_EPOCH + Duration::new(7, 500),
            mode: 0o640,
        }
    }

    #[test]
    fn an_announcement_is_read_as_it_was_made() {
        assert_eq!(info(&headers(&some())), Some(some()));
        let written: Vec<_> = headers(&some()).iter().map(|(_, value)| value.clone()).collect();
        assert_eq!(written[2], "7.000000500");
        assert_eq!(written[3], "640");
    }

    #[test]
    fn half_an_announcement_is_none() {
        for (name, value) in [
            ("SIZE", "+1"),
            ("SIZE", "18446744073709551616"),
            ("SIZE", ""),
            ("DIGEST", "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"),
            ("DIGEST", "BLAKE3-"),
            ("MTIME", "1"),
            ("MTIME", "1.5"),
            ("MTIME", "--1.000000000"),
            ("MTIME", "99999999999999999999.000000000"),
            ("MODE", "1000"),
            ("MODE", "+7"),
            ("MODE", "rwx"),
        ] {
            let all = headers(&some());
            let broken: Dictionary = all
                .iter()
                .map(|(n, v)| (n.clone(), if n == name { value.into() } else { v.clone() }))
                .collect();
            assert_eq!(info(&broken), None, "{name}={value}");
            let less: Dictionary = all
                .iter()
                .filter(|(n, _)| *n != name)
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect();
            assert_eq!((less.len(), info(&less)), (3, None), "without {name}");
        }
    }

    #[test]
    fn times_before_1970_are_read_as_they_were_written() {
        let before = SystemTime::UNIX_EPOCH - Duration::from_millis(1500);
        assert_eq!(time_text(before), "-1.500000000");
        assert_eq!(time("-1.500000000"), Some(before));
        assert_eq!(time("-0.000000000"), Some(SystemTime::UNIX_EPOCH));
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        assert_eq!(shortened("full".into()), "full");
        assert_eq!(shortened("a".repeat(255)).len(), 255);
        let long = shortened(format!("{}ä and more", "a".repeat(254)));
        assert_eq!(long, "a".repeat(254));
    }

    #[test]
    fn what_a_client_has_of_a_file_fits_into_an_answer() {
        let digest = Hasher::new(Algorithm::Blake3).digest();
        let point = ResumePoint { offset: u64::MAX, prefix: digest, whole: digest };
        let text = part_text(&point);
        assert!(text.len() <= 255, "{}", text.len());
        assert_eq!(part(&text), Some(point));
        assert_eq!((part(""), part("1 x y")), (None, None));
    }

    #[test]
    fn what_is_to_be_resumed_may_have_spaces_in_its_name() {
        let digest = Hasher::new(Algorithm::Blake3).digest();
        let name = VirtualPath::new("/a b/c  d").unwrap();
        let part = ResumePoint { offset: 42, prefix: digest, whole: digest };
        let text = resume_text(&name, &part);
        assert_eq!(resume(&text), Some((name, part)));
        assert_eq!(resume(&text.replace("/a b", "/../b")), None);
        assert_eq!(resume(&text.replace("42", "-42")), None);
        assert_eq!(resume("42"), None);
    }
}
