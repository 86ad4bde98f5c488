//! The figures as a table.

use std::fmt::Write;
use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use super::figures::{NodeStats, Stats};
use super::sessions::Sessions;
use super::tally::Tally;
use crate::moment;
use crate::text::{self, fit};

/// Columns for a name.
const NAME: usize = 24;

/// The last columns, which a narrow terminal has no room for.
const RATES: usize = 2;

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

/// What the columns mean, and where that begins.
const MEANING: usize = 11;
const LEGEND: &str = "
sessions   from an ENTER to the next EXIT, once for each node that saw both
open       seen to enter, and not to exit: it goes on, or its EXIT was lost
median, mean, longest
           the lengths of the sessions that have ended
joins, leaves
           as the node saw them that saw most
sent, received
           messages, where nodes log them (Builder::log_messages)
";

/// Returns the whole text, for a terminal with this number of columns if it is one.
pub(super) fn of(stats: &mut Stats, columns: Option<usize>) -> String {
    let seconds = stats.seconds();
    let mut text = text::lines(&head(stats), columns, text::INDENT);
    let mut rows = vec![NODE_HEAD.map(str::to_owned).to_vec()];
    rows.extend(stats.nodes.iter_mut().map(|node| node_row(node, seconds)));
    if stats.nodes.len() > 1 {
        rows.push(total_row(&stats.nodes, seconds));
    }
    if columns.is_some_and(|columns| columns < width_of(&rows)) {
        // What is left out can be computed from the rest.
        rows.iter_mut().for_each(|row| row.truncate(NODE_HEAD.len() - RATES));
    }
    write_rows(&mut text, &rows, columns);
    if !stats.groups.is_empty() {
        let mut rows = vec![GROUP_HEAD.map(str::to_owned).to_vec()];
        rows.extend(stats.groups.iter().map(|(name, tally)| {
            let mut row = vec![cut(name)];
            row.extend(count_cells(counts(tally), seconds));
            row
        }));
        text.push('\n');
        write_rows(&mut text, &rows, columns);
    }
    if !stats.nodes.is_empty() {
        text.push_str(&text::lines(LEGEND, columns, MEANING));
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
    let mut row = vec![cut(&node.name)];
    row.extend(session_cells(&mut node.sessions));
    row.extend(count_cells(counts(&node.tally), seconds));
    row
}

/// The last row: all nodes together.
fn total_row(nodes: &[NodeStats], seconds: f64) -> Vec<String> {
    let (mut sessions, mut sums) = (Sessions::default(), [0; 4]);
    for node in nodes {
        sessions.add(&node.sessions);
        for (sum, count) in sums.iter_mut().zip(counts(&node.tally)) {
            *sum += count;
        }
    }
    let mut row = vec!["all".to_owned()];
    row.extend(session_cells(&mut sessions));
    row.extend(count_cells(sums, seconds));
    row
}

fn session_cells(sessions: &mut Sessions) -> [String; 5] {
    let length = |length: Option<i64>| length.map_or_else(|| "-".to_owned(), moment::length);
    [
        sessions.ended.len().to_string(),
        sessions.open.to_string(),
        length(sessions.quantile(0.5)),
        length(sessions.mean()),
        length(sessions.quantile(1.0)),
    ]
}

/// Joins, leaves, messages sent and received.
fn counts(tally: &Tally) -> [u64; 4] {
    [tally.joins(), tally.leaves(), tally.sent, tally.received]
}

/// The columns that nodes and groups have in common.
fn count_cells(counts: [u64; 4], seconds: f64) -> [String; 6] {
    let rate = |count: u64| format!("{:.2}", count as f64 / seconds);
    let [_, _, sent, received] = counts;
    let rates = [rate(sent), rate(received)];
    let [joins, leaves, sent, received] = counts.map(|count| count.to_string());
    let [sent_rate, received_rate] = rates;
    [joins, leaves, sent, received, sent_rate, received_rate]
}

fn cut(name: &str) -> String {
    fit(name, NAME).trim_end().to_owned()
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |i: usize| rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.width()).max();
    (0..columns).map(|i| width(i).unwrap_or(0)).collect()
}

/// Returns how many columns of a terminal the rows take.
fn width_of(rows: &[Vec<String>]) -> usize {
    let widths = widths(rows);
    widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)
}

/// Writes names to the left, figures to the right; below each other what does not fit side by side.
fn write_rows(text: &mut String, rows: &[Vec<String>], columns: Option<usize>) {
    let widths = widths(rows);
    for (number, part) in parts(&widths, columns).into_iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        rows.iter().for_each(|row| write_row(text, row, &widths, &part));
    }
}

/// Returns the columns that fit side by side, each time beside the names.
fn parts(widths: &[usize], columns: Option<usize>) -> Vec<Range<usize>> {
    let (mut parts, mut first) = (Vec::new(), 1);
    let names = widths.first().copied().unwrap_or(0);
    let mut used = names;
    for (i, width) in widths.iter().enumerate().skip(1) {
        if i > first && columns.is_some_and(|columns| used + 2 + width > columns) {
            parts.push(first..i);
            (first, used) = (i, names);
        }
        used += 2 + width;
    }
    parts.push(first..widths.len());
    parts
}

/// Writes the name of a row, and a part of its figures.
fn write_row(text: &mut String, row: &[String], widths: &[usize], part: &Range<usize>) {
    let mut line = String::new();
    for (i, (cell, width)) in row.iter().zip(widths).enumerate() {
        if i == 0 || part.contains(&i) {
            let space = " ".repeat(width.saturating_sub(cell.width()));
            let (before, after) = if i == 0 { ("", space.as_str()) } else { (space.as_str(), "") };
            let _ = write!(line, "{before}{cell}{after}  ");
        }
    }
    text.push_str(line.trim_end());
    text.push('\n');
}
