//! Lines on standard output and standard error, above the progress bars if there are any.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::sync::LazyLock;

use console::Term;
use indicatif::{MultiProgress, ProgressDrawTarget};

use crate::interrupt;
use crate::wrap::wrap;

/// The progress bars of this program. Without a terminal none are drawn.
static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stdout()));

/// Returns where progress bars are drawn.
pub(crate) fn bars() -> &'static MultiProgress {
    &BARS
}

/// Prints a line for people on standard error, if anybody reads it. In a terminal it is cut between words.
pub(crate) fn warning(line: impl Display) {
    let line = fitted(&line.to_string(), &Term::stderr());
    BARS.suspend(|| {
        let _ = writeln!(io::stderr().lock(), "{line}");
    });
}

/// Prints a line for people. In a terminal it is cut between words. If nobody reads lines any more, as after
/// `head`, the command ends.
pub(crate) fn line(line: impl Display) {
    record(fitted(&line.to_string(), &Term::stdout()));
}

/// Prints a line for programs, as it is. If nobody reads them any more the command ends.
pub(crate) fn record(line: impl Display) {
    BARS.suspend(|| {
        let mut out = io::stdout().lock();
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            interrupt::end();
        }
    });
}

/// Returns how many columns the standard output has.
pub(crate) fn columns() -> usize {
    let (_, columns) = Term::stdout().size();
    columns.into()
}

/// Cuts lines for the terminal that the standard output is; elsewhere they stay as they are.
pub(crate) fn fit(lines: &str) -> String {
    let terminal = Term::stdout();
    let lines: Vec<String> = lines.split('\n').map(|line| fitted(line, &terminal)).collect();
    lines.join("\n")
}

fn fitted(line: &str, terminal: &Term) -> String {
    match terminal.size_checked() {
        Some((_, columns)) => wrap(line, columns.into()),
        None => line.to_owned(),
    }
}
