//! Printing that does not panic when nobody reads any more, as after `head`: the program ends.
//!
//! The macros have the names of those of the standard library, so that no line of this program is printed
//! in another way.

use std::fmt::{Arguments, Display};
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use console::Term;
use textwrap::{Options, WordSplitter};

/// Whether the standard output is for the result alone, as JSON, and text for people goes to standard error.
static IS_FOR_RESULT: AtomicBool = AtomicBool::new(false);
/// Whether lines of JSON are wanted on a terminal too.
static IS_JSON_WANTED: AtomicBool = AtomicBool::new(false);

/// The exit status of a program that has written where nobody reads: what a shell says of one that was
/// ended by SIGPIPE.
const NOBODY_READS: i32 = 128 + 13;

macro_rules! print {
    ($($argument:tt)*) => { $crate::output::out(format_args!($($argument)*)) };
}

macro_rules! println {
    () => { $crate::output::out(format_args!("\n")) };
    ($($argument:tt)*) => { $crate::output::text(format_args!($($argument)*)) };
}

macro_rules! eprint {
    ($($argument:tt)*) => { $crate::output::error(format_args!($($argument)*)) };
}

macro_rules! eprintln {
    () => { $crate::output::error(format_args!("\n")) };
    ($($argument:tt)*) => { $crate::output::error_text(format_args!($($argument)*)) };
}

/// Keeps the standard output for the result. Text for people goes to standard error from now on.
pub(crate) fn keep_for_result() {
    IS_FOR_RESULT.store(true, Ordering::Relaxed);
}

/// Prints lines of JSON on a terminal too, from now on, if they `are_wanted`.
pub(crate) fn want_json(are_wanted: bool) {
    IS_JSON_WANTED.store(are_wanted, Ordering::Relaxed);
}

/// Writes text for people; ends the program if nobody reads it.
pub(crate) fn out(text: Arguments<'_>) {
    if IS_FOR_RESULT.load(Ordering::Relaxed) { error(text) } else { result(text) }
}

/// Writes to standard error; ends the program if nobody reads it.
pub(crate) fn error(text: Arguments<'_>) {
    end_unless(io::stderr().lock().write_fmt(text));
}

/// Writes to standard output; ends the program if nobody reads it.
pub(crate) fn result(text: Arguments<'_>) {
    end_unless(io::stdout().lock().write_fmt(text));
}

/// Writes a line of JSON to standard output, where programs read it. A person at a terminal sees it only if
/// they [want](want_json) it.
pub(crate) fn record(json: impl Display) {
    if IS_JSON_WANTED.load(Ordering::Relaxed) || !io::stdout().is_terminal() {
        result(format_args!("{json}\n"));
    }
}

/// Returns how many columns the terminal has that shows text for people; `None` if none does.
pub(crate) fn columns() -> Option<usize> {
    if IS_FOR_RESULT.load(Ordering::Relaxed) {
        return error_columns();
    }
    Term::stdout().size_checked().map(|(_, columns)| columns.into())
}

/// Returns how many columns the terminal has that the standard error is; `None` if it is none.
pub(crate) fn error_columns() -> Option<usize> {
    Term::stderr().size_checked().map(|(_, columns)| columns.into())
}

/// Writes lines for people. In a terminal they are cut between words, and go on a little further to the
/// right than they began.
pub(crate) fn text(text: impl Display) {
    for line in text.to_string().split('\n') {
        out(format_args!("{}\n", fit(line, columns(), below(line))));
    }
}

/// Writes lines to standard error, as [`text`] does.
pub(crate) fn error_text(text: impl Display) {
    for line in text.to_string().split('\n') {
        error(format_args!("{}\n", fit(line, error_columns(), below(line))));
    }
}

/// Returns where what follows of a line begins.
fn below(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len() + 2
}

/// Writes lines for people. In a terminal they are cut between words; what follows is indented by this
/// number of columns.
pub(crate) fn lines(text: impl Display, indent: usize) {
    for line in text.to_string().lines() {
        out(format_args!("{}\n", fit(line, columns(), indent)));
    }
}

/// Writes lines to standard error, as [`lines`] does.
pub(crate) fn error_lines(text: impl Display, indent: usize) {
    for line in text.to_string().lines() {
        error(format_args!("{}\n", fit(line, error_columns(), indent)));
    }
}

/// Cuts a line for a terminal with this number of columns, if it is one.
fn fit(line: &str, columns: Option<usize>, indent: usize) -> String {
    columns.map_or_else(|| line.to_owned(), |columns| wrap(line, columns, indent))
}

/// Cuts a line between words where they do not fit `columns`. A word that is wider is not cut.
fn wrap(line: &str, columns: usize, indent: usize) -> String {
    // In a narrow terminal the text matters more than where it begins.
    let indent = " ".repeat(if indent * 2 > columns { 2 } else { indent });
    let options = Options::new(columns).subsequent_indent(&indent).break_words(false);
    textwrap::fill(line, options.word_splitter(WordSplitter::NoHyphenation))
}

fn end_unless(written: io::Result<()>) {
    if written.is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        std::process::exit(NOBODY_READS);
    }
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn a_row_is_cut_between_words_and_goes_on_below_its_text() {
        let row = "peers   12 ENTER, 13 EXIT (7 goodbye)";
        assert_eq!(wrap(row, 80, 8), row);
        assert_eq!(wrap(row, 20, 8), "peers   12 ENTER, 13\n        EXIT (7\n        goodbye)");
        assert_eq!(wrap(row, 12, 8), "peers   12\n  ENTER, 13\n  EXIT (7\n  goodbye)");
        assert_eq!(wrap("/a/long/path x", 5, 0), "/a/long/path\nx");
    }
}
