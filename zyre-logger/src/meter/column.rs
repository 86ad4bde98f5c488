//! The columns of the table of nodes.

use ratatui::layout::Alignment;
use ratatui::style::{Color, Stylize};
use ratatui::text::Line;
use ratatui::widgets::Cell;

use super::format::{rate, thousands};
use super::node::Node;
use crate::presence::Presence;
use crate::rate::{MEAN, SECONDS};
use crate::text::fit;

/// Seconds behind one mark of a node's history.
const MARK: usize = 3;

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    State,
    Name,
    Endpoint,
    Groups,
    Rate,
    History,
    Lines,
    Warnings,
}

/// Returns the columns for which there is room.
pub(super) fn columns(width: u16) -> Vec<Column> {
    use Column::{Endpoint, Groups, History, Lines, Name, Rate, State, Warnings};
    match width {
        ..60 => vec![State, Name, Rate, Lines],
        60..76 => vec![State, Name, Groups, Rate, Lines],
        76..96 => vec![State, Name, Groups, Rate, History, Lines],
        96..110 => vec![State, Name, Groups, Rate, History, Lines, Warnings],
        _ => vec![State, Name, Endpoint, Groups, Rate, History, Lines, Warnings],
    }
}

/// Returns the widths of these columns in a table of this width: the groups have the rest.
pub(super) fn widths(columns: &[Column], width: u16) -> Vec<u16> {
    let fixed: u16 = columns.iter().filter_map(|column| column.width()).sum();
    // The frame, and a column between each two.
    let between = u16::try_from(columns.len() + 1).unwrap_or(u16::MAX);
    let rest = width.saturating_sub(fixed.saturating_add(between));
    columns.iter().map(|column| column.width().unwrap_or(rest)).collect()
}

impl Column {
    /// Returns the width; `None` if it has the rest.
    const fn width(self) -> Option<u16> {
        match self {
            Self::State | Self::Lines => Some(9),
            Self::Name => Some(14),
            Self::Endpoint => Some(21),
            Self::Groups => None,
            Self::Rate => Some(7),
            Self::History => Some((SECONDS / MARK) as u16),
            Self::Warnings => Some(8),
        }
    }

    pub(super) fn head(self) -> Cell<'static> {
        match self {
            Self::State => Cell::from("state"),
            Self::Name => Cell::from("name"),
            Self::Endpoint => Cell::from("endpoint"),
            Self::Groups => Cell::from("groups"),
            Self::Rate => right("rate".to_owned()),
            Self::History => Cell::from("last minute"),
            Self::Lines => right("lines".to_owned()),
            Self::Warnings => right("warnings".to_owned()),
        }
    }

    pub(super) fn cell(self, node: &Node, width: u16) -> Cell<'static> {
        match self {
            Self::State => {
                Cell::from(format!("● {}", node.presence.as_str())).fg(color(node.presence))
            }
            Self::Name => Cell::from(fit(&node.name, width.into())),
            Self::Endpoint => {
                let endpoint = node.endpoint.strip_prefix("tcp://").unwrap_or(&node.endpoint);
                Cell::from(fit(endpoint, width.into()))
            }
            Self::Groups => {
                let groups: Vec<&str> = node.groups.iter().map(String::as_str).collect();
                Cell::from(fit(&groups.join(" "), width.into()))
            }
            Self::Rate => right(rate(node.rate.mean(MEAN))),
            Self::History => Cell::from(marks(&node.rate.history())).cyan(),
            Self::Lines => right(thousands(node.lines)),
            Self::Warnings if node.warnings > 0 => right(thousands(node.warnings)).yellow(),
            Self::Warnings => right("0".to_owned()),
        }
    }
}

const fn color(presence: Presence) -> Color {
    match presence {
        Presence::Present => Color::Green,
        Presence::Evasive => Color::Yellow,
        Presence::Silent => Color::Red,
        Presence::Unseen => Color::Blue,
        Presence::Gone => Color::DarkGray,
    }
}

fn right(text: String) -> Cell<'static> {
    Cell::from(Line::from(text).alignment(Alignment::Right))
}

/// Draws the last minute as a row of marks.
fn marks(history: &[u32; SECONDS]) -> String {
    const MARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let sums = history.chunks(MARK).map(|chunk| chunk.iter().map(|n| u64::from(*n)).sum::<u64>());
    let most = sums.clone().max().unwrap_or(0).max(1);
    let mark = |sum: u64| {
        let level = (sum * 8).div_ceil(most);
        level.checked_sub(1).and_then(|level| MARKS.get(usize::try_from(level).ok()?))
    };
    sums.map(|sum| mark(sum).copied().unwrap_or(' ')).collect()
}
