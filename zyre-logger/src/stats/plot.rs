//! The figures as a picture.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
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

const BARS: RGBColor = RGBColor(0x56, 0xb4, 0xe9);

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
    let (parts, part) = bins(stats);
    let rate = |count: u64| count as f64 / part;
    let most = parts.iter().flatten().copied().max().unwrap_or(0).max(1);
    let mut chart = ChartBuilder::on(area)
        .caption("events a second", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..stats.seconds(), 0.0..rate(most) * 1.05)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("time of arrival")
        .y_desc("lines a second")
        .x_label_formatter(&|seconds| {
            moment::time_of_day(stats.time.0.saturating_add((seconds * 1e6) as i64))
        })
        .draw()?;
    let kinds = [
        // What is hidden by another line comes last, and the widest first.
        (LogEvent::Recv, RGBColor(0x88, 0x88, 0x88), 5),
        (LogEvent::Send, RGBColor(0x00, 0x72, 0xb2), 2),
        (LogEvent::Enter, RGBColor(0x00, 0x9e, 0x73), 2),
        (LogEvent::Exit, RGBColor(0xd5, 0x5e, 0x00), 2),
        (LogEvent::Join, RGBColor(0x56, 0xb4, 0xe9), 2),
        (LogEvent::Leave, RGBColor(0xcc, 0x79, 0xa7), 2),
    ];
    for (event, color, width) in kinds {
        let kind = kind(event);
        if parts.iter().all(|counts| counts[kind] == 0) {
            continue;
        }
        let points = parts.iter().enumerate();
        let points = points.map(|(i, counts)| ((i as f64 + 0.5) * part, rate(counts[kind])));
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(width)))?
            .label(event.to_string())
            .legend(move |(x, y)| {
                PathElement::new([(x, y), (x + 16, y)], color.stroke_width(width))
            });
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(())
}

/// Returns lines by kind in parts of the time, and how many seconds a part takes: one at least, since a
/// node's clock has no more places, and a burst is no rate.
fn bins(stats: &Stats) -> (Vec<[u64; 7]>, f64) {
    let fine = stats.seconds() / stats.parts.len().max(1) as f64;
    let together = (1.0 / fine).ceil().clamp(1.0, stats.parts.len().max(1) as f64) as usize;
    let parts = stats.parts.chunks(together).map(|chunk| {
        let mut sum = [0; 7];
        for counts in chunk {
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        sum
    });
    (parts.collect(), fine * together as f64)
}

fn session_lengths(area: &Area<'_>, stats: &Stats) -> Drawn {
    let mut counts = [0_u64; LENGTHS.len()];
    for length in stats.nodes.iter().flat_map(|node| &node.sessions.ended) {
        let found = LENGTHS.iter().position(|(bound, _)| length / moment::SECOND < *bound);
        counts[found.unwrap_or(LENGTHS.len() - 1)] += 1;
    }
    let bars: Vec<_> =
        LENGTHS.iter().zip(counts).map(|((_, name), n)| ((*name).to_owned(), n as f64)).collect();
    if counts.iter().all(|count| *count == 0) {
        return nothing(area, "no session has ended");
    }
    bar_chart(area, ["sessions by length, as observers saw them", "length", "sessions"], &bars)
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
    if bars.is_empty() {
        return nothing(area, "no messages were logged: nodes do with Builder::log_messages(true)");
    }
    bar_chart(area, ["messages a second, sent and received", "node", "messages a second"], &bars)
}

/// Says why there is no chart.
fn nothing(area: &Area<'_>, why: &str) -> Drawn {
    let (width, height) = area.dim_in_pixel();
    let middle = Pos::new(HPos::Center, VPos::Center);
    let style = ("sans-serif", 18).into_text_style(area).pos(middle);
    let at = (i32::try_from(width / 2)?, i32::try_from(height / 2)?);
    area.draw_text(why, &style, at)?;
    Ok(())
}

fn bar_chart(area: &Area<'_>, [title, x, y]: [&str; 3], bars: &[(String, f64)]) -> Drawn {
    let most = bars.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let most = if most > 0.0 { most * 1.05 } else { 1.0 };
    let count = bars.len().max(1);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d((0..count - 1).into_segmented(), 0.0..most)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .x_desc(x)
        .y_desc(y)
        .x_labels(count)
        .x_label_formatter(&|position| match position {
            SegmentValue::CenterOf(i) => bars.get(*i).map_or_else(String::new, |bar| bar.0.clone()),
            _ => String::new(),
        })
        .draw()?;
    chart.draw_series(bars.iter().enumerate().map(|(i, (_, value))| {
        let corners = [(SegmentValue::Exact(i), 0.0), (SegmentValue::Exact(i + 1), *value)];
        let mut bar = Rectangle::new(corners, BARS.filled());
        bar.set_margin(0, 0, 6, 6);
        bar
    }))?;
    Ok(())
}
