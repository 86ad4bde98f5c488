//! The screen.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Clear, Paragraph, Row, Sparkline, Table};

use super::column::{columns, widths};
use super::format::{rate, thousands};
use super::node::Node;
use super::state::State;
use super::view::View;
use crate::presence::Presence;
use crate::rate::{MEAN, SECONDS};
use crate::text::{self, fit};
use crate::{LogEvent, moment};

const KEYS: &str = " q quit   s sort   r reverse   / filter   p pause   ↑↓ scroll   ? help";

const HELP: [&str; 17] = [
    " q, Ctrl-C   end",
    " s           sort by rate, name, state, lines, warnings",
    " r           the other way round",
    " /           filter by name, id, endpoint or group;",
    "             Enter keeps the filter, Esc removes it",
    " p, space    pause: time stands still on the screen",
    " ↑ ↓ j k     scroll; PageUp, PageDown, Home, End",
    " ?, h        this page",
    "",
    " Rates are lines a second over the last ten seconds.",
    " The marks of a node are its last minute, three seconds",
    " each. `unseen` means: it writes lines, but this node",
    " has not met it. Numbers such as #1a2b are correlation",
    " ids that are not known to be a node.",
    "",
    " A node keeps a log if it is started with",
    " Builder::logging; those of `zyre` do by themselves.",
];

/// Draws everything. `place` says where it comes from.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, view: &View, place: &str) {
    let area = frame.area();
    let tall = |rows| if area.height >= rows { 1 } else { 0 };
    let (rates, warnings) = (6 * tall(14), 6 * tall(22));
    let [head, top, middle, bottom, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(rates),
        Constraint::Min(1),
        Constraint::Length(warnings),
        Constraint::Length(1),
    ])
    .areas(area);
    title(frame, head, state, view, place);
    if rates > 0 {
        let [left, right] = Layout::horizontal([
            Constraint::Min(20),
            Constraint::Length(if area.width < 100 { 28 } else { 34 }),
        ])
        .areas(top);
        totals(frame, left, state);
        talkers(frame, right, state);
    }
    nodes(frame, middle, state, view);
    if warnings > 0 {
        last_warnings(frame, bottom, state);
    }
    let keys = if view.editing {
        format!(" filter: {}▏  Enter keeps it, Esc removes it", text::name(&view.filter))
    } else {
        KEYS.to_owned()
    };
    frame.render_widget(Line::from(keys).dark_gray(), foot);
    if view.help {
        help(frame, area);
    }
}

fn title(frame: &mut Frame<'_>, area: Rect, state: &State, view: &View, place: &str) {
    let mut spans = vec![
        Span::from(" zyre-logger ").reversed(),
        Span::from(format!(" {place} ")),
        Span::from(moment::time_of_day(state.now())).bold(),
        Span::from(format!("  {} present  {} lines", state.present(), thousands(state.lines()))),
    ];
    if state.silent() > 0 {
        spans.push(Span::from(format!("  {} keep no log: ?", state.silent())).dark_gray());
    }
    if state.lost() > 0 {
        spans.push(Span::from(format!("  LOST {}", thousands(state.lost()))).red().bold());
    }
    if state.dropped() > 0 {
        let dropped = format!("  {} foreign dropped", thousands(state.dropped()));
        spans.push(Span::from(dropped).yellow());
    }
    if state.is_crowded() {
        spans.push(Span::from("  more nodes than shown").yellow());
    }
    if view.paused {
        spans.push(Span::from("  PAUSED").yellow().bold());
    }
    frame.render_widget(Line::from(spans), area);
}

fn totals(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let title = format!(" lines a second: {} ", rate(state.rate().mean(MEAN)));
    let block = Block::bordered().title(title);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [chart, kinds] = Layout::vertical([Constraint::Min(1), Constraint::Length(1)]).areas(inner);
    // The current second is not over yet.
    let history = state.rate().history().map(u64::from);
    let over = &history[..SECONDS - 1];
    let shown = over.len().min(usize::from(chart.width));
    let sparkline = Sparkline::default()
        .data(&over[over.len() - shown..])
        .style(Style::default().fg(Color::Cyan));
    let right = Rect {
        x: chart.right().saturating_sub(u16::try_from(shown).unwrap_or(0)),
        width: u16::try_from(shown).unwrap_or(0),
        ..chart
    };
    frame.render_widget(sparkline, right);
    let events = [
        LogEvent::Enter,
        LogEvent::Exit,
        LogEvent::Join,
        LogEvent::Leave,
        LogEvent::Send,
        LogEvent::Recv,
    ];
    let counts: Vec<String> = events
        .into_iter()
        .map(|event| format!("{event} {}", thousands(state.kind(event))))
        .collect();
    frame.render_widget(Line::from(counts.join("  ")), kinds);
}

fn talkers(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let block = Block::bordered().title(" top talkers ");
    let inner = block.inner(area);
    let mut talkers: Vec<(f64, &Node)> = state
        .others()
        .map(|node| (node.rate.mean(MEAN), node))
        .filter(|(rate, _)| *rate > 0.0)
        .collect();
    talkers.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.name.cmp(&other.name)));
    let most = talkers.first().map_or(1.0, |(rate, _)| *rate);
    let rows = talkers.iter().take(inner.height.into()).map(|(mean, node)| {
        let bar = "▇".repeat(((mean / most) * 8.0).ceil() as usize);
        Row::new([
            Cell::from(fit(&node.name, 14)),
            Cell::from(Line::from(rate(*mean)).alignment(Alignment::Right)),
            Cell::from(bar).cyan(),
        ])
    });
    let widths = [Constraint::Length(14), Constraint::Length(7), Constraint::Length(8)];
    frame.render_widget(Table::new(rows, widths).block(block), area);
}

fn nodes(frame: &mut Frame<'_>, area: Rect, state: &State, view: &View) {
    let shown = view.nodes(state);
    let all = state.nodes().count();
    let mut title = format!(" nodes: {all}, by {}", view.sort.as_str());
    if view.reversed {
        title += ", reversed";
    }
    if !view.filter.is_empty() {
        title +=
            &format!(", {} with “{}”", shown.len(), fit(&text::name(&view.filter), 20).trim_end());
    }
    title.push(' ');
    let block = Block::bordered().title(title);
    let room = usize::from(area.height.saturating_sub(3));
    let scroll = view.scroll.min(shown.len().saturating_sub(room));
    let rows = shown.into_iter().skip(scroll).take(room);
    let columns = columns(area.width);
    let widths = widths(&columns, area.width);
    let head = columns.iter().map(|column| column.head());
    let head = Row::new(head).style(Style::default().add_modifier(Modifier::BOLD));
    let rows = rows.map(|node| {
        let cells = columns.iter().zip(&widths).map(|(column, width)| column.cell(node, *width));
        let row = Row::new(cells);
        if node.presence == Presence::Gone { row.dark_gray() } else { row }
    });
    let lengths = widths.iter().map(|width| Constraint::Length(*width));
    frame.render_widget(Table::new(rows, lengths).header(head).block(block), area);
}

fn last_warnings(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let block = Block::bordered().title(" last warnings ");
    let inner = block.inner(area);
    let room = inner.height.into();
    // Beside the time and the kind.
    let width = usize::from(inner.width).saturating_sub(8 + 11);
    let lines: Vec<Line<'_>> = state
        .warnings()
        .iter()
        .rev()
        .take(room)
        .map(|warning| {
            let color = if warning.error { Color::Red } else { Color::Yellow };
            Line::from(vec![
                Span::from(moment::time_of_day(warning.at)),
                Span::from(if warning.error { "  error    " } else { "  warning  " }).fg(color),
                Span::from(fit(&format!("{}  {}", warning.who, warning.text), width)),
            ])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn help(frame: &mut Frame<'_>, area: Rect) {
    let rows = u16::try_from(HELP.len()).unwrap_or(0) + 2;
    let (width, height) = (58.min(area.width), rows.min(area.height));
    let middle = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    frame.render_widget(Clear, middle);
    frame.render_widget(
        Paragraph::new(HELP.map(Line::from).to_vec()).block(Block::bordered().title(" keys ")),
        middle,
    );
}
