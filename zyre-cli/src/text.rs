//! What others sent, and numbers, made fit for one line of a terminal.

use std::fmt::Display;
use std::path::Path;

use indicatif::BinaryBytes;
use zyre::Printable;

/// How many characters of a nick are shown.
const NICK: usize = 24;
/// How many characters of a room's name are shown.
const ROOM: usize = 32;
/// How many characters of the name of a file are shown where it is one example of many.
const FILE: usize = 28;
/// How many characters of a message are shown.
const MESSAGE: usize = 2000;

/// A nick; nothing in it is invisible.
pub(crate) fn nick(raw: &str) -> String {
    name(raw, NICK)
}

/// The name of a room; nothing in it is invisible.
pub(crate) fn room(raw: &str) -> String {
    name(raw, ROOM)
}

/// The name of a file among other words, on one line with them.
pub(crate) fn file(raw: &str) -> String {
    name(raw, FILE)
}

/// A message, on one line.
pub(crate) fn message(raw: &str) -> String {
    Printable::new(raw).keep_joiners().max_chars(MESSAGE).to_string()
}

/// A number of bytes in units for people.
pub(crate) fn size(bytes: u64) -> impl Display {
    BinaryBytes(bytes)
}

/// The last characters of a text that has more than `most`, after an ellipsis: of a path the end tells most.
pub(crate) fn end_of(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let end = text.chars().skip(count - most.saturating_sub(1));
    std::iter::once('…').chain(end).collect()
}

/// A path as the user knows it: below the current directory it is relative to that.
pub(crate) fn path(path: &Path) -> String {
    let here = std::env::current_dir();
    let short = here.as_ref().ok().and_then(|here| path.strip_prefix(here).ok());
    message(&short.unwrap_or(path).display().to_string())
}

fn name(raw: &str, most: usize) -> String {
    let name = Printable::new(raw).max_chars(most).to_string();
    if name.trim().is_empty() { "(no name)".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        assert_eq!(message("hi\r\nbob: \x1b[2J\x08forged"), "hi␍␊bob: ␛[2J␈forged");
        assert_eq!(nick("\u{202e}ecila"), "\u{fffd}ecila");
        assert_eq!(room("a\u{2028}b"), "a\u{fffd}b");
    }

    #[test]
    fn people_write_as_they_like_but_names_have_nothing_invisible() {
        assert_eq!(message("👩‍👩‍👧 ❤️"), "👩‍👩‍👧 ❤️");
        assert_eq!(nick("bo\u{200d}b"), "bo\u{fffd}b");
        assert_eq!(nick(" \u{3000}"), "(no name)");
    }

    #[test]
    fn a_path_is_told_as_the_user_knows_it() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(path(&here.join("received/alice/a\u{1b}")), "received/alice/a␛");
        assert_eq!(path(Path::new("/else/where")), "/else/where");
        assert_eq!(end_of("bob /film.mkv", 13), "bob /film.mkv");
        assert_eq!(end_of("bob /films/ö/film.mkv", 12), "…/ö/film.mkv");
    }

    #[test]
    fn long_names_are_shortened() {
        assert_eq!(nick(&"x".repeat(NICK)), "x".repeat(NICK));
        assert_eq!(nick(&"ö".repeat(255)), format!("{}…", "ö".repeat(NICK - 1)));
        assert_eq!(message(&"m".repeat(5000)).chars().count(), MESSAGE);
    }
}
