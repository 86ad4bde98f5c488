//! The table for people: medians, and how zyre compares.

use std::fmt;

use testkit::table::Table;

use super::figures::{Figures, metrics, more_is_better};
use super::work::Work;

/// The medians of everything that was measured.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// The implementations, zyre first.
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Why some cells are empty.
    notes: Vec<String>,
}

impl Comparison {
    /// Adds one work: the medians of each implementation, zyre first, and the runs behind them.
    pub(super) fn add(&mut self, work: Work, medians: Vec<Figures>, runs: &[Vec<Figures>]) {
        self.columns = medians.iter().map(|median| median.implementation().to_owned()).collect();
        let Some((zyre, others)) = medians.split_first() else { return };
        for metric in metrics(work) {
            let mut row = vec![work.to_string(), (*metric).to_owned()];
            row.push(cell(zyre.get(metric)));
            row.push(spread(metric, runs.first().map_or(&[], Vec::as_slice)));
            for other in others {
                row.push(cell(other.get(metric)));
                row.push(ratio(zyre.get(metric), other.get(metric)));
            }
            // The kind of comparison, for ratios say nothing by themselves.
            row.push(if more_is_better(metric) { "more" } else { "less" }.to_owned());
            self.rows.push(row);
        }
        let missing = medians.iter().filter_map(|m| Some((m.implementation(), m.reason()?)));
        self.notes.extend(missing.map(|(name, reason)| format!("{name}, {work}: {reason}")));
    }

    fn head(&self) -> Vec<String> {
        let mut head = vec![String::new(), String::new()];
        for (i, column) in self.columns.iter().enumerate() {
            head.push(column.clone());
            head.push(if i == 0 { "min..max".to_owned() } else { format!("zyre/{column}") });
        }
        head.push("better".to_owned());
        head
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(2, self.head());
        self.rows.iter().for_each(|row| table.add(row.clone()));
        table.fmt(f)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

fn cell(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), figure)
}

/// Three places that mean something, and thousands apart.
fn figure(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        10.0..1000.0 => format!("{value:.1}"),
        _ => {
            let digits = format!("{value:.0}");
            let head = digits.len() % 3;
            let (head, tail) = digits.split_at(head);
            let groups = tail.as_bytes().chunks(3).map(String::from_utf8_lossy);
            let head = (!head.is_empty()).then(|| head.into());
            head.into_iter().chain(groups).collect::<Vec<_>>().join(",")
        }
    }
}

fn ratio(ours: Option<f64>, theirs: Option<f64>) -> String {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if theirs > 0.0 => format!("{:.2}", ours / theirs),
        _ => "-".to_owned(),
    }
}

/// From the least to the most of several runs.
fn spread(metric: &str, runs: &[Figures]) -> String {
    let values = || runs.iter().filter_map(|run| run.get(metric));
    match (values().reduce(f64::min), values().reduce(f64::max)) {
        (Some(least), Some(most)) if runs.len() > 1 => {
            format!("{}..{}", figure(least), figure(most))
        }
        _ => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{figure, ratio};

    #[test]
    fn figures_for_people() {
        assert_eq!(figure(1.234), "1.23");
        assert_eq!(figure(12.34), "12.3");
        assert_eq!(figure(1234.0), "1,234");
        assert_eq!(figure(123_456_789.0), "123,456,789");
        assert_eq!(ratio(Some(3.0), Some(4.0)), "0.75");
        assert_eq!(ratio(Some(3.0), None), "-");
    }
}
