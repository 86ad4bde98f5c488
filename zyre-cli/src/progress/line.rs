//! The line of a transfer that is under way, as wide as the terminal.

use console::{measure_text_width, truncate_str};

use crate::text;

/// How many columns are for who it is, and for the file, where there is room for a bar as well.
const NAME: usize = 30;

/// The fewest columns of a bar.
const BAR: usize = 8;

/// Returns the line of a transfer: what it is, how far it is, and how fast, on no more than `columns`.
pub(super) fn line(
    columns: usize,
    name: &str,
    (bytes, total): (u64, Option<u64>),
    pace: &str,
) -> String {
    let Some(total) = total else {
        return fitted(columns, name, &format!("{}, {pace}", text::size(bytes)));
    };
    let percent = percent(bytes, total);
    let tail = format!("{percent:>3} % of {}, {pace}", text::size(total));
    let name_there = text::end_of(name, NAME);
    // Two spaces, and the ends of the bar.
    let taken = measure_text_width(&name_there) + measure_text_width(&tail) + 4;
    match columns.checked_sub(taken) {
        Some(width) if width >= BAR => format!("{name_there} {} {tail}", bar(width, percent)),
        _ => fitted(columns, name, &format!("{percent:>3} %, {pace}")),
    }
}

/// Returns the end of a name, and what there is to say.
fn fitted(columns: usize, name: &str, tail: &str) -> String {
    let room = columns.saturating_sub(measure_text_width(tail) + 1);
    let line = format!("{} {tail}", text::end_of(name, room));
    truncate_str(&line, columns, "").into_owned()
}

fn bar(width: usize, percent: u64) -> String {
    let done = usize::try_from(percent).map_or(width, |percent| width * percent.min(100) / 100);
    let arrow = match done {
        0 => String::new(),
        done if done == width => "=".repeat(width),
        done => format!("{}>", "=".repeat(done - 1)),
    };
    format!("[{arrow:<width$}]")
}

fn percent(bytes: u64, total: u64) -> u64 {
    let percent = u128::from(bytes) * 100 / u128::from(total.max(1));
    u64::try_from(percent).unwrap_or(100).min(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_and_has_a_bar_where_there_is_room() {
        let line = |columns, name| line(columns, name, (1 << 20, Some(4 << 20)), "2.00 MiB/s");
        assert_eq!(
            line(70, "bob /film.mkv"),
            "bob /film.mkv [=====>                  ]  25 % of 4.00 MiB, 2.00 MiB/s"
        );
        assert_eq!(line(40, "bob /film.mkv"), "bob /film.mkv  25 %, 2.00 MiB/s");
        assert_eq!(line(28, "bob /film.mkv"), "…/film.mkv  25 %, 2.00 MiB/s");
        for columns in 0..200 {
            for name in ["", "b", "bob /a/name/that/is/much/longer/than/there/is/room/写真写真"]
            {
                let line = line(columns, name);
                assert!(measure_text_width(&line) <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn a_file_of_unknown_size_has_no_percent() {
        assert_eq!(line(80, "bob /x", (2048, None), "1.00 KiB/s"), "bob /x 2.00 KiB, 1.00 KiB/s");
        assert_eq!([percent(0, 0), percent(5, 4), percent(u64::MAX, u64::MAX)], [0, 100, 100]);
        assert_eq!([bar(8, 0), bar(8, 100)], ["[        ]", "[========]"]);
    }
}
