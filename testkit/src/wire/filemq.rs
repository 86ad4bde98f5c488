//! Messages of FILEMQ by hand, each of them one frame.

use super::{count, longstr, string};

/// The number of OHAI.
pub const OHAI: u8 = 1;
/// The number of OHAI-OK.
pub const OHAI_OK: u8 = 4;
/// The number of ICANHAZ.
pub const ICANHAZ: u8 = 5;
/// The number of ICANHAZ-OK.
pub const ICANHAZ_OK: u8 = 6;
/// The number of NOM.
pub const NOM: u8 = 7;
/// The number of CHEEZBURGER.
pub const CHEEZBURGER: u8 = 8;
/// The number of HUGZ.
pub const HUGZ: u8 = 9;
/// The number of HUGZ-OK.
pub const HUGZ_OK: u8 = 10;
/// The number of KTHXBAI.
pub const KTHXBAI: u8 = 11;
/// The number of RECEIPTS.
pub const RECEIPTS: u8 = 64;
/// The number of OFFERS.
pub const OFFERS: u8 = 65;
/// The number of ANSWERS.
pub const ANSWERS: u8 = 66;
/// The number of SRSLY.
pub const SRSLY: u8 = 128;
/// The number of RTFM.
pub const RTFM: u8 = 129;

/// The verdict *fetch* of an answer.
pub const FETCH: u8 = 1;
/// The verdict *later* of an answer.
pub const LATER: u8 = 2;
/// The verdict *decline* of an answer.
pub const DECLINE: u8 = 3;

/// What a client of this implementation says of itself in ICANHAZ.
pub const OURS: &[(&str, &str)] =
    &[("RESYNC", "1"), ("DIGEST", "BLAKE3"), ("RECEIPT", "1"), ("OFFER", "1")];

/// What a server of this implementation answers.
pub const TERMS: &[(&str, &str)] = &[("CREDIT", "1"), ("RECEIPT", "1"), ("OFFER", "1")];

/// Returns a message.
pub fn message(id: u8, fields: &[u8]) -> Vec<u8> {
    [&[0xAA, 0xA3, id][..], fields].concat()
}

/// Returns the number of a message; `None` if these frames hold none.
pub fn number(frames: &[Vec<u8>]) -> Option<u8> {
    match frames {
        [frame] => match frame.as_slice() {
            [0xAA, 0xA3, number, ..] => Some(*number),
            _ => None,
        },
        _ => None,
    }
}

/// Returns OHAI.
pub fn ohai() -> Vec<u8> {
    message(OHAI, &[&string(b"FILEMQ")[..], &[0, 2]].concat())
}

/// Returns a dictionary.
pub fn dictionary<N: AsRef<[u8]>, V: AsRef<[u8]>>(entries: &[(N, V)]) -> Vec<u8> {
    let mut out = count(entries.len() as u32);
    for (name, value) in entries {
        out.extend(string(name.as_ref()));
        out.extend(longstr(value.as_ref()));
    }
    out
}

/// Returns ICANHAZ with nothing in its cache.
pub fn icanhaz(path: &[u8], options: &[(&str, &str)]) -> Vec<u8> {
    icanhaz_with(path, options, &count(0))
}

/// Returns ICANHAZ with this cache, encoded.
pub fn icanhaz_with(path: &[u8], options: &[(&str, &str)], cache: &[u8]) -> Vec<u8> {
    message(ICANHAZ, &[&longstr(path)[..], &dictionary(options), cache].concat())
}

/// Returns NOM.
pub fn nom(credit: u64) -> Vec<u8> {
    message(NOM, &[credit.to_be_bytes(), [0; 8]].concat())
}

/// Returns RECEIPTS: numbers, outcomes, reasons.
pub fn receipts(all: &[(u64, u8, &str)]) -> Vec<u8> {
    message(RECEIPTS, &remarks(all))
}

/// Returns ANSWERS: numbers, verdicts, texts.
pub fn answers(all: &[(u64, u8, &str)]) -> Vec<u8> {
    message(ANSWERS, &remarks(all))
}

fn remarks(all: &[(u64, u8, &str)]) -> Vec<u8> {
    let mut fields = count(all.len() as u32);
    for (number, kind, text) in all {
        fields.extend(number.to_be_bytes());
        fields.push(*kind);
        fields.extend(string(text.as_bytes()));
    }
    fields
}

/// Returns OFFERS.
pub fn offers(all: &[Vec<u8>]) -> Vec<u8> {
    message(OFFERS, &[count(all.len() as u32), all.concat()].concat())
}

/// Returns one offer.
pub fn offer(number: u64, name: &[u8], size: u64) -> Vec<u8> {
    let (number, size) = (number.to_be_bytes(), size.to_be_bytes());
    [&number[..], &[1], &longstr(name), &size, &[0; 12], &[1, 0xA4]].concat()
}

/// Returns an offer that holds no more.
pub fn withdrawn(number: u64) -> Vec<u8> {
    [&number.to_be_bytes()[..], &[2]].concat()
}

/// The fields of CHEEZBURGER, each of which can be bent.
#[derive(Clone, Debug)]
pub struct Piece<'a> {
    /// The sequence number.
    pub sequence: u64,
    /// 1 to create, 2 to delete.
    pub operation: u8,
    /// The name of the file.
    pub name: &'a [u8],
    /// Where in the file it belongs.
    pub offset: u64,
    /// Whether it is the last one.
    pub eof: bool,
    /// Names and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// The content.
    pub content: &'a [u8],
}

impl<'a> Piece<'a> {
    /// Makes the only piece of a file.
    pub const fn whole(sequence: u64, name: &'a [u8], content: &'a [u8]) -> Self {
        Self { sequence, operation: 1, name, offset: 0, eof: true, headers: &[], content }
    }

    /// Makes the news that a file is gone.
    pub const fn delete(sequence: u64, name: &'a [u8]) -> Self {
        Self { sequence, operation: 2, name, offset: 0, eof: false, headers: &[], content: b"" }
    }

    /// Returns the message.
    pub fn encode(&self) -> Vec<u8> {
        let fields = [
            self.sequence.to_be_bytes().to_vec(),
            vec![self.operation],
            longstr(self.name),
            self.offset.to_be_bytes().to_vec(),
            vec![self.eof.into()],
            dictionary(self.headers),
            longstr(self.content),
        ];
        message(CHEEZBURGER, &fields.concat())
    }
}

/// A piece of a file that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The name of the file.
    pub name: Vec<u8>,
    /// Where in the file it belongs.
    pub offset: u64,
    /// Whether it is the last one.
    pub eof: bool,
    /// How many bytes it has.
    pub length: u64,
}

/// Reads a piece that creates a file; `None` if the frame is something else.
pub fn content(frame: &[u8]) -> Option<Content> {
    let rest = frame.strip_prefix(&[0xAA, 0xA3, CHEEZBURGER])?;
    let (_sequence, rest) = rest.split_at_checked(8)?;
    let rest = rest.strip_prefix(&[1])?;
    let (name, rest) = long(rest)?;
    let (offset, rest) = rest.split_first_chunk()?;
    let (eof, rest) = rest.split_first()?;
    let (entries, mut rest) = rest.split_first_chunk()?;
    for _ in 0..u32::from_be_bytes(*entries) {
        let (length, after) = rest.split_first()?;
        rest = long(after.get(usize::from(*length)..)?)?.1;
    }
    let offset = u64::from_be_bytes(*offset);
    let length = long(rest)?.0.len() as u64;
    Some(Content { name: name.to_vec(), offset, eof: *eof != 0, length })
}

/// Reads the offers of files: numbers and names. `None` if the frame is something else.
pub fn offered(frame: &[u8]) -> Option<Vec<(u64, Vec<u8>)>> {
    let rest = frame.strip_prefix(&[0xAA, 0xA3, OFFERS])?;
    let (count, mut rest) = rest.split_first_chunk()?;
    let mut all = Vec::new();
    for _ in 0..u32::from_be_bytes(*count) {
        let (number, after) = rest.split_first_chunk()?;
        let (kind, after) = after.split_first()?;
        rest = after;
        if *kind == 1 {
            let (name, after) = long(after)?;
            all.push((u64::from_be_bytes(*number), name.to_vec()));
            rest = after.get(22..)?;
        }
    }
    Some(all)
}

fn long(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use super::{Content, Piece, content, number, offer, offered, offers, ohai, withdrawn};

    #[test]
    fn what_is_written_can_be_read() {
        assert_eq!(ohai(), b"\xAA\xA3\x01\x06FILEMQ\x00\x02");
        assert_eq!(
            (number(&[ohai()]), number(&[]), number(&[ohai(), ohai()])),
            (Some(1), None, None)
        );
        let mut piece = Piece::whole(7, b"/a", b"hello");
        piece.headers = &[("SIZE", "5"), ("MODE", "644")];
        let read = Content { name: b"/a".to_vec(), offset: 0, eof: true, length: 5 };
        assert_eq!(content(&piece.encode()), Some(read));
        assert_eq!(content(&Piece::delete(7, b"/a").encode()), None);
        let all = offers(&[offer(3, b"/a", 9), withdrawn(2), offer(4, b"/b", 1)]);
        assert_eq!(offered(&all), Some(vec![(3, b"/a".to_vec()), (4, b"/b".to_vec())]));
        assert_eq!((offered(&ohai()), content(&all)), (None, None));
    }
}
