//! The screen as a picture: text or SVG.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// A cell in pixels, and the size of letters that fits it.
const CELL: (f64, f64) = (8.4, 18.0);
const FONT: u32 = 14;

const BACK: &str = "#1e1e1e";
const FORE: &str = "#d4d4d4";

/// Draws a screen as lines of text.
pub(super) fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let line: String = cells(buffer, y).map(|(_, cell)| cell.symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Draws a screen as SVG.
pub(super) fn svg(buffer: &Buffer) -> String {
    let width = f64::from(buffer.area.width) * CELL.0 + 16.0;
    let height = f64::from(buffer.area.height) * CELL.1 + 16.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"{FONT}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{BACK}\"/>\n"
    );
    for y in 0..buffer.area.height {
        let mut run: Option<Run> = None;
        for (x, cell) in cells(buffer, y) {
            match &mut run {
                Some(run) if run.is_like(cell) => run.push(cell),
                _ => {
                    run.replace(Run::new(x, cell)).iter().for_each(|run| run.draw(y, &mut svg));
                }
            }
        }
        run.iter().for_each(|run| run.draw(y, &mut svg));
    }
    svg.push_str("</svg>\n");
    svg
}

fn cells(buffer: &Buffer, y: u16) -> impl Iterator<Item = (u16, &Cell)> {
    (0..buffer.area.width).filter_map(move |x| Some((x, buffer.cell((x, y))?)))
}

/// Cells of one style beside each other.
struct Run {
    x: u16,
    cells: u16,
    text: String,
    fore: Color,
    back: Color,
    modifier: Modifier,
}

impl Run {
    fn new(x: u16, cell: &Cell) -> Self {
        let text = cell.symbol().to_owned();
        Self { x, cells: 1, text, fore: cell.fg, back: cell.bg, modifier: cell.modifier }
    }

    fn is_like(&self, cell: &Cell) -> bool {
        (self.fore, self.back, self.modifier) == (cell.fg, cell.bg, cell.modifier)
    }

    fn push(&mut self, cell: &Cell) {
        self.cells += 1;
        self.text.push_str(cell.symbol());
    }

    fn draw(&self, y: u16, svg: &mut String) {
        let (mut fore, mut back) = (color(self.fore, FORE), color(self.back, BACK));
        if self.modifier.contains(Modifier::REVERSED) {
            std::mem::swap(&mut fore, &mut back);
        }
        let (left, top) = (8.0 + f64::from(self.x) * CELL.0, 8.0 + f64::from(y) * CELL.1);
        let width = f64::from(self.cells) * CELL.0;
        if back != BACK {
            let high = CELL.1;
            let _ = writeln!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{high}\" \
                 fill=\"{back}\"/>"
            );
        }
        if self.text.trim().is_empty() {
            return;
        }
        let weight =
            if self.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
        let _ = writeln!(
            svg,
            "<text x=\"{left:.1}\" y=\"{:.1}\" fill=\"{fore}\"{weight} textLength=\"{width:.1}\" \
             xml:space=\"preserve\">{}</text>",
            top + 13.5,
            escape(&self.text)
        );
    }
}

/// Escapes a text for XML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const fn color(color: Color, otherwise: &'static str) -> &'static str {
    match color {
        Color::Red => "#f14c4c",
        Color::Green => "#23d18b",
        Color::Yellow => "#e5e510",
        Color::Blue => "#3b8eea",
        Color::Cyan => "#29b8db",
        Color::DarkGray => "#808080",
        _ => otherwise,
    }
}
