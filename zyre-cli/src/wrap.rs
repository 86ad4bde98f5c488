//! Long lines, cut between words.

use textwrap::{Options, WordSplitter};

/// How far the second line of a sentence, and those after it, are indented.
const INDENT: &str = "  ";

/// Cuts a line between words, so that none is wider than `width` columns, if its words are not. A word
/// that is wider, such as a path, is not cut, so it can be copied.
pub(crate) fn wrap(line: &str, width: usize) -> String {
    let options = Options::new(width).subsequent_indent(INDENT).break_words(false);
    textwrap::fill(line, options.word_splitter(WordSplitter::NoHyphenation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_between_words_and_words_are_not() {
        for (line, wrapped) in [
            ("", ""),
            ("short", "short"),
            ("ten column", "ten column"),
            ("ten columns", "ten\n  columns"),
            ("one two three four", "one two\n  three\n  four"),
            ("is at /a/very/long/path here", "is at\n  /a/very/long/path\n  here"),
            ("/a/very/long/path", "/a/very/long/path"),
            ("  a  b", "  a  b"),
            ("写真 写真 写真", "写真 写真\n  写真"),
            // Colours take no room.
            ("\x1b[31mten\x1b[0m column", "\x1b[31mten\x1b[0m column"),
        ] {
            assert_eq!(wrap(line, 10), wrapped, "{line:?}");
        }
    }
}
