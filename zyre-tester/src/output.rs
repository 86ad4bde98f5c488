//! Printing that does not panic when nobody reads any more, as after `head`: the program ends.
//!
//! The macros have the names of those of the standard library, so that no line of this program is printed
//! in another way.

use std::fmt::Arguments;
use std::io::{self, Write};

/// The exit status of a program that has written where nobody reads: what a shell says of one that was
/// ended by SIGPIPE.
const NOBODY_READS: i32 = 128 + 13;

macro_rules! print {
    ($($argument:tt)*) => { $crate::output::out(format_args!($($argument)*)) };
}

macro_rules! println {
    () => { $crate::output::out(format_args!("\n")) };
    ($($argument:tt)*) => {
        $crate::output::out(format_args!("{}\n", format_args!($($argument)*)))
    };
}

macro_rules! eprint {
    ($($argument:tt)*) => { $crate::output::error(format_args!($($argument)*)) };
}

macro_rules! eprintln {
    () => { $crate::output::error(format_args!("\n")) };
    ($($argument:tt)*) => {
        $crate::output::error(format_args!("{}\n", format_args!($($argument)*)))
    };
}

/// Writes to standard output; ends the program if nobody reads it.
pub(crate) fn out(text: Arguments<'_>) {
    end_unless(io::stdout().lock().write_fmt(text));
}

/// Writes to standard error; ends the program if nobody reads it.
pub(crate) fn error(text: Arguments<'_>) {
    end_unless(io::stderr().lock().write_fmt(text));
}

fn end_unless(written: io::Result<()>) {
    if written.is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        std::process::exit(NOBODY_READS);
    }
}
