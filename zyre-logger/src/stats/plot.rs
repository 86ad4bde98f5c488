//! The figures as a picture.

use plotters::coord::Shift;
use plotters::prelude::*;
use zyre::Printable;

use super::figures::Stats;
use super::tally::kind;
use crate::{LogEvent, moment};

/// The size of the picture in pixels.
const SIZE: (u32, u32) = (1000, 960);

/// Lengths up to which sessions are put together, in seconds.
const LENGTHS: [(i64, &str); 9] = [
    (1, "<1s"),
    (3, "<3s"),
    (10, "<10s"),
    (30, "<30s"),
    (100, "<100s"),
    (600, "<10min"),
    (3_600, "<1h"),
    (36_000, "<10h"),
    (i64::MAX, "more"),
];

/// How many nodes have a bar.
const NODES: usize = 12;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Draws lines over time, lengths of sessions, and messages of nodes.
pub(super) fn svg(stats: &Stats) -> Result<String, String> {
    let mut text = String::new();
    draw(stats, &mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

fn draw(stats: &Stats, text: &mut String) -> Drawn {
    let root = SVGBackend::with_string(text, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let parts = root.split_evenly((3, 1));
    if let [time, sessions, messages] = parts.as_slice() {
        over_time(time, stats)?;
        session_lengths(sessions, stats)?;
        talkers(messages, stats)?;
    }
    root.present()?;
    Ok(())
}

fn over_time(area: &Area<'_>, stats: &Stats) -> Drawn {
    let part = stats.seconds() / stats.parts.len().max(1) as f64;
    let rate = |count: u64| count as f64 / part;
    let most = stats.parts.iter().flatten().copied().max().unwrap_or(0).max(1);
    let mut chart = ChartBuilder::on(area)
        .caption("events a second", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..stats.seconds(), 0.0..rate(most) * 1.05)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_label_formatter(&|seconds| {
            moment::time_of_day(stats.time.0.saturating_add((seconds * 1e6) as i64))
        })
        .draw()?;
    let kinds = [
        (LogEvent::Enter, GREEN.mix(0.9)),
        (LogEvent::Exit, RED.mix(0.9)),
        (LogEvent::Join, CYAN.mix(0.9)),
        (LogEvent::Leave, MAGENTA.mix(0.9)),
        (LogEvent::Send, BLUE.mix(0.9)),
        (LogEvent::Recv, BLACK.mix(0.6)),
    ];
    for (event, color) in kinds {
        let kind = kind(event);
        if stats.parts.iter().all(|counts| counts[kind] == 0) {
            continue;
        }
        let points = stats.parts.iter().enumerate();
        let points = points.map(|(i, counts)| ((i as f64 + 0.5) * part, rate(counts[kind])));
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)))?
            .label(event.to_string())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(())
}

fn session_lengths(area: &Area<'_>, stats: &Stats) -> Drawn {
    let mut counts = [0_u64; LENGTHS.len()];
    for length in stats.nodes.iter().flat_map(|node| &node.sessions.ended) {
        let found = LENGTHS.iter().position(|(bound, _)| length / moment::SECOND < *bound);
        counts[found.unwrap_or(LENGTHS.len() - 1)] += 1;
    }
    let bars: Vec<_> =
        LENGTHS.iter().zip(counts).map(|((_, name), n)| ((*name).to_owned(), n as f64)).collect();
    bar_chart(area, "sessions by length, as observers saw them", &bars, GREEN.mix(0.6))
}

fn talkers(area: &Area<'_>, stats: &Stats) -> Drawn {
    let mut nodes: Vec<_> = stats
        .nodes
        .iter()
        .map(|node| (node.tally.sent + node.tally.received, node.name.as_str()))
        .filter(|(messages, _)| *messages > 0)
        .collect();
    nodes.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let bars: Vec<_> = nodes
        .iter()
        .take(NODES)
        .map(|(n, name)| {
            (Printable::new(name).max_chars(12).to_string(), *n as f64 / stats.seconds())
        })
        .collect();
    bar_chart(area, "messages a second, sent and received", &bars, BLUE.mix(0.6))
}

fn bar_chart(area: &Area<'_>, title: &str, bars: &[(String, f64)], color: RGBAColor) -> Drawn {
    let most = bars.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let most = if most > 0.0 { most * 1.05 } else { 1.0 };
    let count = bars.len().max(1);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(60)
        .build_cartesian_2d((0..count - 1).into_segmented(), 0.0..most)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .x_labels(count)
        .x_label_formatter(&|position| match position {
            SegmentValue::CenterOf(i) => bars.get(*i).map_or_else(String::new, |bar| bar.0.clone()),
            _ => String::new(),
        })
        .draw()?;
    chart.draw_series(bars.iter().enumerate().map(|(i, (_, value))| {
        let corners = [(SegmentValue::Exact(i), 0.0), (SegmentValue::Exact(i + 1), *value)];
        let mut bar = Rectangle::new(corners, color.filled());
        bar.set_margin(0, 0, 6, 6);
        bar
    }))?;
    Ok(())
}
