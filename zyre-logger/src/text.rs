//! Text for people.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::iter;

use textwrap::{Options, WordSplitter};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use zyre::Printable;

/// How far what follows of a line that was cut is indented.
pub(crate) const INDENT: usize = 4;

/// Tells the user something on standard error, if anybody reads that.
pub fn say(text: impl Display) {
    let mut text = for_terminal(&format!("zyre-logger: {text}"));
    text.push('\n');
    // In one piece: what another thread prints must not come before the end of the line.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Cuts a text between words for the terminal that standard error is; elsewhere it stays as it is.
#[must_use]
pub fn for_terminal(text: &str) -> String {
    let size = terminal_size::terminal_size_of(io::stderr());
    let columns = size.map(|(terminal_size::Width(columns), _)| columns.into());
    lines(text, columns, INDENT)
}

/// Returns a name or an endpoint from the network fit for a terminal; nothing in it is invisible.
pub(crate) fn name(raw: &str) -> String {
    Printable::new(raw).to_string()
}

/// Returns the data of a line fit for a terminal.
pub(crate) fn data(raw: &str) -> String {
    Printable::new(raw).keep_joiners().to_string()
}

/// Returns how many columns the terminal has that the standard output is; `None` if it is none.
pub(crate) fn columns() -> Option<usize> {
    let size = terminal_size::terminal_size_of(io::stdout());
    size.map(|(terminal_size::Width(columns), _)| columns.into())
}

/// Cuts each line of a text between words, if there is a terminal with this number of columns.
pub(crate) fn lines(text: &str, columns: Option<usize>, indent: usize) -> String {
    let Some(columns) = columns else { return text.to_owned() };
    let lines: Vec<String> = text.split('\n').map(|line| wrap(line, columns, indent)).collect();
    lines.join("\n")
}

/// Cuts a line between words where they do not fit `columns`; what follows is indented. A word that is
/// wider is not cut.
fn wrap(line: &str, columns: usize, indent: usize) -> String {
    let indent = " ".repeat(indent);
    let options = Options::new(columns).subsequent_indent(&indent).break_words(false);
    textwrap::fill(line, options.word_splitter(WordSplitter::NoHyphenation))
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
    use super::{fit, lines, wrap};

    #[test]
    fn a_line_is_cut_between_words() {
        let line = "12:00  alice   EXIT goodbye";
        assert_eq!(wrap(line, 40, 4), line);
        assert_eq!(wrap(line, 20, 4), "12:00  alice   EXIT\n    goodbye");
        assert_eq!(wrap(line, 20, 7), "12:00  alice   EXIT\n       goodbye");
        assert_eq!(wrap("12:00  alice        EXIT", 18, 4), "12:00  alice\n    EXIT");
        assert_eq!(wrap("日本語 日本語", 12, 4), "日本語\n    日本語");
        assert_eq!(lines("one two\nsix\n", Some(5), 1), "one\n two\nsix\n");
        assert_eq!(lines(line, None, 4), line);
    }

    #[test]
    fn text_takes_its_columns() {
        assert_eq!(fit("ab", 4), "ab  ");
        assert_eq!(fit("abcde", 4), "abc…");
        assert_eq!(fit("日本語", 4), "日… ");
        assert_eq!(fit("日本", 4), "日本");
    }
}
