//! Text for people.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::iter;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use zyre::Printable;

/// Tells the user something on standard error, if anybody reads that.
pub fn say(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "zyre-logger: {text}");
}

/// Returns a name or an endpoint from the network fit for a terminal; nothing in it is invisible.
pub(crate) fn name(raw: &str) -> String {
    Printable::new(raw).to_string()
}

/// Returns the data of a line fit for a terminal.
pub(crate) fn data(raw: &str) -> String {
    Printable::new(raw).keep_joiners().to_string()
}

/// Cuts or pads a text to exactly `columns` columns of a terminal.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let mut fitted = String::with_capacity(columns);
    let mut used = 0;
    let too_long = text.width() > columns;
    let room = if too_long { columns.saturating_sub(1) } else { columns };
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if used + width > room {
            break;
        }
        used += width;
        fitted.push(c);
    }
    if too_long && columns > 0 {
        fitted.push('…');
        used += 1;
    }
    fitted.extend(iter::repeat_n(' ', columns.saturating_sub(used)));
    fitted
}

/// Returns the text of `error` and of its causes; a cause that says nothing new is left out.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let causes = iter::successors(error.source(), |&cause| cause.source());
    // The text of an error of rusqlite tells what its code means.
    let causes = causes.filter(|cause| !cause.is::<rusqlite::ffi::Error>());
    causes.map(ToString::to_string).fold(error.to_string(), |text, cause| {
        if text.ends_with(&cause) { text } else { format!("{text}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn text_takes_its_columns() {
        assert_eq!(fit("ab", 4), "ab  ");
        assert_eq!(fit("abcde", 4), "abc…");
        assert_eq!(fit("日本語", 4), "日… ");
        assert_eq!(fit("日本", 4), "日本");
    }
}
