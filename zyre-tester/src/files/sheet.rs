//! A table for people.

use std::fmt;

/// Lines of cells. The first column is names, the others are figures.
#[derive(Debug)]
pub(super) struct Sheet {
    lines: Vec<Vec<String>>,
}

impl Sheet {
    pub(super) fn new(head: &[&str]) -> Self {
        Self { lines: vec![head.iter().map(ToString::to_string).collect()] }
    }

    pub(super) fn add(&mut self, line: Vec<String>) {
        self.lines.push(line);
    }
}

impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.lines.iter().map(Vec::len).max().unwrap_or(0);
        let width = |i| {
            let cells = self.lines.iter().filter_map(|line| line.get(i));
            cells.map(|cell: &String| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        for line in &self.lines {
            for (i, (text, &width)) in line.iter().zip(&widths).enumerate() {
                if i == 0 { write!(f, "{text:<width$}  ")? } else { write!(f, "{text:>width$}  ")? }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// A figure with so many places after the point, or that there is none.
pub(super) fn cell(value: Option<f64>, places: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.places$}"))
}
