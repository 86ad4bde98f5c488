//! Tables for people.

use std::fmt;

/// What stands between two columns.
const BETWEEN: &str = "  ";

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

    /// Returns the text for a terminal with this number of columns, if it is one. In one that is too
    /// narrow for the table each line is a list of figures, each with its name.
    pub fn text(&self, columns: Option<usize>) -> String {
        let Some((head, lines)) = self.lines.split_first() else { return String::new() };
        if self.fits(columns) {
            return self.to_string();
        }
        let list = |line: &Vec<String>| {
            let (names, figures) = line.split_at(self.names.min(line.len()));
            let figures = head.iter().skip(self.names).zip(figures);
            let figures: Vec<_> = figures.map(|(name, it)| format!("{name} {it}")).collect();
            format!("{}: {}\n", names.join(" "), figures.join(", "))
        };
        lines.iter().map(list).collect()
    }

    /// Returns whether a terminal with this number of columns is wide enough, if it is one.
    pub fn fits(&self, columns: Option<usize>) -> bool {
        let width = self.widths().into_iter().map(|width| width + BETWEEN.len()).sum::<usize>();
        columns.is_none_or(|columns| columns + BETWEEN.len() >= width)
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.lines.iter().map(Vec::len).max().unwrap_or(0);
        let width = |i| {
            let cells = self.lines.iter().filter_map(|line| line.get(i));
            cells.map(|cell: &String| cell.chars().count()).max().unwrap_or(0)
        };
        (0..columns).map(width).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for line in &self.lines {
            let cells = line.iter().zip(&widths).enumerate().map(|(i, (text, &width))| {
                if i < self.names { format!("{text:<width$}") } else { format!("{text:>width$}") }
            });
            writeln!(f, "{}", cells.collect::<Vec<_>>().join(BETWEEN).trim_end())?;
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

    #[test]
    fn where_there_is_no_room_beside_each_other_figures_have_their_names() {
        let mut table = Table::new(1, ["work", "s", "MB"]);
        table.add(vec!["one".to_owned(), figure(Some(12.3), 1), figure(Some(4.0), 0)]);
        let wide = "work     s  MB\none   12.3   4\n";
        for columns in [None, Some(80), Some(14)] {
            assert_eq!(table.text(columns), wide, "{columns:?}");
        }
        assert_eq!(table.text(Some(13)), "one: s 12.3, MB 4\n");
    }
}
