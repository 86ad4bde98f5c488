//! The figures as a table.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::Stats;
use crate::moment;
use crate::query::fit;

/// Columns for a name.
const NAME: usize = 24;

/// The whole text.
pub(super) fn of(stats: &mut Stats) -> String {
    let seconds = stats.seconds();
    let rate = |count: u64| format!("{:.2}", count as f64 / seconds);
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

    let head = [
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
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for node in &mut stats.nodes {
        let sessions = &mut node.sessions;
        let length = |length: Option<i64>| length.map_or_else(|| "-".to_owned(), moment::length);
        rows.push(vec![
            fit(&node.name, NAME).trim_end().to_owned(),
            sessions.ended.len().to_string(),
            sessions.open.to_string(),
            length(sessions.quantile(0.5)),
            length(sessions.mean()),
            length(sessions.quantile(1.0)),
            node.tally.joins().to_string(),
            node.tally.leaves().to_string(),
            node.tally.sent.to_string(),
            node.tally.received.to_string(),
            rate(node.tally.sent),
            rate(node.tally.received),
        ]);
    }
    write_rows(&mut text, &rows);

    let head = ["group", "joins", "leaves", "sent", "received", "sent/s", "received/s"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(stats.groups.iter().map(|(name, tally)| {
        vec![
            fit(name, NAME).trim_end().to_owned(),
            tally.joins().to_string(),
            tally.leaves().to_string(),
            tally.sent.to_string(),
            tally.received.to_string(),
            rate(tally.sent),
            rate(tally.received),
        ]
    }));
    if rows.len() > 1 {
        text.push('\n');
        write_rows(&mut text, &rows);
    }
    text
}

/// Names to the left, figures to the right.
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
