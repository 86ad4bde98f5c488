//! Properties of READY that are not of ZMTP (RFC 37, "Connection Metadata").

use bytes::Bytes;

use crate::{Error, Printable};

/// How the names of all of them begin.
const PREFIX: &[u8] = b"X-";

/// Bytes of the longest name: its length is one byte on the wire.
const MAX_NAME: usize = 255;

/// Bytes of the longest value.
const MAX_VALUE: usize = 1024;

/// The most that one side has.
const MAX_PROPERTIES: usize = 16;

/// The properties of one side whose names begin with `X-`, which RFC 37 leaves to applications.
///
/// Few and short ones: each costs a remote a few bytes, and us two allocations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Properties(Vec<(Bytes, Bytes)>);

impl Properties {
    /// Returns the value of the property with exactly this name.
    pub(crate) fn get(&self, name: &[u8]) -> Option<&Bytes> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Returns names and values, in the order in which they were set first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// Adds a property of ours, or replaces its value. [`check`](Self::check) says whether it can
    /// be sent.
    pub(crate) fn set(&mut self, name: Bytes, value: Bytes) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Keeps a property of a remote, unless it is none of these, or too large, or one too many. Of
    /// two with the same name the later one holds.
    pub(crate) fn keep(&mut self, name: &[u8], value: &[u8]) {
        let has_room = self.0.len() < MAX_PROPERTIES || self.get(name).is_some();
        if has_room && is_valid(name, value) {
            // Copied: a slice would keep the whole receive buffer.
            self.set(Bytes::copy_from_slice(name), Bytes::copy_from_slice(value));
        }
    }

    /// Says whether all of them can be sent: a remote of ours keeps what this allows.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let too_many = self.0.get(MAX_PROPERTIES);
        let wrong = self.0.iter().find(|(name, value)| !is_valid(name, value)).or(too_many);
        wrong.map_or(Ok(()), |(name, _)| {
            let name = &name[..name.len().min(MAX_NAME)];
            Err(Error::Property(Printable::from_bytes(name).to_string()))
        })
    }
}

fn is_valid(name: &[u8], value: &[u8]) -> bool {
    name.starts_with(PREFIX) && name.len() <= MAX_NAME && value.len() <= MAX_VALUE
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{MAX_NAME, MAX_PROPERTIES, MAX_VALUE, Properties};
    use crate::Error;

    fn name(length: usize) -> Vec<u8> {
        let mut name = b"X-".to_vec();
        name.resize(length, b'n');
        name
    }

    /// Names and values, and whether such a property may be.
    fn cases() -> [(Vec<u8>, usize, bool); 8] {
        [
            (name(2), 0, true),
            (name(MAX_NAME), MAX_VALUE, true),
            (name(MAX_NAME + 1), 0, false),
            (name(MAX_NAME + 256), 0, false),
            (name(3), MAX_VALUE + 1, false),
            (b"x-lower".to_vec(), 0, false),
            (b"Identity".to_vec(), 0, false),
            (Vec::new(), 0, false),
        ]
    }

    #[test]
    fn what_cannot_be_sent_whole_is_an_error_and_what_can_is_kept() {
        for (name, length, valid) in cases() {
            let value = vec![7; length];
            let mut ours = Properties::default();
            ours.set(name.clone().into(), value.clone().into());
            let checked = ours.check();
            assert_eq!(checked.is_ok(), valid, "{checked:?}");
            if let Err(error) = checked {
                assert!(matches!(&error, Error::Property(shown) if shown.len() <= MAX_NAME));
            }
            let mut theirs = Properties::default();
            theirs.keep(&name, &value);
            assert_eq!(theirs.get(&name).map(|value| &value[..]), valid.then_some(&value[..]));
        }
    }

    #[test]
    fn no_more_than_the_most_are_sent_or_kept() {
        let (mut ours, mut theirs) = (Properties::default(), Properties::default());
        for nth in 0..=MAX_PROPERTIES {
            assert_eq!(ours.check(), Ok(()));
            let name = format!("X-{nth}");
            theirs.keep(name.as_bytes(), b"first");
            ours.set(name.into(), Bytes::new());
        }
        let last = format!("X-{MAX_PROPERTIES}");
        assert_eq!(ours.check(), Err(Error::Property(last.clone())));
        assert_eq!(theirs.iter().count(), MAX_PROPERTIES);
        assert_eq!(theirs.get(last.as_bytes()), None);
        // There is room for another value of a known one.
        theirs.keep(b"X-0", b"second");
        assert_eq!(theirs.get(b"X-0").unwrap(), "second");
        theirs.keep(b"X-0", &[0; MAX_VALUE + 1]);
        assert_eq!(theirs.get(b"X-0").unwrap(), "second", "one that is too large is none");
    }
}
