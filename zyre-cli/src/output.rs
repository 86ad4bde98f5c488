//! Lines on standard output.

use std::fmt::Display;
use std::io::{self, Write as _};

use crate::interrupt;

/// Prints a line on standard error, if anybody reads it.
pub(crate) fn warning(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Prints a line. If nobody reads them any more, as after `head`, the command ends.
pub(crate) fn line(line: impl Display) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        interrupt::end();
    }
}
