//! How a user names a node.

use crate::{Directory, Meaning, Sighting, correlation_id};

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
    /// Takes what a user wrote.
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

    /// What the user wrote.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The correlation ids that its lines can have.
    pub fn correlations(&self, directory: &Directory) -> Vec<u16> {
        let seen = directory.all().filter(|sighting| self.is(sighting));
        let mut found: Vec<u16> = seen.map(|sighting| sighting.correlation).collect();
        found.extend(self.correlation);
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether a correlation id, at a moment, stands for a node that is meant, or may do so.
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
            Meaning::Unknown => self.correlation == Some(correlation),
            Meaning::Node(sighting) => self.is(sighting),
            Meaning::Several(found) => found.iter().any(|sighting| self.is(sighting)),
        }
    }

    fn is(&self, sighting: &Sighting) -> bool {
        sighting.name == self.text
            || self.id.as_ref().is_some_and(|id| sighting.peer.starts_with(id.as_str()))
            || self.endpoint.as_ref().is_some_and(|endpoint| sighting.endpoint == *endpoint)
            || self.endpoint.is_none() && self.correlation == Some(sighting.correlation)
    }
}
