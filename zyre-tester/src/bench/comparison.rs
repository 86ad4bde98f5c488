//! The table for people: medians, and how zyre compares.

use std::iter;

use testkit::table::Table;

use super::figures::{Figures, metrics, more_is_better};
use super::work::Work;

/// The medians of everything that was measured.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// The implementations, zyre first.
    names: Vec<String>,
    rows: Vec<Row>,
    /// Why some cells are empty.
    notes: Vec<String>,
}

/// One figure of one work.
#[derive(Debug)]
struct Row {
    work: Work,
    metric: &'static str,
    /// Of each implementation.
    medians: Vec<Option<f64>>,
    /// The least and the most of several runs of zyre.
    range: Option<(f64, f64)>,
}

impl Comparison {
    /// Adds one work: the medians of each implementation, zyre first, and the runs behind them.
    pub(super) fn add(&mut self, work: Work, medians: Vec<Figures>, runs: &[Vec<Figures>]) {
        self.names = medians.iter().map(|median| median.implementation().to_owned()).collect();
        for &metric in metrics(work) {
            let medians = medians.iter().map(|median| median.get(metric)).collect();
            let range = range(metric, runs.first().map_or(&[], Vec::as_slice));
            self.rows.push(Row { work, metric, medians, range });
        }
        let missing = medians.iter().filter_map(|m| Some((m.implementation(), m.reason()?)));
        self.notes.extend(missing.map(|(name, reason)| format!("{name}, {work}: {reason}")));
    }

    /// Returns the text for a terminal with this number of columns, if it is one.
    pub(super) fn text(&self, columns: Option<usize>) -> String {
        let table = self.table();
        let mut text = if table.fits(columns) {
            table.to_string()
        } else {
            self.rows.iter().map(|row| row.list(&self.names)).collect::<Vec<_>>().join("\n")
        };
        text.extend(self.notes.iter().map(|note| format!("{note}\n")));
        text
    }

    /// A column for each implementation.
    fn table(&self) -> Table {
        let mut head = vec![String::new(), String::new()];
        for (i, name) in self.names.iter().enumerate() {
            head.push(name.clone());
            head.push(if i == 0 { "min..max".to_owned() } else { format!("zyre/{name}") });
        }
        head.push("better".to_owned());
        let mut table = Table::new(2, head);
        self.rows.iter().for_each(|row| table.add(row.line()));
        table
    }
}

impl Row {
    /// The cells of a line.
    fn line(&self) -> Vec<String> {
        let mut line = vec![self.work.to_string(), self.metric.to_owned()];
        for (i, median) in self.medians.iter().enumerate() {
            line.push(cell(*median));
            line.push(if i == 0 { self.spread() } else { self.ratio(*median) });
        }
        // The kind of comparison, for ratios say nothing by themselves.
        line.push(self.better().to_owned());
        line
    }

    /// A line for each implementation, for those who have no room beside each other.
    fn list(&self, names: &[String]) -> String {
        let ratio = if self.medians.len() > 1 { "zyre/it" } else { "" };
        let mut table = Table::new(1, ["", "median", ratio]);
        let mut add =
            |name: &str, value, ratio| table.add(vec![format!("  {name}"), cell(value), ratio]);
        for (i, (name, median)) in iter::zip(names, &self.medians).enumerate() {
            add(name, *median, if i == 0 { String::new() } else { self.ratio(*median) });
            if let Some((least, most)) = self.range.filter(|_| i == 0) {
                add("  min", Some(least), String::new());
                add("  max", Some(most), String::new());
            }
        }
        format!("{} {}: {} is better\n{table}", self.work, self.metric, self.better())
    }

    fn better(&self) -> &'static str {
        if more_is_better(self.metric) { "more" } else { "less" }
    }

    /// How zyre compares with another.
    fn ratio(&self, theirs: Option<f64>) -> String {
        ratio(self.medians.first().copied().flatten(), theirs)
    }

    fn spread(&self) -> String {
        self.range.map_or_else(
            || "-".to_owned(),
            |(least, most)| format!("{}..{}", figure(least), figure(most)),
        )
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

/// The least and the most of several runs.
fn range(metric: &str, runs: &[Figures]) -> Option<(f64, f64)> {
    let values = || runs.iter().filter_map(|run| run.get(metric));
    let range = values().reduce(f64::min).zip(values().reduce(f64::max));
    range.filter(|_| runs.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::{Comparison, figure, ratio};
    use crate::bench::figures::Figures;
    use crate::bench::work::Work;

    #[test]
    fn where_there_is_no_room_each_implementation_has_a_line() {
        let work = Work::Rtt { count: 10, size: 32 };
        let runs = |name, values: [f64; 2]| {
            let runs = values.map(|value| {
                let mut run = Figures::default().with("p50_us", Some(value));
                run.label(name, work);
                run
            });
            runs.to_vec()
        };
        let mut comparison = Comparison::default();
        let runs = [runs("zyre", [20.0, 40.0]), runs("tcp-two-way", [15.0, 15.0])];
        let medians = runs.iter().map(|runs| Figures::median(runs)).collect();
        comparison.add(work, medians, &runs);
        let wide = comparison.text(None);
        assert!(
            wide.contains("zyre    min..max  tcp-two-way  zyre/tcp-two-way  better\n"),
            "{wide}"
        );
        assert_eq!(comparison.text(Some(200)), wide);
        let narrow = comparison.text(Some(40));
        let expected = "\
rtt 32 B p50_us: less is better
               median  zyre/it
  zyre           30.0
    min          20.0
    max          40.0
  tcp-two-way    15.0     2.00

";
        assert!(narrow.starts_with(expected), "{narrow}");
    }

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
