//! Reads the fields of a frame.

use bytes::Bytes;

use super::cheezburger::{Cheezburger, Operation};
use super::dictionary::Dictionary;
use super::error::DecodeError;
use super::limits::{MAX_ENTRIES, MAX_PATH, MAX_VALUE};
use super::offer::{Answer, FILE, Offer, Verdict, WITHDRAWN};
use super::receipt::{Outcome, Receipt};
use super::wire::{PROTOCOL, VERSION};

pub(super) struct Fields<'a> {
    frame: &'a Bytes,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(frame: &'a Bytes) -> Self {
        Self { frame, rest: frame }
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, DecodeError> {
        let [byte] = self.bytes()?;
        Ok(byte)
    }

    pub(super) fn number(&mut self) -> Result<u64, DecodeError> {
        self.bytes().map(u64::from_be_bytes)
    }

    fn take(&mut self, length: usize) -> Result<Bytes, DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(self.frame.slice_ref(taken))
    }

    pub(super) fn string(&mut self) -> Result<Bytes, DecodeError> {
        let length = self.byte()?;
        self.take(length.into())
    }

    fn length(&mut self, most: usize) -> Result<usize, DecodeError> {
        let length = u32::from_be_bytes(self.bytes()?);
        let length = usize::try_from(length).map_err(|_| DecodeError::TooLarge)?;
        if length > most { Err(DecodeError::TooLarge) } else { Ok(length) }
    }

    pub(super) fn path(&mut self) -> Result<Bytes, DecodeError> {
        let length = self.length(MAX_PATH)?;
        self.take(length)
    }

    /// Reads entry by entry, so that a false count costs nothing.
    pub(super) fn dictionary(&mut self) -> Result<Dictionary, DecodeError> {
        let mut dictionary = Dictionary::default();
        for _ in 0..self.length(MAX_ENTRIES)? {
            let name = self.string()?;
            let length = self.length(MAX_VALUE)?;
            dictionary.push(name, self.take(length)?);
        }
        Ok(dictionary)
    }

    /// Reads one by one, so that a false count costs nothing.
    pub(super) fn receipts(&mut self) -> Result<Vec<Receipt>, DecodeError> {
        let mut receipts = Vec::new();
        for _ in 0..self.length(MAX_ENTRIES)? {
            let (sequence, outcome) = (self.number()?, Outcome::from(self.byte()?));
            receipts.push(Receipt { sequence, outcome, reason: self.string()? });
        }
        Ok(receipts)
    }

    /// Reads one by one, so that a false count costs nothing.
    pub(super) fn offers(&mut self) -> Result<Vec<Offer>, DecodeError> {
        let mut offers = Vec::new();
        for _ in 0..self.length(MAX_ENTRIES)? {
            let number = self.number()?;
            offers.push(match self.byte()? {
                FILE => Offer::File {
                    number,
                    filename: self.path()?,
                    size: self.number()?,
                    seconds: self.bytes().map(i64::from_be_bytes)?,
                    nanoseconds: self.bytes().map(u32::from_be_bytes)?,
                    mode: self.bytes().map(u16::from_be_bytes)?,
                },
                WITHDRAWN => Offer::Withdrawn { number },
                kind => return Err(DecodeError::UnknownOffer(kind)),
            });
        }
        Ok(offers)
    }

    /// Reads one by one, so that a false count costs nothing.
    pub(super) fn answers(&mut self) -> Result<Vec<Answer>, DecodeError> {
        let mut answers = Vec::new();
        for _ in 0..self.length(MAX_ENTRIES)? {
            let (number, verdict) = (self.number()?, Verdict::from(self.byte()?));
            answers.push(Answer { number, verdict, text: self.string()? });
        }
        Ok(answers)
    }

    pub(super) fn ohai(&mut self) -> Result<(), DecodeError> {
        if self.string()? != PROTOCOL {
            return Err(DecodeError::Protocol);
        }
        // Until 2013 the version was one byte.
        let version = match *self.rest {
            [version] => version.into(),
            _ => u16::from_be_bytes(self.bytes()?),
        };
        if version == VERSION { Ok(()) } else { Err(DecodeError::Version(version)) }
    }

    pub(super) fn cheezburger(&mut self) -> Result<Cheezburger, DecodeError> {
        Ok(Cheezburger {
            sequence: self.number()?,
            operation: Operation::from(self.byte()?),
            filename: self.path()?,
            offset: self.number()?,
            eof: self.byte()? != 0,
            headers: self.dictionary()?,
            chunk: {
                let length = self.length(usize::MAX)?;
                self.take(length)?
            },
        })
    }
}
