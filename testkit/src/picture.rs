//! What a terminal shows, as SVG.

#![allow(clippy::expect_used, reason = "every row and column is one of the screen")]

use std::fmt::Write as _;

use vt100::{Cell, Color, Screen};

/// A cell in pixels, and the size of letters that fits it.
const CELL: (f64, f64) = (8.4, 18.0);
const FONT: u32 = 14;
/// The frame around the text.
const MARGIN: f64 = 12.0;

const BACK: &str = "#1e1e1e";
const FORE: &str = "#d4d4d4";
/// The sixteen colours of a terminal.
const COLOURS: [&str; 16] = [
    "#1e1e1e", "#f14c4c", "#23d18b", "#e5e510", "#3b8eea", "#d670d6", "#29b8db", "#d4d4d4",
    "#808080", "#f14c4c", "#23d18b", "#f5f543", "#3b8eea", "#d670d6", "#29b8db", "#ffffff",
];

/// Draws the rows of a screen up to the last one with text.
pub(crate) fn svg(screen: &Screen) -> String {
    let (rows, columns) = screen.size();
    let columns = columns.get();
    let is_used = |row: &u16| (0..columns).any(|x| cell(screen, *row, x).has_contents());
    let rows = (0..rows.get()).rfind(is_used).map_or(1, |last| last + 1);
    let width = f64::from(columns) * CELL.0 + 2.0 * MARGIN;
    let height = f64::from(rows) * CELL.1 + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" font-family=\"Menlo, Consolas, 'DejaVu Sans Mono', monospace\" \
         font-size=\"{FONT}\">\n<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{BACK}\"/>\n"
    );
    for y in 0..rows {
        let mut x = 0;
        while x < columns {
            let style = Style::of(cell(screen, y, x));
            let begin = x;
            let mut text = String::new();
            while x < columns && Style::of(cell(screen, y, x)) == style {
                let cell = cell(screen, y, x);
                if !cell.is_wide_continuation() {
                    text.push_str(if cell.has_contents() { cell.contents() } else { " " });
                }
                x += 1;
            }
            style.draw(&text, [begin, x, y], &mut svg);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn cell(screen: &Screen, row: u16, column: u16) -> &Cell {
    screen.cell(row, column).expect("it is on the screen")
}

/// How cells beside each other look.
#[derive(PartialEq)]
struct Style {
    fore: &'static str,
    back: &'static str,
    is_bold: bool,
}

impl Style {
    fn of(cell: &Cell) -> Self {
        let (mut fore, mut back) = (colour(cell.fgcolor(), FORE), colour(cell.bgcolor(), BACK));
        if cell.dim() {
            fore = COLOURS[8];
        }
        if cell.inverse() {
            std::mem::swap(&mut fore, &mut back);
        }
        Self { fore, back, is_bold: cell.bold() }
    }

    fn draw(&self, text: &str, [begin, end, row]: [u16; 3], svg: &mut String) {
        let (left, top) = (MARGIN + f64::from(begin) * CELL.0, MARGIN + f64::from(row) * CELL.1);
        let Self { fore, back, is_bold } = self;
        if *back != BACK {
            let width = f64::from(end - begin) * CELL.0;
            let _ = writeln!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{}\" \
                 fill=\"{back}\"/>",
                CELL.1
            );
        }
        let shown = text.trim_end();
        if shown.is_empty() {
            return;
        }
        let weight = if *is_bold { " font-weight=\"bold\"" } else { "" };
        let _ = writeln!(
            svg,
            "<text x=\"{left:.1}\" y=\"{:.1}\" fill=\"{fore}\"{weight} xml:space=\"preserve\">{}</text>",
            top + 13.5,
            escape(shown)
        );
    }
}

fn colour(colour: Color, otherwise: &'static str) -> &'static str {
    match colour {
        Color::Idx(index) => COLOURS.get(usize::from(index)).unwrap_or(&otherwise),
        Color::Default | Color::Rgb(..) => otherwise,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
