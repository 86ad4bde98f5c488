//! How a user names a node.

use crate::{Directory, NodeInterval, Resolution, correlation_id};

/// Shorter beginnings of an id would often be names.
const SHORTEST_ID: usize = 4;

/// Which nodes are meant: those of this name, of an id that begins like this, at this endpoint, or
/// with this correlation id (`#1a2b`).
#[derive(Clone, Debug)]
pub struct Selector {
    text: String,
    /// The correlation id that the text itself tells.
    correlation: Option<u16>,
    endpoint: Option<String>,
    id: Option<String>,
}

impl Selector {
    /// Parses what a user wrote.
    ///
    /// # Errors
    /// A text for the user: it is empty, or `#` without a correlation id.
    pub fn new(text: &str) -> Result<Self, String> {
        let mut selector =
            Self { text: text.to_owned(), correlation: None, endpoint: None, id: None };
        if text.is_empty() {
            return Err("a node is named by its name, id, endpoint or correlation id".to_owned());
        }
        if let Some(hexadecimal) = text.strip_prefix('#').or_else(|| text.strip_prefix("0x")) {
            let id = u16::from_str_radix(hexadecimal, 16);
            let wrong = |_| format!("{text:?} is no correlation id, such as #1a2b");
            selector.correlation = Some(id.map_err(wrong)?);
            return Ok(selector);
        }
        let address = text.strip_prefix("tcp://").unwrap_or(text);
        if address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
            let endpoint = format!("tcp://{address}");
            selector.correlation = Some(correlation_id(&endpoint));
            selector.endpoint = Some(endpoint);
        }
        let digits = text.replace('-', "").to_ascii_lowercase();
        if digits.len() >= SHORTEST_ID && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            selector.id = Some(digits);
        }
        Ok(selector)
    }

    /// Returns what the user wrote.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the correlation ids that lines of these nodes can have.
    pub fn correlations(&self, directory: &Directory) -> Vec<u16> {
        let seen = directory.all().filter(|interval| self.is(interval));
        let mut found: Vec<u16> = seen.map(|interval| interval.correlation).collect();
        found.extend(self.correlation);
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Returns whether a correlation id, at a moment, stands for a node that is meant, or may do
    /// so.
    pub fn matches(
        &self,
        directory: &Directory,
        correlation: u16,
        at: i64,
        source: Option<&str>,
    ) -> bool {
        if correlation == 0 {
            return false;
        }
        if self.correlation.is_some() && self.endpoint.is_none() {
            return self.correlation == Some(correlation);
        }
        match directory.resolve(correlation, at, source) {
            Resolution::Unknown => self.correlation == Some(correlation),
            Resolution::Node(interval) => self.is(interval),
            Resolution::Several(found) => found.iter().any(|interval| self.is(interval)),
        }
    }

    fn is(&self, interval: &NodeInterval) -> bool {
        interval.name == self.text
            || self.id.as_ref().is_some_and(|id| interval.peer.starts_with(id.as_str()))
            || self.endpoint.as_ref().is_some_and(|endpoint| interval.endpoint == *endpoint)
            || self.endpoint.is_none() && self.correlation == Some(interval.correlation)
    }
}
