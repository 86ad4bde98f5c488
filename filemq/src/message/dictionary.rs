//! Names and values.

use bytes::{Bytes, BytesMut};

use super::limits::{MAX_ENTRIES, MAX_STRING, MAX_VALUE};
use super::wire::{put_length, put_longstr, put_string};

/// Names and values, in the order of the wire, which has no meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dictionary(Vec<(Bytes, Bytes)>);

impl Dictionary {
    /// Appends an entry. If a name occurs twice, its first value counts.
    pub fn push(&mut self, name: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.0.push((name.into(), value.into()));
    }

    /// Returns the value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// Returns the value of a name, if it is UTF-8.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| str::from_utf8(value).ok())
    }

    /// Iterates over all names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// Returns the number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the entries that fit the wire.
    fn sent(&self) -> impl Iterator<Item = &(Bytes, Bytes)> + Clone {
        let fits =
            |(name, value): &&(Bytes, Bytes)| name.len() <= MAX_STRING && value.len() <= MAX_VALUE;
        self.0.iter().filter(fits).take(MAX_ENTRIES)
    }

    /// Returns the number of bytes on the wire.
    pub(super) fn encoded_len(&self) -> usize {
        4 + self.sent().map(|(name, value)| 5 + name.len() + value.len()).sum::<usize>()
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        put_length(out, self.sent().count());
        for (name, value) in self.sent() {
            put_string(out, name);
            put_longstr(out, value);
        }
    }
}

impl<N: Into<Bytes>, V: Into<Bytes>> FromIterator<(N, V)> for Dictionary {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}
