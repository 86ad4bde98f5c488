//! What the collector's own node sees of others, beside the lines that they write.

use std::collections::BTreeMap;

/// How many headers of a node are kept, and bytes of them.
const HEADERS: usize = 64;
const HEADER_BYTES: usize = 8 * 1024;

/// Something that the collector's own node has seen. All of them, among the lines in the order of arrival, are
/// what a recording is: who reads it from the beginning knows what the collector knew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When, by the collector's clock, in microseconds since 1970.
    pub at: i64,
    /// The id of the node that it is about; empty if it is about none.
    pub peer: String,
    /// What has happened.
    pub what: What,
}

/// What has happened to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// A collector begins, and its node has this id: nobody is known any more.
    Begun,
    /// It has come.
    Entered(Box<Entered>),
    /// It has been quiet, and was asked.
    Evasive,
    /// It did not answer.
    Silent,
    /// It is back.
    Returned,
    /// It is gone.
    Gone {
        /// Why, in a word or two.
        reason: String,
    },
    /// Lines were lost.
    Lost {
        /// How many.
        lines: u64,
    },
}

/// Who has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entered {
    /// The correlation id of its endpoint.
    pub correlation: u16,
    /// The endpoint.
    pub endpoint: String,
    /// Its name.
    pub name: String,
    /// The key that it has proved, if it is a secure node.
    pub key: Option<String>,
    /// What it says about itself.
    pub headers: BTreeMap<String, String>,
}

/// Returns as many headers as are kept.
pub(crate) fn keep_headers(headers: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut bytes = 0;
    let fits = |(name, value): &(&String, &String)| {
        bytes += name.len() + value.len();
        bytes <= HEADER_BYTES
    };
    let kept = headers.iter().take(HEADERS).take_while(fits);
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_bounded() {
        let many = (0..100).map(|i| (format!("{i:03}"), String::new())).collect();
        assert_eq!(keep_headers(&many).len(), HEADERS);
        let long = (0..20).map(|i| (format!("{i:03}"), "x".repeat(1_021))).collect();
        assert_eq!(keep_headers(&long).len(), 8);
    }
}
