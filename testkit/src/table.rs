//! Tables for people.

use std::fmt;

/// Lines of cells. The first columns are names, on the left; the others are figures, on the right.
#[derive(Clone, Debug)]
pub struct Table {
    names: usize,
    lines: Vec<Vec<String>>,
}

impl Table {
    /// Makes a table with this number of columns of names, and a head.
    pub fn new(names: usize, head: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { names, lines: vec![head.into_iter().map(Into::into).collect()] }
    }

    /// Adds a line.
    pub fn add(&mut self, line: Vec<String>) {
        self.lines.push(line);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.lines.iter().map(Vec::len).max().unwrap_or(0);
        let width = |i| {
            let cells = self.lines.iter().filter_map(|line| line.get(i));
            cells.map(|cell: &String| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        for line in &self.lines {
            let cells = line.iter().zip(&widths).enumerate().map(|(i, (text, &width))| {
                if i < self.names { format!("{text:<width$}") } else { format!("{text:>width$}") }
            });
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// Returns a figure with this number of places after the point; `-` if there is none.
pub fn figure(value: Option<f64>, places: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.places$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_on_the_left_and_figures_on_the_right() {
        let mut table = Table::new(1, ["work", "s"]);
        table.add(vec!["é".to_owned(), figure(Some(12.345), 1)]);
        table.add(vec!["nothing".to_owned(), figure(None, 1)]);
        assert_eq!(table.to_string(), "work        s\né        12.3\nnothing     -\n");
    }
}
