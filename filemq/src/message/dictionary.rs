//! Names and values.

use bytes::{Bytes, BytesMut};

use super::{MAX_ENTRIES, MAX_STRING, MAX_VALUE, put_length, put_longstr, put_string};

/// Names and values, in the order of the wire, which means nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dictionary(Vec<(Bytes, Bytes)>);

impl Dictionary {
    /// One more. A name that is there twice counts where it is first.
    pub fn push(&mut self, name: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.0.push((name.into(), value.into()));
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// The value of a name, if it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| str::from_utf8(value).ok())
    }

    /// All names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What fits the wire.
    fn sent(&self) -> impl Iterator<Item = &(Bytes, Bytes)> + Clone {
        let fits =
            |(name, value): &&(Bytes, Bytes)| name.len() <= MAX_STRING && value.len() <= MAX_VALUE;
        self.0.iter().filter(fits).take(MAX_ENTRIES)
    }

    /// Octets on the wire, and no fewer.
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
