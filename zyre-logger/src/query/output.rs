//! How records are shown: a table for people, JSON lines and CSV for programs.

use std::io::{self, Write};

use serde_json::{Value, json};
use zyre::Printable;

use super::filter::Side;
use super::line;
use crate::text::{self, data};
use crate::{Directory, NodeInterval, Record, Resolution, Stored, moment};

/// The kinds of output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Columns, for people.
    #[default]
    Table,
    /// An object a line.
    Json,
    /// Comma separated values (RFC 4180), with a line of names.
    Csv,
}

/// The columns of CSV; `side` only for a pair.
const NAMES: [&str; 14] = [
    "id",
    "received",
    "time",
    "level",
    "event",
    "node",
    "node_name",
    "node_id",
    "node_endpoint",
    "peer",
    "peer_name",
    "peer_id",
    "peer_endpoint",
    "data",
];

/// Where records go.
pub struct Output<W: Write> {
    out: W,
    format: Format,
    /// Whether `out` is a terminal, which must not get what it would obey; a file gets what came.
    terminal: bool,
    /// How many columns it has: lines for people are cut between words.
    columns: Option<usize>,
    /// The names over the two columns of a pair.
    pair: Option<(String, String)>,
    begun: bool,
}

impl<W: Write> Output<W> {
    /// Creates an output of a format. With `pair`, lines have a side.
    pub const fn new(
        out: W,
        format: Format,
        terminal: bool,
        pair: Option<(String, String)>,
    ) -> Self {
        Self { out, format, terminal, columns: None, pair, begun: false }
    }

    /// Cuts lines for people between words, if the output has this number of columns. Where there is no room
    /// for a pair side by side its lines name the node instead.
    #[must_use]
    pub fn columns(mut self, columns: Option<usize>) -> Self {
        self.columns = columns;
        self
    }

    /// Shows a record.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn show(
        &mut self,
        stored: &Stored,
        directory: &Directory,
        side: Option<Side>,
    ) -> io::Result<()> {
        self.begin()?;
        match self.format {
            Format::Table => {
                let line = match side {
                    None => line::of(&stored.record, directory),
                    Some(_) if self.is_stacked() => line::of_stacked(&stored.record, directory),
                    Some(side) => line::of_pair(&stored.record, directory, side),
                };
                self.line(&line)
            }
            Format::Json => writeln!(self.out, "{}", json_line(stored, directory, side)),
            Format::Csv => self.csv(&values(stored, directory, side)),
        }
    }

    /// Shows the line of names, if nothing was shown yet.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn begin(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        match (self.format, &self.pair) {
            (Format::Table, None) => self.line(line::HEAD),
            (Format::Table, Some(_)) if self.is_stacked() => self.line(line::STACKED_HEAD),
            (Format::Table, Some((a, b))) => self.line(&line::pair_head(a, b)),
            (Format::Json, _) => Ok(()),
            (Format::Csv, pair) => {
                let side = pair.as_ref().map(|_| "side");
                let names: Vec<String> = NAMES.into_iter().chain(side).map(str::to_owned).collect();
                self.csv(&names)
            }
        }
    }

    /// Returns whether there is no room for a pair side by side.
    fn is_stacked(&self) -> bool {
        self.pair.is_some() && self.columns.is_some_and(|columns| columns < line::PAIR)
    }

    /// Writes a line for people.
    fn line(&mut self, line: &str) -> io::Result<()> {
        let is_beside = self.pair.is_some() && !self.is_stacked();
        let indent = if is_beside { line::RIGHT } else { text::INDENT };
        writeln!(self.out, "{}", text::lines(line.trim_end(), self.columns, indent))
    }

    fn csv(&mut self, values: &[String]) -> io::Result<()> {
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::with_capacity(256));
        let write = |writer: &mut csv::Writer<_>| {
            if self.terminal {
                writer.write_record(values.iter().map(|value| data(value)))
            } else {
                writer.write_record(values)
            }
        };
        write(&mut writer)?;
        let bytes = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        self.out.write_all(&bytes)
    }

    /// Flushes the writer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Describes one of the two nodes of a record.
fn node(record: &Record, directory: &Directory, recorder: bool) -> Value {
    let id = if recorder { record.node } else { record.peer };
    if id == 0 && !recorder {
        return Value::Null;
    }
    let source = record.source.filter(|_| recorder).map(|source| source.to_string());
    let described =
        |one: &NodeInterval| json!({ "name": one.name, "id": one.peer, "endpoint": one.endpoint });
    let correlation = format!("{id:04x}");
    match directory.resolve(id, record.received, source.as_deref()) {
        Resolution::Unknown => json!({ "correlation": correlation }),
        Resolution::Node(interval) => {
            let mut value = described(interval);
            value["correlation"] = correlation.into();
            value
        }
        Resolution::Several(found) => {
            let several: Vec<Value> = found.into_iter().map(described).collect();
            json!({ "correlation": correlation, "ambiguous": several })
        }
    }
}

fn json_line(stored: &Stored, directory: &Directory, side: Option<Side>) -> String {
    let record = &stored.record;
    let mut value = json!({
        "id": stored.id,
        "received": moment::utc(record.received),
        "time": record.time,
        "level": record.level.to_string(),
        "event": record.event.to_string(),
        "node": node(record, directory, true),
        "peer": node(record, directory, false),
        "data": record.data,
    });
    if let Some(side) = side {
        value["side"] = side_name(side).into();
    }
    let text = value.to_string();
    // JSON escapes only the first 32; as escapes all others mean the same, too.
    let mut escaped = String::with_capacity(text.len() + 16);
    let mut units = [0; 2];
    for c in text.chars() {
        if Printable::is_printable(c) {
            escaped.push(c);
        } else {
            let units = c.encode_utf16(&mut units);
            escaped.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    escaped
}

fn values(stored: &Stored, directory: &Directory, side: Option<Side>) -> Vec<String> {
    let record = &stored.record;
    let mut values = vec![
        stored.id.to_string(),
        moment::utc(record.received),
        record.time.to_string(),
        record.level.to_string(),
        record.event.to_string(),
    ];
    for recorder in [true, false] {
        let node = node(record, directory, recorder);
        let text = |name: &str| node[name].as_str().unwrap_or_default().to_owned();
        let ambiguous = node["ambiguous"].as_array().map(Vec::as_slice).unwrap_or_default();
        values.push(text("correlation"));
        for name in ["name", "id", "endpoint"] {
            let several: Vec<_> = ambiguous.iter().filter_map(|one| one[name].as_str()).collect();
            values.push(if several.is_empty() { text(name) } else { several.join("|") });
        }
    }
    values.push(record.data.clone());
    values.extend(side.map(|side| side_name(side).to_owned()));
    values
}

const fn side_name(side: Side) -> &'static str {
    match side {
        Side::A => "a",
        Side::B => "b",
    }
}
