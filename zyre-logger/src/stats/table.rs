//! The figures as a table.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::figures::{NodeStats, Stats};
use super::tally::Tally;
use crate::moment;
use crate::text::fit;

/// Columns for a name.
const NAME: usize = 24;

/// The names over the columns of the nodes; those of the groups have no sessions.
const NODE_HEAD: [&str; 12] = [
    "node",
    "sessions",
    "open",
    "median",
    "mean",
    "longest",
    "joins",
    "leaves",
    "sent",
    "received",
    "sent/s",
    "received/s",
];
const GROUP_HEAD: [&str; 7] =
    ["group", "joins", "leaves", "sent", "received", "sent/s", "received/s"];

/// Returns the whole text.
pub(super) fn of(stats: &mut Stats) -> String {
    let seconds = stats.seconds();
    let mut text = head(stats);
    let mut rows = vec![NODE_HEAD.map(str::to_owned).to_vec()];
    rows.extend(stats.nodes.iter_mut().map(|node| node_row(node, seconds)));
    write_rows(&mut text, &rows);
    if !stats.groups.is_empty() {
        let mut rows = vec![GROUP_HEAD.map(str::to_owned).to_vec()];
        rows.extend(stats.groups.iter().map(|(name, tally)| {
            let mut row = vec![cut(name)];
            row.extend(tally_cells(tally, seconds));
            row
        }));
        text.push('\n');
        write_rows(&mut text, &rows);
    }
    text
}

fn head(stats: &Stats) -> String {
    let mut text = format!(
        "{} to {} ({}): {} lines, {} nodes",
        moment::local(stats.time.0),
        moment::local(stats.time.1),
        moment::length(stats.time.1.saturating_sub(stats.time.0)),
        stats.lines,
        stats.nodes.len(),
    );
    if stats.lost > 0 {
        let _ = write!(text, ", {} lines LOST by the collector", stats.lost);
    }
    text.push_str("\n\n");
    text
}

fn node_row(node: &mut NodeStats, seconds: f64) -> Vec<String> {
    let sessions = &mut node.sessions;
    let length = |length: Option<i64>| length.map_or_else(|| "-".to_owned(), moment::length);
    let mut row = vec![
        cut(&node.name),
        sessions.ended.len().to_string(),
        sessions.open.to_string(),
        length(sessions.quantile(0.5)),
        length(sessions.mean()),
        length(sessions.quantile(1.0)),
    ];
    row.extend(tally_cells(&node.tally, seconds));
    row
}

/// The columns that nodes and groups have in common.
fn tally_cells(tally: &Tally, seconds: f64) -> [String; 6] {
    let rate = |count: u64| format!("{:.2}", count as f64 / seconds);
    let counts = [tally.joins(), tally.leaves(), tally.sent, tally.received];
    let [joins, leaves, sent, received] = counts.map(|count| count.to_string());
    [joins, leaves, sent, received, rate(tally.sent), rate(tally.received)]
}

fn cut(name: &str) -> String {
    fit(name, NAME).trim_end().to_owned()
}

/// Writes names to the left, figures to the right.
fn write_rows(text: &mut String, rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |i: usize| rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.width()).max();
    let widths: Vec<usize> = (0..columns).map(|i| width(i).unwrap_or(0)).collect();
    for row in rows {
        let mut line = String::new();
        for (i, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let space = " ".repeat(width.saturating_sub(cell.width()));
            let (before, after) = if i == 0 { ("", space.as_str()) } else { (space.as_str(), "") };
            let _ = write!(line, "{before}{cell}{after}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}
