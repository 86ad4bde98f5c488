//! Text from the network, made safe for terminals and log lines.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// Stands for a character that has no sign of its own.
const REPLACEMENT: char = '\u{fffd}';

/// Text from the network that is displayed without doing anything to a terminal or a log line.
///
/// Anybody on the network chooses names, groups, and contents. Displayed through this type, they
/// cannot move the cursor, change colours, begin a line, write backwards, or differ from other text
/// in something that is invisible. Each such character is displayed as exactly one other:
///
/// | characters | displayed as |
/// |---|---|
/// | tab | a space |
/// | control characters of ASCII (U+0000 to U+001F, U+007F) | their pictures: `␊`, `␛`, `␡` |
/// | control characters of Latin-1 (U+0080 to U+009F) | `U+FFFD` |
/// | marks, embeddings, overrides, and isolates of the direction of writing | `U+FFFD` |
/// | separators of lines and paragraphs | `U+FFFD` |
/// | what has no width and no ink: zero-width spaces, fillers, tags, annotations | `U+FFFD` |
/// | joiners and variation selectors, unless they are [kept](Self::keep_joiners) | `U+FFFD` |
///
/// Everything else stays as it is, combining marks and the private use area included.
///
/// # Examples
///
/// ```
/// use zmtp::Printable;
///
/// let name = "alice\r\n\u{1b}[31mroot";
/// assert_eq!(Printable::new(name).to_string(), "alice␍␊␛[31mroot");
/// assert_eq!(Printable::from_bytes(b"caf\xe9\x07").to_string(), "caf\u{fffd}␇");
/// assert_eq!(Printable::new("a long name").max_chars(6).to_string(), "a lon…");
/// ```
#[derive(Clone, Debug)]
pub struct Printable<'a> {
    text: Cow<'a, str>,
    max_chars: usize,
    joiners: bool,
}

impl<'a> Printable<'a> {
    /// Wraps `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), max_chars: usize::MAX, joiners: false }
    }

    /// Wraps the text in `bytes`; what is not UTF-8 is displayed as U+FFFD.
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        Self { text: String::from_utf8_lossy(bytes), max_chars: usize::MAX, joiners: false }
    }

    /// Limits the text to `max` characters. The last one is `…` if there are more.
    #[must_use]
    pub fn max_chars(self, max: usize) -> Self {
        Self { max_chars: max, ..self }
    }

    /// Keeps joiners and variation selectors, which emoji and several scripts are written with.
    ///
    /// For text that people read, not for names: two names may differ in nothing else.
    #[must_use]
    pub fn keep_joiners(self) -> Self {
        Self { joiners: true, ..self }
    }

    /// Returns the text as it is displayed, borrowed if nothing had to be changed.
    pub fn into_cow(self) -> Cow<'a, str> {
        if self.text.chars().all(|c| self.shows(c) == c) && !self.is_cut() {
            self.text
        } else {
            Cow::Owned(self.chars().collect())
        }
    }

    /// Returns whether `c` is displayed as it is, also where joiners are not kept.
    pub fn is_printable(c: char) -> bool {
        c == ' ' || !(c.is_control() || is_joiner(c) || is_invisible(c))
    }

    /// The character that is displayed for `c`.
    fn shows(&self, c: char) -> char {
        match c {
            '\t' => ' ',
            '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(REPLACEMENT),
            '\x7f' => '\u{2421}',
            _ if Self::is_printable(c) || (self.joiners && is_joiner(c)) => c,
            _ => REPLACEMENT,
        }
    }

    /// Whether the text has more than `max_chars` characters.
    fn is_cut(&self) -> bool {
        // No text has more characters than bytes: most need not be counted.
        self.text.len() > self.max_chars && self.text.chars().nth(self.max_chars).is_some()
    }

    /// The characters that are displayed.
    fn chars(&self) -> impl Iterator<Item = char> {
        let (kept, ellipsis) = match self.is_cut() {
            true => (self.max_chars.saturating_sub(1), (self.max_chars > 0).then_some('…')),
            false => (self.max_chars, None),
        };
        self.text.chars().take(kept).map(|c| self.shows(c)).chain(ellipsis)
    }
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.width().is_some() || f.precision().is_some() {
            return f.pad(&self.clone().into_cow());
        }
        self.chars().try_for_each(|c| f.write_char(c))
    }
}

/// Whether `c` only changes how its neighbours are drawn: the zero-width joiner and non-joiner, and
/// variation selectors.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// Whether `c` shows nothing, moves what others show, or begins a line; joiners apart.
fn is_invisible(c: char) -> bool {
    matches!(c,
        // Soft hyphen, grapheme joiner, fillers of Hangul, Khmer vowels without ink, Mongolian
        // separators.
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{ffa0}'
        // Direction of writing; separators of lines and paragraphs.
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        // Zero-width space, word joiner, invisible operators, isolates, byte order mark.
        | '\u{200b}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        // Annotations, controls of shorthand and of music, tags and what is reserved beside them.
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::Printable;

    fn shown(text: &str) -> String {
        Printable::new(text).to_string()
    }

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        assert_eq!(shown("\x1b[2J\x1b]0;owned\x07"), "␛[2J␛]0;owned␇");
        assert_eq!(shown("\u{9b}31mred"), "\u{fffd}31mred");
        assert_eq!(shown("hi\r\nbob: \x08forged\x7f\tend\0"), "hi␍␊bob: ␈forged␡ end␀");
    }

    #[test]
    fn direction_lines_and_the_invisible_are_replaced() {
        let ranges = [
            '\u{80}'..='\u{9f}',
            '\u{200b}'..='\u{200f}',
            '\u{2028}'..='\u{202e}',
            '\u{2060}'..='\u{206f}',
            '\u{fe00}'..='\u{fe0f}',
            '\u{fff9}'..='\u{fffb}',
            '\u{180b}'..='\u{180f}',
            '\u{e0000}'..='\u{e0fff}',
        ];
        let single = "\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{3164}\u{feff}\u{ffa0}";
        for c in ranges.into_iter().flatten().chain(single.chars()) {
            assert_eq!(shown(&format!("a{c}b")), "a\u{fffd}b", "{:?}", c.escape_unicode());
            assert!(!Printable::is_printable(c));
        }
    }

    #[test]
    fn no_character_of_all_is_displayed_as_a_control() {
        let (names, text) = (Printable::new(""), Printable::new("").keep_joiners());
        for c in '\0'..=char::MAX {
            assert_eq!(Printable::is_printable(c), names.shows(c) == c);
            for shown in [names.shows(c), text.shows(c)] {
                assert!(!shown.is_control(), "{}", c.escape_unicode());
                assert_eq!(text.shows(shown), shown, "{}", c.escape_unicode());
            }
        }
    }

    #[test]
    fn people_write_as_they_like_but_names_have_nothing_invisible() {
        for text in ["Grüße, 世界!", "👩‍👩‍👧 ❤️", "مرحبا", "می‌خواهم"]
        {
            assert_eq!(Printable::new(text).keep_joiners().to_string(), text);
        }
        assert_eq!(shown("bo\u{200d}b"), "bo\u{fffd}b");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(Printable::from_bytes(b"a\xffb\n").to_string(), "a\u{fffd}b␊");
    }

    #[test]
    fn long_text_is_cut_by_characters() {
        let cut = |text, max| Printable::new(text).max_chars(max).to_string();
        assert_eq!((cut("abc", 3), cut("abcd", 3)), ("abc".into(), "ab…".into()));
        assert_eq!((cut("日本語です", 3), cut("日本", 2)), ("日本…".into(), "日本".into()));
        assert_eq!((cut("ab", 1), cut("ab", 0), cut("", 0)), ("…".into(), "".into(), "".into()));
    }

    #[test]
    fn width_is_padded_and_what_needs_no_change_is_borrowed() {
        assert_eq!(format!("[{:<4}]", Printable::new("a\n")), "[a␊  ]");
        assert!(matches!(Printable::new("plain").into_cow(), Cow::Borrowed("plain")));
        assert_eq!(Printable::new("a\n").into_cow(), "a␊");
        assert_eq!(Printable::new("abc").max_chars(2).into_cow(), "a…");
    }
}
